"""What every tab promises, tried on every topic found: it opens, shows, takes events, is grabbed, closes."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import itertools
import json
import pkgutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QMenu

from app import __version__, export, icons, pageexport, words
from app.export import Exportable
from app.figure import caption_of
from app.plots.surface import Surface
from app.plots.view import View
from app.resting import at_rest, rest
from app.settings import Settings
from app.studies.subject import Subject, proposed, study_from
from app.topic.page import Page
from app.topic.tab import Tab
from app.topic.training_page import TrainingPage
from app.topics import GROUPS, Topic, topics
from app.views.colorbar import ColorBar
from app.window import Window
from engines.checkpoints import catalog
from engines.core.errors import Message
from engines.core.params import Params, rules
from engines.core.protocol import Ended, Event, Frame, Progress, Record, Started
from engines.studies.toml import normal
from engines.studies.trained import seed_of
from tests import examples
from tests.app import nearer, reading, tabs
from tests.app.views_help import hover
from tests.conftest import dispose

OFFERED = (
    "Copy picture", "Save as PNG", "Save as SVG", "Figure for a paper", "Save numbers (NPZ)", "Save numbers (CSV)",
    "Reset view",
)  # fmt: skip


@pytest.fixture(params=topics(), ids=lambda found: found.name)
def topic(request) -> Topic:
    return request.param


@pytest.fixture
def tab(topic, open_window, qtbot) -> Tab:
    """The tab of a topic with its first result from the real engine, in Chinese."""
    words.forget_missing()
    window = open_window(1280, 800, language="zh")
    made = window.show_topic(topic.name)
    made.seen = []
    tabs.listen(made, made.seen.append)
    first = made.page
    for page in (*range(len(made.pages)), first):
        made.show_page(page)
        quicken(made)
        qtbot.waitUntil(lambda: tabs.rests(made), timeout=60_000)
    qtbot.waitUntil(lambda: not made.is_busy, timeout=60_000)
    return made


def quicken(tab: Tab) -> None:
    """Keep what the page on screen computes short."""
    found = {name: value for fields in examples.of_topic(tab.topic.name).values() for name, value in fields.items()}
    if "model" in found:  # the tab's to choose
        tab.take_model(str(found.pop("model")))
    tab.now.state.put(**{name: value for name, value in found.items() if name in vars(tab.params)})


def declared(topic: Topic) -> list[type[Event]]:
    """The kinds of event that the specs of a topic declare."""
    room = importlib.import_module(f"engines.{topic.name}")
    names = [f"{room.__name__}.spec"] + [
        f"{room.__name__}.{inner.name}.spec" for inner in pkgutil.iter_modules(room.__path__) if inner.ispkg
    ]
    specs = [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]
    every = dict.fromkeys(value for spec in specs for value in vars(spec).values() if isinstance(value, type))
    return [kind for kind in every if issubclass(kind, Frame | Record) and kind.__module__.startswith(room.__name__)]


def variants(page: Page) -> Iterator[dict[str, object]]:
    """Each option of each choice: some events come only with one of them."""
    for name, rule in tabs.controls(page).items():
        for option in getattr(rule, "options", ()):
            if option != getattr(page.params, name):
                yield {name: option}


def test_a_topic_says_who_it_is(topic, qapp):
    assert topic.group in GROUPS
    assert not icons.pixmap(topic.icon, "text", 20).isNull()
    assert topic.title in words.translations() or not words.needs_translation(topic.title)
    owners = topic.page_classes() or (topic.tab_class(),)
    assert all(issubclass(owner.params_type, Params) for owner in owners)


def opens_on_a_result(tab: Tab) -> None:
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


def says_which_model_made_it(tab: Tab) -> None:
    """A file of a page that uses models holds the source of its model, its name, and the hash of its weights."""
    told = 0
    for page in tab.pages:
        made = page.exported()
        if type(page).takes_models and "model" in made:  # a scene of one's own may be asked about without any
            told += 1
            assert "sha256" in made or "step" in made, page.title  # a state of a run has no file
        if "sha256" in made:
            assert made["title"], page.title
            assert made["sha256"] == catalog.fingerprint(str(made["model"])), page.title
            assert str(made["sha256"])[:12] in caption_of(page.centre), page.title
        said = json.loads(export.settings_text(export.settings_of(page.centre)))
        assert said["program"] == f"Attention Lab {__version__}"
    assert bool(told) == any(hasattr(event, "sha256") for event in tab.seen)


def says_everything_in_chinese(tab: Tab) -> None:
    """As it opens; what each choice adds is read on every page in `tests.app.test_walk`."""
    for page in range(len(tab.pages)):
        tab.show_page(page)
        QApplication.processEvents()
        list(reading.texts(tab))  # opens menus, paints views: all is said
        for rule in rules(tab.params).values():
            for text in (rule.label, rule.tip, rule.group, *getattr(rule, "options", ())):
                words.tr(text)
    assert not words.missing()


def brings_every_kind(tab: Tab, qtbot) -> None:
    """Make choices until every kind of event has come, or none is left."""
    for at, page in enumerate(tab.pages):
        for fields in variants(page):
            if set(declared(tab.topic)) <= {type(event) for event in tab.seen}:
                return
            tab.show_page(at)
            page.state.put(**fields)
            qtbot.waitUntil(lambda: tabs.rests(tab), timeout=60_000)


def takes_one_event_of_each_kind(tab: Tab) -> None:
    """Those that came are given once more, in another order than the engine's: the slot must not mind."""
    latest: dict[type[Event], Event] = {type(e): e for e in tab.seen}
    kinds = declared(tab.topic)
    assert kinds, f"engines.{tab.topic.name}: no spec declares an event"
    assert [kind for kind in kinds if issubclass(kind, Frame) and kind in latest], "no frame of the spec ever came"
    for page in tab.pages:
        for event in [*latest.values(), *reversed(latest.values())]:
            if not isinstance(event, Ended):
                page.on(event)
        over = Ended(page.params), Ended(page.params, cancelled=True)
        for event in (Started(page.params), Progress(1, 2, Message("Computing")), *over):
            page.on(event)
    QApplication.processEvents()
    assert not tab.grab().isNull()


def exports_what_is_set(tab: Tab, qtbot) -> None:
    """What lies under the pointer goes into no file: arrays, settings and picture are those of the page at rest."""
    for page in range(len(tab.pages)):
        tab.show_page(page)
        qtbot.waitUntil(lambda: tabs.rests(tab), timeout=60_000)
        QApplication.processEvents()
        for view in pageexport.Shown(tab.now.centre, "all").views:
            rest(view)
            qtbot.waitUntil(lambda: tabs.rests(tab), timeout=60_000)
            before = taken(view)
            for down, across in ((0.5, 0.5), (0.3, 0.7), (0.8, 0.25)):
                hover(view, QPointF(across * view.width(), down * view.height()))
            after: list[tuple[dict[str, np.ndarray], str, QImage]] = []
            at_rest(view, lambda view=view, after=after: after.append(taken(view)))
            qtbot.waitUntil(lambda after=after: bool(after), timeout=60_000)
            where = f"{tab.now.title}: {view.export_name}"
            assert set(after[0][0]) == set(before[0]), where
            for name, array in before[0].items():
                np.testing.assert_array_equal(after[0][0][name], array, f"{where}: {name}")
            assert after[0][1] == before[1], where
            assert after[0][2] == before[2], f"{where}: a mark of the hand is in the picture"


def lies_in_the_hand(tab: Tab, qtbot) -> None:
    """Every plot and map is zoomed, panned, shown whole and taken out of the app; every color bar drives a map."""
    for page in range(len(tab.pages)):
        tab.show_page(page)
        qtbot.waitUntil(lambda: tabs.rests(tab), timeout=60_000)
        QApplication.processEvents()
        views = pageexport.Shown(tab.now.centre, "all").views
        drawn = [view for view in views if isinstance(view, View)]
        driven = {bar for view in tab.now.findChildren(View) for bar in view.color_bars}
        idle = [bar.report() for bar in tab.now.findChildren(ColorBar) if bar not in driven]
        assert not idle, f"{tab.now.title}: {idle}"
        for view in views:
            offered = export.menu(view)
            assert {words.tr(text) for text in OFFERED} <= {action.text() for action in offered.actions()}
            offered.deleteLater()
        for view in drawn:
            if not view.is_list and not view.is_empty():
                stiff = nearer.stiff(view)
                assert not stiff, f"{tab.now.title}, {view.export_name}: {stiff}"
        for one, other in itertools.combinations([view for view in drawn if isinstance(view, Surface)], 2):
            if nearer.same_axis(one, other):
                assert other in one.linked, f"{tab.now.title}: {one.export_name}, {other.export_name}"


def taken(view: Exportable) -> tuple[dict[str, np.ndarray], str, QImage]:
    """All that goes into files of a view."""
    arrays = {name: np.array(array) for name, array in view.numbers().items()}
    return arrays, export.settings_text(export.settings_of(view)), export.picture(view, 1)


def offers_studies(tab: Tab) -> None:
    """What each page that trains can have studied stands in a file, with its first settings at several values."""
    for page in tab.pages:
        if not isinstance(page, TrainingPage):
            continue
        assert not page.transport.study.isHidden(), page.title
        kind, params, most = page.studied()
        subject = Subject(kind, params, page.name(), Message(page.title), most, page.presets(), page.options())
        for preset in subject.presets:
            assert 1 <= len(preset.over) <= 2
            asked = subject.said({name: list(values) for name, values in preset.over}, preset.seeds, preset.steps)
            assert len(study_from(normal(asked), preset.title).rows) >= preset.seeds
            assert words.tr(preset.title) != preset.title
        found = list(subject.rules.items())[:2]
        assert found, page.title
        over = {name: proposed(rule, getattr(params, name)) for name, rule in found}
        said = subject.said(over, 2, min(3, max(1, most)))
        study = study_from(normal(said), page.title)
        assert len(study.rows) == 2 * np.prod([len(values) for values in over.values()])
        assert all(words.tr(rule.label) for rule in subject.rules.values())
        if kind.any_measure:
            assert seed_of(kind.params), page.title
            place = importlib.util.find_spec(kind.place.split(":")[0])
            assert place is not None
            assert f"class {kind.place.split(':')[1]}" in Path(place.origin).read_text(encoding="utf-8")


def test_it_opens_speaks_and_takes_its_events(tab, qtbot):
    opens_on_a_result(tab)
    offers_studies(tab)
    lies_in_the_hand(tab, qtbot)
    exports_what_is_set(tab, qtbot)
    says_which_model_made_it(tab)
    says_everything_in_chinese(tab)
    brings_every_kind(tab, qtbot)
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
    if any(one() is not None for one in held):  # left out of collections, as all that lives when a module is imported
        gc.unfreeze()
        gc.collect()
    assert [one() for one in held] == [None, None]  # else some object without an owner is heard by a slot of the tab
    left = [one for one in QApplication.topLevelWidgets() if one not in before and not isinstance(one, QMenu)]
    assert not left  # pyqtgraph's menus have no owner
