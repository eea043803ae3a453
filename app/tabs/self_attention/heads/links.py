"""Tokens in two columns and the attention between them as lines: a query at the left, its keys at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import BODY, CAPTION, S1, S2, SMALL
from app.views.base import CENTER, LEFT, RIGHT, outline, pen, text_width, write
from app.views.photomap import weight_percent
from app.views.pointing import HoverView

End: TypeAlias = tuple[int, int]  # 0 for a query, 1 for a key; which one
LEAST, MOST = 13, 26  # px, height of a token
FAINT = 0.03  # of the scale: weaker links are no line
NOTE = 16  # px, the line that says that there are more


class HeadLinks(HoverView):
    """The map of one head as links.

    Only as many tokens stand there as can be read, around the marked one.

    Signals
    -------
    hovered : (side, index) or None
        Side 0 is a query, 1 a key; the index is that of the shown ones.
    clicked : (side, index)
    """

    zooms = True

    clicked = Signal(object)
    _hover: End | None

    def __init__(self) -> None:
        super().__init__((240, 200))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "head-links"
        self._weights = np.zeros((0, 0), np.float32)
        self._names: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._top = self._end = 1.0
        self._low = 0.0
        self._hand: tuple[float, float] | None = None
        self._at: End | None = None
        self._lit: End | None = None
        self._first, self._shown, self._pitch, self._column = (0, 0), (0, 0), float(MOST), 20.0

    # -- content
    def set_links(self, queries: Sequence[str], keys: Sequence[str], weights: np.ndarray, top: float) -> None:
        """Weights (R, C) between named queries and keys; the scale runs from 0 to ``top``."""
        if weights.shape != self._weights.shape:
            self._hover = self._lit = None
        self._names, self._weights = (tuple(queries), tuple(keys)), weights
        self._end = top if top > 0 else 1.0
        self._low, self._top = self._hand or (0.0, self._end)
        if self._at is not None and self._at[1] >= self._count(self._at[0]):
            self._at = None
        self.renew()
        self.tell()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color from the first end to the second; None: from 0 to the end of the scale."""
        self._hand = ends
        self._low, self._top = ends or (0.0, self._end)
        self.update()

    def set_at(self, end: End | None) -> None:
        """Mark a token without telling anybody."""
        if end != self._at:
            self._at = end
            self.renew()
            self.tell()

    def set_lit(self, end: End | None) -> None:
        """Light up a token that is pointed at elsewhere."""
        if end != self._lit:
            self._lit = end
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "weights": self._weights,
            "queries": np.array(self._names[0], dtype=np.str_),
            "keys": np.array(self._names[1], dtype=np.str_),
            "scale": np.array([self._low, self._top]),
        }

    def is_empty(self) -> bool:
        return not self._weights.size

    def report(self) -> str:
        end = self._hover or self._at
        if end is None or not self._weights.size:
            return ""
        line = self._line(end)
        most = int(line.argmax())
        return words.tr(
            "{token}: most with {other}, {value}",
            token=self._names[end[0]][end[1]],
            other=self._names[1 - end[0]][most],
            value=weight_percent(float(line[most])),
        )

    def _line(self, end: End) -> np.ndarray:
        """The row of a query, or the column of a key."""
        found: np.ndarray = self._weights[end[1]] if end[0] == 0 else self._weights[:, end[1]]
        return found

    def _count(self, side: int) -> int:
        return int(self._weights.shape[side])

    # -- places
    def arrange(self, width: int, height: int) -> None:
        longest = max(self._weights.shape, default=0)
        if not longest:
            return
        fits = max(1, int(height // LEAST)) if height < LEAST * longest else longest
        if fits < longest:
            fits = max(1, int((height - NOTE) // LEAST))
        room = height - (NOTE if fits < longest else 0)
        self._pitch = min(float(MOST), room / min(fits, longest))
        first, shown = [], []
        for side in (0, 1):
            count = self._count(side)
            middle = self._at[1] if self._at is not None else 0
            begin = max(0, min(count - fits, middle - fits // 2))
            first.append(begin)
            shown.append(min(count, begin + fits) - begin)
        self._first, self._shown = (first[0], first[1]), (shown[0], shown[1])
        widths = (text_width(name, self._px()) for name in {*self._names[0], *self._names[1]})
        self._column = min(0.36 * width, max(widths, default=20.0) + 2 * S2)

    def _px(self) -> int:
        return BODY if self._pitch >= 19 else SMALL if self._pitch >= 16 else CAPTION if self._pitch >= 13 else 9

    def place(self, end: End) -> QRectF:
        """Where a token stands; empty where it is not among the shown ones."""
        self.arranged()
        side, index = end
        at = index - self._first[side]
        if not 0 <= at < self._shown[side]:
            return QRectF()
        wide, value = self._column, text_width("100.0 %", CAPTION) + S2
        x = value if side == 0 else self.width() - wide - value
        return QRectF(round(x), round(at * self._pitch), round(wide), max(1, round(self._pitch) - 1))

    def under(self, point: QPointF) -> End | None:
        self.arranged()
        for side in (0, 1):
            at = int(point.y() // self._pitch) + self._first[side]
            if self._first[side] <= at < self._first[side] + self._shown[side]:
                place = self.place((side, at))
                reach = place.adjusted(-place.x(), 0, 0, 1) if side == 0 else place.adjusted(0, 0, self.width(), 1)
                if reach.contains(point):
                    return side, at
        return None

    # -- hand
    def _choose(self, end: End) -> None:
        self.clicked.emit(None if end == self._at else end)

    def walk(self, rows: int, cols: int) -> bool:
        if not self._weights.size:
            return False
        side, index = self._at or (0, -1)
        if cols:
            side = 0 if cols < 0 else 1
            index = max(index, 0)
        new = side, min(self._count(side) - 1, max(0, index + rows))
        if new != self._at:
            self.clicked.emit(new)
        return True

    # -- painting
    def share(self, value: float) -> float:
        """Where a weight stands on the scale, 0..1."""
        return float(min(1.0, max(0.0, (value - self._low) / max(1e-12, self._top - self._low))))

    def draw(self, painter: QPainter) -> None:
        end = self._hover or self._lit or self._at
        self._draw_links(painter, end)
        for side in (0, 1):
            line = None if end is None or end[0] == side else self._line(end)
            for at in range(self._first[side], self._first[side] + self._shown[side]):
                self._draw_token(painter, (side, at), None if line is None else float(line[at]), (side, at) == end)
        if self._shown[0] < self._count(0) or self._shown[1] < self._count(1):
            note = words.tr("{n} of {most} tokens: click one, and arrows go on", n=max(self._shown),
                            most=max(self._weights.shape))  # fmt: skip
            write(painter, QRectF(0, self.height() - NOTE, self.width(), NOTE), note, align=CENTER)

    def _draw_links(self, painter: QPainter, end: End | None) -> None:
        rows = range(self._first[0], self._first[0] + self._shown[0])
        cols = range(self._first[1], self._first[1] + self._shown[1])
        if end is not None and end[0] == 0:
            rows = range(end[1], end[1] + 1) if end[1] in rows else range(0)
        elif end is not None:
            cols = range(end[1], end[1] + 1) if end[1] in cols else range(0)
        starts = {i: QPointF(self.place((0, i)).right() + 1, self.place((0, i)).center().y()) for i in rows}
        stops = {j: QPointF(self.place((1, j)).left() - 1, self.place((1, j)).center().y()) for j in cols}
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i, start in starts.items():
            for j, stop in stops.items():
                share = self.share(float(self._weights[i, j]))
                if share >= FAINT:
                    painter.setPen(
                        pen(theme.color("pred", round(30 + 225 * share)), 1 + round(2 * share), square=False)
                    )
                    painter.drawLine(QLineF(start, stop))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_token(self, painter: QPainter, end: End, value: float | None, chosen: bool) -> None:
        place, ink = self.place(end), theme.color("text")
        if value is None:
            painter.fillRect(place, theme.color("accent_soft" if chosen else "sunken"))
        else:
            level = round(255 * self.share(value))
            red, green, blue = (int(v) for v in theme.ramp("ember")[level])
            painter.fillRect(place, theme.from_rgb(red, green, blue))
            ink = theme.inks_on("ember")[level]
            beside = QRectF(0, place.y(), place.x() - S1, place.height())
            if end[0] == 1:
                beside = QRectF(place.right() + S1, place.y(), 80, place.height())
            if self._pitch >= 11:
                write(painter, beside, weight_percent(value), align=RIGHT if end[0] == 0 else LEFT)
        painter.save()
        painter.setClipRect(place, Qt.ClipOperation.IntersectClip)
        write(painter, place.adjusted(S1, 0, -S1, 0), self._names[end[0]][end[1]], ink, self._px(), chosen,
              RIGHT if end[0] == 0 else LEFT)  # fmt: skip
        painter.restore()
        if end == self._at:
            outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("accent"), 2)
