"""Diagnostics: what a bug report needs is in it, and nothing about the person."""

from __future__ import annotations

import sys
import sysconfig
import threading
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from app import __version__, command, diagnostics
from app.scrub import scrub
from app.settings import Settings
from app.uncaught import Uncaught
from engines.core.errors import LabError, Message
from engines.core.protocol import Ended

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_remembered():
    diagnostics.forget()
    yield
    diagnostics.forget()


@pytest.fixture
def anna(monkeypatch):
    """A person with a name, a home and a token."""
    monkeypatch.setenv("USER", "anna")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/anna"))
    monkeypatch.setattr("socket.gethostname", lambda: "annas-laptop.example")
    monkeypatch.setenv("SOME_API_KEY", "0123-4567-89")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("'/home/anna/My thesis/a b.png': not an image", "'~/<path>.png': not an image"),
        ('File "/home/anna/code/x.py", line 3, in f', 'File "~/<path>.py", line 3, in f'),
        ("open /media/stick 1/a b/c d.png failed", "open <path>.png failed"),
        (r"'C:\Users\anna\x y.jpg' is gone", "'<path>.jpg' is gone"),
        (r"cannot read D:\data\x.bin now", "cannot read <path>.bin now"),
        ("see file:///home/anna/x%20y.html!", "see file://<path>"),
        ("~/secret/plan.txt", "~/<path>.txt"),
        ('"/home/anna/Anna\'s.png"', '"~/<path>.png"'),
        ("x = a / b  # 1/2, and/or, https://example.org/a/b", "x = a / b  # 1/2, and/or, https://example.org/a/b"),
        ("https://cdn.example/file?X-Amz-Signature=abc&x=1 timed out", "https://cdn.example/file?<query> timed out"),
        ("http://anna:pass@proxy.example:80/", "http://<token>@proxy.example:80/"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer <token>"),
        ("hf_AbCdEf123456 expired, key 0123-4567-89", "<token> expired, key <token>"),
        ("anna at annas-laptop, not annabel", "<name> at <name>, not annabel"),
        ("at the root of anna_models", "at the root of anna_models"),
    ],
)
def test_what_is_taken_out_and_what_stays(anna, text, left):
    assert scrub(text) == left


def test_files_of_the_program_keep_what_is_the_same_everywhere(anna):
    packages, python = sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")
    told = scrub(f'File "{packages}/torch/nn/x.py"\nFile "{python}/json/__init__.py"\nFile "{ROOT}/app/window.py"')
    assert told.splitlines() == [
        'File "site-packages/torch/nn/x.py"', 'File "python/json/__init__.py"', 'File "attention-lab/app/window.py"'
    ]  # fmt: skip


def test_names_of_the_persons_files_go_even_without_a_path(anna):
    assert scrub("thesis.png: not an image", ["/media/x/thesis.png"]) == "<file>.png: not an image"


def test_the_report_of_a_window(open_window, monkeypatch, anna):
    window = open_window(look="dark")
    window.show_topic("scoring")
    secret = f"FileNotFoundError: '{Path.home()}/x/photo.png' hf_abcdefgh"
    window.log(Ended(window.tab.params, error=Message("Unexpected {kind}"), details=f"Traceback\n{secret}"))
    window.complain(Message("{name}: gated.", {"name": "some/model"}), word="Download")
    window.tools.copy_diagnostics()
    told = QGuiApplication.clipboard().text()
    session = ("platform: offscreen", "now dark", "tabs open: scoring")
    assert all(line in told for line in (f"Attention Lab {__version__}", "torch 2.", "numpy ", *session))
    assert "Traceback" in told
    assert "'~/<path>.png' <token>" in told
    assert "some/model: gated." in told
    assert "anna" not in told
    assert str(ROOT) not in told
    assert "Copied" in str(window.tab.note)


def test_the_menu_offers_it(open_window):
    from PySide6.QtWidgets import QMenu

    window = open_window()
    menu = QMenu()
    window.tools.fill(menu)
    (action,) = [a for a in menu.actions() if a.text() == "Copy diagnostics"]
    action.trigger()
    assert "## Versions" in QGuiApplication.clipboard().text()
    menu.deleteLater()


def test_only_the_newest_errors_are_kept():
    for number in range(diagnostics.KEPT + 3):
        diagnostics.remember(f"error {number}.")
    told = diagnostics.report(Settings())
    assert "error 2." not in told
    assert "error 12." in told


def test_it_is_printed_without_a_window(capsys):
    assert command.main(["--diagnostics"]) == 0
    assert f"Attention Lab {__version__}" in capsys.readouterr().out


def test_the_version(capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"Attention Lab {__version__}\n"


# ------------------------------------------------------------------ exceptions that nobody caught
@pytest.fixture
def hooks(open_window, monkeypatch):
    """The hooks on a window that only remembers what it is told; they print nothing."""
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    before, window, told = (sys.excepthook, threading.excepthook), open_window(), []
    monkeypatch.setattr(window, "complain", lambda words: told.append(str(words)))
    made = Uncaught(window)
    yield told
    made.close()
    assert (sys.excepthook, threading.excepthook) == before


def test_an_exception_of_any_thread_reaches_window_and_report(hooks, qtbot):
    def fail():
        raise LabError("{name}: broken.", name="it")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("odd"), None)
    qtbot.waitUntil(lambda: len(hooks) == 2)
    assert sorted(hooks) == ["Unexpected ValueError: odd", "it: broken."]
    told = diagnostics.report(Settings())
    assert "ValueError: odd" in told
    assert "LabError: it: broken." in told


def test_the_end_of_the_program_is_no_error(hooks, qapp):
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    sys.excepthook(SystemExit, SystemExit(1), None)
    qapp.processEvents()
    assert hooks == []
    assert "none" in diagnostics.report(Settings()).splitlines()
