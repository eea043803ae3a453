"""Starts that must fail: each ends in words and exit code 2, never in a traceback or an abort of Qt."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import tomllib
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import command, display

ROOT = Path(__file__).parents[1]
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 and Qt's plugins for it")
NUMBER = 60_000 + os.getpid() % 5000  #: of a display that nobody has


def start(*options: str, flags: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """Run the program without any of the displays that this process knows."""
    around = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, *flags, str(ROOT / "main.py"), *options],
        env=around | env, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


# ------------------------------------------------------------------ packages
def test_what_is_needed_is_what_pyproject_asks_for():
    with open(ROOT / "pyproject.toml", "rb") as file:
        asked = tomllib.load(file)["project"]["dependencies"]
    assert [line.split(">=")[0] for line in asked] == list(command.NEEDED.values())


def test_packages_that_are_not_installed_are_named_all_at_once():
    """Without ``site`` the interpreter sees none of them."""
    told = refused(start(flags=("-S",)))
    assert all(name in told for name in command.NEEDED.values())
    assert f'-m pip install "{ROOT}"' in told


def test_the_empty_folder_that_a_removed_package_leaves_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "nothing_in_it").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert command.missing() == []
    monkeypatch.setitem(command.NEEDED, "nothing_in_it", "nothing-in-it")
    assert command.missing() == ["nothing-in-it"]


class Broken:
    """Stands for a module whose import fails."""

    def __init__(self, error: ImportError) -> None:
        self._error = error

    def __getattr__(self, name: str):
        raise self._error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("libEGL.so.1: cannot open shared object file", name="PySide6"), "libEGL.so.1"),
        (ImportError("cannot import name 'QtSvg' from 'PySide6'", name="PySide6"), "QtSvg"),
    ],
)
def test_a_package_that_does_not_work(monkeypatch, capsys, error, words):
    monkeypatch.setitem(sys.modules, "app.launch", Broken(error))
    assert command.main([]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "install" in told


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "app.launch", Broken(ImportError("no such name", name="app.window")))
    with pytest.raises(ImportError, match="no such name"):
        command.main([])


# ------------------------------------------------------------------ displays
@ON_LINUX
@pytest.mark.parametrize(
    ("name", "words"),
    [(f":{NUMBER}", "cannot be reached"), ("nonsense", "names no display"), ("", "no display here")],
    ids=["nobody there", "nonsense", "none"],  # the number is another in each process
)
def test_a_dead_display(name, words):
    told = refused(start(DISPLAY=name))
    assert words in told
    assert "--snapshot" in told


@ON_LINUX
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "tcp/localhost", "nosuch.invalid", "ä" * 80, ""])
def test_a_display_that_refuses(host):
    assert "cannot be reached" in display.silence(f"{host}:{NUMBER - 6000}.0", 2)


@ON_LINUX
@pytest.mark.parametrize("name", [":", "0", "a:b", ":123456", ":1.x", "\n"])
def test_a_name_of_no_display(name):
    assert "names no display" in display.silence(name)


@contextmanager
def served(answer: bytes | None):
    """The name of a local display that takes one connection and says ``answer``, b"" hanging up and None nothing."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0/tmp/.X11-unix/X{NUMBER}")
    server.listen()

    def serve() -> None:
        taken, _ = server.accept()
        with taken:
            assert taken.recv(12)[:3] == b"l\0\x0b"  # little endian, X11
            taken.sendall(answer)

    thread = threading.Thread(target=serve)
    with server:
        if answer is not None:
            thread.start()
        yield f":{NUMBER}"
        if answer is not None:
            thread.join()


@ON_LINUX
@pytest.mark.parametrize(
    ("answer", "words"), [(b"\1", ""), (b"\0", ""), (b"", "cannot be reached"), (None, "does not answer")]
)
def test_a_display_must_answer(no_thread_left, answer, words):
    with served(answer) as name:
        found = display.silence(name, 0.05 if answer is None else 60)
    assert bool(found) == bool(words)
    assert words in found


@ON_LINUX
def test_only_x11_is_asked():
    dead = {"DISPLAY": f":{NUMBER}"}
    assert display.trouble(dead)
    assert display.trouble(dead | {"QT_QPA_PLATFORM": "xcb:nograb"})
    assert not display.trouble(dead | {"QT_QPA_PLATFORM": "offscreen"})
    assert not display.trouble(dead | {"WAYLAND_DISPLAY": "wayland-0"})


@ON_LINUX
def test_a_platform_plugin_that_is_missing():
    told = refused(start(QT_QPA_PLATFORM="nosuch"))
    assert '"nosuch"' in told
    assert "offscreen" in told
    assert "--snapshot" in told


@ON_LINUX
def test_a_display_without_a_screen():
    if Path("/dev/fb0").exists():
        pytest.skip("this machine has a frame buffer, so there is a screen")
    assert "no screen" in refused(start(QT_QPA_PLATFORM="linuxfb"))


@ON_LINUX
def test_a_snapshot_needs_no_display(monkeypatch):
    seen = []
    monkeypatch.setattr("app.launch.run", lambda options, started: seen.append(os.environ["QT_QPA_PLATFORM"]) or 0)
    monkeypatch.setenv("DISPLAY", f":{NUMBER}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert command.main(["--snapshot", "nowhere"]) == 0
    assert seen == ["offscreen"]
