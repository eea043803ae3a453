"""What a page's model computes, as formulas with the numbers of its settings and answers in them, and where it is from.

A topic brings those of its pages in ``app/tabs/<topic>/tex.py``, as ``EQUATIONS`` by the page's name; ``make formulas``
typesets them. They stand at the foot of the dock (`app.topic.formula`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app import words

Told = Mapping[str, Any]  # the newest event of each kind, by the name of its class
Numbers = Callable[[Any, Told], Mapping[str, str]]


def no_numbers(_params: Any, _told: Told) -> Mapping[str, str]:
    """Of formulas without slots."""
    return {}


@dataclass(frozen=True)
class Equation:
    """The formulas of a page.

    Attributes
    ----------
    lines : tuple of str
        LaTeX with slots for numbers, as `app.formulas` takes it; each fits into the dock. Empty where the page prints
        its formula itself.
    source : str
        The paper or the book, with the section; English, the key of its translation.
    numbers : callable
        Of the page's settings and what it was told: what stands in the slots; what is not known yet is left out.
    none : str
        Why a page has no formula; empty where it has one.
    """

    lines: tuple[str, ...] = ()
    source: str = ""
    numbers: Numbers = no_numbers
    none: str = ""


def equations(topic: str) -> Mapping[str, Equation]:
    """Those of a topic by its pages' names; empty for a topic that brings none."""
    place = f"app.tabs.{topic}.tex"
    try:
        found: Mapping[str, Equation] = importlib.import_module(place).EQUATIONS
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise
        return {}
    return found


def all_lines(found: Mapping[str, Equation]) -> tuple[str, ...]:
    """What ``make formulas`` typesets of them."""
    return tuple(line for one in found.values() for line in one.lines)


def n(value: float, digits: int = 2) -> str:
    """A number as it stands in a formula."""
    return words.number(float(value), digits)


def inner(value: float, digits: int = 2) -> str:
    """The same behind a sign of operation: what is below zero stands in brackets."""
    said = n(value, digits)
    return f"({said})" if said.startswith("−") else said
