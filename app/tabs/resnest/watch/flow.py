"""Split attention channel by channel: each column goes from its splits through its weights to their sum."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from app import theme, words
from app.plots.mapimage import MapImage
from app.theme import CAPTION, S1, S2, SMALL
from app.views.base import CENTER, LEFT, outline, text_width, write
from app.views.pointing import MarkView
from app.views.tiling import block_max
from app.words import Text
from engines.core.errors import Message
from engines.resnest.watch.spec import Answer

COLORS = ("cat0", "cat1", "cat2", "cat5", "cat3", "cat4")
GAP, LINE, HEAD = 3, 16, 16  # px between columns, of a line of words, of the numbers of the channels
LEAST_CELL, MOST_CELL, LEAST_BARS = 14, 64, 46  # px
POOLED = 22  # px of the bars of the pooled sums
NUMBERED = 64  # px of the bars that leave room for a number
STEP = 0.05  # of a weight, a key


def color_of(split: int) -> str:
    """The color of a split, counted from 0."""
    return COLORS[split % len(COLORS)]


def shrunk(values: np.ndarray, cell: int) -> np.ndarray:
    """Maps (n, H, W) in a square of pixels, (n, cell, cell): repeated, or the largest of what falls on one pixel."""
    block = max(1, -(-max(values.shape[1:]) // cell))
    values = block_max(values, block)
    rows, cols = (np.arange(cell) * length // cell for length in values.shape[1:])
    out: np.ndarray = values[:, rows][:, :, cols]
    return out


@dataclass
class _Places:
    left: float = 0.0
    cell: int = LEAST_CELL
    count: int = 0  # columns that have room
    splits: list[float] = field(default_factory=list)  # tops of the rows
    pooled: float = 0.0
    between: float = 0.0
    bars: float = 0.0
    bars_h: float = LEAST_BARS
    blended: float = 0.0


class Flow(MarkView):
    """Columns of channels; the weights of a column are pulled up and down.

    Signals
    -------
    pulled : (channel, split, share)
        The hand gives a split this weight; all counted from 0.
    freed : int
        Back to the model's own weights in this channel.
    settled
        The hand let go.
    """

    is_list = True
    zooms = False  # the wheel goes through the channels
    drags = True

    pulled = Signal(int, int, float)
    freed = Signal(int)
    settled = Signal()

    _hover: int | None

    def __init__(self) -> None:
        super().__init__((300, 190))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "split-attention"
        words.say(self, "setAccessibleName", "Split attention of the block")
        words.say(
            self, "setToolTip",
            "A column is a channel: its splits, the pooled mean of their sum, its weights, and the weighted sum. Pull "
            "the weights up or down; double-click gives them back. The wheel goes through the channels. (Zhang 2020)",
        )  # fmt: skip
        self._answer: Answer | None = None
        self._first = 0
        self._at_places = _Places()
        self._press: tuple[int, int, float, float] | None = None  # channel, split, its share, y
        self._canvas = np.zeros((1, 1), np.uint8)
        self._image = MapImage(self._compose)
        self.put_below(self._image)

    # -- content
    def show_answer(self, answer: Answer) -> None:
        """Another block, or other weights."""
        before, self._answer = self._answer, answer
        if before is None or before.splits.shape != answer.splits.shape:
            self._first = 0
            self._press = None
            self._hover = None
            self.renew()
        else:
            self._image.renew()
            self.update()
        self.tell()

    def set_channel(self, channel: int) -> None:
        """Mark a channel, counted from 0, and bring it into sight."""
        self.set_at(channel)
        self.arranged()
        count = self._at_places.count
        if self._answer is not None and count and not self._first <= channel < self._first + count:
            self._go(channel - count // 2)

    def seen(self) -> tuple[int, int]:
        """First channel in sight, counted from 0, and the one after the last."""
        self.arranged()
        return self._first, self._first + self._at_places.count

    def is_empty(self) -> bool:
        return self._answer is None

    def numbers(self) -> dict[str, np.ndarray]:
        found = self._answer
        if found is None:
            return {}
        names = ("splits", "pooled", "hidden", "scores", "own", "shares", "blended")
        return {name: getattr(found, name) for name in names}

    def report(self) -> str:
        channel = self._hover if self._hover is not None else self._at
        found = self._answer
        if found is None or not 0 <= channel < found.shares.shape[1]:
            return ""
        weights = " · ".join(words.number(float(value), 2) for value in found.shares[:, channel])
        mean = words.number(float(found.pooled[channel]), 2)
        return words.tr("channel {n}: mean {mean}, weights {weights}", n=channel + 1, mean=mean, weights=weights)

    # -- places
    def _labels(self) -> list[Text]:
        assert self._answer is not None
        radix = len(self._answer.splits)
        splits = [Message("Split {n}", {"n": r + 1}) for r in range(radix)]
        return [*splits, Message("Mean of sum"), Message("Weights"), Message("Sum")]

    def arrange(self, width: int, height: int) -> None:
        found = self._answer
        self._image.setVisible(found is not None)
        if found is None:
            return
        radix, channels = found.shares.shape
        at = self._at_places = _Places()
        at.left = max(text_width(words.drawn(text), CAPTION, True) for text in self._labels()) + S2
        fixed = HEAD + POOLED + LINE + (radix + 4) * S1
        room = height - fixed - LEAST_BARS
        at.cell = int(min(MOST_CELL, max(LEAST_CELL, room / (radix + 1))))
        at.count = int(min(channels, max(1, (width - at.left + GAP) // (at.cell + GAP))))
        y = float(HEAD)
        for _ in range(radix):
            at.splits.append(y)
            y += at.cell + S1
        at.pooled = y
        y += POOLED + S1
        at.between = y
        y += LINE + S1
        at.bars = y
        at.bars_h = max(LEAST_BARS, height - y - at.cell - S1)
        at.blended = at.bars + at.bars_h + S1
        self._first = min(self._first, channels - at.count)
        self._canvas = np.zeros((int(at.blended + at.cell), int(at.count * (at.cell + GAP))), np.uint8)
        self._image.setImage(self._canvas, autoLevels=False, lut=theme.ramp("ember", gap=True))
        self._image.stand(QRectF(round(at.left), 0, self._canvas.shape[1], self._canvas.shape[0]))

    def column(self, channel: int) -> QRectF:
        """Where a channel in sight stands, from its number to its sum."""
        at = self._at_places
        x = round(at.left) + (channel - self._first) * (at.cell + GAP)
        return QRectF(x, 0, at.cell, at.blended + at.cell)

    def weights_place(self, channel: int) -> QRectF:
        """Where its weights stand."""
        self.arranged()
        place = self.column(channel)
        return QRectF(place.x(), self._at_places.bars, place.width(), self._at_places.bars_h)

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        at = self._at_places
        col = int((point.x() - at.left) // (at.cell + GAP))
        return self._first + col if self._answer is not None and 0 <= col < at.count else None

    # -- hand
    def _go(self, first: int) -> None:
        """Bring other channels into sight."""
        if self._answer is None:
            return
        first = min(max(0, first), self._answer.shares.shape[1] - self._at_places.count)
        if first != self._first:
            self._first = first
            self._image.renew()
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        if turned and self._answer is not None:
            self._go(self._first - (3 if turned > 0 else -3))
            self._point(self.under(event.position()))
            event.accept()

    def _choose(self, channel: int) -> None:
        self.set_at(channel)
        self.chosen.emit(channel)

    def walk(self, rows: int, cols: int) -> bool:
        found = self._answer
        if found is None:
            return False
        channel = max(0, self._at)
        if rows:
            self._pull(channel, 0, float(found.shares[0, channel]) - rows * STEP)
            return True
        new = min(found.shares.shape[1] - 1, max(0, channel + cols))
        if new != self._at:
            self.set_channel(new)
            self.chosen.emit(new)
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.isAutoRepeat():
            self.settled.emit()
        super().keyReleaseEvent(event)

    def _pull(self, channel: int, split: int, share: float) -> None:
        self.pulled.emit(channel, split, round(min(1.0, max(0.0, share)), 3))

    def _in_weights(self, point: QPointF) -> bool:
        return self._at_places.bars <= point.y() <= self._at_places.bars + self._at_places.bars_h

    def mousePressEvent(self, event: QMouseEvent) -> None:
        channel = self.under(event.position())
        if event.button() != Qt.MouseButton.LeftButton or channel is None or self._answer is None:
            return
        self._choose(channel)
        if not self._in_weights(event.position()):
            return
        shares = self._answer.shares[:, channel]
        height = 1 - (event.position().y() - self._at_places.bars) / self._at_places.bars_h
        split = 0
        if len(shares) > 2:  # of two the border between them follows the hand, of more the part that was pressed grows
            split = min(len(shares) - 1, int((shares.cumsum() < height).sum()))
        self._press = channel, split, float(shares[split]), event.position().y()
        self._drag(event.position())

    def _drag(self, point: QPointF) -> None:
        assert self._press is not None
        assert self._answer is not None
        channel, split, share, start = self._press
        at = self._at_places
        if len(self._answer.shares) > 2:
            share += (start - point.y()) / at.bars_h
        else:
            share = 1 - (point.y() - at.bars) / at.bars_h
        self._pull(channel, split, share)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            super().mouseMoveEvent(event)
        else:
            self._drag(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._press is not None:
            self._press = None
            self.settled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        channel = self.under(event.position())
        if channel is not None and self._in_weights(event.position()):
            self._press = None
            self.freed.emit(channel)

    # -- painting
    def restyled(self) -> None:
        self.renew()

    def _compose(self) -> None:
        """Put all maps in sight into the canvas; each channel has its own scale, up to its largest split."""
        found, at = self._answer, self._at_places
        self._canvas.fill(0)
        if found is None:
            return
        chosen = slice(self._first, self._first + at.count)
        splits, blended = found.splits[:, chosen], found.blended[chosen]
        top = np.maximum(splits.max((0, 2, 3)), 1e-12)  # (columns,)
        for y, maps in (*zip(at.splits, splits, strict=True), (at.blended, blended)):
            small = shrunk(maps, at.cell)
            levels = np.clip(1.5 + 254 * small / top[:, None, None], 1, 255.49).astype(np.uint8)
            for index, each in enumerate(levels):
                x = index * (at.cell + GAP)
                self._canvas[int(y) : int(y) + at.cell, x : x + at.cell] = each

    def draw(self, painter: QPainter) -> None:
        found, at = self._answer, self._at_places
        if found is None:
            return
        labels = self._labels()
        tops = [*((y, at.cell) for y in at.splits), (at.pooled, POOLED), (at.bars, at.bars_h), (at.blended, at.cell)]
        for index, (text, (y, high)) in enumerate(zip(labels, tops, strict=True)):
            token = color_of(index) if index < len(at.splits) else "text2"
            write(painter, QRectF(0, y, at.left - S2, high), text, theme.color(token), CAPTION, True, LEFT)
        largest = max(float(found.pooled.max()), 1e-12)
        for channel in range(self._first, self._first + at.count):
            self._draw_column(painter, channel, largest)
        between = words.drawn(self._between())
        place = QRectF(at.left + S1, at.between, text_width(between, SMALL) + S1, LINE)
        painter.fillRect(place, theme.color("surface"))  # over the frame of a column
        write(painter, place, between, theme.color("text2"), SMALL)

    def _between(self) -> Text:
        """What makes weights of the pooled means."""
        found = self._answer
        assert found is not None
        radix, channels = found.shares.shape
        active = int((found.hidden > 0).sum())
        values = {"c": channels, "inner": len(found.hidden), "active": active, "out": radix * channels}
        if radix == 1:
            return Message("fc1 {c} → {inner}, ReLU ({active} active), fc2 {inner} → {out}, sigmoid", values)
        return Message("fc1 {c} → {inner}, ReLU ({active} active), fc2 {inner} → {out}, softmax over splits", values)

    def _draw_column(self, painter: QPainter, channel: int, largest: float) -> None:
        found, at = self._answer, self._at_places
        assert found is not None
        place = self.column(channel)
        marked, pointed = channel == self._at, channel == self._hover
        x, wide = place.x(), place.width()
        if at.cell >= text_width(str(channel + 1)) or marked:
            color = theme.color("accent" if marked else "text2")
            write(painter, QRectF(x, 0, wide, HEAD - 2), str(channel + 1), color, CAPTION, marked, CENTER)
        painter.fillRect(QRectF(x, at.pooled, wide, POOLED), theme.color("sunken"))
        high = round(POOLED * float(found.pooled[channel]) / largest)
        painter.fillRect(QRectF(x, at.pooled + POOLED - high, wide, high), theme.color("text2"))
        bars = self.weights_place(channel)
        painter.fillRect(bars, theme.color("sunken"))
        below, summed = bars.bottom(), 0.0
        for split, share in enumerate(found.shares[:, channel].tolist()):
            summed += share
            top = round(bars.bottom() - bars.height() * min(1.0, summed))
            painter.fillRect(QRectF(bars.x(), top, bars.width(), below - top), theme.color(color_of(split)))
            below = top
        if (found.own[:, channel] != found.shares[:, channel]).any():  # the model's own border beside the changed one
            y = round(bars.bottom() - bars.height() * float(found.own[0, channel]))
            painter.setPen(theme.color("text"))
            painter.drawLine(QPointF(bars.x(), y), QPointF(bars.right() - 1, y))
        if bars.width() >= text_width("0.00", CAPTION) + 2 and bars.height() >= NUMBERED:
            value = words.number(float(found.shares[0, channel]), 2)
            foot = QRectF(bars.x(), bars.bottom() - LINE, bars.width(), LINE)
            chip = QRectF(bars.x() + 1, foot.y() + 1, bars.width() - 2, LINE - 2)
            painter.fillRect(chip, theme.color("ink"))
            write(painter, chip, value, theme.color("chalk"), CAPTION, False, CENTER)
        if marked or pointed:
            frame = place.adjusted(-1.5, HEAD - 1.5, 0.5, 0.5)
            outline(painter, frame, theme.color("accent" if marked else "control"), 1)
