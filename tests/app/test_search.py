"""Search (Ctrl+K): found by words of both languages and by pinyin initials, opened with Enter."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import words
from app.keys import lesson_of
from app.lessons.lesson import lesson
from app.search.index import (
    LESSON,
    PAGE,
    SETTING,
    TERM,
    TOPIC,
    Place,
    first_places,
    fit,
    found,
    pinyin,
    places_of,
    terms,
)
from app.search.palette import Palette, search
from app.topics import topic, topics


@pytest.fixture(scope="module")
def places():
    pinyin().wait()
    return [*first_places(), *(place for each in topics() for place in places_of(each))]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("vit", Place(TOPIC, "ViT", "vit")),
        ("  Kernel   REGRESSION ", Place(PAGE, "Kernel regression", "attention_pooling", "kernel_regression")),
        ("bandw", Place(SETTING, "Bandwidth", "attention_pooling", "kernel_regression", "bandwidth")),
        ("what is a query", Place(LESSON, "What is a query?", "attention_pooling")),
        ("带宽", Place(SETTING, "Bandwidth", "attention_pooling", "kernel_regression", "bandwidth")),
        ("dk", Place(SETTING, "Bandwidth", "attention_pooling", "kernel_regression", "bandwidth")),  # dai kuan
    ],
)
def test_the_best_fit_stands_first(places, typed, expected):
    assert expected in found(places, typed)[:5]
    assert fit(expected, typed) > 0


def test_what_fits_better_stands_before_what_fits_less(places):
    listed = [fit(place, "head") for place in found(places, "head")]
    assert listed == sorted(listed, reverse=True)
    assert len(listed) > 5
    assert found(places, "   ") == [] == found(places, "no such thing")


def test_every_topic_page_and_setting_with_a_name_can_be_found(places):
    kinds = {(place.topic, place.page) for place in places if place.kind == PAGE}
    assert kinds == {(each.name, kind.name()) for each in topics() for kind in each.page_classes()}
    for place in places:
        assert place in found(places, words.translations().get(place.text, place.text), most=len(places))


@pytest.fixture
def window(open_window):
    window = open_window()
    window.show_topic("scoring")
    return window


def test_a_hand_types_and_enter_opens_the_setting_with_the_focus_in_it(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(Palette)
    palette.read_all()
    QTest.keyClicks(palette.line, "bandwidth")
    assert palette.list.item(0).text() == "Bandwidth  ·  Attention pooling, Kernel regression"
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    tab = window.tab
    assert tab.topic.name == "attention_pooling"
    control = tab.now.forms[0].control("bandwidth")
    qtbot.waitUntil(lambda: control.isAncestorOf(window.focusWidget()) or control is window.focusWidget())


def test_arrows_move_and_a_lesson_opens_beside_its_tab(window):
    search(window)
    palette = window.findChild(Palette)
    palette.line.setText("query")
    at = [place.kind for place in palette.places()].index(LESSON)
    for _ in range(at):
        QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert window.guide.panel.isVisible()
    assert window.guide.lesson.topic == palette_topic(at, "query")


def palette_topic(at, typed):
    return found(first_places(), typed)[at].topic


def test_nothing_found_is_said_and_nothing_is_opened(window):
    search(window)
    palette = window.findChild(Palette)
    palette.read_all()
    palette.line.setText("zzzz")
    assert palette.nothing.text() == "Nothing is called zzzz."
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    search(window)  # the one that is open
    assert len(window.findChildren(Palette)) == 1


def test_a_setting_of_another_page_with_the_same_settings_turns_to_the_page_that_has_it(window):
    from app.search.palette import go

    place = next(p for p in places_of(topic("scoring")) if p.field == "own_values")
    go(window, place)
    assert any("own_values" in form.fields() for form in window.tab.now.forms)


BOOK = (
    "非自主性提示", "注意力汇聚", "非参数注意力汇聚", "带参数注意力汇聚", "掩蔽 softmax", "加性注意力",
    "缩放点积注意力", "多头注意力", "位置编码", "层规范化", "加法和规范化", "匈牙利算法", "个体判别", "代理任务",
)  # fmt: skip


@pytest.mark.parametrize("word", BOOK)
def test_the_books_words_are_found_and_lead_to_a_page(word):
    best = found([*first_places(), *terms()], word)[0]
    assert words.translations()[best.text] == word
    if best.kind == TERM:
        assert best.page in {kind.name() for kind in topic(best.topic).page_classes()}


def test_every_term_names_a_page_of_its_topic():
    pages = {one.name: {kind.name() for kind in one.page_classes()} for one in topics()}
    for place in terms():
        assert place.page in pages[place.topic], place


def test_f1_names_the_lesson_of_the_page(window):
    window.show_topic("scoring").show_page(0)
    told = lesson_of(window)
    steps = lesson("scoring").steps
    at = next(n for n, step in enumerate(steps) if step.page == window.tab.now.name())
    assert told.values["n"] == at + 1
    assert str(words.drawn(told)).startswith(lesson("scoring").title)
