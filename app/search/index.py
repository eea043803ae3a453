"""What can be searched for, and how well a typed line fits it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from app import words
from app.lessons.lesson import lessons
from app.topics import Topic, topics
from engines.core.params import rules

TOPIC, PAGE, LESSON, TERM, SETTING = "Topic", "Page", "Lesson", "Term", "Setting"
KINDS = (TOPIC, PAGE, LESSON, TERM, SETTING)  #: what comes first among equals


@dataclass(frozen=True)
class Place:
    """Something that can be opened.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    text : str
        English, the key of its translation.
    topic : str
        Name of its topic.
    page : str
        Name of its page; empty for a topic or a lesson.
    field : str
        Of a setting.
    """

    kind: str
    text: str
    topic: str
    page: str = ""
    field: str = ""


def first_places() -> list[Place]:
    """Topics and lessons, which need no page to be imported."""
    return [
        *(Place(TOPIC, each.title, each.name) for each in topics()),
        *(Place(LESSON, each.title, each.topic) for each in lessons()),
    ]


def terms() -> list[Place]:
    """The words of the book, each with the page that shows it."""
    return [Place(TERM, term.text, each.topic, term.page) for each in lessons() for term in each.terms]


def places_of(topic: Topic) -> Iterator[Place]:
    """Pages of a topic and their settings; a setting that several pages share stands once."""
    seen: set[type] = set()
    for kind in topic.page_classes():
        yield Place(PAGE, kind.title, topic.name, kind.name())
        if kind.params_type in seen:
            continue
        seen.add(kind.params_type)
        for name, rule in rules(kind.params_type).items():
            if label := rule.label:
                yield Place(SETTING, label, topic.name, kind.name(), name)


# ------------------------------------------------------------------ how well it fits
class _Pinyin:
    """The library of readings, which takes a third of a second to import: on a thread, from the first search on."""

    def __init__(self) -> None:
        self._found: ModuleType | None = None
        self._thread = threading.Thread(target=self._read, name="pinyin", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        import pypinyin

        self._found = pypinyin

    def wait(self) -> None:
        """Return when it is there."""
        self._thread.join()

    def initials(self, chinese: str) -> str:
        """The first letters of the readings, without spaces; empty until the library is there."""
        if self._found is None:
            return ""
        read = self._found.lazy_pinyin(chinese, style=self._found.Style.FIRST_LETTER)
        return "".join("".join(read).split()).lower()


@cache
def pinyin() -> _Pinyin:
    """The one of the program."""
    return _Pinyin()


@cache
def _initials(chinese: str) -> str:
    return pinyin().initials(chinese)


def fit(place: Place, typed: str) -> float:
    """How well a typed line fits a place.

    Returns
    -------
    float
        0 for not at all; otherwise larger for a better fit: the whole text, its beginning, the beginning of a word,
        anything in it, the beginning of its pinyin initials.
    """
    asked = " ".join(typed.lower().split())
    if not asked:
        return 0.0
    chinese = words.translations().get(place.text, "")
    best = max(_fit(place.text.lower(), asked), _fit(chinese.lower(), asked))
    if not best and chinese:
        letters = _initials(chinese) or ""
        if not letters:
            _initials.cache_clear()
        best = 0.5 if letters.startswith(asked.replace(" ", "")) else 0.0
    return best + 0.01 * (len(KINDS) - KINDS.index(place.kind)) if best else 0.0


def _fit(text: str, asked: str) -> float:
    if text == asked:
        return 4.0
    if text.startswith(asked):
        return 3.0
    if f" {asked}" in f" {text}":
        return 2.0
    if asked in text:
        return 1.0
    parts = asked.split()
    return 0.8 if len(parts) > 1 and all(part in text for part in parts) else 0.0


def found(places: list[Place], typed: str, most: int = 50) -> list[Place]:
    """The places that fit, the best first; of equals those in the order of the topics."""
    rated = [(fit(place, typed), -at) for at, place in enumerate(places)]
    rated = sorted((one for one in rated if one[0] > 0), reverse=True)[:most]
    return [places[-at] for _, at in rated]
