"""The page "Cost": operations and memory by formula, and seconds as measured, over the tokens of a grid."""

from __future__ import annotations

import numpy as np

from app import icons, words
from app.cards import card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.powerplot import Growth, PowerPlot
from app.plots.surface import link
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.widgets import WideButton, box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.swin.cost.spec import COST, HEAD, KINDS, CostFrame, CostParams, MeasuredFrame

COLORS = ("cat0", "cat1")
NAMES = ("Operations", "Memory of the weights", "Time")
NOTES = ("multiply-adds", "in MB, all heads", "in ms")
NONE = np.zeros(0)


class CostPage(Page):
    """Views of the page; all plots share one cursor."""

    title = "Cost"
    params_type = CostParams
    engine = "engines.swin.cost.engine:Engine"
    params: CostParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._formulas: CostFrame | None = None
        self.measured: MeasuredFrame | None = None
        self.plots = [PowerPlot(name, name.lower().replace(" ", "-")) for name in NAMES]
        link(self.plots)
        keys = [Key(tuple(zip(COLORS, KINDS, strict=True))) for _ in NAMES]
        cards = [card(n, p, note, foot=k) for n, p, note, k in zip(NAMES, self.plots, NOTES, keys, strict=True)]
        self.time_card = cards[2]
        self.bars = Bars(widest="88,888.888")
        self.said = quiet("", wrap=True)
        self.table_card = card("At this grid", self.bars, foot=self.said)
        self.time_card.set_empty("Nothing is measured yet.", "Measure", self.measure)
        for plot in self.plots:
            plot.picked.connect(lambda x: self.change(side=round(min(224, max(7, x**0.5)))))
            plot.settled.connect(self.settle)
        upper = row((cards[0], 1), (cards[1], 1), gap=S3)
        lower = row((cards[2], 1), (self.table_card, 1), gap=S3)
        self.lay(box(col((upper, 1), (lower, 1), gap=S3)), self._form(), resets=False)

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params)
        self.measure_button = WideButton("Measure", "play", tip="Times both kinds of attention on rising grids.")
        self.measure_button.clicked.connect(lambda _checked=False: self.measure())
        form.add(COST, self.measure_button)
        form.add(COST, quiet("One layer of each kind, on this machine. Another window or width ends it.", wrap=True))
        return form

    # -- the hand
    def measure(self) -> None:
        """Measure the time, or stop measuring."""
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
        icons.put(self.measure_button, "stop" if params.measure else "play")
        for plot in self.plots:
            plot.set_cursor(float(params.side) ** 2)
        self._write()

    def on(self, event: Event) -> None:
        match event:
            case CostFrame():
                self._formulas = event
                seen = self.measured
                if seen is not None and (seen.window, seen.width) != (event.window, event.width):
                    self.measured = None  # of other sizes
                self._draw()
            case MeasuredFrame():
                self.measured = event
                self._draw()
            case Ended() if self.params.measure and self.feed is not None and not self.feed.is_busy:
                self.change(measure=False)

    def _draw(self) -> None:
        shown, seen = self._formulas, self.measured
        if shown is None:
            return
        ends = float(shown.tokens[0]), float(shown.tokens[-1])
        for plot, table in zip(self.plots, (shown.operations, shown.memory * 4e-6), strict=False):
            plot.set_lines(
                [Growth(Message(k), COLORS[i], shown.tokens, table[i], NONE, NONE, i) for i, k in enumerate(KINDS)],
                ends,
            )
        if seen is None or not seen.seconds.any():
            self.time_card.set_empty("Nothing is measured yet.", "Measure", self.measure)
        else:
            self.time_card.set_empty(None)
            self.plots[2].set_lines(
                [
                    Growth(Message(k), COLORS[i], NONE, NONE, seen.tokens, seen.seconds[i] * 1e3, i, joined=True)
                    for i, k in enumerate(KINDS)
                ],
                ends,
            )
            self.time_card.set_note(Message("in ms, on {device}", {"device": seen.device.upper()}))
        self._write()

    def _write(self) -> None:
        shown = self._formulas
        if shown is None:
            return
        side, window, width = self.params.side, shown.window, shown.width
        n = side**2
        linear = 4 * n * width**2
        products = 2 * window**2 * n * width, 2 * n**2 * width
        bars = [
            Bar(Message(kind), ((linear / 1e9, "control"), (product / 1e9, COLORS[i])),
                words.number((linear + product) / 1e9, 3))
            for i, (kind, product) in enumerate(zip(KINDS, products, strict=True))
        ]  # fmt: skip
        self.bars.set_bars(bars)
        self.table_card.set_title(Message("At {n} × {n} tokens", {"n": words.number(side)}))
        self.table_card.set_note(Message("GMAC, {heads} heads", {"heads": words.number(width // HEAD)}))
        values = {
            "times": words.number(products[1] / products[0], 1), "all": words.number((linear + products[1]) / 1e9, 3),
            "windows": words.number((linear + products[0]) / 1e9, 3),
        }  # fmt: skip
        text = "Gray: the four linear maps. The products of all to all cost {times} times those of windows."
        words.say(self.said, "setText", Message(text, values))
