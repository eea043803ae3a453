"""One contrastive run: encoders, dictionary and optimizer, advanced step by step; what it is made of, and its state."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import torch
from torch import Tensor

from engines.blocks.optimizers import Adam
from engines.core.errors import LabError
from engines.core.training import Weights, finite
from engines.moco.augment import views
from engines.moco.measures import alignment, uniformity
from engines.moco.methods import KINDS, Dictionary
from engines.moco.model import MoCo
from engines.moco.parts import DIM, Twin, checked, encoder, normalize, recipe, settle
from engines.moco.pictures import PictureSet
from engines.moco.settings import Learning
from engines.moco.spec import Measured, MocoStep, RunBegan, RunParams

SETTLE = 256  # pictures that batch norm's first statistics are of
WARM_UP = 50  # steps over which the rate rises: the noise in the queue would else press all keys together
HISTORY = 4000  # steps of the curves that are saved
TOLD = tuple(f.name for f in dataclasses.fields(MocoStep))


class Run:
    """One run: encoders, dictionary, optimizer, generator, and where all of them stand.

    Parameters
    ----------
    params : RunParams
    found : PictureSet

    Raises
    ------
    LabError
        If there are fewer pictures than the batch has, or all are the same.
    """

    def __init__(self, params: RunParams, found: PictureSet) -> None:
        self.params, self.found = params, found
        self.notes = checked(found, params)
        self.pixels = torch.from_numpy(found.pixels).permute(0, 3, 1, 2).contiguous()  # uint8 (n, 3, 32, 32)
        self.test = torch.from_numpy(found.test_pixels).permute(0, 3, 1, 2).contiguous()
        self.labels, self.test_labels = found.labels, found.test_labels
        self.generator = torch.Generator().manual_seed(params.seed)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(params.seed)
            made = encoder(params.mlp)
            self.moco = MoCo(made, DIM, params.queue_size, params.momentum, params.temperature)
            self.twin = None if self.labels is None or not params.supervised else Twin(params.mlp, len(found.names))
        self.moco.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave the keyword out
        settle(self.moco, made, self._views(torch.arange(min(SETTLE, len(self.pixels))), params, 1))
        if self.twin is not None:
            self.twin.encoder.load_state_dict(made.state_dict())
        self.dictionary: Dictionary = KINDS[params.method](self.moco, len(self.pixels), params.batch, self.generator)
        self.values = list(made.parameters())
        self.adam = Adam(self.values, weight_decay=1e-4)
        self.order = torch.empty(0, dtype=torch.int64)
        self.step, self.own, self.stopped, self.collapsed = 0, 0, False, False
        self.told: list[MocoStep] = []
        self.measured: list[Measured] = []
        self.update = (self._weight(True), self._weight(False), self._weight(True))

    def _weight(self, slow: bool) -> float:
        """One weight of the first convolution."""
        encoder = self.moco.encoder_k if slow else self.moco.encoder_q
        return float(next(encoder.parameters()).detach()[0, 0, 1, 1])

    def _views(self, index: Tensor, params: Learning, view: int) -> Tensor:
        """Views (B, 3, 32, 32) of the pictures numbered (B,), in uint8 so that they can be kept as they were."""
        made = views(self.pixels[index].float() / 255, recipe(params, view), self.generator)
        return (made * 255).round_().byte()

    def advance(self, params: RunParams) -> MocoStep | None:
        """One step with the live settings of ``params``; None where the numbers left the finite."""
        moco, size = self.moco, self.params.batch
        moco.momentum, moco.temperature = params.momentum, params.temperature
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(len(self.pixels), generator=self.generator)])
        index, self.order = self.order[:size], self.order[size:]
        one, two = self._views(index, params, 1), self._views(index, params, 2)
        first = normalize(one.float() / 255)
        moco.train()
        before, query = self._weight(True), self._weight(False)
        contrast = self.dictionary.contrast(first, normalize(two.float() / 255), index)
        loss = contrast.loss
        gradients = torch.autograd.grad(loss, self.values)
        lr = params.learning_rate * min(1.0, (self.step + 1) / WARM_UP)
        self.adam.step(gradients, lr)
        if not finite(float(loss.detach()), float(self.values[0].detach().sum())):
            self.stopped = True
            return None
        self.dictionary.learned(contrast, index, two)
        if self.twin is not None and self.labels is not None:
            self.twin.step(first, torch.from_numpy(self.labels)[index], lr)
        self.step += 1
        self.own = contrast.own
        self.update = (before, query, self._weight(True))
        q, k = contrast.q.detach(), contrast.k.detach()
        told = MocoStep(
            self.step,
            float(loss.detach()),
            float((contrast.logits.detach().argmax(1) == contrast.targets).float().mean()),
            moco.momentum_distance(),
            self._weight(False),
            self._weight(True),
            alignment(q, k),
            uniformity(k),
            float((1 - k.mean(0).square().sum()).clamp(min=0).sqrt()),
            contrast.own,
        )
        self.told.append(told)
        if len(self.told) > 2 * HISTORY:
            self.told = self.told[::2]
        return told

    # -- what it is
    def began(self) -> RunBegan:
        """Where the run stands."""
        return RunBegan(
            self.params,
            self.step,
            len(self.pixels),
            len(self.test),
            sum(v.numel() for v in self.values),
            self.labels is not None,
            self.found.names,
            self.dictionary.chance,
            self.notes,
        )

    def weights(self) -> Weights:
        """A copy of both encoders and the queue, to look back at."""
        state = {name: value.detach().numpy().copy() for name, value in self.moco.state_dict().items()}
        state["keys"] = self.dictionary.keys.numpy().copy()
        state["ages"] = self.dictionary.ages.numpy().copy()
        state["pictures"] = self.dictionary.pictures.numpy().copy()
        return Weights(self.step, state, self.params)

    def mark(self) -> int:
        """A number that tells whether the pictures are the same."""
        return zlib.crc32(self.found.pixels[:: max(1, len(self.found.pixels) // 64)].tobytes())

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        thin = self.told[:: 1 + len(self.told) // HISTORY]
        return {
            "moco": self.moco.state_dict(),
            "dictionary": self.dictionary.state(),
            "adam": self.adam.state(),
            "twin": None if self.twin is None else self.twin.state(),
            "generator": self.generator.get_state(),
            "order": self.order,
            "step": self.step,
            "update": list(self.update),
            "mark": self.mark(),
            "told": torch.tensor([dataclasses.astuple(t) for t in thin], dtype=torch.float64),
            "measured": [list(dataclasses.astuple(m)) for m in self.measured],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`.

        Raises
        ------
        LabError
            If the pictures are others, or the sizes do not fit.
        """
        if state["mark"] != self.mark():
            raise LabError("These are not the pictures that the run was saved with.")
        try:
            self.moco.load_state_dict(state["moco"])
        except RuntimeError as error:
            raise LabError("The sizes of the saved run differ from the settings.") from error
        self.dictionary.load(state["dictionary"])
        self.adam.load(state["adam"])
        if self.twin is not None and state["twin"] is not None:
            self.twin.load(state["twin"])
        self.generator.set_state(state["generator"])
        self.order, self.step = state["order"], int(state["step"])
        before, query, after = state["update"]
        self.update = (before, query, after)
        for row in state["told"].tolist():
            self.told.append(MocoStep(**dict(zip(TOLD, row, strict=True)) | {"step": int(row[0]), "own": int(row[-1])}))
        self.measured = [Measured(int(row[0]), *row[1:]) for row in state["measured"]]
