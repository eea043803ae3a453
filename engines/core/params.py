"""How a topic declares its settings: one frozen dataclass whose fields carry their rules and their roles.

A field is a *setting* (`setting`: an undo step, and the engine is asked), *looked at* (`looked`: a query, a cell, a
pixel; the engine is asked if that changes its answer, but looking is no step), or *drawn* (`drawn`: an opacity, an
order; a step that the engine never sees). Whoever shows, undoes, saves or computes reads the role here and decides
nothing himself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Self, TypeAlias, TypeVar


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
    """One of a few named options.

    Attributes
    ----------
    options : tuple of str
        English texts, which are also the keys of their translations and what is saved.
    label, live, tip, group
        As of a `Range`.
    former : tuple of (str, str)
        What options were called in earlier versions, and which ones they are now.
    """

    options: tuple[str, ...]
    label: str
    live: bool = False
    tip: str = ""
    group: str = ""
    former: tuple[tuple[str, str], ...] = ()

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


SETTING, LOOKED, DRAWN = "setting", "looked at", "drawn"  #: roles of a field
PHOTO, PIN = "photo", "pin"  #: what is remembered of a photo: its file, and what was pinned on it


def setting(
    default: Any,
    rule: Rule | None = None,
    *,
    changes_model: bool = False,
    asked: bool = True,
    kept: bool = False,
    former: str = "",
    remembered: str = "",
    passing: bool = False,
) -> Any:
    """A field that makes an undo step and that the engine is asked with.

    Parameters
    ----------
    default : object
    rule : Rule, optional
        Guards the value and draws its control; fields without one are set on the page's own views.
    changes_model : bool
        It is counted in the dock as a change to the model, and "Reset all changes" brings the default back.
    asked : bool
        Off where it is of a run alone: the engine that answers at once hears nothing of it.
    kept : bool
        It is remembered from one start to the next although it has no rule.
    former : str
        Its name in earlier versions, under which settings and runs may have been saved.
    remembered : str
        `PHOTO`: a picture, of which the file is remembered. `PIN`: a place on it, or its number; remembered with the
        photo, and brought back on the same one in the same model.
    passing : bool
        Of the moment alone, so that no session holds it: what an engine told, where the pointer is, the run in hand.
    """
    return _field(default, SETTING, rule, changes_model, kept, asked, former, remembered, passing)


def looked(
    default: Any,
    rule: Rule | None = None,
    *,
    asked: bool = True,
    kept: bool = False,
    remembered: str = "",
    passing: bool = False,
) -> Any:
    """A field that says what is looked at: no undo step, and an undo leaves it where it is.

    Parameters
    ----------
    default, rule, kept, remembered, passing
        As of a `setting`.
    asked : bool
        The engine is asked; off where each answer holds all there is to look at.
    """
    return _field(default, LOOKED, rule, False, kept, asked, remembered=remembered, passing=passing)


def drawn(default: Any, rule: Rule | None = None, *, kept: bool = False) -> Any:
    """A field that only says how an answer is drawn: an undo step of which the engine hears nothing."""
    return _field(default, DRAWN, rule, False, kept, False)


def _field(
    default: Any, role: str, rule: Rule | None, changes_model: bool, kept: bool, asked: bool = True, former: str = "",
    remembered: str = "", passing: bool = False,
) -> Any:  # fmt: skip
    about: dict[str, Any] = {
        "role": role, "changes_model": changes_model, "kept": kept or rule is not None, "asked": asked,
        "former": former, "remembered": remembered, "passing": passing,
    }  # fmt: skip
    if rule is not None:
        about["rule"] = rule
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Params:
    """Base of every topic's settings: frozen, so a running job owns an unchangeable snapshot."""

    def __post_init__(self) -> None:
        for name, rule in rules(self).items():
            rule.check(name, getattr(self, name))

    def following(self, before: Self) -> Self:
        """These settings with what hangs on the fields that changed since ``before``; by default nothing does.

        Restored ones follow themselves: then nothing has changed, and only what never goes together is mended.
        """
        return self

    def changes(self) -> int:
        """How many changes to the model there are; a tuple counts once for each of its members."""
        plain, count = type(self)(), 0
        for name in with_role(self, "changes_model", True):
            value = getattr(self, name)
            count += len(value) if isinstance(value, tuple) else value != getattr(plain, name)
        return count

    def untouched(self) -> Self:
        """These settings with every change to the model taken back."""
        plain = type(self)()
        return replace(self, **{name: getattr(plain, name) for name in with_role(self, "changes_model", True)})


P = TypeVar("P", bound=Params)


def with_role(params: Params | type[Params], about: str, value: object) -> tuple[str, ...]:
    """The fields whose declaration says ``value`` of ``about``; what is not declared is a setting that is not kept."""
    return _with(params if isinstance(params, type) else type(params), about, value)  # type: ignore[arg-type]


@cache  # asked at each move of the hand
def _with(kind: type[Params], about: str, value: object) -> tuple[str, ...]:
    undeclared = {
        "role": SETTING, "changes_model": False, "kept": False, "asked": True, "remembered": "", "passing": False,
    }  # fmt: skip
    return tuple(f.name for f in fields(kind) if f.metadata.get(about, undeclared[about]) == value)


def with_selection_of(now: P, params: P) -> P:
    """``params``, looking where ``now`` looks: what undo and redo bring back."""
    return replace(params, **{name: getattr(now, name) for name in with_role(params, "role", LOOKED)})


def same_steps(a: Params, b: Params) -> bool:
    """Whether nothing differs but what is looked at."""
    return with_selection_of(a, b) == a


def for_engine(params: P) -> P:
    """The settings as an engine sees them: what it is not asked with says nothing, and stands at its default."""
    plain = type(params)()
    return replace(params, **{name: getattr(plain, name) for name in with_role(params, "asked", False)})


def part_of(params: Params, kind: type[P]) -> P:
    """Settings of another kind, all of whose fields these have, too: what one of several engines is asked with."""
    return kind(**{f.name: getattr(params, f.name) for f in fields(kind)})


def renamed(params: Params | type[Params], saved: Mapping[str, Any]) -> dict[str, Any]:
    """Saved fields and options under the names that they have now; a value of the present name goes first."""
    found = dict(saved)
    for f in fields(params):
        former = f.metadata.get("former", "")
        if former in found and f.name not in found:
            found[f.name] = found.pop(former)
        rule = f.metadata.get("rule")
        if isinstance(rule, Choice) and isinstance(found.get(f.name), str):
            found[f.name] = dict(rule.former).get(found[f.name], found[f.name])
    return found


def rules(params: Params | type[Params]) -> dict[str, Rule]:
    """The fields a person can set, in the order in which the dock shows them."""
    return {f.name: f.metadata["rule"] for f in fields(params) if "rule" in f.metadata}


def needs_restart(old: Params, new: Params) -> bool:
    """Whether a field that is not ``live`` differs, or something else is asked for."""
    return type(old) is not type(new) or any(
        getattr(old, f.name) != getattr(new, f.name)
        for f in fields(old)
        if not getattr(f.metadata.get("rule"), "live", False)
    )
