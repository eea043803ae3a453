"""Backbone and convolutions of the encoder, which take nearly all of a real RT-DETR's time, in float32 or bfloat16.

The attention of the encoder, the choice of queries and the decoder stay in float32: what is shown of them is exact.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engines.blocks.backends import BFLOAT16, FLOAT32
from engines.blocks.choosing import SMALL, Choosing, missing
from engines.blocks.convnet import ConvNet
from engines.core.errors import Message
from engines.rt_detr.config import CONVNET, LEVELS
from engines.rt_detr.encoder import HybridEncoder
from engines.rt_detr.model import Memory, Proposals, RtDetr
from engines.rt_detr.resnet_vd import ResNetVd

BACKENDS = (FLOAT32, BFLOAT16)
TRIAL = 320  # pixels of the side of the small picture that backends are tried with
SAME_BOX = 1 / 640  #: a pixel of what the published models see
SEEN = 0.3  #: the score from which on it counts where a box lies


@dataclass(frozen=True, eq=False)
class Convolutions:
    """All that computes in the precision of a backend."""

    backbone: ConvNet | ResNetVd
    input_projection: nn.ModuleList
    encoder: HybridEncoder
    memory_projection: nn.ModuleList
    dtype: torch.dtype = torch.float32


def convolutions(model: RtDetr, dtype: torch.dtype = torch.float32) -> Convolutions:
    """Those of the model, or in another precision a copy."""
    whole = Convolutions(model.backbone, model.input_projection, model.encoder, model.memory_projection)
    if dtype == torch.float32:
        return whole
    copied = copy.deepcopy(whole)
    for part in (copied.backbone, copied.input_projection, copied.encoder, copied.memory_projection):
        part.to(dtype)
    return replace(copied, dtype=dtype)


class Encoding:
    """From pixels to what each location says, a step at a time; a displaced job goes on where it was.

    Parameters
    ----------
    model : RtDetr
    pixels : Tensor (1, 3, H, W)
    parts : Convolutions, optional
        What to compute with, if not the model's own.

    Attributes
    ----------
    seconds : float
        Spent so far.
    inputs : list of Tensor (1, E, h, w)
        What the encoder was given, finest first.
    """

    def __init__(self, model: RtDetr, pixels: Tensor, parts: Convolutions | None = None) -> None:
        model.check(pixels)
        self.model, self.parts = model, parts or convolutions(model)
        self._x, self._maps, self._weights = pixels, list[Tensor](), list[Tensor]()
        self.inputs: list[Tensor] = []
        self._memory: Memory | None = None
        self._proposals: Proposals | None = None
        backbone = self.parts.backbone
        self._steps: list[Callable[[], None]] = [self._begin, *(self._stage(step) for step in backbone.steps())]
        self._steps += [self._attend, self._fuse, self._propose]
        self.done, self.total, self.seconds = 0, len(self._steps), 0.0

    @torch.inference_mode()
    def advance(self) -> None:
        """Do the next step."""
        began = time.perf_counter()
        self._steps[self.done]()
        self.seconds += time.perf_counter() - began
        self.done += 1

    def finish(self) -> tuple[Memory, Proposals]:
        """What came of it, after all steps that are left."""
        while self.done < self.total:
            self.advance()
        assert self._memory is not None
        assert self._proposals is not None
        return self._memory, self._proposals

    def _begin(self) -> None:
        self._x = self.parts.backbone.begin(self._x.to(self.parts.dtype))

    def _stage(self, step: nn.Module) -> Callable[[], None]:
        def run() -> None:
            self._x = step(self._x)
            self._maps = [*self._maps, self._x][-LEVELS:]

        return run

    def _attend(self) -> None:
        dtype = self.parts.dtype
        maps = [project(x) for project, x in zip(self.parts.input_projection, self._maps, strict=True)]
        self.inputs = [x.float() for x in maps]
        coarsest, self._weights = self.model.encoder.attend(maps[-1].float(), need_weights=True)
        self._maps = [*maps[:-1], coarsest.to(dtype)]

    def _fuse(self) -> None:
        self._maps = self.parts.encoder.fuse(self._maps)

    def _propose(self) -> None:
        projected = [project(x).float() for project, x in zip(self.parts.memory_projection, self._maps, strict=True)]
        self._memory = self.model.gather(projected, self._weights)
        self._proposals = self.model.propose(self._memory)
        self._x, self._maps = self._x[:, :0], []


class Backends(Choosing[Convolutions, Encoding]):
    """The backends of one model."""

    def __init__(self, model: RtDetr) -> None:
        super().__init__(convolutions(model), BACKENDS, SAME_BOX)
        self.model = model

    def obstacle(self, backend: str) -> Message | None:
        """Why there is no choice."""
        if backend == FLOAT32:
            return None
        return SMALL if self.model.config.backbone.kind == CONVNET else missing(backend, self.model.device)

    def make(self, backend: str) -> Convolutions:
        """The convolutions in bfloat16."""
        return convolutions(self.model, torch.bfloat16)

    def go(self, way: Convolutions) -> Tensor:
        """The memory of a small picture, (1, S, E)."""
        pixels = torch.zeros(1, 3, TRIAL, TRIAL, device=self.model.device).to(memory_format=torch.channels_last)
        return Encoding(self.model, pixels, way).finish()[0].tokens

    def difference(self, fast: Encoding, plain: Encoding) -> tuple[float, float, float]:
        """As the function of this name."""
        return difference(self.model, fast, plain)


@torch.inference_mode()
def difference(model: RtDetr, fast: Encoding, plain: Encoding) -> tuple[float, float, float]:
    """Largest difference of logits, scores and boxes (shares of the sides) of what is found in two encodings.

    A query is held against the one that was chosen at the same location, or where the other has none there, against
    the one whose box is nearest. Boxes count where one of both has a score of ``SEEN``.
    """
    sides = []
    for encoding in (fast, plain):
        memory, proposals = encoding.finish()
        selected = model.select(proposals)
        decoded = model.decode(memory, proposals.taken(selected))
        sides.append((selected[0], decoded.logits[-1, 0], decoded.boxes[-1, 0]))
    apart = [0.0, 0.0, 0.0]
    for (here, logits, boxes), (there, others, other_boxes) in (sides, sides[::-1]):
        same = here[:, None] == there  # (Q, Q)
        away = torch.cdist(boxes, other_boxes, p=torch.inf).masked_fill(same, -1.0)
        partner = away.argmin(1)
        matched = others[partner]
        scores, other_scores = logits.sigmoid(), matched.sigmoid()
        seen = torch.maximum(scores.amax(-1), other_scores.amax(-1)) >= SEEN
        moved = (boxes - other_boxes[partner]).abs().amax(-1)[seen]
        shared = same.any(1)
        found = (
            (logits - matched).abs().amax(-1)[shared],
            (scores - other_scores).abs().amax(-1),
            moved,
        )
        apart = [
            max(most, float(values.max()) if len(values) else 0.0) for most, values in zip(apart, found, strict=True)
        ]
    return apart[0], apart[1], apart[2]
