"""The page "Memory and time": what is held, a whole sequence, and one token more, over the length."""

from __future__ import annotations

import numpy as np

from app import icons, words
from app.cards import card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.powerplot import Growth, PowerPlot
from app.plots.surface import link
from app.shell import Shell
from app.tabs.mamba.numbers import duration, size
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import WideButton, box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.mamba.memory_and_time.spec import (
    ATTENTION,
    HELD,
    KINDS,
    LAYER,
    RECURRENCE,
    CostFrame,
    CostParams,
    MeasuredFrame,
    held,
)

COLORS = ("cat0", "cat1", "cat2")
NONE = np.zeros(0)


class CostPage(Page):
    """Views of the page; all plots share one cursor."""

    title = "Memory and time"
    params_type = CostParams
    engine = "engines.mamba.memory_and_time.engine:Engine"
    params: CostParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._formulas: CostFrame | None = None
        self._measured: MeasuredFrame | None = None
        self.held, self.time = PowerPlot("Held in memory", "held"), PowerPlot("A whole sequence", "time")
        self.more = PowerPlot("One token more", "token")
        link((self.held, self.time, self.more))
        one_more = (ATTENTION, RECURRENCE)
        self.held_card = card("Held in memory", self.held, "bytes, one layer", foot=_key(HELD))
        self.time_card = card("A whole sequence", self.time, "in ms", foot=_key(KINDS))
        self.more_card = card("One token more", self.more, "in ms", foot=_key(one_more))
        self.verdicts = Verdicts("At this length")
        self.table_card = card("At this length", self.verdicts)
        self._nothing()
        for plot in (self.held, self.time, self.more):
            plot.picked.connect(lambda x: self.change(length=min(16384, max(64, round(x)))))
            plot.settled.connect(self.settle)
        upper = row((self.held_card, 1), (self.table_card, 1), gap=S3)
        lower = row((self.time_card, 1), (self.more_card, 1), gap=S3)
        self.lay(box(col((upper, 1), (lower, 1), gap=S3)), self._form(), resets=False)

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params)
        self.measure_button = WideButton("Measure", "play", tip="Times attention, the recurrence and the scan at "
                                         "lengths 64 to 16,384.")  # fmt: skip
        self.measure_button.clicked.connect(lambda _checked=False: self.measure())
        form.add(LAYER, self.measure_button)
        form.add(LAYER, quiet("One layer, on this machine. Another layer ends it; what takes over a second is "
                              "measured no further.", wrap=True))  # fmt: skip
        return form

    # -- the hand
    def measure(self) -> None:
        """Measure, or stop measuring."""
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
        for plot in (self.held, self.time, self.more):
            plot.set_cursor(float(params.length))
        self._write()

    def on(self, event: Event) -> None:
        match event:
            case CostFrame():
                self._formulas = event
                seen = self._measured
                if seen is not None and (seen.channels, seen.state) != (event.channels, event.state):
                    self._measured = None  # of another layer
                self._draw()
            case MeasuredFrame():
                self._measured = event
                self._draw()
            case Ended() if self.params.measure and self.feed is not None and not self.feed.is_busy:
                self.change(measure=False)

    def _nothing(self) -> None:
        self.time_card.set_empty("Nothing is measured yet.", "Measure", self.measure)
        self.more_card.set_empty("Nothing is measured yet.")

    def _draw(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None:
            return
        ends = float(shown.lengths[0]), float(shown.lengths[-1])
        self.held.set_lines(
            [
                Growth(Message(name), COLORS[i], shown.lengths, shown.held[i], NONE, NONE, i)
                for i, name in enumerate(HELD)
            ],
            ends,
        )
        if seen is None or not seen.seconds.any():
            self._nothing()
        else:
            for one, plot, names, seconds in (
                (self.time_card, self.time, KINDS, seen.seconds),
                (self.more_card, self.more, (ATTENTION, RECURRENCE), seen.more),
            ):
                one.set_empty(None)
                one.set_note(Message("in ms, on {device}", {"device": seen.device.upper()}))
                plot.set_lines(
                    [
                        Growth(Message(name), COLORS[i], NONE, NONE, seen.lengths, seconds[i] * 1e3, i, joined=True)
                        for i, name in enumerate(names)
                    ],
                    ends,
                )
        self._write()

    def _write(self) -> None:
        shown, seen = self._formulas, self._measured
        if shown is None:
            return
        length = self.params.length
        bytes_ = held(np.array([float(length)]), shown.channels, shown.state)[:, 0]
        lines = tuple(Finding(Message(name), size(float(one))) for name, one in zip(HELD, bytes_, strict=True))
        ratio = bytes_[0] / bytes_[1]
        made = [
            Verdict(Message("Held in memory"), lines),
            Verdict(
                Message("The cache over the state"),
                (Finding(Message("times as much"), words.number(float(ratio), 1)),),
            ),
        ]
        if seen is not None and seen.seconds.any():
            known = np.flatnonzero(seen.seconds.any(0))
            at = int(known[np.abs(np.log(seen.lengths[known] / length)).argmin()])
            spent = tuple(
                Finding(Message(name), duration(float(one)) if one else "\u2013")
                for name, one in zip(KINDS, seen.seconds[:, at], strict=True)
            )
            text = "A whole sequence of {n}, measured"
            made.append(Verdict(Message(text, {"n": words.number(int(seen.lengths[at]))}), spent))
        self.verdicts.set_verdicts(made)
        self.table_card.set_title(Message("At length {n}", {"n": words.number(length)}))


def _key(names: tuple[str, ...]) -> Key:
    return Key(tuple(zip(COLORS, names, strict=False)))
