"""The Mixing tab in the window, with bundled nets: the hand on photo and matrix, sliders, nets, files."""

from __future__ import annotations

import numpy as np
import pytest

from app import theme, words
from app.figure import caption_of
from app.resting import rest
from app.tabs.mixing.views import end_of, influence
from engines.mixing import nets
from engines.mixing.spec import NOWHERE, WITHIN, Nets
from tests.app.models import tiny_vit
from tests.app.views_help import hover


@pytest.fixture
def tab(open_window, qtbot, own_home):
    (own_home / "settings.json").write_text('{"topics": {"mixing": {"probes": 2}}}')  # more would only take longer
    made = open_window(1280, 800).show_topic("mixing")
    settled(made, qtbot)
    assert made.now.answer.left.matrix.probes == 2
    return made


def settled(tab, qtbot):
    qtbot.waitUntil(lambda: tab.now.answer is not None and not tab.is_busy, timeout=60_000)


def shown(cards):
    """The row on the photo as it is shown."""
    return cards.view.numbers()["influence"]


def test_it_opens_on_two_nets_with_a_row_found_exactly(tab):
    page = tab.now
    assert [button.text().strip() for button in tab.net_buttons] == ["mini-vit", "mini-swin"]
    assert [side.line.exact for side in (page.answer.left, page.answer.right)] == [True, True]
    assert page.left.said.text() == "Token 5, 5: exact"
    assert page.right.said.text() == "Token 9, 9: exact"
    lines = {words.drawn(name): values for name, *values in page.table.lines()}
    assert lines["Exact zeros"] == ["0", "61,440"]
    assert lines["Share of zeros"] == ["0.0 %", "93.8 %"]
    assert lines["Correlation: attention"][0].startswith("0.9")


def test_the_row_under_the_mouse_is_shown_in_both_nets_at_once_and_then_exactly(tab, qtbot):
    page = tab.now
    left, right = page.left, page.right
    hover(left.view, left.view.cell_rect((1, 6)).center())
    assert page.params.hovered == (1.5 / 8, 6.5 / 8)
    token, other = 1 + 8 + 6, 3 * 16 + 13
    matrix = page.answer.left.matrix
    values = np.where(matrix.own[token], 0, matrix.values[token])[1:]
    np.testing.assert_array_equal(shown(left), values.reshape(8, 8))  # before anything is asked
    assert left.said.text().startswith("Token 2, 7: ±")
    assert left.matrix.lit() == (token, -1)
    assert right.matrix.lit() == (other, -1)
    settled(tab, qtbot)
    assert page.answer.left.line.token == token
    assert left.said.text() == "Token 2, 7: exact"
    values = page.answer.right.line.values.copy()
    values[other] = 0  # itself is apart
    np.testing.assert_array_equal(shown(right), values.reshape(16, 16))
    rest(left.view)
    assert page.params.hovered is None
    assert left.matrix.lit() is None
    assert left.said.text() == "Token 5, 5: exact"  # it was found before: nobody has to wait for it


def test_a_row_of_the_matrix_is_a_token_on_the_photo(tab, qtbot):
    page = tab.now
    view = page.right.matrix
    hover(view, view.cell_rect((20, 35)).center())
    assert page.params.hovered == (1.5 / 16, 4.5 / 16)
    assert page.right.view._hover == (2, 3)  # the column: the token that enters
    assert page.left.matrix.lit() == (1 + 2, -1)
    view.clicked.emit((20, -1))
    assert page.params.pinned == (1.5 / 16, 4.5 / 16)
    rest(view)
    assert view.at() == (20, -1)
    assert page.left.matrix.at() == (1 + 2, -1)
    assert "Pinned" in caption_of(page.centre)
    page.escape()
    assert view.at() is None
    page.left.matrix.clicked.emit((0, -1))
    assert page.params.pinned == NOWHERE
    settled(tab, qtbot)
    assert page.left.said.text() == "Class token: exact"
    assert page.right.said.text() == "Token 9, 9: exact"  # it has none: the middle


def test_the_diagonal_stands_apart_or_in_the_scale(tab):
    view, matrix = tab.now.left.matrix, tab.now.answer.left.matrix
    others = matrix.values[~matrix.own].max()
    assert others <= view._top < 3 * others
    assert view.numbers()["apart"].sum() == 65
    tab.now.change(apart=False)
    assert view._top >= matrix.values.max()
    assert not view.numbers()["apart"].any()


def test_exact_zeros_are_of_no_color_of_the_ramp(tab, qtbot):
    page = tab.now
    page.change(first=3, last=3, apart=False)  # 64 × 64: a pixel a cell at least
    settled(tab, qtbot)
    view, matrix = page.right.matrix, page.answer.right.matrix
    view.grab()
    none = theme.color("border").getRgb()[:3]
    np.testing.assert_array_equal((view._image.image[..., :3] == none).all(-1), matrix.values == 0)
    assert (matrix.values == 0).mean() == 0.75


def test_band_and_curve_ask_for_nothing(tab, monkeypatch):
    page = tab.now
    asked = []
    monkeypatch.setattr(page.feed.stream, "request", lambda *_, **__: asked.append(1))
    near = page.answer.left.measures
    for band in (0.1, 0.5):
        page.change(band=band)
        lines = {words.drawn(name): values for name, *values in page.table.lines()}
        name = f"Within {words.percent(band, 0)}"
        assert lines[name][0] == words.percent(near.within_at(band), 1)
    assert page.curves.cursor_at() == 50
    page.change(curve=WITHIN)
    assert page.curves.curves()[0].y[-1] == pytest.approx(100)
    page.change(opacity=0.3)
    assert not asked


def test_the_curves_of_both_nets_share_an_axis_and_the_pointer(tab):
    page = tab.now
    assert len(page.curves.curves()) == 2
    assert page.curves.curves()[1].y[page.curves.curves()[1].x > 100 * 0.25 * 2**0.5].max() == 0  # beyond a window
    page.curves.pointed.emit(60.0)
    assert page.curves.cursor_at() == 60
    rest(page.curves)
    assert page.curves.cursor_at() == 25
    at = page.curves.values_at(25)
    told = page.answer.left.measures
    assert at[0] == pytest.approx(100 * np.interp(0.25, told.distances, told.influence))


def test_blocks_end_with_what_both_nets_have_and_take_each_other_along(tab, qtbot):
    page = tab.now
    page.change(last=9)
    settled(tab, qtbot)
    assert page.right.photo_card.note.text() == "blocks 1 to 6 of 6"
    assert page.right.matrix_card.title.text() == "16 × 256"
    assert page.answer.right.matrix.values.shape == (16, 256)
    lines = [words.drawn(name) for name, *_ in page.table.lines()]
    assert "Correlation: rollout" in lines
    page.change(first=3, last=3)
    settled(tab, qtbot)
    assert page.right.matrix_card.title.text() == "64 × 64"
    assert page.left.photo_card.note.text() == "block 3 of 6"


def test_each_button_chooses_its_own_net(tab, qtbot):
    page = tab.now
    tab.net_buttons[1]._take("moco-cifar10")
    settled(tab, qtbot)
    said = page.feed.frames[Nets]
    assert (said.left.source, said.right.source) == ("mini-vit", "moco-cifar10")
    made = page.exported()
    assert (made["model"], made["other_model"]) == ("mini-vit", "moco-cifar10")
    assert made["other_sha256"] == said.right.sha256
    tab.net_buttons[0]._take("mini-swin")
    settled(tab, qtbot)
    assert page.answer.left.matrix.values.shape == (256, 256)
    lines = {words.drawn(name): values for name, *values in page.table.lines()}
    assert lines["Correlation: attention"][1] == "–"


def test_a_net_that_is_refused_leaves_the_others_on_screen(tab, qtbot):
    page = tab.now
    tab.side = "other"
    tab.take_model("toy-detr")
    settled(tab, qtbot)
    assert "nobody here can tell how it mixes" in tab.error.reason()
    assert page.params.other == "mini-swin"
    assert page.answer.right.matrix.values.shape == (256, 256)


def test_a_net_that_goes_wrong_later_leaves_the_others_on_screen(tab, qtbot, monkeypatch):
    real = nets.load

    def spoiled(source, device):
        mixer = real(source, device)
        mixer._steps[0][0].weight.fill_(np.inf)
        return mixer

    monkeypatch.setattr(nets, "load", spoiled)
    page = tab.now
    tab.net_buttons[1]._take("moco-cifar10")
    settled(tab, qtbot)
    assert "MoCo on CIFAR-10: The gradients are not finite." in tab.error.reason()
    assert page.params.other == "mini-swin"
    assert page.right.photo_card.title.text() == "mini-swin"
    assert page.exported()["other_model"] == "mini-swin"
    assert [button.text().strip() for button in tab.net_buttons] == ["mini-vit", "mini-swin"]
    page.change(band=0.6)  # drawn of what is on screen
    assert page.right.matrix_card.title.text() == "256 × 256"


def test_a_folder_that_is_dropped_is_a_net_too(tab, qtbot, tmp_path):
    tab.side = "other"
    tab.window().take_paths([str(tiny_vit(tmp_path / "tiny"))])
    qtbot.waitUntil(lambda: tab.now.nets.right.title == "tiny" and not tab.is_busy, timeout=60_000)
    assert tab.window().tab is tab
    assert tab.now.answer.right.matrix.values.shape == (71, 71)  # 7 × 10 patches, as the photo is, and the class token
    assert tab.now.right.photo_card.note.text() == "block 1 of 3"


def test_every_net_that_is_offered_is_in_both_menus(tab):
    for button in tab.net_buttons:
        menu = button.menu()
        menu.aboutToShow.emit()
        said = [action.text() for action in menu.actions()]
        assert {"mini-vit", "mini-swin", "mini-resnest", "MoCo on CIFAR-10"} <= set(said)
        assert not any("DETR" in line for line in said)
    assert tab.side == "other"  # of the menu opened last


def test_numbers_are_said_shortly():
    assert [influence(value) for value in (0, 0.01234, 0.5, 1.234, 20)] == ["0", "0.0123", "0.500", "1.23", "20.0"]
    assert [end_of(np.array(v)) for v in ([0.0], [0.013], [0.9], [7.0])] == pytest.approx([1, 0.015, 1, 8])
