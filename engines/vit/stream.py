"""The residual stream of one photo, layer by layer, each layer computed once and only when it is needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.vit.interventions import Change
from engines.vit.model import Projected, ViT

Changes = Mapping[int, Change]


@dataclass(frozen=True, eq=False)
class Conclusion:
    """The end of a stream: normed prefix tokens (1 or 2, D) and logits (classes,) or None."""

    tokens: Tensor
    logits: Tensor | None


class Stream:
    """A forward pass that can stop after any layer and go on later, and that another one can branch off from.

    Parameters
    ----------
    net : ViT
    hidden : list of Tensor (1, N, D)
        The residual stream before each layer that has been reached; at least the embeddings.
    rows : list of Tensor (H, N)
        The class token's weights in the layers computed so far, one fewer than ``hidden``.
    changes : mapping of int to Change
        What is done to which layer, counted from 0.
    projected : Memo of Projected, optional
        Queries, keys and values of the one layer whose change is being tried, which a slider leaves as they are;
        shared by a stream and its branches.

    Attributes
    ----------
    seconds : float
        Spent in its own layers so far.
    """

    def __init__(
        self,
        net: ViT,
        hidden: list[Tensor],
        rows: list[Tensor],
        changes: Changes,
        projected: Memo[Projected] | None = None,
    ) -> None:
        self.net, self.changes = net, changes
        self._kept: Memo[Projected] = projected or Memo()
        self.hidden, self.rows = hidden, rows
        self._conclusion: Conclusion | None = None
        self.seconds = 0.0

    @classmethod
    @torch.inference_mode()
    def of(cls, net: ViT, pixels: Tensor) -> Stream:
        """The untouched stream of pixels (1, 3, h, w); no layer is computed yet."""
        return cls(net, [net.embed(pixels)], [], {})

    def branch(self, changes: Changes) -> Stream:
        """A stream under ``changes`` that shares everything before the first changed layer. Itself if none is."""
        if not changes:
            return self
        first = min(changes)
        return Stream(self.net, self.hidden[: first + 1], self.rows[:first], changes, self._kept)

    @property
    def tokens(self) -> int:
        """N."""
        return self.hidden[0].shape[1]

    @property
    def reached(self) -> int:
        """Layers computed so far."""
        return len(self.rows)

    @property
    def complete(self) -> bool:
        """Whether all layers are computed."""
        return self.reached == len(self.net.blocks)

    @torch.inference_mode()
    def advance(self) -> None:
        """Compute the next layer.

        Of the last one a branch takes the prefix tokens only, a sixth of the work, since the head reads no others.
        The untouched stream takes all, so that it stays bit for bit what the model's own forward pass gives.
        """
        began = time.perf_counter()
        index, config = self.reached, self.net.config
        narrow = bool(self.changes) and index + 1 == config.layers and not config.pooled_head
        first = config.prefix if narrow else None
        x, row = self.net.block(index)(self.hidden[index], self.changes.get(index), first, self._projected(index))
        self.hidden.append(x)
        self.rows.append(row[0])
        self.seconds += time.perf_counter() - began

    @torch.inference_mode()
    def weights(self, index: int) -> Tensor:
        """Whole weights (H, N, N) of a layer that has been reached."""
        return self.net.block(index).weights(self.hidden[index], self.changes.get(index), self._projected(index))[0]

    def _projected(self, index: int) -> Projected | None:
        """Kept for the first changed layer alone, whose input is the untouched stream's."""
        if not self.changes or index != min(self.changes):
            return None
        return self._kept.get(index, lambda: self.net.block(index).project(self.hidden[index]))

    @torch.inference_mode()
    def features(self) -> Tensor:
        """All tokens (N, D) after the final norm."""
        x = self.hidden[-1]
        if x.shape[1] < self.tokens:
            index = self.reached - 1
            x, _ = self.net.block(index)(self.hidden[index], self.changes.get(index), None, self._projected(index))
        return self.net.conclude(x)[0][0]

    @torch.inference_mode()
    def conclusion(self) -> Conclusion:
        """Final norm and head, once all layers are computed."""
        if self._conclusion is None:
            tokens, logits = self.net.conclude(self.hidden[-1])
            prefix = tokens[0, : self.net.config.prefix].clone()  # all the others would be kept with a mere view
            self._conclusion = Conclusion(prefix, None if logits is None else logits[0])
        return self._conclusion
