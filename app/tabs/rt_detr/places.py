"""The match film of detectors whose queries are places of the picture, and not numbers that were learned."""

from __future__ import annotations

from app import words
from app.views.matchfilm import MatchFilm
from engines.core.errors import Message


class PlaceFilm(MatchFilm):
    """As `MatchFilm`, with the location that became the query of each object."""

    def _said(self, row: int, col: int) -> Message:
        owner, step = int(self._owners[row, col]), words.number(self._steps[col])
        if owner < 0:
            return Message("step {n}: no query", {"n": step})
        return Message("step {n}: location {place}", {"n": step, "place": owner + 1})
