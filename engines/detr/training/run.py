"""A DETR in training: the bare loop behind `engines.detr.training.trainer`.

`Run.advance` makes one step, and measures on the validation pictures when that is due. Model, matching and losses are
those of Carion et al. 2020; the recipe is that of the bundled weights (`engines.detr.train`), made smaller. A long step
is cut into pieces of a few pictures, whose gradients add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.matcher import HungarianMatcher, Target
from engines.blocks.pieces import Pieces
from engines.blocks.states import copied, tensors
from engines.checkpoints import catalog
from engines.core.errors import LabError, Message
from engines.core.training import Weights
from engines.data.detector_pictures import Data, Drawn, Sample
from engines.detr.matching.loss import SetCriterion
from engines.detr.model import Detr, Memory
from engines.detr.training.auxiliary import GROUPS, TokenHead, same_group, split_groups
from engines.detr.training.featured import Features, pixels_or_features
from engines.detr.training.measures import Answers, found_in, measured
from engines.detr.training.spec import (
    BUNDLED,
    ON_VIT,
    RANDOM,
    SMALL,
    TOY,
    DetrTraining,
    Example,
    Made,
    Measured,
    Now,
    RunBegan,
    TrainStep,
    measured_after,
)

TOY_WEIGHTS = "toy-detr"
PIECE = {SMALL: 8, TOY: 4, ON_VIT: 4}  # pictures whose gradients are computed between two places to stop
MEASURED = 16  # validation pictures answered between two places to stop
WARM_UP = 50  # steps
WEIGHT_DECAY = 1e-4  # of AdamW, as in the paper
L1, GIOU = 5.0, 2.0  # weights of the losses, as in the paper
FROZEN = "backbone."


class Run:
    """One training run: model, optimizer, pictures to come, and where all of them stand.

    Parameters
    ----------
    params : DetrTraining
        What it is made of; the live ones may be others at each `advance`.
    data : Data, optional
        Drawn scenes if not given.
    device : torch.device, optional
        The processor if not given.
    vit : Features, optional
        The frozen model whose features the pictures of ``data`` hold.

    Attributes
    ----------
    losses : TrainStep
        The newest step's losses.
    measured : Measured or None
        The newest measurement.
    """

    def __init__(
        self,
        params: DetrTraining,
        data: Data | None = None,
        device: torch.device | None = None,
        vit: Features | None = None,
    ) -> None:
        self.params = params
        self.device = device or torch.device("cpu")
        self.data = data or Drawn(params.scenes, params.size, np.random.default_rng((0, params.seed)))
        self.config = params.config(len(self.data.classes), None if vit is None else vit.config)
        self._vit = "" if vit is None else vit.title
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(params.seed)
            model = Detr(self.config)
            token_head = TokenHead(self.config.dim, self.config.num_classes)
            further = torch.randn((GROUPS - 1) * params.queries, self.config.dim)
        if params.begin != RANDOM and vit is None:
            bring(model, whole=params.begin == BUNDLED, drawn=self.data.drawn)
        self.model, self.token_head = model.to(self.device), token_head.to(self.device)
        self.further = nn.Parameter(further.to(self.device))
        self.groups = GROUPS if params.auxiliary_queries else 1
        self._apart = same_group(self.groups, params.queries).to(self.device) if self.groups > 1 else None
        self.frozen = vit is not None or (params.begin != RANDOM and not params.backbone)
        learned = [value for name, value in model.named_parameters() if not (self.frozen and name.startswith(FROZEN))]
        self.values = [*learned, *([*token_head.parameters(), self.further] if params.auxiliary_queries else ())]
        self.learned = sum(value.numel() for value in learned)
        self.parameters = sum(value.numel() for value in model.parameters())
        for value in model.parameters():
            if value.dim() == 4:  # as the convolutions compute fastest
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self.pieces: Pieces[Sample] = Pieces(self.model, self.values, self.data.rng, WEIGHT_DECAY)
        self.criterion = SetCriterion(self.config.num_classes, HungarianMatcher()).to(self.device)
        self.made = Made(
            self.config, self.data.classes, self.data.drawn, self.data.size, self._arrays(True) if self.frozen else {},
            params.folder, self.data.set_mark,
        )  # fmt: skip
        self.targets = [self._target(sample) for sample in self.data.validation]
        self._seen: list[Tensor] = []  # features of the validation pictures, where the backbone does not change
        self.watched = [self._place_of(example) for example in self.data.examples]
        self._owners: list[np.ndarray] = []
        self.due = 0  # the step of the next measurement
        self.losses = TrainStep(0, 0.0, 0.0, 0.0, 0.0)
        self.measured: Measured | None = None
        self.kept_step = 0

    def _place_of(self, example: Example) -> int:
        """Which validation picture an example is: they share their boxes."""
        return next(at for at, sample in enumerate(self.data.validation) if sample.boxes is example.boxes)

    @property
    def step(self) -> int:
        """Steps made."""
        return self.pieces.step

    @property
    def stopped(self) -> bool:
        """The numbers left the finite: the run can't go on."""
        return self.pieces.stopped

    # -- one step
    def advance(self, params: DetrTraining | None = None) -> TrainStep | None:
        """Make one step, and measure if that is due; None if the numbers left the finite, which stops the run."""
        for _ in self.parts(params or self.params):
            pass
        if self.stopped:
            return None
        for _ in self.measuring():
            pass
        return self.losses

    def parts(self, params: DetrTraining) -> Iterator[None]:
        """One step, with places to stop in it. One that is given up half way is made anew with the same pictures."""
        self.criterion.class_weights[-1] = params.no_object
        rate = params.learning_rate * min(1.0, (self.step + 1) / WARM_UP)
        before = self.step
        yield from self.pieces.parts(
            PIECE[self.params.model], rate, lambda: self.data.batch(self.params.batch), self._loss
        )
        if self.step > before:
            self.losses = TrainStep(self.step, *(float(value) for value in self.pieces.terms))

    def state(self) -> dict[str, Any]:
        """All that is not made of the settings and the pictures alone, as copies."""
        return {
            **self.pieces.state(),
            "pictures": self.data.mark,
            "aid": copied(self.token_head.state_dict()),
            "further": copied({"": self.further})[""],
            "due": self.due,
            "kept": self.kept_step,
            "owners": tuple(self._owners),
            "told": self.losses,
            "measured": self.measured,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`.

        Raises
        ------
        LabError
            If the pictures are others.
        """
        if state["pictures"] != self.data.mark:
            raise LabError("These are not the pictures that the run was saved with.")
        self.pieces.load(state)
        self.token_head.load_state_dict(tensors(state["aid"]))
        with torch.no_grad():
            self.further.copy_(torch.from_numpy(state["further"]))
        self._owners = list(state["owners"])
        self.due, self.kept_step = state["due"], state["kept"]
        self.losses, self.measured = state["told"], state["measured"]

    def _loss(self, piece: list[Sample]) -> tuple[Tensor | None, np.ndarray]:
        """The loss of some pictures, and its terms in the last layer with their weights, then the cardinality error.

        None where it is not finite.
        """
        self.model.train()
        memory = self._remember(self._features(piece))
        queries = self.model.query_positions.weight
        if self.groups > 1:
            queries = torch.cat([queries, self.further])
        states = self.model.decode(memory, query_position=queries, self_mask=self._apart).states  # (L, B, G·Q, E)
        if not self.params.auxiliary_losses:
            states = states[-1:]
        logits, boxes = (
            split_groups(head(states), self.groups) for head in (self.model.class_head, self.model.box_head)
        )
        if not bool(torch.isfinite(logits.detach().sum() + boxes.detach().sum())):
            return None, np.zeros(4)
        targets = [self._target(sample) for sample in piece]
        every = targets * (len(states) * self.groups)
        matches = self.criterion.matcher(logits.detach(), boxes.detach(), every)
        terms = self.criterion.compare(logits, boxes, every, matches)
        loss = len(states) * (terms["loss_ce"] + L1 * terms["loss_bbox"] + GIOU * terms["loss_giou"])
        if self.params.auxiliary_queries:
            ce, l1, giou = self.token_head(memory.tokens, *self._asked(piece, memory))
            loss = loss + ce + L1 * l1 + GIOU * giou
        first = (len(states) - 1) * self.groups * len(piece)  # last layer, first group
        last = slice(first, first + len(piece))
        with torch.no_grad():
            metrics = self.criterion.compare(logits[last], boxes[last], targets, matches[last])
        weighted = (1.0, "loss_ce"), (L1, "loss_bbox"), (GIOU, "loss_giou"), (1.0, "cardinality_error")
        return loss, np.array([weight * float(metrics[name]) for weight, name in weighted])

    def _features(self, samples: Sequence[Sample]) -> Tensor:
        found, known = pixels_or_features(samples)
        pixels = found.to(self.device)
        if known:
            return pixels
        if not self.frozen:
            return self.model.backbone(pixels)
        self.model.backbone.eval()
        with torch.no_grad():
            return self.model.backbone(pixels)

    def _remember(self, features: Tensor) -> Memory:
        memory = self.model.embed(features)
        tokens = memory.tokens
        for layer in self.model.encoder:
            tokens, _ = layer(tokens, memory.position)
        return self.model.remember(memory, tokens)

    def _target(self, sample: Sample) -> Target:
        boxes = xyxy_to_cxcywh(torch.from_numpy(sample.boxes)).to(self.device)
        return {"labels": torch.from_numpy(sample.labels).to(self.device), "boxes": boxes}

    def _asked(self, piece: list[Sample], memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """Owner of each token (B, N), then labels (B, T) and boxes (B, T, 4) of all pictures."""
        stride = self.model.backbone.stride
        owner = np.stack([sample.owner[stride // 2 :: stride, stride // 2 :: stride] for sample in piece])
        most = max(1, *(len(sample.labels) for sample in piece), 1)
        labels = np.zeros((len(piece), most), np.int64)
        boxes = np.zeros((len(piece), most, 4), np.float32)
        for index, sample in enumerate(piece):
            labels[index, : len(sample.labels)] = sample.labels
            boxes[index, : len(sample.labels)] = sample.boxes
        flat = torch.from_numpy(owner.astype(np.int64)).flatten(1)[:, : memory.tokens.shape[1]]
        asked = xyxy_to_cxcywh(torch.from_numpy(boxes)).to(self.device)
        return flat.to(self.device), torch.from_numpy(labels).to(self.device), asked

    # -- measuring
    def measuring(self) -> Iterator[None]:
        """Measure on the validation pictures if that is due, with places to stop in it."""
        if self.step < self.due:
            return
        answers = []
        for at in range(0, len(self.data.validation), MEASURED):
            answers.append(self._answers(at))
            yield
        parts = (torch.cat(part) for part in zip(*answers, strict=True))
        found, self.measured = measured(self.step, Answers(*parts), self, self._owners)
        self._owners = [one.owners for one in found]
        self.due = measured_after(self.step)
        self.kept_step = self.step

    @torch.no_grad()
    def _answers(self, at: int) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, Q, C+1), boxes cxcywh (B, Q, 4) and last cross-attention (B, Q, h, w) of validation pictures."""
        self.model.eval()
        place = at // MEASURED
        if self.frozen and place < len(self._seen):
            features = self._seen[place]
        else:
            chosen = self.data.validation[at : at + MEASURED]
            features = self._features(chosen)
            if self.frozen:
                self._seen.append(features)
        memory = self._remember(features)
        decoded = self.model.decode(memory, need_weights=True)
        state = decoded.states[-1]
        attention = decoded.decoder_cross[-1].mean(1).unflatten(-1, (memory.height, memory.width))
        return self.model.class_head(state).cpu(), self.model.box_head(state).cpu(), attention.cpu()

    @torch.no_grad()
    def now(self, scene: int) -> Now:
        """The present answer on one of the examples."""
        scene = min(scene, len(self.watched) - 1)
        at = self.watched[scene]
        self.model.eval()
        if self.frozen and at // MEASURED < len(self._seen):
            features = self._seen[at // MEASURED][at % MEASURED : at % MEASURED + 1]
        else:
            features = self._features([self.data.validation[at]])
        memory = self._remember(features)
        decoded = self.model.decode(memory, need_weights=True)
        state, looks = decoded.states[-1], decoded.decoder_cross[-1][0].mean(0)  # (Q, N)
        logits, boxes = self.model.class_head(state).cpu(), self.model.box_head(state).cpu()
        found = found_in(self.criterion.matcher, logits, boxes, [self.targets[at]])[0]
        return Now(self.step, scene, found, looks.unflatten(-1, (memory.height, memory.width)).cpu().numpy())

    # -- telling
    def began(self) -> RunBegan:
        """What the run is."""
        stride, data = self.model.backbone.stride, self.data
        side = -(-data.size // stride)
        counts = [len(sample.labels) for sample in (*data.validation, *getattr(data, "training", ()))]
        return RunBegan(
            self.params, data.classes, data.drawn, self.parameters, self.learned,
            (side, side), data.examples, len(data.validation), sum(len(s.labels) for s in data.validation),
            data.pictures, data.skipped, data.crowds, data.faults, data.unused, data.notes,
            max(counts, default=0), sum(max(0, count - self.params.queries) for count in counts), self._vit,
            data.format,
        )  # fmt: skip

    def _arrays(self, frozen: bool) -> dict[str, np.ndarray]:
        """Copies of what the run changes, or of what it does not."""
        state = self.model.state_dict()
        apart = {name for name in state if self.frozen and name.startswith(FROZEN)}
        return {name: value.cpu().numpy().copy() for name, value in state.items() if (name in apart) == frozen}

    def kept(self) -> Weights:
        """A copy of the present state."""
        return Weights(self.step, self._arrays(False), self.made)

    def why_stopped(self) -> Message:
        """What happened, in words."""
        figures = {"n": f"{self.step + 1:,}", "k": f"{self.kept_step:,}"}
        return Message("Loss became NaN at step {n}. Stopped; weights of step {k} are kept.", figures)


def bring(model: Detr, whole: bool, drawn: bool) -> None:
    """Put bundled weights into a model: all that fit, or those of the backbone.

    Other classes than the drawn ones keep a random class head; further queries than the bundled ones stay random.
    """
    bundled = load_file(Path(catalog.locate(TOY_WEIGHTS).path))
    state = model.state_dict()
    for name, value in bundled.items():
        if not (whole or name.startswith(FROZEN)) or (name.startswith("class_head") and not drawn):
            continue
        with torch.no_grad():
            if name.startswith("query_positions"):
                count = min(len(value), len(state[name]))
                state[name][:count] = value[:count]
            else:
                state[name].copy_(value)
