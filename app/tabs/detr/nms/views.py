"""The canvases of "Without NMS": raw boxes with anchors and objects to drag, and what one way keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.tabs.detr.shapes import paint_shapes, paper
from app.views.base import pen
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box, truth
from app.views.boxview import BoxView
from app.words import Text
from engines.core.errors import Message
from engines.detr.nms.spec import Outcome, Suppressed
from engines.detr.objects import Box4, Thing, object_name

ANCHOR_ALPHA = 26  # of all anchors; those at the pointer are drawn whole
LAST_PLACE = (0.82, 0.45)  # where the anchors are drawn whole while the pointer is elsewhere
LEAST = (220, 120)
TAGGED = 3  # boxes that are too many: the labels of more would cover each other


def box_of_row(values: np.ndarray, **look: Any) -> Box:
    """A row of an array as a box."""
    cx, cy, w, h = (float(value) for value in values)
    return Box(cx, cy, w, h, **look)


def thin_box(painter: QPainter, place: QRectF, alpha: int) -> None:
    """One of many boxes that nobody asks about."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.color("text", alpha), 1, Qt.PenStyle.DashLine))
    painter.drawRect(place)


class Ground:
    """What lies below: a photo, or paper with the objects as shapes."""

    def __init__(self) -> None:
        self.photo: np.ndarray | None = None
        self.things: Sequence[Box4] = ()

    def lay(self, view: BoxView) -> None:
        """Give a view its photo or a paper of its size."""
        view.set_photo(paper(max(2, view.width()), max(2, view.height())) if self.photo is None else self.photo)

    def use(self, view: BoxView, photo: np.ndarray | None, things: Sequence[Box4]) -> None:
        """Another photo or other objects."""
        self.things = things
        if photo is not self.photo or view.photo_size()[1] < 2:
            self.photo = photo
            self.lay(view)

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Shapes where there is no photo."""
        if self.photo is None:
            shapes = [Thing(one, i) for i, one in enumerate(self.things)]
            paint_shapes(painter, area, shapes, ["circle"] * len(shapes))


class RawView(BoxEditor):
    """Objects that can be dragged, raw boxes that can't, and anchors.

    Signals
    -------
    moved : (int, box)
        An object was dragged or resized; `began` and `finished` bound one undo step.
    """

    moved = Signal(int, object)

    def __init__(self) -> None:
        super().__init__(turn=False, snap=16)
        self.setMinimumSize(*LEAST)
        self.export_name = "raw-boxes"
        self._ground, self._count, self._editable = Ground(), 0, True
        self._anchors = np.zeros((0, 4), np.float32)
        self._anchors_at: tuple[list[QRectF], list[QRectF]] = ([], [])
        self._placed_for = self._anchors, QRectF()  # what these places were made for
        self.changed.connect(lambda i, one: self.moved.emit(i, (one.cx, one.cy, one.w, one.h)))

    def show_scene(
        self, things: Sequence[Box4], photo: np.ndarray | None, found: Suppressed, anchors: bool, editable: bool
    ) -> None:
        """Objects first, then the raw boxes."""
        self._ground.use(self, photo, things)
        self._count, self._editable = len(things), editable
        self._anchors = found.anchors if anchors else found.anchors[:0]
        raw = [box_of_row(one, token="text2", dashed=True) for one in found.boxes]
        self.set_boxes([*(truth(one, object_name(i)) for i, one in enumerate(things)), *raw])
        if not editable:
            self.set_at(-1)

    def numbers(self) -> dict[str, np.ndarray]:
        return {**super().numbers(), "anchors_cx_cy_w_h": self._anchors}

    def box_at(self, point: QPointF) -> int | None:
        """The smallest object under a screen point: raw boxes are told, not touched."""
        self.arranged()
        where = self.to_photo(point)
        hit = [i for i in range(self._count) if self._editable and self._frame(i).contains(where)]
        return min(hit, key=lambda i: (i != self._at, self._boxes[i].w * self._boxes[i].h)) if hit else None

    def walk(self, rows: int, cols: int) -> bool:
        if self._at < 0 and self._editable and self._count:
            self._choose(0)
            return True
        return super().walk(rows, cols) if 0 <= self._at < self._count else False

    def resized(self) -> None:
        if self._ground.photo is None:
            self._ground.lay(self)

    def restyled(self) -> None:
        if self._ground.photo is None:
            self._ground.lay(self)
        super().restyled()

    def draw_photo(self, painter: QPainter, dim: bool) -> None:
        super().draw_photo(painter, dim)
        area = self.photo_rect()
        self._ground.paint(painter, area)
        self._draw_anchors(painter, area)

    def point_at(self, point: QPointF | None) -> None:
        super().point_at(point)
        if len(self._anchors):
            self.update()

    def _draw_anchors(self, painter: QPainter, area: QRectF) -> None:
        """All of them faint, their places as dots, and those of the place nearest to the pointer."""
        if not len(self._anchors):
            return
        x, y = self._point or LAST_PLACE
        centers = self._anchors[:, :2]
        far = np.hypot((centers[:, 0] - x) * area.width(), (centers[:, 1] - y) * area.height())
        near = far <= far.min() + 0.5
        places, dots = self._anchor_places(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for lit in (False, True):
            painter.setPen(pen(theme.color("accent", 255 if lit else ANCHOR_ALPHA), 1))
            painter.drawRects([places[i] for i in np.flatnonzero(near == lit).tolist()])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent"))
        painter.drawRects(dots)

    def _anchor_places(self, area: QRectF) -> tuple[list[QRectF], list[QRectF]]:
        """Where the anchors stand on the screen, and the dots of their places; they change much less than the boxes."""
        before, on = self._placed_for
        if on != area or not np.array_equal(before, self._anchors):
            self._placed_for = self._anchors, QRectF(area)
            middle, size = np.hsplit(self._anchors.astype(float), 2)
            corner, onto = np.array([area.x(), area.y()]), np.array([area.width(), area.height()])
            rows = np.rint(np.hstack([corner + (middle - size / 2) * onto, size * onto]))
            at = np.rint(corner + np.unique(middle, axis=0) * onto) - 1
            self._anchors_at = [QRectF(*row) for row in rows.tolist()], [QRectF(x, y, 3, 3) for x, y in at.tolist()]
        return self._anchors_at

    def _draw_box(self, painter: QPainter, index: int) -> None:
        if index < self._count:
            super()._draw_box(painter, index)
        else:
            thin_box(painter, self.box_rect(index), 170)


class OutcomeView(BoxView):
    """True objects, and which of the raw boxes one way keeps; a lost object says so."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(*LEAST)
        self.export_name = "kept-boxes"
        self._ground = Ground()

    def show_outcome(self, found: Suppressed, result: Outcome, photo: np.ndarray | None, dropped: bool) -> None:
        """Dropped boxes dashed, kept ones solid with their score, objects green."""
        things = found.params.things
        self._ground.use(self, photo, things)
        kept, hit = set(result.kept.tolist()), set(result.found.tolist())
        boxes = [
            box_of_row(one, token="text2", dashed=True)
            for i, one in enumerate(found.boxes)
            if dropped and i not in kept
        ]
        for i, one in enumerate(things):
            tag: Text = object_name(i) if i in hit else Message("{letter}: lost", {"letter": object_name(i)})
            boxes.append(truth(one, tag))
        rows = zip(result.kept.tolist(), result.scores.tolist(), result.found.tolist(), strict=True)
        few = len(result.kept) - result.hits <= TAGGED
        for index, score, of in sorted(rows, key=lambda row: row[2] >= 0):  # what finds an object on top
            value = words.number(score, 2)
            extra = of < 0 and len(things) > 0
            name: Text = Message("{score} extra", {"score": value}) if few else ""
            look = {"tag": name, "token": "danger"} if extra else {"tag": value, "token": "pred"}
            boxes.append(box_of_row(found.boxes[index], above=False, **look))
        self.set_boxes(boxes)

    def resized(self) -> None:
        if self._ground.photo is None:
            self._ground.lay(self)

    def restyled(self) -> None:
        if self._ground.photo is None:
            self._ground.lay(self)
        super().restyled()

    def draw_photo(self, painter: QPainter, dim: bool) -> None:
        super().draw_photo(painter, dim)
        self._ground.paint(painter, self.photo_rect())

    def _draw_box(self, painter: QPainter, index: int) -> None:
        if self._boxes[index].dashed:
            thin_box(painter, self.box_rect(index), 90)
        else:
            super()._draw_box(painter, index)
