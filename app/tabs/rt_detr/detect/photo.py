"""A photo with boxes, one of them in the hand, and the points that a query looks at."""

from __future__ import annotations

from math import sqrt

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPolygonF

from app import theme, words
from app.plots.points import ember
from app.tabs.rt_detr.detect.tokens import Corner, corners
from app.theme import CAPTION
from app.views.base import CENTER, chip, pen, write
from app.views.boxeditor import BoxEditor
from app.views.photomap import weight_percent
from engines.core.errors import Message

AREA = 500.0  #: px² of a point that has all of the weight
LEAST = 1.5  #: px, the smallest half side of a point that has any
NEAR = 9.0  #: px around a point that still point at it
GRAB = 5.0  #: px around a point where a press takes it
ROOM = 34.0  #: px that a share needs beside
SHAPES = ("Circle", "Square", "Triangle")  #: of the levels, finest first


class SampledPhoto(BoxEditor):
    """Points are drawn over the boxes: area and color tell the weight, the shape tells the level.

    Signals
    -------
    point_moved : (int, float, float)
        A point in the hand, by its place among those shown, and where it is now, as shares of the photo.
    point_settled
        The hand let go of it.
    """

    point_moved = Signal(int, float, float)
    point_settled = Signal()

    def __init__(self) -> None:
        super().__init__(turn=False)
        self.export_name = "sampling-points"
        self._points = np.zeros((0, 2), np.float32)
        self._weights = np.zeros(0, np.float32)
        self._levels = np.zeros(0, int)
        self._names: tuple[Message, ...] = ()
        self._shapes: tuple[tuple[int, int], ...] = ()
        self._center: tuple[float, float] | None = None
        self._top, self._size, self._links_on, self._path_on = 1.0, 1.0, True, True
        self._past = np.zeros((0, 4), np.float32)
        self._near: int | None = None
        self._held: int | None = None
        self._ends: tuple[float, float] | None = None  # of the colors, where the hand has set them
        words.say(self, "setAccessibleName", "Where the decoder looks")

    # -- content
    def set_points(
        self,
        points: np.ndarray,
        weights: np.ndarray,
        levels: np.ndarray,
        names: tuple[Message, ...],
        center: tuple[float, float] | None,
        top: float,
        shapes: tuple[tuple[int, int], ...] = (),
    ) -> None:
        """Points (n, 2) as shares of the photo, their weights (n,), levels (n,) and names; ``top`` ends the colors.

        ``shapes`` are rows and columns of the levels.
        """
        self._shapes = shapes
        self._points, self._weights, self._levels, self._names = points, weights, levels, names
        self._center, self._top = center, top
        if self._held is None or self._held >= len(points):
            self._near = self._held = None
        self.update()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color the points from the first end to the second; None: from 0 to the largest weight."""
        self._ends = ends
        self.update()

    def set_past(self, boxes: np.ndarray) -> None:
        """The reference box in the layers before, (n, 4) cxcywh as shares of the photo, the first one first."""
        self._past = boxes
        self.update()

    def set_style(self, size: float, links: bool, path: bool) -> None:
        """How large points are, whether lines lead to them, and whether the box of the layers before is drawn."""
        if (size, links, path) != (self._size, self._links_on, self._path_on):
            self._size, self._links_on, self._path_on = size, links, path
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return super().numbers() | {
            "points_x_y": self._points,
            "point_weights": self._weights,
            "point_levels": self._levels + 1,
            "boxes_of_layers_before_cx_cy_w_h": self._past,
        }

    def near(self) -> int | None:
        """The point under the pointer."""
        return self._near

    def report(self) -> str:
        at = self._near
        if at is None:
            return super().report()
        return f"{words.drawn(self._names[at])}, {weight_percent(float(self._weights[at]))}"

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.point_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and not event.modifiers() and self._grabbed(event.position()):
            self._held = self._near
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            super().mouseMoveEvent(event)
            return
        at, (wide, high) = self.to_photo(event.position()), self.photo_size()
        self.point_moved.emit(self._held, at.x() / wide, at.y() / high)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            super().mouseReleaseEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._held = None
            self.point_settled.emit()

    def dragging(self) -> bool:
        return super().dragging() or self._held is not None

    def _grabbed(self, point: QPointF) -> bool:
        """Whether a press there takes the point that is near: closer than what only points at it."""
        if self._near is None:
            return False
        x, y = self._spots()[self._near].tolist()
        return bool(np.hypot(x - point.x(), y - point.y()) <= GRAB)

    def box_at(self, point: QPointF) -> int | None:
        """The box whose tag is hit, then the one in the hand: smaller ones on it would be taken in its place."""
        self.arranged()
        tagged = [i for i, tag in self._tags() if tag.contains(point)]
        if tagged:
            return tagged[-1]
        if 0 <= self._at < len(self._boxes) and self._frame(self._at).contains(self.to_photo(point)):
            return self._at
        return super().box_at(point)

    def point_at(self, point: QPointF | None) -> None:
        super().point_at(point)
        near = None
        if point is not None and len(self._points):
            away = np.hypot(*(self._spots() - (point.x(), point.y())).T)
            away[self._weights <= 0] = np.inf
            best = int(away.argmin())
            near = best if away[best] <= NEAR else None
        if near != self._near:
            self._near = near
            self.tell()
            self.update()

    def _spots(self) -> np.ndarray:
        """Where the points are on the screen, (n, 2)."""
        (wide, high), (s_x, s_y) = self.photo_size(), self.scales()
        return self._points * (wide * s_x, high * s_y) + (self._origin.x(), self._origin.y())

    # -- painting
    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        if not len(self._points):
            return
        painter.save()
        painter.setClipRect(self.shown_rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self._path_on and len(self._past):
            self._draw_past(painter)
        places = self._spots()
        order = [i for i in np.argsort(self._weights).tolist() if self._weights[i] > 0]
        if self._links_on and self._center is not None:
            self._draw_links_to(painter, places, order)
        for i in order:
            self._draw_point(painter, i, QPointF(*places[i].tolist()))
        self._draw_tokens(painter)
        painter.restore()
        if self._near is not None:
            x, y = places[self._near].tolist()
            chip(painter, QRectF(x - 6, y - 6, 12, 12), self.report(), self.shown_rect())

    def corners(self) -> tuple[Corner, ...]:
        """The tokens that the point under the pointer is read from."""
        at = self._near
        if at is None or self._levels[at] >= len(self._shapes):
            return ()
        x, y = self._points[at].tolist()
        return corners(x, y, self._shapes[int(self._levels[at])])

    def _draw_tokens(self, painter: QPainter) -> None:
        """The four tokens around the point under the pointer, each with its share."""
        found = self.corners()
        if not found or self._near is None:
            return
        (rows, columns), (wide, high) = self._shapes[int(self._levels[self._near])], self.photo_size()
        across, down = wide / columns, high / rows
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for one in found:
            start = self.on_screen(QPointF(one.column * across, one.row * down))
            place = QRectF(start, self.on_screen(QPointF((one.column + 1) * across, (one.row + 1) * down)))
            for token, width in (("ink", 3.0), ("chalk", 1.0)):
                painter.setPen(pen(theme.color(token), width))
                painter.drawRect(place)
            if place.width() >= ROOM and place.height() >= CAPTION + 2:
                write(painter, place, words.percent(one.share), theme.color("chalk"), CAPTION, True, CENTER)

    def _draw_past(self, painter: QPainter) -> None:
        """The box in each layer before, the newest clearest, and the way of its center to where it is now."""
        wide, high = self.photo_size()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for at, (cx, cy, w, h) in enumerate(self._past.tolist(), 1):
            corner = self.on_screen(QPointF((cx - w / 2) * wide, (cy - h / 2) * high))
            place = QRectF(corner, self.on_screen(QPointF((cx + w / 2) * wide, (cy + h / 2) * high)))
            share = at / (len(self._past) + 1)
            for token, width in (("ink", 3.0), ("accent", 1.0)):
                painter.setPen(pen(theme.color(token, round((90 if width > 1 else 230) * share)), width))
                painter.drawRect(place)
        way = [(cx, cy) for cx, cy, _, _ in self._past.tolist()]
        way += [] if self._center is None else [self._center]
        line = QPolygonF([self.on_screen(QPointF(x * wide, y * high)) for x, y in way])
        for token, width in (("ink", 3.5), ("accent", 1.5)):
            painter.setPen(pen(theme.color(token), width))
            painter.drawPolyline(line)

    def _draw_links_to(self, painter: QPainter, places: np.ndarray, order: list[int]) -> None:
        assert self._center is not None
        wide, high = self.photo_size()
        start = self.on_screen(QPointF(self._center[0] * wide, self._center[1] * high))
        lines = [QLineF(start, QPointF(*places[i].tolist())) for i in order]
        for token, alpha, width in (("ink", 70, 3.0), ("chalk", 150, 1.0)):
            painter.setPen(pen(theme.color(token, alpha), width))
            painter.drawLines(lines)

    def _draw_point(self, painter: QPainter, index: int, at: QPointF) -> None:
        weight = float(self._weights[index])
        half = max(LEAST, sqrt(AREA * weight * self._size) / 2)
        low, top = self._ends or (0.0, self._top)
        painter.setBrush(ember((weight - low) / (top - low)))
        for token, width in (("ink", 3.0), ("chalk", 1.0)):
            painter.setPen(pen(theme.color(token), width))
            level = int(self._levels[index])
            if level == 0:
                painter.drawEllipse(at, half, half)
            elif level == 1:
                painter.drawRect(QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half))
            else:
                corners = [(0.0, -1.2 * half), (1.1 * half, 0.8 * half), (-1.1 * half, 0.8 * half)]
                painter.drawPolygon(QPolygonF([QPointF(at.x() + x, at.y() + y) for x, y in corners]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
