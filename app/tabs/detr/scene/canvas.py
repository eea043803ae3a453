"""The scene editor's canvas: shapes that follow the hand, true boxes, and what the model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPolygonF

from app import theme, words
from app.plots.boxes import TURN
from app.tabs.detr.names import class_name
from app.tabs.detr.scene import editing
from app.views.base import pen, rgb_image
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box, Frame, matched, truth
from app.words import Text
from engines.detr.spec import SHOWN, Drawing, draw_background, render

SEEN = 96  #: px, side of the scene as the toy model sees it
CELLS = 12  #: places a side of the feature map: the grid of Ctrl


class SceneCanvas(BoxEditor):
    """A scene whose shapes can be dragged, resized and turned.

    Signals
    -------
    edited : Drawing
        What the hand made of the scene so far; `began` and `finished` bound one undo step.
    selected : int
        A shape was chosen; −1 for none.
    copied : int
        Ctrl+D: a copy of this shape is wanted.
    """

    edited = Signal(object)
    selected = Signal(int)
    copied = Signal(int)

    def __init__(self) -> None:
        super().__init__(turn=True, snap=SHOWN / CELLS)
        self.setMinimumSize(300, 300)
        self._drawing = Drawing()
        self._photo: np.ndarray | None = None
        self._paper: tuple[object, np.ndarray | None] = (None, None)  # what the background was made from, and it
        self._below: tuple[object, np.ndarray | None] = (None, None)  # the shapes below the chosen one, likewise
        self._seen = False
        self.found: tuple[Box, ...] = ()
        self._repeats = False
        self.clicked.connect(lambda index: self.selected.emit(-1 if index is None else index))
        words.say(self, "setAccessibleName", "Scene")

    # -- content
    def set_drawing(self, drawing: Drawing, photo: np.ndarray | None) -> None:
        """Show a drawing, on a photo if there is one (uint8 (h, w, 3), its middle square)."""
        if drawing == self._drawing and photo is self._photo and self._paper[1] is not None:
            return
        self._drawing, self._photo = drawing, photo
        if self._at >= len(drawing.shapes):
            self._at = -1
            self.selected.emit(-1)
        self._paint_scene()
        self._rebuild()

    def set_seen(self, seen: bool) -> None:
        """Show the scene as the model gets it, pixel for pixel."""
        if seen != self._seen:
            self._seen = seen
            self._paint_scene()

    def set_found(self, boxes: np.ndarray, tags: Sequence[Text]) -> None:
        """Show detections: boxes (N, 4) xyxy as shares of the scene, and their words."""
        self.found = tuple(
            matched(((a + c) / 2, (b + d) / 2, c - a, d - b), tag)
            for (a, b, c, d), tag in zip(boxes.tolist(), tags, strict=True)
        )
        self._rebuild()

    def drawing(self) -> Drawing:
        """The drawing on screen."""
        return self._drawing

    def select(self, index: int) -> None:
        """Choose a shape as a click would."""
        self.set_at(index)
        self.selected.emit(index)

    def set_photo(self, rgb: np.ndarray) -> None:
        """Another picture of the same scene: zoom and place stay."""
        if rgb.shape != self._rgb.shape:
            super().set_photo(rgb)
            return
        self._rgb, self._bright = rgb, rgb_image(rgb)  # no dimmed copy: nothing lies over the scene
        self._dim = self._bright
        self._scaled.clear()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        shapes = self._drawing.shapes
        return {
            "kind": np.array([shape.kind for shape in shapes], np.str_),
            "x_y_size_angle": np.array([[s.x, s.y, s.size, s.angle] for s in shapes]).reshape(-1, 4),
            "color": np.array([shape.color for shape in shapes], np.uint8).reshape(-1, 3),
            "texture": np.array([shape.texture for shape in shapes], np.str_),
            "true_boxes_xyxy": editing.true_boxes(self._drawing),
            "detections_cx_cy_w_h": np.array([[b.cx, b.cy, b.w, b.h] for b in self.found]).reshape(-1, 4),
            "detection_tags": np.array([words.drawn(b.tag) for b in self.found], np.str_),
        }

    def report(self) -> str:
        if not 0 <= self._at < len(self._drawing.shapes):
            return ""
        shape = self._drawing.shapes[self._at]
        place = f"{round(shape.x * SEEN)}, {round(shape.y * SEEN)}"
        return f"{words.tr(class_name(shape.kind))}, {place}, {words.number(shape.angle)}°"

    def _backdrop(self) -> np.ndarray:
        drawing, photo = self._drawing, self._photo
        key = (drawing.background, drawing.seed) if photo is None else id(photo)
        made = self._paper[1] if self._paper[0] == key else None
        if made is None:
            made = render((), draw_background(drawing, SEEN) if photo is None else photo, SHOWN)[0]
            self._paper = (key, made)
        return made

    def _paint_scene(self) -> None:
        shapes, background = self._drawing.shapes, self._backdrop()
        if not self._seen:
            at = max(0, self._at)  # what lies below the shape in hand is drawn once for the whole drag
            key = (shapes[:at], id(background))
            below = self._below[1] if self._below[0] == key else None
            if below is None:
                below = render(shapes[:at], background, SHOWN)[0]
                self._below = (key, below)
            self.set_photo(render(shapes[at:], below, SHOWN)[0])
            return
        plain = draw_background(self._drawing, SEEN) if self._photo is None else self._photo
        small = render(shapes, plain, SEEN)[0]
        self.set_photo(small.repeat(SHOWN // SEEN, 0).repeat(SHOWN // SEEN, 1))

    def _rebuild(self) -> None:
        shapes = self._drawing.shapes
        frames = [Box(s.x, s.y, s.size, s.size, angle=s.angle) for s in shapes]
        true = [
            truth(((a + c) / 2, (b + d) / 2, c - a, d - b), class_name(shape.kind))
            for shape, (a, b, c, d) in zip(shapes, editing.true_boxes(self._drawing).tolist(), strict=True)
        ]
        self.set_boxes([*frames, *true, *self.found])

    # -- hand
    def box_at(self, point: QPointF) -> int | None:
        """The topmost shape under a screen point: boxes are told, not touched."""
        self.arranged()
        at, (width, height) = self.to_photo(point), self.photo_size()
        index = editing.top_at(self._drawing, at.x() / width, at.y() / height)
        return None if index < 0 else index

    def _change(self, frame: Frame) -> None:
        index, side = self._at, float(SHOWN)
        old = self._drawing.shapes[index]
        held = self.region.held
        if held is not None and held != TURN:
            frame = squared(frame, self.region.start, held)
        size = min(editing.GREATEST, max(editing.LEAST, 2 * frame.half_w / side))
        angle = old.angle
        if held == TURN:
            angle = editing.wrapped(float(np.degrees(frame.angle)))
        new = replace(old, x=clip(frame.x / side), y=clip(frame.y / side), size=size, angle=angle)
        self._edit(editing.put(self._drawing, index, new))

    def _edit(self, drawing: Drawing) -> None:
        if drawing == self._drawing:
            return
        self.set_drawing(drawing, self._photo)
        self.tell()
        self.edited.emit(drawing)

    def place(self, kind: str, point: QPointF) -> None:
        """A shape from the palette is held over a screen point: put it there, or move it along."""
        self.arranged()
        at, (width, height) = self.to_photo(point), self.photo_size()
        x, y = at.x() / width, at.y() / height
        if not (0 <= x <= 1 and 0 <= y <= 1):
            return
        shapes = self._drawing.shapes
        if not self._dragged:
            if len(shapes) >= editing.ROOM:
                return
            self._dragged = True
            self.began.emit(len(shapes))
            self._edit(editing.added(self._drawing, kind, x, y))
            self.select(len(shapes))
        else:
            self._edit(editing.put(self._drawing, self._at, replace(shapes[self._at], x=x, y=y)))

    def drop(self) -> None:
        """The shape from the palette was let go."""
        if self._dragged:
            self._dragged = False
            self.finished.emit(self._at)

    # -- keys
    def walk(self, rows: int, cols: int) -> bool:
        shapes = self._drawing.shapes
        if not shapes:
            return False
        if self._at < 0:
            self.select(len(shapes) - 1)
            return True
        if not self._repeats:
            self.began.emit(self._at)
        self._edit(editing.put(self._drawing, self._at, editing.moved(shapes[self._at], cols / SEEN, rows / SEEN)))
        return True

    def enter(self) -> bool:
        if not self._drawing.shapes:
            return False
        self.select((self._at + 1) % len(self._drawing.shapes))
        self.update()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._repeats = event.isAutoRepeat()
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.finished.emit(self._at)
        super().keyReleaseEvent(event)

    # -- painting
    def _draw_box(self, painter: QPainter, index: int) -> None:
        if index >= len(self._drawing.shapes):
            super()._draw_box(painter, index)
        elif index in (self._at, self._hover):
            corners = QPolygonF([self.on_screen(c) for c in self._frame(index).corners()])
            corners.append(corners.first())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            for token, width in (("surface", 3.0), ("accent", 1.0)):
                painter.setPen(pen(theme.color(token), width))
                painter.drawPolyline(corners)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def squared(frame: Frame, before: Frame, corner: tuple[int, int]) -> Frame:
    """A frame whose corner was dragged, made square again; the opposite corner stays where it was before."""
    half = min(SHOWN * editing.GREATEST / 2, max(SHOWN * editing.LEAST / 2, (frame.half_w + frame.half_h) / 2))
    new = replace(before, half_w=half, half_h=half)
    fixed, far = before.out(-corner[0], -corner[1]), new.out(-corner[0], -corner[1])
    return replace(new, x=new.x + fixed.x() - far.x(), y=new.y + fixed.y() - far.y())


def clip(share: float) -> float:
    """Within the scene."""
    return min(1.0, max(0.0, share))
