"""Starting: settings, look and language, then the window or the snapshots."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QLocale, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app import display, qtlog, snapshot, theme, words
from app.garbage import Collections
from app.leaving import Leaving
from app.presenter import factor
from app.settings import ZOOMS, Settings
from app.stream import PATIENCE
from app.topic.tab import Tab
from app.topics import topic, topics
from app.uncaught import Uncaught
from app.window import Window
from engines.core.preload import preload

FACTOR = "QT_SCALE_FACTOR"  #: of the environment; Qt reads it once


def start(options: Namespace) -> tuple[QApplication, Settings]:
    """The application object with look and language set, and the settings.

    Raises
    ------
    display.NoScreen
        If the display has no screen.
    """
    app = QApplication.instance()
    settings = Settings.load(temporary=options.snapshot is not None)
    if not isinstance(app, QApplication):
        if settings.zoom != ZOOMS[0]:
            os.environ[FACTOR] = factor(settings.zoom, os.environ.get(FACTOR, ""))
        with qtlog.Starting():
            app = QApplication(sys.argv[:1])
        if app.primaryScreen() is None:
            raise display.NoScreen  # the first window would end the process
        Collections(app)
    app.setApplicationName("Attention Lab")
    sys.setswitchinterval(PATIENCE)
    app.setStyle("Fusion")
    if options.device:
        settings.device = options.device
    if options.theme:
        settings.theme = options.theme
    if options.lang:
        settings.language = options.lang
    language = settings.language or ("zh" if QLocale.system().language() == QLocale.Language.Chinese else "en")
    words.set_language(language)
    theme.use(settings.theme or theme.system())
    theme.set_motion(not settings.reduce_motion)
    return app, settings


def run(options: Namespace, started: float) -> int:
    """Open the window and stay until it is closed; or take the snapshots."""
    own = os.environ.get(FACTOR)
    app, settings = start(options)
    preload()
    for name in options.tab:
        if topic(name) is None:
            known = ", ".join(t.name for t in topics())
            print(f"There is no topic {name!r}. Known: {known}.", file=sys.stderr)
            return 2
    if options.snapshot is not None:
        return snapshot.take(options, settings)
    window = Window(settings)
    if options.size:
        window.resize(*options.size)
    window.show()

    def fill() -> None:
        """The first paint is over: now build the tab, which imports what is slow to import."""
        tell_time("first paint", started)
        greets = not (window.settings.tab or options.tab or options.files)
        for name in options.tab[:-1]:
            window.show_topic(name)
        tab = window.show_topic(window.first_topic(options.tab[-1] if options.tab else ""))
        FirstAnswer(window, tab, lambda: tell_time("first answer", started))
        if options.page is not None:
            tab.show_page(min(options.page, len(tab.pages)) - 1)
        window.guide.begin(greets)
        window.tell_settings_note()
        if options.files:
            window.take_paths([str(Path(f)) for f in options.files])

    FirstPaint(window, fill)
    leaving, hooks = Leaving(app, window), Uncaught(window)
    try:
        code = app.exec()
    finally:
        hooks.close()
        leaving.close()
    if window.presenter.starts_anew:
        start_anew(own)
    return code


def start_anew(own: str | None) -> None:
    """Put another of this program in its place, with nothing to open: the session is there.

    Parameters
    ----------
    own : str or None
        What the environment said of Qt's factor before this program did.
    """
    os.environ.pop(FACTOR, None)
    if own is not None:
        os.environ[FACTOR] = own
    command = [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]
    if os.name == "nt":  # where nothing takes a program's place
        subprocess.Popen(command)
    else:
        os.execv(sys.executable, command)


def tell_time(what: str, started: float) -> None:
    """Print how long something took from the start, for those who measure."""
    if os.environ.get("ATTENTION_LAB_TIMES"):
        print(f"{what} {1000 * (time.perf_counter() - started):.0f} ms", file=sys.stderr, flush=True)


class FirstAnswer(QObject):
    """Waits until a tab has drawn an answer and the window has painted it, then acts once."""

    def __init__(self, window: QWidget, tab: Tab, act: Callable[[], None]) -> None:
        super().__init__(window)
        self._window, self._tab, self._act = window, tab, act
        tab.answered.connect(self._answered)

    def _answered(self) -> None:
        self._tab.answered.disconnect(self._answered)
        self._window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest:  # what was drawn is about to be painted
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._act)
        return False


class FirstPaint(QObject):
    """Waits for the first paint of a widget, then acts once."""

    def __init__(self, target: QWidget, act: Callable[[], None]) -> None:
        super().__init__(target)
        self._act: Callable[[], None] | None = act
        target.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._act is not None:
            act, self._act = self._act, None
            QTimer.singleShot(0, act)
            watched.removeEventFilter(self)
        return False
