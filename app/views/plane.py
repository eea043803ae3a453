"""Arrows from the origin of a plane, to be dragged by their tips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1
from app.views.base import CENTER, RIGHT, PixelView, pen, rgb_image, text_width, write

NEAR = 14.0  #: px around a tip that take hold of it
STEP = 0.1  #: of an arrow key
SNAP = 0.5  #: of Ctrl
MARGIN = 20  #: px left and below, for the numbers


@dataclass(frozen=True)
class Arrow:
    """One arrow.

    Attributes
    ----------
    x, y : float
        Its tip.
    name, note : str
        Stand beside the tip, the note in the second text color.
    token : str
        Color.
    width : float
        px.
    grip : bool
        The tip can be dragged.
    dashed, square : bool
        Line and tip, so that color does not stand alone.
    ring : bool
        No arrow: the name in a ring at the tip.
    """

    x: float
    y: float
    name: str = ""
    note: str = ""
    token: str = "text"
    width: float = 2.0
    grip: bool = True
    dashed: bool = False
    square: bool = False
    ring: bool = False


class Plane(PixelView):
    """Arrows over a square of the plane, ± ``reach``, optionally over a field of weights.

    Signals
    -------
    moved : (int, float, float)
        An arrow and where its tip is wanted.
    settled : int
        The hand let go: one undo step.
    chosen : int
        An arrow was taken hold of.
    """

    moved = Signal(int, float, float)
    settled = Signal(int)
    chosen = Signal(int)

    def __init__(self, reach: float) -> None:
        super().__init__((280, 240))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "arrows"
        self._reach = reach
        self._arrows: tuple[Arrow, ...] = ()
        self._at, self._hover = -1, -1
        self._from: QPointF | None = None  # where the tip stood when the hand took it
        self._field: np.ndarray | None = None
        self._image: QImage | None = None
        self._top = 1.0
        self._scale, self._middle = 1.0, QPointF()
        words.say(self, "setAccessibleName", "Arrows")

    # -- content
    def set_arrows(self, arrows: Sequence[Arrow]) -> None:
        """Show arrows; later ones lie over earlier ones."""
        if len(arrows) != len(self._arrows):
            self._at, self._hover = min(self._at, len(arrows) - 1), -1
        self._arrows = tuple(arrows)
        self.update()
        self.tell()

    def set_field(self, field: np.ndarray | None, top: float = 1.0) -> None:
        """Show a field (n, n) below the arrows, first row on top, from 0 to ``top``."""
        self._field, self._top, self._image = field, top, None
        self.update()

    def set_at(self, index: int) -> None:
        """Mark an arrow without telling anybody; −1 for none."""
        self._at = index
        self.tell()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        found = {
            "names": np.array([a.name for a in self._arrows], np.str_),
            "tips": np.array([(a.x, a.y) for a in self._arrows], float).reshape(-1, 2),
        }
        if self._field is not None:
            found["field"] = self._field
        return found

    def report(self) -> str:
        if not 0 <= self._at < len(self._arrows):
            return ""
        arrow = self._arrows[self._at]
        return f"{arrow.name}: {words.number(arrow.x, 2)}, {words.number(arrow.y, 2)} {arrow.note}".strip()

    # -- places
    def arrange(self, width: int, height: int) -> None:
        self._scale = min(width - MARGIN - 8, height - MARGIN - 6) / (2 * self._reach)
        self._middle = QPointF(round((width + MARGIN - 4) / 2), round((height - MARGIN + 4) / 2))

    def place_of(self, x: float, y: float) -> QPointF:
        """A point of the plane on the screen."""
        self.arranged()
        return QPointF(self._middle.x() + x * self._scale, self._middle.y() - y * self._scale)

    def area(self) -> QRectF:
        """The square on the screen."""
        side = self._reach
        return QRectF(self.place_of(-side, side), self.place_of(side, -side))

    def arrow_at(self, point: QPointF) -> int:
        """The arrow whose tip is nearest to a screen point, of those near enough; −1 for none."""
        found, least = -1, NEAR
        for i, arrow in enumerate(self._arrows):
            if arrow.grip:
                gap = point - self.place_of(arrow.x, arrow.y)
                if (away := float(np.hypot(gap.x(), gap.y()))) <= least:
                    found, least = i, away
        return found

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = self.arrow_at(event.position())
        self.set_at(at)
        self.chosen.emit(at)
        if at >= 0:
            self._from = QPointF(self._arrows[at].x, self._arrows[at].y)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            hover = self.arrow_at(event.position())
            if hover != self._hover:
                self._hover = hover
                self.setCursor(Qt.CursorShape.OpenHandCursor if hover >= 0 else Qt.CursorShape.ArrowCursor)
                self.update()
            return
        at, keys = event.position(), event.modifiers()
        x = (at.x() - self._middle.x()) / self._scale
        y = (self._middle.y() - at.y()) / self._scale
        if keys & Qt.KeyboardModifier.ControlModifier:
            x, y = SNAP * round(x / SNAP), SNAP * round(y / SNAP)
        if keys & Qt.KeyboardModifier.ShiftModifier:
            if abs(x - self._from.x()) >= abs(y - self._from.y()):
                y = self._from.y()
            else:
                x = self._from.x()
        self._move(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._from is not None:
            self._from = None
            self.setCursor(Qt.CursorShape.ArrowCursor)
            self.settled.emit(self._at)

    def leaveEvent(self, _event: object) -> None:
        self._hover = -1
        self.update()

    def _move(self, x: float, y: float) -> None:
        x, y = (round(min(self._reach, max(-self._reach, v)), 2) for v in (x, y))
        arrow = self._arrows[self._at]
        if (x, y) != (arrow.x, arrow.y):
            self.moved.emit(self._at, x, y)

    # -- keys
    def walk(self, rows: int, cols: int) -> bool:
        grips = [i for i, a in enumerate(self._arrows) if a.grip]
        if not grips:
            return False
        if self._at not in grips:
            self.set_at(grips[0])
            self.chosen.emit(self._at)
            return True
        arrow = self._arrows[self._at]
        self._move(arrow.x + STEP * cols, arrow.y - STEP * rows)
        return True

    def enter(self) -> bool:
        grips = [i for i, a in enumerate(self._arrows) if a.grip]
        if not grips:
            return False
        self.set_at(grips[(grips.index(self._at) + 1) % len(grips)] if self._at in grips else grips[0])
        self.chosen.emit(self._at)
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._at >= 0:
            self.settled.emit(self._at)
        super().keyReleaseEvent(event)

    # -- painting
    def restyled(self) -> None:
        self._image = None
        super().restyled()

    def draw(self, painter: QPainter) -> None:
        area = self.area()
        if self._field is not None:
            if self._image is None:
                share = np.clip(self._field / self._top, 0, 1)
                self._image = rgb_image(theme.ramp("ember")[np.rint(255 * share).astype(np.uint8)])
            painter.drawImage(area, self._image, QRectF(self._image.rect()))
        self._draw_grid(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, arrow in enumerate(self._arrows):
            if arrow.ring:
                self._draw_ring(painter, arrow)
            else:
                self._draw_arrow(painter, index, arrow)
        tips = [self.place_of(a.x, a.y) for a in self._arrows]
        taken = [QRectF(tip.x() - 7, tip.y() - 7, 14, 14) for tip in tips]
        for arrow in reversed(self._arrows):
            self._draw_name(painter, arrow, taken, area)

    def _draw_grid(self, painter: QPainter, area: QRectF) -> None:
        """Lines over the whole view, numbers at its left and lower edge."""
        faint = theme.color("chalk", 40) if self._field is not None else theme.color("border")
        strong = theme.color("chalk", 140) if self._field is not None else theme.color("control")
        whole = QRectF(MARGIN, 2, self.width() - MARGIN - 4, self.height() - MARGIN)
        far = int(max(self.width(), self.height()) / self._scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for n in range(-far, far + 1):
            at = self.place_of(n, n)
            x, y = round(at.x()), round(at.y())
            painter.setPen(pen(strong if n == 0 else faint))
            if whole.left() <= x <= whole.right():
                painter.drawLine(QPointF(x, whole.top()), QPointF(x, whole.bottom()))
            if whole.top() <= y <= whole.bottom():
                painter.drawLine(QPointF(whole.left(), y), QPointF(whole.right(), y))
            if n % 2 == 0 and abs(n) <= self._reach:
                text = words.number(n)
                write(painter, QRectF(x - 20, whole.bottom() + 2, 40, 14), text, None, CAPTION, align=CENTER)
                write(painter, QRectF(0, y - 8, MARGIN - 4, 16), text, None, CAPTION, align=RIGHT)

    def _draw_arrow(self, painter: QPainter, index: int, arrow: Arrow) -> None:
        start, end = self.place_of(0, 0), self.place_of(arrow.x, arrow.y)
        way = end - start
        length = float(np.hypot(way.x(), way.y()))
        style = Qt.PenStyle.DashLine if arrow.dashed else Qt.PenStyle.SolidLine
        color, case = theme.color(arrow.token), theme.color("surface")
        head = 9.0 + 1.8 * arrow.width
        if length > 1:
            unit = way / length
            side = QPointF(-unit.y(), unit.x())
            neck = end - unit * min(head, length)
            tip = QPolygonF([end, neck + side * head * 0.45, neck - side * head * 0.45])
            painter.setPen(pen(case, arrow.width + 3))
            painter.drawLine(start, neck)
            painter.setPen(pen(color, arrow.width, style))
            painter.drawLine(start, neck)
            painter.setPen(pen(case, 1))
            painter.setBrush(color)
            if arrow.square:
                painter.drawRect(QRectF(end.x() - 5, end.y() - 5, 10, 10))
            else:
                painter.drawPolygon(tip)
        else:
            painter.setPen(pen(case, 1.5))
            painter.setBrush(color)
            painter.drawEllipse(end, 5, 5)
        if index in (self._at, self._hover) and arrow.grip:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for token, wide in (("surface", 4.0), ("accent", 2.0)):
                painter.setPen(pen(theme.color(token), wide))
                painter.drawEllipse(end, 10, 10)

    def _draw_ring(self, painter: QPainter, arrow: Arrow) -> None:
        tip = self.place_of(arrow.x, arrow.y)
        painter.setPen(pen(theme.color(arrow.token), 1.5))
        painter.setBrush(theme.color("surface"))
        painter.drawEllipse(tip, 8, 8)
        place = QRectF(tip.x() - 8, tip.y() - 8, 16, 16)
        write(painter, place, arrow.name, theme.color("text"), CAPTION, True, CENTER)

    def _draw_name(self, painter: QPainter, arrow: Arrow, taken: list[QRectF], area: QRectF) -> None:
        """The name beside the tip, away from the origin, at the first place where it covers no other."""
        if not arrow.name or arrow.ring:
            return
        end = self.place_of(arrow.x, arrow.y)
        gap = S1 if arrow.note else 0
        first, second = text_width(arrow.name, CAPTION, True), text_width(arrow.note, CAPTION)
        wide = first + gap + second + 2 * S1
        right = arrow.x >= 0
        spots = []
        for lift in (0, -18, 18, -36, 36):
            for beside in (right, not right):
                x = end.x() + 12 if beside else end.x() - 12 - wide
                spots.append(QRectF(round(x), round(end.y() - 8 + lift), round(wide), 16))
        inside = QRectF(self.rect())
        place = next(
            (s for s in spots if inside.contains(s) and not any(s.intersects(other) for other in taken)), spots[0]
        )
        taken.append(place)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("surface", 225))
        painter.drawRoundedRect(place, 3, 3)
        text = place.adjusted(S1, 0, 0, 0)
        write(painter, text, arrow.name, theme.color(arrow.token), CAPTION, True)
        write(painter, text.adjusted(first + gap, 0, 0, 0), arrow.note, theme.color("text"), CAPTION)
