"""Attention of a color to a palette: the weights of a kernel regression (Nadaraya 1964, Watson 1964)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Palette(nn.Module):
    """N colors as keys.

    Parameters
    ----------
    names : sequence of str
        What the colors are called.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.colors = nn.Parameter(torch.zeros(len(self.names), 3))

    def forward(self, query: Tensor, temperature: float = 1.0) -> Tensor:
        """Colors (B, 3) in 0..1 -> weights (B, N), softmax(−‖q − k‖² / temperature)."""
        distances = (query[:, None] - self.colors).square().sum(-1)  # (B, N)
        return torch.softmax(-distances / temperature, -1)
