"""The page "Training": curves, gradient norms and where a fixed example looks, while the model learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app import words
from app.cards import Card, card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.rows import Rows
from app.shell import Shell
from app.tabs.transformer.maps import Maps, show_place
from app.tabs.transformer.training.metrics import Metrics, bundled
from app.theme import S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.bars import Bar, Bars
from app.views.base import PixelView
from app.views.saidline import SaidLine
from app.views.tokenmap import token
from app.widgets import box, col, quiet, row
from app.words import Text, say
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event
from engines.core.training import Kept, Stopped, Weights
from engines.data.sequences import task
from engines.data.vocabulary import SPECIAL
from engines.transformer.recipe import MOST_STEPS, NEW_RUN, Recipe
from engines.transformer.spec import RUN, TransformerParams
from engines.transformer.training.spec import (
    Bundled,
    Example,
    Fixed,
    HeldOut,
    LookParams,
    Now,
    RunBegan,
    StepDone,
    settings_of,
)

TRAINER = "engines.transformer.training.trainer:Trainer"
MADE_OF = tuple(name for name in rules(Recipe) if name not in ("task", "seed"))  #: set in the dock
NORMS = 3  #: drawings of curves and maps for one of the bars: means of 50 steps, in as many texts and bars, move slowly
FRESH = 700  #: ms between two states of a run that the other pages are shown
LEAST = 100.0  # steps that the curves show at least
LEAST_BARS = 120  #: px, which many layers share: the maps below keep their room
ONE, TWO = "cat0", "cat1"
PERCENT = (0, 25, 50, 75, 100)


def x_end(step: float) -> float:
    """Where the plots end: a round number beyond the step, so that axes rest while curves grow."""
    end = LEAST
    while end < step:
        end *= 2 if str(int(end))[0] != "2" else 2.5
    return end


def part_name(part: str) -> Text:
    """A part of the model whose gradient is told: ``encoder 1`` and so on."""
    kind, _, number = part.partition(" ")
    names = {"embeddings": "Embeddings", "output": "Output", "encoder": "Encoder {n}", "decoder": "Decoder {n}"}
    return Message(names[kind], {"n": number})


class TransformerTrainingPage(TrainingPage):
    """Views of the page, and what is shown in them: the bundled model until a run begins, then the run."""

    title = "Training"
    params_type = TransformerParams
    engine = "engines.transformer.training.engine:Engine"
    asks = LookParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.figures = Metrics()
        self.parts: tuple[str, ...] = ()
        self.looked: int | None = None
        self.runs = False  # a run is shown, not the bundled model
        self._now: Now | None = None
        self._late = False  # the newest state is not drawn yet
        self._since_norms = 0  # drawings of the curves since the bars were drawn
        self._example: Example | None = None
        self._vocabulary: tuple[str, ...] = ()
        self._cursor: float | None = None
        self._fresh = QTimer(self, singleShot=True, interval=FRESH)  # between two states that other pages are shown
        self._fresh.timeout.connect(self._tell_newest)
        self._make_views()
        centre = self._make_cards()
        self._connect()
        training = Training(self, TRAINER, self.transport, lambda: settings_of(self.params), MOST_STEPS, "transformer")
        training.renewed.connect(self._renewed)
        self.train(training, self.transport)
        self.lay(centre, self._form(), resets=False)

    def _form(self) -> ParamsForm:
        self.form = ParamsForm(self.params, ("layer", "head", *MADE_OF))
        self.large = quiet("", wrap=True)
        for part in (self.large, self.pending):
            self.form.add(NEW_RUN, part)
        self.form.lead(self.kept_runs)
        return self.form

    def put_run(self, found: dict[str, Any]) -> None:
        made_of = {name: found[name] for name in rules(Recipe)}
        self.state.put(**made_of, text=self.params.text if made_of["task"] == self.params.task else "")

    def _make_views(self) -> None:
        self.loss, self.accuracy = Curves(widest="0.0000"), Curves((0, 100), PERCENT)
        link((self.loss, self.accuracy))
        self.bars = Bars(pitch=26, least_name=40, widest="00.00", least=LEAST_BARS)
        self.bars.export_name = "gradient-norms"
        say(self.bars, "setAccessibleName", "Gradient norm")
        say(self.loss, "setAccessibleName", "Loss")
        say(self.accuracy, "setAccessibleName", "Accuracy, %")
        self.loss.export_name, self.accuracy.export_name = "loss", "accuracy"
        self.said = SaidLine()
        self.maps = Maps()
        self.transport = Transport(seed_tip="Seeds weights, examples and dropout: same seed, same curve.")

    def _make_cards(self) -> QWidget:
        self.loss_key = Key(((ONE, Message("training")), (TWO, Message("held-out"))), "00.0000")
        self.accuracy_key = Key(((ONE, Message("tokens")), (TWO, Message("sequences"))), "100.0")
        self.learning_rate = quiet("")
        self.loss_card = card("Loss", self.loss, foot=row((self.loss_key, 1), self.learning_rate, gap=S2))
        self.accuracy_card = card("Accuracy, %", self.accuracy, "dashed: training", foot=self.accuracy_key)
        self.norm_card = card("Gradient norm", self.bars, foot=quiet("Mean of the last 50 steps"))
        say(self.said, "setAccessibleName", "Fixed example")
        self.example_title = quiet("Fixed example")
        strip = box(
            row(self.example_title, (self.said, 1), quiet("○ start, ● end"), gap=S3, pad=(S3, S2, S3, S2)), "card"
        )
        upper = Rows([[(self.loss_card, 5), (self.accuracy_card, 5), (self.norm_card, 4)]], (1,))
        lower = Rows([[(one, 1) for one in self.maps.cards.values()]], (1,))
        for waiting in self.cards:
            waiting.set_empty("Reading the bundled weights")
        return box(col((col((upper, 10), strip, (lower, 15), gap=S3), 1), self.transport, gap=S3))

    def _connect(self) -> None:
        for plot in self.plots:
            plot.pointed.connect(self._point)
        self.said.hovered.connect(self.maps.light)
        self.maps.lit.connect(self.said.set_lit)
        self.said.chosen.connect(lambda token: self.change(token=token))
        self.maps.chosen.connect(lambda token: self.change(token=token))
        self.maps.placed.connect(lambda layer, head: self.step(layer=layer, head=head))
        self.transport.seeded.connect(lambda seed: self.step(seed=seed))

    @property
    def plots(self) -> tuple[Curves, Curves]:
        """Both plots over steps."""
        return self.loss, self.accuracy

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.loss_card, self.accuracy_card, self.norm_card, *self.maps.cards.values()

    @property
    def views(self) -> tuple[Curves | PixelView, ...]:
        """All views that can be exported."""
        return *self.plots, self.bars, self.said, *self.maps.views

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        self._place()
        self.transport.set_seed(params.seed)
        if self.training.params is not None:  # else the bundled model is shown until the hand begins a run
            super().show_params(params)

    def activated(self) -> None:
        if self.training.params is not None:
            super().activated()
        if self._now is not None and self._late:
            self.take_now(self._now)

    def deactivated(self) -> None:
        self._tell_newest()

    def _tell_newest(self) -> None:
        """Other pages show the newest state; while this one is on screen nobody looks at them."""
        if self.training.timeline.newest is not None:
            self.change(newest=self.training.timeline.newest)

    def escape(self) -> None:
        if not self.maps.clear_pin():
            super().escape()

    def exported(self) -> dict[str, object]:
        made = self.training.params or self.params
        return {name: getattr(made, name) for name in rules(Recipe)}

    def on(self, event: Event) -> None:
        match event:
            case Bundled():
                self.take_bundled(event)
            case Fixed():
                self.take_fixed(event)
            case Ended() if event.error is not None and not self.maps.weights:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def _place(self) -> None:
        """Mark the layer, head and token that are looked at."""
        show_place(self.form, self.maps, self.params)
        self.said.set_at(self.maps.token)

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.begin(event)
            case StepDone():
                self.take_step(event)
            case HeldOut():
                self.take_held_out(event)
            case Now():
                self.take_now(event, self.on_screen and self.isVisible())
            case Stopped() if event.step < self.training.step:  # it ran away: show the state that is kept
                self.transport.set_step(self.training.step)  # it is told of steps now and then only
                self.transport.look(event.step)
            case Kept() if self.params.newest is None:  # a run's first state
                self.change(newest=event.weights)
            case Kept() if not self.on_screen and not self._fresh.isActive():
                self._fresh.start()
            case Ended():
                self._tell_newest()
                if self._since_norms and self.looked is None:
                    self._draw_norms()

    def _renewed(self) -> None:
        """Nothing is left of the run before."""
        assert self.training.params is not None
        self._fresh.stop()
        self.change(look=None, newest=None, run=self.training.params.run)

    def begin(self, began: RunBegan) -> None:
        """A run stands at its beginning."""
        self.figures, self.parts, self.runs = Metrics(len(began.parts)), began.parts, True
        self._example, self._vocabulary = began.example, task(began.settings.task).target.tokens
        self._now = None
        self.looked = None
        self.norm_card.set_empty("Nothing to show yet.")
        for one in (*self.maps.cards.values(), self.loss_card, self.accuracy_card):
            one.set_empty(None)
        guessing = {"task": Message(began.settings.task), "loss": words.number(began.guessing, 2)}
        self.loss_card.set_note(Message("{task}; chance: {loss}", guessing))
        say(self.large, "setText", Message("{n} parameters", {"n": words.number(began.parameters)}))
        self.change(source=RUN)  # so that decoding follows the scrubber

    def take_step(self, done: StepDone) -> None:
        """One step; drawn with the next look."""
        values = (done.loss, 100 * done.token_accuracy, 100 * done.sequence_accuracy)
        self.figures.step(done.step, values, done.gradients, done.learning_rate)

    def take_held_out(self, held: HeldOut) -> None:
        """A measurement; drawn with the next look."""
        values = (held.loss, 100 * held.token_accuracy, 100 * held.sequence_accuracy)
        self.figures.held_out(held.step, values)

    def take_now(self, now: Now, visible: bool = True) -> None:
        """The newest state: draw it if it can be seen, unless the hand looks back."""
        self._now, self._late = now, not visible
        if not visible:
            return
        self.draw_curves()
        if self.looked is None and self._example is not None:
            self._since_norms += 1
            if self._since_norms >= NORMS or not self.training.runs:
                self._draw_norms()
            said = tuple(self._vocabulary[i] for i in now.probabilities.argmax(-1))
            self._draw_example(self._example, now.weights, said)

    # -- the bundled model, and looking back
    def take_bundled(self, shown: Bundled) -> None:
        """Curves of the bundled model, as long as no run is shown."""
        if self.runs:
            return
        self.figures = bundled(shown.curves * np.array([1, 1, 100, 100, 1, 100, 100]))
        self.parts = ()
        for one in (self.loss_card, self.accuracy_card):
            one.set_empty(None)
        self.loss_card.set_note("bundled weights")
        self.draw_curves()
        self.norm_card.set_empty("Available during a run.", "Start", lambda: self.transport.toggled.emit(True))
        say(self.large, "setText", Message("{n} parameters", {"n": words.number(shown.parameters)}))

    def take_fixed(self, shown: Fixed) -> None:
        """Where a state looks: the bundled one, or the one looked back at."""
        if self.runs and self.looked != shown.step:
            return  # the run itself tells its newest state, and an answer to an older question counts no more
        for one in self.maps.cards.values():
            one.set_empty(None)
        self._draw_example(shown.example, shown.weights, shown.said)

    def look(self, state: Weights | None) -> None:
        """Look back at a kept state; None follows the run. Its maps come with `take_fixed`."""
        self.looked = None if state is None else state.step
        self._place_cursor()
        if self.runs:
            self._draw_norms()
        if state is None and self._now is not None:
            self.take_now(self._now)
        self.change(look=state)

    # -- drawing
    def draw_curves(self) -> None:
        """Both plots."""
        steps, held = self.figures.steps.rows, self.figures.held.rows
        raw = self.runs
        newest = float(steps[-1, 0]) if len(steps) else 0.0
        end = x_end(newest) if raw else newest
        x, hx = steps[:, 0], held[:, 0]
        training = Curve(Message("training"), x, steps[:, 4], ONE, raw=steps[:, 1] if raw else None, digits=4)
        self.loss.set_curves([training, Curve(Message("held-out"), hx, held[:, 1], TWO, digits=4)], end)
        curves = []
        for place, name, color in ((2, "tokens", ONE), (3, "sequences", TWO)):
            curves.append(Curve(Message(name), hx, held[:, place], color, digits=1))
        for place, color in ((2, ONE), (3, TWO)):
            curves.append(Curve(Message("training"), x, steps[:, place + 3], color, dashed=True, digits=1))
        self.accuracy.set_curves(curves, end)
        self._place_cursor()

    def _draw_norms(self) -> None:
        self._since_norms = 0
        norms = self.figures.norms(self.looked)
        if norms is None:
            return
        self.norm_card.set_empty(None)
        bars = [
            Bar(part_name(part), ((float(norm), ONE),), words.number(float(norm), 2))
            for part, norm in zip(self.parts, norms, strict=True)
        ]
        self.bars.set_bars(bars)

    def _draw_example(self, example: Example, weights: dict[str, np.ndarray], said: tuple[str, ...]) -> None:
        words_apart = any(len(t) > 1 for t in example.source if t not in SPECIAL)
        text = (" " if words_apart else "").join(str(token(t)) for t in example.source if t not in SPECIAL)
        self.said.set_tokens(text, said, example.wanted)
        before = self.maps.layers, self.maps.count
        self.maps.show_weights(weights, example.source, example.target)
        if before != (self.maps.layers, self.maps.count):
            self._place()
        self.said.set_at(self.maps.token)

    # -- cursor
    def _point(self, x: float | None) -> None:
        self._cursor = x
        self._place_cursor()

    def _place_cursor(self) -> None:
        x = self._cursor
        if x is None and self.looked is not None:
            x = float(self.looked)
        lr = self.figures.learning_rate(x)
        text = "" if lr is None else f"{lr:.1e}".replace("-", "−").replace("e−0", "e−")
        say(self.learning_rate, "setText", Message("learning rate {value}", {"value": text}) if text else "")
        for plot, key, digits in ((self.loss, self.loss_key, 4), (self.accuracy, self.accuracy_key, 1)):
            plot.set_cursor(x)
            values = plot.values_at(x)[:2]
            key.set_values(["" if v is None else words.number(v, digits) for v in values])
