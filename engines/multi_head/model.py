"""The models of this topic: a layer with random weights, and the small one that is trained.

Source: Vaswani et al. 2017, section 3.2.2. Shapes: B batch, N tokens, E width, H heads, V letters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from engines.blocks.attention import MultiHeadAttention

M = TypeVar("M", bound=nn.Module)


class TwoLetters(nn.Module):
    """One layer of attention that says two letters for each token.

    Queries and keys are places, values are letters, and there is no residual: a head chooses *where* to look, all
    that is said came through the heads, and a softmax that depends on the letters cannot smuggle their order through.
    """

    def __init__(self, letters: int, length: int, width: int, heads: int, random: torch.Generator) -> None:
        super().__init__()
        self.letters = nn.Parameter(torch.randn(letters, width, generator=random))
        self.places = nn.Parameter(torch.randn(length, width, generator=random))
        self.attention = drawn(lambda: MultiHeadAttention(width, heads), random)
        self.read = drawn(lambda: nn.Linear(width, 2 * letters), random)

    def forward(self, letters: Tensor) -> tuple[Tensor, Tensor]:
        """Letters (B, N) -> logits (B, N, 2, V) and weights (H, N, N), which are the same for all sequences."""
        where = self.places[None]  # (1, N, E)
        what = self.letters[letters]  # (B, N, E)
        said, weights = self.attention(where, where, what)
        assert weights is not None
        return self.read(said).unflatten(-1, (2, -1)), weights[0]


def drawn(make: Callable[[], M], random: torch.Generator) -> M:
    """A module with random weights of variance 1/fan-in and biases 0, from this generator and no other."""
    with torch.device("meta"):
        made = make()
    made.to_empty(device="cpu")
    with torch.no_grad():
        for name, values in made.named_parameters():
            if name.endswith("bias"):
                values.zero_()
            else:
                values.copy_(torch.randn(values.shape, generator=random) / math.sqrt(values.shape[-1]))
    return made
