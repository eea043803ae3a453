"""The process that downloads: it can be ended anywhere, waits for others, and leaves its words when it ends badly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from engines.checkpoints import catalog, hub
from engines.checkpoints.hub import Cancel, CancelledError
from engines.core.errors import LabError
from tests.hub_server import COMMIT, CONFIG, NAME, WEIGHTS, Hub, clean_environment, etag, serving

WHOLE = len(CONFIG) + len(WEIGHTS)
IN_TIME = 2.0  # seconds; 0.01 on a quiet machine. What is waited for would last ten and more


@pytest.fixture(autouse=True)
def environment(no_thread_left: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean_environment(monkeypatch, tmp_path)


@pytest.fixture
def server(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as made:
        yield made


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "hf home/hub/models--owner--tiny"


class Running:
    """A download in its own thread."""

    def __init__(self) -> None:
        self.cancel = Cancel()
        self.reports: list[tuple[int, int, float]] = []
        self.told = threading.Event()  # it has reported something of the weights
        self.outcome: Path | LabError | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome = hub.download(NAME, self._report, self.cancel)
        except LabError as error:
            self.outcome = error

    def _report(self, done: int, total: int, speed: float) -> None:
        self.reports.append((done, total, speed))
        if done > len(CONFIG):
            self.told.set()

    def cancel_and_time(self) -> float:
        start = time.monotonic()
        self.cancel.set()
        self.thread.join(120)
        return time.monotonic() - start


def refusal(name: str = NAME) -> LabError:
    with pytest.raises(LabError) as caught:
        hub.download(name)
    return caught.value


def test_a_model_arrives(server: Hub, storage: Path) -> None:
    running = Running()
    running.thread.join(120)
    assert running.outcome == storage / "snapshots" / COMMIT == hub.cached(NAME)
    assert running.reports[-1][:2] == (WHOLE, WHOLE)
    seen = len(server.seen)
    assert hub.download(NAME) == running.outcome == catalog.locate(NAME).path
    assert catalog.describe(NAME).ready
    assert len(server.seen) == seen  # what is here needs no network


def test_words_cross(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "hf home").write_text("a file where the folder should be")
    error = refusal()
    assert "hf home/hub: can't be written (part of the path is not a folder)." in str(error)
    assert str(error.message.values["reason"]) == "part of the path is not a folder"  # a message in a message


def test_offline_mode(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "yes")
    assert "offline mode is on" in str(refusal())
    assert server.seen == []


@pytest.mark.parametrize("name", ["nonsense", "owner/tiny@../../x", "../tiny", "owner/..", "a/b/c", "a b/c", "/"])
def test_names_that_are_none(name: str) -> None:
    assert "not a hub id" in str(refusal(name))


def test_an_endpoint_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    assert "not a web address" in str(refusal())


# -- several at once
def test_of_two_downloads_one_waits_and_both_succeed(server: Hub) -> None:
    server.stall_at = 600_000
    first = Running()
    assert server.stalled.wait(120)
    second = Running()
    assert second.told.wait(120)  # it says how far the first one is, and so it waits
    assert second.reports[-1][0] < WHOLE
    server.gate.set()
    for running in (first, second):
        running.thread.join(120)
        assert running.outcome == hub.cached(NAME)
    assert server.asked("model.safetensors") == [None]


# -- cancel
def test_cancel_in_a_stalled_transfer(server: Hub, storage: Path) -> None:
    server.stall_at = 500_000
    running = Running()
    assert server.stalled.wait(120)
    onlooker = Running()
    assert onlooker.told.wait(120)  # some of it is on the disk
    assert onlooker.cancel_and_time() < IN_TIME
    assert running.cancel_and_time() < IN_TIME
    assert isinstance(running.outcome, CancelledError)
    assert hub.cached(NAME) is None
    (part,) = storage.rglob("*.incomplete")
    have = part.stat().st_size
    server.stall_at = None
    server.gate.set()
    assert (hub.download(NAME) / "model.safetensors").read_bytes() == WEIGHTS
    assert server.asked("model.safetensors")[-1] == f"bytes={have}-"


def test_cancel_in_a_handshake_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"https://127.0.0.1:{silent.getsockname()[1]}")
        running = Running()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # the client's half of the handshake is here: it waits for ours
            assert running.cancel_and_time() < IN_TIME
    assert isinstance(running.outcome, CancelledError)


def test_cancel_while_another_program_downloads(server: Hub, storage: Path) -> None:
    digest = etag("model.safetensors", WEIGHTS)
    (storage / "blobs").mkdir(parents=True)
    (storage / f"blobs/{digest}.0a1b2c3d.incomplete").write_bytes(b"x" * 1000)  # as huggingface_hub names it
    lock = storage.parent / f".locks/{storage.name}/{digest}.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        running = Running()
        assert running.told.wait(120)
        assert running.reports[-1][:2] == (len(CONFIG) + 1000, WHOLE)
        assert running.cancel_and_time() < IN_TIME
    assert isinstance(running.outcome, CancelledError)
    assert server.asked("model.safetensors") == []


def test_cancel_while_a_busy_hub_is_given_time(server: Hub) -> None:
    server.status["main"], server.headers = [429], {"Retry-After": "3600"}
    running = Running()
    assert server.refused.wait(120)
    assert running.cancel_and_time() < IN_TIME
    assert isinstance(running.outcome, CancelledError)


def test_cancel_before_anything(server: Hub) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        hub.download(NAME, None, cancel)
    assert server.seen == []


# -- bad ends
def test_a_process_that_ends_without_a_word(server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text("")  # a broken installation
    root = hub._ROOT
    monkeypatch.setattr(hub, "_ROOT", f"{tmp_path}{os.pathsep}{root}")
    error = refusal()
    assert "the download ended unexpectedly (ImportError: cannot import name 'constants'" in str(error)
    assert error.__notes__[0].startswith("Traceback (most recent call last):")
    monkeypatch.setattr(hub, "_ROOT", root)
    assert hub.download(NAME) == hub.cached(NAME)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_listener_that_fails_leaves_no_process(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.stall_at = 0
    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(Cancel, "hold", lambda _, process: started.append(process))

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hub.download(NAME, fail)
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_window_takes_its_download_along(server: Hub, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "60")  # so that it ends for no other reason
    server.stall_at = 500_000
    code = f"from engines.checkpoints import hub; hub.download({NAME!r})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=hub._ROOT) as window:
        assert server.stalled.wait(120)
        window.send_signal(signal.SIGKILL)
    lock = next(storage.parent.rglob(f"{etag('model.safetensors', WEIGHTS)}.lock"))
    with FileLock(lock, timeout=60):  # its process held this, and would for twice as long
        assert hub.cached(NAME) is None
