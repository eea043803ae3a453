"""Any training as a run of a study: its engine trains up to a step, and what it told last is what it finds.

A page that trains needs nothing for this: its engine's place and the type of its settings say all. What an event tells
is read from its fields: a number of a step under the field's name, one of another record under that record's too, as
``held_out_loss``. An event whose numbers lie in arrays says them itself (`Measures`).
"""

from __future__ import annotations

import importlib
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from engines.core.errors import LabError
from engines.core.params import Params
from engines.core.protocol import Ended, Event, Job, Record, Started, Subject
from engines.core.training import OF_A_STUDY, Finished, Kept, NotSaved, Stepped, Stopped, TrainingParams
from engines.studies.spec import Kind

PLACE = re.compile(r"engines(\.[A-Za-z_]\w*)+:[A-Za-z_]\w*")
STEPS = "until"  #: the field that says how long a run is; what else is passing is of one window's run
SILENT = (Started, Ended, Kept, NotSaved, Finished, Stopped, Subject)  #: records that tell nothing that is measured
STEP = "step"
NO_FINDING = (STEP, "seconds", "milliseconds")  #: a time is another one whenever the same row is run again


@runtime_checkable
class Measures(Protocol):
    """A record that says itself what of it is measured."""

    def measures(self) -> Mapping[str, float]:
        """By name; words with underscores."""


def kind_of(engine: str, params: type[Params]) -> Kind:
    """What can be studied of a training.

    Parameters
    ----------
    engine : str
        ``module:Class`` of what trains.
    params : type
        Its `TrainingParams`.

    Raises
    ------
    LabError
        It is none of this project, or no training.
    """
    if not PLACE.fullmatch(engine) or not (isinstance(params, type) and issubclass(params, TrainingParams)):
        raise LabError("{name} is no training.", name=engine)
    seed = seed_of(params)
    passing = [f.name for f in fields(params) if f.metadata.get("passing") and f.name != STEPS]
    return Kind(engine, params, engine, leaves=(*passing, *([seed] if seed else [])), any_measure=True)


def kind_at(engine: str, params: str) -> Kind:
    """The same by the names that a study's file has; imports no torch, for a spec has none.

    Raises
    ------
    LabError
        There is no such training.
    """
    if not PLACE.fullmatch(engine) or not PLACE.fullmatch(params):
        raise LabError("{name} is no training.", name=engine)
    module, name = params.split(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LabError("{name} is no training.", name=engine) from error
    return kind_of(engine, found)


def seed_of(params: type[Params]) -> str:
    """The field that the seed of a run is: one of the training's own goes before one of its data; empty for none."""
    if named := str(getattr(params, "SEED", "")):
        return named
    whole = [f.name for f in fields(params) if type(f.default) is int]
    return next((name for name in whole if name.endswith("_seed")), "seed" if "seed" in whole else "")


def measured(engine: type[Any], params: TrainingParams, seed: int) -> dict[str, float]:
    """Train up to step ``params.until``; what was told last of each number.

    Raises
    ------
    LabError
        The run can't go on.
    """
    name = seed_of(type(params))
    values: dict[str, Any] = {"run": OF_A_STUDY} | ({name: seed} if name else {})
    given = replace(params, **values)
    job: Job[Any] = Job(given, engine, lambda _event: None, training=True, device="cpu")
    found: dict[str, float] = {}
    for event in engine().run(job):
        if isinstance(event, Stopped):
            reason = event.reason
            raise LabError(reason.text, **reason.values)
        found.update(told(event))
    return found


def told(event: Event) -> dict[str, float]:
    """The numbers of an event."""
    if not isinstance(event, Record) or isinstance(event, SILENT):
        return {}
    if isinstance(event, Measures):
        return {name: float(value) for name, value in event.measures().items()}
    if not hasattr(event, STEP):
        return {}  # of the whole run
    before = "" if isinstance(event, Stepped) else _snake(type(event).__name__) + "_"
    found: dict[str, float] = {}
    for f in fields(event):
        value = getattr(event, f.name)
        if f.name in NO_FINDING:
            continue
        if _is_number(value):
            found[before + f.name] = float(value)
        elif isinstance(value, tuple) and 0 < len(value) <= MANY and all(map(_is_number, value)):
            found |= {f"{before}{f.name}_{at + 1}": float(each) for at, each in enumerate(value)}
    return {name: value for name, value in found.items() if np.isfinite(value) and value != NONE}


NONE = -1.0  #: how events say that a number is not there, such as an accuracy where no class is known
MANY = 12  #: numbers of a tuple that are measured one by one


def _is_number(value: object) -> bool:
    """Whether it is measured; whole numbers count something."""
    return isinstance(value, float | np.floating)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def foretold(kind: Kind) -> tuple[str, ...]:
    """What its runs will find, as far as its spec's types say; the rest is known when the first run has ended."""
    return tuple(_foretold(kind)) if kind.any_measure else kind.measures


def _foretold(kind: Kind) -> Iterator[str]:
    package = kind.place.split(":")[0].rpartition(".")[0]
    try:
        spec = importlib.import_module(f"{package}.spec")
    except ImportError:
        return
    every = [one for one in vars(spec).values() if isinstance(one, type) and is_dataclass(one)]
    every = [one for one in every if issubclass(one, Record) and not issubclass(one, SILENT)]
    for one in sorted(dict.fromkeys(every), key=lambda one: not issubclass(one, Stepped)):
        if one.__module__ != spec.__name__ or hasattr(one, "measures") or STEP not in {f.name for f in fields(one)}:
            continue
        before = "" if issubclass(one, Stepped) else _snake(one.__name__) + "_"
        hints = typing.get_type_hints(one)
        for f in fields(one):
            if f.name in NO_FINDING:
                continue
            if hints[f.name] is float:
                yield before + f.name
            elif typing.get_origin(hints[f.name]) is tuple and set(typing.get_args(hints[f.name])) == {float}:
                yield from (f"{before}{f.name}_{at + 1}" for at in range(len(typing.get_args(hints[f.name]))))


# ------------------------------------------------------------------ what a file can hold of the settings
def carried(params: Params, kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """Settings as a file has them, and the names of those that it can't have.

    Returns
    -------
    dict of str to text, number, switch or list of them
        Without those that are None, as they are by default.
    list of str
        Fields that hold an array or a picture, say.
    """
    plain, refused = {}, []
    standard = type(params)()
    for f in fields(params):
        value = getattr(params, f.name)
        if f.name in kind.leaves or value is None:
            continue
        if _is_plain(value):
            plain[f.name] = listed(value)
        elif value is not getattr(standard, f.name):
            refused.append(f.name)
    return plain, refused


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool | int | float) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def listed(value: Any) -> Any:
    """Tuples as lists, within each other."""
    return [listed(each) for each in value] if isinstance(value, tuple) else value
