"""Sliders that stop only at powers of two."""

from __future__ import annotations

import math

from app.params_form import ParamsForm
from app.sliders import ParamRow, Scale
from engines.multi_head.sizes import nearest_power


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
