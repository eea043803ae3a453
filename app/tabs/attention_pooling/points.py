"""What both pages share: points of one's own from the clipboard, the curve around which points are drawn."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from app import words
from app.plots.lines import Line
from app.topic.page import Page
from engines.attention_pooling.spec import PoolingParams, parse, truth
from engines.core.errors import LabError, Message

CURVE = 201  # places of the true curve


class PointsPage(Page):
    """A page over points that may come from the clipboard."""

    params_type = PoolingParams

    def paste(self, data: QMimeData) -> bool:
        if not data.hasText() or data.hasImage() or data.hasUrls():
            return False
        self.take_text(data.text())
        return True

    def paste_points(self) -> None:
        """Take two columns of numbers from the clipboard."""
        self.take_text(QGuiApplication.clipboard().text())

    def take_text(self, text: str) -> bool:
        """Use these points; what can't be read is named under the header."""
        self.dismiss()
        try:
            points, note = parse(text)
        except LabError as problem:
            self.complain(problem.message, word="Refused")
            return False
        self.step(points=points, known=False)
        if note is not None:
            self.complain(note, word="Note", kind="warning")
        self.tell(Message("{n} {n:point|points} read", {"n": len(points)}))
        return True


def known_curve(low: float, high: float, params: PoolingParams) -> list[Line]:
    """The curve that the points were drawn around, as far as it reaches."""
    if not params.known or high < 0:
        return []
    x = np.linspace(max(0.0, low), high, CURVE)
    return [Line(Message("true curve"), x, truth(x), "truth", style="dash", width=1)]


def two(value: float) -> str:
    """A number of the tab, with two digits; fewer where it is large."""
    return words.number(value, 2 if abs(value) < 1000 else 0)
