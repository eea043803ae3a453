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
from app.remedy import Act
from app.shell import Shell
from app.tabs.detr.training.cards import TrainingCards
from app.tabs.detr.training.data import DRAW, DataBox, sizes
from app.tabs.detr.training.rest import best_before
from app.tabs.detr.training.trained import TrainedModel
from app.tabs.detr.training.vits import VitChooser
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.widgets import quiet
from app.words import Text, say
from engines.core.errors import Message, joined
from engines.core.params import renamed
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import Weights
from engines.detr.training.spec import (
    BUNDLED,
    DATA,
    MOST_TRAINING_STEPS,
    NEW_RUN,
    ON_VIT,
    DetrTraining,
    Measured,
    Now,
    RunBegan,
    TrainStep,
    is_boxes_folder,
)

TRAINER = "engines.detr.training.trainer:Trainer"
SHOWN = ("scenes", "first_pixel", "learning_rate", "no_object", "begin", "model", "queries", "fit_queries", "batch",
         "auxiliary_losses", "backbone", "auxiliary_queries")  # fmt: skip


REST = (
    "AP has not improved in the last half of this training (best: {ap} at step {n}). More steps are unlikely to help; "
    "more pictures, another model or a lower learning rate may."
)
BARE = "{name}: photos without boxes. A DETR learns from boxes around the objects and the names of their classes."
MISSED = "With {q} queries, {n} {n:object|objects} can't be found: a picture holds up to {most}, and a query finds one."


class DetrTrainingPage(TrainingPage):
    """The cards, the controls, and the run behind them.

    Signals
    -------
    used : Weights
        The state that is looked at is to take the place of the model on the page Detect.
    shows : Weights
        Another state is looked at.
    bare : str
        Boxes are to be drawn on the photos of a folder, which has none yet.
    """

    title = "Training"
    params_type = DetrTraining

    used = Signal(object)
    shows = Signal(object)
    bare = Signal(str)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.cards, self.data = TrainingCards(self), DataBox()
        self._rests = False  # it was said that more steps will hardly help
        transport = self.cards.transport
        run = Training(self, TRAINER, transport, self._of_run, MOST_TRAINING_STEPS, "detr", ("learning_rate",))
        self.train(run, transport)
        transport.looked.connect(self.cards.look)
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.cards.stepped_scene.connect(self._watch)
        self.trained = TrainedModel(self.training, shell)
        self.trained.wanted.connect(self.use_weights)
        self.data.opened.connect(shell.open_folder)
        self.data.drawn_again.connect(lambda: self.step(folder=""))
        self.training.cure = self._cure
        self.training.renewed.connect(self._renewed)
        self._renewed()
        self.lay(self.cards.centre, self._form(), self.trained, resets=False)

    def _form(self) -> ParamsForm:
        self.form = ParamsForm(self.params, SHOWN)
        self.learned, self.vit = quiet("", wrap=True), VitChooser(self.shell)
        self.vit.chosen.connect(lambda source: self.step(vit=source))
        self.form.add(NEW_RUN, self.vit, 2)
        self.form.add(DATA, self.data, 0)
        self.form.add(NEW_RUN, self.pending)
        self.form.add(NEW_RUN, self.learned)
        self.form.lead(self.kept_runs)
        return self.form

    # -- settings
    def _of_run(self) -> DetrTraining:
        """The settings that a run begun now would have."""
        params: DetrTraining = self.params
        return replace(params, scene=self.cards.watched)

    def put_run(self, found: dict[str, Any]) -> None:
        found = {"fit_queries": False, **renamed(self.params, found)}  # runs of before had as many as they were given
        self.state.put(begin=found["begin"])  # first, for it sets what the run may have had otherwise
        super().put_run(found)

    def show_params(self, params: DetrTraining) -> None:
        self.form.set_shown("scenes", not params.folder)
        self._show_first_pixel()
        self.form.set_shown("fit_queries", bool(params.folder))
        on_vit = params.model == ON_VIT
        for name in ("begin", "backbone"):
            self.form.set_shown(name, not on_vit)
        self.vit.setVisible(on_vit)
        if on_vit:
            self.vit.show_source(params.vit)
        self.form.control("model").setEnabled(params.begin != BUNDLED)
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

    def offer_drawing(self, folder: Path) -> None:
        """Say that these photos have no boxes yet, and where they are drawn."""
        self.complain(Message(BARE, {"name": folder.name}), DRAW, lambda: self.bare.emit(str(folder)), word="Note")

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
                self._rests = False
                self._take_queries(event)
                cards.begin(event)
                self._show_run(event)
                if cards.watched != event.params.scene and self.training.stream.is_busy:
                    self.training.settings_changed()  # the run was asked to show a scene of the one before
                self._complain_of_faults(event)
            case TrainStep():
                cards.history.add_step(event)
            case Measured():
                cards.take_measured(event)
                self._say_when_to_rest()
            case Now():
                cards.take_now(event)
            case Progress() if event.total:
                share = {"text": event.text, "done": words.number(event.done), "total": words.number(event.total)}
                self.tell(Message("{text}: {done} of {total}", share))
            case Ended() if event.error is not None:
                self._wait("Nothing to show yet.")
                self._give_way()

    def _wait(self, text: Text) -> None:
        """Say why there is nothing to see; what a run before has shown stays in sight."""
        if self.cards.began is None:
            self.cards.wait(text)

    def _renewed(self) -> None:
        self._wait("Loading the model" if self.params.model == ON_VIT else "Drawing scenes")

    def _cure(self) -> tuple[Text, Act]:
        """What helps a run that could not go on: one on a ViT needs photos, and to try again without them is no use."""
        asked = self.training.params
        if isinstance(asked, DetrTraining) and asked.model == ON_VIT and not asked.folder:
            return "Open a folder", self.shell.open_folder
        return "Restart", self.training.restart

    def _give_way(self) -> None:
        """Trying again is no use before the ViT, or the folder, is another one."""
        params = self.params
        if params.model == ON_VIT and params.vit:
            self.step(vit="")
        elif params.folder:
            self.step(folder="", model=DetrTraining().model if params.model == ON_VIT else params.model)

    def _show_run(self, began: RunBegan) -> None:
        self.data.show_run(began)
        self._show_first_pixel()
        say(self.learned, "setText", sizes(began))

    def _take_queries(self, began: RunBegan) -> None:
        """The run may have taken more queries than it was asked with, as its data want them."""
        queries, asked = began.params.queries, self.training.params
        if isinstance(asked, DetrTraining) and queries != asked.queries:
            untouched = self.params.queries == asked.queries
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

    def _complain_of_faults(self, began: RunBegan) -> None:
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
