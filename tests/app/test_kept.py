"""Runs that are kept: offered, gone on with, begun anew, and said where they can't be read."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMessageBox

from app import kept
from engines.core import keeping
from engines.core.keeping import place_of, saved_runs


@pytest.fixture
def opened(open_window, qtbot):
    def make():
        window = open_window()
        tab = window.show_topic("multi_head")
        tab.show_page(1)
        qtbot.waitUntil(lambda: not tab.now.training.stream.is_busy and tab.now.training.params is not None)
        return window, tab

    return make


def trained(opened, qtbot, steps):
    """A window in which a run was trained, and closed."""
    window, tab = opened()
    tab.now.training.play_to(steps)
    qtbot.waitUntil(lambda: tab.now.training.step == steps and not tab.now.training.stream.is_busy)
    window.close()
    assert window.lane.close(60)


def test_a_run_is_offered_after_closing_and_goes_on(opened, qtbot):
    trained(opened, qtbot, 4)
    assert saved_runs(place_of("multi-head"))[0].step == 4
    _, tab = opened()
    tab.now.change(learning_rate=0.01)  # gives way to what the run had
    assert tab.now.kept_runs.isVisible()
    assert tab.note is not None
    assert tab.now.kept_runs.said.text() == "A run of 4 steps was saved."
    tab.now.kept_runs.go_on.click()
    qtbot.waitUntil(lambda: tab.now.training.step > 4)
    tab.now.training.pause()
    assert tab.params.learning_rate == pytest.approx(3e-3)
    assert not tab.now.kept_runs.isVisible()
    assert [row[0] for row in tab.now._told[:5]] == [0, 1, 2, 3, 4]  # the curves are whole
    assert tab.now.training.timeline.steps[:5] == (0, 1, 2, 3, 4)


def test_start_anew_removes_the_run(opened, qtbot):
    trained(opened, qtbot, 2)
    _, tab = opened()
    tab.now.kept_runs.anew.click()
    assert not tab.now.kept_runs.isVisible()
    assert saved_runs(place_of("multi-head")) == []
    assert not place_of("multi-head").exists()


def test_much_is_not_thrown_away_at_one_click(opened, qtbot, monkeypatch):
    monkeypatch.setattr(kept, "WORTH", 2)
    trained(opened, qtbot, 2)
    window, tab = opened()
    for answer, left in (("Cancel", 1), ("Delete it", 0)):
        tab.now.kept_runs.anew.click()
        assert len(saved_runs(place_of("multi-head"))) == 1
        (question,) = (one for one in window.findChildren(QMessageBox) if one.isVisible())
        assert "2 steps" in question.text()
        assert question.defaultButton().text() == "Cancel"
        next(button for button in question.buttons() if button.text() == answer).click()
        assert len(saved_runs(place_of("multi-head"))) == left


def test_training_on_leaves_the_offered_run_for_later(opened, qtbot, monkeypatch):
    monkeypatch.setattr(keeping, "REST", 0.0)
    trained(opened, qtbot, 2)
    trained(opened, qtbot, 3)
    assert [run.step for run in saved_runs(place_of("multi-head"))] == [3, 2]
    _, tab = opened()
    tab.now.kept_runs.earlier.click()
    assert tab.now.kept_runs.said.text() == "A run of 2 steps was saved."


def test_a_broken_run_is_said_under_the_header(opened, qtbot):
    trained(opened, qtbot, 2)
    place = place_of("multi-head")
    _, tab = opened()
    place.write_bytes(place.read_bytes()[:2000])
    tab.now.kept_runs.go_on.click()
    qtbot.waitUntil(tab.error.isVisible)
    assert "The saved run can't be read" in tab.error.reason()
    assert place.with_name("multi-head-broken.npz").exists()
