"""Tasks from one sequence to another, for the Transformer: made by rule, seeded, endless. Imports no torch.

Each task needs attention, and where it should look can be read: the last letter for the first place (Reverse), the
same place (Copy), the next larger letter (Sort), the digits of the year (Dates), the word that says a digit (Numbers).
A tenth of all examples, chosen by their text, is held out: no training batch ever has one of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.errors import LabError, Message
from engines.data import numerals
from engines.data.vocabulary import BOS, DIGITS, EOS, LETTERS, PAD, Vocabulary

LONGEST: Final = 12  #: letters of Reverse, Copy and Sort
HELD_OUT: Final = 10  #: one of so many examples is held out

REVERSE, COPY, SORT, DATES = "Reverse", "Copy", "Sort", "Dates"
ENGLISH_DIGITS, DIGITS_ENGLISH = "English to digits", "Digits to English"
CHINESE_DIGITS, DIGITS_CHINESE = "Chinese to digits", "Digits to Chinese"

HALF_YEARS = "january february march april may june", "july august september october november december"
MONTHS: Final = tuple(" ".join(HALF_YEARS).split())
YEARS: Final = 1000, 2999
HAN_YEAR: Final = "〇一二三四五六七八九"


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples side by side.

    Attributes
    ----------
    source : ndarray int64 (B, S)
        Ends with the end token, then padding.
    source_lens : ndarray int64 (B,)
        Tokens that count, with the end token.
    target : ndarray int64 (B, T)
        Start token, answer, end token, then padding: ``target[:, :-1]`` goes in, ``target[:, 1:]`` comes out.
    """

    source: npt.NDArray[np.int64]
    source_lens: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]


Pair = tuple[str, str]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    name : str
        English text and key of its translation.
    source, target : Vocabulary
    draw : callable
        One example (question, answer) from a generator.
    answer : callable
        The right answer to a text in one form, None where there is none.
    max_source_len, max_target_len : int
        Tokens of the longest source (with its end) and of the longest target (with start and end).
    sample : str
        What is shown first.
    about : str
        One sentence on it, English.
    """

    name: str
    source: Vocabulary
    target: Vocabulary
    draw: Callable[[np.random.Generator], Pair]
    answer: Callable[[str], str | None]
    max_source_len: int
    max_target_len: int
    sample: str
    about: str

    @property
    def slug(self) -> str:
        """The name for files."""
        return self.name.lower().replace(" ", "-")

    def read(self, text: str) -> tuple[list[int], Message | None]:
        """A typed text as ids with the end token, and a note if it had to be cut.

        Raises
        ------
        LabError
            If it is empty or has characters that the task does not know.
        """
        pieces = self.source.pieces(text)
        if not pieces:
            raise LabError("The input is empty: type a text.")
        ids = self.source.ids(pieces)
        room = self.max_source_len - 1
        note = None
        if len(ids) > room:
            note = Message("Truncated to the first {n} of {all} tokens.", {"n": room, "all": f"{len(ids):,}"})
        return [*ids[:room], EOS], note

    def right_answer(self, text: str) -> str | None:
        """The right answer to a typed text, cut as `read` cuts it; None where there is none."""
        pieces = self.source.pieces(text)[: self.max_source_len - 1]
        return self.answer((" " if self.source.words else "").join(pieces))

    def examples(self, random: np.random.Generator, held_out: bool = False) -> Iterator[Pair]:
        """Question and answer, without end."""
        while True:
            pair = self.draw(random)
            if is_held_out(pair) == held_out:
                yield pair

    def encode(self, pairs: list[Pair]) -> Batch:
        """Examples as one batch."""
        sources = [[*self.source.ids(_cut(self.source, q)), EOS] for q, _ in pairs]
        targets = [[BOS, *self.target.ids(_cut(self.target, a)), EOS] for _, a in pairs]
        lens = np.array([len(s) for s in sources], np.int64)
        return Batch(_padded(sources), lens, _padded(targets))

    def batch(self, count: int, random: np.random.Generator, held_out: bool = False) -> Batch:
        """Examples drawn from a generator, as one batch; all from the held-out ones or none."""
        examples = self.examples(random, held_out)
        return self.encode([next(examples) for _ in range(count)])


def is_held_out(pair: Pair) -> bool:
    """Whether an example belongs to the held-out tenth; the shortest never do: each one is a case of its own."""
    return min(map(len, pair)) > 2 and zlib.crc32(pair[1].encode()) % HELD_OUT == 0


def _cut(vocabulary: Vocabulary, text: str) -> list[str]:
    """Pieces of a text that a task drew, which is in one form already."""
    return text.split() if vocabulary.words else list(text)


def _padded(rows: list[list[int]]) -> npt.NDArray[np.int64]:
    longest = max(map(len, rows))
    return np.array([r + [PAD] * (longest - len(r)) for r in rows], np.int64)


# -- letters
def _letters(change: Callable[[str], str]) -> Callable[[np.random.Generator], Pair]:
    def draw(random: np.random.Generator) -> Pair:
        drawn = random.integers(0, len(LETTERS), random.integers(1, LONGEST + 1))
        text = "".join(LETTERS[i] for i in drawn)
        return text, change(text)

    return draw


def _sorted(text: str) -> str:
    return "".join(sorted(text))


# -- dates
def _ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def written_dates(year: int, month: int, day: int) -> tuple[str, ...]:
    """All the ways in which a date may be written, in lower case."""
    name = MONTHS[month - 1]
    han = "".join(HAN_YEAR[int(c)] for c in str(year))
    han_rest = f"年{numerals.chinese(month)}月{numerals.chinese(day)}日"
    return (
        *(f"{day} {n} {year}" for n in (name, name[:3])),
        *(f"{n} {day}, {year}" for n in (name, name[:3])),
        f"{_ordinal(day)} {name} {year}",
        f"{_ordinal(day)} of {name} {year}",
        f"{name} {_ordinal(day)}, {year}",
        f"{year}年{month}月{day}日",
        han + han_rest,
        han.replace("〇", "零") + han_rest,
    )


def _draw_date(random: np.random.Generator) -> Pair:
    near = random.random() < 0.5
    low, high = (1900, 2099) if near else YEARS
    year, month = int(random.integers(low, high + 1)), int(random.integers(1, 13))
    most = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    day = int(random.integers(1, most + 1))
    ways = written_dates(year, month, day)
    return ways[random.integers(len(ways))], f"{year:04d}-{month:02d}-{day:02d}"


def _date_answer(text: str) -> str | None:
    """The ISO date of a text that `written_dates` could have written."""
    for year in _years_in(text):
        for month in range(1, 13):
            for day in range(1, 32):
                try:
                    date(year, month, day)
                except ValueError:
                    break
                if text in written_dates(year, month, day):
                    return f"{year:04d}-{month:02d}-{day:02d}"
    return None


def _years_in(text: str) -> list[int]:
    """Years that a text may mean: its four digits, in figures or in Chinese."""
    plain = "".join(str(HAN_YEAR.index(c)) if c in HAN_YEAR else "0" if c == "零" else c for c in text)
    found = plain.split("年")[0] if "年" in plain else plain[-4:]
    ok = len(found) == 4 and found.isascii() and found.isdigit() and YEARS[0] <= int(found) <= YEARS[1]
    return [int(found)] if ok else []


_DATE_SIGNS = sorted({c for way in written_dates(1234, 5, 6) for c in way} | set("".join(MONTHS) + "stndrdthof, "))


# -- numbers
def _number(random: np.random.Generator) -> int:
    """As often short as long: the number of digits is drawn first."""
    digits = int(random.integers(1, 7))
    return int(random.integers(0 if digits == 1 else 10 ** (digits - 1), 10**digits))


def _draw_english_digits(random: np.random.Generator) -> Pair:
    number = _number(random)
    return " ".join(numerals.english(number, ands=random.random() < 0.3)), str(number)


def _draw_chinese_digits(random: np.random.Generator) -> Pair:
    number = _number(random)
    return numerals.chinese(number, pair=random.random() < 0.7), str(number)


def _draw_digits_english(random: np.random.Generator) -> Pair:
    number = _number(random)
    return str(number), " ".join(numerals.english(number))


def _draw_digits_chinese(random: np.random.Generator) -> Pair:
    number = _number(random)
    return str(number), numerals.chinese(number)


def _said(number: int | None) -> str | None:
    return None if number is None else str(number)


def _spelled(write: Callable[[int], str]) -> Callable[[str], str | None]:
    def answer(text: str) -> str | None:
        plain = text.isdigit() and (text == "0" or text[0] != "0") and int(text) <= numerals.MOST
        return write(int(text)) if plain else None

    return answer


def _vocabularies() -> dict[str, Vocabulary]:
    signs = [s for s in _DATE_SIGNS if s.isascii() and s not in DIGITS]
    han = [*HAN_YEAR, "零", "十", "年", "月", "日"]
    return {
        "letters": Vocabulary(tuple(LETTERS)),
        "digits": Vocabulary(tuple(DIGITS)),
        "iso": Vocabulary((*DIGITS, "-")),
        "dates": Vocabulary((*DIGITS, *LETTERS, *(s for s in signs if s not in LETTERS), *han)),
        "english": Vocabulary(numerals.ENGLISH, words=True),
        "chinese": Vocabulary(numerals.CHINESE),
    }


@cache
def tasks() -> dict[str, Task]:
    """All tasks by name."""
    v = _vocabularies()
    plain = LONGEST + 1, LONGEST + 2
    made = (
        Task(REVERSE, v["letters"], v["letters"], _letters(lambda t: t[::-1]), lambda t: t[::-1], *plain,
             "attention", "The letters backwards: position i attends to position n − i."),
        Task(COPY, v["letters"], v["letters"], _letters(str), str, *plain,
             "transformer", "The same letters again: each position attends to itself."),
        Task(SORT, v["letters"], v["letters"], _letters(_sorted), _sorted, *plain,
             "alphabetic", "The letters in order: each position looks for the next larger one."),
        Task(DATES, v["dates"], v["iso"], _draw_date, _date_answer, 23, 12,
             "3 May 1998", "A date, written in one of ten ways, as year-month-day."),
        Task(ENGLISH_DIGITS, v["english"], v["digits"], _draw_english_digits,
             lambda t: _said(numerals.from_english(t.split())), 12, 8,
             "one thousand two hundred thirty-four", "A number in English words as digits, below a million."),
        Task(DIGITS_ENGLISH, v["digits"], v["english"], _draw_digits_english,
             _spelled(lambda n: " ".join(numerals.english(n))), 7, 11,
             "1234", "Digits as a number in English words, below a million."),
        Task(CHINESE_DIGITS, v["chinese"], v["digits"], _draw_chinese_digits,
             lambda t: _said(numerals.from_chinese(t)), 12, 8,
             "一千二百三十四", "A number in Chinese as digits, below a million."),
        Task(DIGITS_CHINESE, v["digits"], v["chinese"], _draw_digits_chinese, _spelled(numerals.chinese), 7, 13,
             "1234", "Digits as a number in Chinese, below a million."),
    )  # fmt: skip
    return {task.name: task for task in made}


TASKS: Final = (
    REVERSE, COPY, SORT, DATES, ENGLISH_DIGITS, DIGITS_ENGLISH, CHINESE_DIGITS, DIGITS_CHINESE,
)  # fmt: skip


def task(name: str) -> Task:
    """The task of a name."""
    return tasks()[name]
