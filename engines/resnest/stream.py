"""The maps of one photo, block by block, each block computed once and only when it is needed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engines.resnest.interventions import Change
from engines.resnest.model import ResNeSt

Changes = Mapping[int, Change]


class Stream:
    """A forward pass that can stop after any block and go on later, and that another one can branch off from.

    Parameters
    ----------
    net : ResNeSt
    hidden : list of Tensor (1, channels, H, W)
        What enters each block that has been reached; at least what leaves the stem.
    weights : list of Tensor (1, R, C)
        Of the blocks computed so far, one fewer than ``hidden``.
    changes : mapping of int to Change
    """

    def __init__(self, net: ResNeSt, hidden: list[Tensor], weights: list[Tensor], changes: Changes) -> None:
        self.net, self.hidden, self.weights, self.changes = net, hidden, weights, changes
        self._said: tuple[Tensor, Tensor | None] | None = None

    @classmethod
    @torch.inference_mode()
    def of(cls, net: ResNeSt, pixels: Tensor) -> Stream:
        """The untouched stream of pixels (1, 3, h, w); no block is computed yet."""
        return cls(net, [net.embed(pixels)], [], {})

    def branch(self, changes: Changes) -> Stream:
        """A stream under ``changes`` that shares everything before the first changed block. Itself if none is."""
        if not changes:
            return self
        first = min(changes)
        return Stream(self.net, self.hidden[: first + 1], self.weights[:first], changes)

    @property
    def reached(self) -> int:
        """Blocks computed so far."""
        return len(self.weights)

    @property
    def complete(self) -> bool:
        """Whether all blocks are computed."""
        return self.reached == self.net.config.blocks

    @torch.inference_mode()
    def advance(self) -> None:
        """Compute the next block."""
        step = next(self.net.steps(self.hidden[-1], self.changes, self.reached))
        self.hidden.append(step.after)
        self.weights.append(step.weights)

    @torch.inference_mode()
    def conclusion(self) -> tuple[Tensor, Tensor | None]:
        """The picture's features and logits (classes,) or None, once all blocks are computed."""
        if self._said is None:
            features, logits = self.net.conclude(self.hidden[-1])
            self._said = features[0], None if logits is None else logits[0]
        return self._said
