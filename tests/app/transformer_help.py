"""What the tests of the Transformer tab share: the tab, opened and at rest; waiting for it; a run in it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.tabs.transformer import TOPIC

TRAINING, DECODE, LAB, MATHS = range(4)  # pages
PATIENCE = 90_000  #: ms, for a machine under load
TINY = {"width": "32", "heads": "2", "layers": 1, "batch": 4}  # a run whose steps take no time


@pytest.fixture(name="tab")
def transformer_tab(open_window, monkeypatch, qtbot):
    """The tab in a window that knows no other, once its bundled weights have answered."""
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "transformer" else None)
    tab = open_window().show_topic("transformer")
    qtbot.waitUntil(lambda: tab.decode.answer is not None and not tab.stream.is_busy, timeout=PATIENCE)
    yield tab
    tab.driver.close()


def rest(tab, qtbot):
    """Wait until nothing is computed for any of the pages."""
    lab = tab.lab
    streams = tab.stream, lab.stream, lab.ablating, lab.race.training.stream, tab.maths.stream, tab.driver.stream
    qtbot.waitUntil(lambda: not any(stream.is_busy for stream in streams), timeout=PATIENCE)


def change(qtbot, tab, **fields):
    """Change settings and wait for the answer."""
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        tab.change(**fields)


def train(qtbot, tab, steps):
    """A small run, paused once it has made so many steps."""
    tab.change(**TINY)
    heard = []
    tab.driver.arrived.connect(heard.append)
    tab.driver.play()
    qtbot.waitUntil(lambda: tab.driver.step >= steps, timeout=PATIENCE)
    tab.driver.pause()
    qtbot.waitUntil(lambda: not tab.driver.stream.is_busy and not tab.stream.is_busy, timeout=PATIENCE)
    return heard


def texts(widget):
    """All labels that can be seen."""
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


def number(text: str) -> float:
    """A number as the app writes it."""
    return float(text.replace("−", "-").replace(",", "").replace("(", "").replace(")", ""))
