"""The page Training on a person's own photos: queries that follow them, a DETR on a ViT, when to stop."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QMenu

from app import words
from app.topic import detector_page as training_page
from engines.data import detector_pictures as training_data
from engines.detr.training.spec import ON_VIT, SMALL
from tests.app.detr_pages import TRAINING, open_pages
from tests.app.test_detr_training import PATIENCE, own_folder, train, wait


@pytest.fixture
def tab(open_window, monkeypatch):
    monkeypatch.setattr(training_data, "VALIDATION", 4)
    monkeypatch.setattr(training_data, "WATCHED", 2)
    tab = open_pages(open_window, monkeypatch).show_topic("detr")
    tab.pages[TRAINING].state.put(batch=2, queries=3)
    return tab


@pytest.fixture
def page(tab, qtbot, tmp_path):
    """Trained on pictures of up to seven objects."""
    tab.show_page(TRAINING)
    page = tab.now
    wait(qtbot, page, lambda: page.cards.history.newest is not None)
    page.take([own_folder(tmp_path)])
    begun(qtbot, page)
    return page


def begun(qtbot, page):
    number = page.training.number
    wait(qtbot, page, lambda: page.cards.began is not None and page.cards.began.params.run == number
         and page.cards.history.newest is not None)  # fmt: skip


def test_queries_follow_the_data_or_it_is_said_what_is_missed(tab, page, qtbot):
    most = page.cards.began.largest
    assert most > 4
    assert page.params.queries == page.training.params.queries == page.cards.began.params.queries > most
    assert page.training.pending() == 0
    assert f"up to {most} objects" in page.data.note.text()
    assert "can't be found" not in tab.error.reason()
    train(qtbot, page, 1)
    assert page.cards.slots.numbers()["maps"].shape[0] == page.params.queries
    page.step(queries=2, fit_queries=False)
    assert page.training.pending() == 2
    page.training.restart()
    begun(qtbot, page)
    assert page.params.queries == page.cards.began.params.queries == 2
    assert "With 2 queries" in tab.error.reason()
    assert f"holds up to {most}" in tab.error.reason()


def test_a_detr_on_a_vit_is_trained_and_looks_at_the_photo(tab, page, qtbot):
    assert not page.vit.isVisibleTo(page.form)
    page.form.control("model").chosen.emit(2)
    assert page.params.model == ON_VIT
    assert page.vit.isVisibleTo(page.form)
    assert not page.form.control("backbone").isVisibleTo(page.form)
    menu = QMenu()
    page.vit._fill(menu)
    lines = {action.text(): action for action in menu.actions()}
    next(action for text, action in lines.items() if "Mini" in text or "mini" in text).trigger()
    assert page.params.vit == "mini-vit"
    menu.deleteLater()
    page.training.restart()
    begun(qtbot, page)
    assert page.cards.began.vit
    assert page.cards.began.vit in page.learned.text()
    train(qtbot, page, 1)
    page.cards.choose(int(page.cards.on_scene[0].owners[0]))
    heat = page.cards.scene.numbers()["heat"]
    assert heat.shape == (8, 8)
    assert heat.sum() == pytest.approx(1, abs=1e-3)
    page.cards.look(0)  # of a state looked back at it is not kept
    assert "heat" not in page.cards.scene.numbers()
    assert not words.missing()


def test_a_vit_that_is_gone_gives_way_to_the_best_one_here(tab, page, qtbot, monkeypatch):
    monkeypatch.setattr("engines.detr.vits.PREFERRED", ("mini-vit",))
    page.step(model=ON_VIT, vit="/no/such/vit")
    page.training.restart()
    qtbot.waitUntil(lambda: page.params.vit == "", timeout=PATIENCE)
    begun(qtbot, page)
    assert (page.params.model, page.params.folder != "") == (ON_VIT, True)
    page.step(folder="")
    page.training.restart()
    qtbot.waitUntil(lambda: "learns on photos" in tab.error.reason(), timeout=PATIENCE)
    page.step(model=SMALL)
    begun(qtbot, page)


def test_it_is_said_once_that_more_steps_will_hardly_help(tab, page, qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(training_page, "best_before", lambda steps, ap, loss: 3)
    monkeypatch.setattr(page, "complain", lambda reason, **how: said.append(words.tr(reason)))
    newest = page.cards.history.newest
    for step in (5, 10):
        page.told(replace(newest, step=step))
    assert len(said) == 1
    assert "at step 3" in said[0]


def test_a_detr_on_a_vit_without_photos_asks_for_a_folder(tab, qtbot, monkeypatch):
    """As after a restart with that model chosen: the page's first run has nothing to learn on."""
    asked = []
    page = tab.pages[TRAINING]
    monkeypatch.setattr(page.shell, "open_folder", lambda: asked.append(1))
    page.state.put(model=ON_VIT, folder="")
    tab.show_page(TRAINING)
    qtbot.waitUntil(lambda: "learns on photos" in tab.error.reason(), timeout=PATIENCE)
    assert {card.empty_text.text() for card in page.cards.cards} == {"Nothing to show yet."}
    tab.error.action.click()
    assert asked
    page.step(model=SMALL)
    assert {card.empty_text.text() for card in page.cards.cards} == {"Drawing scenes"}
    begun(qtbot, page)
    assert page.training.cure()[0] == "Restart"
