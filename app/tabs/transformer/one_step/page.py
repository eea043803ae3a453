"""The page "One step": a batch's loss, the gradients, Adam's moments, the new weight; and what warm-up is for."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.remedy import remedy
from app.sections import section
from app.shell import Shell
from app.tabs.transformer.labwords import place_name
from app.tabs.transformer.maths.backlines import fine
from app.tabs.transformer.one_step.tex import LINES
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.transport import training_stream
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.formula import FormulaView, Line
from app.views.scoregrid import ScoreGrid
from app.widgets import MenuButton, Segments, WideButton, box, col, quiet, row
from app.words import Text, say
from engines.core.errors import Message
from engines.core.params import part_of
from engines.core.protocol import Ended, Event
from engines.transformer.one_step.spec import Apart, Raced, RaceParams, StepParams
from engines.transformer.spec import TransformerParams
from engines.transformer.switches import CROSS

RACING = "engines.transformer.one_step.race:Race"
MOST = 14  #: matrices whose gradient is a bar
LETTERS = {"q_proj": "W_q", "k_proj": "W_k", "v_proj": "W_v", "out_proj": "W_o", "fc1": "W₁", "fc2": "W₂"}
TABLES = {"src_embedding": "Source embedding", "tgt_embedding": "Target embedding", "unembed": "Output W_u"}
LAST = 20  #: steps whose mean loss tells how a run has ended


class OneStepPage(Page):
    """Gradients of all matrices, one matrix cell by cell, Adam's formula in numbers, and two runs."""

    title = "One step"
    params_type = TransformerParams
    engine = "engines.transformer.one_step.engine:Engine"
    asks = StepParams
    params: TransformerParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.seen: Apart | None = None
        self.raced: Raced | None = None
        self._asked: RaceParams | None = None
        self._barred: list[int] = []
        self.racing = training_stream(shell.lane, RACING, self)
        self.racing.device = shell.settings.device
        self.bars = Bars(30, 136, "0.0000")
        self.grid = ScoreGrid("diff", (72, 40))
        self.scale = ColorBar("", "diff", 60)
        self.scale.drive(self.grid)
        self.which = Segments(("Gradients", "Update"), tips=("∂L/∂w of each weight.", "What Adam adds to each weight."))
        self.formula = FormulaView("Formula", 22)
        self.rates, self.losses = Curves(widest="000.000"), Curves(widest="00.00")
        self.rates.export_name, self.losses.export_name = "learning-rate-in-thousandths", "warm-up"
        self.matrix = MenuButton((words.plain(" "),), 0, tip="The matrix that is looked at.")
        self.matrix.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.race = WideButton("Train with and without", "play", tip="Same weights, same batches, two schedules.")
        self.said, self.ended = quiet("", wrap=True), quiet("", wrap=True)
        self.lay(
            self._make_cards(),
            box(section("Matrix", self.matrix)),
            ParamsForm(self.params, [f.name for f in fields(StepParams) if f.name.startswith("step_")][2:]),
            ParamsForm(self.params, ["race_layers", "race_pre"]),
            box(col(self.race)),
            resets=False,
        )
        self._connect()

    def _make_cards(self) -> QWidget:
        self.bar_card = card("Gradient of each matrix", self.bars, foot=self.said)
        self.grid_card = card("Gradients", self.grid, tools=[self.which], foot=self.scale)
        self.formula_card = card("This weight", self.formula)
        self.rate_card = card("Learning rate", self.rates, "in thousandths", foot=self.rates.key)
        self.loss_card = card("Loss of both runs", self.losses, foot=col(self.losses.key, self.ended, gap=2))
        for one in (self.bar_card, self.grid_card, self.formula_card, self.rate_card):
            one.set_empty("Reading the bundled weights")
        self.loss_card.set_empty("Not measured yet.", "Train with and without", self.measure)
        right = col((self.grid_card, 5), (self.formula_card, 4), gap=S3)
        curves = row((self.rate_card, 1), (self.loss_card, 1), gap=S3)
        above = row((self.bar_card, 2), (box(right), 3), gap=S3)
        return box(col((box(above), 5), (box(curves), 2), gap=S3))

    def _connect(self) -> None:
        self.racing.arrived.connect(self.measured)
        self.race.clicked.connect(lambda _checked=False: self.measure())
        self.bars.clicked.connect(self._to_bar)
        self.matrix.chosen.connect(lambda at: self.change(step_matrix=at))
        self.grid.clicked.connect(lambda cell: self.change(step_cell=(int(cell[0]), int(cell[1]))))
        self.which.chosen.connect(lambda _at: self._draw())
        for plot in (self.rates, self.losses):
            plot.pointed.connect(plot.set_cursor)

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        if self._asked is not None and part_of(params, RaceParams) != self._asked:
            self._forget()
        self._draw()

    def device_changed(self, device: str) -> None:
        self.racing.device = device

    def exported(self) -> dict[str, object]:
        kept = {f.name for kind in (StepParams, RaceParams) for f in fields(kind)} - {"weights"}
        return {name: value for name, value in super().exported().items() if name in kept}

    def on(self, event: Event) -> None:
        if isinstance(event, Apart):
            self.seen = event
            for one in (self.bar_card, self.grid_card, self.formula_card, self.rate_card):
                one.set_empty(None)
            self._draw()

    # -- the two runs
    def measure(self) -> None:
        """Train with warm-up and without."""
        self._asked = part_of(self.params, RaceParams)
        self.racing.request(self._asked, again=True)

    def measured(self, event: Event) -> None:
        """What the two runs tell."""
        match event:
            case Ended() if event.error is not None:
                self.complain(event.error, *remedy(event, self.shell, "Try again", self.measure))
                self.shell.log(event)
            case Raced() if self._asked is not None:
                self.raced = event
                self.loss_card.set_empty(None)
                self._draw_race()

    def _forget(self) -> None:
        self.racing.stop()
        self._asked = self.raced = None
        self.loss_card.set_empty("Not measured yet.", "Train with and without", self.measure)
        self.loss_card.set_note(words.plain(""))
        self.losses.set_curves(())
        say(self.ended, "setText", words.plain(" "))

    # -- showing
    def _to_bar(self, at: int) -> None:
        if at < len(self._barred):
            self.change(step_matrix=self._barred[at])

    def _draw(self) -> None:
        seen = self.seen
        if seen is None:
            return
        order = np.argsort(-seen.gradients, kind="stable")[:MOST]
        self._barred = [int(at) for at in order]
        shown = [bar(seen, at) for at in self._barred]
        self.bars.set_bars(shown, float(seen.gradients.max()) or 1.0)
        self.matrix.set_options([matrix_name(name) for name in seen.names], seen.at)
        name, (rows, cols) = seen.names[seen.at], seen.shapes[seen.at]
        update = self.which.at() == 1
        table = seen.update if update else seen.gradient
        end = float(np.abs(table).max(initial=0.0)) or 1.0
        self.grid.set_table(table, end)
        self.grid.set_at(seen.cell)
        self.scale.set_range(-end, end)
        self.grid_card.set_title(matrix_name(name))
        self.grid_card.set_note(words.plain(f"{rows} × {cols}"))
        self.formula_card.set_note("row {row}, column {col}", row=seen.cell[0] + 1, col=seen.cell[1] + 1)
        self.formula.set_lines([Line(tex, numbers(seen)) for tex in LINES])
        steps = np.arange(1, seen.schedule.shape[1] + 1, dtype=float)
        names = (Message("warm-up"), Message("none"))
        curves = [Curve(n, steps, 1e3 * y, token, dashed=token == "cat1", digits=3)
                  for n, y, token in zip(names, seen.schedule, ("cat0", "cat1"), strict=True)]  # fmt: skip
        self.rates.set_curves(curves)
        if seen.after is None:
            return  # it comes in a moment: better the sentence before than one without it
        told = {"k": seen.examples, "n": seen.tokens, "loss": words.number(seen.loss, 4), "s": seen.step,
                "after": words.number(seen.after, 4)}  # fmt: skip
        step = "Step {s}: {k} {k:example|examples}, {n} {n:token|tokens}. Loss {loss}, afterwards {after}."
        say(self.said, "setText", Message(step, told))

    def _draw_race(self) -> None:
        raced = self.raced
        if raced is None:
            return
        names = (Message("warm-up"), Message("none"))
        curves = [
            Curve(name, np.arange(1, len(y) + 1, dtype=float), np.minimum(y, 3 * raced.guessing), token,
                  dashed=token == "cat1")
            for name, y, token in zip(names, (raced.warm, raced.cold), ("cat0", "cat1"), strict=True)
        ]  # fmt: skip
        self.losses.set_curves(curves, raced.total)
        self.loss_card.set_note("step {n} of {m}", n=raced.done, m=raced.total)
        if raced.done == raced.total:
            say(self.ended, "setText", verdict(raced))


def bar(seen: Apart, at: int) -> Bar:
    """The gradient's norm of one matrix."""
    value = float(seen.gradients[at])
    return Bar(matrix_name(seen.names[at]), ((value, "accent" if at == seen.at else "cat0"),), fine(value))


def matrix_name(name: str) -> Message:
    """A matrix as the pages call it: where it stands, and its letter."""
    parts = name.split(".")
    if len(parts) < 4:
        return Message(TABLES[parts[0]])
    kind = {"self_attention": parts[0], "cross_attention": CROSS, "ffn": f"{parts[0]}_ffn"}[parts[2]]
    return Message("{place} {matrix}", {"place": place_name((kind, int(parts[1]))), "matrix": LETTERS[parts[3]]})


def numbers(seen: Apart) -> dict[str, str]:
    """Adam's numbers of the cell, as the formulas show them."""
    of = seen.numbers
    root = of["v_hat"] ** 0.5 + seen.eps
    said = {key: power(value) for key, value in of.items()}
    return said | {
        "g2": power(of["g"] ** 2), "t": words.number(seen.step), "rate": power(seen.rate),
        "ratio": words.number(of["m_hat"] / root, 3), "w": words.number(of["w"], 5),
        "w_after": words.number(of["w_after"], 5),
    }  # fmt: skip


def power(value: float) -> str:
    """Three digits: ``0.123``, ``−1.23·10⁻⁵``."""
    if value == 0 or 0.01 <= abs(value) < 1000:
        return words.number(value, 3)
    mantissa, exponent = f"{value:.2e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{raised}".replace("-", "−")


def verdict(raced: Raced) -> Text:
    """How both runs have ended, as it was measured."""
    ends = [float(y[-LAST:].mean()) if len(y) == raced.total else float("inf") for y in (raced.warm, raced.cold)]
    said = {"a": loss(ends[0]), "b": loss(ends[1]), "g": words.number(raced.guessing, 2)}
    if ends[0] > raced.guessing * 0.9 and ends[1] > raced.guessing * 0.9:
        return Message("Neither learns: loss {a} with warm-up, {b} without, guessing {g}.", said)
    if ends[1] > raced.guessing * 0.9:
        return Message("Without warm-up it does not learn: loss {b}, with it {a}, guessing {g}.", said)
    if ends[1] < ends[0]:
        return Message("No harm done: loss {b} without warm-up, {a} with it, guessing {g}.", said)
    return Message("Both learn: loss {a} with warm-up, {b} without, guessing {g}.", said)


def loss(value: float) -> str:
    """A loss that may have left the finite."""
    return words.number(value, 2) if np.isfinite(value) else "∞"
