"""The newest answer of the page "Watch", and what follows from it for the views. Numpy only, no Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.tabs.vit.shown import Shown
from engines.core.protocol import Event
from engines.vit.events import Floats
from engines.vit.spec import ATTENDED_BY, BY_DISTANCE, BY_ENTROPY, ViTParams
from engines.vit.watch.spec import Answer


class ShownAnswer(Shown):
    """The newest answer with the model and grid it belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer | None = None

    def take(self, event: Event) -> bool:
        taken = super().take(event)
        if isinstance(event, Answer):
            self.answer = event
        return taken

    def forget(self) -> None:
        self.answer = None

    # -- maps
    def head_rows(self, token: int, params: ViTParams) -> Floats | None:
        """What each head of the layer on screen gives a token (H, N); None where only the engine knows."""
        if self.answer is None:
            return None
        heads, weights, back = self.answer.heads, self.answer.weights, params.direction == ATTENDED_BY
        if heads.token == token:
            return heads.attended_by if back else heads.attends_to
        if len(weights.heads) < len(heads.off) or not _has(weights.weights, token):
            return None
        return weights.weights[:, :, token] if back else weights.weights[:, token]

    def head_row(self, token: int, params: ViTParams) -> Floats | None:
        """What the chosen head gives a token (N,); None where only the engine knows."""
        head, rows = self.head(params), self.head_rows(token, params)
        if rows is not None:
            one: Floats | None = rows[head - 1] if head <= len(rows) else None
            return one
        if self.answer is None or head not in self.answer.weights.heads:
            return None
        weights = self.answer.weights.weights[self.answer.weights.heads.index(head)]
        return _line(weights, token, params) if _has(weights, token) else None

    def overlay_row(self, token: int, params: ViTParams) -> Floats | None:
        """The row (or column) of rollout or similarity for a token; None while there is none of that mode."""
        over = self.answer.overlay if self.answer is not None else None
        if over is None or over.mode != params.overlay or over.matrix is None:
            return None
        return _line(over.matrix, token, params) if _has(over.matrix, token) else None

    # -- order
    def order(self, params: ViTParams) -> Sequence[int]:
        """Heads in the order of the mosaic, counted from 0."""
        if self.answer is None:
            return ()
        heads = self.answer.heads
        keys = {BY_ENTROPY: heads.entropy, BY_DISTANCE: heads.distance}
        if params.order not in keys:
            return range(len(heads.off))
        return [int(i) for i in np.argsort(keys[params.order], kind="stable")]


def _has(matrix: Floats, token: int) -> bool:
    """Whether a token is one of those on screen: a pin may be left from a finer grid (undo, another model)."""
    return bool(token < matrix.shape[-1])


def _line(matrix: Floats, token: int, params: ViTParams) -> Floats:
    """Row or column of a token, whichever direction is chosen."""
    line: Floats = matrix[:, token] if params.direction == ATTENDED_BY else matrix[token]
    return line
