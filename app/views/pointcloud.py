"""Points in a plane, colored by class, with their pictures on hover: a map of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPolygonF, QWheelEvent

from app import theme, words
from app.theme import CAPTION, S1, S2
from app.views.base import CENTER, chip, finite, outline, pen, rgb_image, text_width, write
from app.views.pointing import HoverView
from app.words import Text

COLORS = 6  #: after them shapes change
REACH = 12.0  #: px around a point within which the pointer takes it
ZOOM, MOST_ZOOM = 1.2, 40.0
FACE = 96  #: px of the picture beside a point
MARGIN = 14  #: px around the cloud
NAMED = 24  #: classes whose names stand on the map; more would hide it


def class_token(label: int) -> str:
    """Color of a class."""
    return f"cat{label % COLORS}"


class PointCloud(HoverView):
    """Points with classes.

    Signals
    -------
    clicked : int or None
        A point that was clicked; None beside all of them.
    """

    clicked = Signal(object)
    _hover: int | None

    def __init__(self) -> None:
        super().__init__((220, 170))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "feature-map"
        self._points = np.zeros((0, 2))
        self._labels = np.zeros(0, np.int64)
        self._filled = np.zeros(0, bool)
        self._wrong = np.zeros(0, bool)
        self._lit = np.zeros(0, bool)
        self._names: Sequence[Text] = ()
        self._captions: Sequence[Text] = ()
        self._faces = np.zeros((0, 1, 1, 3), np.uint8)
        self._face: tuple[int, QImage] | None = None
        self._extra: tuple[float, float] | None = None
        self._screen = np.zeros((0, 2))
        self._at: int | None = None
        self._zoom, self._middle = 1.0, QPointF(0.5, 0.5)  # of the whole, in shares
        self._pan: QPointF | None = None

    # -- content
    def set_points(self, points: np.ndarray, labels: np.ndarray, names: Sequence[Text], filled: np.ndarray) -> None:
        """Show points (n, 2) of classes (n,); ``filled`` (n,) ones are drawn whole, the others as outlines."""
        points = finite(np.asarray(points, float), "points")
        if len(points) != len(self._points):
            self._hover = self._at = None
            self._wrong, self._lit = np.zeros(len(points), bool), np.zeros(len(points), bool)
            self._captions = ()
        self._points, self._labels, self._names, self._filled = points, labels, names, filled
        self.renew()
        self.tell()

    def set_faces(self, faces: np.ndarray) -> None:
        """Pictures (n, s, s, 3) of the points, shown beside the one pointed at."""
        if faces is not self._faces:
            self._faces, self._face = faces, None
            self.update()

    def set_said(self, wrong: np.ndarray, captions: Sequence[Text]) -> None:
        """Cross points (n,) that were classified wrongly; ``captions`` stand below their pictures."""
        self._wrong, self._captions = wrong, captions
        self.tell()
        self.update()

    def set_lit(self, lit: np.ndarray | None) -> None:
        """Bring some points (n,) to the fore; None for all alike."""
        self._lit = np.zeros(len(self._points), bool) if lit is None else lit
        self.update()

    def set_extra(self, place: tuple[float, float] | None) -> None:
        """A point of its own: where a new photo lies."""
        self._extra = place
        self.renew()

    def at(self) -> int | None:
        """The pinned point."""
        return self._at

    def set_at(self, index: int | None) -> None:
        """Pin a point without telling anybody."""
        self._at = index
        self.tell()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "points": self._points,
            "classes": self._labels,
            "names": np.array([words.drawn(name) for name in self._names], np.str_),
            "labeled": self._filled,
            "wrong": self._wrong,
        }

    def report(self) -> str:
        index = self._shown
        if index is None:
            return ""
        said = words.drawn(self._captions[index]) if index < len(self._captions) else ""
        return said or words.drawn(self._names[int(self._labels[index])])

    @property
    def _shown(self) -> int | None:
        return self._hover if self._hover is not None else self._at

    # -- places
    def arrange(self, width: int, height: int) -> None:
        every = self._points if self._extra is None else np.vstack([self._points, self._extra])
        if not len(every):
            self._screen = np.zeros((0, 2))
            return
        low, high = every.min(0), every.max(0)
        span = np.maximum(high - low, 1e-9)
        room = np.array([width - 2 * MARGIN, height - 2 * MARGIN], float)
        share = (every - (low + high) / 2) / span  # both axes are stretched to the room: neither has a unit
        middle = np.array([self._middle.x() - 0.5, self._middle.y() - 0.5])
        placed = (share * [1, -1] - middle) * self._zoom * room + np.array([width, height]) / 2
        self._screen = placed

    def screen_of(self, index: int) -> QPointF:
        """Where a point stands on the view."""
        self.arranged()
        return QPointF(*self._screen[index].tolist())

    def under(self, at: QPointF) -> int | None:
        """The nearest point within reach."""
        self.arranged()
        count = len(self._points)
        if not count:
            return None
        away = np.hypot(*(self._screen[:count] - [at.x(), at.y()]).T)
        near = int(away.argmin())
        return near if away[near] <= REACH else None

    def fit(self) -> None:
        self._zoom, self._middle = 1.0, QPointF(0.5, 0.5)
        self.renew()

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pan is not None:
            moved = at - self._pan
            self._pan = at
            self._look(self._middle - QPointF(moved.x() / self._zoom / max(1, self.width()),
                                              moved.y() / self._zoom / max(1, self.height())))  # fmt: skip
            return
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        found = self.under(event.position())
        if found is None:
            self._pan = event.position()
        self._choose(found)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._pan = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notch = event.angleDelta().y() / 120
        old = self._zoom
        self._zoom = min(MOST_ZOOM, max(1.0, old * ZOOM**notch))
        at = event.position()
        away = QPointF(at.x() / max(1, self.width()) - 0.5, at.y() / max(1, self.height()) - 0.5)
        self._look(self._middle + away * (1 / old - 1 / self._zoom))
        event.accept()

    def _look(self, middle: QPointF) -> None:
        half = 0.5 / self._zoom
        self._middle = QPointF(min(1 - half, max(half, middle.x())), min(1 - half, max(half, middle.y())))
        self.renew()

    def _choose(self, index: int | None) -> None:
        self._at = None if index == self._at else index
        self.tell()
        self.update()
        self.clicked.emit(self._at)

    def walk(self, rows: int, cols: int) -> bool:
        """To the nearest point in the direction of the arrow."""
        self.arranged()
        count = len(self._points)
        if not count:
            return False
        now = self._hover if self._at is None else self._at
        if now is None:
            self._choose(int(np.hypot(*(self._screen[:count] - self._screen[:count].mean(0)).T).argmin()))
            return True
        way = self._screen[:count] - self._screen[now]
        along, aside = way[:, 0] * cols + way[:, 1] * rows, np.abs(way[:, 0] * rows) + np.abs(way[:, 1] * cols)
        cost = np.where((along > 0.5) & (along >= aside), along + aside, np.inf)
        if np.isfinite(cost).any():
            self._hover = None
            self._choose(int(cost.argmin()))
        return True

    def escape(self) -> bool:
        had = self._at is not None
        if had:
            self._choose(None)
        return had

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not len(self._points):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        some = bool(self._lit.any())
        order = np.argsort(self._lit, kind="stable")
        for index in order.tolist():
            self._draw_point(painter, index, 70 if some and not self._lit[index] else 255)
        if len(self._names) <= NAMED:
            self._draw_names(painter)
        if self._extra is not None:
            self._draw_extra(painter)
        if (index := self._shown) is not None:
            self._draw_face(painter, index)

    def _draw_point(self, painter: QPainter, index: int, alpha: int) -> None:
        x, y = self._screen[index].tolist()
        if not (-8 <= x <= self.width() + 8 and -8 <= y <= self.height() + 8):
            return
        label = int(self._labels[index])
        color = theme.color(class_token(label), alpha)
        filled = bool(self._filled[index])
        radius = 4.5 if filled else 3.2
        if filled:
            painter.setPen(pen(theme.color("surface", alpha), 1))
            painter.setBrush(color)
        else:
            painter.setPen(pen(color, 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        at = QPointF(x, y)
        match label // COLORS % 4:
            case 0:
                painter.drawEllipse(at, radius, radius)
            case 1:
                painter.drawRect(QRectF(x - radius, y - radius, 2 * radius, 2 * radius))
            case 2:
                painter.drawPolygon(
                    QPolygonF(
                        [at + QPointF(0, -radius - 1), at + QPointF(radius, radius), at + QPointF(-radius, radius)]
                    )
                )
            case _:
                r = radius + 1
                painter.drawPolygon(
                    QPolygonF([at + QPointF(0, -r), at + QPointF(r, 0), at + QPointF(0, r), at + QPointF(-r, 0)])
                )
        if self._wrong[index]:
            painter.setPen(pen(theme.color("danger", alpha), 1.6))
            r = radius + 2
            painter.drawLine(at + QPointF(-r, -r), at + QPointF(r, r))
            painter.drawLine(at + QPointF(-r, r), at + QPointF(r, -r))

    def _draw_names(self, painter: QPainter) -> None:
        """Each class's name at the median of its points."""
        count = len(self._points)
        for label, name in enumerate(self._names):
            mine = self._screen[:count][self._labels == label]
            if not len(mine):
                continue
            text = words.drawn(name)
            wide = text_width(text, CAPTION, True) + 2 * S1 + 2
            x, y = np.median(mine, axis=0).tolist()
            x = min(max(x, wide / 2 + 2), self.width() - wide / 2 - 2)
            if not 8 <= y <= self.height() - 8:
                continue
            place = QRectF(round(x - wide / 2), round(y - 8), round(wide), 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("surface", 205))
            painter.drawRoundedRect(place, 3, 3)
            write(painter, place, text, theme.color("text"), CAPTION, True, CENTER)

    def _draw_extra(self, painter: QPainter) -> None:
        at = QPointF(*self._screen[-1].tolist())
        for token, wide in (("surface", 5.0), ("accent", 2.0)):
            painter.setPen(pen(theme.color(token), wide))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, 9, 9)
            for way in (QPointF(14, 0), QPointF(0, 14)):
                painter.drawLine(at - way, at + way)

    def _draw_face(self, painter: QPainter, index: int) -> None:
        """The point ringed, with its picture and caption beside it."""
        at = self.screen_of(index)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for token, wide in (("surface", 4.0), ("accent", 2.0)):
            painter.setPen(pen(theme.color(token), wide))
            painter.drawEllipse(at, 8, 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        inside = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        text = self.report()
        if index >= len(self._faces):
            chip(painter, QRectF(at.x() - 8, at.y() - 8, 16, 16), text, inside)
            return
        if self._face is None or self._face[0] != index:
            self._face = index, rgb_image(self._faces[index])
        wide = max(FACE, text_width(text, CAPTION, True)) + 2 * S2
        high = FACE + 20 + 2 * S1
        x = at.x() + 14 if at.x() + 14 + wide <= inside.right() else at.x() - 14 - wide
        x = min(max(x, inside.left()), inside.right() - wide)
        y = min(max(at.y() - high / 2, inside.top()), inside.bottom() - high)
        place = QRectF(round(x), round(y), round(wide), round(high))
        painter.fillRect(place, theme.color("ink"))
        picture = QRectF(round(place.center().x() - FACE / 2), place.top() + S1 + 2, FACE, FACE)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(picture, self._face[1])
        outline(painter, picture.adjusted(0, 0, -1, -1), theme.color("chalk", 60), 1)
        below = QRectF(place.left(), picture.bottom() + 2, place.width(), 18)
        write(painter, below, text, theme.color("chalk"), CAPTION, True, CENTER)
