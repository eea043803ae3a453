"""Typed characters to tokens and back: emoji, Chinese, mixed scripts, nothing, and more than the model takes."""

from __future__ import annotations

import pytest

from engines.checkpoints import hub
from engines.core.errors import LabError
from engines.self_attention.language.load import load_folder
from engines.self_attention.language.text import shown_piece
from engines.self_attention.similarity.altering import negated, shuffled
from tests.app.made_up_language import tiny_bert, tiny_gpt2


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return load_folder(tiny_bert(tmp_path_factory.mktemp("bert"))).speller


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    return load_folder(tiny_gpt2(tmp_path_factory.mktemp("gpt2"))).speller


def typed(tokens, *texts):
    """The characters that each token stands for."""
    return [texts[at][slice(*span)] if at >= 0 else "" for at, span in zip(tokens.sentence, tokens.spans, strict=True)]


def test_two_sentences_are_read_between_special_tokens(bert):
    tokens = bert.read("The cats sat.", "A  dog!")
    assert tokens.names == ("[CLS]", "the", "cat", "##s", "sat", ".", "[SEP]", "a", "dog", "!", "[SEP]")
    assert tokens.sentence == (-1, 0, 0, 0, 0, 0, -1, 1, 1, 1, -1)
    assert tokens.types == (0,) * 7 + (1,) * 4
    assert tokens.words == (-1, 0, 1, 1, 2, 3, -1, 0, 1, 2, -1)
    assert typed(tokens, "The cats sat.", "A  dog!") == ["", "The", "cat", "s", "sat", ".", "", "A", "dog", "!", ""]


def test_emoji_chinese_and_accents_map_back_to_what_was_typed(bert):
    text = "猫 sat 👩‍🚀 é狗\x07!"
    tokens = bert.read(text)
    assert tokens.names == ("[CLS]", "猫", "sat", "[UNK]", "e", "狗", "!", "[SEP]")
    assert typed(tokens, text) == ["", "猫", "sat", "👩‍🚀", "é", "狗", "!", ""]


def test_a_file_that_asks_for_eight_tokens_is_not_obeyed(bert):
    assert len(bert.read("the cat sat on the mat because it was tired")) == 12
    assert len(bert.read("the")) == 3


def test_bytes_of_an_emoji_are_shown_as_bytes_and_map_back_to_it(gpt2):
    text = "a 😀 the cat"
    tokens = gpt2.read(text)
    assert tokens.names == ("a", "␣", "⟨F0⟩", "⟨9F⟩", "⟨98⟩", "⟨80⟩", "␣the", "␣cat")
    assert typed(tokens, text)[2:6] == ["😀"] * 4
    assert typed(tokens, text)[6:] == [" the", " cat"]
    assert bytes(int(name[1:3], 16) for name in tokens.names[2:6]).decode() == "😀"


def test_gpt2_reads_two_texts_as_one_that_goes_on(gpt2):
    tokens = gpt2.read("a cat", "the cat")
    assert tokens.ids == gpt2.read("a cat the cat").ids
    assert tokens.sentence == (0, 0, 1, 1)
    assert typed(tokens, "a cat", "the cat") == ["a", " cat", "the", " cat"]


def test_the_second_sentence_alone_keeps_its_letter(bert):
    tokens = bert.read("  ", "the cat")
    assert tokens.sentence == (-1, 1, 1, -1)
    assert typed(tokens, "  ", "the cat") == ["", "the", "cat", ""]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\x07\x00"])
def test_nothing_to_read_is_said(bert, text):
    with pytest.raises(LabError, match="no token"):
        bert.read(text)


def test_what_the_model_does_not_take_is_cut_and_counted(bert, gpt2):
    long = "the cat " * 40
    tokens = bert.read(long)
    assert (len(tokens), tokens.cut) == (48, 34)
    assert (tokens.names[0], tokens.names[-1]) == ("[CLS]", "[SEP]")
    assert typed(tokens, long)[-2] == "cat"
    both = bert.read(long, "a dog")
    assert (len(both), both.cut) == (48, 37)
    assert both.sentence.count(1) == 2
    assert len(gpt2.read(long)) == 48
    assert bert.read("the cat").cut == 0  # the limit is taken off again


def test_pieces_that_are_no_characters_are_shown_by_their_bytes():
    assert shown_piece("Ġcat", True) == "␣cat"
    assert shown_piece("Ċ", True) == "¶"
    assert shown_piece("ðŁ", True) == "⟨F0 9F⟩"
    assert shown_piece("\u2581cat", False) == "␣cat"
    assert shown_piece("##ing", False) == "##ing"
    assert shown_piece("Ā", True) == "⟨00⟩"


# ------------------------------------------------------------------ altered
@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("The cat is tired.", "The cat is not tired."),
        ("The cat is not tired.", "The cat is tired."),
        ("Nobody can't see it", "Nobody can see it"),
        ("Cats sleep.", "It is not true that cats sleep."),
        ("猫看见狗", "并非猫看见狗"),
        ("并非猫看见狗", "猫看见狗"),
    ],
)
def test_a_negation_says_the_opposite(text, other):
    assert negated(text) == other


def test_shuffled_words_stay_whole_and_special_tokens_stay_where_they_are(bert):
    tokens = bert.read("the cats sat on a mat")
    seen = set()
    for seed in range(12):
        mixed = shuffled(tokens, seed)
        seen.add(mixed.names)
        assert sorted(mixed.ids) == sorted(tokens.ids)
        assert mixed.names != tokens.names
        assert (mixed.names[0], mixed.names[-1]) == ("[CLS]", "[SEP]")
        at = mixed.names.index("cat")
        assert mixed.names[at + 1] == "##s"
    assert len(seen) > 8
    assert shuffled(bert.read("cats"), 0).names == ("[CLS]", "cat", "##s", "[SEP]")


def test_a_model_that_lies_here_without_its_tokenizer_is_fetched_again(tmp_path, monkeypatch):
    from engines.checkpoints import layout
    from engines.self_attention.language.weights import FAMILIES
    from tests.hub_server import NAME, clean_environment, serving

    assert layout.TOKENIZED == FAMILIES
    clean_environment(monkeypatch, tmp_path)
    made = tiny_bert(tmp_path / "made")
    names = "config.json", "model.safetensors", "tokenizer.json"
    with serving(monkeypatch) as server:
        server.files = {name: (made / name).read_bytes() for name in names}
        there = hub.download(NAME)
        assert hub.cached(NAME) == there
        (there / "tokenizer.json").unlink()
        assert hub.cached(NAME) is None
        assert load_folder(hub.download(NAME)).speller.read("the cat").names == ("[CLS]", "the", "cat", "[SEP]")
        (there / "tokenizer.json").unlink()
        del server.files["tokenizer.json"]
        with pytest.raises(LabError, match=rf"{NAME}: has no tokenizer\.json"):
            hub.download(NAME)


def test_a_tokenizer_is_fetched_with_the_model_it_belongs_to():
    from engines.checkpoints.fetch import choose_files

    there = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    assert choose_files("owner/bert", there) == ["config.json", "tokenizer.json", "model.safetensors"]
