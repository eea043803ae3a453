"""The page "Training": a DETR learns while it is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication

from app import words
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.detr.training.cards import TrainingCards
from app.tabs.detr.training.data import DataBox, sizes
from app.tabs.detr.training.trained import TrainedModel
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.widgets import quiet
from app.words import say
from engines.core.errors import Message, joined
from engines.core.params import renamed
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import Weights
from engines.detr.training.spec import (
    BUNDLED,
    DATA,
    MOST_TRAINING_STEPS,
    NEW_RUN,
    DetrTraining,
    Measured,
    Now,
    RunBegan,
    TrainStep,
    is_boxes_folder,
)

TRAINER = "engines.detr.training.trainer:Trainer"
SHOWN = ("scenes", "first_pixel", "learning_rate", "no_object", "begin", "model", "queries", "batch",
         "auxiliary_losses", "backbone", "auxiliary_queries")  # fmt: skip


class DetrTrainingPage(TrainingPage):
    """The cards, the controls, and the run behind them.

    Signals
    -------
    used : Weights
        The state that is looked at is to take the place of the model on the page Detect.
    shows : Weights
        Another state is looked at.
    """

    title = "Training"
    params_type = DetrTraining

    used = Signal(object)
    shows = Signal(object)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.cards, self.data = TrainingCards(self), DataBox()
        transport = self.cards.transport
        self.train(Training(self, TRAINER, transport, self._of_run, MOST_TRAINING_STEPS, "detr"), transport)
        transport.looked.connect(self.cards.look)
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.cards.stepped_scene.connect(self._watch)
        self.trained = TrainedModel(self.training, shell)
        self.trained.wanted.connect(self.use_weights)
        self.data.opened.connect(shell.open_folder)
        self.data.drawn_again.connect(lambda: self.step(folder=""))
        self.cards.wait("Drawing scenes")
        self.lay(self.cards.centre, self._form(), self.trained, resets=False)

    def _form(self) -> ParamsForm:
        self.form = ParamsForm(self.params, SHOWN)
        self.learned = quiet("", wrap=True)
        self.form.add(DATA, self.data, 0)
        self.form.add(NEW_RUN, self.pending, 0)
        self.form.add(NEW_RUN, self.learned)
        self.form.lead(self.kept_runs)
        return self.form

    # -- settings
    def _of_run(self) -> DetrTraining:
        """The settings that a run begun now would have."""
        params: DetrTraining = self.params
        return replace(params, scene=self.cards.watched)

    def put_run(self, found: dict[str, Any]) -> None:
        found = renamed(self.params, found)
        self.state.put(begin=found["begin"])  # first, for it sets what the run may have had otherwise
        super().put_run(found)

    def show_params(self, params: DetrTraining) -> None:
        self.form.set_shown("scenes", not params.folder)
        self.form.set_shown("first_pixel", bool(params.folder))
        self.form.control("model").setEnabled(params.begin != BUNDLED)
        self.data.drawn.setVisible(bool(params.folder))
        self.transport.set_seed(params.seed)
        super().show_params(params)

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

    def at_stake(self) -> Message | None:
        steps = self.trained.unsaved()
        if not steps or self.training.is_kept:
            return None
        return Message("The model of a training ({n} {n:step|steps}) is not saved.", {"n": words.number(steps)})

    # -- the run
    def told(self, event: Event) -> None:
        cards = self.cards
        match event:
            case RunBegan():
                cards.begin(event)
                self._show_run(event)
                if cards.watched != event.params.scene and self.training.stream.is_busy:
                    self.training.settings_changed()  # the run was asked to show a scene of the one before
                self._complain_of_faults(event)
            case TrainStep():
                cards.history.add_step(event)
            case Measured():
                cards.take_measured(event)
            case Now():
                cards.take_now(event.step, event.scene, event.found)
            case Progress() if event.total:
                share = {"text": event.text, "done": words.number(event.done), "total": words.number(event.total)}
                self.tell(Message("{text}: {done} of {total}", share))
            case Ended() if event.error is not None and self.params.folder:
                self.step(folder="")  # trying again is no use before the folder is another one

    def _show_run(self, began: RunBegan) -> None:
        self.data.show_run(began)
        say(self.learned, "setText", sizes(began))

    def _complain_of_faults(self, began: RunBegan) -> None:
        if not began.skipped:
            if began.notes:
                self.complain(joined(began.notes), word="Note", kind="warning")
            return
        count = words.number(began.skipped)
        text = Message("1 annotation was left out: {first}", {"first": began.faults[0]})
        if began.skipped > 1:
            values = {"n": count, "first": began.faults[0]}
            text = Message("{n} {n:annotation was|annotations were} left out. {first}", values)
        text = joined((text, *began.notes))
        self.complain(text, "Copy the list", lambda: self._copy_faults(began), "Note", "warning")

    def _copy_faults(self, began: RunBegan) -> None:
        QGuiApplication.clipboard().setText("\n".join(words.tr(fault) for fault in began.faults))
        self.tell(Message("Copied {n} of {all}.", {"n": len(began.faults), "all": began.skipped}))

    def _watch(self, by: int) -> None:
        """Watch the example that is so many places further."""
        if self.cards.example is None:
            return
        self.cards.watch((self.cards.watched + by) % self.cards.examples)
        if self.training.stream.is_busy:
            self.training.settings_changed()

    # -- weights
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
