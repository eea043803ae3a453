"""What every tab promises, tried on every topic found: it opens, shows, takes events, is grabbed, closes."""

from __future__ import annotations

import gc
import importlib
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QMenu

from app import icons, words
from app.settings import Settings
from app.tab import TopicTab
from app.topics import GROUPS, Topic, topics
from app.window import Window
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event, Frame, Progress, Record, Started
from tests.app import reading
from tests.conftest import dispose


@pytest.fixture(params=topics(), ids=lambda found: found.name)
def topic(request) -> Topic:
    return request.param


@pytest.fixture
def tab(topic, open_window, qtbot) -> TopicTab:
    """The tab of a topic with its first result from the real engine, in Chinese."""
    words.forget_missing()
    window = open_window(1280, 800, language="zh")
    made = window.show_topic(topic.name)
    made.seen = []
    made.stream.arrived.connect(made.seen.append)
    qtbot.waitUntil(lambda: not made.stream.is_busy, timeout=60_000)
    return made


def declared(topic: Topic) -> list[type[Event]]:
    """The kinds of event that the spec of a topic declares."""
    spec = importlib.import_module(f"engines.{topic.name}.spec")
    own = [value for value in vars(spec).values() if isinstance(value, type) and issubclass(value, Frame | Record)]
    return [value for value in own if value.__module__.startswith(spec.__package__ or "")]


def variants(tab: TopicTab) -> Iterator[dict[str, object]]:
    """Each option of each choice: some events come only with one of them."""
    for name, rule in rules(tab.params).items():
        for option in getattr(rule, "options", ()):
            if option != getattr(tab.params, name):
                yield {name: option}


def test_a_topic_says_who_it_is(topic, qapp):
    assert topic.group in GROUPS
    assert not icons.pixmap(topic.icon, "text", 20).isNull()
    assert topic.title in words.translations() or not words.needs_translation(topic.title)
    assert topic.tab_class().params_type is not None


def opens_on_a_result(tab: TopicTab) -> None:
    assert not tab.failed, tab.shell.last_failure
    assert not tab.error.isVisible()
    assert [e for e in tab.seen if isinstance(e, Frame) and not isinstance(e, Progress)]
    for page in range(len(tab.pages)):
        tab.show_page(page)
        QApplication.processEvents()
        shot = tab.grab().toImage()
        assert (shot.width(), shot.height()) == (tab.width(), tab.height())
        colors = {shot.pixel(x, y) for x in range(0, shot.width(), 7) for y in range(0, shot.height(), 7)}
        assert len(colors) > 20  # something is drawn


def says_everything_in_chinese(tab: TopicTab, qtbot) -> None:
    """As it opens; what each choice adds is read on every page in `tests.app.test_walk`."""
    for page in range(len(tab.pages)):
        tab.show_page(page)
        QApplication.processEvents()
        list(reading.texts(tab))  # opens menus, paints views: all is said
    for fields in variants(tab):
        tab.change(undoable=False, **fields)
        qtbot.waitUntil(lambda: not tab.stream.is_busy, timeout=60_000)
    for rule in rules(tab.params).values():
        for text in (rule.label, rule.tip, rule.group, *getattr(rule, "options", ())):
            words.tr(text)
    assert not words.missing()


def takes_one_event_of_each_kind(tab: TopicTab) -> None:
    """Those that came are given once more, in another order than the engine's: the slot must not mind."""
    latest: dict[type[Event], Event] = {type(e): e for e in tab.seen}
    kinds = declared(tab.topic)
    assert kinds
    assert [kind for kind in kinds if issubclass(kind, Frame) and kind in latest], "no frame of the spec ever came"
    for event in [*latest.values(), *reversed(latest.values())]:
        if not isinstance(event, Ended):
            tab.on(event)
    over = Ended(tab.params), Ended(tab.params, cancelled=True)
    for event in (Started(tab.params), Progress(1, 2, Message("Computing")), *over):
        tab.on(event)
    QApplication.processEvents()
    assert not tab.grab().isNull()


def test_it_opens_speaks_and_takes_its_events(tab, qtbot):
    opens_on_a_result(tab)
    says_everything_in_chinese(tab, qtbot)
    takes_one_event_of_each_kind(tab)


def test_it_closes_in_mid_run_and_leaves_nothing(topic, qapp, no_thread_left):
    before = set(QApplication.topLevelWidgets())
    window = Window(Settings.load())
    window.show()
    held = [weakref.ref(window.show_topic(topic.name)), weakref.ref(window)]
    QApplication.processEvents()
    dispose(window)
    del window
    gc.collect()
    assert [one() for one in held] == [None, None]  # else some object without an owner is heard by a slot of the tab
    left = [one for one in QApplication.topLevelWidgets() if one not in before and not isinstance(one, QMenu)]
    assert not left  # pyqtgraph's menus have no owner
