"""Boxes as data and as geometry: where they stand, where their handles are, what a drag makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPolygonF

from app.words import Text

HANDLE = 8  # px
ROTATE_ARM = 22  # px, from the upper edge to the rotation handle
REACH = 9  # px around a handle that still count as the handle
CLASSES = 6  #: that are told apart by color
LEAST = 4.0  # photo pixels, the smallest side a drag can make


@dataclass(frozen=True)
class Box:
    """One box on a photo.

    Attributes
    ----------
    cx, cy, w, h : float
        Center and size as shares of the photo's width and height (DETR's format).
    tag : str or Message
        Words in the label; empty for none.
    token : str
        Color token of the frame, such as ``truth``, ``pred``, ``text2`` or ``cat0``.
    above : bool
        The label stands on the upper edge, else below the lower one.
    dashed : bool
        1 px dashed instead of 2 px solid.
    dotted : bool
        Of dots, with the photo's case between them: told from a solid one without its color.
    angle : float
        Degrees clockwise around the center.
    """

    cx: float
    cy: float
    w: float
    h: float
    tag: Text = ""
    token: str = "accent"
    above: bool = True
    dashed: bool = False
    angle: float = 0.0
    dotted: bool = False


def _made(box: Sequence[float], tag: Text, token: str, above: bool = True, dashed: bool = False) -> Box:
    cx, cy, w, h = (float(v) for v in box)
    return Box(cx, cy, w, h, tag, token, above, dashed)


def class_token(label: int) -> str:
    """Color of a class where boxes are drawn; six go round. Neither truth nor matches stand beside them there."""
    return f"cat{label % CLASSES}"


def truth(box: Sequence[float], tag: Text) -> Box:
    """A true object: solid green, tag above. ``box`` is (cx, cy, w, h)."""
    return _made(box, tag=tag, token="truth")


def matched(box: Sequence[float], tag: Text) -> Box:
    """A matched prediction: solid orange, tag below."""
    return _made(box, tag=tag, token="pred", above=False)


def unmatched(box: Sequence[float], tag: Text) -> Box:
    """A prediction left as no object: dashed gray."""
    return _made(box, tag=tag, token="text2", above=False, dashed=True)


def detection(box: Sequence[float], tag: Text, label: int) -> Box:
    """A detection in its class color; six colors go round, so the tag must name the class."""
    return _made(box, tag=tag, token=class_token(label))


# ------------------------------------------------------------------ geometry, in photo pixels
@dataclass(frozen=True)
class Frame:
    """A box in photo pixels: center, half sizes, angle in radians."""

    x: float
    y: float
    half_w: float
    half_h: float
    angle: float = 0.0

    def out(self, u: float, v: float) -> QPointF:
        """A point given in half sizes along the box's own axes."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        a, b = u * self.half_w, v * self.half_h
        return QPointF(self.x + a * cos - b * sin, self.y + a * sin + b * cos)

    def own(self, point: QPointF) -> tuple[float, float]:
        """A photo point along the box's own axes, in pixels from the center."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        dx, dy = point.x() - self.x, point.y() - self.y
        return dx * cos + dy * sin, dy * cos - dx * sin

    def corners(self) -> list[QPointF]:
        """Upper left, upper right, lower right, lower left."""
        return [self.out(u, v) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]

    def contains(self, point: QPointF) -> bool:
        """Whether a photo point lies inside."""
        a, b = self.own(point)
        return abs(a) <= self.half_w and abs(b) <= self.half_h


def frame_of(box: Box, width: float, height: float) -> Frame:
    """A box in pixels of a photo of this size."""
    return Frame(box.cx * width, box.cy * height, box.w * width / 2, box.h * height / 2, math.radians(box.angle))


def box_of(frame: Frame, like: Box, width: float, height: float) -> Box:
    """Back to shares, with the words and colors of another box."""
    return replace(
        like,
        cx=frame.x / width,
        cy=frame.y / height,
        w=2 * frame.half_w / width,
        h=2 * frame.half_h / height,
        angle=math.degrees(frame.angle),
    )


def bounds(frame: Frame) -> QRectF:
    """The upright rectangle around a frame."""
    return QPolygonF(frame.corners()).boundingRect()


def moved(frame: Frame, by: QPointF, straight: bool, snap: float, size: tuple[float, float]) -> Frame:
    """Drag the whole box; ``straight`` keeps to one axis, ``snap`` > 0 puts the upper left corner on a grid."""
    dx, dy = by.x(), by.y()
    if straight:
        dx, dy = (dx, 0.0) if abs(dx) >= abs(dy) else (0.0, dy)
    x, y = frame.x + dx, frame.y + dy
    if snap > 0:
        x = round((x - frame.half_w) / snap) * snap + frame.half_w
        y = round((y - frame.half_h) / snap) * snap + frame.half_h
    return replace(frame, x=min(size[0], max(0.0, x)), y=min(size[1], max(0.0, y)))


def resized(frame: Frame, corner: tuple[int, int], point: QPointF, keep: bool, snap: float) -> Frame:
    """Drag one corner (signs of its own axes); the opposite one stays. ``keep`` keeps the ratio."""
    if snap > 0 and frame.angle == 0:
        point = QPointF(round(point.x() / snap) * snap, round(point.y() / snap) * snap)
    a, b = frame.own(point)
    # Along the own axes, measured from the corner that stays.
    wide = max(LEAST, corner[0] * a + frame.half_w)
    high = max(LEAST, corner[1] * b + frame.half_h)
    if keep:
        factor = max(wide / (2 * frame.half_w), high / (2 * frame.half_h))
        wide, high = 2 * frame.half_w * factor, 2 * frame.half_h * factor
    fixed = frame.out(-corner[0], -corner[1])
    turned = replace(frame, half_w=wide / 2, half_h=high / 2)
    far = turned.out(-corner[0], -corner[1])
    return replace(turned, x=turned.x + fixed.x() - far.x(), y=turned.y + fixed.y() - far.y())


def rotated(frame: Frame, point: QPointF, steps: bool) -> Frame:
    """Turn the box so that its upper edge faces a photo point; ``steps`` goes in 15 degrees."""
    angle = math.degrees(math.atan2(point.x() - frame.x, frame.y - point.y()))
    if steps:
        angle = 15 * round(angle / 15)
    return replace(frame, angle=math.radians((angle + 180) % 360 - 180))
