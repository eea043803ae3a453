"""Lessons: what their files say holds, and a hand that does a step sees it ticked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app import formulas, words
from app.lessons.condition import Condition
from app.lessons.lesson import FOLDER, lesson, lessons, read
from app.room import Room
from app.settings import Settings
from app.tabs.transformer.maths.steps import names
from app.topic.training_page import TrainingPage
from app.topics import topic, topics

LEAST = 40  #: steps in all


def page_of(found, step):
    return next(kind for kind in topic(found.topic).page_classes() if kind.name() == step.page)


def waits_for_events(found, at):
    """Whether a step waits for more than settings: a run, or what an engine tells."""
    if at >= len(found.steps):
        return False
    return found.steps[at].show is None or found.steps[at].run or "told." in found.steps[at].done.text


# -- data
def test_each_step_waits_for_an_act_and_is_fulfilled_by_it():
    """Of the settings of the very first start and those that it shows; what waits for events has a test of its own."""
    count = 0
    for found in lessons():
        for step in found.steps:
            count += 1
            kind = page_of(found, step)
            plain = kind.plain()
            told = f"{found.topic}: {step.task}"
            assert not step.done.holds(plain, plain, {}), told
            if step.show is None:
                assert issubclass(kind, TrainingPage), told
                continue
            for name, value in step.show.items():
                assert type(value) is type(getattr(plain, name)) or getattr(plain, name) is None, f"{told} {name}"
            done = replace(plain, **step.show).following(plain)
            assert waits_for_events(found, found.steps.index(step)) or step.done.holds(done, plain, {}), told
    assert count >= LEAST


def test_the_path_names_topics_once_and_begins_with_the_query():
    assert next(one.topic for one in lessons()) == "attention_pooling"
    assert len({one.order for one in lessons()}) == len(lessons())
    assert {one.topic for one in lessons()} <= {one.name for one in topics()}
    assert all(2 <= len(one.steps) <= 8 for one in lessons())
    assert lesson("nothing") is None


def test_every_text_is_said_in_both_languages():
    for found in lessons():
        for text in (found.title, *(text for step in found.steps for text in (step.text, step.task))):
            assert words.translations()[text] != text
            assert len(text) < 330, text  # two or three sentences


@pytest.mark.parametrize(
    ("topic", "at", "name"),
    [("vit", 0, "The architecture"), ("moco", 3, "Start"), ("transformer", 0, "K and V from the encoder")],
)
def test_a_claim_is_proved_by_a_button_that_its_step_names(topic, at, name):
    """As it is called, in both languages."""
    step = lesson(topic).steps[at]
    assert f'"{name}"' in step.text + step.task
    translated = words.translations()
    assert f"“{translated[name]}”" in translated[step.text] + translated[step.task]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"title": "What?"}, "both languages"),
        ({"title": {"en": "What?"}}, "both languages"),
        ({"steps": [{"page": "heads"}]}, "show"),
        ({"order": "first"}, "first"),
    ],
)
def test_a_file_that_lacks_something_is_refused_with_its_name(tmp_path, change, named):
    file = tmp_path / "scoring.json"
    file.write_text(json.dumps(json.loads((FOLDER / "scoring.json").read_text(encoding="utf-8")) | change))
    with pytest.raises(ValueError, match=rf"scoring\.json.*{named}"):
        read(file)


# -- conditions
class Params:
    width, masked, cells, name = 3.0, True, ((1, 2), (3, 4)), "Boxcar"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("width < 4", True),
        ("2 < width <= 3 and masked", True),
        ("width > 3 or not masked", False),
        ("cells[1][0] == 3", True),
        ("(1, 2) in cells", True),
        ("name in ('Gaussian', 'Boxcar')", True),
        ("len(cells) - 1 >= 1", True),
        ("abs(-width) / 2 * 2 + 0 == 3", True),
        ("before.width != width", False),
        ("told.Frame.cost > 1", True),
        ("told.Other.cost > 1", False),  # not told yet
        ("width > 9 and told.Frame.nothing", False),  # what decides ends it
        ("step >= 5", True),
        ("peak(told.Frame.values) == 7", True),
    ],
)
def test_a_condition_is_a_small_expression(text, holds):
    frame = type("Frame", (), {"cost": 2.0, "values": [1, 7, 2]})
    assert Condition(text).holds(Params(), Params(), {"Frame": frame}, 5) is holds


@pytest.mark.parametrize(
    "text",
    [
        "width <",
        "open('x')",
        "width.__class__",
        "(lambda: 1)()",
        "[x for x in cells]",
        "cells.index(1)",
        "x := 3",
        "a; b",
    ],
)
def test_a_condition_can_do_nothing_else(text):
    with pytest.raises(ValueError, match=r"condition may not|no expression"):
        Condition(text)


def test_a_condition_may_ask_what_a_run_began_with():
    """What is set now reaches the run that goes on, too, and says nothing of the way to its step."""
    holds = Condition("began.width >= 3 and step >= 80").holds
    other = type("Other", (), {"width": 0.0})
    assert holds(Params(), Params(), {}, 80, began=Params())
    assert not holds(Params(), Params(), {}, 79, began=Params())
    assert not holds(Params(), Params(), {}, 80, began=other())
    assert not holds(Params(), Params(), {}, 80)  # none has begun
    assert Condition("began.width >= 3 and step >= 80").names() == {"width"}


def test_what_a_run_began_with_is_known_from_its_first_step_on(open_window, qtbot):
    tab = open_window().show_topic("multi_head")
    tab.show_page(1)
    page, run = tab.now, tab.now.training
    qtbot.waitUntil(lambda: run.params is not None and not run.stream.is_busy)
    page.change(learning_rate=0.02)
    assert page.run_began() is None
    run.one_step()
    qtbot.waitUntil(lambda: run.step == 1 and not run.stream.is_busy)
    page.change(learning_rate=0.05)
    run.one_step()
    qtbot.waitUntil(lambda: run.step == 2 and not run.stream.is_busy)
    assert (page.run_began().learning_rate, run.params.learning_rate) == (0.02, 0.05)


def test_a_condition_names_its_fields():
    assert Condition("before.width < bandwidth and len(told.Frame.cells) > step").names() == {"width", "bandwidth"}


# -- the guide
@pytest.fixture
def window(open_window):
    found = open_window()
    found.show_topic("scoring")
    return found


def test_start_here_opens_on_what_a_query_is_and_ticks_what_a_hand_does(window, qtbot):
    QTest.mouseClick(window.tools.lessons, Qt.MouseButton.LeftButton)
    panel = window.guide.panel
    assert panel.isVisible()
    assert window.tab.topic.name == "attention_pooling"
    assert panel.title.text() == "What is a query?"
    assert panel.state.text() == "To do"
    window.tab.now.change(query=4.4)
    qtbot.waitUntil(lambda: panel.state.text() == "Done")
    QTest.mouseClick(panel.next, Qt.MouseButton.LeftButton)
    assert "weights follow" in panel.text.text()
    assert panel.state.text() == "To do"
    QTest.mouseClick(panel.dots, Qt.MouseButton.LeftButton, pos=QPoint(panel.dots.place(0), 8))
    assert panel.state.text() == "Done"
    assert window.settings.steps_done("attention_pooling") == {0}


def test_show_me_does_it_as_one_step_that_can_be_undone(window):
    window.guide.open(lesson("scoring"), 0)
    before = window.tab.now.params
    window.guide.panel.show_me.click()
    assert window.tab.now.params.function == "Additive"
    assert window.guide.panel.state.text() == "Done"
    window.tab.undo()
    assert window.tab.now.params == before


@pytest.mark.parametrize(
    "name",
    [pytest.param(one.topic, marks=() if one.topic in ("attention_pooling", "scoring") else pytest.mark.proof)
     for one in lessons()],
)  # fmt: skip
def test_every_other_step_is_ticked_when_it_is_done(window, name):
    """By what stands under "Show me"; the others stand in the next test."""
    found = lesson(name)
    for at in range(len(found.steps)):
        if not waits_for_events(found, at):
            window.guide.open(found, at)
            assert window.guide.panel.state.text() == "To do", f"{name}, step {at + 1}"
            window.guide.panel.show_me.click()
            assert window.guide.panel.state.text() == "Done", f"{name}, step {at + 1}"


@pytest.mark.parametrize(
    ("name", "at"),
    [
        pytest.param(one.topic, n, marks=pytest.mark.proof if n < len(one.steps) and one.steps[n].run else ())
        for one in lessons()
        for n in range(8)
        if waits_for_events(one, n)
    ],
)
def test_what_waits_for_a_run_or_an_answer_is_ticked_when_it_comes(window, qtbot, name, at):
    window.guide.open(lesson(name), at)
    page = window.tab.now
    if hasattr(page.params, "pace"):
        page.change(pace=50)
    if name == "moco":
        page.change(supervised=False)  # a second network is none of its steps' business
    assert window.guide.panel.state.text() == "To do"
    window.guide.panel.show_me.click()
    qtbot.waitUntil(lambda: window.guide.panel.state.text() == "Done", timeout=60_000)
    if isinstance(page, TrainingPage):
        page.training.pause()
        for sheet in window.studies.sheets.values():
            sheet.end()
        qtbot.waitUntil(lambda: not page.training.stream.is_busy, timeout=60_000)


def test_queries_of_a_cross_attention_are_of_the_target_and_its_keys_of_the_source(window, qtbot):
    tab = window.show_topic("transformer")
    tab.show_page(next(i for i, kind in enumerate(tab.pages.kinds) if kind.name() == "maths"))
    page = tab.now
    qtbot.waitUntil(lambda: page.seen is not None, timeout=30_000)
    assert page.at == 0
    page.state.step(walk_at=("cross", 0))
    qtbot.waitUntil(lambda: page.seen.at[0] == "cross", timeout=30_000)
    seen = page.seen
    assert seen.queries != seen.keys
    for part, rows in ((None, seen.queries), (1, seen.keys), (2, seen.keys)):
        if part is not None:
            page.part.chosen.emit(part)
        assert page.shown.result.rows == names(rows)
        assert page.shown.left.values is seen.arrays["input" if part is None else "looked_at"]


def test_the_button_that_turns_stays_under_the_pointer(window):
    """Steps are of different length: two lines or six, with a formula or without."""
    panel, places = window.guide.panel, set()
    for at in range(len(lesson("attention_pooling").steps)):
        window.guide.open(lesson("attention_pooling"), at)
        QCoreApplication.processEvents()
        places.add((panel.next.mapTo(panel, QPoint()).y(), panel.back.mapTo(panel, QPoint()).y()))
    assert len(places) == 1


def test_a_title_that_asks_has_its_own_end_in_the_menu(window):
    """No colon behind a question mark, in neither language; how far each has come stands behind it."""
    window.settings.do_step("attention_pooling", 0)
    try:
        for language, first in (("en", "1. What is a query? (1 of "), ("zh", "1. 什么是查询？（1 / ")):
            words.set_language(language)
            menu = QMenu()
            window.guide._fill(menu)
            said = [action.text() for action in menu.actions()]
            assert len(said) == len(lessons())
            assert said[0].startswith(first)
            assert not [text for text in said if "？：" in text or "?:" in text]
    finally:
        words.set_language("en")


def test_steps_done_and_the_lesson_in_hand_are_remembered(window):
    window.guide.open(lesson("scoring"), 2)
    window.guide.panel.show_me.click()
    window.settings.remember(window)
    window.settings.save()
    again = Settings.load()
    assert again.lesson == "scoring"
    assert again.steps_done("scoring") == {2}


def test_another_tab_keeps_the_step_and_back_turns_to_its_page(window):
    window.guide.open(lesson("attention_pooling"), 5)
    assert window.tab.now.name() == "learned_w"
    window.show_topic("scoring")
    window.guide.look()  # not its page: nothing is looked at
    window.guide.panel.back.click()
    assert window.tab.topic.name == "attention_pooling"
    assert window.guide.at == 4
    window.guide.panel.lessons.menu().aboutToShow.emit()
    assert len(window.guide.panel.lessons.menu().actions()) == len(lessons())


def test_after_the_last_step_the_next_lesson_begins(window):
    first = lesson("attention_pooling")
    window.guide.open(first, len(first.steps) - 1)
    window.guide.panel.next.click()
    assert window.guide.lesson is lesson("scoring")
    window.guide.start()  # the same button puts it away
    assert not window.guide.panel.isVisible()


def test_a_tab_beside_its_lesson_is_whole_at_1280(window):
    """The panel takes what the rail has left: a page has the room that it has in a window of 1024."""
    window.guide.open(lesson("scoring"), 0)
    QCoreApplication.processEvents()
    assert window.tab.width() >= 1024 - 56 - 1


def test_a_page_too_narrow_beside_its_lesson_gets_the_width_of_the_lists_words(window, qtbot):
    window.resize(1440, 900)
    window.guide.open(lesson("swin"), 0)
    qtbot.waitUntil(lambda: window.tab.now.room.cramped)
    QApplication.sendEvent(window.side, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: window.side.rail)
    window.side.set_rail(False)  # the hand's own wish holds
    window.guide._make_room()
    assert not window.side.rail
    window.guide.close()
    assert not window.side.rail
    assert not window.guide.cramped


def test_the_first_lesson_needs_no_scroll_bar_at_the_first_size(window, qtbot):
    """With every note that its pages write, in both languages; what stands beside a title takes width."""
    window.resize(1440, 900)
    for language in ("en", "zh"):
        window.use_language(language)
        for at, step in enumerate(lesson("attention_pooling").steps):
            window.guide.open(lesson("attention_pooling"), at)
            window.tab.now.change(**(step.show or {}))
            qtbot.waitUntil(lambda: not window.tab.is_busy)
            QCoreApplication.processEvents()
            (room,) = window.tab.now.findChildren(Room)
            bar = room.horizontalScrollBar()  # a card that speaks anew is measured a turn later
            qtbot.waitUntil(lambda bar=bar: bar.maximum() == 0, timeout=2_000)
    window.use_language("en")


def test_the_formula_of_a_step_is_typeset_and_shown(window):
    for found in lessons():
        for step in found.steps:
            assert not step.formula or formulas.known(step.formula), f"make formulas: {step.formula}"
    window.guide.open(lesson("scoring"), 0)
    panel = window.guide.panel
    assert [line.tex for line in panel.formula.lines()] == [lesson("scoring").steps[0].formula]
    assert panel.formula.isVisible()
    panel.turned.emit(1)
    assert not panel.formula.isVisible()
