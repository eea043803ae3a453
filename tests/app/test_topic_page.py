"""Pages in a tab: each is built when shown, its steps are its own, its engine is asked only while it is on screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit

from app import export, theme
from app.params_form import ParamsForm
from app.settings import Settings
from app.topic.state import State
from app.topic.tab import Tab
from app.topic.training_page import TrainingPage
from app.topics import topics
from app.training import Training
from app.transport import Transport
from app.widgets import row
from engines.core.params import Params, Range, drawn, looked, rules, setting
from engines.core.pictures import Picture
from engines.core.protocol import Ended
from engines.core.training import TrainingParams
from tests.app import paged
from tests.app.paged import About, Answer, Noted, PoolParams, ScoreParams

FIRST, SECOND, ALONE = range(3)


@pytest.fixture
def window(open_window, monkeypatch):
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (paged.TOPIC,))
    monkeypatch.setattr("app.window.topic", lambda name: paged.TOPIC if name == "paged" else None)
    return open_window()


@pytest.fixture
def tab(window, qtbot) -> Tab:
    tab = window.show_topic("paged")
    rest(tab, qtbot)
    return tab


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy)


def turn(tab, qtbot, page):
    tab.show_page(page)
    rest(tab, qtbot)
    return tab.now


def picture(name="a"):
    return Picture(name, np.zeros((4, 4, 3), np.uint8))


# ------------------------------------------------------------------ building
def test_a_page_is_built_when_it_is_first_shown(tab, qtbot):
    assert len(tab.pages) == 3
    assert [type(page) for page in tab.pages.made] == [paged.First]
    turn(tab, qtbot, ALONE)
    assert [type(page) for page in tab.pages.made] == [paged.First, paged.Alone]
    tab.show_page(FIRST)
    tab.show_page(ALONE)
    assert len(list(tab.pages.made)) == 2


def test_the_page_of_the_last_time_is_the_first_to_be_built(window, tab, qtbot):
    turn(tab, qtbot, ALONE)
    again = Tab(paged.TOPIC, window)
    qtbot.addWidget(again)
    assert again.page == ALONE
    assert [type(page) for page in again.pages.made] == [paged.Alone]


def test_a_page_built_late_lets_files_fall_through_to_the_window(window, tab, qtbot):
    field = turn(tab, qtbot, ALONE).forms[0].findChild(QLineEdit)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/x.png")])
    data.setText("/x.png")  # as file managers add
    event = QDragEnterEvent(
        field.rect().center(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    reached = []
    window.dragEnterEvent = reached.append  # Qt asks what lies below next, up to the window
    QApplication.sendEvent(field, event)
    assert reached


def test_a_page_of_restored_settings_keeps_the_defaults_of_its_sliders(window, qtbot):
    window.settings.keep_fields("paged.models", PoolParams(temperature=3.0), ("temperature",))
    again = Tab(paged.TOPIC, window)
    qtbot.addWidget(again)
    slider = again.now.forms[0].control("temperature").slider
    assert (slider.number(), slider.default) == (3.0, 1.0)


# ------------------------------------------------------------------ settings and steps
def test_what_is_left_of_the_last_time_is_said_at_once_and_once(window, qtbot):
    window.settings.keep_fields("paged.models", PoolParams(temperature=2.0, opacity=0.9), ("temperature", "opacity"))
    tab = window.show_topic("paged")
    assert tab.error.reason() == "1 change to the model is still in effect from the last session."
    assert tab.now.params.changes() == 1
    control = tab.now.forms[0].control("temperature")
    assert (control.is_changed(), control.slider.default) == (True, PoolParams.temperature)
    tab.error.action.click()  # "Reset all changes" agrees with count, tick and highlight
    assert tab.now.params == PoolParams(opacity=0.9)
    assert (control.is_changed(), control.number(), tab.error.isVisible()) == (False, PoolParams.temperature, False)
    tab.now.change(temperature=2.0)
    tab.show_page(SECOND)
    tab.show_page(FIRST)
    assert not tab.error.isVisible()
    rest(tab, qtbot)


def test_only_what_is_still_in_force_is_left_of_the_last_time(qapp):
    settings = Settings(None)
    settings.keep_fields("a", PoolParams(temperature=2.0), ("temperature",))
    state = State("a", PoolParams(), settings)
    state.reset()
    assert state.take_restored() == 0
    again = State("a", PoolParams(), settings)
    assert again.take_restored() == 0  # the reset was remembered
    again.change(temperature=3.0)
    last = State("a", PoolParams(), settings)
    assert (last.take_restored(), last.take_restored()) == (1, 0)


PAGES = {f"{one.name} {kind.name()}": kind for one in topics() for kind in one.page_classes()}


@pytest.mark.parametrize("name", PAGES)
def test_restored_values_are_no_defaults_on_any_page(name, qtbot):
    plain = PAGES[name].params_type()
    moved = {}
    for field, rule in rules(plain).items():
        match rule:
            case Range():
                moved[field] = type(getattr(plain, field))(rule.low)
    try:
        left = replace(plain, **moved)
    except ValueError:
        pytest.skip("the lowest values do not go together")
    form = ParamsForm(left)
    qtbot.addWidget(form)
    for field in moved:
        control = form.control(field)
        assert control.slider.default == getattr(plain, field)
        assert control.is_changed() == (getattr(left, field) != getattr(plain, field))
        control.reset()
        assert control.number() == pytest.approx(getattr(plain, field))


def test_pages_with_the_same_params_share_them_and_others_do_not(tab, qtbot):
    tab.now.step(temperature=2.0)
    assert turn(tab, qtbot, SECOND).params.temperature == 2.0
    assert tab.header.undo_button.isEnabled()
    alone = turn(tab, qtbot, ALONE)
    assert not tab.header.undo_button.isEnabled()  # its steps are its own
    alone.step(layer=5)
    tab.undo()
    assert alone.params == ScoreParams()
    assert tab.pages[FIRST].params.temperature == 2.0
    turn(tab, qtbot, SECOND)
    tab.undo()
    assert tab.pages[FIRST].params == PoolParams()


def test_a_form_changes_the_settings_and_a_drag_is_one_step(tab, qtbot):
    control = tab.now.forms[0].control("temperature")
    for value in (2.0, 3.0):
        control.changed.emit(value)
    control.settled.emit(3.0)
    assert tab.params.temperature == 3.0
    assert tab.now.dock.said.text() == "1 change to the model"
    tab.undo()
    assert tab.params.temperature == 1.0
    rest(tab, qtbot)


def test_the_dock_counts_and_resets_what_differs_in_it(tab, qtbot):
    page = turn(tab, qtbot, ALONE)
    dock, reset = page.dock, page.dock.reset_button
    assert (dock.said.text(), reset.isEnabled()) == ("Nothing is changed", False)
    page.step(layer=5)  # no change to the model, yet not as at first
    assert (dock.said.text(), reset.isEnabled()) == ("1 change", True)
    reset.click()
    assert page.params.layer == ScoreParams().layer
    assert dock.said.text() == "Nothing is changed"
    tab.undo()
    assert page.params.layer == 5  # one step
    rest(tab, qtbot)


@pytest.mark.parametrize("slides", [True, False])
def test_the_bar_moves_nothing_under_the_pointer(tab, qtbot, monkeypatch, slides):
    theme.set_motion(slides)
    before = tab.stack.geometry()
    monkeypatch.setattr(tab.stack, "underMouse", lambda: True)
    tab.complain("Something.")
    qtbot.waitUntil(tab.error.isVisible)
    QApplication.processEvents()
    assert tab.stack.geometry() == before
    assert tab.error.geometry().topLeft() == before.topLeft()
    assert tab.error.height() >= 40  # where it slides it would have none yet
    QApplication.sendEvent(tab.stack, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: tab.stack.y() > before.y())  # the pointer is gone: the bar has room of its own
    tab.error.dismiss()
    qtbot.waitUntil(lambda: tab.stack.geometry() == before)
    monkeypatch.setattr(tab.stack, "underMouse", lambda: False)
    tab.complain("Again.")
    qtbot.waitUntil(lambda: tab.stack.y() > before.y())
    tab.error.dismiss()
    theme.set_motion(False)
    rest(tab, qtbot)


def test_settings_are_remembered_by_page(window, tab, qtbot):
    tab.now.step(temperature=2.0, opacity=0.8)
    turn(tab, qtbot, ALONE).step(layer=7)
    kept: Settings = window.settings
    assert kept.restored("paged.models", PoolParams()).temperature == 2.0
    assert kept.restored("paged.alone", ScoreParams()).layer == 7


@dataclass(frozen=True)
class RunParams(TrainingParams):
    rate: float = setting(0.1, Range(0.01, 1, 0.01, "Learning rate", live=True))
    width: int = setting(16, Range(2, 64, 1, "Width"), former="size")
    pace: int = drawn(5, Range(1, 50, 1, "Steps per second"))

    def following(self, before):
        return replace(self, width=self.width // 2 * 2)


def test_a_page_says_what_the_very_first_start_shows(window, qtbot, monkeypatch):
    monkeypatch.setattr(paged.First, "plain", classmethod(lambda cls: PoolParams(temperature=2.0, query=4)))
    window.settings.keep_fields("paged.models", PoolParams(temperature=3.0), ("temperature",))
    window.settings.set_page("paged", SECOND)
    made = Tab(paged.TOPIC, window)
    qtbot.addWidget(made)
    assert type(made.now) is paged.Second
    assert made.params == PoolParams(temperature=3.0, query=4)


@dataclass(frozen=True)
class CropParams(Params):
    size: int = setting(8)
    row: int = looked(0)

    def following(self, before):
        return replace(self, row=min(self.row, self.size - 1))


def test_what_is_looked_at_follows_what_an_undo_brings(qapp):
    state = State("paged.alone", CropParams(), Settings.load(temporary=True))
    state.step(size=20)
    state.change(row=12)
    state.undo()
    assert state.params == CropParams(8, 7)
    state.redo()
    assert state.params == CropParams(20, 7)


def test_restored_settings_go_together(qapp):
    settings = Settings.load(temporary=True)
    settings.keep_fields("paged.alone", RunParams(width=17), ("width",))
    assert State("paged.alone", RunParams(), settings).params.width == 16
    settings._topics["paged.alone"] = {"size": 20}  # of a version that called it so
    assert State("paged.alone", RunParams(), settings).params.width == 20


def test_a_run_that_was_left_brings_what_it_is_made_of(window, qtbot):
    page = TrainingPage(State("paged.alone", RunParams(pace=7), window.settings), None, window)
    qtbot.addWidget(page)
    page.put_run(vars(RunParams(run=3, until=9, rate=0.2, width=8)))
    assert page.params == RunParams(rate=0.2, width=8, pace=7)
    page.put_run({"rate": 0.3, "size": 12})  # of a version that called it so
    assert page.params == RunParams(rate=0.3, width=12, pace=7)
    page.put_run({"rate": 0.2})  # of a version that had no width
    assert page.params == RunParams(rate=0.2, pace=7)


def test_a_training_page_makes_what_its_dock_asks_for(window, qtbot):
    page, transport = TrainingPage(State("paged.alone", RunParams(), window.settings), None, window), Transport()
    training = Training(page, "tests.app.test_training:Counter", transport, lambda: page.params, 9)
    page.setLayout(row(transport))
    qtbot.addWidget(page)
    page.train(training, transport)
    before = set(QApplication.topLevelWidgets())
    training.waiting.emit(2)
    assert set(QApplication.topLevelWidgets()) == before  # what stands in no dock is no window of its own
    page.layout().addWidget(page.pending)
    page.layout().addWidget(page.kept_runs)
    training.waiting.emit(1)
    assert page.pending.said.text() == "1 change since the run began"
    assert not page.pending.isHidden()
    assert page.kept_runs.isHidden()


def test_a_tab_hands_its_pages_what_they_share(window, qtbot):
    class Sharing(Tab):
        def make_page(self, kind, state, feed):
            made = super().make_page(kind, state, feed)
            made.shared = vars(self).setdefault("_shared", [])
            return made

    made = Sharing(paged.TOPIC, window)
    qtbot.addWidget(made)
    first = made.now.shared
    made.show_page(ALONE)
    assert made.now.shared is first


def test_settings_may_be_mended_before_there_is_a_page(window, qtbot):
    class Mending(Tab):
        def make_page(self, kind, state, feed):
            state.put(temperature=2.0)
            return super().make_page(kind, state, feed)

    made = Mending(paged.TOPIC, window)
    qtbot.addWidget(made)
    assert made.params.temperature == 2.0
    assert not made.header.undo_button.isEnabled()


# ------------------------------------------------------------------ asking
def test_an_engine_may_take_less_than_all_settings(window, qtbot):
    @dataclass(frozen=True)
    class Less(Params):
        temperature: float = 1.0
        do: str = "answer"

    class Narrow(paged.First):
        asks = Less

    class OneTab(Tab):
        def _make(self, kind):
            return super()._make(Narrow)

    tab = OneTab(replace(paged.TOPIC, pages=paged.PAGES[:1]), window)
    qtbot.addWidget(tab)
    tab.shown()
    tab.now.change(temperature=2.0)
    rest(tab, qtbot)
    assert tab.now.answers[-1].params == Less(2.0)
    count = len(tab.now.told)
    tab.now.change(query=5)
    assert not tab.is_busy
    assert len(tab.now.told) == count


def test_pages_that_share_an_engine_may_ask_it_with_different_settings(window, qtbot):
    @dataclass(frozen=True)
    class Less(Params):
        temperature: float = 1.0
        do: str = "answer"

    class Narrow(paged.First):
        asks = Less

    class TwoTabs(Tab):
        def _make(self, kind):
            return super()._make(Narrow if kind is paged.First else kind)

    tab = TwoTabs(replace(paged.TOPIC, pages=paged.PAGES[:2]), window)
    qtbot.addWidget(tab)
    tab.shown()
    rest(tab, qtbot)
    first, second = tab.now, turn(tab, qtbot, SECOND)
    assert first.feed is second.feed
    assert second.answers[-1].params == PoolParams()
    turn(tab, qtbot, FIRST).change(temperature=2.0)
    rest(tab, qtbot)
    assert first.answers[-1].params == Less(2.0)


def test_settings_are_read_from_where_the_page_had_them_before(window, qtbot, monkeypatch):
    monkeypatch.setattr(paged.Alone, "former", "paged.elsewhere")
    window.settings.keep_fields("paged.elsewhere", ScoreParams(layer=7), ("layer",))
    tab = Tab(replace(paged.TOPIC, pages=paged.PAGES[2:]), window)
    qtbot.addWidget(tab)
    assert tab.params.layer == 7


def test_a_page_behind_another_topic_asks_when_it_comes_back(tab, qtbot):
    tab.hide()
    count = len(tab.now.answers)
    tab.now.change(query=7)
    assert not tab.is_busy
    tab.show()
    tab.shown()
    rest(tab, qtbot)
    assert len(tab.now.answers) == count + 1
    assert tab.now.answers[-1].params.query == 7


def test_only_what_the_engine_sees_is_asked(tab, qtbot):
    page = tab.now
    count = len(page.answers)
    page.step(opacity=0.9)
    rest(tab, qtbot)
    assert len(page.answers) == count
    assert page.shown[-1].opacity == 0.9
    page.change(token=3)
    rest(tab, qtbot)
    assert len(page.answers) == count
    assert page.shown[-1].token == 3
    page.step(rate=0.2)  # of a run alone
    rest(tab, qtbot)
    assert len(page.answers) == count
    tab.undo()
    assert page.params.rate == 0.1
    page.change(query=2)
    rest(tab, qtbot)
    assert len(page.answers) == count + 1
    assert page.answers[-1].params == PoolParams(query=2)  # how it is drawn is not said


def test_a_page_that_can_not_be_answered_asks_nothing(tab, qtbot):
    page, possible = tab.now, [False]
    page.answerable = lambda: possible[0]
    count = len(page.answers)
    page.step(temperature=2.0)
    turn(tab, qtbot, ALONE)
    turn(tab, qtbot, FIRST)
    tab.set_device("cpu")
    assert not tab.is_busy
    assert len(page.answers) == count
    possible[0] = True
    page.step(temperature=3.0)
    rest(tab, qtbot)
    assert page.answers[-1].params.temperature == 3.0


def test_a_page_that_is_not_on_screen_asks_nothing_and_is_up_to_date_when_it_comes(tab, qtbot):
    first, second = tab.now, turn(tab, qtbot, SECOND)
    assert second.answers == first.answers  # the same engine has said it already: nothing was asked again
    drawn, shown = len(first.told), len(first.shown)
    second.step(temperature=4.0)
    rest(tab, qtbot)
    assert [type(event) for event in first.told[drawn:]].count(Answer) == 0
    assert Noted in [type(event) for event in first.told[drawn:]]  # history is told to all, and never dropped
    assert len(first.shown) == shown
    turn(tab, qtbot, FIRST)
    assert first.answers[-1] is second.answers[-1]
    assert first.shown[-1].temperature == 4.0
    assert first.came == [True, False, True]


def test_what_frames_are_about_is_told_once_and_to_a_page_that_opens_later(tab, qtbot):
    page, say = tab.now, tab.now.feed.stream.arrived.emit
    about, answer, other = About("a"), Answer(PoolParams()), About("b")
    told = len(page.told)
    for event in (about, answer, about):
        say(event)
    assert page.told[told:] == [about, answer]
    late = turn(tab, qtbot, SECOND)
    assert late.told == [about, answer]
    say(other)
    assert list(page.feed.frames.values()) == [other]  # what was said of the one before is not said of this one
    assert page.told[-1] is answer  # it hears of it when it is on screen
    turn(tab, qtbot, FIRST)
    assert page.told[-1] is other


def test_what_another_page_cut_short_is_asked_again(tab, qtbot):
    tab.now.change(do="forever")
    qtbot.waitUntil(lambda: tab.is_busy and tab.now.answers[-1].params.do == "forever")
    feed = tab.now.feed
    turn(tab, qtbot, ALONE)
    assert not tab.is_busy
    feed.stream.stop()  # as the question of another page does
    qtbot.waitUntil(lambda: not feed.is_busy)
    tab.show_page(FIRST)
    assert tab.is_busy
    assert not feed.given_up
    tab.cancel()
    rest(tab, qtbot)
    assert feed.given_up
    turn(tab, qtbot, ALONE)
    tab.show_page(FIRST)
    assert not tab.is_busy  # ended by the hand
    tab.now.change(do="answer")
    rest(tab, qtbot)
    assert tab.now.answers[-1].params.do == "answer"


def test_a_feed_takes_up_what_was_cut_short_and_not_what_the_hand_has_ended(tab, qtbot):
    feed = tab.now.feed
    for end, again in ((feed.stream.stop, True), (feed.cancel, False)):
        tab.now.change(do="forever")
        qtbot.waitUntil(lambda: feed.is_busy and tab.now.answers[-1].params.do == "forever")
        feed.resume()  # nothing was cut
        end()
        qtbot.waitUntil(lambda: not feed.is_busy)
        feed.resume()
        assert feed.is_busy == again
        tab.now.change(do="answer")
        rest(tab, qtbot)


def test_an_error_is_said_and_the_next_visit_tries_again(tab, qtbot, capsys):
    with qtbot.waitSignal(tab.rested) as rested:
        tab.now.step(do="fail")
    assert rested.args == [False]
    assert tab.failed
    assert tab.error.reason() == "x.png: not an image."
    ended = [event for event in tab.now.told if isinstance(event, Ended)]
    assert ended[-1].error is not None
    turn(tab, qtbot, ALONE)
    assert not tab.failed
    with qtbot.waitSignal(tab.rested):
        tab.show_page(FIRST)
    assert len([event for event in tab.now.told if isinstance(event, Ended) and event.error is not None]) == 2


def test_where_a_gpu_is_full_the_cpu_is_one_click_away(tab, window, qtbot, capsys):
    with qtbot.waitSignal(tab.rested):
        tab.now.step(do="too much")
    assert tab.failed
    assert tab.error.reason() == "The device ran out of memory."
    assert tab.error.action.text() == "Use the CPU"
    tab.error.action.click()
    rest(tab, qtbot)
    assert window.settings.device == "cpu"
    assert not tab.failed
    assert tab.error.isHidden()
    assert tab.now.answers[-1].params.do == "too much"


def test_another_device_asks_again(tab, qtbot):
    count = len(tab.now.answers)
    tab.set_device("cpu")
    rest(tab, qtbot)
    assert len(tab.now.answers) == count + 1


# ------------------------------------------------------------------ what comes from outside
def test_a_file_goes_to_the_page_that_accepts_it(tab, qtbot):
    assert tab.takes_path(Path("x.points"))
    assert not tab.takes_path(Path("x.json"))
    tab.take_paths([Path("x.points")])
    assert tab.page == SECOND
    assert tab.now.taken == [Path("x.points")]
    rest(tab, qtbot)


def test_files_of_several_kinds_go_each_to_its_page(tab, qtbot):
    turn(tab, qtbot, SECOND)
    tab.take_paths([Path("x.alone"), Path("x.points"), Path("y.alone")])
    assert tab.pages[SECOND].taken == [Path("x.points")]
    assert tab.pages[ALONE].taken == [Path("x.alone"), Path("y.alone")]
    assert tab.page == ALONE
    rest(tab, qtbot)


def test_a_picture_goes_to_a_page_that_shows_it_and_forgets_the_steps(tab, qtbot):
    turn(tab, qtbot, ALONE)
    shown = picture()
    tab.take_picture(shown)
    assert tab.page == FIRST
    assert tab.params.picture is shown
    tab.now.step(temperature=2.0)
    tab.take_picture(picture("b"))
    assert not tab.now.state.history.can_undo
    assert tab.params.temperature == 2.0
    rest(tab, qtbot)


def test_keys_and_the_clipboard_go_to_the_page_on_screen(window, tab, qtbot):
    turn(tab, qtbot, SECOND)
    data = QMimeData()
    data.setText("1,2")
    assert tab.paste(data)
    QGuiApplication.clipboard().setText("1,2")
    window.paste()
    assert tab.error.reason() == ""  # it was of use: nobody else looked at it
    data.setText("something")
    assert not tab.paste(data)
    used = []
    tab.now.key = lambda event: used.append(event.text()) or True
    qtbot.keyClick(tab.header, Qt.Key.Key_K)
    assert used == ["k"]


def test_an_export_holds_the_settings_of_its_page(tab):
    tab.now.step(temperature=2.0)
    settings = export.settings_of(tab.now.text)
    assert settings["temperature"] == 2.0
    tab.now.text.settings = {"run": 1}
    assert export.settings_of(tab.now.text) == {"run": 1}  # of a run, which may be older than the settings


def test_other_words_are_made_anew(tab, qtbot):
    turn(tab, qtbot, SECOND)
    first = tab.pages[FIRST]
    shown, told = len(first.shown), len(tab.now.answers)
    for page in tab.pages.made:
        page.retranslated()
    assert len(tab.now.answers) == told + 1
    assert len(first.shown) == shown
    turn(tab, qtbot, FIRST)
    assert len(first.shown) == shown + 1
