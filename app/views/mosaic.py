"""Many maps in one picture: uint8, index 0 the gap, 1..255 the value; all words painted in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.mapimage import MapImage
from app.theme import CAPTION, S1, S2
from app.views.base import CENTER, LEFT, RIGHT, chip, finite, outline, pen, text_width, write
from app.views.photomap import weight_percent
from app.views.pointing import MarkView
from app.views.tiling import Tiling, tile
from app.words import Text
from engines.core.errors import Message

Place: TypeAlias = tuple[int, int, int]  # map, row, col
EXACTLY = "1 pixel = the maximum of {n} × {n} weights"
UP_TO = "1 pixel = the maximum of up to {n} × {n} weights"
CAPTION_H, HEADER_H, NOTE_H, LEGIBLE = 18, 16, 16, 24
EDGE = 3  # px that Qt paints around what has changed


class Mosaic(MarkView):
    """Maps of one size in a grid of cells, each a whole number of pixels per value.

    Maps too large for their cell are reduced by block maximum, and a line under them says so.

    Parameters
    ----------
    columns : int
        Cells per row; 0 = as many as make the cells largest.
    captions : bool
        Leave room for a caption and a sub-caption under each map.
    headers : bool
        Number the rows at the left and the columns below instead.
    gap : int
        Wanted distance between cells, px.

    Signals
    -------
    chosen : int
        A map was clicked or walked to.
    hovered : (map, row, col) or None
    """

    zooms = True

    _hover: Place | None

    def __init__(self, columns: int = 0, captions: bool = True, headers: bool = False, gap: int = S2) -> None:
        super().__init__((160, 120))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "attention-mosaic"
        self._want, self._with_captions, self._headers, self._gap = columns, captions, headers, gap
        self._maps = np.zeros((0, 1, 1), np.float32)
        self._low: np.ndarray | float = 0.0
        self._top: np.ndarray | float = 1.0
        self._ends: tuple[np.ndarray | float, np.ndarray | float] = (0.0, 1.0)
        self._hand: tuple[float, float] | None = None
        self._ramp = "ember"
        self._captions: Sequence[Text] = ()
        self._subs: Sequence[Text] = ()
        self._bare = False  # the maps need the room of what stands at the right of the captions
        self._order: Sequence[int] = ()
        self._off: frozenset[int] = frozenset()
        self._mark: tuple[int, int] | None = None
        self._tiles = Tiling()
        self._spots: tuple[object, list[QRectF]] = (None, [])  # what the mark's places were made for, and these
        self._canvas = np.zeros((1, 1), np.uint8)
        self._image = MapImage(self._compose)
        self.put_below(self._image)

    # -- content
    def set_maps(
        self,
        maps: np.ndarray,
        top: float | np.ndarray = 1.0,
        low: float | np.ndarray = 0.0,
        ramp: str = "ember",
    ) -> None:
        """Show maps (n, h, w).

        Parameters
        ----------
        maps : float32, or uint8 where 255 stands for 1
        top, low : float or (n,)
            Ends of the ramp, shared by all maps or one pair per map.
        """
        if maps.ndim != 3:
            raise ValueError(f"maps must be (n, h, w), not {maps.shape}")
        if maps.dtype != np.uint8 and maps.dtype != np.float32:
            maps = maps.astype(np.float32)
        same = maps.shape == self._maps.shape
        self._maps, self._ends, self._ramp = maps, (low, top), ramp
        self._low, self._top = self._hand or self._ends
        if not same:
            self._order = self._order if len(self._order) == len(maps) else ()
            self._at = min(self._at, len(maps) - 1)
            self._hover = None
            self.renew()
        else:
            self._recolor()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color all maps from the first end to the second; None: as `set_maps` says."""
        self._hand = ends
        self._low, self._top = ends or self._ends
        self._recolor()

    def _recolor(self) -> None:
        """Paint the maps anew; of the words only those between them, and the value under the pointer."""
        self._image.setLookupTable(theme.ramp(self._ramp, gap=True), update=False)
        self._image.renew()
        if self._hover is not None:
            self.update()

    def set_captions(self, captions: Sequence[Text], subs: Sequence[Text] = ()) -> None:
        """Words under each map, left and right, in the order of the maps."""
        if (captions, subs) != (self._captions, self._subs):
            self._captions, self._subs = captions, subs
            self.renew()

    def set_columns(self, columns: int) -> None:
        """Cells per row; 0 = as many as make the cells largest."""
        if columns != self._want:
            self._want = columns
            self.renew()

    def set_order(self, order: Sequence[int]) -> None:
        """Show the maps sorted: ``order[k]`` is the map in cell k. Signals keep giving map numbers."""
        self._order = tuple(order)
        self._image.renew()
        self.update()

    def set_off(self, indices: Sequence[int]) -> None:
        """Veil the maps of heads that are switched off."""
        self._off = frozenset(indices)
        self.update()

    def mark(self) -> tuple[int, int] | None:
        """The (row, col) that is outlined in every map."""
        return self._mark

    def off(self) -> frozenset[int]:
        """The maps that are veiled."""
        return self._off

    def set_mark(self, cell: tuple[int, int] | None) -> None:
        """Outline the same (row, col) in every map, such as the patch pointed at on the photo."""
        if cell != self._mark:
            self._mark = cell
            self.update()

    def is_empty(self) -> bool:
        return not len(self._maps)

    def maps(self) -> np.ndarray:
        """What is on screen, (n, h, w)."""
        return self._maps

    def numbers(self) -> dict[str, np.ndarray]:
        out = {"maps": self._maps, "scale_low": np.asarray(self._low), "scale_top": np.asarray(self._top)}
        if self._order:
            out["order"] = np.asarray(self._order)
        return out

    def reduced(self) -> int:
        """How many values a side go into one pixel; 1 where every value is shown."""
        self.arranged()
        return self._tiles.block

    def report(self) -> str:
        where = self._hover or ((self._at, -1, -1) if self._at >= 0 else None)
        if where is None or where[0] >= len(self._maps):
            return ""
        parts = [words.drawn(self._named(where[0]))]
        if where[1] >= 0:
            parts.append(words.tr("patch {row}, {col}", row=where[1] + 1, col=where[2] + 1))
            parts.append(self.written(self._value(where)))
        elif where[0] in self._off:
            parts.append(words.tr("off"))
        elif where[0] < len(self._subs):
            parts.append(words.drawn(self._subs[where[0]]))
        return ", ".join(parts)

    def _named(self, index: int) -> Text:
        if index < len(self._captions):
            return self._captions[index]
        row, col = divmod(index, self._tiles.cols)
        return Message("row {row}, column {col}", {"row": row + 1, "col": col + 1})

    def written(self, value: float) -> str:
        """A value as the chip and the report say it: a share; a subclass may show something else."""
        return weight_percent(value)

    def _value(self, where: Place) -> float:
        """The largest value of the block under a place."""
        index, row, col = where
        high, wide = self._maps.shape[1:]
        tiles = self._tiles
        below, right = tiles.pixel(row, high, 1) + tiles.scale, tiles.pixel(col, wide, 0) + tiles.scale
        values = self._maps[index, row : tiles.first(below, high, 1), col : tiles.first(right, wide, 0)]
        return float(values.max()) / (255 if values.dtype == np.uint8 else 1)

    # -- places
    def _caption_width(self) -> int:
        if not self._with_captions:
            return 0
        off = text_width(words.tr("off"))
        widest = 0.0
        for i, caption in enumerate(self._captions):
            sub = words.drawn(self._subs[i]) if i < len(self._subs) and not self._bare else ""
            second = max(text_width(sub), off) + S2 if sub or self._off else 0
            widest = max(widest, text_width(words.drawn(caption), CAPTION, True) + second)
        return int(np.ceil(widest))

    def arrange(self, width: int, height: int) -> None:
        count, high, wide = self._maps.shape
        self._image.setVisible(count > 0)
        if not count:
            return
        cap = CAPTION_H if self._with_captions and self._captions else 0
        rows = -(-count // max(1, self._want or self._tiles.cols)) if self._headers else 0
        left = int(max((text_width(str(i + 1), CAPTION, True) for i in range(rows)), default=-8)) + 8
        tail = HEADER_H if self._headers else 0
        room = QRectF(left, 0, width - left, height - tail)
        for self._bare in (False, True):
            self._tiles = tile((count, high, wide), room, self._want, self._gap, cap, self._caption_width(), NOTE_H)
            if self._want or not self._subs or min(self._tiles.cell) >= LEGIBLE:
                break
        self._prepare()

    def _prepare(self) -> None:
        """A canvas from the first cell to the last, to be filled before it is painted."""
        tiles = self._tiles
        down, across = ((n - 1) * pitch + cell for n, pitch, cell in (
            (tiles.rows, tiles.pitch[1], tiles.cell[1]), (tiles.cols, tiles.pitch[0], tiles.cell[0])
        ))  # fmt: skip
        if self._canvas.shape != (down, across):
            self._canvas = np.zeros((down, across), np.uint8)
        self._image.setImage(self._canvas, autoLevels=False, lut=theme.ramp(self._ramp, gap=True))
        self._image.stand(QRectF(*tiles.corner, across, down))

    def _slot(self, index: int) -> int:
        """The cell in which a map stands."""
        return self._order.index(index) if self._order else index

    def cell_rect(self, index: int) -> QRectF:
        """Where a map stands on the screen."""
        self.arranged()
        row, col = divmod(self._slot(index), self._tiles.cols)
        x, y = self._tiles.corner[0] + col * self._tiles.pitch[0], self._tiles.corner[1] + row * self._tiles.pitch[1]
        return QRectF(x, y, *self._tiles.cell)

    def under(self, point: QPointF) -> Place | None:
        """Map, row and column under a screen point."""
        self.arranged()
        if not len(self._maps):
            return None
        col, x = divmod(int(point.x()) - self._tiles.corner[0], self._tiles.pitch[0])
        row, y = divmod(int(point.y()) - self._tiles.corner[1], self._tiles.pitch[1])
        slot = row * self._tiles.cols + col
        inside = 0 <= col < self._tiles.cols and 0 <= slot < len(self._maps) and row >= 0
        if not inside or x >= self._tiles.cell[0] or y >= self._tiles.cell[1]:
            return None
        high, wide = self._maps.shape[1:]
        index = self._order[slot] if self._order else slot
        return index, self._tiles.first(y, high, 1), self._tiles.first(x, wide, 0)

    # -- hand
    def _choose(self, place: Place) -> None:
        self.pick(place[0])

    def pick(self, index: int) -> None:
        self.set_at(index)
        self.chosen.emit(index)

    def walk(self, rows: int, cols: int) -> bool:
        if not len(self._maps):
            return False
        self.arranged()
        slot = self._slot(self._at) if self._at >= 0 else 0
        new = slot + cols + rows * self._tiles.cols
        if 0 <= new < len(self._maps) and new != slot:
            self.pick(self._order[new] if self._order else new)
        return True

    # -- painting
    def levels(self) -> np.ndarray:
        """What is painted, uint8 (n, h, w) after reduction: 1 + round(254 × share of the ramp)."""
        small = self._tiles.reduce(self._maps)
        if small.dtype == np.uint8 and np.ndim(self._low) == np.ndim(self._top) == 0:  # one table for all maps
            table = self._shares(np.arange(256, dtype=np.uint8).reshape(1, 1, 256))
            return np.frombuffer(small.tobytes().translate(table.tobytes()), np.uint8).reshape(small.shape)
        return self._shares(small)

    def _shares(self, small: np.ndarray) -> np.ndarray:
        scale = 255.0 if small.dtype == np.uint8 else 1.0
        low = np.asarray(self._low, np.float32).reshape(-1, 1, 1)
        span = np.maximum(np.asarray(self._top, np.float32).reshape(-1, 1, 1) - low, np.float32(1e-30))
        value = small * (254 / span / np.float32(scale))
        value += np.float32(1.5) - low * (254 / span)
        finite(value, "maps")
        np.clip(value, 1, 255.49, out=value)
        return value.astype(np.uint8)

    def _compose(self) -> None:
        """Put all cells into the canvas. Each value is repeated, never smoothed."""
        count, tiles = len(self._maps), self._tiles
        cells = self.levels()
        if self._order:
            cells = cells[list(self._order)]
        if tiles.scale > 1:
            cells = cells.repeat(tiles.scale, 1).repeat(tiles.scale, 2)
        (cell_w, cell_h), (pitch_w, pitch_h), wide = tiles.cell, tiles.pitch, self._canvas.shape[1]
        self._canvas.fill(0)
        places = np.lib.stride_tricks.as_strided(
            self._canvas, (tiles.rows, cell_h, tiles.cols, cell_w), (pitch_h * wide, wide, pitch_w, 1)
        )
        full = count // tiles.cols
        if full:
            whole = cells[: full * tiles.cols].reshape(full, tiles.cols, cell_h, cell_w)
            places[:full] = whole.transpose(0, 2, 1, 3)
        if full < tiles.rows:
            rest = cells[full * tiles.cols :]
            places[full, :, : len(rest)] = rest.transpose(1, 0, 2)

    def draw(self, painter: QPainter) -> None:
        count = len(self._maps)
        for index in self._off:
            if index < count:
                place = self.cell_rect(index)
                painter.fillRect(place, theme.color("surface", 205))
                outline(
                    painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("control"), 1, None, Qt.PenStyle.DashLine
                )
        if self._tiles.captioned:
            self._draw_captions(painter)
        if self._headers and not self._within():
            self._draw_headers(painter)
        self._draw_marks(painter)
        if self._tiles.block > 1:
            note = words.tr(EXACTLY if self._tiles.even else UP_TO, n=self._tiles.block)
            write(painter, QRectF(0, self.height() - NOTE_H, self.width(), NOTE_H), note, align=RIGHT)
        if 0 <= self._at < count:
            place = self.cell_rect(self._at).adjusted(-1.5, -1.5, 1.5, 1.5)
            outline(painter, place, theme.color("accent"), 2, theme.color("surface"))
        if self._hover is not None and self._hover[0] not in self._off:
            spot = self._spot(self._hover)
            outline(painter, spot, theme.color("chalk"), 1)
            chip(painter, spot, self.written(self._value(self._hover)), QRectF(self.rect()))

    def _within(self) -> bool:
        """Whether nothing is painted anew but cells and what lies between them."""
        cells = QRectF(*self._tiles.corner, *reversed(self._canvas.shape)).adjusted(-EDGE, -EDGE, EDGE, EDGE)
        return self._damage is not None and cells.contains(self._damage)

    def _spot(self, place: Place) -> QRectF:
        cell, tiles = self.cell_rect(place[0]), self._tiles
        high, wide = self._maps.shape[1:]
        x, y = tiles.pixel(place[2], wide, 0), tiles.pixel(place[1], high, 1)
        return QRectF(cell.x() + x, cell.y() + y, tiles.scale, tiles.scale)

    def _draw_marks(self, painter: QPainter) -> None:
        if self._mark is None or not (self._mark[0] < self._maps.shape[1] and self._mark[1] < self._maps.shape[2]):
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.color("chalk"), 1))
        key = (self._mark, self._off, self._tiles, tuple(self._order), len(self._maps))
        if key != self._spots[0]:
            self._spots = key, [self._spot((i, *self._mark)) for i in range(len(self._maps)) if i not in self._off]
        painter.drawRects(self._spots[1])

    def _draw_captions(self, painter: QPainter) -> None:
        slot, subs = self._tiles.slot, () if self._bare else self._subs
        for index in range(min(len(self._captions), len(self._maps))):
            cell, on = self.cell_rect(index), index == self._at
            place = QRectF(cell.x(), cell.bottom() + 1, slot, CAPTION_H)
            write(painter, place, self._captions[index], theme.color("accent" if on else "text"), CAPTION, on, LEFT)
            sub: Text = Message("off") if index in self._off else subs[index] if index < len(subs) else ""
            write(painter, place, sub, align=RIGHT)

    def _draw_headers(self, painter: QPainter) -> None:
        at_row, at_col = divmod(self._slot(self._at), self._tiles.cols) if self._at >= 0 else (-1, -1)
        x, y = self._tiles.corner
        for i in range(self._tiles.rows):
            on = i == at_row
            place = QRectF(0, y + i * self._tiles.pitch[1], x - 6, self._tiles.cell[1])
            write(painter, place, str(i + 1), theme.color("accent" if on else "text2"), CAPTION, on, RIGHT)
        bottom = y + (self._tiles.rows - 1) * self._tiles.pitch[1] + self._tiles.cell[1] + S1 // 2
        for j in range(self._tiles.cols):
            on = j == at_col
            place = QRectF(x + j * self._tiles.pitch[0], bottom, self._tiles.cell[0], HEADER_H - 2)
            write(painter, place, str(j + 1), theme.color("accent" if on else "text2"), CAPTION, on, CENTER)
