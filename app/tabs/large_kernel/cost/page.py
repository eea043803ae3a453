"""The page "Cost": multiply-adds by formula, and milliseconds as measured, over the side of the kernel."""

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
from engines.large_kernel.cost.spec import COST, KINDS, CostFrame, CostParams, MeasuredFrame

COLORS = ("cat0", "cat1", "cat2", "cat5")
PARTS = ("Depthwise kernels", "1 × 1 mixing beside them")
NONE = np.zeros(0)


class CostPage(Page):
    """Views of the page; both plots share one cursor."""

    title = "Cost"
    params_type = CostParams
    engine = "engines.large_kernel.cost.engine:Engine"
    params: CostParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._formulas: CostFrame | None = None
        self._measured: MeasuredFrame | None = None
        self.time, self.work = PowerPlot("Time", "time"), PowerPlot("Operations", "operations")
        link((self.time, self.work))
        self.time_card = card("Time", self.time, "in ms", foot=Key(tuple(zip(COLORS, KINDS, strict=True))))
        self.work_card = card("Operations", self.work, "multiply-adds",
                              foot=Key(tuple(zip(COLORS, PARTS, strict=False))))  # fmt: skip
        self.bars = Bars(widest="8,888.88")
        self.said = quiet("", wrap=True)
        self.table_card = card("At this kernel", self.bars, "in ms", foot=self.said)
        self._nothing()
        for plot in (self.time, self.work):
            plot.picked.connect(lambda x: self.change(kernel=2 * round((min(51, max(3, x)) - 1) / 2) + 1))
            plot.settled.connect(self.settle)
        right = col((self.table_card, 1), (self.work_card, 1), gap=S3)
        self.lay(box(row((self.time_card, 3), (right, 2), gap=S3)), self._form(), resets=False)

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params)
        self.measure_button = WideButton(
            "Measure", "play", tip="Times four ways to compute the same on rising kernels."
        )
        self.measure_button.clicked.connect(lambda _checked=False: self.measure())
        form.add(COST, self.measure_button)
        form.add(COST, quiet("One layer, on this machine. Another map ends it.", wrap=True))
        return form

    # -- the hand
    def measure(self) -> None:
        """Measure the time, or stop measuring."""
        if not self.params.measure:
            self._measured = None
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
        for plot in (self.time, self.work):
            plot.set_cursor(float(params.kernel))
        self._write()

    def on(self, event: Event) -> None:
        match event:
            case CostFrame():
                self._formulas = event
                seen = self._measured
                if seen is not None and sizes(seen) != sizes(event):
                    self._measured = None  # of another map
                self._draw()
            case MeasuredFrame():
                self._measured = event
                self._draw()
            case Ended() if self.params.measure and self.feed is not None and not self.feed.is_busy:
                self.change(measure=False)

    def _nothing(self) -> None:
        for one in (self.time_card, self.table_card):
            one.set_empty("Nothing is measured yet.", "Measure" if one is self.time_card else "", self.measure)

    def _draw(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None:
            return
        ends = float(shown.kernels[0]), float(shown.kernels[-1])
        self.work.set_lines(
            [
                Growth(Message(name), COLORS[i], shown.kernels, shown.operations[i], NONE, NONE, i)
                for i, name in enumerate(PARTS)
            ],
            ends,
        )
        if seen is None or not seen.seconds.any():
            self._nothing()
        else:
            for one in (self.time_card, self.table_card):
                one.set_empty(None)
            self.time.set_lines(
                [
                    Growth(Message(k), COLORS[i], NONE, NONE, seen.kernels, seen.seconds[i] * 1e3, i % 3, joined=True)
                    for i, k in enumerate(KINDS)
                ],
                ends,
            )
            self.time_card.set_note(Message("in ms, on {device}", {"device": seen.device.upper()}))
        self._write()

    def _write(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None or seen is None or not seen.seconds.any():
            return
        known = seen.kernels[seen.seconds.any(0)]
        at = int(np.abs(known - self.params.kernel).argmin())
        side, spent = int(known[at]), seen.seconds[:, at] * 1e3
        self.bars.set_bars(
            [
                Bar(Message(kind), ((float(ms), COLORS[i]),), words.number(float(ms), 2) if ms else "\u2013")
                for i, (kind, ms) in enumerate(zip(KINDS, spent.tolist(), strict=True))
            ]
        )
        self.table_card.set_title(Message("At {k} × {k} cells", {"k": side}))
        plain, own = spent[0], spent[2]
        if plain and own:
            text = "This program's takes {share} of the time that torch takes."
            words.say(self.said, "setText", Message(text, {"share": words.percent(own / plain, 0)}))
        else:
            words.say(self.said, "setText", "Half a second was too long to go on.")


def sizes(event: CostFrame | MeasuredFrame) -> tuple[int, int, bool]:
    """What a frame was computed for."""
    return event.channels, event.side, event.training
