"""The canvas of the page "Matching": true objects and predictions that follow the hand, and new boxes drawn by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app import theme, words
from app.tabs.detr.names import class_name
from app.tabs.detr.shapes import paint_shapes, paper
from app.theme import CAPTION
from app.views.base import outline, pen, text_width
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box, matched, truth, unmatched
from app.views.boxview import TAG_H
from app.words import Text
from engines.core.errors import Message
from engines.detr.matching.scenes import Guess, MatchingScene
from engines.detr.objects import Box4, Thing, object_name

THING, GUESS = "thing", "guess"
CROWDED = 24  # predictions; with more, unmatched ones have no number on them
FEW = 12  # objects; with more, their classes are not written on them
LEAST = 0.01  # share of the scene: a drawn box is at least this wide
DRAWN = (0.16, 0.22)  # size that a click gives in drawing mode


class MatchingCanvas(BoxEditor):
    """Predictions 0..Q−1 and then objects, each a box; the order never changes while a box is dragged.

    Signals
    -------
    moved : (str, int, box)
        ``THING`` or ``GUESS``, which one, and its new box; `began` and `finished` bound one undo step.
    drawn : (str, box)
        A new box was drawn.
    deleted : (str, int)
    chosen, pointed_at : (str, int) or None
        What was selected; what the pointer is on.
    """

    moved = Signal(str, int, object)
    drawn = Signal(str, object)
    deleted = Signal(str, int)
    chosen = Signal(object)
    pointed_at = Signal(object)

    def __init__(self) -> None:
        super().__init__(turn=False, snap=16)
        self.setMinimumSize(300, 180)
        self.export_name = "matching"
        self._scene = MatchingScene((), ())
        self._photo: np.ndarray | None = None
        self._made: dict[int, tuple[Guess, tuple[bool, bool], Box]] = {}
        self._true_made: dict[int, tuple[Thing, tuple[bool, tuple[str, ...]], Box]] = {}
        self._hidden: frozenset[int] = frozenset()
        self._greedy: tuple[tuple[int, int], ...] = ()
        self._mode = ""
        self._rubber: tuple[QPointF, QPointF] | None = None
        self.clicked.connect(lambda index: self.chosen.emit(self.what(index)))
        self.hovered.connect(lambda index: self.pointed_at.emit(self.what(index)))
        self.changed.connect(self._tell_moved)
        self.removed.connect(self._tell_removed)

    # -- content
    def set_scene(
        self,
        scene: MatchingScene,
        photo: np.ndarray | None,
        pairs: Sequence[tuple[int, int]],
        greedy: Sequence[tuple[int, int]] = (),
        lines: bool = True,
        rest: bool = True,
    ) -> None:
        """Show boxes and how they are matched.

        Parameters
        ----------
        photo : ndarray uint8 (h, w, 3), optional
            What lies below; None: paper, and each object drawn as a shape.
        pairs, greedy : sequences of (prediction, object)
            The optimal assignment; the greedy one, where it is to be drawn.
        lines, rest : bool
            Match lines; unmatched predictions.
        """
        if (len(scene.guesses), len(scene.things)) != (len(self._scene.guesses), len(self._scene.things)):
            self.let_go()  # undone in mid-drag: the box in hand may be gone
        self._scene = scene
        if photo is not self._photo or (photo is None and self._rgb.shape[0] < 2):
            self._photo = photo
            self._lay()
        count, taken = len(scene.guesses), {row for row, _ in pairs}
        few = count <= CROWDED
        boxes = [self._guessed(i, guess, i in taken, few) for i, guess in enumerate(scene.guesses)]
        boxes += [self._true(i, thing, scene) for i, thing in enumerate(scene.things)]
        self._hidden = frozenset() if rest else frozenset(i for i in range(count) if i not in taken and i != self._at)
        optimal = set(pairs)
        self._greedy = tuple((row, count + col) for row, col in greedy if (row, col) not in optimal)
        self.set_boxes(boxes, [(row, count + col) for row, col in pairs] if lines else [])

    def _guessed(self, index: int, guess: Guess, on: bool, few: bool) -> Box:
        """Box of a prediction; while one is dragged the others are those of before."""
        key = on, few
        old = self._made.get(index)
        if old is None or old[0] is not guess or old[1] != key:
            name = str(index + 1)
            box = matched(guess.box, name) if on else unmatched(guess.box, name if few else "")
            old = self._made[index] = (guess, key, box)
        return old[2]

    def _true(self, index: int, thing: Thing, scene: MatchingScene) -> Box:
        """Box of an object; likewise."""
        key = len(scene.things) > FEW, scene.labels
        old = self._true_made.get(index)
        if old is None or old[0] is not thing or old[1] != key:
            old = self._true_made[index] = (thing, key, truth(thing.box, self._tag(index)))
        return old[2]

    def _tag(self, index: int) -> Text:
        name = object_name(index)
        if len(self._scene.things) > FEW:
            return name
        label = self._scene.labels[self._scene.things[index].label]
        return Message("{letter}  {name}", {"letter": name, "name": class_name(label)})

    def _lay(self) -> None:
        self.set_photo(paper(max(2, self.width()), max(2, self.height())) if self._photo is None else self._photo)

    def what(self, index: int | None) -> tuple[str, int] | None:
        """Which thing a box stands for."""
        if index is None or not 0 <= index < len(self._boxes):
            return None
        count = len(self._scene.guesses)
        return (GUESS, index) if index < count else (THING, index - count)

    def select(self, what: tuple[str, int] | None) -> None:
        """Mark a thing without telling anybody."""
        self.set_at(self._index(what))

    def light(self, what: tuple[str, int] | None) -> None:
        """Light up a thing that is pointed at elsewhere."""
        index = self._index(what)
        self.set_hover(None if index < 0 else index)

    def _index(self, what: tuple[str, int] | None) -> int:
        if what is None:
            return -1
        index = what[1] + (len(self._scene.guesses) if what[0] == THING else 0)
        return index if index < len(self._boxes) else -1

    @property
    def draws(self) -> bool:
        """Whether the next drag draws a new box."""
        return bool(self._mode)

    def set_mode(self, mode: str) -> None:
        """Draw a ``THING`` or ``GUESS`` with the next drag; empty: move what is there."""
        self._mode, self._rubber = mode, None
        if mode:
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.viewport().unsetCursor()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        out = super().numbers()
        out["prediction_logits"] = np.array([guess.logits for guess in self._scene.guesses])
        out["object_labels"] = np.array([thing.label for thing in self._scene.things], np.int64)
        return out

    # -- hand
    def box_at(self, point: QPointF) -> int | None:
        """The smallest box under a screen point that is on show."""
        self.arranged()
        where = self.to_photo(point)
        seen = [i for i in range(len(self._boxes)) if i not in self._hidden]
        hit = [i for i in seen if self._frame(i).contains(where)]
        hit += [i for i, tag in self._tags() if tag.contains(point) and i not in hit]
        return min(hit, key=lambda i: (self._boxes[i].w * self._boxes[i].h, -i)) if hit else None

    def _tags(self) -> list[tuple[int, QRectF]]:
        """Where labels stand; of many boxes each on its own corner, for there is no time to look for free places."""
        if len(self._boxes) <= CROWDED:
            return [(i, place) for i, place in super()._tags() if i not in self._hidden]
        inside, out = self.shown_rect(), []
        left, right, upper, lower = inside.left(), inside.right(), inside.top(), inside.bottom()
        for i, (one, place) in enumerate(zip(self._boxes, self.box_rects(), strict=True)):
            if i in self._hidden or not one.tag:
                continue
            wide = round(text_width(words.drawn(one.tag), CAPTION, True)) + 10
            top = place.top() - TAG_H - 1 if one.above else place.bottom() + 2
            x = min(max(place.left() - 1, left), right - wide)
            out.append((i, QRectF(x, min(max(top, upper), lower - TAG_H), wide, TAG_H)))
        return out

    def _tell_moved(self, index: int, box: Box) -> None:
        what = self.what(index)
        if what is not None:
            self.moved.emit(*what, (box.cx, box.cy, box.w, box.h))

    def _tell_removed(self, index: int) -> None:
        what = self.what(index)
        if what is not None:
            self.deleted.emit(*what)

    def _show_cursor(self, point: QPointF | None) -> None:
        if not self._mode:
            super()._show_cursor(point)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._mode and event.button() == Qt.MouseButton.LeftButton:
            self._rubber = (event.position(), event.position())
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._rubber is not None:
            self._rubber = (self._rubber[0], event.position())
            self.update()
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._rubber is None:
            super().mouseReleaseEvent(event)
            return
        box, mode = self._rubber_box(), self._mode
        self.set_mode("")
        if box is not None:
            self.drawn.emit(mode, box)

    def _rubber_box(self) -> Box4 | None:
        """What was drawn, within the scene; a click gives a box of a usual size around it."""
        assert self._rubber is not None
        width, height = self.photo_size()
        (x0, y0), (x1, y1) = (
            (min(1.0, max(0.0, at.x() / width)), min(1.0, max(0.0, at.y() / height)))
            for at in map(self.to_photo, self._rubber)
        )
        if (self._rubber[0] - self._rubber[1]).manhattanLength() < 6:
            inside = self.photo_rect().contains(self._rubber[0])
            return (x0, y0, *DRAWN) if inside else None
        wide, high = max(LEAST, abs(x1 - x0)), max(LEAST, abs(y1 - y0))
        return ((x0 + x1) / 2, (y0 + y1) / 2, wide, high)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._mode and event.key() == Qt.Key.Key_Escape:
            self.set_mode("")
            self.drawn.emit("", None)
            return
        super().keyPressEvent(event)

    # -- painting
    def resized(self) -> None:
        if self._photo is None:
            self._lay()

    def restyled(self) -> None:
        if self._photo is None:
            self._lay()
        super().restyled()

    def draw_photo(self, painter: QPainter, dim: bool) -> None:
        super().draw_photo(painter, dim)
        if self._photo is None:
            paint_shapes(painter, self.photo_rect(), self._scene.things, self._scene.labels)

    def on_show(self) -> Sequence[int]:
        return [i for i in range(len(self._boxes)) if i not in self._hidden]

    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for row, col in self._greedy:
            start, end = self.box_rect(row).center(), self.box_rect(col).center()
            painter.setPen(pen(theme.color("surface"), 3))
            painter.drawLine(start, end)
            painter.setPen(pen(theme.color("pred"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(start, end)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._rubber is not None:
            place, token = QRectF(*self._rubber).normalized(), "truth" if self._mode == THING else "pred"
            outline(painter, place.toRect().toRectF(), theme.color(token), 2, theme.color("surface"))

    def retranslated(self) -> None:
        words.say(self, "setAccessibleName", "Scene")
        super().retranslated()
