"""Threads are chosen in two menus, saved, and used from the next step on."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMenu

from app import computing
from app.settings import Settings


@pytest.fixture
def window(open_window, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("engines.core.threads.cores", lambda: 4)
    return open_window()


def device_menu(window) -> QMenu:
    menu = QMenu(window)
    window.status._fill(menu)
    return menu


def settings_menu(window) -> QMenu:
    menu = QMenu(window)
    window.tools.fill(menu)
    return menu


@pytest.mark.parametrize("menu", [device_menu, settings_menu])
def test_a_number_is_chosen_shown_saved_and_used(window, menu):
    button = window.status.devices
    assert button.text().strip() == "CPU, 3 to 4 threads"
    (threads,) = (one for one in menu(window).findChildren(QMenu) if one.title() == "Threads")
    assert threads.menuAction().toolTip().startswith("Torch computes")
    assert [(one.text(), one.isChecked()) for one in threads.actions()] == [
        ("Automatic", True), ("1", False), ("2", False), ("3", False), ("4", False)
    ]  # fmt: skip
    threads.actions()[2].trigger()
    assert window.lane.threads.number() == window.lane.threads.number(training=True) == 2
    assert button.text().strip() == "CPU, 2 threads"
    window.settings.save()
    assert Settings.load().threads == 2
    (threads,) = (one for one in menu(window).findChildren(QMenu) if one.title() == "Threads")
    assert [one.text() for one in threads.actions() if one.isChecked()] == ["2"]
    threads.actions()[0].trigger()
    assert button.text().strip() == "CPU, 3 to 4 threads"


def test_the_next_window_has_the_number(window, open_window):
    computing.choose_threads(window, 1)
    window.settings.save()
    other = open_window()
    assert other.lane.threads.wanted == 1
    assert other.status.devices.text().strip() == "CPU, 1 thread"


def test_painting_is_counted(window, monkeypatch, qtbot):
    told = []
    monkeypatch.setattr(window.lane.threads, "painted", told.append)
    window.update()
    qtbot.waitUntil(lambda: bool(told))
    assert all(0 <= seconds < 60 for seconds in told)


def test_a_large_machine_offers_few_numbers():
    assert computing.offered(2) == [1, 2]
    assert computing.offered(64) == [1, 2, 4, 8, 16, 32, 63, 64]
    assert computing.offered(12) == [1, 2, 4, 8, 11, 12]
