"""The page "Cost": operations, sequential steps and path length by formula and as counted, and seconds as measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.cards import card
from app.theme import BODY, CAPTION, S2, S3, S4
from app.views.base import LEFT, PixelView, pen, text_width, write
from app.views.powerplot import STYLES, Growth, PowerPlot, power
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.self_attention.spec import COSTS, CostFrame, MeasuredFrame

TOKENS = ("cat0", "cat1", "cat2")
FORMULAS = (("2 n² d", "k n d²", "2 n d²"), ("2", "1", "n"), ("1", "⌈(n − 1) / (k − 1)⌉", "n"))
NAMES = ("Operations", "Sequential steps", "Path length")
NOTES = ("multiply-adds", "products that wait", "from first token to last")
NONE = np.zeros(0)
MANY = 10**9
HIGH = 144.0  # px of a row at most
SAMPLE = 24  # px of a line in the table, which is the key of the plots


def duration(seconds: float) -> str:
    """``12 µs``, ``3.4 ms``, ``1.20 s``."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            value = seconds * factor
            return f"{words.number(value, 1 if value < 10 else 0)} {unit}"
    return f"{words.number(seconds, 2)} s"


def whole(count: int) -> str:
    """``33,554,432``; from 10⁹ on ``6.87 · 10¹⁰``."""
    if count < MANY:
        return words.number(count)
    exponent = len(str(count)) - 1
    return f"{words.number(count / 10**exponent, 2)} · {power(exponent)}"


class CostTable(PixelView):
    """What each layer costs at one length: the numbers, and the formulas they come from."""

    def __init__(self) -> None:
        super().__init__((420, 150))
        self.export_name = "cost-table"
        self._names: tuple[str, ...] = ()
        self._rows: list[list[tuple[str, str]]] = []
        self._head: list[Message] = []

    def show_rows(self, head: list[Message], rows: list[list[tuple[str, str]]]) -> None:
        """A head and, for each of `COSTS`, a value and its formula per column."""
        self._head, self._rows = head, rows
        self.renew()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            words.tr(name): np.array([value for value, _ in line], np.str_)
            for name, line in zip(COSTS, self._rows, strict=False)
        }

    def report(self) -> str:
        return "; ".join(
            f"{words.tr(name)}: {', '.join(value for value, _ in line)}"
            for name, line in zip(COSTS, self._rows, strict=False)
        )

    def _starts(self, first: float) -> list[float]:
        """Where columns begin: what is left beside their texts is shared out evenly."""
        needs = [
            max(
                text_width(words.drawn(head)),
                *(max(text_width(line[j][0], BODY, True), text_width(line[j][1])) for line in self._rows),
            )
            for j, head in enumerate(self._head)
        ]
        gap = max(float(S2), (self.width() - first - sum(needs)) / len(needs))
        return [first + sum(needs[:j]) + j * gap for j in range(len(needs))]

    def row_height(self) -> float:
        """What the head leaves, shared out evenly."""
        return min(HIGH, (self.height() - 24) / max(1, len(self._rows)))

    def draw(self, painter: QPainter) -> None:
        if not self._rows:
            return
        first = max(text_width(words.tr(name), BODY, True) for name in COSTS) + SAMPLE + S2 + S4
        starts = self._starts(first)
        high = self.row_height()
        for j, text in enumerate(self._head):
            write(painter, QRectF(starts[j], 0, 200, 20), text, align=LEFT)
        for i, line in enumerate(self._rows):
            y = 24 + i * high
            painter.setPen(pen(theme.color("border")))
            painter.drawLine(0, round(y), self.width(), round(y))
            middle = y + high / 2
            painter.setPen(pen(theme.color(TOKENS[i]), 2, STYLES[i], square=False))
            painter.drawLine(QPointF(1, round(middle)), QPointF(SAMPLE, round(middle)))
            write(painter, QRectF(SAMPLE + S2, y, first, high), Message(COSTS[i]), theme.color("text"), BODY, True)
            for j, (value, formula) in enumerate(line):
                x, wide = starts[j], 200.0
                lift = 8 if formula else 0
                place = QRectF(x, middle - 10 - lift, wide, 20)
                write(painter, place, value, theme.color("text"), BODY, True)
                if formula:
                    write(painter, QRectF(x, middle + 1, wide, 16), formula, None, CAPTION)


class CostPage(QObject):
    """Views of the page; all plots share one cursor.

    Signals
    -------
    picked : int
        A length under the hand.
    settled
        The hand let go.
    """

    picked = Signal(int)
    settled = Signal()

    def __init__(self, measure: Callable[[], object]) -> None:
        super().__init__()
        self._act = measure
        self._formulas: CostFrame | None = None
        self._measured: MeasuredFrame | None = None
        self._length = 512
        self.plots = [PowerPlot(name, name.lower().replace(" ", "-")) for name in NAMES]
        self.seconds = PowerPlot("Time", "time")
        self.table = CostTable()
        self.counted = quiet("", wrap=True)
        cards = [card(n, p, note) for n, p, note in zip(NAMES, self.plots, NOTES, strict=True)]
        self.time_card = card("Time", self.seconds)
        self.table_card = card("At length n", self.table, foot=self.counted)
        lower = row((self.time_card, 3), (self.table_card, 5), gap=S3)
        self.centre = box(col((row(*((c, 1) for c in cards), gap=S3), 1), (lower, 1), gap=S3))
        self.time_card.set_empty("Nothing is measured yet.", "Measure", measure)
        for plot in (*self.plots, self.seconds):
            plot.picked.connect(lambda x: self.picked.emit(round(x)))
            plot.settled.connect(self.settled)

    # -- content
    def clear(self) -> None:
        """Forget what was measured."""
        self._measured = None
        self._draw()

    def set_length(self, n: int) -> None:
        """Read the curves at this length."""
        self._length = n
        for plot in (*self.plots, self.seconds):
            plot.set_cursor(float(n))
        self._write()

    def show_formulas(self, shown: CostFrame) -> None:
        """Draw the lines; what was measured with other widths is no longer true."""
        self._formulas = shown
        seen = self._measured
        if seen is not None and (seen.dim, seen.kernel) != (shown.dim, shown.kernel):
            self._measured = None
        self._draw()

    def show_measured(self, shown: MeasuredFrame) -> None:
        """Draw the dots."""
        self._measured = shown
        self._draw()

    def retranslated(self) -> None:
        """Language changed."""
        self._write()

    def _draw(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None:
            return
        ends = float(shown.lengths[0]), float(shown.lengths[-1])
        tables = (shown.operations, shown.steps, shown.paths)
        counted = (None,) * 3 if seen is None else (seen.operations, seen.steps, seen.paths)
        at = NONE if seen is None else seen.lengths
        for plot, table, dots in zip(self.plots, tables, counted, strict=True):
            plot.set_lines(
                [
                    Growth(
                        Message(name),
                        TOKENS[i],
                        shown.lengths,
                        table[i],
                        at,
                        NONE if dots is None else dots[i],
                        style=i,
                    )
                    for i, name in enumerate(COSTS)
                ],
                ends,
            )
        if seen is None or not seen.seconds.any():
            self.time_card.set_empty("Nothing is measured yet.", "Measure", self._act)
        else:
            self.time_card.set_empty(None)
            self.seconds.set_lines(
                [
                    Growth(Message(name), TOKENS[i], NONE, NONE, at, seen.seconds[i] * 1e3, i, joined=True)
                    for i, name in enumerate(COSTS)
                ],
                ends,
            )
            self.time_card.set_note(Message("in ms, on {device}", {"device": seen.device.upper()}))
        self._write()

    def _write(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None:
            return
        n = self._length
        exact = exact_costs(n, shown.dim, shown.kernel)
        head = [Message(name) for name in NAMES]
        rows = [[(whole(exact[j][i]), FORMULAS[j][i]) for j in range(len(NAMES))] for i in range(len(COSTS))]
        near = None if seen is None else nearest(seen, n)
        if seen is not None and near is not None:
            head.append(Message("Time at n = {n}", {"n": words.number(seen.lengths[near])}))
            for i, line in enumerate(rows):
                spent = float(seen.seconds[i, near])
                line.append((duration(spent) if spent else "–", ""))
        self.table.show_rows(head, rows)
        values = {"n": words.number(n), "d": words.number(shown.dim), "k": words.number(shown.kernel)}
        self.table_card.set_title(Message("At length n = {n}", values))
        self.table_card.set_note(Message("d = {d}, k = {k}", values))
        words.say(self.counted, "setText", self._judged(seen))

    def _judged(self, seen: MeasuredFrame | None) -> Message:
        """Whether what was counted equals the formulas."""
        if seen is None or not seen.operations.any():
            return Message("Lines: by formula. Dots: counted in the computation itself, once it is measured.")
        known = seen.operations > 0
        wrong = 0.0
        for j, table in enumerate((seen.operations, seen.steps, seen.paths)):
            for i in range(len(COSTS)):
                for m in np.flatnonzero(known[i]):
                    exact = exact_costs(int(seen.lengths[m]), seen.dim, seen.kernel)[j][i]
                    wrong = max(wrong, abs(table[i, m] - exact))
        most = words.number(float(seen.lengths[known.any(0)].max()))
        if wrong == 0:
            return Message("Lines: by formula. Dots: counted up to n = {n}, equal to the formulas.", {"n": most})
        return Message(
            "Lines: by formula. Dots: counted up to n = {n}, off by {wrong} at most.",
            {"n": most, "wrong": words.number(wrong)},
        )


def exact_costs(n: int, d: int, k: int) -> tuple[tuple[int, int, int], ...]:
    """Operations, steps and path length of each of `COSTS`; see `CostFrame`."""
    return (
        (2 * n * n * d, k * n * d * d, 2 * n * d * d),
        (2, 1, n),
        (1, max(1, -(-(n - 1) // (k - 1))), n),
    )


def nearest(seen: MeasuredFrame, n: int) -> int | None:
    """Index of the measured length next to n on a log scale."""
    have = np.flatnonzero(seen.seconds.any(0))
    if not len(have):
        return None
    return int(have[np.abs(np.log(seen.lengths[have] / n)).argmin()])
