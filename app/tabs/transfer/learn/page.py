"""The page "Learn": the classes, three curves with their intervals, the map of features, and what is confused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker

from app import words
from app.cards import Card, card
from app.controls import Check
from app.plots.pointcloud import PointCloud
from app.plots.pointmap import class_token
from app.plots.surface import Surface
from app.shell import Shell
from app.tabs.transfer.learn.accuracy import Accuracy
from app.tabs.transfer.learn.form import LearnForm
from app.tabs.transfer.learn.run import RunState
from app.theme import S1, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.base import PixelView
from app.views.classrows import ClassRows
from app.views.colorbar import ColorBar
from app.views.countmatrix import CountMatrix
from app.widgets import Segments, box, col, quiet, row
from app.words import Text, say
from engines.checkpoints import backbones, layout
from engines.core.errors import Message, joined
from engines.core.params import Choice, rules
from engines.core.protocol import Ended, Event, Progress, Started
from engines.core.training import Weights
from engines.studies.spec import Preset
from engines.transfer.events import Ints
from engines.transfer.learn.spec import LAST_STEP, FeatureMap, Results, RunBegan, RunParams, Tested, confusion, run_of
from engines.transfer.spec import PCA, SEED_TIP, Probe, SetRead, TransferParams

TRAINER = "engines.transfer.learn.training:Trainer"
BROKEN = "{n} {n:picture|pictures} can't be read: {reason}"
SHORT = ("Probe", "Fine-tuned", "Scratch")


def other_pictures(found: SetRead, before: SetRead) -> bool:
    """Whether a set holds others than the one before, so that a map of those says nothing of these."""
    same = found.title == before.title and found.names == before.names
    return not (same and np.array_equal(found.found, before.found))


class LearnPage(TrainingPage):
    """Views of the page and what they show."""

    title = "Learn"
    params_type = TransferParams
    engine = "engines.transfer.engine:Engine"
    takes_models = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.run = RunState()
        self._answered: TransferParams | None = None
        self._wanted: RunParams | None = None  # what the run was told of
        self._handed_on: Probe | None = None  # the probe of the run that is in hand; one from a file is not touched
        self.set: SetRead | None = None
        self.map: FeatureMap | None = None
        self._pinned: tuple[int, int] | None = None
        self.rows, self.cloud, self.confusion = ClassRows(), PointCloud(), CountMatrix()
        self.accuracy = Accuracy(self.run)
        transport = Transport(seed_tip=SEED_TIP)
        for view, name, file in (
            (self.rows, "Classes", "classes"),
            (self.cloud, "Features in two dimensions", "feature-map"),
            (self.confusion, "Confusion", "confusion"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        self.method = Segments(SHORT)
        self.bar = ColorBar(Message("Test pictures"), "tide", least=120, turned=True)
        self.bar.drive(self.confusion)
        self.bar.hide()  # until there is something to count
        self.counts, self.said = quiet("", wrap=True), quiet("")
        self.set_card = card("Classes", self.rows, foot=self.counts)
        self.curve_card = self.accuracy.card
        self.map_card = card("Features in two dimensions", self.cloud, foot=self.said)
        rule = rules(TransferParams)["hide_empty"]
        self.sparse = Check(rule.label, self.params.hide_empty, rule.tip)
        self.sparse.hide()  # until a class is empty
        foot = col(self.bar, self.sparse, gap=S1)
        self.confusion_card = card("Confusion", self.confusion, tools=[self.method], foot=foot)
        upper = row((self.set_card, 10), (self.curve_card, 17), gap=S3)
        lower = row((self.map_card, 15), (self.confusion_card, 12), gap=S3)
        training = Training(self, TRAINER, transport, lambda: run_of(self.params), LAST_STEP, "transfer")
        self.train(training, transport, lambda found: self.state.put(**found))
        self.form = LearnForm(self.params, self.pending, self.kept_runs)
        cards = col((upper, 1), (lower, 1), gap=S3)
        self.lay(box(col((cards, 1), transport, gap=S3)), self.form, resets=False)
        self._connect()
        for waiting in self.cards:
            waiting.set_empty("Reading the pictures")
        self.confusion_card.set_empty("After training, this shows which classes are confused.", "Start", self.start)

    def presets(self) -> tuple[Preset, ...]:
        labels = ("labels", (1, 3, 10))
        ready = self.options()["model"].options
        return (
            Preset("Few labels, backbones", (labels, ("model", ready)), 5, LAST_STEP),
            Preset("Few labels, more and more steps", (labels, ("until", (8, 24, LAST_STEP))), 5, LAST_STEP),
        )

    def options(self) -> dict[str, Choice]:
        """The backbones that need no download, and the one in use."""
        ready = [model.name for model in backbones.available() if model.ready]
        return {"model": Choice(tuple(dict.fromkeys([*ready, *filter(None, [self.params.model])])), "Backbone")}

    def _connect(self) -> None:
        self.training.renewed.connect(self._renewed)
        self.transport.seeded.connect(lambda seed: self.step(sample=seed))
        self.method.chosen.connect(lambda _at: self.draw_said())
        self.cloud.hovered.connect(self._point)
        self.cloud.clicked.connect(self._point)
        self.rows.hovered.connect(lambda at: self._light_class(self.rows.at() if at is None else at))
        self.rows.chosen.connect(self._light_class)
        self.sparse.toggled.connect(lambda on: self.step(hide_empty=on))
        self.confusion.hovered.connect(self._light_cell)
        self.confusion.clicked.connect(self._pin_cell)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.set_card, self.curve_card, self.map_card, self.confusion_card

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.rows, *self.accuracy.views, self.cloud, self.confusion

    # -- the hand
    def start(self) -> None:
        """Train."""
        if not self.training.runs:
            self.training.play()

    def use_set(self, folders: tuple[str, ...]) -> None:
        """Learn on class folders; on the digits for (). The same again is another try after a failure."""
        self.dismiss()
        if folders == self.params.folders and self.feed is not None and self.feed.failed:
            self.ask(again=True)
        self.state.put(folders=folders)

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_dir() and not layout.is_model_folder(path)

    def take(self, paths: Sequence[Path]) -> None:
        self.use_set(tuple(str(path) for path in paths))

    def model_chosen(self, source: str) -> dict[str, object]:
        return {"model": source}

    def escape(self) -> None:
        self.unpin()

    # -- the run begins when the hand says so
    def activated(self) -> None:
        self._settings_changed()

    def show_params(self, params: TransferParams) -> None:
        self.transport.set_seed(params.sample)
        self.confusion.hide_empty(params.hide_empty)
        with QSignalBlocker(self.sparse):
            self.sparse.setChecked(params.hide_empty)
        self._settings_changed()

    def _settings_changed(self) -> None:
        """Hand on what concerns the run, if it was begun; a probe or a photo does not."""
        wanted = run_of(self.params)
        if self.training.params is not None and wanted != self._wanted:
            self._wanted = wanted
            self.training.settings_changed()

    def exported(self) -> dict[str, object]:
        found = self.set
        if found is None:
            return {}
        seed = (self._answered or self.params).sample
        made: dict[str, object] = {"set": found.title or "digits", "labels": found.labels, "seed": seed}
        return made | {"model": found.source, "title": found.backbone, "sha256": found.sha256}

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.run.begin(event)
                self.draw()
            case Tested():
                self.run.add(event)
                self.draw()
                self._hand_on()
                if event.intact and self.run.began is not None:
                    self.form.show_intact(self.run.began.model_hash)
            case Results() if self.run_fits:
                self.accuracy.take_results(event.rows)
            case Progress():
                self.tell(event.text)

    def _renewed(self) -> None:
        self.run.clear()
        self._handed_on, self._wanted = None, run_of(self.params)
        self.change(in_hand=None)
        self.draw()

    def look(self, state: Weights | None) -> None:
        self.run.look(state)
        self.draw()
        self._hand_on()

    def _hand_on(self) -> None:
        """The probe of the state looked at judges photos, unless one from a file does."""
        if self.params.in_hand in (None, self._handed_on):
            self._handed_on = self.run.probe
            self.change(in_hand=self._handed_on)

    @property
    def run_fits(self) -> bool:
        """Whether the run's test pictures are those on the map."""
        return self.run.fits(self._answered or self.params)

    # -- what the engine tells
    def on(self, event: Event) -> None:
        match event:
            case Started() if isinstance(event.params, TransferParams):
                self._answered = event.params
            case SetRead():
                new = self.set is None or event.notes != self.set.notes or event.title != self.set.title
                self.take_set(event)
                self.form.show_set(event, self.params)
                if new and event.notes:
                    self._warn(event)
            case Results():
                self.accuracy.take_results(event.rows)
            case FeatureMap() if self.set is not None:
                self.take_map(event)
            case Ended() if event.error is not None and self.set is None:
                for waiting in (self.set_card, self.curve_card, self.map_card):
                    waiting.set_empty("Nothing to show yet.")

    def _warn(self, found: SetRead) -> None:
        """Say what was passed over, the first by name."""
        if found.refused:
            more = {"n": found.refused, "reason": found.notes[0]}
            self.complain(Message(BROKEN, more), word="Note")
        else:
            self.complain(joined(found.notes), word="Note")

    def take_set(self, found: SetRead) -> None:
        """The pictures in use. A map of others is none of theirs: it goes until the new one comes."""
        if self.set is not None and self.map is not None and other_pictures(found, self.set):
            self.map = None
            self.map_card.set_empty("Nothing to show yet.")
        self.set = found
        names = [words.plain(name) for name in found.names]
        labeled = np.minimum(found.labels, found.used - found.tests).tolist()
        counts = [f"{n} / {words.number(whole)}" for n, whole in zip(labeled, found.found.tolist(), strict=True)]
        self.rows.set_rows(names, counts, found.faces, [class_token(i) for i in range(len(names))])
        self.set_card.set_note("labeled / all")
        tests = int(found.tests.sum())
        said = {"used": words.number(int(found.used.sum())), "n": words.number(tests), "side": found.side}
        say(self.counts, "setText", Message("{used} used, {n} of them for testing, at {side} px", said))
        for ready in (self.set_card, self.curve_card):
            ready.set_empty(None)
        self.accuracy.show_plot()

    def take_map(self, found: FeatureMap) -> None:
        """Where the features lie."""
        self.map = found
        assert self.set is not None
        names = [words.plain(name) for name in self.set.names]
        self.cloud.set_points(found.points, found.truth, names, found.labeled)
        self.cloud.set_faces(found.thumbs)
        self.cloud.set_extra(tuple(found.photo.tolist()) if len(found.photo) else None)
        self.map_card.set_empty(None)
        if found.projection == PCA:
            share = {"share": words.percent(found.explained, 0)}
            self.map_card.set_note("PCA keeps {share} of the variance", **share)
        elif found.step < found.steps:
            self.map_card.set_note("t-SNE, iteration {n} of {all}", n=found.step, all=found.steps)
        else:
            self.map_card.set_note("t-SNE: only neighborhoods are meaningful")
        say(self.said, "setText", "Filled: labeled. Outline: test. Crossed: misclassified.")
        self.mark()

    # -- drawing the run
    def draw(self) -> None:
        """Everything the run has told."""
        self.accuracy.draw_curves()
        self.draw_said()

    def draw_said(self) -> None:
        """What the state looked at says of each test picture."""
        self.accuracy.draw_intervals()
        self._draw_confusion()
        self.mark()

    def _draw_confusion(self) -> None:
        run = self.run
        said = run.said_of(self.method.at())
        self.bar.setVisible(said is not None)
        if said is None or run.truth is None:
            text = "After training, this shows which classes are confused."
            if run.methods and run.steps:
                text = "This method is not part of the run."
                self.confusion_card.set_empty(text)
            else:
                self.confusion_card.set_empty(text, "Start", self.start)
            self.confusion_card.set_note("")
            self.sparse.hide()
            return
        names = [words.plain(name) for name in run.names]
        counts = confusion(run.truth, said, len(names))
        self.confusion.set_counts(counts, len(names))
        self.confusion.set_names(names, names)
        self.sparse.setVisible(self.confusion.empty() > 0)
        top, clipped = self.confusion.top()
        self.bar.set_range(0, top, clipped)
        self.confusion_card.set_empty(None)
        self.confusion_card.set_note("rows: true class")

    # -- what belongs together
    def mark(self) -> None:
        """Cross what the chosen method gets wrong on the map, and say it beside the pictures."""
        found, read = self.map, self.set
        if found is None or read is None:
            return
        said = self._said_on_map(found)
        wrong = (said >= 0) & (said != found.truth)
        captions: list[Text] = []
        for label, other, is_labeled in zip(found.truth.tolist(), said.tolist(), found.labeled.tolist(), strict=True):
            truth = words.plain(read.names[label])
            if is_labeled:
                captions.append(Message("{name}, labeled", {"name": truth}))
            elif other >= 0:
                captions.append(
                    Message("{name}, predicted: {other}", {"name": truth, "other": words.plain(read.names[other])})
                )
            else:
                captions.append(truth)
        self.cloud.set_said(wrong, captions)

    def _said_on_map(self, found: FeatureMap) -> Ints:
        """Class that the chosen method says of each point; −1 where it says nothing."""
        if not self.run_fits:
            return np.full(len(found.picture), -1, np.int64)
        return self.run.said_at(found.picture, self.method.at())

    def _point(self, index: int | None) -> None:
        """A point of the map is pointed at: light its cell and its class."""
        found = self.map
        at = self.cloud.at() if index is None else index
        if found is None or at is None:
            self.confusion.set_lit(None)
            return
        said = int(self._said_on_map(found)[at])
        self.confusion.set_lit((int(found.truth[at]), said) if said >= 0 else None)

    def _light_class(self, label: int | None) -> None:
        if self.map is not None:
            self.cloud.set_lit(None if label is None else self.map.truth == label)

    def _light_cell(self, cell: tuple[int, int] | None) -> None:
        if self.map is None:
            return
        cell = self._pinned if cell is None else cell
        if cell is None:
            self._light_class(self.rows.at())
            return
        said = self._said_on_map(self.map)
        true = np.ones(len(said), bool) if cell[0] < 0 else self.map.truth == cell[0]
        other = said >= 0 if cell[1] < 0 else said == cell[1]
        self.cloud.set_lit(true & other)

    def _pin_cell(self, cell: tuple[int, int]) -> None:
        self._pinned = None if cell == self._pinned else cell
        self.confusion.set_at(self._pinned)
        self._light_cell(self._pinned)

    def unpin(self) -> None:
        """Esc: nothing is pinned any more."""
        self._pinned = None
        self.confusion.set_at(None)
        self.rows.set_at(None)
        self.cloud.set_at(None)
        self._light_class(None)
