"""Whole numbers below a million in words, English and Chinese, and back. Imports nothing heavy."""

from __future__ import annotations

from typing import Final

MOST: Final = 999_999  #: largest number

LOW = "zero one two three four five six seven eight nine ten"
TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
ONES: Final = tuple(f"{LOW} {TEENS}".split())
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
HUNDRED, THOUSAND, AND = "hundred", "thousand", "and"
ENGLISH: Final = (*ONES, *TENS, HUNDRED, THOUSAND, AND)  #: all words

HAN: Final = "零一二三四五六七八九"
PAIR: Final = "两"  #: two, before a thousand or ten thousand
UNITS: Final = ("", "十", "百", "千")
MYRIAD: Final = "万"
CHINESE: Final = (*HAN, PAIR, *UNITS[1:], MYRIAD)  #: all characters


def english(number: int, ands: bool = False) -> list[str]:
    """A number as words: 1234 -> one thousand two hundred thirty four.

    Parameters
    ----------
    number : int
        0..999,999.
    ands : bool
        British: "two hundred and thirty four".
    """
    high, low = divmod(number, 1000)
    words = [*_below_thousand(high, ands), THOUSAND] if high else []
    if low or not high:
        words += [AND] if ands and high and 0 < low < 100 else []
        words += _below_thousand(low, ands)
    return words


def _below_thousand(number: int, ands: bool) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [ONES[hundreds], HUNDRED] if hundreds else []
    if hundreds and rest and ands:
        words.append(AND)
    if rest >= 20:
        words.append(TENS[rest // 10 - 2])
        words += [ONES[rest % 10]] if rest % 10 else []
    elif rest or not hundreds:
        words.append(ONES[rest])
    return words


def chinese(number: int, pair: bool = True) -> str:
    """A number in Chinese characters: 1234 -> 一千二百三十四, 10010 -> 一万零一十, 12 -> 十二.

    Parameters
    ----------
    number : int
        0..999,999.
    pair : bool
        两 for a two that stands alone before 千 or 万; otherwise 二.
    """
    if number == 0:
        return HAN[0]
    high, low = divmod(number, 10_000)
    text = ""
    if high:
        text = (PAIR if pair and high == 2 else _below_myriad(high, pair, leads=True)) + MYRIAD
    if low:
        text += HAN[0] if high and low < 1000 else ""
        text += _below_myriad(low, pair, leads=not high)
    return text


def _below_myriad(number: int, pair: bool, leads: bool) -> str:
    digits = [int(c) for c in str(number)]
    text, gap = "", False
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit == 0:
            gap = bool(text)
            continue
        said = PAIR if pair and digit == 2 and place == 3 else HAN[digit]
        if place == 1 and digit == 1 and leads and not text:
            said = ""  # ten at the front is 十
        text += (HAN[0] if gap else "") + said + UNITS[place]
        gap = False
    return text


def from_english(words: list[str]) -> int | None:
    """The number that English words say; None if they say none (in the way of `english`)."""
    total = group = 0
    for word in words:
        if word in ONES:
            group += ONES.index(word)
        elif word in TENS:
            group += 10 * TENS.index(word) + 20
        elif word == HUNDRED:
            group *= 100
        elif word == THOUSAND:
            total, group = 1000 * group, 0
        elif word != AND:
            return None
    number = total + group
    known = 0 <= number <= MOST and words in (english(number), english(number, ands=True))
    return number if known else None


def from_chinese(text: str) -> int | None:
    """The number that Chinese characters say; None if they say none (in the way of `chinese`)."""
    total = group = digit = 0
    for c in text:
        if c in HAN:
            digit = HAN.index(c)
        elif c == PAIR:
            digit = 2
        elif c in UNITS[1:]:
            group += (digit or 1) * 10 ** UNITS.index(c)
            digit = 0
        elif c == MYRIAD:
            total, group, digit = 10_000 * (group + digit), 0, 0
        else:
            return None
    number = total + group + digit
    known = 0 <= number <= MOST and text.replace(PAIR, HAN[2]) == chinese(number, pair=False)
    pairs = all(after in ("百", "千", MYRIAD) for c, after in zip(text, f"{text[1:]} ", strict=False) if c == PAIR)
    return number if known and pairs else None
