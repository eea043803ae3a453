"""Attention between tokens: targets (rows) over sources (columns), the chosen row outlined."""

from __future__ import annotations

from collections.abc import Sequence

from app.views.grid import GridView, Pair
from app.views.photomap import weight_percent
from app.words import Text
from engines.core.errors import Message

SIGNS = {" ": "␣", "<s>": "○", "</s>": "●"}


def token(text: str) -> Text:
    """A token as it is drawn: a space can be seen, start and end are one sign wide."""
    return SIGNS.get(text, text)


class TokenMap(GridView):
    """Weights (targets, sources); also queries by queries.

    Parameters
    ----------
    rows_only : bool
        A click chooses a whole row.
    """

    ONLY_CELLS = True

    def __init__(self, rows_only: bool = True) -> None:
        super().__init__("ember", (64, 64), square=True)
        self.export_name = "attention-between-tokens"
        self._rows_only = rows_only

    def set_tokens(self, targets: Sequence[str | Message], sources: Sequence[str | Message]) -> None:
        """Name rows and columns."""
        rows, cols = ([token(t) if isinstance(t, str) else t for t in side] for side in (targets, sources))
        self.set_names(rows, cols)

    def written(self, value: float) -> str:
        return weight_percent(value)

    def _choose(self, cell: Pair) -> None:
        super()._choose((cell[0], -1) if self._rows_only else cell)

    def walk(self, rows: int, cols: int) -> bool:
        if not self._rows_only or not self._values.size:
            return super().walk(rows, cols)
        now = self._at[0] if self._at is not None else 0
        new = min(self._values.shape[0] - 1, max(0, now + (rows or cols)))
        if self._at is None or new != self._at[0]:
            self._choose((new, -1))
        return True
