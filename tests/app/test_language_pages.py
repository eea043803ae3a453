"""The pages on a trained model as a hand uses them; on tiny ones, in the layout of the hub."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest

from app import words
from app.tabs.self_attention.chips import TokenChips
from app.tabs.self_attention.heads import links
from app.tabs.self_attention.heads.links import HeadLinks
from app.tabs.self_attention.language import EXAMPLES, in_utf16
from tests.app.made_up_language import tiny_bert, tiny_gpt2
from tests.app.views_help import hover

HEADS, NUMBERS, SIMILARITY, WORDS, ABLATION = 1, 2, 3, 4, 5
A, B = "the cat sat on the mat", "a sleepy kitten is lying"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {"bert": tiny_bert(folder / "tiny BERT"), "gpt2": tiny_gpt2(folder / "tiny GPT"),
            "bare": tiny_bert(folder / "bare BERT", words=False)}  # fmt: skip


@pytest.fixture
def tab(open_window, own_home, folders):
    kept = {"self_attention": {}, "self_attention.heads": {"model": str(folders["bert"])}}
    (own_home / "settings.json").write_text(json.dumps({"topics": kept}))
    return open_window().show_topic("self_attention")


def turn(tab, qtbot, index, **fields):
    tab.show_page(index)
    tab.now.state.put(**({"first": A, "second": B} | fields))
    rest(tab, qtbot)
    return tab.now


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy and not any(page.feed.is_busy for page in tab.pages.made if page.feed))


def test_the_model_of_the_last_time_answers_and_stands_in_the_header(tab, qtbot, folders):
    assert tab.model_button.isHidden()
    page = turn(tab, qtbot, HEADS)
    assert tab.model_button.isVisible()
    assert tab.model_button.source == page.info.source == str(folders["bert"])
    tab.show_page(0)
    rest(tab, qtbot)
    assert tab.model_button.isHidden()


def test_typing_shows_the_new_tokens_and_is_one_step_to_undo(tab, qtbot):
    page = turn(tab, qtbot, HEADS)
    line = page.texts.lines[1]
    line.selectAll()
    QTest.keyClicks(line, "dogs")
    rest(tab, qtbot)
    assert page.answer.text.names[-3:] == ("dog", "##s", "[SEP]")
    assert page.texts.count.text() == "11 tokens"
    tab.undo()
    rest(tab, qtbot)
    assert line.text() == B
    assert not page.state.history.can_undo


def test_nothing_typed_is_said_and_the_old_picture_stays(tab, qtbot):
    page = turn(tab, qtbot, HEADS)
    before = page.links.numbers()["weights"]
    page.state.put(first=" ", second="")
    rest(tab, qtbot)
    assert "no token" in page.texts.count.text()
    np.testing.assert_array_equal(page.links.numbers()["weights"], before)
    assert not tab.failed
    page.state.put(first="猫 👩‍🚀")
    rest(tab, qtbot)
    assert page.answer.text.names == ("[CLS]", "猫", "[UNK]", "[SEP]")


def test_a_text_that_is_too_long_is_cut_and_said_so(tab, qtbot):
    page = turn(tab, qtbot, HEADS, first="the cat " * 40)
    assert page.texts.count.text() == "88 tokens: the model takes 48"


@pytest.mark.parametrize("index", [SIMILARITY, ABLATION])
def test_of_two_texts_that_are_read_apart_either_may_be_too_long(tab, qtbot, index):
    page = turn(tab, qtbot, index)
    assert page.texts.count.text() == "15 tokens"
    page.state.put(second="the cat " * 40)
    rest(tab, qtbot)
    assert page.texts.count.text() == "82 tokens: the model takes 48"


def test_pointing_at_a_token_shows_its_row_and_selects_what_was_typed(tab, qtbot):
    page = turn(tab, qtbot, HEADS, first="😀 the cat sat", layer=2, head=1)
    shown = page.answer
    at = shown.text.names.index("cat")
    hover(page.links, page.links.place((0, at)).center())
    assert page.map.lit() == (at, -1)
    assert page.texts.lines[0].selectedText() == "cat"
    strongest = shown.text.names[int(shown.weights[at].argmax())]
    assert page.links.report().startswith(f"cat: most with {strongest}")
    hover(page.links, page.links.place((1, at)).center())
    assert page.map.lit() == (-1, at)
    hover(page.links, QPointF(-5, -5))
    assert page.texts.lines[0].selectedText() == ""


def test_parts_and_special_tokens_can_be_left_out(tab, qtbot):
    page = turn(tab, qtbot, HEADS)
    count = len(page.answer.text)
    page.step(special=False)
    rest(tab, qtbot)
    assert page.map.values().shape == (count - 3, count - 3)
    page.step(part="A → B")
    rest(tab, qtbot)
    assert page.map.values().shape == (6, 5)
    assert page.links.numbers()["queries"].tolist() == A.split()
    assert "special tokens" in page.said.text()
    assert "Kobayashi" in page.beyond.text()


def test_all_heads_are_walked_through_and_shown_as_numbers(tab, qtbot):
    page = turn(tab, qtbot, HEADS, layer=1, head=1)
    page.heads.setFocus()
    page.heads.walk(1, 0)
    rest(tab, qtbot)
    assert (page.params.layer, page.params.head) == (2, 1)
    page.step(overview="Entropy")
    np.testing.assert_allclose(page.table.values(), page.answer.entropy, rtol=1e-6)
    page.table.clicked.emit((0, 1))
    rest(tab, qtbot)
    assert (page.answer.layer, page.answer.head) == (1, 2)
    assert page.links_card.title.text() == "Layer 1, head 2"


def test_a_head_is_switched_off_by_its_chip_and_reset_brings_it_back(tab, qtbot):
    page = turn(tab, qtbot, HEADS, layer=2, head=1)
    page.form.chips.chips.chips[1].click()
    rest(tab, qtbot)
    assert page.params.heads_off == ((2, 2),)
    assert page.answer.off.tolist() == [[False, False], [False, True]]
    assert page.heads.off() == {3}
    page.state.reset()
    rest(tab, qtbot)
    assert not page.answer.off.any()
    assert not page.answer.changed


def test_a_pinned_pair_is_the_one_in_numbers(tab, qtbot):
    page = turn(tab, qtbot, HEADS, layer=2, head=2)
    page.links.clicked.emit((0, 3))
    page.links.clicked.emit((1, 5))
    there = turn(tab, qtbot, NUMBERS, layer=2, head=2)
    assert (there.answer.query, there.answer.key) == (3, 5)
    assert "sat → the" in there.formula.text()
    assert there.sum_card.note.text() == ""
    assert "add up" in there.checked.text()
    there.map.clicked.emit((2, 4))
    rest(tab, qtbot)
    assert (there.answer.query, there.answer.key) == (2, 4)


def test_long_texts_show_the_links_around_the_marked_token(qapp):
    view = HeadLinks()
    view.resize(300, 260)
    names = [str(i) for i in range(200)]
    view.set_links(names, names, np.full((200, 200), 1 / 200, np.float32), 0.01)
    assert view.place((0, 0)).height() >= 12
    assert view.place((0, 150)).isEmpty()
    view.set_at((0, 150))
    assert not view.place((0, 150)).isEmpty()
    assert view.place((0, 0)).isEmpty()


def test_names_are_measured_once_and_not_at_each_paint(qapp, monkeypatch):
    view, measured = HeadLinks(), []
    real = links.text_width
    monkeypatch.setattr(links, "text_width", lambda *given: measured.append(given[0]) or real(*given))
    view.resize(300, 260)
    names = [f"n{i}" for i in range(200)]
    view.set_links(names, names, np.full((200, 200), 1 / 200, np.float32), 0.01)
    view.grab()
    view.under(QPointF(10, 10))
    view.grab()
    assert sum(name in names for name in measured) == len(names)


# ------------------------------------------------------------------ similarity
def test_a_long_text_leaves_room_for_the_other(qapp):
    chips, long = TokenChips(), ["word"] * 200
    chips.resize(260, 128)
    for texts in ((long, ["other"]), (["other"], long), (long, long)):
        chips.set_texts(texts, [[True] * len(text) for text in texts])
        places = [chips.place((at, 0)) for at in (0, 1)]
        assert not any(place.isEmpty() for place in places)
        assert places[0].bottom() < places[1].top()
        shown = [chips.place((at, i)) for at, text in enumerate(texts) for i in range(len(text))]
        shown = [place for place in shown if not place.isEmpty()]
        assert max(place.bottom() for place in shown) <= 128 - 16  # the note that there are more
        assert chips._left_out == sum(map(len, texts)) - len(shown)


def test_the_number_answers_to_hidden_negated_and_shuffled_words(tab, qtbot):
    page = turn(tab, qtbot, SIMILARITY)
    plain = page.answer.similarity
    page.chips.clicked.emit((0, 2))
    rest(tab, qtbot)
    assert page.params.hidden == ((0, 1),)
    assert page.answer.similarity != plain
    assert page.number_card.note.text() == f"untouched {words.number(plain, 3)}"
    assert page.bar.bars()[0].ghost == plain
    page.chips.clicked.emit((0, 2))
    page.step(negated=True)
    rest(tab, qtbot)
    assert page.hint.text() == "B reads: a sleepy kitten is not lying"
    page.step(negated=False, shuffled=True)
    rest(tab, qtbot)
    assert sorted(page.answer.texts[1].names) == sorted(["[CLS]", *B.split(), "[SEP]"])
    page.state.reset()
    rest(tab, qtbot)
    assert page.answer.similarity == plain
    assert page.number_card.note.text() == ""


def test_reasons_are_drawn_and_a_cell_of_the_matrix_is_taken_above(tab, qtbot):
    page = turn(tab, qtbot, SIMILARITY, sentences=f"{A}\n{B}\nthe dog is tired")
    assert page.reasons is not None
    assert "random orders" in page.verdict.text()
    assert page.matrix.values().shape == (3, 3)
    page.matrix.clicked.emit((1, 2))
    rest(tab, qtbot)
    assert [line.text() for line in page.texts.lines] == [B, "the dog is tired"]
    assert page.answer.similarity == pytest.approx(float(page.matrix.values()[1, 2]), abs=1e-5)
    page.step(explained=False)
    rest(tab, qtbot)
    assert page.deletion_card.is_empty()
    page.state.put(second="")
    assert "two sentences" in page.texts.count.text()


def test_typing_into_the_list_changes_the_matrix(tab, qtbot):
    page = turn(tab, qtbot, SIMILARITY, sentences=A)
    page.list.setFocus()
    page.list.setPlainText(f"{A}\n{B}")
    if page.list.hasFocus():
        rest(tab, qtbot)
        assert page.matrix.values().shape == (2, 2)


# ------------------------------------------------------------------ words
def test_a_masked_word_is_chosen_and_a_candidate_put_there(tab, qtbot):
    page = turn(tab, qtbot, WORDS)
    page.chips.clicked.emit((0, 3))
    rest(tab, qtbot)
    assert page.answer.text.names[3] == "[MASK]"
    assert "sat" in page.said.text()
    whole = next(i for i, name in enumerate(page.answer.candidates) if not name.startswith(("##", "[")))
    page.bars.clicked.emit(whole)
    rest(tab, qtbot)
    assert page.params.first == A.replace("sat", page.answer.was)
    assert page.next.isHidden()


def test_gpt2_goes_on_word_by_word(tab, qtbot, folders):
    page = turn(tab, qtbot, WORDS, first="the cat", model=str(folders["gpt2"]))
    assert page.next.isVisible()
    for _ in range(2):
        page.next.click()
        rest(tab, qtbot)
    assert page.answer.added == 2
    assert page.map.values().shape == (4, 4)
    assert not np.triu(page.map.values(), 1).any()
    page.again.click()
    rest(tab, qtbot)
    assert page.answer.added == 0


def test_a_model_without_words_says_so_and_offers_one(tab, qtbot, folders, monkeypatch):
    asked = []
    monkeypatch.setattr(type(tab.shell), "download", lambda _shell, source: asked.append(source))
    page = turn(tab, qtbot, WORDS, model=str(folders["bare"]))
    assert page.words_card.is_empty()
    assert "names no words" in page.words_card.empty_text.text()
    page.words_card.empty_button.click()
    assert asked == ["distilbert/distilbert-base-uncased"]


# ------------------------------------------------------------------ ablation
def test_the_largest_effects_are_listed_and_lead_to_their_heads(tab, qtbot):
    page = turn(tab, qtbot, ABLATION)
    effects = page.answer.effects
    np.testing.assert_allclose(page.map.values(), 100 * effects, rtol=1e-5)
    largest = np.unravel_index(np.abs(effects).argmax(), effects.shape)
    page.bars.clicked.emit(0)
    rest(tab, qtbot)
    assert (page.params.layer - 1, page.params.head - 1) == largest
    assert words.number(page.answer.agreement, 2, signed=True) in page.beyond.text()


def test_a_folder_of_another_kind_is_refused_and_the_model_stays(tab, qtbot, folders, tmp_path):
    page = turn(tab, qtbot, HEADS)
    other = tiny_bert(tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"hidden_act": "mish"}))
    tab.take_model(str(other))
    rest(tab, qtbot)
    assert "mish" in tab.error.reason()
    assert page.params.model == str(folders["bert"])


def test_characters_are_counted_as_qt_counts_them():
    text = "a😀b"
    assert in_utf16(text, (1, 2)) == (1, 2)
    assert in_utf16(text, (2, 3)) == (3, 1)


def test_examples_are_pairs_of_sentences():
    assert all(first and second for first, second in EXAMPLES)
