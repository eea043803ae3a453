"""What the tests of the Transformer tab share: the tab, opened and at rest; waiting for it; a run in it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.tabs.transformer import TOPIC
from tests.app import tabs

TRAINING, DECODE, LAB, MATHS, WHY, STEP = range(6)  # pages
PATIENCE = 90_000  #: ms, for a machine under load
TINY = {"width": "32", "heads": "2", "layers": 1, "batch": 4}  # a run whose steps take no time


@pytest.fixture(name="tab")
def transformer_tab(open_window, monkeypatch, qtbot):
    """The tab in a window that knows no other, once the bundled weights of its first two pages have answered."""
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "transformer" else None)
    tab = open_window().show_topic("transformer")
    for page in (TRAINING, DECODE, TRAINING):
        turn(tab, qtbot, page)
    assert tab.pages[DECODE].answer is not None
    yield tab
    tab.pages[TRAINING].training.close()


def run_of(tab):
    """The run."""
    return tab.pages[TRAINING].training


def rest(tab, qtbot):
    """Wait until nothing is computed for any of the pages."""
    qtbot.waitUntil(lambda: tabs.rests(tab), timeout=PATIENCE)


def turn(tab, qtbot, page):
    """Turn to a page and wait until it has its answers."""
    tab.show_page(page)
    rest(tab, qtbot)
    return tab.now


def change(qtbot, tab, **fields):
    """Change settings and wait for the answer."""
    tab.now.change(**fields)
    rest(tab, qtbot)


def train(qtbot, tab, steps):
    """A small run, paused once it has made so many steps; the other pages know its newest state."""
    page = tab.pages[TRAINING]
    page.state.change(**TINY)
    page.state.settle()
    heard = []
    page.training.arrived.connect(heard.append)
    page.training.play()
    qtbot.waitUntil(lambda: page.training.step >= steps, timeout=PATIENCE)
    page.training.pause()
    know(tab, qtbot)
    return heard


def know(tab, qtbot):
    """Wait until the other pages know the run's newest state."""
    page = tab.pages[TRAINING]
    rest(tab, qtbot)
    qtbot.waitUntil(lambda: not page._fresh.isActive(), timeout=PATIENCE)
    rest(tab, qtbot)


def texts(widget):
    """All labels that can be seen."""
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


def number(text: str) -> float:
    """A number as the app writes it."""
    return float(text.replace("−", "-").replace(",", "").replace("(", "").replace(")", ""))
