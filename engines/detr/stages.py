"""The stages of a look at one photo, each computed once and kept: encode, decode, a row of the encoder.

Nothing here yields inside an inference-mode block: each function does one short piece of work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.core.errors import NOT_FINITE, LabError
from engines.detr.interventions import ENCODER_SELF, Interventions
from engines.detr.model import Detr, Memory
from engines.detr.transformer import EncoderLayer

Floats = npt.NDArray[np.float32]


class Encoding:
    """Backbone and encoder of one photo, a step at a time; a displaced job goes on where it was.

    Parameters
    ----------
    model : Detr
    pixels : Tensor (1, 3, H, W)
    backbone : sequence of callable, optional
        What the pixels go through one after the other to become features, if not the model's own backbone.

    Attributes
    ----------
    seconds : float
        Spent so far.
    inputs : list of Tensor (1, N, E)
        What each encoder layer was given: from there any row of its attention can be had.
    """

    def __init__(
        self, model: Detr, pixels: Tensor, backbone: Sequence[Callable[[Tensor], Tensor]] | None = None
    ) -> None:
        self.model, self.size = model, (pixels.shape[-2], pixels.shape[-1])
        self._x = pixels
        parts = backbone or (model.backbone.begin, *model.backbone.steps())
        self._steps: list[Callable[[], None]] = [self._backbone_step(step) for step in parts]
        self._steps += [self._embed, *(self._encoder_step(index) for index in range(len(model.encoder))), self._end]
        self._memory: Memory | None = None
        self.inputs: list[Tensor] = []
        self.done, self.total, self.seconds = 0, len(self._steps), 0.0

    @property
    def memory(self) -> Memory:
        """What the decoder attends to, once all steps are done."""
        if self._memory is None or self.done < self.total:
            raise RuntimeError("not encoded yet")
        return self._memory

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the feature map."""
        return self.memory.height, self.memory.width

    @torch.inference_mode()
    def advance(self) -> None:
        """Do the next step: one block of the backbone or one encoder layer."""
        began = time.perf_counter()
        self._steps[self.done]()
        self.seconds += time.perf_counter() - began
        self.done += 1

    def _backbone_step(self, step: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def run() -> None:
            self._x = step(self._x)

        return run

    def _embed(self) -> None:
        self._memory = self.model.embed(self._x)
        self._x = self._memory.tokens

    def _encoder_step(self, index: int) -> Callable[[], None]:
        def run() -> None:
            assert self._memory is not None
            self.inputs.append(self._x)
            self._x, _ = self.model.encoder[index](self._x, self._memory.position)

        return run

    def _end(self) -> None:
        assert self._memory is not None
        self._memory = self.model.remember(self._memory, self._x)
        self._x = self._x[:, :0]


class Rerun:
    """The encoder again with some of its heads changed, from the first changed layer on, a layer at a time."""

    def __init__(self, encoding: Encoding, changes: Interventions) -> None:
        self.encoding, self.changes = encoding, changes
        first = changes.first_layer
        self.inputs = encoding.inputs[: first + 1]
        self.total = len(encoding.inputs) - first
        self.done = 0
        self._memory: Memory | None = None

    @property
    def memory(self) -> Memory:
        """What the decoder attends to, once all layers are done."""
        if self._memory is None:
            raise RuntimeError("not encoded yet")
        return self._memory

    @torch.inference_mode()
    def advance(self) -> None:
        """Do the next encoder layer."""
        index, model, plain = len(self.inputs) - 1, self.encoding.model, self.encoding.memory
        change = self.changes.of(ENCODER_SELF, index)
        x, _ = model.encoder[index](self.inputs[-1], plain.position, None, change)
        self.done += 1
        if index + 1 < len(model.encoder):
            self.inputs.append(x)
        else:
            self._memory = model.remember(plain, x)


@dataclass(frozen=True, eq=False)
class Answer:
    """What the decoder says of one photo, and how it came to it.

    Attributes
    ----------
    boxes : ndarray (L, Q, 4)
        xyxy in 0..1.
    scores, no_object : ndarray (L, Q)
        Probability of the best real class, and of "no object".
    labels : ndarray int64 (L, Q)
    self_attention : ndarray (L, H, Q, Q)
    cross : list of Tensor (H, Q, N)
        Kept where they were computed; only the rows of one query at a time are shown.
    probabilities : ndarray (Q, C+1)
        Of all classes after the last layer, "no object" last.
    """

    boxes: Floats
    scores: Floats
    no_object: Floats
    labels: npt.NDArray[np.int64]
    self_attention: Floats
    cross: list[Tensor]
    probabilities: Floats

    @torch.inference_mode()
    def looked_at(self, query: int, height: int, width: int) -> Floats:
        """Cross-attention of one query, (L, H, h, w)."""
        rows = torch.stack([weights[:, query] for weights in self.cross])  # (L, H, N)
        out: Floats = rows.unflatten(-1, (height, width)).cpu().numpy()
        return out


@torch.inference_mode()
def decode(model: Detr, memory: Memory, interventions: Interventions) -> Answer:
    """Run the decoder and its heads after every layer."""
    decoded = model.decode(memory, True, interventions)
    whole = torch.isfinite(decoded.states).flatten(1).all(1)  # (L,)
    if not whole.all():
        raise LabError(NOT_FINITE, n=int((~whole).nonzero()[0]) + 1)
    probabilities = model.class_head(decoded.states)[:, 0].softmax(-1)  # (L, Q, C+1)
    scores, labels = probabilities[..., :-1].max(-1)
    boxes = cxcywh_to_xyxy(model.box_head(decoded.states)[:, 0])
    return Answer(
        boxes.cpu().numpy(),
        scores.cpu().numpy(),
        probabilities[..., -1].cpu().numpy(),
        labels.cpu().numpy(),
        torch.stack(decoded.decoder_self)[:, 0].cpu().numpy(),
        [weights[0] for weights in decoded.decoder_cross],
        probabilities[-1].cpu().numpy(),
    )


@torch.inference_mode()
def encoder_rows(model: Detr, memory: Memory, inputs: list[Tensor], token: int, interventions: Interventions) -> Floats:
    """Where one token attends, in every layer and head: (L, H, h, w)."""
    rows = [
        cast(EncoderLayer, layer).row(x, memory.position, token, None, interventions.of(ENCODER_SELF, index))[
            0
        ]  # (H, N)
        for index, (layer, x) in enumerate(zip(model.encoder, inputs, strict=True))
    ]
    out: Floats = torch.stack(rows).unflatten(-1, (memory.height, memory.width)).cpu().numpy()
    return out


def extent_of(shape: tuple[int, ...], encoding: Encoding) -> tuple[float, float, float, float]:
    """Where the feature map lies on a picture of this height and width: left, top, right, bottom in its pixels.

    Its last row and column may reach beyond the border.
    """
    stride, (height, width) = encoding.model.backbone.stride, encoding.size
    across, down = shape[1] / width, shape[0] / height
    return 0.0, 0.0, encoding.memory.width * stride * across, encoding.memory.height * stride * down
