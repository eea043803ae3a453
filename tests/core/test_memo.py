"""Memo: the newest results, made once, in one go or step by step."""

from __future__ import annotations

import pytest

from engines.core.memo import Memo


def steps(name, room=None):
    yield f"{name}: half"
    if room is not None:
        assert not room.values()  # the one before is let go first
    yield f"{name}: nearly"
    return name.upper()


def drive(generator):
    told = []
    while True:
        try:
            told.append(next(generator))
        except StopIteration as done:
            return told, done.value


def test_it_says_what_is_kept():
    memo = Memo()
    memo.get("a", lambda: 1)
    assert "a" in memo
    assert "b" not in memo


def test_the_oldest_is_let_go_before_another_is_made():
    memo, made = Memo(2), []

    def make(name):
        return lambda: made.append(name) or len(memo.values())

    assert [memo.get(name, make(name)) for name in "aba"] == [0, 1, 0]
    assert memo.get("c", make("c")) == 1
    assert made == ["a", "b", "c"]
    memo.get("a", make("a"))  # used last but one
    memo.get("b", make("b"))
    assert made == ["a", "b", "c", "b"]


def test_where_making_fails_nothing_is_kept():
    memo = Memo()
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 / 0)
    assert memo.get("a", lambda: 2) == 2


def test_what_is_made_in_steps_is_made_once():
    memo = Memo()
    memo.get("old", object)
    assert drive(memo.get_in_steps("a", lambda: steps("a", memo))) == (["a: half", "a: nearly"], "A")
    assert drive(memo.get_in_steps("a", lambda: steps("b"))) == ([], "A")


def test_cut_short_it_keeps_nothing_and_two_at_once_keep_one():
    memo = Memo()
    one = memo.get_in_steps("a", lambda: steps("a"))
    next(one)
    one.close()
    assert drive(memo.get_in_steps("a", lambda: steps("b")))[1] == "B"
    late = memo.get_in_steps("c", lambda: steps("c"))
    next(late)
    memo.get("d", object)
    drive(late)
    assert list(memo._kept) == ["c"]
