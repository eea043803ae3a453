"""What the scene editor does to a drawing: pure functions on small frozen objects, lengths as shares of the scene."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from app.tabs.detr.boxes import iou
from engines.detr.spec import TEXTURES, Drawing, Shape, box_of, contains, random_drawing

LEAST, GREATEST = 0.08, 0.90  # size a shape can be given; the model saw 0.17 to 0.52
ROOM = 16  # shapes that a drawing can hold
NEW_SIZE = 0.28
COLORS: tuple[tuple[int, int, int], ...] = (  # data that the model sees, not colors of the app
    (226, 82, 96),
    (240, 140, 60),
    (246, 190, 60),
    (88, 176, 120),
    (46, 160, 170),
    (72, 148, 222),
    (84, 96, 200),
    (150, 104, 200),
    (222, 120, 180),
    (140, 96, 66),
    (238, 238, 230),
    (40, 42, 50),
)


def put(drawing: Drawing, index: int, shape: Shape) -> Drawing:
    """The drawing with another shape in place ``index``."""
    shapes = list(drawing.shapes)
    shapes[index] = shape
    return replace(drawing, shapes=tuple(shapes))


def added(drawing: Drawing, kind: str, x: float | None = None, y: float | None = None) -> Drawing:
    """One more shape on top, at a point or where there is most room."""
    if x is None or y is None:
        x, y = roomiest(drawing)
    used = [shape.color for shape in drawing.shapes]
    color = min(COLORS[:9], key=used.count)
    angle = 45.0 if kind == "square" else 0.0  # at 0 a square stands on its corner
    return replace(drawing, shapes=(*drawing.shapes, Shape(kind, x, y, NEW_SIZE, angle, color, TEXTURES[0])))


def removed(drawing: Drawing, index: int) -> Drawing:
    """Without the shape ``index``."""
    return replace(drawing, shapes=drawing.shapes[:index] + drawing.shapes[index + 1 :])


def duplicated(drawing: Drawing, index: int) -> Drawing:
    """A copy of the shape ``index`` on top, a little aside."""
    shape = drawing.shapes[index]
    step = 0.08 if shape.x < 0.7 else -0.08
    return replace(drawing, shapes=(*drawing.shapes, moved(shape, step, step if shape.y < 0.7 else -step)))


def raised(drawing: Drawing, index: int) -> Drawing:
    """The shape ``index`` on top of all others."""
    shape = drawing.shapes[index]
    return replace(drawing, shapes=(*drawing.shapes[:index], *drawing.shapes[index + 1 :], shape))


def roomiest(drawing: Drawing) -> tuple[float, float]:
    """A point that is far from all shapes and from the border."""
    best, where = -math.inf, (0.5, 0.5)
    for y in np.linspace(0.2, 0.8, 7).tolist():
        for x in np.linspace(0.2, 0.8, 7).tolist():
            free = min((math.hypot(x - s.x, y - s.y) - s.size / 2 for s in drawing.shapes), default=0.0)
            score = free - 0.01 * math.hypot(x - 0.5, y - 0.5)
            if score > best:
                best, where = score, (x, y)
    return where


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """Shifted; the center stays in the scene."""
    return replace(shape, x=min(1.0, max(0.0, shape.x + dx)), y=min(1.0, max(0.0, shape.y + dy)))


def wrapped(angle: float) -> float:
    """The same direction as degrees in [−180, 180)."""
    return (angle + 180) % 360 - 180


def top_at(drawing: Drawing, x: float, y: float) -> int:
    """Index of the topmost shape at a point; −1 for none."""
    return next((i for i in range(len(drawing.shapes) - 1, -1, -1) if contains(drawing.shapes[i], x, y)), -1)


def another(seed: int) -> Drawing:
    """A random drawing."""
    return random_drawing(seed)


def true_boxes(drawing: Drawing) -> np.ndarray:
    """Boxes float32 (N, 4), xyxy in 0..1."""
    return np.array([box_of(shape) for shape in drawing.shapes], np.float32).reshape(-1, 4)


def found(
    boxes: np.ndarray, labels: np.ndarray, true: np.ndarray, true_labels: np.ndarray, least: float = 0.5
) -> list[int]:
    """For each detection, best first, the true box that it finds (same class, IoU at least ``least``) or −1.

    As in average precision: each true box is found once, later detections of it are false.
    """
    overlap = iou(boxes, true)
    free, out = np.ones(len(true), bool), []
    for i in range(len(boxes)):
        fits = np.where(free & (true_labels == labels[i]), overlap[i], 0.0)
        best = int(fits.argmax()) if len(true) else -1
        if best >= 0 and fits[best] >= least:
            free[best] = False
            out.append(best)
        else:
            out.append(-1)
    return out
