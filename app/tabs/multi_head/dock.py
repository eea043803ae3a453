"""Controls of the Multi-head tab's dock that no other tab has."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import words
from app.controls import Chips
from app.params_form import ParamsForm
from app.sliders import ParamRow, Scale
from app.widgets import col, label, quiet, row
from engines.multi_head.spec import nearest_power


class Powers(Scale):
    """Powers of two between two powers of two: sizes that divide each other."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high, 1, 0, log=True)
        self.count = round(math.log2(high / low))

    def value(self, position: int) -> float:
        return self.snap(self.low * 2.0**position)

    def snap(self, value: float) -> float:
        return float(nearest_power(min(self.high, max(self.low, value))))

    def parsed(self, text: str) -> float | None:
        value = super().parsed(text)
        return None if value is None else self.snap(value)


def set_powers(form: ParamsForm, *names: str) -> None:
    """Let these sliders of a form stop only at powers of two."""
    for name in names:
        control = form.control(name)
        assert isinstance(control, ParamRow)
        scale = control.slider.scale_
        control.set_scale(Powers(scale.low, scale.high))


class HeadChips(QWidget):
    """Which heads take part.

    Signals
    -------
    changed : tuple of int
        Heads that are off, counted from 0.
    """

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._count = quiet("")
        self.chips = Chips(1, tip="Switch this head on or off: its output becomes 0. (Michel 2019)")
        self.chips.changed.connect(self.changed)
        self.setLayout(col(row(label("On or off"), 1, self._count), self.chips))

    def show_heads(self, count: int, off: Sequence[int]) -> None:
        """So many heads, of which these (from 0) are off."""
        self.chips.set_count(count)
        self.chips.set_off(off)
        words.say(self._count, "setText", "{on} of {count} on", on=count - len(off), count=count)
