"""Random hands on the whole window for a long time: how long it stands still, and what it goes on to hold.

    python -m tests.soak [--seed N ...] [--minutes 25] [--clock wall|fair|cpu] [--json FILE] [--worst N]

Everything a person can do is done over all tabs and pages, with trainings running. Each seed has a process and a home
of its own. Limits: no gap of the GUI thread over 250 ms but where the theme or the language is switched or something
is opened or imported for the first time; none over 500 ms at all; from the eighth minute on memory within 15 %, and
objects, threads and open files that grow no more. Both times memory is looked at with the same in hand: each run begun
anew and unstarted, all settings as at first, windows beside the main one closed, and the same models read last. For a
run that fine-tunes a ViT-S needs 700 MB as long as it is in hand, and whether there is one at a given minute is the
dice's; the table has the peak beside it. What was let go and is still there, is found. A limit broken, a Python error
or a warning of Qt ends in exit code 1.
On a machine that others use too, ``--clock fair`` leaves out the seconds in which the thread waited for a core, and
``--clock cpu`` counts those that it computed. A real window::

    QT_QPA_PLATFORM=xcb xvfb-run -s "-screen 0 1920x1080x24" .venv/bin/python -m tests.soak
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

# before Qt and the models' libraries are imported: no network, nothing of the person at this machine
if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QDialog, QToolButton

from app import theme
from app.launch import start
from app.settings import Settings
from app.topic.state import State
from app.topics import topics
from app.training import Training
from app.transport import Transport
from app.views.colorbar import ColorBar
from app.window import Window
from engines.checkpoints import catalog
from engines.core.params import Params
from main import arguments
from tests import corpus
from tests.app.hands import Hands, without_dialogs
from tests.app.models import broken_models, tiny_vit
from tests.app.watch import CLOCKS, Held, Watch, peak
from tests.soak_report import HEAD, KINDS, broken, row, worst_places

SEEDS = (1, 2, 3)
MINUTES, SETTLED = 25.0, 8.0  # of a run; after which what is held grows no more
PAUSE = 50  #: ms between two acts
PATIENCE = 30  # seconds until a tab must be there
LOOK, STILL = 50, 2500  #: ms between two looks whether all rests, and from then, memory given back, to counting
VIT, WRITER = "vit", "keeping"  # a topic of the catalog; a thread that writes a run down
QUIET = ("propagateSizeHints", "does not support")  # what the offscreen platform says of itself


class WatchedHands(Hands):
    """Hands that tell the watch what they do, and look for things at nobody's cost.

    Parameters
    ----------
    watch : Watch
    """

    def __init__(self, window: Window, seed: int, drops: list[Path], watch: Watch) -> None:
        super().__init__(window, seed, drops)
        self.watch = watch
        self._acts.append((3, self.start_training))

    def do(self, act: Callable[[], str]) -> None:
        tab = self.window.tab
        self.watch.doing(f"{act.__name__} on {tab.topic.name} {tab.page + 1}" if tab else act.__name__)
        super().do(act)
        if self.watch.acts:
            self.watch.acts[-1] += ": " + self.log[-1].partition(" ")[2][:60]
        del self.log[:-20]

    def breathe(self, often: float) -> None:
        """Each event of a window system comes alone."""
        QApplication.processEvents()

    def _here(self) -> list[Any]:
        with self.watch.apart():
            return super()._here()

    def start_training(self) -> str:
        """Press Start on a training page that rests."""
        with self.watch.apart():
            bars = [one for one in self.window.tab.findChildren(Transport) if not one.runs]
        if not bars:
            return "none"
        self.dice.choice(bars).toggled.emit(True)
        return ""


class Soak(QObject):
    """One seed's walk.

    Parameters
    ----------
    window : Window
    seed : int
    drops : list of Path
        What is dropped.
    minutes, settled : float
        Length of the walk, and when to look for the first time at what is held.
    names : list of str, optional
        Topics that are opened before; all of them if not given.
    least : int
        Acts that are done at least before and after that look, however long they take.
    """

    def __init__(
        self,
        window: Window,
        seed: int,
        drops: list[Path],
        minutes: float,
        settled: float = SETTLED,
        names: list[str] | None = None,
        least: int = 0,
    ) -> None:
        super().__init__(window)
        self.window, self.minutes, self.settled = window, minutes, min(settled, minutes / 3)
        self.watch = Watch()
        self.hands = WatchedHands(window, seed, drops, self.watch)
        self.names = names or [one.name for one in topics()]
        self.acts, self.least = 0, least
        self.held: list[Held] = []
        self.problems: list[str] = []
        self._loop = QEventLoop()

    def run(self) -> dict[str, Any]:
        """Walk to the end; what was found."""
        watch, window = self.watch, self.window
        steps, show = theme.steps, window.show_topic

        def marked_steps(*args: Any, **named: Any) -> Iterator[None]:
            for _ in steps(*args, **named):
                watch.mark("look")
                yield
            watch.mark("look")

        def marked_show(name: str) -> Any:
            if name not in window.tabs:
                watch.mark("first")
            return show(name)

        theme.steps, window.show_topic = marked_steps, marked_show  # type: ignore[method-assign]
        watch.start()
        try:
            self._open()
            began = time.monotonic()
            self._walk(began + 60 * self.settled)
            self._weigh()
            self._walk(began + 60 * self.minutes)
            self._weigh()
            assert window.isVisible(), f"the window was closed on the way: {self.hands.log[-3:]}"
        finally:
            watch.stop()
            theme.steps, window.show_topic = steps, show  # type: ignore[method-assign]
        return self.found()

    def _open(self) -> None:
        """Each topic and page once, each training started."""
        for name in self.names:
            self.watch.doing(f"open {name}")
            self.window.side.chosen.emit(name)
            until = time.monotonic() + PATIENCE
            while name not in self.window.tabs and time.monotonic() < until:  # it is built in turns
                self.watch.mark("first")
                self._wait(LOOK)
            tab = self.window.tabs[name]
            for page in range(len(tab.pages)):
                self.watch.doing(f"open {name} {page + 1}")
                self.watch.mark("first")
                tab.show_page(page)
                self._wait(100)
                self._rest(training=False)
            for bar in tab.findChildren(Transport):
                bar.toggled.emit(True)
        self._rest(training=False)

    def _walk(self, until: float) -> None:
        least = self.acts + self.least

        def act() -> None:
            on = False
            try:
                self.hands.act()
                self.acts += 1
                failure = self.window.last_failure
                if failure is not None and failure.details:
                    self.problems.append(f"{failure.details.strip()}\nafter {self.hands.log[-3:]}")
                    self.window.last_failure = None
                on = time.monotonic() < until or self.acts < least
            finally:  # a fault of the hands themselves ends the walk, or it would wait for ever
                if on:
                    QTimer.singleShot(PAUSE, act)
                else:
                    self._loop.quit()

        QTimer.singleShot(0, act)
        self._loop.exec()

    def _wait(self, ms: int) -> None:
        QTimer.singleShot(ms, self._loop.quit)
        self._loop.exec()

    def _rest(self, training: bool, most: float = 60) -> None:
        """Wait until nothing is read and computed."""
        until = time.monotonic() + most
        while time.monotonic() < until:
            self._wait(LOOK)
            waiting = [tab.is_busy for tab in self.window.tabs.values()]
            if training:
                waiting += [run.stream.is_busy for run in self.window.findChildren(Training)]
                waiting += [thread.name == WRITER for thread in threading.enumerate()]
            if not self.window.intake.reading and not any(waiting):
                return

    def _weigh(self) -> None:
        """Look at what is held with the same in hand each time; then the trainings go on, anew."""
        runs = [run for run in self.window.findChildren(Training) if run.runs]
        for run in runs:
            run.pause()
        self._as_at_first()
        self._wait(STILL)
        with self.watch.apart():
            for bar in self.window.findChildren(ColorBar):
                bar.ready()
            for one in self.window.findChildren(QToolButton):
                if one.menu() is not None:
                    one.menu().aboutToShow.emit()  # most are filled when they open: a first time is no growth
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            self.held.append(Held.now())
        for run in runs:
            run.play()

    def _as_at_first(self) -> None:
        """All settings back, each run begun anew and not started; of each tab the same models are the last ones used.

        Engines keep two models: whether a large one is among them is no growth either. Windows beside the main one,
        studies and comparisons, are closed, and studies ended: how many of them the hand left open is the dice's.
        """
        with self.watch.apart():
            for study in tuple(self.window.studies.sheets.values()):
                study.end()
                study.close()
            for one in QApplication.topLevelWidgets():
                if isinstance(one, QDialog) and one.isVisible():
                    one.close()
        large = next((one.name for one in catalog.available(VIT) if one.kind == "package"), None)
        for name, tab in self.window.tabs.items():
            tab.show_page(0)
            if large is not None and tab.takes_models and (name == VIT or tab.claims_model(large)):
                tab.take_model(large)
                self._rest(training=True)
            for state in tab.findChildren(State):
                state.put(**as_at_first(state.params))
            self._rest(training=True)
            for bar in tab.findChildren(Transport):
                bar.restarted.emit()
            self._rest(training=True)

    # -- what was found
    def found(self) -> dict[str, Any]:
        """Everything as builtins, for JSON and the table."""
        return {
            "acts": self.acts,
            "minutes": self.minutes,
            "gaps": [gap.as_data() for gap in self.watch.gaps],
            "held": [asdict(one) for one in self.held],
            "peak": peak(),
            "problems": self.problems,
        }


def as_at_first(params: Params) -> dict[str, Any]:
    """All settings of the very first start."""
    first = type(params)()
    return {f.name: getattr(first, f.name) for f in fields(first) if f.init}


def dropped(folder: Path) -> list[Path]:
    """Pictures good and bad, models good and bad, files of other kinds and a folder."""
    for inner in ("dropped", "models"):
        (folder / inner).mkdir()
    drops = list(corpus.write(folder / "dropped").values())
    good = tiny_vit(folder / "models" / "good")
    drops += [tiny_vit(folder / "models" / "other", layers=2, heads=2, seed=1, classes=False), good] * 6
    drops += broken_models(folder / "models", good).values()
    drops += [folder / "dropped"] * 2
    return drops


# ------------------------------------------------------------------ the command
def walk(seed: int, minutes: float) -> dict[str, Any]:
    """One walk in this process, in a home of its own."""
    problems: list[str] = []

    def error(kind: Any, value: Any, trace: Any) -> None:
        problems.append("".join(traceback.format_exception(kind, value, trace)).strip())

    def heard(kind: QtMsgType, _context: Any, text: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not any(part in text for part in QUIET):
            problems.append(f"Qt: {text}")

    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["ATTENTION_LAB_HOME"] = str(folder / "home")
        hooks = sys.excepthook, threading.excepthook
        sys.excepthook = error
        threading.excepthook = lambda args: error(args.exc_type, args.exc_value, args.exc_traceback)
        qInstallMessageHandler(heard)
        app, settings = start(arguments(["--lang", "en", "--theme", "light", "--device", "cpu"]))
        assert isinstance(settings, Settings)
        window = Window(settings)
        window.show()
        (folder / "saved").mkdir()
        try:
            with without_dialogs(folder / "saved"):
                soak = Soak(window, seed, dropped(folder), minutes)
                soak.problems = problems
                found = soak.run()
        finally:
            sys.excepthook, threading.excepthook = hooks  # a fault of the walk itself is to be seen
        window.close()
        window.lane.close(60)
        app.processEvents()
        qInstallMessageHandler(None)
    return found


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.soak", description="Random hands on the window for a long time.")
    parser.add_argument("--seed", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="which seconds are judged")
    parser.add_argument("--json", type=Path, help="write everything that was found")
    parser.add_argument("--worst", type=int, default=5, help="places of gaps that are told")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # in a process of its own
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Walk with each seed, print the table; 1 where a limit was broken."""
    asked = options(argv)
    if asked.one:
        asked.json.write_text(json.dumps(walk(asked.seed[0], asked.minutes)))
        return 0
    kept: dict[str, Any] = {}
    wrong = 0
    print(HEAD, flush=True)
    for seed in asked.seed:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "found.json"
            command = [sys.executable, "-X", "faulthandler", "-m", "tests.soak", "--one", "--seed", str(seed)]
            ended = subprocess.run([*command, "--minutes", str(asked.minutes), "--json", str(path)], check=False)
            if not path.exists():
                print(f"{seed:>5} ended with code {ended.returncode}")
                wrong += 1
                continue
            found = kept[str(seed)] = json.loads(path.read_text())
        told = broken(found, asked.clock)
        wrong += bool(told)
        print(row(seed, found, asked.clock))
        for kind in KINDS:
            places = worst_places(found, asked.clock, asked.worst, kind)
            if places:
                print(f"  -- {kind or 'own'}\n{places}")
        for problem, times in Counter(found["problems"]).most_common(asked.worst):
            print(f"  error ({times}): {problem}")
        print("  " + ("; ".join(told) or "within all limits"), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(kept, indent=1))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
