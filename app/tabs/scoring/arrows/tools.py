"""Adds and removes keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QWidget

from app import words
from app.theme import S1, S2, SMALL
from app.widgets import button, col, quiet, row
from engines.scoring.spec import MOST_ARROWS, Place, ScoringParams


class ArrowTools(QWidget):
    """Adds and removes keys."""

    def __init__(self, change: Callable[..., object]) -> None:
        super().__init__()
        self._change = change
        self._params = ScoringParams()
        self.add = button("Add a key", "add", "boxed", px=SMALL, clicked=self._add)
        self.remove = button("Remove", "remove", "boxed", px=SMALL, tip="Removes the last key.", clicked=self._remove)
        self.count = quiet("")
        self.setLayout(col(self.count, row(self.add, self.remove, 1, gap=S2), gap=S1))

    def show_params(self, params: ScoringParams) -> None:
        """Bring the buttons in line."""
        self._params = params
        count = len(params.arrow_keys)
        words.say(self.count, "setText", "{n} {n:key|keys}", n=count)
        self.add.setEnabled(count < MOST_ARROWS)
        self.remove.setEnabled(count > 1)

    def _add(self) -> None:
        params = self._params
        angle = 2.4 * len(params.arrow_keys)
        tip = (round(2 * float(np.cos(angle)), 2), round(2 * float(np.sin(angle)), 2))
        self._change(arrow_keys=(*params.arrow_keys, tip), arrow_values=(*values_of(params), tip))

    def _remove(self) -> None:
        params = self._params
        self._change(arrow_keys=params.arrow_keys[:-1], arrow_values=values_of(params)[:-1])


def values_of(params: ScoringParams) -> tuple[Place, ...]:
    """As many values as keys."""
    return params.arrow_values[: len(params.arrow_keys)]
