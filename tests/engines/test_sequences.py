"""Tasks from one sequence to another: right, endless, seeded, and never an example of the held-out ones."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import pytest

from engines.core.errors import LabError
from engines.data import numerals
from engines.data.sequences import (
    CHINESE_DIGITS,
    COPY,
    DATES,
    DIGITS_CHINESE,
    DIGITS_ENGLISH,
    ENGLISH_DIGITS,
    REVERSE,
    SORT,
    TASKS,
    is_held_out,
    task,
    tasks,
    written_dates,
)
from engines.data.vocabulary import BOS, EOS, PAD


def drawn(name, count, seed=0, held_out=False):
    return list(itertools.islice(task(name).examples(np.random.default_rng(seed), held_out), count))


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "zero", "零"),
        (7, "seven", "七"),
        (10, "ten", "十"),
        (12, "twelve", "十二"),
        (20, "twenty", "二十"),
        (101, "one hundred one", "一百零一"),
        (110, "one hundred ten", "一百一十"),
        (1001, "one thousand one", "一千零一"),
        (1010, "one thousand ten", "一千零一十"),
        (1234, "one thousand two hundred thirty four", "一千二百三十四"),
        (2000, "two thousand", "两千"),
        (10_010, "ten thousand ten", "一万零一十"),
        (20_300, "twenty thousand three hundred", "两万零三百"),
        (100_000, "one hundred thousand", "十万"),
        (120_050, "one hundred twenty thousand fifty", "十二万零五十"),
        (999_999, "nine hundred ninety nine thousand nine hundred ninety nine", "九十九万九千九百九十九"),
    ],
)
def test_numbers_in_words(number, english, chinese):
    assert " ".join(numerals.english(number)) == english
    assert numerals.chinese(number) == chinese


def test_numbers_in_words_are_read_back():
    for number in (*range(0, 2000, 3), *range(9_900, 10_300, 7), *range(5_003, 1_000_000, 9_973)):
        for ands in (False, True):
            assert numerals.from_english(numerals.english(number, ands)) == number
        for pair in (False, True):
            assert numerals.from_chinese(numerals.chinese(number, pair)) == number


@pytest.mark.parametrize("words", [["five", "six"], ["hundred"], ["zero", "one"], ["twenty", "eleven"], ["cat"], []])
def test_words_that_say_no_number(words):
    assert numerals.from_english(words) is None


@pytest.mark.parametrize("text", ["一二", "十十", "百", "零一", "一千一", "猫", ""])
def test_characters_that_say_no_number(text):
    assert numerals.from_chinese(text) is None


def test_the_letters_tasks_say_what_they_do():
    for question, answer in drawn(REVERSE, 50):
        assert answer == question[::-1]
    for question, answer in drawn(COPY, 50):
        assert answer == question
    for question, answer in drawn(SORT, 50):
        assert answer == "".join(sorted(question))


def test_dates_mean_what_the_standard_library_reads():
    for way, pattern in zip(written_dates(1998, 5, 3)[:4:2], ("%d %B %Y", "%B %d, %Y"), strict=True):
        assert datetime.strptime(way, pattern).date().isoformat() == "1998-05-03"
    assert {"3 may 1998", "3rd of may 1998", "1998年5月3日", "一九九八年五月三日"} <= set(written_dates(1998, 5, 3))
    for _, answer in drawn(DATES, 200):
        datetime.strptime(answer, "%Y-%m-%d")  # a day that exists
    assert "二〇〇〇年二月二十九日" in written_dates(2000, 2, 29)


@pytest.mark.parametrize(
    ("name", "typed", "right"),
    [
        (REVERSE, "Abc", "cba"),
        (DATES, "MARCH 21st, 2031", "2031-03-21"),
        (DATES, "２０２４年２月２９日", "2024-02-29"),
        (DATES, "31 feb 2020", None),
        (DATES, "3 may", None),
        (ENGLISH_DIGITS, "One Thousand Two Hundred Thirty-Four", "1234"),
        (ENGLISH_DIGITS, "five six", None),
        (DIGITS_ENGLISH, "1234", "one thousand two hundred thirty four"),
        (DIGITS_ENGLISH, "007", None),
        (CHINESE_DIGITS, "两万二千", "22000"),
        (DIGITS_CHINESE, "10010", "一万零一十"),
    ],
)
def test_the_right_answer_to_a_typed_text(name, typed, right):
    assert task(name).right_answer(typed) == right


@pytest.mark.parametrize("name", TASKS)
def test_examples_fit_their_task(name):
    one = task(name)
    for question, answer in drawn(name, 60):
        assert one.right_answer(question) == answer
        ids, note = one.read(question)
        assert note is None
        assert ids[-1] == EOS
        assert len(ids) <= one.max_source_len
        assert len(one.target.ids(one.target.pieces(answer))) + 2 <= one.max_target_len
    assert one.right_answer(one.sample) is not None


@pytest.mark.parametrize("name", TASKS)
def test_no_training_example_is_held_out(name):
    training, held = drawn(name, 300), drawn(name, 60, held_out=True)
    assert not any(is_held_out(pair) for pair in training)
    assert all(is_held_out(pair) for pair in held)
    assert not {answer for _, answer in training} & {answer for _, answer in held}


@pytest.mark.parametrize("name", TASKS)
def test_the_same_seed_draws_the_same_batch(name):
    one, two, other = (task(name).batch(8, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.source, two.source)
    np.testing.assert_array_equal(one.target, two.target)
    assert one.source.shape != other.source.shape or (one.source != other.source).any()


def test_a_batch_is_padded_behind_its_ends():
    one = task(REVERSE)
    batch = one.encode([("ab", "ba"), ("x", "x")])
    assert batch.source.tolist() == [[3, 4, EOS], [26, EOS, PAD]]
    assert batch.source_lens.tolist() == [3, 2]
    assert batch.target.tolist() == [[BOS, 4, 3, EOS], [BOS, 26, EOS, PAD]]


def test_all_vocabularies_share_the_special_tokens_and_repeat_nothing():
    for one in tasks().values():
        for side in (one.source, one.target):
            assert len(set(side.tokens)) == len(side.tokens) == len(side)
            assert side.tokens[:3] == ("<pad>", "<s>", "</s>")


def test_what_cannot_be_read_is_said():
    with pytest.raises(LabError) as unknown:
        task(REVERSE).read("ab1c!1")
    assert str(unknown.value.message) == "1 !: not in the vocabulary of this task, which is a–z"
    with pytest.raises(LabError, match="cat"):
        task(ENGLISH_DIGITS).read("one cat")
    for blank in ("", "   ", "\u3000\t\n"):
        with pytest.raises(LabError, match="input is empty"):
            task(COPY).read(blank)


def test_signs_that_cannot_be_seen_are_told_by_their_number():
    with pytest.raises(LabError) as unknown:
        task(DATES).read("❤\ufe0f 1\u200b\x00")
    assert str(unknown.value.message).startswith("❤ U+FE0F U+200B U+0000: not in the vocabulary of this task")


def test_wide_and_capital_forms_are_read():
    assert task(DIGITS_ENGLISH).read("１２３４") == task(DIGITS_ENGLISH).read(" 1234 ")
    assert task(REVERSE).read("Ａttention") == task(REVERSE).read("attention")


def test_long_texts_are_cut_with_a_note():
    ids, note = task(REVERSE).read("abcdefghijklmnop")
    assert len(ids) == task(REVERSE).max_source_len
    assert str(note) == "Truncated to the first 12 of 16 tokens."
    assert task(REVERSE).right_answer("abcdefghijklmnop") == "lkjihgfedcba"
    assert str(task(REVERSE).read("a" * 10_000)[1]) == "Truncated to the first 12 of 10,000 tokens."


def test_numbers_are_written_with_their_hyphens():
    side = task(DIGITS_ENGLISH).target
    assert side.text(side.ids(["ninety", "nine", "thousand", "thirty"])) == "ninety-nine thousand thirty"
    assert side.text([*side.ids(["two"]), EOS, *side.ids(["one"])]) == "two"
