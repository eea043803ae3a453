"""Paper, and shapes that fill the boxes of the true objects. No model ever sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from app import theme
from engines.detr.objects import Box4, Thing

PAPER = {  # data that is depicted, not colors of the app: upper left and lower right
    "light": ((201, 205, 214), (158, 168, 184)),
    "dark": ((54, 60, 72), (31, 36, 45)),
}
INKS = ((91, 111, 181), (181, 106, 91), (138, 123, 176), (84, 146, 134), (181, 154, 74), (166, 104, 146))


def paper(width: int, height: int) -> np.ndarray:
    """The background, uint8 (height, width, 3)."""
    first, last = (np.array(rgb, np.float32) for rgb in PAPER[theme.name()])
    along = np.linspace(0, 0.5, width, dtype=np.float32)[None] + np.linspace(0, 0.5, height, dtype=np.float32)[:, None]
    return (first + (last - first) * along[..., None]).astype(np.uint8)


def paint_shapes(painter: QPainter, area: QRectF, things: Sequence[Thing], labels: Sequence[str]) -> None:
    """Each object as its class's shape, in its box; ``area`` is the whole scene on the screen."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    for thing in things:
        cx, cy, w, h = thing.box
        place = QRectF(
            area.x() + (cx - w / 2) * area.width(),
            area.y() + (cy - h / 2) * area.height(),
            w * area.width(),
            h * area.height(),
        )
        if place.width() < 2 or place.height() < 2:
            continue
        inset = min(4.0, place.width() / 8, place.height() / 8)
        painter.setBrush(theme.from_rgb(*INKS[thing.label % len(INKS)]))
        painter.drawPath(outline_of(labels[thing.label], place.adjusted(inset, inset, -inset, -inset)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def outline_of(kind: str, place: QRectF) -> QPainterPath:
    """The outline of a kind of shape that fills a rectangle; a plain rectangle for what has no shape."""
    return _outline(kind, place.x(), place.y(), place.width(), place.height())


@lru_cache(maxsize=256)  # while one box is dragged the others stay
def _outline(kind: str, left: float, top: float, wide: float, high: float) -> QPainterPath:
    path, place = QPainterPath(), QRectF(left, top, wide, high)
    if kind in ("circle", "ring"):
        path.addEllipse(place)
        if kind == "ring":
            by_x, by_y = place.width() / 4, place.height() / 4
            path.addEllipse(place.adjusted(by_x, by_y, -by_x, -by_y))
    elif kind in CORNERS:
        half_w, half_h = place.width() / 2, place.height() / 2
        mid = place.center()
        path.addPolygon(QPolygonF([QPointF(mid.x() + x * half_w, mid.y() + y * half_h) for x, y in CORNERS[kind]]))
        path.closeSubpath()
    else:
        path.addRect(place)
    return path


def _star() -> tuple[tuple[float, float], ...]:
    points = [
        (r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5)) for i in range(10) for r in [(1.0, 0.4)[i % 2]]
    ]
    wide, low, high = max(x for x, _ in points), min(y for _, y in points), max(y for _, y in points)
    return tuple((x / wide, 2 * (y - low) / (high - low) - 1) for x, y in points)


_A = 0.36  # half the width of the cross's arms
CORNERS = {
    "triangle": ((-1.0, 1.0), (1.0, 1.0), (0.0, -1.0)),
    "star": _star(),
    "cross": (
        (-_A, -1.0), (_A, -1.0), (_A, -_A), (1.0, -_A), (1.0, _A), (_A, _A),
        (_A, 1.0), (-_A, 1.0), (-_A, _A), (-1.0, _A), (-1.0, -_A), (-_A, -_A),
    ),
}  # fmt: skip


def as_box(corners_: np.ndarray) -> Box4:
    """A box given as xyxy (4,), as cxcywh."""
    x0, y0, x1, y1 = (float(v) for v in corners_)
    return ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)


def as_box_of(values: Sequence[float]) -> Box4:
    """Four numbers."""
    cx, cy, w, h = values
    return (cx, cy, w, h)


def corners(boxes: Sequence[Box4]) -> np.ndarray:
    """The boxes, given as cxcywh, as xyxy (N, 4)."""
    all_ = np.array(boxes).reshape(-1, 4)
    return np.concatenate([all_[:, :2] - all_[:, 2:] / 2, all_[:, :2] + all_[:, 2:] / 2], 1)
