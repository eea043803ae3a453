r"""Lessons as they lie in ``assets/lessons``: one file a topic, named after it, with all texts in both languages.

::

    {"order": 1,
     "title": {"en": "What is a query?", "zh": "什么是查询?"},
     "steps": [{
         "page": "kernel_regression",
         "say": {"en": "Two or three sentences.", "zh": "…"},
         "formula": "\\hat y = \\sum_i w_i y_i",
         "task": {"en": "Pull the bandwidth below 0.1.", "zh": "…"},
         "done": "bandwidth < 0.1",
         "show": {"bandwidth": 0.08}}]}

``done`` is a `Condition`; ``show`` has the settings that fulfil it, for those who want to see it done, ``"play"`` for a
run that has to go on, or ``"study"`` for many of them; with ``"run": true`` a run is begun with the settings.
``formula`` may be left out. Beside the steps a lesson may name ``terms`` of its book, each in both languages with the
page that shows it: the search finds them. A topic brings its lesson with it: no list names them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.lessons.condition import Condition
from engines.core.assets import assets

FOLDER = assets("lessons")
LANGUAGES = {"en", "zh"}
PLAY, STUDY = "play", "study"  #: what is shown by letting a run go on, by making a study of the page


@dataclass(frozen=True)
class Step:
    """One thing to see and one thing to do.

    Attributes
    ----------
    page : str
        Name of the page, see `app.topic.page.Page.name`.
    text, task : str
        What is to be seen, what is to be done; English, the keys of their translations.
    done : Condition
    show : dict or None
        Settings that fulfil it; None for a run that is let go on, or a study that is begun.
    formula : str
        LaTeX; empty for none.
    study : bool
        A study of the page fulfils it.
    run : bool
        A run with the settings of ``show`` does.
    """

    page: str
    text: str
    task: str
    done: Condition
    show: Mapping[str, Any] | None
    formula: str = ""
    study: bool = False
    run: bool = False


@dataclass(frozen=True)
class Term:
    """A word of the book.

    Attributes
    ----------
    text : str
        English, the key of its translation.
    page : str
        Name of the page that shows it.
    """

    text: str
    page: str


@dataclass(frozen=True)
class Lesson:
    """A chapter: some steps on the pages of one topic.

    Attributes
    ----------
    topic : str
        Whose tab it is done in, and its file's name.
    order : int
        Its place in the path through the app.
    title : str
        English, the key of its translation.
    steps : tuple of Step
    terms : tuple of Term
    """

    topic: str
    order: int
    title: str
    steps: tuple[Step, ...]
    terms: tuple[Term, ...] = ()


@cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons, in the order of the path."""
    return tuple(sorted((read(path) for path in FOLDER.glob("*.json")), key=lambda lesson: lesson.order))


def lesson(topic: str) -> Lesson | None:
    """The lesson of a topic; None where it brought none."""
    return next((one for one in lessons() if one.topic == topic), None)


def read(path: Path) -> Lesson:
    """A lesson's file.

    Raises
    ------
    ValueError
        If something in it is missing or of another kind than the module's docstring says; named with its step.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        steps = tuple(_step(each) for each in found["steps"])
        terms = tuple(Term(_english(each["name"]), str(each["page"])) for each in found.get("terms", ()))
        return Lesson(path.stem, int(found["order"]), _english(found["title"]), steps, terms)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def _step(found: Mapping[str, Any]) -> Step:
    show = found["show"]
    if show not in (PLAY, STUDY) and not isinstance(show, dict):
        raise ValueError(f"show is {show!r}, neither settings nor {PLAY!r} or {STUDY!r}")
    return Step(
        found["page"],
        _english(found["say"]),
        _english(found["task"]),
        Condition(found["done"]),
        None if isinstance(show, str) else {name: _frozen(value) for name, value in show.items()},
        found.get("formula", ""),
        show == STUDY,
        bool(found.get("run", False)),
    )


def _frozen(value: Any) -> Any:
    """JSON knows no tuples, settings no lists."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _english(text: Mapping[str, str]) -> str:
    if not isinstance(text, dict) or set(text) != LANGUAGES:
        raise ValueError(f"{text!r} is not said in both languages")
    return str(text["en"])
