"""What a page has to be studied: a kind of run, and the settings that all of its runs have."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from app import words
from app.params_form import scale_of
from app.words import Text
from engines.core import files
from engines.core.errors import LabError, Message
from engines.core.keeping import home
from engines.core.params import SETTING, Choice, Params, Range, Rule, Switch, rules, with_role
from engines.core.training import MOST_STEPS
from engines.studies.book import FILE
from engines.studies.parts import FIELD
from engines.studies.reading import kinds, said_in, study_of
from engines.studies.spec import Kind, Preset, Study
from engines.studies.toml import written
from engines.studies.trained import carried

STEPS, PACE = "until", "pace"  # how long a run is; how fast it is shown
USUAL = 200  #: steps of a training whose page says no other number
SEEDS = 3


@runtime_checkable
class Studied(Protocol):
    """A page that says what can be studied of it, as `app.topic.training_page.TrainingPage` does."""

    title: str

    def name(self) -> str:
        """Its name."""

    def studied(self) -> tuple[Kind, Params, int]:
        """What runs are made of: the kind, the settings as they are, and the most steps (0: none to choose)."""

    def presets(self) -> tuple[Preset, ...]:
        """Studies that are worth a look."""

    def options(self) -> dict[str, Choice]:
        """Settings without a control that a study may vary."""


@dataclass(frozen=True)
class Subject:
    """What is studied.

    Attributes
    ----------
    kind : Kind
    params : Params
        The settings of all runs, but for those that are varied.
    name : str
        What its folders are called.
    title : Message
    most : int
        Steps that a run may have; 0 where it has none to choose.
    presets : tuple of Preset
    options : mapping of str to Rule
        Settings beside those with a control that can be varied.
    data : str
        The folder of pictures that was chosen, of a kind that looks at one.
    """

    kind: Kind
    params: Params
    name: str
    title: Message
    most: int = 0
    presets: tuple[Preset, ...] = ()
    options: Mapping[str, Rule] = field(default_factory=dict)
    data: str = ""

    @property
    def rules(self) -> dict[str, Rule]:
        """The settings that can be varied."""
        named = with_role(self.params, "role", SETTING)
        every = rules(self.params).items()
        own = {name: rule for name, rule in every if name in named and name not in (*self.kind.leaves, STEPS, PACE)}
        return {**own, **self.options} | ({STEPS: Range(1, self.most, 1, "Steps", log=True)} if self.most > 1 else {})

    def is_like(self, other: Subject) -> bool:
        """Whether another one asks for the same settings: what was typed for it holds."""
        pairs = [(one.name, one.data, carried(one.params, one.kind)) for one in (self, other)]
        return pairs[0] == pairs[1]

    def said(self, over: Mapping[str, list[Any]], seeds: int, steps: int, data: str = "") -> dict[str, Any]:
        """The study as its file says it.

        Raises
        ------
        LabError
            Settings of the page can't stand in a file; the folder is missing.
        """
        if self.kind.part and not data:
            raise LabError("Choose a folder of pictures.")
        plain, refused = carried(self.params, self.kind)
        if refused:
            raise LabError("A study can't hold what the page is set to here: {names}.", names=", ".join(refused))
        fixed = {name: value for name, value in plain.items() if name not in over}
        if self.kind.part:
            del fixed[FIELD]  # their hash is known when they have been read
        if self.most and STEPS not in over:
            fixed[STEPS] = steps
        said: dict[str, Any] = {"study": self.kind.name}
        if self.kind.part:
            said["data"] = data
        elif self.kind.any_measure:
            said["params"] = self.kind.params_place
        return {**said, "seeds": seeds, "settings": fixed, "over": dict(over)}


def study_from(said: Mapping[str, Any], name: str) -> Study:
    """The runs of it."""
    return study_of(said, kinds(), name)


def put_down(said: Mapping[str, Any], name: str) -> Path:
    """Write a study into a new folder among those of this window's person; returns the folder.

    Raises
    ------
    LabError
        The disk refuses.
    """
    above = home() / "studies"
    began = f"{name}-{time.strftime('%Y-%m-%d-%H%M%S')}"
    folder, number = above / began, 2
    try:
        while folder.exists():
            folder, number = above / f"{began}-{number}", number + 1
        folder.mkdir(parents=True)
    except OSError as error:
        raise files.WriteError(folder, files.reason(error)) from error
    files.write(folder / FILE, written(said))
    return folder


def subject_in(folder: Path) -> Subject:
    """What a study of a folder is of, whoever began it.

    Raises
    ------
    LabError
        It is none, or can't be read.
    """
    said = said_in(folder / FILE)
    row = study_from(said, folder.name).rows[0]
    most = MOST_STEPS if row.kind.any_measure and not row.kind.part else 0
    return Subject(row.kind, row.params, folder.name, words.plain(folder.name), most, data=str(said.get("data", "")))


def newest(name: str) -> Path | None:
    """The folder of the study of this name that was begun last."""
    above = home() / "studies"
    if not above.is_dir():
        return None
    found = [one for one in above.iterdir() if one.name.startswith(f"{name}-") and (one / FILE).is_file()]
    return max(found, key=lambda one: one.stat().st_mtime_ns, default=None)


# ------------------------------------------------------------------ how values are written
def spelled(rule: Rule | None, value: Any) -> Text:
    """A value of a setting as the dock writes it."""
    match rule:
        case Range():
            return words.plain(scale_of(rule).written(float(value)))
        case Choice():
            return Message(value)
        case Switch():
            return Message("on" if value else "off")
    return words.plain(str(value))


def read_values(rule: Range, text: str, whole: bool) -> list[float | int]:
    """Numbers that were typed, parted by blanks, commas or semicolons, Chinese ones too; each once.

    Raises
    ------
    LabError
        Something is none, or out of range.
    """
    unit = "%" if rule.percent else ""
    parts = [part for part in re.split(r"[\s,;，、；]+", text) if part not in ("", unit)]
    found: list[float | int] = []
    for part in parts:
        try:
            number = float(part.replace("−", "-").removesuffix(unit))
        except ValueError as error:
            raise LabError("{value} is no number.", value=part) from error
        if math.isnan(number):
            raise LabError("{value} is no number.", value=part)
        value: float | int = number / 100 if rule.percent else number
        if whole and math.isfinite(value):
            if value != int(value):
                raise LabError("{value} is no whole number.", value=part)
            value = int(value)
        if not rule.low <= value <= rule.high:
            scale = scale_of(rule)
            raise LabError("{value} is outside {low} to {high}.", value=part, low=scale.written(rule.low),
                           high=scale.written(rule.high))  # fmt: skip
        if value not in found:
            found.append(value)
    if not found:
        raise LabError("Values are missing.")
    return sorted(found)


def proposed(rule: Rule, value: Any) -> list[Any]:
    """Values to begin with."""
    match rule:
        case Choice():
            return list(rule.options)
        case Switch():
            return [False, True]
    whole = type(value) is int
    if not rule.low <= value <= rule.high:  # steps, of a run that was not begun
        near = [rule.high / 9, rule.high / 3, rule.high]
    elif rule.log:
        near = [value / 3, value, value * 3]
    else:
        part = (rule.high - rule.low) / 4
        near = [rule.low + part, rule.low + 2 * part, rule.low + 3 * part]
    snapped = [min(rule.high, max(rule.low, float(f"{one:.2g}"))) for one in near]
    return sorted({round(one) if whole else one for one in snapped})


def typed(rule: Range, values: list[Any]) -> str:
    """Values as the hand would type them."""
    return ", ".join(f"{100 * value if rule.percent else value:.6g}" for value in values)
