"""The main window: topics at the side, the tab in the middle, the status bar below.

It opens before torch is imported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget
from shiboken6 import isValid

from app import computing, diagnostics, keys, theme, words
from app.dressing import Dressing
from app.drops import accept_copy
from app.dropzone import DropZone, Passing, means_files
from app.folders import show_in_folder
from app.intake import Intake
from app.lessons.guide import Guide
from app.onepaint import PaintedOnce
from app.pinning import Pinning
from app.placing import Placing
from app.presenter import Presenter
from app.questions import ask_to_close
from app.regions import bring, keep_near
from app.saving import Saving
from app.session.session import Session
from app.settings import Settings
from app.sheet import Sheet
from app.side import Side
from app.status import Status
from app.studies.desk import Studies
from app.theme import NARROW
from app.tools import Tools
from app.topic.owning import adopt
from app.topic.tab import Tab
from app.topics import taking, topic, topics
from app.widgets import box, col, label, row
from app.words import Text
from engines.core.errors import Message
from engines.core.lane import Lane
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Progress

BEAT = 1000  #: ms between two looks at memory and frames per second


class Window(PaintedOnce):
    """One window, one compute lane, one tab a topic; a tab is built when it is first shown.

    Parameters
    ----------
    settings : Settings
        What was remembered from the last time.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.lane = Lane()
        self.tabs: dict[str, Tab] = {}
        self.last_failure: Ended | None = None
        self._wanted = ""  # a topic that was chosen and is not shown yet
        self._built: dict[str, Tab] = {}  # that were not shown yet
        self._paints = 0
        self._beat_at = time.monotonic()
        self.setWindowTitle("Attention Lab")
        self.setAcceptDrops(True)
        self.intake = Intake(self)
        self.saving = Saving(self)
        self.saving.told.connect(self._saved)
        self.saving.refused.connect(self.complain)
        self.session, self.pinning = Session(self), Pinning()
        self.session.told.connect(self._saved)
        self.session.refused.connect(lambda why: self.complain(why, word="Session"))
        self.studies, self.tools = Studies(self), Tools(self)
        self.guide = Guide(self)
        self.side = Side(topics(), self.tools.buttons, self.tools.lessons)
        self.side.chosen.connect(self.open_topic)
        self.status = Status(lambda menu: computing.add_threads(self, menu))
        self.status.device.connect(self.choose_device)
        self.status.cancelled.connect(self.cancel)
        self.status.sought.connect(show_in_folder)
        for one in (self.saving, self.session):
            one.saved.connect(self.status.set_saved)
        self.dressing = Dressing(self, self._dress)
        self.stack = QStackedWidget()
        self._splash = box(col(1, (row(1, label("Attention Lab", theme.TITLE, True, "quiet"), 1), 0), 1))
        self.stack.addWidget(self._splash)
        middle = row(self.side, (self.stack, 1), self.guide.panel, gap=0)
        root = box(col((middle, 1), self.status, gap=0), "window")
        self.setCentralWidget(root)
        self.zone, self.passing = DropZone(self), Passing(self)
        self.setFocus()  # else the first topic would have it
        self.placing, self.presenter = Placing(self), Presenter(self)
        keys.bind(self)
        computing.show(self)
        self._beat = QTimer(self)
        self._beat.setInterval(BEAT)
        self._beat.timeout.connect(self._look)
        self._beat.timeout.connect(self._save_settings)
        self._beat.start()
        self._look()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._focus_changed)

    # -- topics
    @property
    def tab(self) -> Tab | None:
        """The tab on screen; None before the first is built."""
        found = self.stack.currentWidget()
        return found if isinstance(found, Tab) else None

    def open_topic(self, name: str) -> None:
        """Bring a topic to the front; the first time in three turns: import, build, show."""
        found = topic(name)
        if name in self.tabs or found is None:
            self.show_topic(name)
            return
        self._wanted = name
        found.tab_class()
        QTimer.singleShot(0, self, self._build_wanted)

    def _build_wanted(self) -> None:
        """Build the topic chosen last, unless another came to the front meanwhile."""
        if self._wanted:
            self._build(self._wanted)
            QTimer.singleShot(0, self, self._show_wanted)

    def _show_wanted(self) -> None:
        """Show the topic chosen last."""
        if self._wanted:
            self.show_topic(self._wanted).greet()

    def _build(self, name: str) -> Tab:
        """Build a topic's tab, unless that is done."""
        if name not in self._built:
            found = topic(name)
            if found is None:
                raise KeyError(name)
            built = self._built[name] = found.tab_class()(found, self)
            self.stack.addWidget(built)  # now: it may wait to be shown while look, language or the window change
        return self._built[name]

    def show_topic(self, name: str) -> Tab:
        """Bring a topic to the front, building it if it is the first time."""
        self._wanted = ""
        if name not in self.tabs:
            tab = self.tabs[name] = self._build(name)
            del self._built[name]
            adopt(tab)
            tab.busy.connect(lambda busy, t=tab: self._busy(t, busy))
            tab.answered.connect(lambda t=tab: self._answered(t))
            tab.progressed.connect(lambda progress, t=tab: self._progress(t, progress))
            tab.noted.connect(lambda note, t=tab: self._note(t, note))
            self.passing.let_through(tab)
            tab.built.connect(self.passing.let_through)
            tab.built.connect(self.presenter.dress)
            self.presenter.apply()
            self.intake.again.fill_strip(tab)
            if self.settings.page(name) < len(tab.pages):
                tab.show_page(self.settings.page(name))
        tab = self.tabs[name]
        bring(self.stack, tab, tab.pages[tab.page].centre)
        self.side.set_topic(name)
        self.settings.tab = name
        self.status.set_note(tab.note)
        tab.shown()
        self.status.set_busy(tab.is_busy)
        return tab

    def first_topic(self, asked: str = "") -> str:
        """The topic asked for, the one of the last time, or the very first time the first of all."""
        for name in (asked, self.settings.tab):
            if name and topic(name) is not None:
                return name
        return topics()[0].name

    # -- what tabs and status bar ask for
    def choose_device(self, name: str) -> None:
        """Compute on ``auto``, ``cpu``, ``cuda`` or ``mps`` from now on, or on a cluster."""
        computing.choose_device(self, name)

    def cancel(self) -> None:
        """Cancel was pressed: the download if there is one, else what the tab computes."""
        if not self.intake.cancel() and self.tab is not None:
            self.tab.cancel()

    def complain(self, reason: Text, action: Text = "", act: Any = None, word: Text = "Error") -> None:
        """Say what went wrong on the tab on screen."""
        if word in ("Error", "Download"):
            diagnostics.remember(str(reason))
        if self.tab is not None:
            self.tab.complain(reason, action, act, word)

    def log(self, ended: Ended) -> None:
        """Keep the traceback of a failed run for a bug report, and print it."""
        self.last_failure = ended
        diagnostics.remember(ended.details or str(ended.error))
        if ended.details:
            print(ended.details, file=sys.stderr)

    def open_files(self) -> None:
        """Ask for pictures."""
        self.intake.ask_files()

    def open_folder(self) -> None:
        """Ask for a folder with a model or with pictures."""
        self.intake.ask_folder()

    def paste(self) -> None:
        """Take a picture from the clipboard."""
        self.intake.paste()

    def take_sample(self, name: str) -> None:
        """Show one of the sample photos."""
        self.intake.sample(name)

    def take_shown(self, picture: Picture) -> None:
        """Show a picture that another tab shows."""
        self.intake.hand_over(picture)

    def used_elsewhere(self, topic: str) -> list[tuple[str, Picture]]:
        """The pictures that other topics were last given, with the names of these topics."""
        return self.intake.used_elsewhere(topic)

    def read_again(self, topic: str, file: str, act: Callable[[Picture | None], None]) -> None:
        """Read the photo that a topic showed the last time; ``act`` gets it, or None where it can't be read."""
        self.intake.again.read(topic, file, act)

    def take_paths(self, paths: list[str]) -> None:
        """Take files and folders as if they were dropped on the window."""
        self.intake.paths(paths)

    def send(self, kind: str, value: object) -> None:
        """Hand something to the first topic that takes its kind."""
        if (taker := taking(kind)) is not None:
            self.show_topic(taker.name).take(kind, value)

    def download(self, source: str) -> None:
        """Fetch a model from the hub, then use it."""
        self.intake.download(source)

    # -- status bar
    def _busy(self, tab: Tab, busy: bool) -> None:
        if tab is self.tab and not self.intake.downloading:
            self.status.set_busy(busy)

    def _answered(self, tab: Tab) -> None:
        if tab is self.tab and not self.intake.downloading:
            self.status.answered()

    def _progress(self, tab: Tab, progress: Progress) -> None:
        if tab is self.tab and not self.intake.downloading:
            self.status.set_progress(progress.text, progress.done, progress.total)

    def _saved(self, note: Message) -> None:
        if (tab := self.tab) is not None:
            tab.tell(note)

    def _note(self, tab: Tab, note: Message | None) -> None:
        if tab is self.tab:
            self.status.set_note(note)

    def _look(self) -> None:
        now = time.monotonic()
        self.status.set_rate(max(0, self._paints - 1) / (now - self._beat_at))  # one is this very update
        self._paints, self._beat_at = 0, now
        self.status.set_memory(computing.memory(self))
        self.side.set_training([name for name, tab in self.tabs.items() if tab.trains])

    def keep_everything(self) -> None:
        """Bring to the disk what would be lost if the program ended now."""
        self.settings.remember(self)
        self.settings.save()
        self.session.keep()

    def _save_settings(self) -> None:
        """What was changed since the last beat goes to the disk: a killed window loses a second."""
        self.settings.remember(self)
        self.settings.save_changes()
        self.session.beat()
        self.tell_settings_note()

    def tell_settings_note(self) -> None:
        """Say what happened to the settings file, once there is a tab to say it on."""
        if self.tab is not None and (note := self.settings.take_note()) is not None:
            self.complain(note, word="Settings")

    # -- look and language
    def _dress(self, busy: bool) -> None:
        """The look is about to change, or has changed: trainings rest meanwhile."""
        self.lane.hold(busy)
        spoken = self.dressing.language != words.language()
        self.status.set_dressing(busy, "Switching the language" if spoken else "Switching the theme")

    def toggle_theme(self) -> None:
        """Light to dark and back."""
        self.ask_theme("light" if self.dressing.theme == "dark" else "dark")

    def ask_theme(self, name: str) -> None:
        """A theme was chosen by hand; an empty name follows the system."""
        self.settings.theme = name
        self.dressing.ask(theme=name or theme.system())

    def use_theme(self, name: str) -> None:
        """Show a theme at once and from now on; an empty name follows the system."""
        self.settings.theme = name
        theme.switch(self, theme=name or theme.system())

    def toggle_language(self) -> None:
        """English to Chinese and back."""
        self.ask_language("en" if self.dressing.language == "zh" else "zh")

    def ask_language(self, name: str) -> None:
        """A language was chosen by hand."""
        self.settings.language = name
        self.dressing.ask(language=name)

    def use_language(self, name: str) -> None:
        """Speak a language at once and from now on."""
        self.settings.language = name
        theme.switch(self, language=name)

    def _system_theme(self) -> None:
        if not self.settings.theme:
            self.dressing.ask(theme=theme.system())

    # -- window events
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not keys.act_late(self, event):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        good = (data.hasUrls() or data.hasImage() or data.hasText()) and accept_copy(event)
        if good and means_files(data):
            what = self.intake.foresee(data)
            self.zone.show_over(self.stack, what, self.side.button_of(what.topic))

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.zone.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.zone.hide()
        if accept_copy(event):
            self.intake.dropped(event.mimeData())

    def _focus_changed(self, old: QWidget | None, now: QWidget | None) -> None:
        if old is not None and isValid(old) and old.window() is self:
            keep_near(old, now)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_side()

    def fit_side(self) -> None:
        """Show icons alone where the window is narrow, or a page beside its lesson is."""
        self.side.set_rail(self.settings.rail or self.width() < NARROW or self.guide.cramped)

    def painted(self, seconds: float) -> None:
        """Count repaints for the frames per second of the status bar, and time them for the lane."""
        self._paints += 1
        self.lane.threads.painted(seconds)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.placing.shown()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing behind: no thread, no timer, no half file. A hand is asked first where something is lost."""
        if event.spontaneous() and ask_to_close(self):
            event.ignore()
            return
        self._beat.stop()
        self.keep_everything()  # first: what follows may take longer than a session's end allows
        self.hide()  # a long computation may take a moment to end; nobody has to watch that
        for sheet in self.findChildren(Sheet):
            sheet.close()  # one may have a thread at work
        for part in (self.studies, self.intake, self.saving, self.session, self.lane):
            part.close()
        self.settings.save()  # once more if it failed: what the lane has put down may have made room
        if (note := self.settings.take_note()) is not None:
            print(words.tr(note), file=sys.stderr)
        super().closeEvent(event)
