"""The window of a study: at the left what is asked, at the right what comes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QDialog, QFileDialog, QFrame, QMenu, QProgressBar, QScrollArea, QWidget

from app import export, words
from app.folders import show_in_folder
from app.header import entry
from app.lastfolder import OPENED, follow, start_in
from app.studies.results import Results
from app.studies.running import Running
from app.studies.setup import Setup
from app.studies.subject import Subject, put_down, study_from
from app.theme import BODY, S2, S3
from app.widgets import box, button, col, label, quiet, row
from app.words import Text
from engines.core.errors import LabError, Message
from engines.studies.book import FILE, as_arrays, as_csv, known
from engines.studies.parts import FIELD
from engines.studies.reading import said_in
from engines.studies.spec import Outcome, put
from engines.studies.toml import normal

if TYPE_CHECKING:
    from app.window import Window

WIDE, HIGH = 1060, 700  #: px, at most
ROOM = 60  #: px of the screen that are left around it
DOCK = 268  #: px
BEAT = 500  #: ms between two looks at the time that is left


class StudySheet(QDialog):
    """Not modal; a study goes on while its window is closed.

    Parameters
    ----------
    window : Window
    subject : Subject
    folder : Path, optional
        Of the study that is shown first.
    """

    def __init__(self, window: Window, subject: Subject, folder: Path | None = None) -> None:
        super().__init__(window)
        self._window, self.subject = window, subject
        self.saving = window.saving  # where views save to
        self.folder: Path | None = None
        self.running: Running | None = None
        self._said: dict[str, Any] = {}  # the study on screen, as its file says it
        self._untouched: dict[str, Any] | Message | None = None  # what the left asks for when it shows that study
        self._closed = False  # by the hand
        words.say(self, "setWindowTitle", Message("Study: {title}", {"title": subject.title}))
        self.setup, self.results = Setup(subject), Results()
        self._place = col(self.setup, 1, gap=S3, pad=(S3, S3, S3, 0))
        self.go = button("Start", "play", "primary", clicked=self.act)
        self.count, self.refusal = quiet("", BODY, wrap=True), label("", BODY, kind="danger", wrap=True)
        self.refusal.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.rest = quiet("", BODY, wrap=True)
        self.more = button("Files", "folder", "boxed")
        menu = QMenu(self.more)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        self.more.setMenu(menu)
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        self._lay()
        self._beat = QTimer(self, interval=BEAT)
        self._beat.timeout.connect(self._say)
        self.setup.changed.connect(self._changed)
        self.setup.told.connect(self._bring)
        QShortcut(QKeySequence("Esc"), self).activated.connect(self.close)
        self.results.draw()
        self._changed()
        if folder is not None:
            self.show_folder(folder)

    def _lay(self) -> None:
        inside = box(self._place, "scroll")
        area = self._area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        foot = box(col(self.count, self.refusal, self.rest, self.progress, row((self.go, 1), self.more), gap=S2,
                       pad=(S3, S2, S3, S3)))  # fmt: skip
        dock = box(col((area, 1), foot, gap=0), "card")
        dock.setFixedWidth(DOCK)
        self.setLayout(row(dock, (self.results, 1), gap=S3, pad=S3))
        around = self._window.screen().availableGeometry()
        self.resize(min(WIDE, around.width() - ROOM), min(HIGH, around.height() - ROOM))

    # -- what is on screen
    def show_folder(self, folder: Path) -> bool:
        """Show a study that was begun; whether it could be read."""
        try:
            said = said_in(folder / FILE)
            study = study_from(said, folder.name)
            outcomes = known(study, folder)
        except LabError as error:
            self._refuse(error.message)
            return False
        self.folder, self._said = folder, unsealed(said)
        self.results.show_study(study, outcomes)
        self.setup.show_said(self._said)
        self._untouched = self._form()
        self._changed()
        return True

    def exported(self) -> dict[str, object]:
        """The settings that go into every file saved here."""
        return dict(self._said)

    @property
    def left(self) -> int:
        """Runs of the study on screen that have found nothing yet."""
        study, outcomes = self.results.study, self.results.outcomes
        return sum(row.key not in outcomes or outcomes[row.key].error is not None for row in study.rows) if study else 0

    def _form(self) -> dict[str, Any] | Message:
        """What stands at the left, as a file says it, or why it is nothing."""
        try:
            return normal(self.setup.said())
        except LabError as error:
            return error.message

    def _asked(self) -> dict[str, Any] | None:
        """What the hand asks for, as a file says it; None where it is nothing, of which it is told.

        A file may say what the left has no place for, a list of seeds or a third setting, and leave out what is as it
        is by default: as long as the hand has changed nothing, the study of the file is meant.
        """
        form = self._form()
        if form == self._untouched:
            form = self._said
        self._refuse(form if isinstance(form, Message) else None)
        return None if isinstance(form, Message) else form

    def _changed(self) -> None:
        """The hand asks for something else."""
        self._say(self._asked())

    def show_subject(self, subject: Subject) -> None:
        """Ask for something else altogether; the study on screen stays there until another is begun."""
        self.subject, self._untouched = subject, None
        old, self.setup = self.setup, Setup(subject)
        swap_in(self._place, old, self.setup)
        self.setup.changed.connect(self._changed)
        self.setup.told.connect(self._bring)
        words.say(self, "setWindowTitle", Message("Study: {title}", {"title": subject.title}))
        self._changed()

    def _bring(self, part: QWidget) -> None:
        """Scroll to a part once it has its place."""
        QTimer.singleShot(0, part, lambda: self._area.ensureWidgetVisible(part))

    # -- acts
    @property
    def runs(self) -> bool:
        """Whether runs are being made."""
        return self.running is not None and self.running.runs

    def act(self) -> None:
        """Start, go on, or stop."""
        if self.running is not None:
            self.running.stop()
            return
        said = self._asked()
        if said is None:
            return
        if self.setup.wants_address:
            self._refuse(Message("The address of the cluster is missing: host:port of its head."))
            return
        try:
            if said != self._said:
                study = study_from(said, self.subject.name)
                self.folder, self._said = put_down(said, self.subject.name), said
                self._untouched = None
                self.results.show_study(study, {})
        except LabError as error:
            self._refuse(error.message)
            return
        self._run()

    def _run(self) -> None:
        assert self.results.study is not None
        assert self.folder is not None
        self.running = Running(self.results.study, self.folder, self.setup.ray, self)
        self.running.begun.connect(self._begun)
        self.running.told.connect(self._told)
        self.running.over.connect(self._over)
        self.setup.set_open(False)
        self.go.setEnabled(True)
        self._beat.start()
        self._say()

    def _begun(self) -> None:
        """What pictures hold is known, and with it the runs: the program has read them, and the file as it is now."""
        assert self.running is not None
        assert self.folder is not None
        try:
            said = said_in(self.folder / FILE)
            other = unsealed(said) != self._said
            if not (self.subject.kind.part or other or self.running.left != self.left):
                return
            study = study_from(said, self.folder.name)
            self.results.show_study(study, known(study, self.folder))
            self.running.study = study
            if other:
                self._said = unsealed(said)
                self.setup.show_said(self._said)
                self._untouched = self._form()
            self._say()
        except LabError as error:
            self.running.stop()
            self._refuse(error.message)

    def _told(self, outcome: Outcome) -> None:
        self.results.add(outcome)
        self._say()

    def _over(self, why: Message | None) -> None:
        assert self.running is not None
        self.running.deleteLater()
        self.running = None
        self._beat.stop()
        self.setup.set_open(True)
        self.go.setEnabled(True)
        self._refuse(why)
        self._say()
        self._let_go(over=True)

    def end(self) -> None:
        """The window closes: stop, and return when nothing runs any more."""
        self._beat.stop()
        if self.running is not None:
            self.running.close()

    # -- what is said
    def _refuse(self, reason: Message | None) -> None:
        self.refusal.setVisible(reason is not None)
        if reason is not None:
            words.say(self.refusal, "setText", reason)

    def _say(self, asked: dict[str, Any] | None = None) -> None:
        """Where the study stands, and what the button does; ``asked`` is what the hand asks for."""
        running, study = self.running, self.results.study
        other = running is None and asked is not None and asked != self._said
        left = self.left
        total = count_of(asked) if other and asked is not None else len(study.rows) if study is not None else 0
        made = total - left if study is not None and not other else 0
        failed = sum(one.error is not None for one in self.results.outcomes.values())
        text = Message("{n} {n:run|runs}", {"n": words.number(total)})
        if not other and (made or failed or running is not None):
            text = Message("{made} of {n} runs are made.", {"made": words.number(made), "n": words.number(total)})
        if failed and not other:
            text = Message("{text} {n} failed; the table says why.", {"text": text, "n": failed})
        words.say(self.count, "setText", text)
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(made)
        self.progress.setVisible(made > 0 or running is not None)
        self.rest.setVisible(running is not None)
        if running is not None:
            words.say(self.rest, "setText", self._rest_of(running))
        goes_on = not other and left > 0 and (made > 0 or failed > 0)
        self.go.set_text("Stop" if running else "Continue" if goes_on else "Start")
        self.go.set_icon("stop" if running else "play")
        if running is None:
            self.go.setEnabled(other or (study is not None and left > 0))

    def _rest_of(self, running: Running) -> Text:
        """How long it will take."""
        seconds = running.seconds_left
        if seconds is not None:
            return Message("{time} left", {"time": lasting(seconds)})
        if running.left is None and self.subject.kind.part:
            return "Reading the pictures"
        return "Starting" if running.left is None else "The first runs are under way."

    # -- files
    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        entry(menu, "A new study", lambda: self.renew(), enabled=self.running is None)
        entry(menu, "Open a study", self._ask_folder, enabled=self.running is None)
        has = self.folder is not None
        entry(menu, "Show in folder", lambda: show_in_folder(self.folder / FILE) if self.folder else None, enabled=has)
        menu.addSeparator()
        entry(menu, "Save the runs (CSV)", lambda: self._ask_place(".csv"), enabled=has)
        entry(menu, "Save the runs (NPZ)", lambda: self._ask_place(".npz"), enabled=has)

    def renew(self) -> None:
        """Begin with what the page is set to now."""
        subject = self._window.studies.subject_of(self.subject.name) or self.subject
        self.show_subject(replace(subject, data=self.setup.folder.path))

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, words.tr("The folder of a study"), str(start_in(self, OPENED)))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: self._window.studies.open(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_place(self, ending: str) -> None:
        dialog = QFileDialog(self, words.tr("Save as {kind}", kind=ending[1:].upper()))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"*{ending}")
        dialog.setDefaultSuffix(ending[1:])
        follow(dialog)
        dialog.selectFile(f"study-{self.subject.name}{ending}")
        dialog.fileSelected.connect(lambda path: export.save_as(self, path, ending, lambda place: self.save(place)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, place: Path) -> None:
        """Write the runs that have ended, with the settings."""
        study, outcomes = self.results.study, self.results.outcomes
        assert study is not None
        settings = export.settings_text(self.exported())
        ended = [outcomes[one.key] for one in study.rows if one.key in outcomes]

        def fill(out: BinaryIO) -> None:
            if place.suffix == ".csv":
                out.write(f"\ufeff# settings {settings}\n{as_csv(ended, study)}".encode())
                return
            good = [one for one in ended if one.error is None]
            put(out, {**as_arrays(good, study), "settings": np.array(settings)})

        self.saving.write(place, fill)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The study goes on; one that has nothing to go on with is let go."""
        self.hide()
        event.ignore()
        self._closed = True
        self._let_go()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._closed = False

    def _let_go(self, over: bool = False) -> None:
        """Its file tells all of it when it is opened again; hundreds of widgets are not kept for that."""
        if self._closed and not self.runs:
            self._window.studies.forget(self)
            if self._window.tab is not None and over:
                self._window.tab.tell(Message("Study ended: {title}", {"title": self.subject.title}))
            self.deleteLater()


def lasting(seconds: float) -> Message:
    """A time in a few signs."""
    if seconds < 90:
        return Message("{n} s", {"n": words.number(seconds)})
    if seconds < 5400:
        return Message("{n} min", {"n": words.number(seconds / 60)})
    return Message("{n} h", {"n": words.number(seconds / 3600, 1)})


def unsealed(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says without the hashes of its pictures, as the hand asks for it."""
    if "data" not in said:
        return dict(said)
    return {**said, "over": {name: values for name, values in said.get("over", {}).items() if name != FIELD}}


def count_of(said: Mapping[str, Any]) -> int:
    """How many runs a study has."""
    seeds = said["seeds"]
    return math.prod([seeds if isinstance(seeds, int) else len(seeds), *(len(one) for one in said["over"].values())])


def swap_in(place: QBoxLayout, old: QWidget, new: QWidget) -> None:
    """Put a part into the place of another."""
    place.replaceWidget(old, new)
    old.hide()
    old.deleteLater()
