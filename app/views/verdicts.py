"""A list of claims, each with the numbers that prove it; the one that is looked at is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import BODY, S1, S2, SMALL
from app.views.base import RIGHT, pen, text_width, write
from app.views.pointing import PickView
from app.words import Text

HEAD_H, LINE_H = 26, 19  #: px: the name, a number
LEAST = (200, 200)  #: px, while there is nothing to show
MARK = 16  #: px, the column of the marks


@dataclass(frozen=True)
class Finding:
    """One number.

    Attributes
    ----------
    name : str or Message
    value : str
        As it stands there, such as ``0 < 1e−6``; empty while it is not known.
    holds : bool, optional
        Whether the claim holds; None for a number that claims nothing.
    """

    name: Text
    value: str
    holds: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """One claim."""

    name: Text
    findings: tuple[Finding, ...]


class Verdicts(PickView):
    """Claims below each other."""

    is_list = True

    def __init__(self, name: Text) -> None:
        super().__init__(LEAST, at=0)
        self.export_name = "verdicts"
        self._verdicts: tuple[Verdict, ...] = ()
        words.say(self, "setAccessibleName", name)

    # -- content
    def set_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Show claims with what is known so far."""
        if tuple(verdicts) != self._verdicts:
            self._verdicts = tuple(verdicts)
            self.setMinimumHeight(max(LEAST[1], sum(self._heights())))
            self.renew()
            self.tell()

    def verdicts(self) -> tuple[Verdict, ...]:
        """What is on screen."""
        return self._verdicts

    def numbers(self) -> dict[str, np.ndarray]:
        rows = [(words.drawn(v.name), words.drawn(f.name), f.value) for v in self._verdicts for f in v.findings]
        return {"findings": np.array(rows, dtype=np.str_)}

    def report(self) -> str:
        if not 0 <= self._at < len(self._verdicts):
            return ""
        verdict = self._verdicts[self._at]
        said = "; ".join(f"{words.drawn(f.name)} {f.value}" for f in verdict.findings)
        return f"{words.drawn(verdict.name)}: {said}"

    # -- places
    def _heights(self) -> list[int]:
        """Of each claim, in px."""
        return [HEAD_H + LINE_H * len(v.findings) + S2 for v in self._verdicts]

    def arrange(self, width: int, height: int) -> None:
        lines = self._heights()
        spare = max(0, height - sum(lines))
        gap = min(20, spare // max(1, len(lines) - 1))
        self._places, y = [], 0
        for high in lines:
            self._places.append(QRectF(0, y, width, high))
            y += high + gap

    # -- painting
    def draw(self, painter: QPainter) -> None:
        for i, (verdict, place) in enumerate(zip(self._verdicts, self._places, strict=True)):
            on = i == self._at
            self.draw_ground(painter, i, place)
            line = QRectF(place.x() + S2, place.y() + S1, place.width() - 2 * S2, HEAD_H - S1)
            write(painter, line, verdict.name, theme.color("accent" if on else "text"), BODY, True)
            for n, finding in enumerate(verdict.findings):
                row = QRectF(line.x(), place.y() + HEAD_H + n * LINE_H, line.width(), LINE_H)
                self._draw_finding(painter, finding, row)

    def _draw_finding(self, painter: QPainter, finding: Finding, row: QRectF) -> None:
        write(painter, row, finding.name, theme.color("text2"), SMALL)
        value = finding.value or "–"
        end = row.right() - MARK
        write(
            painter,
            QRectF(row.x(), row.y(), end - row.x(), row.height()),
            value,
            theme.color("text"),
            SMALL,
            True,
            RIGHT,
        )
        if finding.holds is None or not finding.value:
            return
        middle = QPointF(row.right() - MARK / 2 + 3, row.center().y())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.color("ok" if finding.holds else "danger"), 2, square=False))
        if finding.holds:
            shape = [QPointF(-4.5, 0), QPointF(-1.5, 3.5), QPointF(4.5, -4)]
            painter.drawPolyline(QPolygonF([middle + p for p in shape]))
        else:
            for way in (1, -1):
                painter.drawLine(middle + QPointF(-4, -4 * way), middle + QPointF(4, 4 * way))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def needed(self) -> float:
        """Width that the widest line takes."""
        return max(
            (text_width(words.drawn(f.name), SMALL) + text_width(f.value, SMALL, True) + 3 * S2 + MARK)
            for v in self._verdicts
            for f in v.findings
        )
