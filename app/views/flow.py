"""Arrays in a row, each a block with title and shape, joined by arrows: what a layer does, step by step.

A row that is too wide is broken into lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPolygonF

from app import theme, words
from app.theme import BODY, CAPTION, S1, S2
from app.views.base import CENTER, chip, finite, indexed_image, outline, pen, text_width, write
from app.views.pointing import HoverView
from app.words import Text

TITLE_H, SHAPE_H, LABEL_H = 20, 18, 15
LOW = 420, 150  # px, least
ARROW = 26  # px, the shortest arrow
TALLEST = 22  # px a row may get
SHARES = (4.0, 3.0, 2.0, 1.0, 0.75, 0.5, 1 / 3, 0.25, 0.125)  # px a column may get


@dataclass(frozen=True, eq=False)
class Block:
    """One array of the flow.

    Attributes
    ----------
    title : str or Message
    shape : str
        As it stands under the block, such as ``(1, 4, 12, 16)``.
    values : ndarray (rows, cols), or (n, rows, cols)
        ``n`` slices, one per head.
    down : int
        Rows in which the slices are placed, the first ``n / down`` of them in the first row.
    cut : bool
        Slice i belongs to head i (modulo the number of heads).
    square : bool
        Values are as high as they are wide; otherwise rows share the height that there is.
    cell : float
        Width of a value, in columns of the other blocks.
    seam : int
        Pixels between slices.
    link : str or Message
        Written over the arrow that leads here.
    sign : str
        Instead of an arrow, such as ``×``.
    ramp : str
    top : float, optional
        Upper end of the ramp; ``diff`` runs from −top. The largest size if not given.
    """

    title: Text
    shape: str
    values: np.ndarray
    down: int = 1
    cut: bool = False
    square: bool = False
    cell: float = 1.0
    seam: int = 0
    link: Text = ""
    sign: str = ""
    ramp: str = "diff"
    top: float | None = None

    @property
    def slices(self) -> np.ndarray:
        """(n, rows, cols)."""
        return self.values if self.values.ndim == 3 else self.values[None]

    @property
    def across(self) -> int:
        """Slices side by side."""
        return -(-len(self.slices) // self.down)

    def ends(self) -> tuple[float, float]:
        """Ends of the ramp."""
        top = self.top if self.top is not None else float(np.abs(self.values).max(initial=0.0))
        top = top if top > 0 else 1.0
        return (-top, top) if self.ramp == "diff" else (0.0, top)


class Flow(HoverView):
    """Blocks from left to right. Slices of one head are outlined in all blocks at once.

    Signals
    -------
    chosen : int
        The slice that was clicked or walked to.
    """

    zooms = True

    chosen = Signal(int)
    _hover: tuple[int, int, int, int] | None  # block, slice, row, col

    def __init__(self) -> None:
        super().__init__(LOW)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "flow"
        self._blocks: tuple[Block, ...] = ()
        self._images: list[QImage] | None = None
        self._hand: tuple[float, float] | None = None  # ends of the signed ramp
        self._rects: list[list[QRectF]] = []
        self._slots: list[QRectF] = []
        self._befores: list[float] = []  # x where the gap before each block begins
        self._middles: list[float] = []  # y of the arrow to each block
        self._lines: list[range] = []  # blocks that stand beside each other
        self._heads = 1
        self._at = -1
        self._off: frozenset[int] = frozenset()

    # -- content
    def set_blocks(self, blocks: Sequence[Block], heads: int) -> None:
        """Show blocks; those with ``heads`` slices answer to the hand."""
        for block in blocks:
            finite(block.values, str(block.title))
        before = [(b.values.shape, b.shape, b.down) for b in self._blocks]
        self._blocks, self._heads = tuple(blocks), heads
        self._at = min(self._at, heads - 1)
        self._images = None
        if before != [(b.values.shape, b.shape, b.down) for b in blocks]:
            self._hover = None
            self._stale = True
        self.update()

    def set_at(self, head: int) -> None:
        """Outline the slices of a head without telling anybody; −1 for none."""
        self._at = head
        self.tell()
        self.update()

    def at(self) -> int:
        """The outlined head."""
        return self._at

    def set_off(self, heads: Sequence[int]) -> None:
        """Veil the slices of these heads."""
        self._off = frozenset(heads)
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {words.drawn(block.title): block.values for block in self._blocks}

    def shapes(self) -> list[str]:
        """The shapes as they are written."""
        return [block.shape for block in self._blocks]

    def report(self) -> str:
        if self._hover is not None and self._hover[0] < len(self._blocks):
            block = self._blocks[self._hover[0]]
            return f"{words.drawn(block.title)} {block.shape}: {self._value()}"
        return "; ".join(f"{words.drawn(b.title)} {b.shape}" for b in self._blocks)

    def _value(self) -> str:
        assert self._hover is not None
        at, one, row, col = self._hover
        return words.number(float(self._blocks[at].slices[one, row, col]), 2)

    # -- places
    def _gap(self, block: Block) -> int:
        wide = text_width(block.sign, BODY, True) + 2 * S2 if block.sign else ARROW
        return int(np.ceil(max(wide, text_width(words.drawn(block.link)) + 2 * S1 + 2)))

    def arrange(self, width: int, height: int) -> None:
        self._images = None
        self._rects = []
        if not self._blocks:
            return
        gaps = [0, *(self._gap(block) for block in self._blocks[1:])]
        least = [int(np.ceil(max(text_width(b.shape), text_width(words.drawn(b.title), CAPTION, True)))) for b in
                 self._blocks]  # fmt: skip
        ones = [self._size(b, SHARES[-1], height) for b in self._blocks]
        tight = [max(self._whole(b, one)[0], n) for b, one, n in zip(self._blocks, ones, least, strict=True)]
        needs = [gap + wide for gap, wide in zip(gaps, tight, strict=True)]
        self.setMinimumWidth(max(LOW[0], max(needs) + 4))  # nothing is said outside of it
        self._lines = lines(needs, width - 4)
        self.setMinimumHeight(LOW[1] * len(self._lines))
        room_h = height / len(self._lines) - TITLE_H - SHAPE_H - 2
        for share in SHARES:
            ones = [self._size(b, share, room_h) for b in self._blocks]
            size = [self._whole(b, one) for b, one in zip(self._blocks, ones, strict=True)]
            slots = [max(w, n) for (w, _), n in zip(size, least, strict=True)]
            if all(sum(slots[i] + gaps[i] for i in line) <= width - 4 for line in self._lines):
                break
        self._slots, self._befores, self._middles = [], [], []
        for number, line in enumerate(self._lines):
            middle = number * height / len(self._lines) + TITLE_H + room_h / 2
            used = sum(slots[i] + gaps[i] for i in line)
            arrows = len(line) - (line[0] == 0)
            more = min(48, max(0, width - 4 - used) // max(1, arrows))
            x = max(0.0, (width - used - more * arrows) / 2)
            for i in line:
                self._befores.append(x)
                self._middles.append(middle)
                x += gaps[i] + more * (i > 0)
                wide, high = size[i]
                corner = QPointF(round(x + (slots[i] - wide) / 2), round(middle - high / 2))
                self._slots.append(QRectF(round(x), corner.y(), slots[i], high))
                self._rects.append(self._tiles(self._blocks[i], corner, ones[i]))
                x += slots[i]

    @staticmethod
    def _size(block: Block, share: float, room_h: float) -> tuple[int, int]:
        """Width and height of one slice where a column is ``share`` px wide; whole pixels per value where they fit."""
        _, rows, cols = block.slices.shape
        room = (room_h - block.seam * (block.down - 1)) / block.down
        step = block.cell * share
        if block.square:
            step = min(step, room / rows)
            step = float(int(step)) if step >= 1 else step
            return max(1, round(cols * step)), max(1, round(rows * step))
        step = float(int(step)) if step >= 1 else step
        tall = min(room / rows, TALLEST)
        tall = float(int(tall)) if tall >= 1 else tall
        return max(1, round(cols * step)), max(1, int(rows * tall))

    @staticmethod
    def _whole(block: Block, one: tuple[int, int]) -> tuple[int, int]:
        """Size of a block whose slices have this size."""
        wide = block.across * one[0] + block.seam * (block.across - 1)
        return wide, block.down * one[1] + block.seam * (block.down - 1)

    @staticmethod
    def _tiles(block: Block, corner: QPointF, one: tuple[int, int]) -> list[QRectF]:
        wide, high, across = one[0], one[1], block.across
        return [
            QRectF(
                corner.x() + i % across * (wide + block.seam),
                corner.y() + i // across * (high + block.seam),
                wide,
                high,
            )
            for i in range(len(block.slices))
        ]

    def slice_rect(self, block: int, index: int) -> QRectF:
        """Where a slice stands on the screen."""
        self.arranged()
        return self._rects[block][index]

    def under(self, point: QPointF) -> tuple[int, int, int, int] | None:
        """Block, slice, row and column under a screen point."""
        self.arranged()
        for at, rects in enumerate(self._rects):
            for one, rect in enumerate(rects):
                if rect.contains(point):
                    _, rows, cols = self._blocks[at].slices.shape
                    row = min(rows - 1, int((point.y() - rect.y()) / rect.height() * rows))
                    col = min(cols - 1, int((point.x() - rect.x()) / rect.width() * cols))
                    return at, one, row, col
        return None

    # -- hand
    def _choose(self, place: tuple[int, int, int, int]) -> None:
        if self._is_cut(place[0]):
            self._go(place[1] % self._heads)

    def _is_cut(self, at: int) -> bool:
        return self._blocks[at].cut

    def _go(self, head: int) -> None:
        self.set_at(head)
        self.chosen.emit(head)

    def walk(self, rows: int, cols: int) -> bool:
        new = max(0, self._at) + (rows or cols)
        if self._blocks and 0 <= new < self._heads and new != self._at:
            self._go(new)
        return bool(self._blocks)

    # -- painting
    def restyled(self) -> None:
        self._images = None
        super().restyled()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color signed values from the first end to the second; None: as each block says."""
        self._hand, self._images = ends, None
        self.update()

    def _painted(self, block: Block, rect: QRectF) -> list[QImage]:
        """One image a slice; values that share a pixel are shown by the largest of them."""
        low, top = self._hand if self._hand is not None and block.ramp == "diff" else block.ends()
        values = block.slices
        for axis, pixels in ((1, rect.height()), (2, rect.width())):
            count = values.shape[axis]
            if (pieces := int(pixels)) < count:
                edges = np.arange(pieces) * count // pieces
                most, least = np.maximum.reduceat(values, edges, axis), np.minimum.reduceat(values, edges, axis)
                values = np.where(most >= -least, most, least)
        levels = np.rint(255 * np.clip((values - low) / (top - low), 0, 1)).astype(np.uint8)
        return [indexed_image(one, theme.ramp_table(block.ramp)) for one in levels]

    def draw(self, painter: QPainter) -> None:
        if not self._blocks:
            return
        if self._images is None:
            pairs = zip(self._blocks, self._rects, strict=True)
            self._images = [image for block, rects in pairs for image in self._painted(block, rects[0])]
        images = iter(self._images)
        for at, block in enumerate(self._blocks):
            cut = self._is_cut(at)
            for one, rect in enumerate(self._rects[at]):
                image = next(images)
                painter.drawImage(rect, image, QRectF(image.rect()))
                if cut and one % self._heads in self._off:
                    self._veil(painter, rect)
            frame = self._rects[at][0].united(self._rects[at][-1])
            outline(painter, frame.adjusted(-1.5, -1.5, 0.5, 0.5), theme.color("border"), 1)
            self._write_block(painter, at, block)
            if at:
                self._join(painter, at, block)
        self._mark(painter)

    def _veil(self, painter: QPainter, rect: QRectF) -> None:
        painter.fillRect(rect, theme.color("surface", 215))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
        painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))

    def _write_block(self, painter: QPainter, at: int, block: Block) -> None:
        slot = self._slots[at]
        title = QRectF(slot.x() - 30, slot.y() - TITLE_H, slot.width() + 60, TITLE_H - 2)
        write(painter, title, block.title, theme.color("text"), CAPTION, True, CENTER)
        below = QRectF(slot.x() - 30, slot.bottom() + 3, slot.width() + 60, SHAPE_H - 3)
        write(painter, below, block.shape, align=CENTER)

    def _join(self, painter: QPainter, at: int, block: Block) -> None:
        """An arrow or a sign between two blocks."""
        edge_left, edge_right = self._befores[at], self._slots[at].x()
        first = any(line[0] == at for line in self._lines)
        left = edge_left if first else max(rect.right() for rect in self._rects[at - 1])
        right = min(rect.x() for rect in self._rects[at])
        middle = self._middles[at]
        x = (edge_left + edge_right) / 2
        if block.sign:
            write(painter, QRectF(x - 20, middle - 12, 40, 24), block.sign, theme.color("text2"), BODY, True, CENTER)
            if block.link:
                write(painter, QRectF(x - 40, middle - 12 - LABEL_H, 80, LABEL_H), block.link, align=CENTER)
            return
        start, end = round(max(left, edge_left - 6) + 5) + 0.5, round(min(right, edge_right + 6) - 5) + 0.5
        y = round(middle) + 0.5
        painter.setPen(pen(theme.color("control"), 1))
        painter.drawLine(QPointF(start, y), QPointF(end - 2, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("control"))
        painter.drawPolygon(QPolygonF([QPointF(end, y), QPointF(end - 5, y - 3.5), QPointF(end - 5, y + 3.5)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if block.link:
            place = QRectF(x - 60, y - LABEL_H - 3, 120, LABEL_H)
            write(painter, place, block.link, align=CENTER)

    def _mark(self, painter: QPainter) -> None:
        if 0 <= self._at < self._heads and self._heads > 1:
            for at, rects in enumerate(self._rects):
                for rect in rects[self._at :: self._heads] if self._is_cut(at) else ():
                    outline(painter, rect.adjusted(-0.5, -0.5, 0.5, 0.5), theme.color("accent"), 2)
        if self._hover is not None:
            at, one, row, col = self._hover
            rect = self._rects[at][one]
            _, rows, cols = self._blocks[at].slices.shape
            wide, high = rect.width() / cols, rect.height() / rows
            spot = QRectF(rect.x() + col * wide, rect.y() + row * high, max(2.0, wide), max(2.0, high))
            outline(painter, spot, theme.color("chalk"), 1, theme.color("ink"), case_by=0.5)
            chip(painter, spot, self._value(), QRectF(self.rect()))


def lines(needs: Sequence[int], room: int) -> list[range]:
    """Break a row into as few lines as fit into ``room`` px, about as long as each other.

    Parameters
    ----------
    needs : sequence of int
        Widths in px, each with the gap before it.
    """
    broken = _broken(needs, room)
    caps = sorted({sum(needs[i:j]) for i in range(len(needs)) for j in range(i + 1, len(needs) + 1)})
    return next((found for cap in caps if len(found := _broken(needs, cap)) <= len(broken)), broken)


def _broken(needs: Sequence[int], room: int) -> list[range]:
    if not needs:
        return [range(0)]
    starts, used = [0], 0
    for at, need in enumerate(needs):
        if at > starts[-1] and used + need > room:
            starts.append(at)
            used = 0
        used += need
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(needs)], strict=True)]
