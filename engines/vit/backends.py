"""A ViT with its linear layers, which take nearly all of its time, in bfloat16; softmax and norms stay float32.

What is shown is what such a model uses: all that is read from a stream is worked out with the layers that made it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engines.blocks.backends import BFLOAT16, FLOAT32
from engines.blocks.choosing import SMALL, Choosing, missing
from engines.blocks.half import with_half_linears
from engines.core.errors import Message
from engines.vit.model import ViT
from engines.vit.stream import Stream

BACKENDS = (FLOAT32, BFLOAT16)
LARGE = 10_000_000  #: parameters below which there is nothing to gain


def is_large(net: ViT) -> bool:
    """Whether there is a choice."""
    return sum(parameter.numel() for parameter in net.parameters()) >= LARGE


class Backends(Choosing[ViT, Stream]):
    """The backends of one model."""

    def __init__(self, net: ViT) -> None:
        super().__init__(net, BACKENDS)
        self.large = is_large(net)

    def obstacle(self, backend: str) -> Message | None:
        """Why there is no choice."""
        if backend == FLOAT32:
            return None
        return missing(backend, self.plain.device) if self.large else SMALL

    def make(self, backend: str) -> ViT:
        """The model in bfloat16."""
        return with_half_linears(self.plain)

    def go(self, way: ViT) -> Tensor:
        """All layers for a picture of the model's own size: what leaves the last one, (1, N, D)."""
        side = way.config.image_size
        stream = Stream.of(way, torch.zeros(1, 3, side, side, device=way.device))
        while not stream.complete:
            stream.advance()
        return stream.hidden[-1]

    @torch.inference_mode()
    def difference(self, fast: Stream, plain: Stream) -> tuple[float, float, float]:
        """Of logits and probabilities; of the class token (and of nothing else) in a model without a head."""
        one, other = fast.conclusion(), plain.conclusion()
        if one.logits is None or other.logits is None:
            apart = (one.tokens[0] - other.tokens[0]).norm() / other.tokens[0].norm()
            return float((one.tokens - other.tokens).abs().max()), float(apart), -1.0
        probabilities = one.logits.softmax(-1) - other.logits.softmax(-1)
        return float((one.logits - other.logits).abs().max()), float(probabilities.abs().max()), -1.0
