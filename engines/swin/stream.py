"""The tokens of one photo, block by block, each block computed once and only when it is needed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engines.swin.interventions import Change
from engines.swin.layouts import Layout
from engines.swin.model import Swin

Changes = Mapping[int, Change]


class Stream:
    """A forward pass that can stop after any block and go on later, and that another one can branch off from.

    Parameters
    ----------
    net : Swin
    size : (int, int)
        Height and width of the picture in pixels.
    padding : str
        See `engines.swin.layouts`.
    hidden : list of Tensor (1, N, C)
        What enters each block that has been reached; at least the embeddings.
    weights : list of Tensor (W, H, n, n)
        Of the blocks computed so far, one fewer than ``hidden``.
    changes : mapping of int to Change
    """

    def __init__(
        self, net: Swin, size: tuple[int, int], padding: str, hidden: list[Tensor], weights: list[Tensor],
        changes: Changes,
    ) -> None:  # fmt: skip
        self.net, self.size, self.padding, self.changes = net, size, padding, changes
        self.hidden, self.weights = hidden, weights
        self._grids = net.grids(*size)
        self._said: tuple[Tensor, Tensor | None] | None = None

    @classmethod
    @torch.inference_mode()
    def of(cls, net: Swin, pixels: Tensor, padding: str) -> Stream:
        """The untouched stream of pixels (1, 3, h, w); no block is computed yet."""
        return cls(net, (pixels.shape[2], pixels.shape[3]), padding, [net.embed(pixels)], [], {})

    def branch(self, changes: Changes) -> Stream:
        """A stream under ``changes`` that shares everything before the first changed block. Itself if none is."""
        if not changes:
            return self
        first = min(changes)
        return Stream(self.net, self.size, self.padding, self.hidden[: first + 1], self.weights[:first], changes)

    @property
    def reached(self) -> int:
        """Blocks computed so far."""
        return len(self.weights)

    @property
    def complete(self) -> bool:
        """Whether all blocks are computed."""
        return self.reached == self.net.config.blocks

    def layout(self, block: int) -> Layout:
        """How a block, counted from 0, cuts its grid."""
        grid = self._grids[self.net.config.stage_of(block)[0]]
        return self.net.block(block).layout(grid, self.padding, self.changes.get(block))

    @torch.inference_mode()
    def advance(self) -> None:
        """Compute the next block."""
        step = next(self.net.steps(self.hidden[-1], self.size, self.changes, self.padding, self.reached))
        self.hidden.append(step.after)
        self.weights.append(step.weights)

    @torch.inference_mode()
    def conclusion(self) -> tuple[Tensor, Tensor | None]:
        """The picture's features (C,) and logits (classes,) or None, once all blocks are computed."""
        if self._said is None:
            features, logits = self.net.conclude(self.hidden[-1])
            self._said = features[0], None if logits is None else logits[0]
        return self._said
