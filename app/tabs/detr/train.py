"""The page "Training": a DETR learns while it is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication, QKeyEvent

from app import words
from app.kept import KeptRuns
from app.tab import Dock, Page, TopicTab
from app.tabs.detr.pages import SidePage
from app.tabs.detr.traincards import TrainCards
from app.tabs.detr.traindock import TrainDock
from app.training import Training
from app.views.base import PixelView
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import Weights
from engines.detr.spec import TRAINED_HERE, DetrParams
from engines.detr.training_spec import (
    MOST_TRAINING_STEPS,
    DetrTraining,
    Measured,
    Now,
    RunBegan,
    TrainStep,
    fitting,
    is_boxes_folder,
)

TRAINER = "engines.detr.training:Trainer"
DETECT = 0


class TrainPage(SidePage):
    """The cards, the dock, and the run behind them."""

    def __init__(self, tab: TopicTab) -> None:
        super().__init__(tab)
        self.cards, self.dock = TrainCards(self), TrainDock()
        self.training = Training(tab, TRAINER, self.cards.transport, self._settings, MOST_TRAINING_STEPS,
                                 "detr")  # fmt: skip
        self._shown = False
        self._on_dock: DetrTraining | None = None
        self._follows = False  # the page Detect shows the state that is looked at

    def page(self) -> Page:
        cards, dock, training = self.cards, self.dock, self.training
        self.kept_runs = KeptRuns(self.tab, training, self._put)
        dock.show_kept(self.kept_runs)
        training.arrived.connect(self._arrived)
        training.waiting.connect(dock.pending.show_count)
        training.looked.connect(self._looked)
        cards.transport.looked.connect(cards.look)
        cards.transport.seeded.connect(lambda seed: self._step(seed=seed))
        cards.stepped_scene.connect(self._scene)
        dock.changed.connect(lambda name, value: self._change(**{name: value}))
        dock.settled.connect(self.tab.history.seal)
        dock.restarted.connect(training.restart)
        dock.foldered.connect(self.tab.shell.open_folder)
        dock.unfoldered.connect(lambda: self._step(folder=""))
        cards.use.clicked.connect(lambda _checked=False: self.use_weights())
        cards.wait("Drawing scenes")
        return Page("Training", cards.centre, Dock(dock, resets=False))

    # -- settings
    @property
    def params(self) -> DetrTraining:
        """The settings that a run begun now would have."""
        params: DetrParams = self.tab.params
        return params.training

    def _settings(self) -> DetrTraining:
        self.training.set_device(self.tab.shell.settings.device)
        return replace(self.params, scene=self.cards.watched)

    def _change(self, **fields: Any) -> None:
        new = fitting(replace(self.params, **fields), self.params)
        self.tab.change(training=new)

    def _put(self, found: dict[str, Any]) -> None:
        """The settings of a run that is gone on with."""
        self.tab.change(undoable=False, training=replace(self.params, **found))

    def _step(self, **fields: Any) -> None:
        """An undo step of its own."""
        self.tab.history.seal()
        self._change(**fields)
        self.tab.history.seal()

    def show_params(self, params: DetrParams) -> None:
        if params.training is not self._on_dock:  # a box dragged in the matching lab comes by here, too
            self._on_dock = params.training
            self.dock.show_params(params.training)
            self.cards.transport.set_seed(params.training.seed)
        if self._shown:
            self.training.settings_changed()

    # -- turning to it
    def turned_to(self) -> None:
        self._shown = True
        self.training.settings_changed()

    def left(self) -> None:
        self._shown = False

    def escape(self) -> bool:
        if self.cards.query < 0:
            return False
        self.cards.choose(self.cards.query)
        return True

    def take_key(self, event: QKeyEvent) -> bool:
        return self.cards.transport.take_key(event)

    def reworded(self) -> None:
        self.cards.reworded()
        if self.cards.began is not None:
            self._tell_run(self.cards.began)

    def views(self) -> Sequence[PixelView]:
        return (self.cards.scene, self.cards.film, self.cards.slots)

    # -- data
    def takes_path(self, path: Path) -> bool:
        return is_boxes_folder(path)

    def take_paths(self, paths: Sequence[Path]) -> None:
        self.tab.error.dismiss()
        self._step(folder=str(paths[-1]))
        self.training.restart()

    # -- the run
    def _arrived(self, event: Event) -> None:
        cards = self.cards
        match event:
            case RunBegan():
                cards.begin(event)
                self._tell_run(event)
                if cards.watched != event.params.scene and self.training.stream.is_busy:
                    self.training.settings_changed()  # the run was asked to show a scene of the one before
                self._remember(event.params)
                self._tell_faults(event)
            case TrainStep():
                cards.history.add_step(event)
            case Measured():
                cards.take_measured(event)
            case Now():
                cards.take_now(event.step, event.scene, event.found)
            case Progress() if event.total:
                share = {"text": event.text, "done": words.number(event.done), "total": words.number(event.total)}
                self.tab.tell(Message("{text}: {done} of {total}", share))
            case Ended() if event.error is not None and self.params.folder:
                self._step(folder="")  # trying again is no use before the folder is another one

    def _tell_run(self, began: RunBegan) -> None:
        self.dock.show_run(began)
        if began.params.folder:
            self.dock.show_folder(Path(began.params.folder).name)

    def _tell_faults(self, began: RunBegan) -> None:
        if not began.skipped:
            return
        count = words.number(began.skipped)
        text = Message("1 annotation was left out: {first}", {"first": began.faults[0]})
        if began.skipped > 1:
            text = Message("{n} annotations were left out. {first}", {"n": count, "first": began.faults[0]})
        self.tab.error.tell(text, "Note", "Copy the list", lambda: self._copy_faults(began), kind="warning")

    def _copy_faults(self, began: RunBegan) -> None:
        QGuiApplication.clipboard().setText("\n".join(words.tr(fault) for fault in began.faults))
        self.tab.tell(Message("Copied {n} of {all}.", {"n": len(began.faults), "all": began.skipped}))

    def _remember(self, params: DetrTraining) -> None:
        """The settings that go into every exported file."""
        settings: dict[str, object] = {name: getattr(params, name) for name in rules(params) if name != "until"}
        for view in self.cards.views:
            view.settings = {**settings, "folder": params.folder}

    def _scene(self, by: int) -> None:
        began = self.cards.example
        if began is None:
            return
        count = self.cards.examples
        self.cards.watch((self.cards.watched + by) % count)
        if self.training.stream.is_busy:
            self.training.settings_changed()

    # -- weights
    def _looked(self, weights: Weights | None) -> None:
        newest = weights or self.training.weights
        if self._follows and newest is not None and self.tab.params.source == TRAINED_HERE:
            self.tab.change(undoable=False, weights=newest)

    def use_weights(self) -> None:
        """The page Detect shows the state that is looked at, and follows the scrubber from then on."""
        weights = self.training.weights
        if weights is None:
            self.tab.tell(Message("Nothing to show yet."))
            return
        self._follows = True
        chosen = {**self.tab.model_chosen(TRAINED_HERE), "weights": weights, "queries_off": (), "heads_off": ()}
        self.tab.change(undoable=False, **chosen)
        self.tab.history.clear()  # the steps before were another model's
        self.tab.show_page(DETECT)
