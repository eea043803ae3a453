"""What plots are painted with: lines with gaps, points, stems, marks, the query line."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app import theme, words
from app.theme import CAPTION, S2
from app.views.axes import Axes
from app.views.base import LEFT, RIGHT, dots, pen, text_width, write
from app.views.colorbar import scale_end
from app.words import Text

STYLES = {
    "solid": Qt.PenStyle.SolidLine,
    "dash": Qt.PenStyle.DashLine,
    "dot": Qt.PenStyle.DotLine,
    "dashdot": Qt.PenStyle.DashDotLine,
}
MANY = 150  # points that are drawn smaller


def ember(share: float) -> QColor:
    """Color of a share 0..1 of the attention map."""
    red, green, blue = theme.ramp("ember")[round(255 * min(1.0, max(0.0, share)))].tolist()
    return theme.from_rgb(red, green, blue)


def runs(filled: np.ndarray) -> list[tuple[int, int]]:
    """Start and end of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def line(
    painter: QPainter,
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    filled: np.ndarray | None,
    token: str,
    style: str,
    width: float,
) -> None:
    """A curve; where it is not filled there is a gap."""
    made = pen(theme.color(token), width, STYLES[style], square=False)
    painter.setPen(made)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for start, end in runs(np.ones(len(x), bool) if filled is None else filled):
        if end - start == 1:  # a place alone between two gaps
            painter.drawPoint(axes.point(float(x[start]), float(y[start])))
        else:
            painter.drawPolyline(axes.polygon(x[start:end], y[start:end]))


def points(painter: QPainter, axes: Axes, x: np.ndarray, y: np.ndarray, heat: np.ndarray | None) -> None:
    """Dots; with ``heat`` in the colors of attention, the strongest on top."""
    radius = 4.5 if len(x) <= MANY else 3.0
    places = list(zip(axes.pixels_x(x).tolist(), axes.pixels_y(y).tolist(), strict=True))
    if heat is None or len(heat) != len(x):
        painter.setPen(pen(theme.color("surface"), 1))
        painter.setBrush(theme.color("control"))
        for px, py in places:
            painter.drawEllipse(QPointF(px, py), radius - 1, radius - 1)
        return
    painter.setPen(pen(theme.color("control"), 1))
    for i in heat.argsort(kind="stable").tolist():
        painter.setBrush(ember(float(heat[i])))
        painter.drawEllipse(QPointF(*places[i]), radius, radius)


def stems(painter: QPainter, axes: Axes, strip: QRectF, x: np.ndarray, values: np.ndarray, top: float) -> None:
    """A stem for each value, on a zero-based scale of its own."""
    write(painter, QRectF(0, strip.top() - 2, strip.left() - S2, 16), scale_end(top), align=RIGHT)
    wide = 3.0 if len(x) <= MANY else 1.5
    for px, value in zip(axes.pixels_x(x).tolist(), values.tolist(), strict=True):
        if value > 0 and strip.left() - 1 <= px <= strip.right() + 1:
            share = min(1.0, value / top)
            high = max(1.0, share * strip.height())
            color = ember(share)
            edge = pen(theme.color("control"), wide + 1.2, square=False) if theme.name() == "dark" else None
            foot, head = QPointF(px, strip.bottom()), QPointF(px, strip.bottom() - high)
            if edge is not None:  # dark stems on dark paper
                painter.setPen(edge)
                painter.drawLine(foot, head)
            painter.setPen(pen(color, wide, square=False))
            painter.drawLine(foot, head)


def window(painter: QPainter, axes: Axes, strip: QRectF | None, band: tuple[float, float] | None) -> None:
    """Shade the window of a kernel."""
    if band is None:
        return
    place = axes.place
    left, right = (float(v) for v in axes.pixels_x(np.array(band)))
    left, right = max(left, place.left()), min(right, place.right())
    if right > left:
        bottom = place.bottom() if strip is None else strip.bottom()
        painter.fillRect(QRectF(left, place.top(), right - left, bottom - place.top()), theme.color("accent_soft", 130))


def query(painter: QPainter, axes: Axes, strip: QRectF | None, x: float, answer: float | None) -> None:
    """The query line with its handle, and a dot where it meets the fit."""
    place = axes.place
    px = float(axes.pixels_x(np.array(x)))
    if not place.left() - 1 <= px <= place.right() + 1:
        return
    bottom = place.bottom() if strip is None else strip.bottom()
    painter.setPen(pen(theme.color("accent"), 1.5))
    painter.drawLine(QPointF(px, place.top()), QPointF(px, bottom))
    painter.setPen(pen(theme.color("accent"), 2))
    painter.setBrush(theme.color("surface"))
    painter.drawEllipse(QPointF(px, bottom), 6, 6)
    if answer is not None:
        dots(painter, [axes.point(x, answer)], theme.color("accent"), 6)


def mark(painter: QPainter, axes: Axes, x: float, y: float, token: str, text: Text, foot: bool, is_ring: bool) -> None:
    """A dot with a word beside it, on request with a line to the axis."""
    place, at = axes.place, axes.point(x, y)
    if not place.left() - 1 <= at.x() <= place.right() + 1:
        return
    if foot:
        painter.setPen(pen(theme.color(token), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(at.x(), place.bottom()), at)
    inside = place.top() - 4 <= at.y() <= place.bottom() + 4
    if inside and is_ring:
        ring(painter, at, token, 5)
    elif inside:
        dots(painter, [at], theme.color(token), 5)
    said = words.drawn(text)
    if said:
        wide = text_width(said, CAPTION, True)
        left = at.x() + S2 + 2 + wide > place.right()
        start = at.x() - S2 - 2 - wide if left else at.x() + S2 + 2
        top = min(max(at.y() - 8 - S2, place.top()), place.bottom() - 18)
        write(painter, QRectF(start, top, wide, 16), said, theme.color(token), CAPTION, True, LEFT)


def cursor(painter: QPainter, axes: Axes, x: float) -> None:
    """The dashed line that is linked over plots."""
    px = float(axes.pixels_x(np.array(x)))
    if axes.place.left() <= px <= axes.place.right():
        painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(px, axes.place.top()), QPointF(px, axes.place.bottom()))


def ring(painter: QPainter, at: QPointF, token: str, radius: float = 7) -> None:
    """An empty circle around a point."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.color("surface"), 4))
    painter.drawEllipse(at, radius, radius)
    painter.setPen(pen(theme.color(token), 2))
    painter.drawEllipse(at, radius, radius)
