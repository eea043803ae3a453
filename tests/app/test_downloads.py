"""A download tells its progress and exactly one end, on the GUI thread, and leaves no thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import words
from app.downloads import Download, progress_text
from app.window import Window
from engines.checkpoints import hub
from engines.core.errors import Message
from tests.hub_server import COMMIT, NAME, WEIGHTS, Hub, clean_environment, serving


@pytest.fixture
def server(no_thread_left: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    clean_environment(monkeypatch, tmp_path)
    with serving(monkeypatch) as made:
        yield made


class Watched:
    """A download, and all it says."""

    def __init__(self) -> None:
        self.job = Download(NAME)
        self.ends: list[tuple[str, object]] = []
        self.progress: list[tuple[float, float, float]] = []
        self.threads: set[threading.Thread] = set()
        self.job.progress.connect(self._progress)
        self.job.finished.connect(lambda path: self._end("finished", path))
        self.job.failed.connect(lambda message: self._end("failed", message))
        self.job.cancelled.connect(lambda: self._end("cancelled", None))

    def _progress(self, done: float, total: float, speed: float) -> None:
        self.threads.add(threading.current_thread())
        self.progress.append((done, total, speed))

    def _end(self, kind: str, what: object) -> None:
        self.threads.add(threading.current_thread())
        self.ends.append((kind, what))


@pytest.fixture
def watched(server: Hub, qtbot: QtBot) -> Iterator[Watched]:
    made = Watched()
    yield made
    made.job.close()
    made.job.deleteLater()


def test_it_finishes(watched: Watched, qtbot: QtBot) -> None:
    assert not watched.job.running
    watched.job.start()
    qtbot.waitUntil(lambda: bool(watched.ends))
    assert watched.ends == [("finished", hub.cached(NAME))]
    assert hub.cached(NAME).name == COMMIT
    assert watched.progress[-1][0] == watched.progress[-1][1] > len(WEIGHTS)
    assert watched.threads == {threading.main_thread()}
    assert not watched.job.running


def test_it_fails_in_words(watched: Watched, server: Hub, qtbot: QtBot) -> None:
    del server.files["model.safetensors"]
    watched.job.start()
    qtbot.waitUntil(lambda: bool(watched.ends))
    ((kind, message),) = watched.ends
    assert kind == "failed"
    assert "offers no safetensors" in words.tr(message)


def test_a_mistake_of_the_program_is_told_too(
    watched: Watched, server: Hub, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(hub, "download", fail)
    watched.job.start()
    qtbot.waitUntil(lambda: bool(watched.ends))
    ((kind, message),) = watched.ends
    assert kind == "failed"
    assert words.tr(message) == "Unexpected RecursionError: too deep"
    assert "in fail\n" in watched.job.details


def test_cancel_is_told_at_once_and_only_once(watched: Watched, server: Hub, qtbot: QtBot) -> None:
    server.stall_at = 400_000
    watched.job.start()
    assert server.stalled.wait(120)
    watched.job.cancel()
    assert watched.ends == [("cancelled", None)]  # before the thread has even noticed
    watched.job.cancel()
    watched.job.close()
    qtbot.wait(1)  # whatever was in the queue is delivered now
    assert watched.ends == [("cancelled", None)]
    assert hub.cached(NAME) is None


def test_closing_in_the_middle_is_quick_and_silent(watched: Watched, server: Hub, qtbot: QtBot) -> None:
    server.stall_at = 400_000
    watched.job.start()
    assert server.stalled.wait(120)
    start = time.monotonic()
    watched.job.close()
    assert time.monotonic() - start < 10  # the limit for silence is 20 s
    qtbot.wait(1)
    assert watched.ends == []


def test_closing_before_the_start(watched: Watched) -> None:
    watched.job.cancel()
    watched.job.close()
    assert watched.ends == []


def test_what_the_status_bar_says() -> None:
    message = progress_text("ViT-B/16", 212e6, 346e6, 8.1e6)
    assert words.tr(message) == "Reading ViT-B/16: 212 of 346 MB, 8.1 MB/s"
    message = progress_text("ViT-B/16", 212e6, 0, 8.1e6)  # the hub has not said how long it is
    assert words.tr(message) == "Reading ViT-B/16: 212 MB, 8.1 MB/s"


def test_after_a_failure_the_second_click_works(
    open_window: Callable[..., Window], server: Hub, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    window = open_window()
    told: list[tuple[Message, Callable[[], None]]] = []
    window.complain = lambda reason, _action="", act=None, word="": told.append((reason, act))
    used: list[str] = []
    window.intake.use_model = used.append
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(hub, "_listen", lambda *_: 1 / 0)  # a mistake in the thread
        window.download(NAME)
        qtbot.waitUntil(lambda: bool(told))
    (reason, again) = told[0]
    assert words.tr(reason) == "Unexpected ZeroDivisionError: division by zero"
    assert window.last_failure.error is reason
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not window.intake.downloading
    again()
    assert window.intake.downloading
    qtbot.waitUntil(lambda: bool(used))
    assert used == [NAME]
    assert len(told) == 1
