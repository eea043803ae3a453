"""Boxes on a photo, painted in one go: frames, tags, match lines, selection, and a heat map below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF

from app import theme, words
from app.plots.boxes import squares
from app.plots.view import empty_note
from app.theme import CAPTION
from app.views.base import CENTER, chip, dots, finite, frame_pens, pen, text_flags, text_width
from app.views.boxes import Box, Frame, bounds, frame_of
from app.views.photo import PhotoView, overlay_ramp
from app.views.photomap import weight_percent
from app.words import Text

TAG_H = 17


class BoxView(PhotoView):
    """Boxes on a photo.

    Signals
    -------
    hovered : int or None
        The box under the pointer.
    clicked : int or None
        The newly selected box; the same again, or Esc, gives None.
    pointed : (x, y) or None
        Where the pointer is, as shares of the photo.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "boxes-on-photo"
        self._boxes: tuple[Box, ...] = ()
        self._links: tuple[tuple[int, int], ...] = ()
        self._places: list[QRectF] = []  # of these boxes, on a photo that stands so
        self._placed: tuple[Box, ...] = ()
        self._places_on = (0.0, 0.0, 0.0, 0.0)
        self._at = -1
        self._hover: int | None = None
        self._heat: np.ndarray | None = None
        self._heat_top, self._opacity = 1.0, 0.8
        self._hand: tuple[float, float] | None = None
        self._point: tuple[float, float] | None = None
        self._cross: tuple[float, float] | None = None
        self._note: Text = ""

    # -- content
    def set_boxes(self, boxes: Sequence[Box], links: Sequence[tuple[int, int]] = ()) -> None:
        """Show boxes; later ones lie on top. ``links`` joins pairs (prediction, truth) with a match line."""
        finite(np.array([(box.cx, box.cy, box.w, box.h) for box in boxes]), "box")
        self._boxes, self._links = tuple(boxes), tuple(links)
        if self._at >= len(boxes):
            self._at = -1
        if self._hover is not None and self._hover >= len(boxes):
            self._hover = None
        self.update()

    def boxes(self) -> tuple[Box, ...]:
        """What is on screen."""
        return self._boxes

    def set_at(self, index: int) -> None:
        """Select a box (−1 = none) without telling anybody."""
        self._at = index
        self.tell()
        self.update()

    def at(self) -> int:
        """The selected box; −1 for none."""
        return self._at

    def set_hover(self, index: int | None) -> None:
        """Light up a box that is pointed at elsewhere."""
        if index != self._hover:
            self._hover = index
            self.update()

    def hover(self) -> int | None:
        """The box that is pointed at."""
        return self._hover

    def set_heat(
        self,
        values: np.ndarray | None,
        top: float | None = None,
        area: tuple[float, float, float, float] | None = None,
        opacity: float = 0.8,
    ) -> None:
        """Lay a map (rows, cols) under the boxes, over ``area`` (x, y, w, h) in photo pixels; None takes it away."""
        if values is None:
            self._heat = None
            self._show()
            self.update()
            return
        self._heat = finite(np.asarray(values, np.float32), "heat")
        largest = float(self._heat.max(initial=0.0))
        self._heat_top = top if top is not None and top > 0 else (largest if largest > 0 else 1.0)
        self._opacity = opacity
        self.set_cells(int(values.shape[0]), int(values.shape[1]), area)
        self._show()
        self.update()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color the map from the first end to the second; None: as `set_heat` says."""
        self._hand = ends
        self._show()
        self.update()

    def _show(self) -> None:
        """Hand the map to its picture."""
        self._map_image.setVisible(self._heat is not None)
        if self._heat is not None:
            low, top = self._hand or (0.0, self._heat_top)
            self._map_image.show_values(self._heat, low, top, overlay_ramp("ember", self._opacity))

    def set_cells(self, rows: int, cols: int, area: tuple[float, float, float, float] | None = None) -> None:
        """Fit the photo to a grid of whole pixels, so that it does not move when a map comes and goes."""
        width, height = self.photo_size()
        place = QRectF(*(area or (0.0, 0.0, float(width), float(height))))
        if ((rows, cols), place) != (self._grid, self._area):
            self._grid, self._area = (rows, cols), place
            self.renew()

    def set_cross(self, point: tuple[float, float] | None) -> None:
        """Mark a place (shares of the photo), such as the pixel whose encoder row is shown."""
        self._cross = point
        self.update()

    def note(self) -> Text:
        """The line over the photo's lower edge."""
        return self._note

    def set_note(self, text: Text) -> None:
        """One line over the photo's lower edge, such as why nothing passes; empty for none."""
        if text != self._note:
            self._note = text
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        out = {
            "boxes_cx_cy_w_h": np.array([[b.cx, b.cy, b.w, b.h] for b in self._boxes]).reshape(-1, 4),
            "angle": np.array([b.angle for b in self._boxes]),
            "tag": np.array([words.drawn(b.tag) for b in self._boxes], dtype=np.str_),
        }
        if self._links:
            out["matches"] = np.array(self._links)
        if self._heat is not None:
            out["heat"] = self._heat
            out["scale"] = np.array(self._hand or (0.0, self._heat_top))
            out["heat_on_photo_x_y_w_h"] = np.array(self._area.getRect())
        return out

    def report(self) -> str:
        index = self._hover if self._hover is not None else self._at
        if not 0 <= index < len(self._boxes):
            return ""
        return f"{index + 1} / {len(self._boxes)}, {words.drawn(self._boxes[index].tag)}".strip(", ")

    # -- places
    def _frame(self, index: int) -> Frame:
        return frame_of(self._boxes[index], *map(float, self.photo_size()))

    def on_screen(self, point: QPointF) -> QPointF:
        s_x, s_y = self.scales()
        return QPointF(self._origin.x() + point.x() * s_x, self._origin.y() + point.y() * s_y)

    def box_rect(self, index: int) -> QRectF:
        """The upright rectangle of a box on the screen, on whole pixels."""
        return self.box_rects()[index]

    def box_rects(self) -> list[QRectF]:
        """Those of all boxes; what stands where it stood is not reckoned again."""
        self.arranged()
        (wide, high), (s_x, s_y) = self.photo_size(), self.scales()
        on = self._origin.x(), self._origin.y(), wide * s_x, high * s_y
        if on != self._places_on:
            self._places_on, self._placed = on, ()
        if self._boxes is not self._placed:
            old = dict(zip(map(id, self._placed), self._places, strict=False))
            self._places = [old.get(id(box)) or self._rect_of(box, *on) for box in self._boxes]
            self._placed = self._boxes
        return self._places

    def _rect_of(self, box: Box, x: float, y: float, wide: float, high: float) -> QRectF:
        if box.angle:
            place = self.to_screen(bounds(frame_of(box, *map(float, self.photo_size()))))
            left, top, right, low = place.left(), place.top(), place.right(), place.bottom()
        else:  # by far the most: no corners to turn
            left, right = x + (box.cx - box.w / 2) * wide, x + (box.cx + box.w / 2) * wide
            top, low = y + (box.cy - box.h / 2) * high, y + (box.cy + box.h / 2) * high
        left, top = round(left), round(top)
        return QRectF(left, top, max(1, round(right) - left), max(1, round(low) - top))

    def box_at(self, point: QPointF) -> int | None:
        """The smallest box under a screen point; the selected one wins where it is hit."""
        self.arranged()
        where = self.to_photo(point)
        hit = [i for i in range(len(self._boxes)) if self._frame(i).contains(where)]
        hit += [i for i, tag in self._tags() if tag.contains(point) and i not in hit]
        if not hit:
            return None
        return min(hit, key=lambda i: (self._boxes[i].w * self._boxes[i].h, -i))

    def _tags(self) -> list[tuple[int, QRectF]]:
        """Where labels stand: on their edge, moved off each other where there is a place."""
        inside = self.shown_rect()
        taken: list[QRectF] = []
        out: list[tuple[int, QRectF]] = []
        order = sorted(range(len(self._boxes)), key=lambda i: (i != self._at, i != self._hover))
        for i in order:
            text = words.drawn(self._boxes[i].tag)
            if not text:
                continue
            place, wide = self.box_rect(i), round(text_width(text, CAPTION, True)) + 10
            left, right = place.left() - 1, place.right() + 1 - wide
            above, below = place.top() - TAG_H - 1, place.bottom() + 2
            spots = [(left, above), (right, above), (left, place.top() + 2), (left, below), (right, below)]
            if not self._boxes[i].above:
                spots = [
                    (left, below),
                    (right, below),
                    (left, place.bottom() - TAG_H - 1),
                    (left, above),
                    (right, above),
                ]
            options = [
                QRectF(
                    min(max(x, inside.left()), inside.right() - wide),
                    min(max(y, inside.top()), inside.bottom() - TAG_H),
                    wide,
                    TAG_H,
                )
                for x, y in spots
            ]
            free = (spot for spot in options if not any(spot.intersects(t) for t in taken))
            chosen = next(free, options[0])
            taken.append(chosen)
            out.append((i, chosen))
        return out

    # -- hand
    def point_at(self, point: QPointF | None) -> None:
        place: tuple[float, float] | None = None
        index = None
        if point is not None:
            index = self.box_at(point)
            at, (width, height) = self.to_photo(point), self.photo_size()
            if 0 <= at.x() < width and 0 <= at.y() < height:
                place = (at.x() / width, at.y() / height)
        if index != self._hover:
            self._hover = index
            self.tell()
            self.hovered.emit(index)
            self.update()
        if place != self._point:
            self._point = place
            self.pointed.emit(place)
            if self._heat is not None:
                self.update()

    def click_at(self, point: QPointF) -> None:
        index = self.box_at(point)
        self._choose(None if index is None or index == self._at else index)

    def _choose(self, index: int | None) -> None:
        self.set_at(-1 if index is None else index)
        self.clicked.emit(index)

    def walk(self, rows: int, cols: int) -> bool:
        if not self._boxes:
            return False
        self._choose((self._at + (rows + cols)) % len(self._boxes) if self._at >= 0 else 0)
        return True

    def escape(self) -> bool:
        if self._at < 0:
            return False
        self._choose(None)
        return True

    # -- painting
    def dims(self) -> bool:
        return self._heat is not None

    def seen_rect(self) -> QRectF:
        return self.shown_rect()

    def restyled(self) -> None:
        self._show()
        super().restyled()

    def draw(self, painter: QPainter) -> None:
        self.draw_photo(painter, self.dims())
        painter.save()
        painter.setClipRect(self.shown_rect())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        boxes, seen = self._boxes, self.on_show()
        for i in sorted(seen, key=lambda i: not boxes[i].dashed):  # faint ones below
            self._draw_box(painter, i)
        painter.restore()
        self._draw_tags(painter)
        self._draw_links(painter)
        if 0 <= self._at < len(self._boxes):
            self.draw_mark(painter)
        self._draw_values(painter)

    def on_show(self) -> Sequence[int]:
        """The boxes that are drawn."""
        return range(len(self._boxes))

    def _draw_tags(self, painter: QPainter) -> None:
        painter.setFont(theme.font(CAPTION, True))
        flags, token, paper = text_flags(CENTER), "", QColor()
        for i, place in sorted(self._tags(), key=lambda t: t[0] == self._hover):
            box = self._boxes[i]
            if box.token != token:
                token, paper = box.token, theme.color(box.token)
                painter.setPen(theme.ink_on(theme.code(token)))
            painter.fillRect(place, paper)
            painter.drawText(place, flags, words.drawn(box.tag))

    def _draw_box(self, painter: QPainter, index: int) -> None:
        box = self._boxes[index]
        pens = frame_pens(theme.name(), box.token, box.dashed, box.dotted, index == self._hover)
        shape = QPolygonF(self.box_rect(index))
        if box.angle:
            shape = QPolygonF([self.on_screen(c) for c in self._frame(index).corners()])
            shape.append(shape.first())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for each in pens:
            painter.setPen(each)
            painter.drawPolyline(shape)
        if box.angle:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_links(self, painter: QPainter) -> None:
        if not self._links:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        places = self.box_rects()
        lines = [QLineF(places[i].center(), places[j].center()) for i, j in self._links]
        for token, width in (("surface", 4.0), ("text", 1.5)):
            painter.setPen(pen(theme.color(token), width))  # square: round ends take 30 times as long
            painter.drawLines(lines)
        dots(painter, [line.p1() for line in lines], theme.color("pred"))
        dots(painter, [line.p2() for line in lines], theme.color("truth"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def draw_mark(self, painter: QPainter) -> None:
        """Squares at the corners of the selected box."""
        squares(painter, [self.on_screen(corner) for corner in self._frame(self._at).corners()])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_values(self, painter: QPainter) -> None:
        inside = self.shown_rect()
        width, height = self.photo_size()
        if self._cross is not None:
            middle = self.on_screen(QPointF(self._cross[0] * width, self._cross[1] * height))
            for color, wide in ((theme.color("ink"), 4), (theme.color("chalk"), 2)):
                painter.setPen(pen(color, wide))
                painter.drawLine(middle - QPointF(7, 0), middle + QPointF(7, 0))
                painter.drawLine(middle - QPointF(0, 7), middle + QPointF(0, 7))
        if self._heat is not None and self._point is not None and self._hover is None:
            rows, cols = self._grid
            col = int((self._point[0] * width - self._area.x()) * cols / self._area.width())
            row = int((self._point[1] * height - self._area.y()) * rows / self._area.height())
            if 0 <= row < rows and 0 <= col < cols:
                cell_w, cell_h = self._area.width() / cols, self._area.height() / rows
                cell = QRectF(self._area.x() + col * cell_w, self._area.y() + row * cell_h, cell_w, cell_h)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(theme.color("chalk"), 1))
                painter.drawRect(self.to_screen(cell))
                chip(painter, self.to_screen(cell), weight_percent(float(self._heat[row, col])), inside)
        if self._note:
            place = QRectF(inside.left(), inside.bottom() - 32, inside.width(), 32)
            painter.fillRect(place, theme.color("surface", 235))
            empty_note(painter, place, self._note)
