"""Where the cells of a mosaic stand, and how maps too large for them are reduced."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QRectF

CHUNK = 320_000  # values reduced at a time, so that they stay in the processor's cache
WIDEST_GAP = 3  # times the gap asked for
LEAST_WIDE = 8  # px a gap may grow to in any case


@dataclass(frozen=True)
class Tiling:
    """Cells of one size; all numbers are pixels of the screen unless said otherwise.

    Attributes
    ----------
    block : int
        Most values a side that go into one pixel; 1 where every value is shown.
    even : bool
        Each pixel takes ``block`` values a side; else some take one less, so that the cell fills its room.
    scale : int
        Pixels a side of one value (of one block).
    cols, rows : int
        Cells across and down.
    cell, pitch, corner : tuple of int
        Size of a cell, distance from one to the next, upper left corner of the first; (x, y).
    slot : int
        Width that belongs to a cell's caption.
    captioned : bool
        False where captions would not leave room for the maps.
    """

    block: int = 1
    scale: int = 1
    cols: int = 1
    rows: int = 1
    cell: tuple[int, int] = (1, 1)
    pitch: tuple[int, int] = (1, 1)
    corner: tuple[int, int] = (0, 0)
    slot: int = 1
    captioned: bool = True
    even: bool = True

    def first(self, pixel: int, length: int, axis: int) -> int:
        """The first of ``length`` values under a pixel of a cell; axis 0 = across, 1 = down."""
        return pixel // self.scale * self.block if self.even else pixel * length // self.cell[axis]

    def pixel(self, value: int, length: int, axis: int) -> int:
        """The first pixel of a value."""
        return value // self.block * self.scale if self.even else -(-((value + 1) * self.cell[axis]) // length) - 1

    def reduce(self, maps: np.ndarray) -> np.ndarray:
        """Maps (n, h, w) as large as the cells: the largest value of each pixel."""
        return block_max(maps, self.block) if self.even else pair_max(maps, self.cell[1], self.cell[0])


Room: TypeAlias = tuple[np.ndarray, np.ndarray]  #: two buffers to write into in turn


def _largest_of(flat: np.ndarray, step: int, block: int, room: Room) -> np.ndarray:
    """The largest of ``block`` values that lie ``step`` apart, (n − (block − 1) · step,), from each value of (n,) on.

    All lie side by side here, which is quicker than picking every ``block``-th value. In ``room`` or ``flat``.
    """
    found, of = flat, 1
    while of < block:
        more = min(of, block - of)
        count = len(found) - more * step
        out = room[0][:count]
        np.maximum(found[:count], found[more * step :], out=out)
        found, of, room = out, of + more, room[::-1]
    return found


def _reduce_lines(lines: np.ndarray, step: int, block: int, out: np.ndarray, room: Room) -> None:
    """Reduce contiguous lines (n, length, step) to ``out`` (n, ceil(length / block), step)."""
    count, length, _ = lines.shape
    full, size = length // block, lines.itemsize
    if full:
        flat = _largest_of(lines.reshape(-1), step, block, room)
        strides = (length * step * size, block * step * size, size)
        out[:, :full] = np.lib.stride_tricks.as_strided(flat, (count, full, step), strides)
    if full * block < length:
        rest = out[:, full]
        rest[:] = lines[:, full * block]
        for i in range(full * block + 1, length):
            np.maximum(rest, lines[:, i], out=rest)


def block_max(maps: np.ndarray, block: int) -> np.ndarray:
    """Largest value of each ``block`` × ``block`` square; (n, h, w) to (n, ceil(h / block), ceil(w / block))."""
    if block <= 1:
        return maps
    if not maps.size:
        return maps[:, ::block, ::block]
    count, high, wide = maps.shape
    rows, cols = -(-high // block), -(-wide // block)
    out = np.empty((count, rows, cols), maps.dtype)
    at_once = min(count, max(1, CHUNK // (high * wide)))
    room = np.empty(at_once * high * wide, maps.dtype), np.empty(at_once * high * wide, maps.dtype)
    lower = np.empty((at_once, rows, wide), maps.dtype)
    for start in range(0, count, at_once):
        part = np.ascontiguousarray(maps[start : start + at_once])
        half = lower[: len(part)]
        _reduce_lines(part, wide, block, half, room)
        lines = out[start : start + at_once].reshape(-1, cols, 1)
        _reduce_lines(half.reshape(-1, wide, 1), 1, block, lines, room)
    return out


def starts(length: int, pixels: int) -> np.ndarray:
    """First value of each pixel, where ``length`` values share ``pixels`` as evenly as whole numbers allow."""
    return np.arange(pixels) * length // pixels


def pair_max(maps: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Reduce (n, h, w) to (n, rows, cols), each the largest of one or two values a side."""
    for axis, pixels in ((1, rows), (2, cols)):
        length = maps.shape[axis]
        first = starts(length, pixels)
        last = np.append(first[1:], length) - 1
        maps = np.maximum(maps.take(first, axis), maps.take(last, axis))
    return maps


def _density(slot: tuple[float, float], wide: int, high: int) -> float:
    """Pixels per value: a whole number, anything from a half to one, or one over a whole number."""
    fit = min(slot[0] / wide, slot[1] / high)
    if fit >= 1:
        return float(int(fit))
    if min(int(fit * wide), int(fit * high)) >= 1 and fit >= 0.5:
        return fit
    return 1 / math.ceil(max(wide / max(1.0, slot[0]), high / max(1.0, slot[1])))


def tile(
    shape: tuple[int, int, int], room: QRectF, columns: int, gap: int, caption_h: int, caption_w: int, note_h: int
) -> Tiling:
    """Make the cells as large as the room allows; spare room goes into the gaps.

    Parameters
    ----------
    shape : (n, h, w)
        Of the maps.
    columns : int
        Cells across; 0 = whatever makes them largest.
    caption_h, caption_w : int
        Room for the words under a cell.
    note_h : int
        Room for the line that says that maps were reduced.
    """
    count, high, wide = shape
    low = max(1, gap // 2)
    room_w, room_h = int(room.width()) - 4, int(room.height()) - 4

    def slot(cols: int, height: int) -> tuple[float, float]:
        return room_w / cols - low, height / -(-count // cols) - low - caption_h

    options = [min(columns, count)] if columns else range(1, count + 1)
    possible = [c for c in options if columns or c == 1 or slot(c, room_h)[0] >= caption_w]
    cols = max(possible, key=lambda c: (_density(slot(c, room_h), wide, high), -c))
    density = _density(slot(cols, room_h), wide, high)
    if density < 1:
        room_h -= note_h
        density = _density(slot(cols, room_h), wide, high)
    rows = -(-count // cols)
    block, scale, even = 1, max(1, int(density)), not 0.5 < density < 1
    if even:
        block = 1 if density >= 1 else round(1 / density)
        cell_w, cell_h = -(-wide // block) * scale, -(-high // block) * scale
    else:
        block, cell_w, cell_h = 2, int(wide * density + 1e-6), int(high * density + 1e-6)
    if caption_h and rows * (cell_h + caption_h + low) > room_h:
        return tile(shape, room, columns, gap, 0, 0, note_h)
    own = max(cell_w, caption_w) if caption_w <= room_w // cols - low else cell_w
    limit = max(WIDEST_GAP * gap, LEAST_WIDE)
    gap_x = max(low, min((room_w - cols * own) // max(1, cols - 1), max(limit, cell_w // 2)))
    gap_y = max(low, min((room_h - rows * (cell_h + caption_h)) // rows, max(limit, cell_h // 2)))
    used_w, used_h = cols * (own + gap_x) - gap_x, rows * (cell_h + caption_h + gap_y) - (0 if caption_h else gap_y)
    return Tiling(
        block,
        scale,
        cols,
        rows,
        (cell_w, cell_h),
        (own + gap_x, cell_h + caption_h + gap_y),
        (int(room.x()) + 2 + max(0, (room_w - used_w) // 2), 2 + max(0, (room_h - used_h) // 2)),
        own,
        caption_h > 0,
        even,
    )
