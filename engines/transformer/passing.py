"""What one pass through the model carries along, and what it writes down.

Shapes: as in `engines.transformer.model`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engines.blocks.attention import scaled_dot_product_attention
from engines.transformer.switches import CROSS, DECODER, ENCODER, UNTOUCHED, Switches

#: Intermediate results of one pass by name, e.g. ``encoder.0.queries``; see `Transformer.trace`.
Tape = dict[str, Tensor]


@dataclass
class Pass:
    """What one pass through the model carries along, so that layers keep short signatures."""

    switches: Switches = UNTOUCHED
    dropout: float = 0.0  #: probability, 0 outside of training
    generator: torch.Generator | None = None
    need_weights: bool = False
    src_valid: Tensor | None = None  # (B, S), True = a token, False = padding
    tgt_valid: Tensor | None = None  # (B, T)
    tape: Tape | None = None
    weights: dict[str, list[Tensor]] = field(default_factory=lambda: {ENCODER: [], DECODER: [], CROSS: []})

    def drop(self, x: Tensor) -> Tensor:
        """Dropout from the run's own generator; x is of any shape."""
        if not self.dropout:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.dropout
        return x * kept / (1 - self.dropout)

    def attention(self, _name: str, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Output (B, H, Q, d) and weights (B, H, Q, K) of the attention of that name."""
        return scaled_dot_product_attention(q, k, v, mask)

    def keep(self, name: str, x: Tensor) -> Tensor:
        """Write an intermediate result of any shape down, if somebody asked for it."""
        if self.tape is not None:
            self.tape[name] = x
        return x
