"""The page "Cost": operations, sequential steps and path length by formula and as counted, and seconds as measured."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.powerplot import Growth, PowerPlot, power
from app.plots.surface import link
from app.rows import Rows
from app.shell import Shell
from app.tabs.self_attention.cost.table import TOKENS, CostTable
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.widgets import WideButton, quiet
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.self_attention.cost.spec import COST, COSTS, CostFrame, CostParams, MeasuredFrame

FORMULAS = (("2 n² d", "k n d²", "2 n d²"), ("2", "1", "n"), ("1", "⌈(n − 1) / (k − 1)⌉", "n"))
NAMES = ("Operations", "Sequential steps", "Path length")
NOTES = ("multiply-adds", "products in sequence", "from first token to last")
NONE = np.zeros(0)
MANY = 10**9


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


class CostPage(Page):
    """Views of the page; all plots share one cursor."""

    title = "Cost"
    params_type = CostParams
    engine = "engines.self_attention.cost.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._formulas: CostFrame | None = None
        self.measured: MeasuredFrame | None = None
        self.plots = [PowerPlot(name, name.lower().replace(" ", "-")) for name in NAMES]
        self.seconds = PowerPlot("Time", "time")
        link([*self.plots, self.seconds])
        self.table = CostTable()
        self.counted = quiet("", wrap=True)
        cards = [card(n, p, note) for n, p, note in zip(NAMES, self.plots, NOTES, strict=True)]
        self.time_card = card("Time", self.seconds)
        self.table_card = card("At length n", self.table, foot=self.counted)
        self.time_card.set_empty("Nothing is measured yet.", "Measure", self.measure)
        for plot in (*self.plots, self.seconds):
            plot.picked.connect(lambda x: self.change(cost_length=round(x)))
            plot.settled.connect(self.settle)
        rows = Rows(([(one, 1) for one in cards], [(self.time_card, 3), (self.table_card, 5)]), (1, 1))
        self.lay(rows, self._form(), resets=False)

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params)
        self.measure_button = WideButton("Measure", "play", tip="Times and counts each layer at lengths 4 to 2,048.")
        self.measure_button.clicked.connect(lambda _checked=False: self.measure())
        form.add(COST, self.measure_button)
        form.add(COST, quiet("One layer of each kind, on this machine. Changing d or k stops it.", wrap=True))
        return form

    # -- the hand
    def measure(self) -> None:
        """Measure the cost, or stop measuring."""
        if not self.params.measure:
            self.measured = None
            self._draw()
        self.change(measure=not self.params.measure)

    def device_changed(self, device: str) -> None:
        self.change(measure=False)

    def exported(self) -> dict[str, object]:
        return {name: value for name, value in super().exported().items() if name != "measure"}

    # -- content
    def show_params(self, params: CostParams) -> None:
        words.say(self.measure_button, "setText", "Stop" if params.measure else "Measure")
        words.say(self.measure_button, "setAccessibleName", "Stop" if params.measure else "Measure")
        for plot in (*self.plots, self.seconds):
            plot.set_cursor(float(params.cost_length))
        self._write()

    def on(self, event: Event) -> None:
        match event:
            case CostFrame():
                self._show_formulas(event)
            case MeasuredFrame():
                self.measured = event
                self._draw()
            case Ended() if self.params.measure and self.feed is not None and not self.feed.is_busy:
                self.change(measure=False)

    def _show_formulas(self, shown: CostFrame) -> None:
        """Draw the lines; what was measured with other widths is no longer true."""
        self._formulas = shown
        seen = self.measured
        if seen is not None and (seen.dim, seen.kernel) != (shown.dim, shown.kernel):
            self.measured = None
        self._draw()

    def _draw(self) -> None:
        shown, seen = self._formulas, self.measured
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
            self.time_card.set_empty("Nothing is measured yet.", "Measure", self.measure)
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
        shown, seen = self._formulas, self.measured
        if shown is None:
            return
        n = self.params.cost_length
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
