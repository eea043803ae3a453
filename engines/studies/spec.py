"""A study: a table of runs that differ in a few settings and a seed, and what each of them ends with.

What a run is, a topic says: it offers ``studies`` (`engines.core.offers`), a tuple of `Kind`. A run is a function of
its row alone, so whoever computes it, and whenever, finds the same numbers.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Params

if TYPE_CHECKING:
    from engines.studies.parts import Part

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Kind:
    """What can be studied.

    Attributes
    ----------
    name : str
        What files call it.
    params : type
        `Params` of a run; its rules guard the values. Each is text, number or switch.
    place : str
        ``module:name`` of a function ``(params, seed) -> dict of str to float``, which draws all of its random numbers
        from that seed; or of a training engine (`engines.studies.trained`). It is imported where it runs.
    measures : tuple of str
        What it finds.
    leaves : tuple of str
        Fields of the params that are no settings of a run.
    any_measure : bool
        What it finds is known when the first run has ended.
    part : int
        Pictures of a part of the folder that it looks at; 0 for none. Then a run is a function ``(params, seed, part)``
        of a `engines.studies.parts.Part`, too, whose hash is the setting ``pictures``.
    arrays : bool
        Each part of the folder is a run, which finds arrays, too (`Found`); else all pictures have to be one part.
    """

    name: str
    params: type[Params]
    place: str
    measures: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    any_measure: bool = False
    part: int = 0
    arrays: bool = False

    @property
    def params_place(self) -> str:
        """``module:name`` of the params."""
        return f"{self.params.__module__}:{self.params.__qualname__}"


@dataclass(frozen=True)
class Preset:
    """A study that is worth a look, to begin with.

    Attributes
    ----------
    title : str
        English, the key of its translation.
    over : tuple of (str, tuple)
        One or two settings with their values.
    seeds, steps : int
        0 steps where there is nothing to choose.
    """

    title: str
    over: tuple[tuple[str, tuple[Any, ...]], ...]
    seeds: int = 3
    steps: int = 0


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes
    ----------
    kind : Kind
    params : Params
    seed : int
    """

    kind: Kind
    params: Params
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, as the params have them."""
        return {name: value for name, value in asdict(self.params).items() if name not in self.kind.leaves}

    @cached_property
    def key(self) -> str:
        """Tells it from all rows that find something else."""
        told = json.dumps([self.kind.name, self.settings, self.seed], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Study:
    """A table of runs.

    Attributes
    ----------
    kind : Kind
    over : tuple of str
        The settings that differ.
    rows : tuple of Row
        No two are alike.
    parts : mapping of str to Part
        Of the folder of pictures, by their hashes; empty where there is none, or only the rows are looked at.
    said : mapping, optional
        What its file says once the hashes of its pictures stand there.
    """

    kind: Kind
    over: tuple[str, ...]
    rows: tuple[Row, ...]
    parts: Mapping[str, Part] = field(default_factory=dict)
    said: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Found:
    """What a run finds that has arrays to keep.

    Attributes
    ----------
    numbers : mapping of str to float
    arrays : mapping of str to ndarray
    """

    numbers: Mapping[str, float]
    arrays: Arrays


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    row : Row
    found : dict of str to float
        Empty where it failed.
    error : Message, optional
        Why it failed.
    seconds : float
        That it took, where it was computed.
    tries : int
        2 where the process that had it first went away.
    arrays : mapping of str to ndarray
        Of a kind that finds some.
    """

    row: Row
    found: Mapping[str, float] = field(default_factory=dict)
    error: Message | None = None
    seconds: float = 0.0
    tries: int = 1
    arrays: Arrays = field(default_factory=dict)


def ended(row: Row, told: Mapping[str, Any], tries: int) -> Outcome:
    """How a run ended, of what its process tells: ``found``, or ``text`` and ``values`` of why it failed."""
    error = Message(told["text"], told["values"]) if "text" in told else None
    wrong = not told["found"] if row.kind.any_measure else told["found"].keys() != set(row.kind.measures)
    if error is None and wrong:
        error = Message("It found {found}.", {"found": ", ".join(told["found"])})
        if not told["found"]:
            error = Message("It told nothing that is measured. More steps may help.")
    return Outcome(row, told["found"], error, told.get("seconds", 0.0), tries, of_text(told.get("arrays", "")))


def as_text(arrays: Arrays) -> str:
    """Arrays as a line of text has them."""
    store = io.BytesIO()
    put(store, arrays)
    return base64.b64encode(store.getvalue()).decode()


def put(out: BinaryIO, arrays: Arrays) -> None:
    """Write an NPZ. `numpy.savez` takes names as keywords, so none may be ``file`` there, as a setting is."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def of_text(text: str) -> Arrays:
    """The arrays of what `as_text` gave; none of nothing."""
    if not text:
        return {}
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as arrays:
        return dict(arrays)


def gone(row: Row, why: str, tries: int) -> Outcome:
    """The outcome of a run whose process went away too often."""
    return Outcome(row, error=Message("Its process went away twice: {why}.", {"why": why}), tries=tries)


def plain(message: Message) -> dict[str, object]:
    """The values of a message as JSON has them."""
    return {name: value if isinstance(value, int | float | str) else str(value)
            for name, value in message.values.items()}  # fmt: skip
