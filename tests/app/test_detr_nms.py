"""The page "Without NMS": what suppression loses and lets pass, and the model's boxes without it."""

from __future__ import annotations

import numpy as np
import pytest

from app import export, words
from engines.core.pictures import Picture
from engines.detr.nms.spec import GAUSSIAN, LEFT, LINEAR, NmsParams
from engines.detr.spec import CROSS, HeadOff
from tests.app.detr_fake import texts
from tests.app.detr_pages import NMS, at, looks, open_pages, rest, speak, turn_to
from tests.app.views_help import drag, is_drawn

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def tab(open_window, monkeypatch):
    return open_pages(open_window, monkeypatch).show_topic("detr")


@pytest.fixture
def page(tab, qtbot):
    return turn_to(tab, qtbot, NMS)


def notes(page):
    return [one.note.text() for one in page._cards]


def test_nms_loses_one_of_two_people_and_set_prediction_none(page, tab, qtbot):
    assert notes(page) == ["1 of 2 found", "2 of 2 found", "2 of 2 found"]
    assert "The objects overlap by 0.70, more than 0.50: one is suppressed as a duplicate." in texts(tab)
    assert "B: lost" in page.outcomes[0].numbers()["tag"].tolist()
    page.form.control("nms_iou").slider.setValue(90)
    rest(qtbot, page)
    assert notes(page)[0].startswith("2 of 2 found, ")
    tags = page.outcomes[0].numbers()["tag"].tolist()
    assert not any("too many" in tag for tag in tags)  # they would cover each other
    assert tags[-2:] == [words.number(float(s), 2) for s in page.found.greedy.scores[page.found.greedy.found >= 0]]
    assert len(page.raw.numbers()["anchors_cx_cy_w_h"]) == 144
    page.anchors.click()
    assert not len(page.raw.numbers()["anchors_cx_cy_w_h"])


def test_objects_are_dragged_and_the_slider_follows(page, tab, qtbot):
    drag(page.raw, at(page.raw, 0.6, 0.5), at(page.raw, 0.85, 0.5))
    rest(qtbot, page)
    assert page.found.iou < 0.5
    assert page.overlap.number() == pytest.approx(page.found.iou, abs=0.01)
    assert notes(page) == ["2 of 2 found"] * 3
    tab.undo()
    rest(qtbot, page)
    assert page.params.things[0] == LEFT
    page.overlap.slider.setValue(20)
    rest(qtbot, page)
    assert page.found.iou == pytest.approx(0.2, abs=1e-3)
    page._start_again()
    rest(qtbot, page)
    assert page.found.iou == pytest.approx(0.7, abs=1e-3)


def test_the_model_s_own_boxes_go_the_same_three_ways(page, tab, qtbot):
    page.choose_source(1)
    rest(qtbot, page)
    assert len(page.found.boxes) == 16
    assert notes(page)[2] == "6 of 6 found"
    assert "16 boxes, no anchors" in texts(tab)
    assert page.raw.box_at(at(page.raw, 0.3, 0.3)) is None
    tab.model.answer(source="real")
    tab.model.show(Picture("cat.png", PHOTO))
    rest(qtbot, page)
    assert len(page.found.boxes) == 100
    assert notes(page)[2] == "4 boxes kept"
    page.choose_source(0)
    rest(qtbot, page)
    assert notes(page)[0] == "1 of 2 found"


def test_files_of_the_model_s_boxes_say_what_was_done_to_it(page, tab, qtbot):
    tab.model.answer(heads_off=(HeadOff(CROSS, 1, 2),), queries_off=(4,), temperature=2.0)
    assert not list(page.caption())  # these boxes are drawn ones
    assert "heads_off" not in page.exported()
    page.choose_source(1)
    rest(qtbot, page)
    assert [words.tr(text) for text in page.caption()] == ["Heads off: Cross-attention L2 H3", "Queries off: 5"]
    told = page.exported()
    assert told["heads_off"] == [{"attention": CROSS, "layer": 1, "head": 2}]
    assert (told["queries_off"], told["temperature"]) == ([4], 2.0)


def test_both_settings_of_soft_nms_work_and_all_is_said_in_chinese(page, tab, qtbot):
    speak(tab, "zh")
    page.form.control("decay").button(1).click()
    rest(qtbot, page)
    assert not page.form.control("sigma").isEnabled()
    for value in (5, 95):
        page.form.control("nms_iou").slider.setValue(value)
        rest(qtbot, page)
        assert all(is_drawn(view) for view in (page.raw, *page.outcomes))
    page.form.control("score").slider.setValue(100)
    rest(qtbot, page)
    best = words.number(float(page.found.scores.max()), 2)
    said = "No box reaches a score of {limit}: the best has {best}."
    assert page._feet[0].text() == words.tr(said, limit="1.00", best=best)
    assert notes(page)[0] == words.tr("{right} of {true} found", right=0, true=2)
    assert not words.missing()


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_of_without_nms_is_whole(page, tab, qtbot, size):
    for whole in looks(tab, qtbot, size):
        for source in (0, 1):
            page.choose_source(source)
            for threshold in (0.3, 1.0):
                page.change(score=threshold)
                rest(qtbot, page)
                whole()


def test_settings_of_before_are_read_and_go_into_exported_files(open_window, monkeypatch, qtbot):
    window = open_pages(open_window, monkeypatch)
    window.settings.keep_fields("detr.crowd", NmsParams(nms_iou=0.7, decay=LINEAR), ("nms_iou", "decay"))
    page = turn_to(window.show_topic("detr"), qtbot, NMS)
    assert (page.params.nms_iou, page.params.decay, page.params.things) == (0.7, LINEAR, NmsParams().things)
    page.form.control("decay").chosen.emit(0)
    assert window.settings.restored("detr.nms", NmsParams()).decay == GAUSSIAN
    rest(qtbot, page)
    for view in (page.raw, *page.outcomes):
        assert export.settings_of(view)["nms_iou"] == 0.7
