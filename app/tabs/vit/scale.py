"""The page "Scale": a ViT and a CNN of equal size, trained on more and more pictures, and what the ViT learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog

from app import words
from app.params_form import ParamsForm
from app.pending import Pending
from app.plots.surface import Surface
from app.sections import section
from app.tab import Dock, TopicTab
from app.tabs.vit.scalecards import ScaleCards
from app.theme import S3
from app.training import Training
from app.transport import Transport
from app.views.base import PixelView
from app.widgets import WideButton, box, col, quiet
from app.words import say
from engines.core.claim import ELSEWHERE, Claim
from engines.core.errors import Message
from engines.core.files import WriteError, put_aside
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import MOST_STEPS, Finished, Kept, Weights
from engines.vit import scale_store
from engines.vit.scale_spec import (
    CIFAR,
    DIGITS,
    FOLDER,
    NEW_RUN,
    SIZES,
    STUDY,
    VIT,
    ScaleParams,
    StudyBegan,
    StudyPoint,
    StudyStep,
    Table,
)

TRAINER = "engines.vit.scale:Trainer"
OPEN = (
    "The paper measured classification only. Detection and segmentation it names as open. "
    "(Dosovitskiy et al. 2021, section 5)"
)


class ScalePage:
    """The study behind the cards, its transport bar and its dock.

    Parameters
    ----------
    tab : TopicTab
        Whose settings hold the fields of `ScaleSettings`.
    """

    def __init__(self, tab: TopicTab) -> None:
        self._tab = tab
        self.transport = Transport(seed_tip="Weights and choice of pictures of the first training.")
        self.transport.restarted.connect(self._forget)  # before the run hears of it
        self.training = Training(tab, TRAINER, self.transport, self._settings, MOST_STEPS)
        self.table: Table | None = None
        self.cards = ScaleCards()
        self.centre = box(col((self.cards.rows, 1), self.transport, gap=S3))
        self._make_dock()
        self._done: Table | None = None  # what the run in hand need not make again, if it is of the same pictures
        self._own: Table | None = None  # the study that was on disk
        self._begun: StudyBegan | None = None
        self._claim = Claim()
        tab.shell.lane.at_close(self._claim.release)
        self._kept = False  # the file is of this window
        self._refused = False  # it could not be written the last time
        self._sample: np.ndarray | None = None
        self._connect()
        self._show_first()

    # -- building
    def _make_dock(self) -> None:
        self.form = ParamsForm(self._tab.params, [n for n in STUDY if n in ("study_data", "largest", "seeds")])
        self.place = WideButton("Choose folder", "folder", tip="A folder of CIFAR-10, or one of class folders")
        self.where = quiet("", wrap=True)
        again = WideButton("Go on with these", "play", tip="Trainings that are the same are not made again.")
        self.pending = Pending(again)
        self.sizes = quiet("", wrap=True)
        for part in (self.place, self.where, self.sizes, self.pending):
            self.form.add(NEW_RUN, part)
        self.dock = Dock(self.form, box(section("Not in the paper", quiet(OPEN, wrap=True))), resets=False)

    def _connect(self) -> None:
        self.place.clicked.connect(lambda _checked=False: self._ask())
        self.pending.anew.clicked.connect(lambda _checked=False: self._go_on())
        self.transport.seeded.connect(lambda seed: self._tab.change(study_seed=seed))
        self.training.arrived.connect(self._arrived)
        self.training.looked.connect(self._look)
        self.training.waiting.connect(self.pending.show_count)

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.cards.views

    # -- settings
    def _settings(self) -> ScaleParams:
        now = self._tab.params
        points, mark = ((), "") if self._done is None else (self._done.points, self._done.mark)
        return ScaleParams(**{name: getattr(now, name) for name in STUDY}, done=points, done_mark=mark)

    def settings_changed(self) -> None:
        """The tab's settings are others."""
        params = self._tab.params
        self.transport.set_seed(params.study_seed)
        wants = params.study_data != DIGITS
        self.place.setVisible(wants)
        self.where.setVisible(wants)
        say(self.where, "setText", words.plain(params.study_folder) if params.study_folder else "No folder chosen.")
        if self.training.params is not None:
            self.training.settings_changed()

    def takes(self, path: Path) -> bool:
        """Whether a dropped thing is a folder to study."""
        return path.is_dir()

    def take_folder(self, path: Path) -> None:
        """Study the pictures of a folder."""
        places = path, *(path / inner for inner in ("cifar-10-batches-py", "cifar-10-batches-bin"))
        known = any((place / file).is_file() for place in places for file in ("data_batch_1", "data_batch_1.bin"))
        self._tab.change(study_folder=str(path), study_data=CIFAR if known else FOLDER)

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._tab, words.tr("Choose folder"), self._tab.params.study_folder)
        if chosen:
            self.take_folder(Path(chosen))

    # -- what is kept
    @property
    def _file(self) -> Path | None:
        folder = self._tab.shell.settings.folder
        return None if folder is None else folder / "scale-study.json"

    def _write(self, table: Table) -> None:
        """Keep the study; what refuses it is told once."""
        file = self._file
        if file is None:
            return
        try:
            if not self._claim.hold(file):
                self._refuse(ELSEWHERE)
                return
            if not self._kept and scale_store.read(file) != self._own:  # another window's, made meanwhile
                put_aside(file, "before")
            scale_store.write(file, table)
        except WriteError as error:
            self._refuse(error.reason)
        else:
            self._kept, self._refused = True, False

    def _refuse(self, reason: Message) -> None:
        if not self._refused:
            text = Message("The study can't be saved ({reason}). It goes on.", {"reason": reason})
            self._tab.complain(text, word="Note")
        self._refused = True

    def _show_first(self) -> None:
        """The user's own study if there is one, else the bundled one, with what its ViT looked like."""
        self.settings_changed()
        own = scale_store.read(self._file) if self._file is not None else None
        table = own or scale_store.read(scale_store.BUNDLED)
        self._own = self._done = own
        self.cards.live_card.set_empty("Nothing is being trained.", "Start", self.training.play)
        self.cards.inside_card.set_empty("A study shows here how its ViTs learn to see.")
        if table is None:
            self.cards.plot_card.set_empty("No study yet.", "Start", self.training.play)
            return
        self._show_table(table, own is not None)
        if own is None and (bundled := scale_store.inside()) is not None:
            self._sample = bundled[0]
            for state in bundled[1]:
                self.training.timeline.add(state)
            self.transport.set_step(bundled[1][-1].step, [state.step for state in bundled[1]])
            self.cards.show_inside(bundled[1][-1], self._sample)

    def _forget(self) -> None:
        """Start anew: everything is trained again."""
        self._done = None

    def _go_on(self) -> None:
        """A new run that keeps what is the same."""
        self._done = self.table if self._begun is not None else self._own
        runs = self.training.runs
        self.training.restart()
        if not runs:
            self.training.play()

    # -- the run
    def _arrived(self, event: Event) -> None:
        match event:
            case StudyBegan():
                self._began(event)
            case StudyStep():
                self.cards.take_step(event)
            case StudyPoint() if self.table is not None:
                self._show_table(replace(self.table, points=(*self.table.points, event.point)), True)
                self._write(self.table)
            case Kept() if self.transport.looks is None:
                self.cards.show_inside(event.weights, self._sample)
            case Finished():
                self._tab.tell(Message("The study is done."))
            case Progress():
                self._tab.tell(event.text)
            case Ended():
                self.cards.draw_live()

    def _began(self, begun: StudyBegan) -> None:
        self._begun, self._sample = begun, begun.sample
        self.cards.begin()
        self._show_table(begun.table, True)
        old, new = self._done, begun.table
        if old is not None and old.data == new.data and old.mark != new.mark:
            self._tab.tell(Message("Earlier results may be of other pictures: all is trained again."))
        if begun.notes:
            self._tab.complain(begun.notes[0], word="Note")

    # -- drawing
    def _look(self, state: Weights | None) -> None:
        shown = state or self.training.timeline.newest
        if shown is not None:
            self.cards.show_inside(shown, self._sample)

    def _show_table(self, table: Table, own: bool) -> None:
        self.table = table
        self.cards.show_table(table, own)
        counts = ", ".join(f"{s} {words.number(table.parameters[VIT, s])}" for s in SIZES)
        say(self.sizes, "setText", Message("Parameters of each ViT: {sizes}. The CNN has as many, within 2 %.",
                                           {"sizes": counts}))  # fmt: skip
