"""What is left when the program is killed: everything but the last second."""

from __future__ import annotations

import json
import signal

import pytest

from app import leaving
from tests.driven import Driven


def settings(home):
    return json.loads((home / "settings.json").read_text())


def test_a_kill_loses_no_setting(own_home):
    with Driven(own_home, "--tab", "scoring", "--lang", "en") as program:
        program.do("window.use_theme('dark')")
        program.do("window.tab.change(temperature=3.0)")
        program.until("window.settings._on_disk == window.settings._values()")
        program.kill()
    there = settings(own_home)
    assert there["theme"] == "dark"
    assert there["topics"]["scoring"]["temperature"] == 3.0
    assert {entry.name for entry in own_home.iterdir()} <= {"settings.json", "settings.lock"}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.proof)])
def test_who_asks_for_the_end_gets_a_clean_one(own_home, number):
    with Driven(own_home, "--tab", "scoring", "--lang", "en") as program:
        program.do("window.use_theme('dark')")
        code, told = program.end(number)
    assert (code, [line for line in told.splitlines() if "propagateSizeHints" not in line]) == (0, [])
    assert settings(own_home)["theme"] == "dark"
    assert [entry.name for entry in own_home.iterdir()] == ["settings.json"]


def test_the_end_of_a_session_saves_and_leaves_the_window_open(own_home, open_window, qapp):
    window = open_window()
    before = [signal.getsignal(number) for number in leaving.SIGNALS]
    ears = leaving.Leaving(qapp, window)
    window.settings.theme = "dark"
    ears._session_ends(None)
    assert settings(own_home)["theme"] == "dark"
    assert window.isVisible()
    ears._over()  # the loop ends without anybody closing the window
    assert not window.isVisible()
    assert [signal.getsignal(number) for number in leaving.SIGNALS] == before
