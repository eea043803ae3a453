"""The page "Scan by hand": lanes of one channel over its time axis, its attention, and four ways to one answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import card
from app.equation import inner
from app.params_form import ParamsForm
from app.shell import Shell
from app.steady import Steady
from app.tabs.mamba.numbers import small
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.drawnlanes import DrawnLanes
from app.views.lanes import HEAT, Lane, Lanes
from app.views.scoregrid import ScoreGrid
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import WideButton, box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.mamba.rules import RULES
from engines.mamba.scan_by_hand.spec import CHANNEL, LOUDEST, SELECTS, HandFrame, HandParams

EQUAL = 1e-9  #: that double precision leaves between four ways to one answer
COLORS = ("cat0", "cat1", "cat2", "cat5")


class HandPage(Page):
    """Four cards and what they show."""

    title = "Scan by hand"
    params_type = HandParams
    engine = "engines.mamba.scan_by_hand.engine:Engine"
    params: HandParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: HandFrame | None = None
        self.lanes, self.ways, self.grid = DrawnLanes(), Lanes(), ScoreGrid("diff", (12, 12))
        self.lanes.export_name, self.ways.export_name, self.grid.export_name = "channel", "four-ways", "attention"
        self.grid.setMinimumSize(140, 140)
        for view, name in (
            (self.lanes, "The channel over time"), (self.ways, "Four ways to y"), (self.grid, "As attention")
        ):  # fmt: skip
            words.say(view, "setAccessibleName", name)
        self.bar = ColorBar(Message("Weight"), "diff")
        self.bar.drive(self.grid)
        self.equation = Steady()
        self.verdicts = Verdicts("What the rule does")
        self.lane_card = card("The channel over time", self.lanes, "draw in the first lane", foot=self.equation)
        self.grid_card = card("As attention", self.grid, "to, from", foot=self.bar)
        self.way_card = card("Four ways to y", self.ways)
        self.verdict_card = card("What the rule does", self.verdicts)
        self.lanes.drawn.connect(self._drawn)
        self.lanes.settled.connect(self.settle)
        for lanes in (self.lanes, self.ways):
            lanes.chosen.connect(lambda at: self.change(at=at))
            lanes.hovered.connect(self._point)
        self.grid.hovered.connect(lambda cell: self._point(None if cell is None else cell[0]))
        self.grid.clicked.connect(lambda cell: self.change(at=cell[0]))
        form = ParamsForm(self.params)
        theorem = WideButton("Theorem 1", "lab", tip="One number of state, A = −1, B = 1: under a zero-order hold the "
                             "scan is a gate. (Gu and Dao 2023)")  # fmt: skip
        theorem.clicked.connect(lambda _checked=False: self._theorem())
        form.add(CHANNEL, theorem)
        form.add(SELECTS, quiet("A convolution does the same only where nothing hangs on the input.", wrap=True))
        left = col((self.lane_card, 3), (self.way_card, 2), gap=S3)
        right = col((self.grid_card, 3), (self.verdict_card, 2), gap=S3)
        self.lay(box(row((left, 3), (right, 2), gap=S3)), form, resets=False)

    # -- the hand
    def _drawn(self, values: np.ndarray) -> None:
        self.change(values=tuple(round(float(value), 4) for value in values))

    def _theorem(self) -> None:
        """The settings that the theorem speaks of; whether Δ hangs on the input stays."""
        self.step(state=1, rate=1.0, write=1.0, select_B=False, select_delta=True)

    def _point(self, at: int | None) -> None:
        """Say the step under the pointer, everywhere."""
        for lanes in (self.lanes, self.ways):
            lanes.set_lit(at)
        self.grid.set_lit(None if at is None else (at, -1))
        self._write()

    # -- the contract
    def on(self, event: Event) -> None:
        if isinstance(event, HandFrame):
            self.shown = event
            self._draw(event)

    def show_params(self, params: HandParams) -> None:
        for lanes in (self.lanes, self.ways):
            lanes.set_at(params.at)
        self.grid.set_at(None if params.at < 0 else (params.at, -1))
        self._write()

    def escape(self) -> None:
        self.change(at=-1)

    # -- drawing
    def _draw(self, shown: HandFrame) -> None:
        reach = max(1e-6, float(np.abs(shown.y).max()))
        lanes = [
            Lane("u", shown.u, low=-LOUDEST, high=LOUDEST, weight=2, key="u", note=Message("input")),
            Lane("Δ", shown.delta, tokens=("cat2",), key="delta", note=Message("step size")),
            Lane("exp(Δ A)", shown.decay, low=0.0 if shown.decay.min() >= 0 else None, high=1.0, tokens=COLORS,
                 key="decay", note=Message("decay")),
            Lane("h", shown.states, HEAT, weight=2, key="states", note=Message("states")),
            Lane("y", shown.y, tokens=("cat0",), weight=2, key="y", note=Message("output")),
        ]  # fmt: skip
        if not self.lanes.drawing or not self.lanes.lanes:
            self.lanes.set_lanes(lanes)
        else:  # the hand is ahead of the answer
            self.lanes.set_lanes([self.lanes.lanes[0], *lanes[1:]])
        self.ways.set_lanes(self._four(shown, reach))
        end = float(np.abs(shown.attention).max()) or 1.0
        self.grid.set_table(shown.attention, end)
        self.bar.set_range(-end, end)
        self.verdicts.set_verdicts(self._verdicts(shown, reach))
        self._write()

    def _four(self, shown: HandFrame, reach: float) -> Sequence[Lane]:
        """Y by each way, with how far it is from the recurrence."""
        made = [Lane(Message("Recurrence"), shown.y, low=-reach, high=reach, key="by_recurrence")]
        for name, values, key in (
            ("Convolution", shown.by_convolution, "by_convolution"),
            ("Attention", shown.by_attention, "by_attention"),
            ("Parallel scan", shown.by_scan, "by_scan"),
        ):
            if len(values):
                apart = Message("off by {value}", {"value": small(float(np.abs(values - shown.y).max()))})
                made.append(Lane(Message(name), values, low=-reach, high=reach, key=key, note=apart))
        if len(shown.by_convolution):
            self.way_card.set_note("all the same")
        else:
            self.way_card.set_note("no convolution: the channel selects")
        return made

    def _verdicts(self, shown: HandFrame, reach: float) -> Sequence[Verdict]:
        at = RULES.index(self.params.rule)
        others = [i for i in range(len(RULES)) if i != at]
        apart = [float(np.abs(shown.rules[i] - shown.y).max()) for i in others]
        made = [
            Verdict(
                Message("Another rule, another y"),
                tuple(
                    Finding(
                        Message(RULES[i]), f"{small(value)} · {words.percent(value / reach, 1)}"
                    )
                    for i, value in zip(others, apart, strict=True)
                ),
            )
        ]  # fmt: skip
        if len(shown.gated):
            off = [float(np.abs(each - shown.gated).max()) for each in shown.gate]
            made.append(
                Verdict(
                    Message("Theorem 1: h is a gate, 1 − σ and σ"),
                    tuple(
                        Finding(Message(name), small(value), value <= EQUAL)
                        for name, value in zip(RULES, off, strict=True)
                    ),
                )
            )
        else:
            text = "Theorem 1: N = 1, A = −1, B = 1"
            made.append(Verdict(Message(text), ()))
        return made

    def _write(self) -> None:
        """The equation of the step looked at in numbers, of the first number of state."""
        shown, at = self.shown, self.lanes.looked_at
        if shown is None:
            return
        at = at if 0 <= at < len(shown.u) else int(np.abs(shown.u).argmax())
        before = float(shown.states[0, at - 1]) if at else 0.0
        values = {
            "t": at + 1,
            "decay": words.number(float(shown.decay[0, at]), 3),
            "before": inner(before, 3),
            "gain": inner(float(shown.gain[0, at]), 3),
            "u": inner(float(shown.u[at])),
            "h": words.number(float(shown.states[0, at]), 3),
            "held": inner(float(shown.states[0, at]), 3),
            "C": words.number(float(shown.C[0, at]), 2),
            "y": words.number(float(shown.y[at]), 3),
        }
        text = "t = {t}: h = {decay} × {before} + {gain} × {u} = {h}"
        if shown.states.shape[0] == 1:
            text += ", y = {C} × {held} = {y}"
        else:
            text += " (first of N), y = {y}"
        words.say(self.equation, "setText", Message(text, values))
