"""Pages are computed on a cluster: chosen in the status bar, by an address that is typed, and taken back there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from app import status, words
from app.clustersheet import ClusterSheet
from app.settings import Settings
from app.topic import feed
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.protocol import Ended, EndedError
from tests.app import toy

ADDRESS = "127.0.0.1:6379"


class Far:
    """Stands for an engine on a cluster."""

    made = list[tuple[str, str]]()
    gone = False

    def __init__(self, place, address):
        self.made.append((place, address))

    def run(self, job):
        assert job.device == "auto"
        if self.gone:
            raise EndedError(Ended(Params(), error=Message("Error"), away=True))
        yield toy.Answer(-1.0, 0, None)


@pytest.fixture
def far(monkeypatch):
    monkeypatch.setattr(status, "has_ray", lambda: True)
    monkeypatch.setattr(Far, "made", [])
    monkeypatch.setattr(feed, "make_remote", Far)
    return Far


@pytest.fixture
def window(open_window, monkeypatch):
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (toy.TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: toy.TOPIC if name == "toy" else None)
    return open_window()


@pytest.fixture
def tab(window, qtbot):
    tab = window.show_topic("toy")
    qtbot.waitUntil(lambda: bool(tab.now.answers) and not tab.now.feed.is_busy)
    return tab


def rest(tab, qtbot, value):
    qtbot.waitUntil(lambda: not tab.now.feed.is_busy and tab.now.answers[-1].value == value)


def entries(window):
    menu = QMenu(window)
    window.status._fill(menu)
    return {one.text(): one for one in menu.actions()}


def sheet(window):
    (found,) = (one for one in window.findChildren(ClusterSheet) if one.isVisible())
    return found


def test_without_the_extra_nothing_offers_it(window, monkeypatch):
    monkeypatch.setattr(status, "has_ray", lambda: False)
    assert "Ray" not in entries(window)


def test_a_typed_address_takes_the_pages_there_and_the_cpu_brings_them_back(window, tab, far, qtbot):
    here = tab.now.feed.stream.engine
    entries(window)["Ray"].trigger()
    asked = sheet(window)
    assert asked.focusWidget() is asked.address  # typing goes there
    asked.address.setText("ray://127.0.0.1:6379")
    qtbot.keyClick(asked.address, Qt.Key.Key_Return)
    assert asked.isVisible()  # it has something to say
    assert asked.refusal.text().startswith("ray://127.0.0.1:6379: ray:// is not used here.")
    assert not window.settings.cluster
    asked.address.setText(f" {ADDRESS} ")
    qtbot.keyClick(asked.address, Qt.Key.Key_Return)
    rest(tab, qtbot, -1.0)
    assert far.made == [(tab.now.engine, ADDRESS)]
    assert window.status.devices.text().strip() == f"Ray at {ADDRESS}"
    assert [name for name, one in entries(window).items() if one.isChecked()] == ["Ray"]
    window.settings.save()
    assert Settings.load().cluster == ""
    window.choose_device("cpu")
    rest(tab, qtbot, 1.0)
    assert tab.now.feed.stream.engine() is here()  # it was kept
    assert window.settings.cluster == ""
    assert window.status.devices.text().strip().startswith("CPU")


def test_where_it_is_gone_this_computer_is_one_click_away(window, tab, far, qtbot, monkeypatch):
    monkeypatch.setattr(far, "gone", True)
    with qtbot.waitSignal(tab.rested):
        window.choose_device(f"ray:{ADDRESS}")
    assert tab.failed
    assert tab.error.action.text() == words.tr("Use this computer")
    tab.error.action.click()
    rest(tab, qtbot, 1.0)
    assert not tab.failed
    assert (window.settings.device, window.settings.cluster) == ("auto", "")
