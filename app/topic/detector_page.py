"""The page "Training" of every detector: what it learns from, its run, and what has to be said of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication

from app import words
from app.params_form import ParamsForm
from app.shell import Shell
from app.topic.detector_cards import DetectorCards
from app.topic.detector_data import DataBox, sizes
from app.topic.detector_rest import best_before
from app.topic.detector_saved import TrainedModel
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.widgets import quiet
from app.words import Text, say
from engines.core.errors import Message, joined
from engines.core.params import renamed
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import Stepped, Weights
from engines.data.boxes_folder import is_boxes_folder
from engines.data.detector_training import DATA, NEW_RUN

REST = (
    "AP has not improved in the last half of this training (best: {ap} at step {n}). More steps are unlikely to help; "
    "more pictures, another model or a lower learning rate may."
)
MISSED = "With {q} queries, {n} {n:object|objects} can't be found: a picture holds up to {most}, and a query finds one."


class DetectorTrainingPage(TrainingPage):
    """The cards, the controls, and the run behind them.

    Class attributes
    ----------------
    trainer : str
        ``module:Class`` of what trains.
    kept_as : str
        What its runs are kept as.
    most : int
        The last step.
    controls : tuple of str
        Settings of the dock.
    draws : bool
        Boxes can be drawn on photos that have none.
    kinds : tuple of four types
        What its run tells: what it is, a step, a measurement, the newest answer.

    Signals
    -------
    used : Weights
        The state that is looked at is to take the place of the model on the page Detect.
    shows : Weights
        Another state is looked at.
    """

    title = "Training"
    trainer: ClassVar[str]
    kept_as: ClassVar[str]
    most: ClassVar[int]
    controls: ClassVar[tuple[str, ...]]
    draws: ClassVar[bool] = False
    kinds: ClassVar[tuple[type[Event], type[Event], type[Event], type[Event]]]
    cards: DetectorCards

    used = Signal(object)
    shows = Signal(object)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.cards, self.data = self.make_cards(), DataBox(self.draws)
        self._rests = False  # it was said that more steps will hardly help
        transport = self.cards.transport
        run = Training(self, self.trainer, transport, self._of_run, self.most, self.kept_as, ("learning_rate",))
        self.train(run, transport)
        self.trained = TrainedModel(run, shell, self.save_model, self.kept_as, self.kinds)
        self.trained.wanted.connect(self.use_weights)
        transport.looked.connect(self.cards.look)
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.cards.stepped_scene.connect(self._watch)
        self.data.opened.connect(shell.open_folder)
        self.data.drawn_again.connect(lambda: self.step(folder=""))
        self.training.renewed.connect(self._renewed)
        self._renewed()

    # -- what a subclass says
    def make_cards(self) -> DetectorCards:
        """The cards."""
        raise NotImplementedError

    @staticmethod
    def save_model(weights: Weights, place: Path, about: Mapping[str, object]) -> Path:
        """Write a state of the run as a folder that is not there yet."""
        raise NotImplementedError

    def waits_for(self) -> Text:
        """What a run that begins waits for."""
        return "Drawing scenes"

    def give_way(self) -> None:
        """A run failed: go back to what works, for trying again is no use before the folder is another one."""
        if self.params.folder:
            self.step(folder="")

    def said_of_size(self, began: Any) -> Message:
        """How much of the model learns."""
        return sizes(began)

    def make_form(self) -> ParamsForm:
        """The controls."""
        self.form = ParamsForm(self.params, self.controls)
        self.learned = quiet("", wrap=True)
        self.form.add(DATA, self.data, 0)
        self.form.add(NEW_RUN, self.pending)
        self.form.add(NEW_RUN, self.learned)
        self.form.lead(self.kept_runs)
        return self.form

    # -- settings
    def _of_run(self) -> Any:
        """The settings that a run begun now would have."""
        return replace(self.params, scene=self.cards.watched)

    def put_run(self, found: dict[str, Any]) -> None:
        found = {"fit_queries": False, **renamed(self.params, found)}  # runs of before had as many as they were given
        self.state.put(begin=found["begin"])  # first, for it sets what the run may have had otherwise
        super().put_run(found)

    def show_params(self, params: Any) -> None:
        self.form.set_shown("scenes", not params.folder)
        self._show_first_pixel()
        self.form.set_shown("fit_queries", bool(params.folder))
        self.data.drawn.setVisible(bool(params.folder))
        self.transport.set_seed(params.seed)
        super().show_params(params)

    def _show_first_pixel(self) -> None:
        """Boxes in Pascal VOC's format alone can be counted from one or from the other."""
        began = self.cards.began
        of_it = began is not None and began.params.folder == self.params.folder and began.format == "Pascal VOC"
        self.form.set_shown("first_pixel", bool(self.params.folder) and of_it)

    def escape(self) -> None:
        if self.cards.query >= 0:
            self.cards.choose(self.cards.query)
        else:
            super().escape()

    def retranslated(self) -> None:
        self.cards.reworded()
        if self.cards.began is not None:
            self._show_run(self.cards.began)
        super().retranslated()

    # -- data
    @classmethod
    def accepts(cls, path: Path) -> bool:
        return is_boxes_folder(path)

    def take(self, paths: Sequence[Path]) -> None:
        self.dismiss()
        self.training.ask_first(lambda: self.open_data(str(paths[-1])))

    def open_data(self, folder: str) -> None:
        """Train on a folder from now on."""
        self.step(folder=folder)
        self.training.begin_anew()

    # -- the run
    def told(self, event: Event) -> None:
        cards = self.cards
        begun, step, measured, now = self.kinds
        if isinstance(event, begun):
            self._begin(event)
        elif isinstance(event, step):
            assert isinstance(event, Stepped)
            cards.history.add_step(event)
        elif isinstance(event, measured):
            cards.take_measured(event)
            self._say_when_to_rest()
        elif isinstance(event, now):
            cards.take_now(event)
        elif isinstance(event, Progress) and event.total:
            share = {"text": event.text, "done": words.number(event.done), "total": words.number(event.total)}
            self.tell(Message("{text}: {done} of {total}", share))
        elif isinstance(event, Ended) and event.error is not None:
            self._wait("Nothing to show yet.")
            self.give_way()

    def _begin(self, began: Any) -> None:
        self._rests = False
        self._take_queries(began)
        self.cards.begin(began)
        self._show_run(began)
        if self.cards.watched != began.params.scene and self.training.stream.is_busy:
            self.training.settings_changed()  # the run was asked to show a scene of the one before
        self._complain_of_faults(began)

    def _wait(self, text: Text) -> None:
        """Say why there is nothing to see; what a run before has shown stays in sight."""
        if self.cards.began is None:
            self.cards.wait(text)

    def _renewed(self) -> None:
        self._wait(self.waits_for())

    def _show_run(self, began: Any) -> None:
        self.data.show_run(began)
        self._show_first_pixel()
        say(self.learned, "setText", self.said_of_size(began))

    def _take_queries(self, began: Any) -> None:
        """The run may have taken more queries than it was asked with, as its data want them."""
        queries, asked = began.params.queries, self.training.params
        if isinstance(asked, self.params_type) and queries != asked.queries:  # type: ignore[attr-defined]
            untouched = self.params.queries == asked.queries  # type: ignore[attr-defined]
            self.training.took(queries=queries)  # first, else the settings would wait for a new run
            if untouched:
                self.state.put(queries=queries)

    def _say_when_to_rest(self) -> None:
        """Say once when more steps will hardly help."""
        history = self.cards.history
        best = best_before(history.steps, history.column("ap").tolist(), history.rows[:, 1:4].sum(1))
        if best is None or self._rests:
            return
        self._rests = True
        found = {"n": words.number(best), "ap": words.percent(float(history.column("ap").max()), 1)}
        self.complain(Message(REST, found), word="Note", kind="warning")

    # -- weights
    def at_stake(self) -> Message | None:
        steps = self.trained.unsaved()
        if not steps or self.training.is_kept:
            return None
        return Message("The model of a training ({n} {n:step|steps}) is not saved.", {"n": words.number(steps)})

    def look(self, state: Weights | None) -> None:
        newest = state or self.training.weights
        if newest is not None:
            self.shows.emit(newest)

    def use_weights(self) -> None:
        """Offer the state that is looked at as the model of the page Detect."""
        weights = self.training.weights
        if weights is None:
            self.tell(Message("Nothing to show yet."))
        else:
            self.used.emit(weights)

    def _complain_of_faults(self, began: Any) -> None:
        notes = began.notes
        if began.missed:
            missed = {"q": began.params.queries, "n": words.number(began.missed), "most": words.number(began.largest)}
            notes = (Message(MISSED, missed), *notes)
        if not began.skipped:
            if notes:
                self.complain(joined(notes), word="Note", kind="warning")
            return
        count = words.number(began.skipped)
        text = Message("1 annotation was left out: {first}", {"first": began.faults[0]})
        if began.skipped > 1:
            values = {"n": count, "first": began.faults[0]}
            text = Message("{n} {n:annotation was|annotations were} left out. {first}", values)
        text = joined((text, *notes))
        self.complain(text, "Copy the list", lambda: self._copy_faults(began), "Note", "warning")

    def _copy_faults(self, began: Any) -> None:
        QGuiApplication.clipboard().setText("\n".join(words.tr(fault) for fault in began.faults))
        self.tell(Message("Copied {n} of {all}.", {"n": len(began.faults), "all": began.skipped}))

    def _watch(self, by: int) -> None:
        """Watch the example that is so many places further."""
        if self.cards.example is None:
            return
        self.cards.watch((self.cards.watched + by) % len(self.cards.began.examples))
        if self.training.stream.is_busy:
            self.training.settings_changed()
