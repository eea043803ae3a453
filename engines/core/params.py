"""How a topic declares its settings: one frozen dataclass whose fields carry their rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Range:
    """Bounds, step and wording of one number; the same object guards the value and draws the slider.

    Attributes
    ----------
    low, high, step : float
        Bounds (both allowed) and the step of the arrow keys.
    label, unit, tip, group : str
        English texts, which are also the keys of their translations. ``tip`` says what the number does, then
        the formula or paper; ``group`` is the section of the dock that the slider stands in.
    log : bool
        The slider moves in equal ratios instead of equal differences; needs ``low > 0``.
    live : bool
        A running job picks the new value up; otherwise the job starts anew.
    decimals : int, optional
        Digits after the point of the typed value; from ``step`` if not given.
    percent : bool
        The value is a share (0..1) and is shown times 100 with a percent sign.
    """

    low: float
    high: float
    step: float
    label: str
    unit: str = ""
    log: bool = False
    live: bool = False
    tip: str = ""
    group: str = ""
    decimals: int | None = None
    percent: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or self.step <= 0 or (self.log and self.low <= 0):
            raise ValueError(f"bad range {self.low}..{self.high} step {self.step} log {self.log}")

    @property
    def digits(self) -> int:
        """Digits after the point of the typed value."""
        if self.decimals is not None:
            return self.decimals
        step = self.step * (100 if self.percent else 1)
        return max(0, math.ceil(-math.log10(step) - 1e-9))

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ValueError(f"{name}={value!r} is outside {self.low}..{self.high}")


@dataclass(frozen=True)
class Choice:
    """One of a few named options; an option is an English text and the key of its translation."""

    options: tuple[str, ...]
    label: str
    live: bool = False
    tip: str = ""
    group: str = ""

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is one of the options."""
        if value not in self.options:
            raise ValueError(f"{name}={value!r} is none of {self.options}")


@dataclass(frozen=True)
class Switch:
    """On or off."""

    label: str
    live: bool = False
    tip: str = ""
    group: str = ""

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is a bool."""
        if not isinstance(value, bool):
            raise ValueError(f"{name}={value!r} is neither on nor off")


Rule: TypeAlias = Range | Choice | Switch


def setting(default: Any, rule: Rule) -> Any:
    """A dataclass field with its rule attached."""
    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True)
class Params:
    """Base of every topic's settings: frozen, so a running job owns an unchangeable snapshot."""

    def __post_init__(self) -> None:
        for name, rule in rules(self).items():
            rule.check(name, getattr(self, name))


def rules(params: Params | type[Params]) -> dict[str, Rule]:
    """The fields a person can set, in the order in which the dock shows them."""
    return {f.name: f.metadata["rule"] for f in fields(params) if "rule" in f.metadata}


def needs_restart(old: Params, new: Params) -> bool:
    """Whether a field that is not ``live`` differs."""
    return any(
        getattr(old, f.name) != getattr(new, f.name)
        for f in fields(old)
        if not getattr(f.metadata.get("rule"), "live", False)
    )
