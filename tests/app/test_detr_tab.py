"""The DETR tab with an engine that knows the answer: what is drawn, what the hand does, and what can be undone."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QLabel, QToolButton

from app import export, theme, words
from app.tabs.detr.detect.dock import heads_off
from app.tabs.detr.detect.page import DetectPage
from app.tabs.detr.tab import DETECT, MATCHING, NMS, RELEVANCE, SCENE, TRAINING
from app.widgets import MenuButton
from engines.blocks.backends import BFLOAT16, FASTEST, FLOAT32, Computed
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Progress
from engines.detr.matching.scenes import CROWD, scene_of
from engines.detr.matching.spec import MatchingParams
from engines.detr.nms.spec import LINEAR, NmsParams
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import BEST_REAL_CLASS, CROSS, ENCODER_SELF, HeadOff
from engines.detr.training.spec import BACKBONE, BUNDLED, SMALL, UP_TO_8, DetrTraining
from engines.detr.weights import REAL
from tests.app.detr_fake import FakeDetr, open_detr, open_tab, settle, texts
from tests.app.reading import unfold
from tests.app.views_help import hover

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def window(open_window, monkeypatch):
    return open_detr(open_window, monkeypatch)


@pytest.fixture
def tab(window, qtbot):
    return open_tab(window, qtbot)


@pytest.fixture
def canvas(tab, qtbot):
    tab.show_page(SCENE)
    canvas = tab.pages[SCENE].canvas
    qtbot.waitUntil(lambda: canvas.isVisible() and len(canvas.found) == 6)
    return canvas


def point(canvas, x, y):
    canvas.arranged()
    width, height = canvas.photo_size()
    return canvas.on_screen(QPointF(x * width, y * height))


# ------------------------------------------------------------------ detect
def test_it_opens_on_a_scene_that_is_already_detected(tab):
    page = tab.pages[DETECT].cards
    assert tab.page == DETECT
    assert "6 of 16 queries pass" in texts(page.centre)
    assert len(page.photo.boxes()) == 6
    tags = {words.drawn(box.tag) for box in page.photo.boxes()}
    assert "circle 0.95" in tags
    assert page.table.at() == tab.pages[DETECT].found.query == 0
    assert page.maps.numbers()["maps"].shape == (12, 12, 12)
    assert page.matrix.numbers()["weights"].shape == (16, 16)
    assert list(page.matrix.numbers()["passing_queries"]) == [1, 4, 7, 10, 13, 16]
    assert tab.pages[DETECT].form.control("layer").slider.maximum() == 2  # three layers


def test_it_opens_with_the_page_on_screen_alone(tab):
    assert [type(page) for page in tab.pages.made] == [DetectPage]


def test_a_row_a_box_and_a_row_of_the_matrix_choose_the_query_everywhere(tab, qtbot):
    page = tab.pages[DETECT].cards
    settle(qtbot, tab, lambda: page.table._choose(7))
    assert tab.params.query == tab.pages[DETECT].found.query == 7
    last = page.photo.boxes()[page.photo.at()]
    assert last.dashed  # it does not pass, but it is shown
    assert words.drawn(last.tag).startswith("query 8: ")
    assert page.matrix.at() == (7, -1)
    box = page.entries.index((3, False))
    settle(qtbot, tab, lambda: page.photo._choose(box))
    assert tab.params.query == 3
    assert page.table.at() == 3
    settle(qtbot, tab, lambda: page.matrix.clicked.emit((12, -1)))
    assert page.table.at() == 12
    settle(qtbot, tab, tab.escape)
    assert tab.params.query == -1
    assert page.table.at() == 0
    assert not tab.now.state.history.can_undo  # looking around is no step


def test_pointing_at_a_query_lights_it_up_everywhere(tab):
    page = tab.pages[DETECT].cards
    page.table.hovered.emit(3)
    assert page.entries[page.photo.hover()] == (3, False)
    assert page.matrix.lit() == (3, -1)
    page.photo.hovered.emit(page.entries.index((6, False)))
    assert page.table.hover() == 6
    page.photo.hovered.emit(None)
    assert page.table.hover() is None


def test_when_nothing_passes_the_best_is_named_and_one_click_lets_it_pass(tab, qtbot):
    page = tab.pages[DETECT].cards
    settle(qtbot, tab, lambda: tab.now.change(threshold=0.99))
    note = words.drawn(page.photo.note())
    assert note == "0 of 16. Best score 0.95 (query 1, circle). Lower the threshold?"
    assert page.lower.isVisible()
    settle(qtbot, tab, page.lower.click)
    assert tab.params.threshold == pytest.approx(0.95, abs=0.011)
    assert tab.pages[DETECT].found.passes.sum() == 1
    assert not page.lower.isVisible()
    assert page.photo.note() == ""
    assert "1 of 16 queries passes" in texts(page.centre)
    settle(qtbot, tab, tab.undo)
    assert tab.params.threshold == 0.99


def test_a_best_query_beaten_by_no_object_needs_the_other_rule_too(tab, qtbot, monkeypatch):
    monkeypatch.setattr(FakeDetr, "dim", 0.4)
    settle(qtbot, tab, lambda: tab.now.change(head=2))
    settle(qtbot, tab, tab.pages[DETECT].cards.lower.click)
    assert tab.params.rule == BEST_REAL_CLASS
    assert tab.pages[DETECT].found.passes.any()


def test_a_map_chooses_layer_and_head(tab, qtbot):
    settle(qtbot, tab, lambda: tab.pages[DETECT].cards.maps.pick(6))
    assert (tab.params.layer, tab.params.head) == (2, 3)
    assert tab.pages[DETECT].cards.film.at() == 1
    assert np.array_equal(tab.pages[DETECT].cards.photo.numbers()["heat"], tab.pages[DETECT].found.cross[1, 2])
    settle(qtbot, tab, lambda: tab.pages[DETECT].cards.film._choose(2))
    assert tab.params.layer == 3


def test_changes_are_counted_shown_as_ghosts_and_taken_back_as_one_step(tab, qtbot):
    page = tab.pages[DETECT].cards
    settle(qtbot, tab, lambda: tab.now.change(temperature=3.0))
    ghosts = [box for box in page.photo.boxes() if box.dashed]
    assert len(ghosts) == 6
    assert "dashed: the untouched model" in texts(page.centre)
    settle(qtbot, tab, lambda: page.table.switched.emit(0, False))
    settle(qtbot, tab, lambda: tab.pages[DETECT].changing.chips.changed.emit((1, 3)))
    assert tab.params.heads_off == (HeadOff(CROSS, 2, 1), HeadOff(CROSS, 2, 3))
    assert page.maps.off() == {9, 11}
    assert "4 changes to the model" in texts(tab.pages[DETECT].dock)
    assert not tab.pages[DETECT].found.on[0]
    settle(qtbot, tab, tab.now.state.reset)
    assert tab.params.changes() == 0
    assert not any(box.dashed for box in page.photo.boxes())
    settle(qtbot, tab, tab.undo)
    assert tab.params.changes() == 4
    settle(qtbot, tab, tab.pages[DETECT].changing.all_on.click)
    assert tab.params.queries_off == ()


def test_chips_belong_to_the_chosen_attention_and_layer(tab, qtbot):
    settle(qtbot, tab, lambda: tab.pages[DETECT].changing.chips.changed.emit((0,)))
    settle(qtbot, tab, lambda: tab.now.change(attention=ENCODER_SELF))
    assert tab.pages[DETECT].changing.chips.off() == ()
    settle(qtbot, tab, lambda: tab.now.change(attention=CROSS, layer=2))
    assert tab.pages[DETECT].changing.chips.off() == ()
    settle(qtbot, tab, lambda: tab.now.change(layer=3))
    assert tab.pages[DETECT].changing.chips.off() == (0,)
    assert heads_off(tab.params, 2, ()) == ()


def test_pointing_at_a_place_shows_whom_it_looks_at_and_leaving_restores_the_pin(tab, qtbot):
    page = tab.pages[DETECT].cards
    settle(qtbot, tab, lambda: (page.selection.look.set_at(1), page.selection.look.chosen.emit(1)))
    pinned = tab.params.pixel
    assert pinned is not None
    assert "at the marked position" in texts(page.centre)
    assert np.array_equal(page.photo.numbers()["heat"], tab.pages[DETECT].rows.maps[2, 0])
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.1, 0.1)))
    assert tab.pages[DETECT].rows.cell == (1, 1)
    settle(qtbot, tab, lambda: page.photo.pointed.emit(None))
    assert tab.params.pixel == pinned
    settle(qtbot, tab, lambda: page.photo.click_at(point(page.photo, 0.6, 0.3)))
    assert tab.pages[DETECT].rows.cell == (3, 7)
    settle(qtbot, tab, tab.escape)
    assert tab.params.pixel is None
    assert np.array_equal(page.photo.numbers()["heat"], tab.pages[DETECT].found.cross[2, 0])
    assert not tab.now.state.history.can_undo


def test_a_storm_of_places_ends_on_the_last(tab, qtbot):
    page = tab.pages[DETECT].cards
    page.selection.look.set_at(1)
    page.selection.look.chosen.emit(1)
    for i in range(300):
        page.photo.pointed.emit((i / 300, i / 300))
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.99, 0.0)))
    assert tab.pages[DETECT].rows.cell == (0, 11)


def test_the_toy_says_what_it_knows_and_offers_the_real_one(tab, qtbot, monkeypatch):
    note = tab.pages[DETECT].note
    assert "Toy DETR detects 6 drawn shapes and nothing else." in texts(note)
    assert note.get.text().strip() == "Get DETR-R50 (167 MB)"
    wanted = []
    monkeypatch.setattr(tab.shell, "download", wanted.append)
    note.get.click()
    assert wanted == [REAL]
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert "91 classes of COCO." in texts(note)
    assert not note.get.isVisible()
    assert tab.pages[DETECT].cards.maps.numbers()["maps"].shape[0] == 48
    assert tab.pages[DETECT].form.control("layer").slider.maximum() == 5


def test_how_a_real_model_is_computed_is_told(tab, qtbot):
    box, said = tab.pages[DETECT].note.backend, tab.pages[DETECT].note.said
    assert box.isHidden()  # the toy has no choice
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert not box.isHidden()
    tried = ((BFLOAT16, 20.0), (FLOAT32, 1200.0))
    said.show_computed(Computed(FASTEST, BFLOAT16, None, tried, 563.4))
    assert (said.time.text(), said.apart.isHidden()) == ("bfloat16: 563 ms", True)
    assert said.time.toolTip() == "Time for a small picture, in ms: bfloat16 20, float32 1,200"
    said.show_computed(Computed(FASTEST, BFLOAT16, None, tried, 563.4, 1141.2, 0.0068, 3e-5, 0.0, "cat"))
    assert said.time.text() == "bfloat16: 563 ms, float32 1,141 ms."
    differences = "Largest difference from float32: logits {}, probabilities {}, boxes {}."
    assert said.apart.text() == differences.format("0.0068", "3e−05", "0")
    said.show_computed(Computed(BFLOAT16, FLOAT32, Message("This CPU does not support bfloat16."), (), 1141.0))
    assert said.time.text() == "This CPU does not support bfloat16. float32: 1,141 ms"
    assert said.apart.isHidden()
    with qtbot.waitSignal(tab.rested, timeout=5000):
        box.findChild(MenuButton).pick(1)
    assert FakeDetr.asked[-1][0].compute == FLOAT32
    assert tab.now.state.history.can_undo


def test_a_photo_of_another_shape_moves_the_cards_and_forgets_old_boxes(tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    wide = tab.pages[DETECT].cards.photo.parentWidget()
    before = wide.width()
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert tab.pages[DETECT].cards.photo.photo_size() == (180, 120)
    assert wide.width() > before
    assert {words.drawn(box.tag).split(" 0")[0] for box in tab.pages[DETECT].cards.photo.boxes()} <= {
        "person", "cat", "dog", "hot dog", "traffic light", "wine glass"
    }  # fmt: skip


def test_an_engine_that_fails_leaves_the_old_answer_on_screen(tab, qtbot):
    boxes = tab.pages[DETECT].cards.photo.boxes()
    settle(qtbot, tab, lambda: tab.now.change(source="broken"))
    assert tab.error.isVisible()
    assert tab.pages[DETECT].cards.photo.boxes() == boxes
    assert tab.params.source != "broken"  # the next slider asks the model on screen, not the refused one
    settle(qtbot, tab, lambda: tab.now.change(temperature=2.0))
    assert not tab.failed


def test_a_kept_model_that_cannot_be_read_gives_way_to_the_usual_one(open_window, own_home, qtbot, monkeypatch):
    monkeypatch.setattr("app.choosers.is_usable", lambda source: True)  # its folder is there
    (own_home / "settings.json").write_text('{"topics": {"detr.detect": {"source": "broken"}}}')
    tab = open_tab(open_detr(open_window, monkeypatch), qtbot)
    assert tab.error.isVisible()  # it says why
    assert (tab.params.source, tab.failed) == (RelevanceParams.source, False)
    assert [params.source for params, _ in FakeDetr.asked] == ["broken", RelevanceParams.source]


def test_a_run_cancelled_as_it_begins_is_not_asked_for_again(tab, qtbot, monkeypatch):
    begun = threading.Event()

    def endless(job):
        begun.set()
        while True:
            yield Progress(0, 0, Message("Computing"))

    feed = tab.now.feed
    monkeypatch.setattr(feed.stream.engine(), "run", endless)
    tab.now.change(temperature=2.0)
    assert begun.wait(120)  # and the window has not heard of it
    settle(qtbot, tab, tab.cancel)
    tab.shown()
    feed.resume()
    assert not tab.is_busy


def test_a_model_chosen_while_the_one_before_fails_stays_chosen(tab, qtbot):
    tab.now.change(source="broken")
    while not any(isinstance(event, Ended) for event in tab.now.feed.stream.undelivered):
        time.sleep(0.001)
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert tab.params.source == tab.model.info.source == "real"
    assert tab.error.isHidden()


def test_another_model_under_the_same_name_keeps_only_what_it_has(tab, qtbot):
    """A run begun anew with fewer queries, layers or classes, followed by the page Detect."""
    settle(qtbot, tab, lambda: tab.take_model("real"))
    off = HeadOff(CROSS, 0, 7), HeadOff(CROSS, 1, 1), HeadOff(CROSS, 5, 0), HeadOff(ENCODER_SELF, 3, 0)
    settle(qtbot, tab, lambda: tab.now.change(queries_off=(3, 90), heads_off=off, query=80))
    settle(qtbot, tab, lambda: tab.now.change(threshold=0.3))
    small = {"num_queries": 8, "decoder_layers": 2, "encoder_layers": 1, "num_heads": 4}
    feed = tab.now.feed
    feed.stream.arrived.emit(replace(tab.model.info, labels=tab.model.info.labels[:2], **small))
    assert (tab.params.queries_off, tab.params.heads_off, tab.params.query) == ((3,), off[1:2], -1)
    unfold(tab)
    assert "Queries: 7 of 8 on" in texts(tab.pages[DETECT].dock)
    assert tab.pages[DETECT].found is None  # with its classes, which are the old model's
    assert not tab.now.state.history.can_undo  # the steps were another model's
    qtbot.waitUntil(lambda: not tab.is_busy)


# ------------------------------------------------------------------ house
def cut(tab):
    """Texts that have less room than they need."""
    labels = [one for one in tab.findChildren(QLabel) if one.isVisible() and one.text()]
    buttons = [one for one in tab.findChildren(QToolButton) if one.isVisible() and one.text()]
    narrow = [one for one in labels if not one.wordWrap() and one.width() + 1 < one.sizeHint().width()]
    low = [one for one in labels if one.wordWrap() and one.height() + 1 < one.heightForWidth(one.width())]
    return [one.text() for one in (*narrow, *low, *(b for b in buttons if b.width() + 1 < b.minimumSizeHint().width()))]


@pytest.mark.parametrize("page", [DETECT, SCENE])
@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_is_whole_and_translated_in_both_languages_and_themes(tab, window, qtbot, page, size, capfd):
    settle(qtbot, tab, lambda: tab.now.change(temperature=3.0, threshold=0.97, queries_off=(2,)))
    tab.show_page(page)
    words.forget_missing()
    for language, look in (("zh", "dark"), ("en", "light")):
        theme.switch(window, theme=look, language=language)
        window.resize(*size)
        qtbot.waitUntil(lambda: window.side.rail == (size[0] < theme.NARROW))

        def whole():
            assert cut(tab) == []

        qtbot.waitUntil(whole)
        window.grab()
    assert words.missing() == frozenset()
    assert "Q" not in capfd.readouterr().err.replace("This plugin does not support propagateSizeHints()", "")


def test_language_switch_says_made_texts_anew(tab, window, canvas):
    window.use_language("zh")
    assert "找到 6 / 6" in texts(tab.pages[SCENE].centre)
    tab.show_page(DETECT)
    assert "16 个查询中有 6 个通过" in texts(tab.pages[DETECT].cards.centre)


@pytest.mark.parametrize("page", [DETECT, SCENE, RELEVANCE])
def test_a_caption_says_which_heads_and_queries_are_off(tab, page):
    off = [HeadOff(CROSS, 0, 2), HeadOff(ENCODER_SELF, 1, 0)]
    tab.model.state.step(heads_off=tuple(off), queries_off=(0, 6), masked_patches=((1, 1),))
    said = "; ".join(words.tr(text) for text in tab.pages[page].caption())
    assert said == ("Heads off: Cross-attention L1 H3, Encoder self-attention L2 H1; Queries off: 1, 7; 1 patch masked")


def test_every_view_exports_its_numbers_and_settings(tab, canvas, tmp_path):
    page, scene = tab.pages[DETECT].cards, tab.pages[SCENE]
    views = (page.photo, page.table, page.film, page.maps, page.matrix, canvas, scene.list, scene.film)
    for i, view in enumerate(views):
        assert export.settings_of(view)["title"] == "Toy DETR"
        export.save(view, tmp_path / f"{i}.npz")
        with np.load(tmp_path / f"{i}.npz") as kept:
            assert "threshold" in str(kept["settings"])
            assert len(kept.files) > 1
    assert export.settings_of(canvas)["drawing"]["background"] == "gradient"


def test_the_sliders_of_all_pages_come_back_at_the_next_start(open_window, monkeypatch, qtbot):
    window = open_detr(open_window, monkeypatch)
    tab = open_tab(window, qtbot)
    tab.now.change(threshold=0.4, decoder_too=False, masked_patches=((1, 1),))
    matching, training, nms = (tab.pages[at] for at in (MATCHING, TRAINING, NMS))
    trained = {"queries": 12, "learning_rate": 0.002, "auxiliary_losses": False, "scenes": UP_TO_8, "seed": 7}
    training.change(**trained, folder="/nowhere")
    matching.change(focal=True, class_cost=2.0, eos_coef=0.3, scene=scene_of(CROWD))
    nms.change(nms_iou=0.7, decay=LINEAR)
    window.settings.save()
    again = open_tab(open_detr(open_window, monkeypatch), qtbot)
    assert again.params == RelevanceParams(threshold=0.4, decoder_too=False)  # what is painted is not kept
    assert again.pages[TRAINING].params == replace(DetrTraining(), **trained)
    assert again.pages[MATCHING].params == MatchingParams(focal=True, class_cost=2.0, eos_coef=0.3)  # nor are scenes
    assert again.pages[NMS].params == NmsParams(nms_iou=0.7, decay=LINEAR)


def test_settings_from_before_each_page_had_a_place_are_read(own_home, open_window, monkeypatch, qtbot):
    kept = {"detr": {"threshold": 0.4}, "detr.paint": {"decoder_too": False}, "detr.crowd": {"nms_iou": 0.7}}
    (own_home / "settings.json").write_text(json.dumps({"topics": kept}))
    tab = open_tab(open_detr(open_window, monkeypatch), qtbot)
    assert tab.params == RelevanceParams(threshold=0.4, decoder_too=False)
    assert tab.pages[NMS].params.nms_iou == 0.7


def test_remembered_training_settings_that_do_not_go_together_are_mended(own_home, open_window, monkeypatch, qtbot):
    kept = {"begin": BUNDLED, "model": SMALL, "queries": 9, "batch": 1_000, "rate": "fast"}
    (own_home / "settings.json").write_text(json.dumps({"topics": {"detr.training": kept, "detr.crowd": 3}}))
    training = open_tab(open_detr(open_window, monkeypatch), qtbot).pages[TRAINING].params
    assert (training.begin, training.queries, training.batch) == (BACKBONE, 9, DetrTraining().batch)
    assert training.learning_rate == DetrTraining().learning_rate


def test_the_matrix_tells_the_value_under_the_pointer_and_walks(tab, qtbot):
    matrix = tab.pages[DETECT].cards.matrix
    place = matrix.cell_rect((1, 2))
    hover(matrix, place.center())
    assert matrix.report().startswith("2 attends to 3: ")
    settle(qtbot, tab, lambda: matrix.walk(1, 0))
    assert tab.params.query == 1
    with pytest.raises(ValueError, match="Q"):
        matrix.set_matrix(np.zeros((2, 3), np.float32), 1.0)


def test_before_the_first_answer_the_scene_is_there_and_the_cards_say_what_is_missing(window, qtbot, monkeypatch):
    gate = threading.Event()
    run = FakeDetr.run

    def gated(self, job):
        assert gate.wait(120)
        yield from run(self, job)

    monkeypatch.setattr(FakeDetr, "run", gated)
    tab = window.show_topic("detr")
    assert tab.pages[DETECT].cards.photo.photo_size() == (384, 384)
    assert "There is no result yet." in texts(tab.pages[DETECT].cards.centre)
    with qtbot.waitSignal(tab.rested, timeout=5000):
        gate.set()
    assert "There is no result yet." not in texts(tab.pages[DETECT].cards.centre)


def test_another_photo_of_the_same_size_takes_the_old_boxes_away(tab, qtbot, monkeypatch):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    before = []
    monkeypatch.setattr(
        tab.pages[DETECT].cards, "show_detections", lambda *_: before.append(len(tab.pages[DETECT].cards.photo.boxes()))
    )
    settle(qtbot, tab, lambda: tab.take_picture(Picture("b.png", PHOTO[::-1].copy())))
    assert before[0] == 0


def test_moving_within_a_cell_asks_for_nothing(tab, qtbot):
    page = tab.pages[DETECT].cards
    settle(qtbot, tab, lambda: (page.selection.look.set_at(1), page.selection.look.chosen.emit(1)))
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.500, 0.2)))
    count = len(FakeDetr.asked)
    page.photo.pointed.emit((0.501, 0.201))
    assert not tab.now.feed.stream.is_busy
    assert len(FakeDetr.asked) == count
