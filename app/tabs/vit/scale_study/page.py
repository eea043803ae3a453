"""The page "Scale study": a ViT and a CNN of equal size, trained on more and more pictures; what the ViT learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog, QWidget

from app import words
from app.lastfolder import OPENED, keep, start_in
from app.params_form import ParamsForm
from app.pending import Pending
from app.plots.surface import Surface
from app.sections import section
from app.shell import Shell
from app.tabs.vit.scale_study.cards import ScaleCards
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.base import PixelView
from app.widgets import WideButton, box, col, quiet
from app.words import say
from engines.core.claim import ELSEWHERE, Claim
from engines.core.errors import Message, joined
from engines.core.files import WriteError, put_aside
from engines.core.params import Params
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import MOST_STEPS, Finished, Kept, Weights
from engines.studies.spec import Kind, Preset
from engines.vit.scale_study import store
from engines.vit.scale_study.spec import (
    CIFAR,
    DIGITS,
    DRAWN,
    FOLDER,
    KINDS,
    NEW_RUN,
    SIZES,
    STUDY,
    VIT,
    YOURS,
    ScaleParams,
    ScaleSettings,
    StudyBegan,
    StudyPoint,
    StudyStep,
    Table,
)
from engines.vit.scale_study.study import KINDS_OF_STUDY, Trained

TRAINER = "engines.vit.scale_study.training:Trainer"
OPEN = (
    "The paper measured classification only and leaves detection and segmentation open. (Dosovitskiy et al. 2021, "
    "section 5)"
)


class ScaleStudyPage(TrainingPage):
    """The study behind the cards. It keeps itself, as a table: each training is a point of it, made once."""

    title = "Scale study"
    params_type = ScaleSettings
    keeps = False
    params: ScaleSettings

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        transport = Transport(seed_tip="Seeds the weights and the choice of pictures of the first training.")
        transport.restarted.connect(self._forget)  # before the run hears of it
        self.train(Training(self, TRAINER, transport, self._settings, MOST_STEPS), transport)
        self.table: Table | None = None  # on screen
        self.cards = ScaleCards()
        self._done: Table | None = None  # what the run in hand need not make again, if it is of the same pictures
        self._own: Table | None = None  # the study that was on disk
        self._mine: Table | None = None  # the same, or the run in hand
        self._studied = ""  # the setting that the table on screen is of
        self._claim = Claim()
        shell.lane.at_close(self._claim.release)
        self._kept = False  # the file is of this window
        self._refused = False  # it could not be written the last time
        self._samples: dict[str, np.ndarray] = {}  # the picture that the maps are of, by the study
        self.lay(box(col((self.cards.rows, 1), transport, gap=S3)), *self._controls(), resets=False)
        self.place.clicked.connect(lambda _checked=False: self._ask())
        transport.seeded.connect(lambda seed: self.step(study_seed=seed))
        self._own = self._done = self._mine = store.read(self.file) if self.file is not None else None
        self.cards.live_card.set_empty("No training is running.", "Start", self.training.play)

    # -- building
    def _controls(self) -> Sequence[QWidget]:
        form = ParamsForm(self.params, ("study_shown", "study_data", "largest", "seeds"))
        self.place = WideButton("Choose folder", "folder", tip="A folder of CIFAR-10, or one of class folders")
        self.where = quiet("", wrap=True)
        self.sizes = quiet("", wrap=True)
        for part in (self.place, self.where, self.sizes, self.pending):
            form.add(NEW_RUN, part)
        return form, box(section("Not in the paper", quiet(OPEN, wrap=True)))

    @cached_property
    def pending(self) -> Pending:
        made = Pending(WideButton("Continue with these", "play", tip="Identical trainings are not repeated."))
        self.training.waiting.connect(made.show_count)
        made.anew.clicked.connect(lambda _checked=False: self._go_on())
        return made

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.cards.views

    def presets(self) -> tuple[Preset, ...]:
        counts = ("count", (50, 150, 500))
        return (
            Preset("ViT and CNN, more and more pictures", (counts, ("network", KINDS))),
            Preset("Sizes, more and more pictures", (counts, ("size", SIZES[:2]))),
        )

    def studied(self) -> tuple[Kind, Params, int]:
        """One training of it for each run: what this page draws is a study already."""
        now, (kind,) = self.params, KINDS_OF_STUDY
        drawn = now.study_data in DRAWN
        return kind, Trained(DIGITS if drawn else now.study_data, "" if drawn else now.study_folder), 0

    # -- settings
    def _settings(self) -> ScaleParams:
        now = self.params
        points, mark = ((), "") if self._done is None else (self._done.points, self._done.mark)
        return ScaleParams(**{name: getattr(now, name) for name in STUDY}, done=points, done_mark=mark)

    def show_params(self, params: ScaleSettings) -> None:
        self.transport.set_seed(params.study_seed)
        if params.study_shown != self._studied:
            self._show_study()
        wants = params.study_data in (CIFAR, FOLDER)
        self.place.setVisible(wants)
        self.where.setVisible(wants)
        say(self.where, "setText", words.plain(params.study_folder) if params.study_folder else "No folder chosen.")
        self.activated()

    def activated(self) -> None:
        if self.training.params is not None:  # until then the study that was made is on screen
            self.training.settings_changed()

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_dir()

    def take(self, paths: Sequence[Path]) -> None:
        """Study the pictures of a folder."""
        path = paths[-1]
        places = path, *(path / inner for inner in ("cifar-10-batches-py", "cifar-10-batches-bin"))
        known = any((place / file).is_file() for place in places for file in ("data_batch_1", "data_batch_1.bin"))
        self.step(study_folder=str(path), study_data=CIFAR if known else FOLDER)

    def _ask(self) -> None:
        start = self.params.study_folder or str(start_in(self, OPENED))
        chosen = QFileDialog.getExistingDirectory(self, words.tr("Choose folder"), start)
        if chosen:
            keep(self, OPENED, chosen, folder=True)
            self.take([Path(chosen)])

    # -- what is kept
    @property
    def file(self) -> Path | None:
        folder = self.shell.settings.folder
        return None if folder is None else folder / "scale-study.json"

    def write(self, table: Table) -> None:
        """Keep the study; what refuses it is told once."""
        file = self.file
        if file is None:
            return
        try:
            if not self._claim.hold(file):
                self._refuse(ELSEWHERE)
                return
            if not self._kept and store.read(file) != self._own:  # another window's, made meanwhile
                put_aside(file, "before")
            store.write(file, table)
        except WriteError as error:
            self._refuse(error.reason)
        else:
            self._kept, self._refused = True, False

    def _refuse(self, reason: Message) -> None:
        if not self._refused:
            text = Message("The study can't be saved ({reason}). It continues.", {"reason": reason})
            self.complain(text, word="Note")
        self._refused = True

    def _show_study(self) -> None:
        """The study that the settings name, with what its ViT looked like on its way."""
        shown = self.params.study_shown
        table = self._mine if shown == YOURS else store.read(store.bundled(shown))
        bundled = None if shown == YOURS else store.bundled_states(shown)
        self._studied = shown
        self.table = table
        self.cards.plot_card.set_empty(*(("No study yet.", "Start", self.training.play) if table is None else (None,)))
        if table is not None:
            self.show_table(table, shown == YOURS)
        if self.training.params is None:  # the scrubber is free for what comes along
            self._samples, states = ({}, []) if bundled is None else ({shown: bundled[0]}, bundled[1])
            self.training.timeline.clear()
            for state in states:
                self.training.timeline.add(state)
            steps = [state.step for state in states]
            self.transport.set_step(max(steps, default=0), steps)
            self.look(None)
        elif bundled is not None:
            self.cards.show_learned(bundled[1][-1], bundled[0])
        else:
            self.look(None)

    def _forget(self) -> None:
        """Start anew: everything is trained again."""
        self._done = None

    def _go_on(self) -> None:
        """A new run that keeps what is the same."""
        self._done = self._mine
        runs = self.training.runs
        self.training.restart()
        if not runs:
            self.training.play()

    # -- the run
    def told(self, event: Event) -> None:
        match event:
            case StudyBegan():
                self._began(event)
            case StudyStep():
                self.cards.take_step(event)
            case StudyPoint() if self._mine is not None:
                self._mine = replace(self._mine, points=(*self._mine.points, event.point))
                self.write(self._mine)
                if self._studied == YOURS:
                    self.show_table(self._mine, True)
            case Kept() if self.transport.selected is None and self._studied == YOURS:
                self.cards.show_learned(event.weights, self._samples.get(YOURS))
            case Finished():
                self.tell(Message("The study is done."))
            case Progress():
                self.tell(event.text)
            case Ended():
                self.cards.draw_live()

    def _began(self, begun: StudyBegan) -> None:
        self._samples[YOURS], self._mine, self._studied = begun.sample, begun.table, YOURS
        self.cards.begin()
        self.show_table(begun.table, True)
        self.change(study_shown=YOURS)
        old, new = self._done, begun.table
        if old is not None and old.data == new.data and old.mark != new.mark:
            self.tell(Message("Earlier results may be of other pictures: everything is trained again."))
        if begun.notes:
            self.complain(joined(begun.notes), word="Note")

    # -- drawing
    def look(self, state: Weights | None) -> None:
        shown = state or self.training.timeline.newest
        if shown is None:
            self.cards.learned_card.set_empty("A study shows here how its ViTs learn to see.")
            return
        if self.training.params is not None and self._studied != YOURS:  # the scrubber is of the run in hand
            self.change(study_shown=YOURS)
        self.cards.show_learned(shown, self._samples.get(self._studied))

    def show_table(self, table: Table, own: bool) -> None:
        self.table = table
        self.cards.show_table(table, own)
        counts = ", ".join(f"{s} {words.number(table.parameters[VIT, s])}" for s in table.sizes)
        say(self.sizes, "setText", Message("Parameters of each ViT: {sizes}. The CNN has as many, within 3 %.",
                                           {"sizes": counts}))  # fmt: skip
