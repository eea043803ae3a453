"""Pages that take boxes over from the model, in the whole tab: what the header chooses reaches them."""

from __future__ import annotations

import numpy as np
import pytest

from app.tabs.detr.detect.page import DetectPage
from app.tabs.detr.relevance.page import RelevancePage
from app.tabs.detr.scene.page import ScenePage
from app.tabs.detr.tab import MATCHING, NMS
from engines.core.pictures import Picture
from engines.core.training import Weights
from engines.detr.matching.scenes import FROM_MODEL, SCENES
from engines.detr.matching.spec import RT_DETR
from engines.detr.spec import TRAINED_HERE
from tests.app.detr_fake import FakeDetr
from tests.app.detr_pages import WAIT, rest, turn_to

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def tab(open_window, monkeypatch):
    for kind in (DetectPage, ScenePage, RelevancePage):
        monkeypatch.setattr(kind, "engine", "tests.app.detr_fake:FakeDetr")
    monkeypatch.setattr(FakeDetr, "asked", [])
    window = open_window()
    window.settings.set_page("detr", MATCHING)
    return window.show_topic("detr")


@pytest.fixture
def page(tab, qtbot):
    return turn_to(tab, qtbot, MATCHING)


def predicted(qtbot, page, count):
    """Wait until the scene is so many predictions of the model."""
    qtbot.waitUntil(lambda: page.scene.name == FROM_MODEL and len(page.scene.guesses) == count, timeout=WAIT)
    rest(qtbot, page)


def test_a_page_of_its_own_does_not_wake_the_model(page):
    page.take_preset(RT_DETR)
    assert FakeDetr.asked == []


def test_what_is_chosen_in_the_header_reaches_the_page_that_shows_the_model_s_predictions(tab, page, qtbot):
    page.choose_scene(len(SCENES))
    predicted(qtbot, page, 16)
    tab.take_model("real")
    predicted(qtbot, page, 100)
    tab.take_picture(Picture("cat.png", PHOTO))
    qtbot.waitUntil(lambda: page.canvas.photo_size() == (180, 120), timeout=WAIT)
    rest(qtbot, page)
    assert tab.now is page


def test_a_state_of_a_run_takes_the_place_of_the_model(tab):
    weights = Weights(3, {"a": np.zeros(1, np.float32)})
    tab.model.use(weights)
    assert tab.model.params.source == TRAINED_HERE
    assert tab.model.params.weights is weights


def test_a_photo_that_is_dropped_on_the_page_is_matched(tab, page, qtbot):
    tab.take_picture(Picture("cat.png", PHOTO))
    predicted(qtbot, page, 16)
    assert not page.controls._offer.isHidden()  # the toy knows no photos


def test_what_the_hand_has_ended_is_asked_when_it_chooses_anew(tab, page, qtbot):
    page.choose_scene(len(SCENES))
    predicted(qtbot, page, 16)
    tab.model.feed.cancel()
    asked = len(FakeDetr.asked)
    tab.show_page(NMS)
    tab.show_page(MATCHING)
    rest(qtbot, page)
    assert len(FakeDetr.asked) == asked
    tab.take_model("real")
    predicted(qtbot, page, 100)


def test_raw_boxes_follow_the_model(tab, qtbot):
    page = turn_to(tab, qtbot, NMS)
    page.choose_source(1)
    qtbot.waitUntil(lambda: page.params.raw is not None, timeout=WAIT)
    tab.take_model("real")
    qtbot.waitUntil(lambda: len(page.params.raw.boxes) == 100, timeout=WAIT)
    rest(qtbot, page)
    assert page.source.at() == 1
