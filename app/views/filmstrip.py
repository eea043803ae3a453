"""A strip of small pictures to choose from: opened photos, or one photo with the boxes of each decoder layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from app import theme, words
from app.theme import CAPTION, S1, S2
from app.views.base import CENTER, LEFT, RIGHT, outline, pen, rgb_image, text_width, write
from app.views.boxes import Box
from app.views.photo import working_copy
from app.views.pointing import PickView
from app.words import Text

CAPTION_H = 18
THUMB = 240  # px, longest side of a kept thumbnail


class FilmStrip(PickView):
    """Pictures side by side, one of them chosen; the wheel scrolls what does not fit."""

    is_list = True

    def __init__(self, height: int = 92) -> None:
        super().__init__((120, height))
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.export_name = "film-strip"
        self._photos: list[np.ndarray] = []
        self._images: list[QImage] = []
        self._boxes: list[Sequence[Box]] = []
        self._captions: Sequence[Text] = ()
        self._notes: Sequence[Text] = ()
        self._scroll = 0.0
        self._total = 0.0

    # -- content
    def set_photos(
        self, photos: Sequence[np.ndarray], captions: Sequence[Text] = (), notes: Sequence[Text] = ()
    ) -> None:
        """Show pictures, uint8 (h, w, 3) each, with a caption at the left and a note at the right below."""
        self._keep(photos)
        self._boxes = [()] * len(photos)
        self._captions, self._notes = captions, notes
        self._at = min(self._at, len(photos) - 1)
        self.renew()

    def set_frames(
        self,
        photo: np.ndarray,
        frames: Sequence[Sequence[Box]],
        captions: Sequence[Text] = (),
        notes: Sequence[Text] = (),
    ) -> None:
        """Show one photo once per frame, each with its own boxes (tags are left out at this size)."""
        self._keep([photo] * len(frames))
        self._boxes = list(frames)
        self._captions, self._notes = captions, notes
        self._at = min(self._at, len(frames) - 1)
        self.renew()

    def _keep(self, photos: Sequence[np.ndarray]) -> None:
        """Make thumbnails, once per picture."""
        known = {id(old): image for old, image in zip(self._photos, self._images, strict=True)}
        images: list[QImage] = []
        for photo in photos:
            if id(photo) not in known:
                known[id(photo)] = rgb_image(working_copy(photo, THUMB))
            images.append(known[id(photo)])
        self._photos, self._images = list(photos), images

    def set_at(self, index: int) -> None:
        """Mark the chosen picture without telling anybody."""
        self._at = index
        self._show_chosen()
        self.tell()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        out = {"captions": np.array([words.drawn(t) for t in self._captions], dtype=np.str_)}
        for i, boxes in enumerate(self._boxes):
            if boxes:
                out[f"boxes_{i + 1}_cx_cy_w_h"] = np.array([[b.cx, b.cy, b.w, b.h] for b in boxes])
        return out

    def report(self) -> str:
        index = self._at if self._hover is None else self._hover
        if not 0 <= index < len(self._images):
            return ""
        caption = words.drawn(self._captions[index]) if index < len(self._captions) else ""
        note = words.drawn(self._notes[index]) if index < len(self._notes) else ""
        return ", ".join(t for t in (f"{index + 1} / {len(self._images)}", caption, note) if t)

    def fit(self) -> None:
        self._scroll = 0.0
        super().fit()
        self.renew()

    # -- places
    def arrange(self, width: int, height: int) -> None:
        cap = CAPTION_H if self._captions else 0
        high = height - cap - 6
        x, places = 3.0, []
        equal = len({(im.width(), im.height()) for im in self._images}) == 1
        room = (width - 6 - S2 * (len(self._images) - 1)) / max(1, len(self._images))
        for i, image in enumerate(self._images):
            wide = max(16, round(high * image.width() / max(1, image.height())))
            wide = min(wide, 3 * high)
            shown = high
            if equal and high * 0.6 <= room * image.height() / max(1, image.width()) < high:
                wide = int(room)  # a little smaller, and all of them are in sight
                shown = max(8, int(wide * image.height() / image.width()))
            need = 0.0
            if i < len(self._captions):
                note = text_width(words.drawn(self._notes[i])) + S2 if i < len(self._notes) else 0
                need = text_width(words.drawn(self._captions[i]), CAPTION, True) + note
            slot = max(wide, round(need))
            places.append(QRectF(x + (slot - wide) // 2, 3 + (high - shown) // 2, wide, shown))
            x += slot + S2
        self._places, self._total = places, x - S2 + 3
        self._scroll = min(max(0.0, self._scroll), max(0.0, self._total - width))

    def place(self, index: int) -> QRectF:
        return super().place(index).translated(-self._scroll, 0)

    def _show_chosen(self) -> None:
        self.arranged()
        if 0 <= self._at < len(self._places):
            place = self._places[self._at]
            low, high = place.left() - 3, place.right() + 3 - self.width()
            self._scroll = max(0.0, min(low, max(high, self._scroll)))

    def under(self, point: QPointF) -> int | None:
        """Captions belong to their pictures: the height does not matter."""
        self.arranged()
        x = point.x() + self._scroll
        return next((i for i, r in enumerate(self._places) if r.left() <= x <= r.right()), None)

    # -- hand
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._total <= self.width():
            super().wheelEvent(event)
            return
        delta = event.angleDelta()
        self._scroll -= delta.x() or delta.y()
        self.renew()
        event.accept()

    def walk(self, rows: int, cols: int) -> bool:
        return not rows and super().walk(rows, cols)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        for i, image in enumerate(self._images):
            place = self.place(i)
            if place.right() < 0 or place.left() > self.width():
                continue
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(place, image, QRectF(image.rect()))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            self._draw_boxes(painter, place, self._boxes[i])
            if i == self._hover and i != self._at:
                outline(painter, place.adjusted(-0.5, -0.5, 0.5, 0.5), theme.color("text"), 1)
            if i == self._at:
                outline(painter, place.adjusted(-1, -1, 1, 1), theme.color("accent"), 2, theme.color("surface"))
            self._draw_words(painter, i, place)

    def _draw_boxes(self, painter: QPainter, place: QRectF, boxes: Sequence[Box]) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for box in boxes:
            wide, high = box.w * place.width(), box.h * place.height()
            x, y = place.x() + box.cx * place.width() - wide / 2, place.y() + box.cy * place.height() - high / 2
            frame = QRectF(round(x), round(y), max(1, round(wide)), max(1, round(high))).intersected(place)
            painter.setPen(pen(theme.color("surface"), 3))
            painter.drawRect(frame)
            painter.setPen(
                pen(theme.color(box.token), 1, Qt.PenStyle.DashLine if box.dashed else Qt.PenStyle.SolidLine)
            )
            painter.drawRect(frame)

    def _draw_words(self, painter: QPainter, index: int, place: QRectF) -> None:
        if index >= len(self._captions) or place.left() < 0 or place.right() > self.width():
            return  # a picture that is partly out of sight says nothing: half a caption would be cut
        on = index == self._at
        line = QRectF(place.x(), self.height() - CAPTION_H - S1 // 2, place.width(), CAPTION_H)
        note = self._notes[index] if index < len(self._notes) else ""
        align = LEFT if words.drawn(note) else CENTER
        write(painter, line, self._captions[index], theme.color("accent" if on else "text2"), CAPTION, on, align)
        if words.drawn(note):
            write(painter, line, note, align=RIGHT)
