"""Sliders, fields, chips, segments, cards and the error bar under the hand and in both languages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app import theme, words
from app.cards import ErrorBar, card
from app.controls import Check, Chips
from app.legend import Key
from app.sliders import Field, ParamRow, Scale, Slider
from app.steady import Figure, Steady, hold_lines, is_settled
from app.widgets import MenuButton, Segments, box, button, col, label, row, show_or_hide
from engines.core.errors import Message
from tests.app.views_help import click, drag, key, loud, show, wheel


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    words.set_language("en")
    words.forget_missing()


class Spy(QObject):
    """Tells of events of one type."""

    seen = Signal()

    def __init__(self, watched: QWidget, kind: QEvent.Type) -> None:
        super().__init__(watched)
        self._kind = kind
        watched.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == self._kind:
            self.seen.emit()
        return False


LAYERS = Scale(1, 12, 1, 0)
TEMPERATURE = Scale(0.1, 10, 0.01, 2, log=True)
SHARE = Scale(0, 1, 0.01, 0, percent=True)
RATE = Scale(1e-6, 0.1, 1e-6, 6, log=True)


def heard(signal) -> list:
    out: list = []
    signal.connect(out.append)
    return out


@pytest.mark.parametrize(
    "scale", [LAYERS, TEMPERATURE, SHARE, RATE, Scale(-1, 1, 0.1, 1), Scale(1, 100_000, 1, 0, log=True)]
)
def test_every_position_comes_back(scale):
    values = [scale.value(i) for i in range(scale.count + 1)]
    assert values[0] == scale.low
    assert values[-1] == scale.high
    assert all(a < b for a, b in pairwise(values)) or scale.high > 10_000
    for value in values:
        assert scale.low <= value <= scale.high
        assert scale.parsed(scale.written(value)) == pytest.approx(value, rel=0.06, abs=10**-scale.digits)


@given(st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_a_log_slider_moves_in_equal_ratios(value):
    position = TEMPERATURE.position(value)
    assert TEMPERATURE.value(position) == pytest.approx(value, rel=0.03)


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [(LAYERS, 9, "9"), (TEMPERATURE, 1.7, "1.70"), (SHARE, 0.8, "80 %"), (RATE, 3e-4, "3e−4"), (RATE, 0.05, "0.050000"),
     (Scale(224, 518, 14, 0, unit="px"), 224, "224 px"), (Scale(-2, 2, 0.5, 1), -1.5, "−1.5"),
     (Scale(1, 99_999, 1, 0), 2190, "2,190")],
)  # fmt: skip
def test_numbers_are_written_as_the_app_does(scale, value, text):
    assert scale.written(value) == text
    assert scale.parsed(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("scale", "typed", "value"),
    [(SHARE, "40", 0.4), (SHARE, "40%", 0.4), (SHARE, " 40 % ", 0.4), (LAYERS, "99", 12), (LAYERS, "3.4", 3),
     (TEMPERATURE, "−5", 0.1), (RATE, "1e-3", 1e-3), (LAYERS, "abc", None), (LAYERS, "", None), (LAYERS, "nan", None),
     (TEMPERATURE, "inf", None)],
)  # fmt: skip
def test_typed_text(scale, typed, value):
    assert scale.parsed(typed) == value


def test_slider_drag_is_one_step_to_undo(qtbot):
    slider = show(qtbot, Slider(SHARE, 0.5), 216, 22)
    changed, settled = heard(slider.changed), heard(slider.settled)
    drag(slider, QPointF(108, 11), QPointF(168, 11))
    assert changed[-1] == pytest.approx(0.8)
    assert settled == [pytest.approx(0.8)]
    slider.mouseDoubleClickEvent(None)
    assert slider.number() == 0.5
    assert len(settled) == 2


def test_slider_wheel_needs_focus(qtbot):
    page = QWidget()
    slider, other = Slider(LAYERS, 6), button("off")
    page.setLayout(col(slider, other))
    show(qtbot, page, 200, 80)
    page.activateWindow()
    other.setFocus()
    wheel(slider, QPointF(50, 10), 1)
    assert slider.number() == 6
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    wheel(slider, QPointF(50, 10), 1)
    assert slider.number() == 7


def test_slider_keys(qtbot):
    slider = show(qtbot, Slider(LAYERS, 6), 200, 22)
    changed = heard(slider.changed)
    for code in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_End):
        key(slider, code)
    assert changed == [7, 6, 1, 12]


def test_a_value_between_positions_is_kept_exactly(qtbot):
    slider = show(qtbot, Slider(RATE, 1e-4), 200, 22)
    changed = heard(slider.changed)
    slider.set_number(3.21e-4)
    assert slider.number() == 3.21e-4
    assert not changed


@pytest.fixture
def setting(qtbot):
    page = QWidget()
    made = ParamRow(
        "Temperature", TEMPERATURE, 1.0, tip="Divides the scores before the softmax. 1 = untouched. (Hinton 2015)"
    )
    page.setLayout(col(made))
    show(qtbot, page, 240, 80)
    page.activateWindow()
    yield made
    page.close()


def test_a_changed_name_turns_bold_and_accent_and_back(setting):
    def marked():
        return setting.name.font().bold(), setting.name.palette().windowText().color().name().upper()

    plain = (False, theme.code("text"))
    assert marked() == plain
    setting.set_number(2.0)
    assert marked() == (True, theme.code("accent"))
    QTest.mouseDClick(setting.name, Qt.MouseButton.LeftButton)
    assert setting.number() == 1.0
    assert marked() == plain


def test_typing_takes_effect_on_enter_and_esc_restores(setting):
    changed, settled = heard(setting.changed), heard(setting.settled)
    field = setting.field
    field.selectAll()
    QTest.keyClicks(field, "2.5")
    assert not changed
    key(field, Qt.Key.Key_Return)
    assert changed == [2.5] == settled
    field.selectAll()
    QTest.keyClicks(field, "nonsense")
    key(field, Qt.Key.Key_Return)
    assert field.property("kind") == "bad"
    key(field, Qt.Key.Key_Escape)
    assert field.text() == "2.50"
    assert field.property("kind") == ""
    assert changed == [2.5]


@pytest.mark.parametrize(("typed", "taken", "undone"), [("2.5", True, 1), ("2.5", False, 0)])
def test_undo_is_the_windows_once_what_was_typed_is_taken(qtbot, setting, typed, taken, undone):
    page, told = QWidget(), []
    page.setLayout(col(setting))
    shortcut = QShortcut(QKeySequence.StandardKey.Undo, page)
    shortcut.activated.connect(lambda: told.append(1))
    show(qtbot, page, 300, 90)
    page.activateWindow()
    setting.field.setFocus()
    qtbot.waitUntil(setting.field.hasFocus)
    QTest.keyClicks(setting.field, typed)
    if taken:
        key(setting.field, Qt.Key.Key_Return)
    QTest.keyClick(setting.field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(told) == undone
    setting.setParent(None)


def test_leaving_a_field_with_nonsense_restores_it(qtbot):
    page = QWidget()
    field, other = Field(LAYERS, 5), button("off")
    page.setLayout(col(field, other))
    show(qtbot, page, 200, 90)
    page.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    field.setText("x")
    other.setFocus()
    assert field.text() == "5"


def test_field_steps_with_the_arrows(setting):
    before = setting.number()
    key(setting.field, Qt.Key.Key_Up)
    up = setting.number()
    key(setting.field, Qt.Key.Key_Down)
    assert up > before
    assert setting.number() == pytest.approx(before, rel=0.02)


def test_the_slider_tells_its_name_and_tip(setting):
    assert setting.slider.accessibleName() == "Temperature"
    assert "Hinton" in setting.slider.toolTip()


def test_other_bounds_keep_what_fits(setting):
    setting.set_scale(Scale(0.5, 2, 0.01, 2), default=1.5)
    assert setting.is_changed()
    setting.reset()
    assert setting.number() == 1.5


def test_chips_switch_off_with_a_struck_number(qtbot):
    chips = show(qtbot, Chips(12), 240, 60)
    changed = heard(chips.changed)
    click(chips.chips[2], QPointF(5, 10))
    click(chips.chips[7], QPointF(5, 10))
    click(chips.chips[2], QPointF(5, 10))
    assert changed == [(2,), (2, 7), (7,)]
    assert chips.chips[7].font().strikeOut()
    assert not chips.chips[2].font().strikeOut()
    chips.set_count(6)
    assert chips.off() == ()


def test_check_answers_on_its_whole_row(qtbot):
    check = show(qtbot, Check("off"), 300, 24)
    click(check, QPointF(200, 12))
    assert check.isChecked()
    key(check, Qt.Key.Key_Space)
    assert not check.isChecked()


def test_segments_and_menus_speak_only_for_the_hand(qtbot):
    segments = show(qtbot, Segments(("on", "off")), 200, 30)
    chosen = heard(segments.chosen)
    segments.set_at(1)
    assert not chosen
    click(segments.button(0), QPointF(10, 10))
    assert chosen == [0]
    menu = MenuButton((Message("on"), "off"), prefix="Sort: {value}")
    qtbot.addWidget(menu)
    picked = heard(menu.chosen)
    assert menu.text().strip() == "Sort: on"
    menu.menu().actions()[1].trigger()
    assert picked == [1]
    assert menu.at() == 1
    menu.set_options([words.plain("a & b")])
    assert menu.text().strip() == "Sort: a && b"


def test_a_card_shows_one_line_and_one_button_when_empty(qtbot):
    acted = []
    made = card("off", QLabel("body"), "on")
    show(qtbot, made, 300, 200)
    made.set_empty("off", "on", lambda: acted.append(1))
    assert made.empty_text.isVisible()
    made.empty_button.click()
    made.set_empty(None)
    assert not made.empty_text.isVisible()
    assert acted == [1]


def test_a_view_is_called_like_its_card(qtbot):
    body = QLabel("body")
    made = card("on", body)
    qtbot.addWidget(made)
    assert body.accessibleName() == "on"
    made.set_title("off")
    words.set_language("zh")
    words.retranslate(made)
    assert body.accessibleName() == made.title.text() == "关"


def test_a_busy_card_has_a_line_that_runs(qtbot):
    made = card("off", QLabel("body"))
    show(qtbot, made, 300, 200)
    plain = made.grab().toImage()
    made.set_busy(True)
    made._busy._at = 50
    assert made._busy._run.isActive()
    assert made.grab().toImage() != plain
    made.set_busy(False)
    assert made.grab().toImage() == plain
    assert not made._busy._run.isActive()


def test_a_line_of_about_the_same_length_lays_nothing_out(qtbot):
    made = Steady()
    page = box(row(made, 1))
    show(qtbot, page, 300, 60)
    made.setText("Layer 12 in 11 ms")
    with qtbot.waitSignal(Spy(page, QEvent.Type.LayoutRequest).seen):
        made.setText("Layer 12 in 1,234 ms")  # longer: more room
    longest = made.width()
    assert longest >= made.sizeHint().width()
    with qtbot.assertNotEmitted(Spy(page, QEvent.Type.LayoutRequest).seen):
        made.setText("Layer 12 in 11 ms")
        QApplication.processEvents()
    assert made.width() == longest
    qtbot.waitUntil(is_settled)  # it rests: only what was shown last counts
    fresh = Steady("Layer 12 in 11 ms")
    assert made.minimumSize() == fresh.minimumSize()
    with qtbot.waitSignal(Spy(page, QEvent.Type.LayoutRequest).seen):
        made.setText("Idle")
    assert made.width() < longest / 2
    made.setText("改一个词元，哪些 logit 会变")  # signs of two fonts, one of which may be higher
    assert made.height() >= made.sizeHint().height()


def test_one_that_fell_silent_is_as_large_as_one_that_never_spoke(qtbot):
    def hints(one):
        return one.sizeHint(), one.minimumSizeHint()

    for make in (lambda: label(wrap=True), Steady):
        silent, spoke = make(), make()
        spoke.setText("Row 3, 字")
        spoke.setText("")
        qtbot.waitUntil(is_settled)
        sizes = [
            [hint.boundedTo(one.maximumSize()).expandedTo(one.minimumSize()) for hint in hints(one)]
            for one in (silent, spoke)
        ]
        assert sizes[0] == sizes[1]


def test_room_is_measured_by_the_text_that_stands_there(qtbot):
    """In some sizes and fonts a word is a pixel higher than its font says, and than a number."""
    page = QWidget()
    made = {px: Figure(px) for px in range(11, 18)}
    page.setLayout(col(*made.values()))
    show(qtbot, page, 300, 300)
    differ = 0
    for language, text in (("en", "Step {n}"), ("zh", "第 {n} 步")):
        theme.switch(page, language=language)
        for figure in made.values():
            figure.hold(text.format(n="00,000"))
            for number in ("0", "12,345", "8"):
                figure.setText(text.format(n=number))
                metrics = figure.fontMetrics()
                high = max(metrics.boundingRect(figure.text()).height(), metrics.size(0, figure.text()).height())
                differ += high > metrics.height()
                assert figure.height() >= high
                assert figure.width() >= metrics.horizontalAdvance(figure.text())
    assert differ


def test_lines_are_held_in_any_font(qtbot, monkeypatch):
    page = QWidget()
    loose, tight = label("", 12, wrap=True), label("", 12, wrap=True)
    page.setLayout(col(loose, tight, 1))
    show(qtbot, page, 300, 200)
    hold_lines(loose, 2)
    hold_lines(tight, 2, fixed=True)
    for family in ("", "DejaVu Sans", "WenQuanYi Micro Hei"):
        monkeypatch.setenv(theme.FONT_VARIABLE, family)
        theme.switch(page)
        least = loose.minimumHeight()
        for text in ("One\ntwo", "Ågq\n注意力 Ågq", "注意力\n第 0 步"):
            loose.setText(text)
            assert loose.heightForWidth(300) <= least
        assert tight.minimumHeight() == tight.maximumHeight() == least < 36
    monkeypatch.delenv(theme.FONT_VARIABLE)
    theme.use()


def test_the_error_bar_names_reason_and_one_action(qtbot, qtlog):
    page = QWidget()
    bar = ErrorBar()
    page.setLayout(col(bar, 1))
    show(qtbot, page, 600, 200)
    acted, closed = [], []
    bar.closed.connect(lambda: closed.append(1))
    bar.tell(
        Message("{name} can't be saved: {reason}.", {"name": "a.png", "reason": "full"}),
        "Note",
        "Close",
        lambda: acted.append(1),
        kind="warning",
    )
    assert bar.isVisible()
    assert bar.accessibleName() == "Note: a.png can't be saved: full."
    theme.switch(page, language="zh")
    assert bar.accessibleName() == "提示: 无法保存 a.png：full。"
    bar.action.click()
    assert acted == [1]
    assert bar.isHidden()
    assert closed == [1]
    assert not loud(qtlog)


@pytest.mark.parametrize(("word", "kind"), [("Note", "warning"), ("Error", "error"), ("Refused", "error")])
def test_a_note_is_not_shown_as_an_error(qtbot, word, kind):
    bar = ErrorBar()
    qtbot.addWidget(bar)
    bar.tell("The run is not kept.", word=word)
    assert bar.property("kind") == kind


def test_a_key_keeps_its_columns(qtbot):
    made = Key((("cat0", "on"), ("cat1", "off")), "00.00")
    show(qtbot, made, 300, 20)
    made.set_values(("0.22", "0.38"))
    before = [v.x() for v in made._values]
    made.set_values(("10.00", "9.00"))
    assert [v.x() for v in made._values] == before
    made.set_items((("cat2", "on"),), "0.0")
    assert len(made._values) == 1


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_buttons_are_never_narrower_than_their_words(qtbot, language):
    words.set_language(language)
    page = box(
        col(button("Copy picture"), button("Save as PNG", "export"), Check("Copy picture"), Segments(("on", "off")))
    )
    show(qtbot, page, 10, 10)
    for part in page.findChildren(QWidget):
        if hasattr(part, "text") and part.text():
            assert part.width() >= part.fontMetrics().horizontalAdvance(part.text().replace("&&", "&"))


def test_icon_buttons_have_a_name_and_a_tip(qtbot):
    made = button(icon="copy", tip="Copy picture")
    qtbot.addWidget(made)
    assert made.accessibleName() == made.toolTip() == "Copy picture"


def test_a_menu_of_thousands_is_parted_and_filled_when_it_is_opened(qtbot):
    menu = MenuButton([words.plain(f"class {n}") for n in range(5000)], 4321)
    qtbot.addWidget(menu)
    chosen = []
    menu.chosen.connect(chosen.append)
    parts = [action.menu() for action in menu.menu().actions()]
    assert 60 < len(parts) < 80
    assert all(part.isEmpty() for part in parts)
    assert parts[0].title() == "class 0 – class 70"
    parts[0].aboutToShow.emit()
    parts[-1].aboutToShow.emit()
    assert len(parts[0].actions()) == 71
    assert menu.exclusive.checkedAction() is None  # in a part that was not opened
    parts[0].actions()[7].trigger()
    assert (chosen, menu.at(), menu.text().strip()) == ([7], 7, "class 7")
    assert menu.exclusive.checkedAction() is parts[0].actions()[7]
    menu.set_at(4321)
    assert menu.exclusive.checkedAction() is None
    parts[4321 // 71].aboutToShow.emit()
    assert menu.exclusive.checkedAction().text() == "class 4321"
    menu.set_options(["Light", "Dark"], 1)
    assert [action.text() for action in menu.menu().actions()] == ["Light", "Dark"]
    assert menu.exclusive.checkedAction().text() == "Dark"


@pytest.mark.parametrize("shown", [True, False])
def test_a_part_without_a_parent_is_shown_with_its_parent_and_not_before(qtbot, shown):
    part = QLabel()
    show_or_hide(part, not shown)
    show_or_hide(part, shown)
    assert not part.isVisible()
    around = box(row(part))
    qtbot.addWidget(around)
    around.show()
    assert part.isVisible() is shown
    show_or_hide(part, not shown)
    assert part.isVisible() is not shown
