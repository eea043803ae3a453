"""The page "Training": loss and accuracy of one head and of two, where the heads look, and what both answer."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app import words
from app.cards import Card, card
from app.legend import Key
from app.pacing import PacedTraining
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.rows import Rows
from app.shell import Shell
from app.tabs.multi_head.powers import set_powers
from app.theme import S1, S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.transport import Transport
from app.views.answers import AnswerRow, Answers
from app.views.bars import Bar, Bars
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.tokenmap import TokenMap
from app.widgets import box, button, col, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.core.params import for_engine
from engines.core.protocol import Event
from engines.core.training import Weights
from engines.multi_head.training.spec import (
    BOTH,
    LENGTH,
    LETTERS,
    MOST_STEPS,
    NEW_RUN,
    UNORDERED,
    MultiHeadTraining,
    Now,
    RunBegan,
    Snapshot,
    TrainStep,
    snapshot,
)

TRAINER = "engines.multi_head.training.train:Trainer"
DRAW = 100  #: ms between two drawings
WHY = {
    True: (
        "A head outputs one weighted mean. One head that attends both ways returns both letters, but not which "
        "is which; two heads return one letter each."
    ),
    False: "One letter only: a single head suffices.",
}
PARTS = (
    "In equal parts A B and B A look alike: whatever is answered, 2 of the 4 letters are right, {share}. One head "
    "gives {left} to the left letter and {right} to the right one. On the {n} tokens shown it names {lefts} left and "
    "{rights} right letters: {all}."
)
ONE, TWO = "cat0", "cat1"
LEAST = 20.0  # steps that the curves show at least
CAPTIONS = "Head 1 of 1: {bits} bits", "Head 1 of 2: {bits} bits", "Head 2 of 2: {bits} bits"
SMOOTH = 0.7  # of the curves' moving mean


class HeadTrainingPage(TrainingPage):
    """Views of the page and what the run has told so far, drawn at most ten times a second."""

    title = "Training"
    params_type = MultiHeadTraining
    training: PacedTraining

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._began: RunBegan | None = None
        self._told: list[tuple[float, ...]] = []  # step, agreement, loss and accuracy in % of both, both smoothed
        self._newest: Snapshot | None = None  # not drawn yet
        self._now: Snapshot | None = None
        self._looked: int | None = None
        self._sequence = 0
        self._token = 3
        self._drawn: Snapshot | None = None
        self._named: list[str] = []
        self._still = QTimer(self, singleShot=True, interval=DRAW)  # between two drawings
        self._still.timeout.connect(self._draw_newest)
        self._make_views()
        centre = self._make_cards()
        self._connect()
        self.train(self._run(), self.transport)
        self.lay(centre, self._form(), resets=False)

    def _run(self) -> PacedTraining:
        made_of, pace = (lambda: for_engine(self.params)), (lambda: self.params.pace)
        return PacedTraining(self, TRAINER, self.transport, made_of, MOST_STEPS, pace, "multi-head")

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params, ("learning_rate", "pace", "task", "train_width"))
        set_powers(form, "train_width")
        self.why, self.parts, self.large = quiet("", wrap=True), quiet("", wrap=True), quiet("", wrap=True)
        for part in (self.why, self.parts, self.large, self.pending):
            form.add(NEW_RUN, part)
        form.lead(self.kept_runs)
        return form

    def _make_views(self) -> None:
        self.loss, self.accuracy = Curves(), Curves((0, 100), (0, 25, 50, 75, 100))
        self.diversity = Curves((0, 1), (0, 0.5, 1))
        link((self.loss, self.accuracy, self.diversity))
        self.maps = TokenMap(), TokenMap(), TokenMap()
        self.captions = quiet(""), quiet(""), quiet("")
        self.one_bar, self.two_bar = ColorBar(Message("Weight"), least=90), ColorBar(Message("Weight"), least=90)
        self.one_bar.drive(self.maps[0])
        self.two_bar.drive(*self.maps[1:])
        self.answers = Answers()
        self.bars = Bars(pitch=44, least_name=40, widest="100 %")
        self.other = button(icon="right", kind="boxed", tip="Another sequence")
        self.transport = Transport(seed_tip="Weights and sequences; the same for both models.")
        for view, name, file in (
            (self.loss, "Loss", "loss"),
            (self.accuracy, "Accuracy, %", "accuracy"),
            (self.diversity, "Agreement of the two", "agreement"),
            (self.maps[0], "One head", "one-head"),
            (self.maps[1], "Head 1 of 2", "head-1-of-2"),
            (self.maps[2], "Head 2 of 2", "head-2-of-2"),
            (self.answers, "Predictions", "answers"),
            (self.bars, "Probability", "probability"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file

    def _make_cards(self) -> QWidget:
        both = ((ONE, words.plain("h = 1")), (TWO, words.plain("h = 2")))
        self.loss_key, self.accuracy_key = Key(both, "0.000"), Key(both, "100.0")
        dashed = "dashed: order unknown"
        self.loss_card = card("Loss", self.loss, dashed, foot=self.loss_key)
        self.accuracy_card = card("Accuracy, %", self.accuracy, dashed, foot=self.accuracy_key)
        self.one_card = card("One head", self._captioned(0), foot=self.one_bar)
        self.two_card = card("Two heads", row(self._captioned(1), self._captioned(2), gap=S3), foot=self.two_bar)
        self.diversity_key = Key((("cat2", Message("now")),), "0.00")
        self.diversity_card = card("Agreement of the two", self.diversity, foot=self.diversity_key)
        key = Key((("ok", "the target letter"), ("control", "the other neighbor")))
        answered = col((self.answers, 9), (self.bars, 8), gap=S2)
        self.answer_card = card("Predictions", answered, tools=[self.other], foot=key)
        upper = (self.loss_card, 20), (self.accuracy_card, 20), (self.answer_card, 24)
        lower = (self.one_card, 17), (self.two_card, 32), (self.diversity_card, 15)
        return box(col((Rows((upper, lower), (1, 1)), 1), self.transport, gap=S3))

    def _connect(self) -> None:
        for plot in (self.loss, self.accuracy, self.diversity):
            plot.pointed.connect(self._cursor)
        self.answers.chosen.connect(self._choose)
        self.transport.seeded.connect(lambda seed: self.step(train_seed=seed))
        self.other.clicked.connect(lambda _checked=False: self._next())
        for view in self.maps:
            view.hovered.connect(self._hover)
            view.clicked.connect(lambda cell: self._choose(cell[0]))

    def _captioned(self, index: int) -> QWidget:
        """A map with its line of words."""
        return box(col((self.maps[index], 1), self.captions[index], gap=S1))

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        curves = self.loss_card, self.accuracy_card, self.diversity_card
        return *curves, self.one_card, self.two_card, self.answer_card

    @property
    def views(self) -> tuple[Curves | PixelView, ...]:
        """All views that can be exported."""
        return self.loss, self.accuracy, self.diversity, *self.maps, self.answers, self.bars

    def show_params(self, params: MultiHeadTraining) -> None:
        self.transport.set_seed(params.train_seed)
        say(self.why, "setText", WHY[params.task == BOTH])
        super().show_params(params)

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self._begin(event)
            case TrainStep():
                self._note(event)
            case Now():
                self._newest = event.shown
                if not self._still.isActive():
                    self._draw_newest()

    def _begin(self, began: RunBegan) -> None:
        self._newest = None
        self._still.stop()  # the first state of a run is drawn at once
        self._began, self._told, self._now, self._looked = began, [], None, None
        self._sequence = 0
        say(self.large, "setText", Message("{n} parameters each", {"n": words.number(began.parameters[1])}))
        for ready in self.cards:
            ready.set_empty(None)
        note = "dashed: order unknown" if began.average > 0 else ""
        for one in (self.loss_card, self.accuracy_card):
            one.set_note(note)

    def _note(self, step: TrainStep) -> None:
        """One step; drawn with the next snapshot."""
        now = (*step.loss, *(100 * share for share in step.accuracy))
        weight = (1 - SMOOTH) / (1 - SMOOTH ** (len(self._told) + 1))  # unbiased from the first value on
        before = self._told[-1][6:] if self._told else now
        calm = (old + weight * (new - old) for old, new in zip(before, now, strict=True))
        self._told.append((step.step, step.agreement, *now, *calm))

    def _draw_newest(self) -> None:
        """The newest state, unless the hand looks back."""
        shown, self._newest = self._newest, None
        if shown is None:
            return
        self._still.start()
        self._now = shown
        self._draw_curves()
        if self._looked is None:
            self._draw(shown)

    def look(self, state: Weights | None) -> None:
        self._looked = None if state is None else state.step
        self._cursor(None)
        shown = self._now if state is None else snapshot(state)
        if shown is not None:
            self._draw(shown)

    # -- drawing
    def _cursor(self, x: float | None) -> None:
        if x is None and self._looked is not None:
            x = float(self._looked)
        plots = self.loss, self.accuracy, self.diversity
        for plot, key, digits in zip(
            plots, (self.loss_key, self.accuracy_key, self.diversity_key), (3, 1, 2), strict=True
        ):
            plot.set_cursor(x)
            key.set_values(["" if v is None else words.number(v, digits) for v in plot.values_at(x)])

    def _draw_curves(self) -> None:
        began = self._began
        if began is None or not self._told:
            return
        told = np.array(self._told)
        x = told[:, 0]
        end = np.array([0.0, max(LEAST, x[-1])])
        for plot, first, average in ((self.loss, 2, began.average), (self.accuracy, 4, 100 * UNORDERED)):
            curves = [
                Curve(f"h = {i + 1}", x, told[:, first + 4 + i], token, raw=told[:, first + i])
                for i, token in enumerate((ONE, TWO))
            ]
            if began.average > 0:
                curves.append(Curve(Message("order unknown"), end, np.full(2, average), "text2", dashed=True))
            plot.set_curves(curves, float(end[1]))
        self.diversity.set_curves([Curve(Message("Agreement"), x, told[:, 1], "cat2")], float(end[1]))
        self._cursor(None)

    def _draw(self, shown: Snapshot) -> None:
        self._drawn = shown
        for view, caption, weights, text in zip(self.maps, self.captions, shown.weights, CAPTIONS, strict=True):
            view.set_values(weights, 1.0, 0.0)
            say(caption, "setText", Message(text, {"bits": words.number(bits(weights), 1)}))
        for bar in (self.one_bar, self.two_bar):
            bar.set_range(0, 1)
        self._say_parts(shown)
        self._draw_answers(shown)

    def _say_parts(self, shown: Snapshot) -> None:
        """Why one head is right half the time, and what it is right at more often, counted on the sequences shown."""
        began = self._began
        if began is None or not began.average:
            say(self.parts, "setText", words.plain(""))
            return
        weights = shown.weights[0]  # (N, N), on a ring
        at = np.arange(len(weights))
        left, right = (float(weights[at, (at + by) % len(at)].mean()) for by in (-1, 1))
        values = {
            "share": words.percent(UNORDERED, 1),
            "left": words.percent(left, 0),
            "right": words.percent(right, 0),
        } | named_letters(shown.probabilities[:, 0], began.targets)
        say(self.parts, "setText", Message(PARTS, values))

    def _draw_answers(self, shown: Snapshot) -> None:
        began = self._began
        if began is None:
            return
        letters, targets = began.letters[self._sequence], began.targets[self._sequence]  # (N,), (N, 2)
        asked = 2 if began.params.task == BOTH else 1
        probabilities = shown.probabilities[self._sequence][:, :, :asked]  # (2, N, asked, V)
        said = probabilities.argmax(-1)  # (2, N, asked)
        wanted = targets[:, :asked]
        rows = [AnswerRow(Message("target"), tuple(spelled(one) for one in wanted))]
        for name, answer in zip(("h = 1", "h = 2"), said, strict=True):
            good = tuple(tuple(bool(v) for v in one) for one in answer == wanted)
            rows.append(AnswerRow(name, tuple(spelled(one) for one in answer), good))
        named = [LETTERS[i] for i in letters]
        self.answers.set_answers(named, rows)
        at = min(self._token, LENGTH - 1)
        near = (at - 1) % LENGTH, (at + 1) % LENGTH
        self.answers.set_at(at, near[:asked])
        for view in self.maps:
            if named != self._named:
                view.set_tokens(named, named)
            view.set_at((at, -1))
        self._named = named
        left, right = LETTERS[letters[near[0]]], LETTERS[letters[near[1]]]
        bars = []
        for place in range(asked):
            mine, other = (left, right) if place == 0 else (right, left)
            side = "left {letter}, h = {n}" if place == 0 else "right {letter}, h = {n}"
            for model in range(2):
                p = probabilities[model, at, place]
                one, two = float(p[LETTERS.index(mine)]), float(p[LETTERS.index(other)])
                title = Message(side, {"letter": mine, "n": model + 1})
                bars.append(Bar(title, ((one, "ok"), (two, "control")), words.percent(one, 0)))
        self.bars.set_bars(bars, 1.0)

    # -- hand
    def _choose(self, token: int) -> None:
        self._token = token
        self._redraw()

    def _next(self) -> None:
        if self._began is not None:
            self._sequence = (self._sequence + 1) % len(self._began.letters)
            self._redraw()

    def _redraw(self) -> None:
        if self._drawn is not None:
            self._draw_answers(self._drawn)

    def _hover(self, cell: tuple[int, int] | None) -> None:
        for view in self.maps:
            view.set_lit(cell)


def bits(weights: np.ndarray) -> float:
    """Mean entropy of the rows of a map (N, N)."""
    safe = np.where(weights > 0, weights, 1.0).astype(np.float64)
    return float(-(safe * np.log2(safe)).sum(-1).mean())


def named_letters(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, str]:
    """How many letters a model names rightly, left and right; probabilities (S, N, 2, V), targets (S, N, 2)."""
    good = (probabilities.argmax(-1) == targets).reshape(-1, 2)  # (S N, 2)
    lefts, rights = good.sum(0).tolist()
    counts = {"n": len(good), "lefts": lefts, "rights": rights}
    return {name: words.number(count) for name, count in counts.items()} | {"all": words.percent(float(good.mean()), 1)}


def spelled(letters: np.ndarray) -> str:
    """Letters by number as a word."""
    return "".join(LETTERS[int(i)] for i in letters)
