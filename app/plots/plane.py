"""Arrows from the origin of a plane, to be dragged by their tips."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app import theme, words
from app.plots.axes import DENSE, Axis
from app.plots.chart import HOLLOW, case, ink
from app.plots.items import Caption
from app.plots.points import Points
from app.plots.surface import Surface, cosmetic
from app.plots.typed import GraphicsObject
from app.theme import CAPTION, S2, S3

NEAR = 14.0  #: px around a tip that take hold of it
STEP = 0.1  #: of an arrow key
SNAP = 0.5  #: of Ctrl
FAR = 6  #: times the reach that the lines of the plane run
BESIDE, LIFTS = 12, (0, -18, 18, -36, 36)  #: px from a tip to its name, and up or down where another is in the way


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


class ArrowsItem(GraphicsObject):
    """All arrows of a plane in one item: pyqtgraph's arrows have a head, but no line to it."""

    def __init__(self) -> None:
        super().__init__()
        self._arrows: tuple[Arrow, ...] = ()

    def show_arrows(self, arrows: Sequence[Arrow]) -> None:
        """Draw these, later ones over earlier ones."""
        self.prepareGeometryChange()
        self._arrows = tuple(arrows)
        self.update()

    def boundingRect(self) -> QRectF:
        far = max((max(abs(a.x), abs(a.y)) for a in self._arrows), default=0) + 1
        return QRectF(-far, -far, 2 * far, 2 * far)

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixel = self.pixelVectors()[0]  # type: ignore[attr-defined]  # pyqtgraph's
        if pixel is None:
            return
        for arrow in self._arrows:
            self._draw(painter, arrow, pixel.length())

    @staticmethod
    def _draw(painter: QPainter, arrow: Arrow, pixel: float) -> None:
        end, fill = QPointF(arrow.x, arrow.y), ink(arrow.token)
        length = float(np.hypot(arrow.x, arrow.y))
        if arrow.ring:
            painter.setPen(case(arrow.token))
            painter.setBrush(ink("surface"))
            painter.drawEllipse(end, 8 * pixel, 8 * pixel)
            return
        if length <= pixel:
            painter.setPen(case())
            painter.setBrush(fill)
            painter.drawEllipse(end, 5 * pixel, 5 * pixel)
            return
        head = (9.0 + 1.8 * arrow.width) * pixel
        unit = end / length
        side = QPointF(-unit.y(), unit.x())
        neck = end - unit * min(head, length)
        painter.setPen(case(width=arrow.width + 3))
        painter.drawLine(QPointF(), neck)
        style = Qt.PenStyle.DashLine if arrow.dashed else Qt.PenStyle.SolidLine
        painter.setPen(cosmetic(theme.color(arrow.token), style, arrow.width))
        painter.drawLine(QPointF(), neck)
        painter.setPen(case(width=1))
        painter.setBrush(fill)
        if arrow.square:
            painter.drawRect(QRectF(end.x() - 5 * pixel, end.y() - 5 * pixel, 10 * pixel, 10 * pixel))
        else:
            painter.drawPolygon(QPolygonF([end, neck + side * head * 0.45, neck - side * head * 0.45]))


class Plane(Surface):
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
        self._reach = reach
        self._arrows: tuple[Arrow, ...] = ()
        self._grips: list[int] = []  # arrows that can be dragged
        self._at, self._hover = -1, -1
        self._from: QPointF | None = None  # where the tip stood when the hand took it
        self._field: np.ndarray | None = None
        self._ends = (0.0, 1.0)  # of the field's colors
        self._hand: tuple[float, float] | None = None  # those that were dragged
        self._image = pg.ImageItem()
        self._lines, self._zeros = pg.PlotCurveItem(connect="pairs"), pg.PlotCurveItem(connect="pairs")
        self._drawn = ArrowsItem()
        self._tips = Points(NEAR)
        self._rings = pg.ScatterPlotItem(antialias=True)
        self._names: list[Caption] = []
        super().__init__((280, 240), {"left": Axis("left"), "bottom": Axis("bottom")})
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "arrows"
        self.plot.layout.setContentsMargins(0, S2, S3, 0)
        self.box.setAspectLocked(True)
        for axis in self.plot.axes.values():
            axis.setTickDensity(DENSE)
        for height, item in enumerate((self._image, self._lines, self._zeros, self._drawn, self._rings, self._tips)):
            item.setZValue(height)
            self.plot.addItem(item)
        self._image.hide()
        self._tips.editable = True
        self._tips.moved.connect(self._dragged)
        self._tips.dropped.connect(self._dropped)
        self.pointed_at.connect(self._point)
        self.box.sigRangeChanged.connect(self._place_names)
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's
        self._rule()
        self.whole()
        words.say(self, "setAccessibleName", "Arrows")

    def _rule(self) -> None:
        """Lines at all whole numbers."""
        far = round(FAR * self._reach)
        at, ends = np.repeat(np.arange(-far, far + 1.0), 2), np.tile([-far, far], 2 * far + 1)
        self._lines.setData(np.concatenate([at, ends]), np.concatenate([ends, at]))
        self._zeros.setData(np.array([0.0, 0, -far, far]), np.array([-far, far, 0.0, 0]))

    # -- content
    def set_arrows(self, arrows: Sequence[Arrow]) -> None:
        """Show arrows; later ones lie over earlier ones."""
        if len(arrows) != len(self._arrows):
            self._at, self._hover = min(self._at, len(arrows) - 1), -1
        self._arrows = tuple(arrows)
        self._grips = [i for i, arrow in enumerate(arrows) if arrow.grip]
        if self._tips.held is not None and self._tips.held >= len(self._grips):
            self._tips.held = None  # gone from under the hand
        tips = np.array([(arrows[i].x, arrows[i].y) for i in self._grips], float).reshape(-1, 2)
        self._tips.show_at(*tips.T, size=1, pen=None, brush=HOLLOW)
        self._drawn.show_arrows(arrows)
        self._name()
        self._ring()
        self.tell()

    def set_field(self, field: np.ndarray | None, top: float = 1.0) -> None:
        """Show a field (n, n) below the arrows, first row on top, from 0 to ``top``."""
        had, self._field = self._field is not None, field
        self._image.setVisible(field is not None)
        if field is not None:
            self._ends = 0.0, top
            self._image.setImage(field[::-1], levels=self._hand or self._ends, lut=theme.ramp("ember"))
            side = self._reach
            self._image.setRect(QRectF(-side, -side, 2 * side, 2 * side))
        if had != (field is not None):
            self._dress_lines()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color the field from the first end to the second; None: as `set_field` says."""
        self._hand = ends
        self._image.setLevels(ends or self._ends)

    def at(self) -> int:
        """The marked arrow; −1 for none."""
        return self._at

    def set_at(self, index: int) -> None:
        """Mark an arrow without telling anybody; −1 for none."""
        self._at = index
        self._ring()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        found = {
            "names": np.array([a.name for a in self._arrows], np.str_),
            "notes": np.array([a.note for a in self._arrows], np.str_),
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

    def whole(self) -> None:
        side = (-self._reach, self._reach)
        self.box.setRange(xRange=side, yRange=side, padding=0)
        self.box.updateMatrix()  # else in the middle of painting, which is done twice then

    def resized(self) -> None:
        self.refit()
        self._place_names()

    # -- hand
    def _near(self, at: QPointF) -> int:
        """The arrow whose tip is within reach; −1 for none."""
        near = self._tips.near(at)
        return -1 if near is None else self._grips[near]

    def _clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.box.sceneBoundingRect().contains(event.scenePos()):
            self._take(self._near(self.box.mapSceneToView(event.scenePos())))

    def _take(self, index: int) -> None:
        self.set_at(index)
        self.chosen.emit(index)

    def _dragged(self, tip: int, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        index = self._grips[tip]
        if self._from is None:
            self._from = QPointF(self._arrows[index].x, self._arrows[index].y)
            self._take(index)
        x, y = at.x(), at.y()
        if keys & Qt.KeyboardModifier.ControlModifier:
            x, y = SNAP * round(x / SNAP), SNAP * round(y / SNAP)
        if keys & Qt.KeyboardModifier.ShiftModifier:
            if abs(x - self._from.x()) >= abs(y - self._from.y()):
                y = self._from.y()
            else:
                x = self._from.x()
        self._move(index, x, y)

    def _dropped(self) -> None:
        self._from = None
        self.settled.emit(self._at)

    def _move(self, index: int, x: float, y: float) -> None:
        x, y = (round(min(self._reach, max(-self._reach, v)), 2) for v in (x, y))
        arrow = self._arrows[index]
        if (x, y) != (arrow.x, arrow.y):
            self.moved.emit(index, x, y)

    def _point(self, at: QPointF | None) -> None:
        hover = -1 if at is None else self._near(at)
        if hover != self._hover:
            self._hover = hover
            if hover >= 0:
                self._tips.setCursor(Qt.CursorShape.OpenHandCursor)
            else:
                self._tips.unsetCursor()
            self._ring()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    # -- keys
    def walk(self, rows: int, cols: int) -> bool:
        if not self._grips:
            return False
        if self._at not in self._grips:
            self._take(self._grips[0])
            return True
        arrow = self._arrows[self._at]
        self._move(self._at, arrow.x + STEP * cols, arrow.y - STEP * rows)
        return True

    def enter(self) -> bool:
        if not self._grips:
            return False
        now = self._grips.index(self._at) + 1 if self._at in self._grips else 0
        self._take(self._grips[now % len(self._grips)])
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._at >= 0:
            self.settled.emit(self._at)
        super().keyReleaseEvent(event)

    # -- items
    def _ring(self) -> None:
        spots: list[dict[str, object]] = []
        for at in {self._at, self._hover}:
            if 0 <= at < len(self._arrows) and self._arrows[at].grip:
                place = (self._arrows[at].x, self._arrows[at].y)
                pens = (case(width=4), case("accent", 2))
                spots += [{"pos": place, "size": 20, "pen": pen, "brush": HOLLOW} for pen in pens]
        self._rings.setData(spots)

    def _name(self) -> None:
        """Write the names; those in a ring stand in its middle."""
        while len(self._names) < len(self._arrows):
            self._names.append(Caption(fill=225))
            self._names[-1].setZValue(7)
            self.plot.addItem(self._names[-1])
        for i, caption in enumerate(self._names):
            arrow = self._arrows[i] if i < len(self._arrows) else Arrow(0, 0)
            caption.setVisible(bool(arrow.name))
            if arrow.name:
                caption.dress("text", CAPTION, fill=0 if arrow.ring else 225)
                color = theme.color("text" if arrow.ring else arrow.token).name()
                note = f" {html.escape(arrow.note)}" if arrow.note else ""
                caption.rich(f'<b style="color:{color}">{html.escape(arrow.name)}</b>{note}')
                caption.setPos(arrow.x, arrow.y)
        self._place_names()

    def _place_names(self, *_: object) -> None:
        """Each name beside its tip, away from the origin, at the first place where it covers no other."""
        inside = self.box.sceneBoundingRect()
        tips = [self.box.mapViewToScene(QPointF(arrow.x, arrow.y)) for arrow in self._arrows]
        taken = [QRectF(tip.x() - 7, tip.y() - 7, 14, 14) for tip in tips]
        for arrow, tip, caption in reversed(list(zip(self._arrows, tips, self._names, strict=False))):
            if not arrow.name:
                continue
            size = caption.textItem.boundingRect()
            if arrow.ring:
                caption.shift(QPointF(-size.width() / 2, -size.height() / 2))
                continue
            spots = []
            for lift in LIFTS:
                for right in (arrow.x >= 0, arrow.x < 0):
                    x = BESIDE if right else -BESIDE - size.width()
                    spots.append(QPointF(x, lift - size.height() / 2))
            places = [QRectF(tip + spot, size.size()) for spot in spots]
            covers = [any(place.intersects(other) for other in taken) for place in places]
            free = [i for i, place in enumerate(places) if inside.contains(place) and not covers[i]]
            best = free[0] if free else 0
            taken.append(places[best])
            caption.shift(spots[best])

    def _dress_lines(self) -> None:
        over = self._field is not None
        self._lines.setPen(cosmetic(theme.color("chalk", 40) if over else theme.color("border")))
        self._zeros.setPen(cosmetic(theme.color("chalk", 140) if over else theme.color("control")))

    def apply_theme(self) -> None:
        self._dress_lines()
        self._drawn.update()
        self._name()
        self._ring()
