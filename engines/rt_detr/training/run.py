"""An RT-DETR in training: the bare loop behind `engines.rt_detr.training.trainer`.

Model, matching, denoising and losses are those of Zhao et al. 2024; the recipe is that of the bundled weights
(`engines.rt_detr.train`). What is measured and kept is a moving average of the weights. A long step is cut into pieces
of a few pictures, whose gradients add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.matcher import Target
from engines.blocks.pieces import Pieces
from engines.blocks.states import copied, tensors
from engines.checkpoints import catalog
from engines.checkpoints.folder import Tensors
from engines.core.errors import LabError, Message
from engines.core.training import Weights
from engines.data.detector_pictures import Data, Drawn, Sample
from engines.data.detector_training import Example, measured_after
from engines.rt_detr.evaluate import scene_pixels
from engines.rt_detr.loss import BOX, CLASS, GIOU, Criterion, weighted
from engines.rt_detr.matcher import HungarianMatcher
from engines.rt_detr.model import RtDetr
from engines.rt_detr.training.measures import Answers, answers, found_in, gathered, measured
from engines.rt_detr.training.spec import (
    BACKBONE,
    BUNDLED,
    IOU,
    RANDOM,
    SMALL,
    TOY,
    Made,
    Measured,
    Now,
    RtDetrTraining,
    RunBegan,
    TrainStep,
)
from engines.rt_detr.training_pass import Denoising, advance

TOY_WEIGHTS = "toy-rt-detr"
PIECE = {SMALL: 8, TOY: 4}  # pictures whose gradients are computed between two places to stop
MEASURED = 16  # validation pictures answered between two places to stop
WARM_UP = 50  # steps
WEIGHT_DECAY = 1e-4  # of AdamW, as in the paper
SMOOTHING = 0.99  # of the averaged weights
PRETRAINED = 3  # stages of the backbone that a pretrained one brings
MOST_DENOISING = 100  # good copies a picture; with the bad ones there are twice as many denoising queries


class Run:
    """One training run: model, optimizer, pictures to come, and where all of them stand.

    Parameters
    ----------
    params : RtDetrTraining
        What it is made of; the live ones may be others at each `advance`.
    data : Data, optional
        Drawn scenes if not given.
    device : torch.device, optional
        The processor if not given.

    Attributes
    ----------
    losses : TrainStep
        The newest step's losses.
    measured : Measured or None
        The newest measurement.
    """

    def __init__(self, params: RtDetrTraining, data: Data | None = None, device: torch.device | None = None) -> None:
        self.params = params
        self.device = device or torch.device("cpu")
        self.data = data or Drawn(params.scenes, params.size, np.random.default_rng((0, params.seed)))
        self.config = params.config(len(self.data.classes))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(params.seed)
            model, average = RtDetr(self.config), RtDetr(self.config)
            model.initialize()
            noises = Denoising(
                self.config.num_classes, self.config.dim, MOST_DENOISING if params.groups else 0, params.label_noise,
                params.box_noise, params.groups,
            )  # fmt: skip
        fixed = bring(model, params.begin, self.data.drawn)
        average.load_state_dict(model.state_dict())
        self.model, self.average = model.to(self.device), average.to(self.device).eval().requires_grad_(False)
        self.denoising = noises.to(self.device)
        self._fixed = [self.model.backbone.steps()[at] for at in range(fixed)]
        self._apart = tuple(f"backbone.stages.{at}." for at in range(fixed))
        self.generator = torch.Generator().manual_seed(params.seed)
        self._noise = self.generator.get_state()  # as it was when the step in hand began
        learned = [value for name, value in self.model.named_parameters() if not name.startswith(self._apart or "-")]
        self.learned = sum(value.numel() for value in learned)
        self.parameters = sum(value.numel() for value in self.model.parameters())
        for value in self.model.parameters():
            if value.dim() == 4:  # as the convolutions compute fastest
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        values = [*learned, *(self.denoising.parameters() if params.groups else ())]
        self.pieces: Pieces[Sample] = Pieces(self.model, values, self.data.rng, WEIGHT_DECAY)
        self.criterion = Criterion(HungarianMatcher(), params.target == IOU)
        self.made = Made(
            self.config, self.data.classes, self.data.drawn, self.data.size, self._arrays(True), params.folder
        )
        self.targets = [self._target(sample) for sample in self.data.validation]
        self.watched = [self._place_of(example) for example in self.data.examples]
        self._owners: list[np.ndarray] = []
        self.due = 0  # the step of the next measurement
        self.losses = TrainStep(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
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
    def advance(self, params: RtDetrTraining | None = None) -> TrainStep | None:
        """Make one step, and measure if that is due; None if the numbers left the finite, which stops the run."""
        for _ in self.parts(params or self.params):
            pass
        if self.stopped:
            return None
        for _ in self.measuring():
            pass
        return self.losses

    def parts(self, params: RtDetrTraining) -> Iterator[None]:
        """One step, with places to stop in it. One that is given up half way is made anew with the same pictures."""
        if self.pieces.in_hand:
            self.generator.set_state(self._noise)
        else:
            self._noise = self.generator.get_state()
        rate = params.learning_rate * min(1.0, (self.step + 1) / WARM_UP)
        before = self.step
        yield from self.pieces.parts(
            PIECE[self.params.model], rate, lambda: self.data.batch(self.params.batch), self._loss
        )
        if self.step > before:
            self._smooth()
            self.losses = TrainStep(self.step, *(float(value) for value in self.pieces.terms))

    @torch.no_grad()
    def _smooth(self) -> None:
        """Move the averaged weights a little towards the present ones."""
        keep = min(SMOOTHING, (self.step + 1) / (self.step + 10)) if self.params.averaged else 0.0
        for slow, fast in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if slow.is_floating_point():
                slow.lerp_(fast, 1 - keep)
            else:
                slow.copy_(fast)

    def _loss(self, piece: list[Sample]) -> tuple[Tensor | None, np.ndarray]:
        """The loss of some pictures and the figures of a `TrainStep`; None where it is not finite."""
        self.model.train()
        for stage in self._fixed:
            stage.eval()
        targets = [self._target(sample) for sample in piece]
        try:
            passed = advance(self.model, self.denoising, self.criterion, self._pixels(piece), targets, self.generator)
        except ValueError:  # the matcher has no order for what is not a number
            return None, np.zeros(6)
        loss = weighted(passed.losses)
        if not bool(torch.isfinite(loss)):
            return None, np.zeros(6)
        each = passed.losses.detach().cpu().numpy() * (CLASS, BOX, GIOU)  # (3, 3)
        layers = self.config.decoder_layers
        sums = each.sum(1) / (layers, 1, layers)
        return loss, np.array([*(each[0] / layers), *sums])

    def _pixels(self, samples: Sequence[Sample]) -> Tensor:
        return scene_pixels(np.stack([sample.rgb for sample in samples])).to(self.device)

    def _target(self, sample: Sample) -> Target:
        boxes = xyxy_to_cxcywh(torch.from_numpy(sample.boxes)).to(self.device)
        return {"labels": torch.from_numpy(sample.labels).to(self.device), "boxes": boxes}

    # -- on disk
    def state(self) -> dict[str, Any]:
        """All that is not made of the settings and the pictures alone, as copies."""
        noise = self._noise if self.pieces.in_hand else self.generator.get_state()
        return {
            **self.pieces.state(),
            "pictures": self.data.mark,
            "average": copied(self.average.state_dict()),
            "embedding": copied(self.denoising.state_dict()),
            "noise": noise.numpy().copy(),
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
        self.average.load_state_dict(tensors(state["average"]))
        self.denoising.load_state_dict(tensors(state["embedding"]))
        self.generator.set_state(torch.from_numpy(state["noise"].copy()))
        self._owners = list(state["owners"])
        self.due, self.kept_step = state["due"], state["kept"]
        self.losses, self.measured = state["told"], state["measured"]

    # -- measuring
    def measuring(self) -> Iterator[None]:
        """Measure on the validation pictures if that is due, with places to stop in it."""
        if self.step < self.due:
            return
        parts: list[Answers] = []
        for at in range(0, len(self.data.validation), MEASURED):
            parts.append(answers(self.average, self._pixels(self.data.validation[at : at + MEASURED])))
            yield
        self._owners, self.measured = measured(
            self.step, gathered(parts), self.targets, self.data.size, self.watched, self._owners
        )
        self.due = measured_after(self.step)
        self.kept_step = self.step

    def now(self, scene: int) -> Now:
        """The present answer on one of the examples."""
        scene = min(scene, len(self.watched) - 1)
        at = self.watched[scene]
        said = gathered([answers(self.average, self._pixels([self.data.validation[at]]))])
        return Now(self.step, scene, found_in(HungarianMatcher(), said, [self.targets[at]])[0])

    # -- telling
    def began(self) -> RunBegan:
        """What the run is."""
        data = self.data
        counts = [len(sample.labels) for sample in (*data.validation, *getattr(data, "training", ()))]
        shapes = tuple((data.size // stride, data.size // stride) for stride in self.config.backbone.strides)
        return RunBegan(
            self.params, data.classes, data.drawn, self.parameters, self.learned, shapes, data.examples,
            len(data.validation), sum(len(s.labels) for s in data.validation), data.pictures, data.skipped,
            data.crowds, data.faults, data.unused, data.notes, max(counts, default=0),
            sum(max(0, count - self.params.queries) for count in counts), data.format,
        )  # fmt: skip

    def _arrays(self, frozen: bool) -> dict[str, np.ndarray]:
        """Copies of what the run changes, or of what it does not; of the averaged weights."""
        state = self.average.state_dict()
        return {
            name: value.cpu().numpy().copy()
            for name, value in state.items()
            if name.startswith(self._apart or "-") == frozen
        }

    def kept(self) -> Weights:
        """A copy of the present state."""
        return Weights(self.step, self._arrays(False), self.made)

    def why_stopped(self) -> Message:
        """What happened, in words."""
        figures = {"n": f"{self.step + 1:,}", "k": f"{self.kept_step:,}"}
        return Message("Loss became NaN at step {n}. Stopped; weights of step {k} are kept.", figures)


@torch.no_grad()
def bring(model: nn.Module, begin: str, drawn: bool) -> int:
    """Put bundled weights into a model: all that fit, or those of the first stages of its backbone.

    Other classes than the drawn ones keep random class heads.

    Returns
    -------
    int
        How many stages of the backbone stay as they are.
    """
    if begin == RANDOM:
        return 0
    bundled = Tensors([catalog.locate(TOY_WEIGHTS).path])
    for name, value in model.state_dict().items():
        stage = name.startswith(tuple(f"backbone.stages.{at}." for at in range(PRETRAINED)))
        head = "class_heads" in name or "score_head" in name
        if name in bundled and (stage or (begin == BUNDLED and (drawn or not head))):
            value.copy_(bundled[name])
    return PRETRAINED if begin in (BACKBONE, BUNDLED) else 0
