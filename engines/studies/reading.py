"""Reads a study's file, in TOML: what is studied, what differs, and with which seeds.

::

    study = "scale"
    seeds = 3                       # 0, 1, 2; or a list of them

    [settings]                      # the same in all runs; what is not named is as it is by default
    pictures = "Digits"

    [over]                          # each combination is a run with each seed
    network = ["vit", "cnn"]
    count = [50, 150, 500]

A study of pictures names their folder, from the file's own: ``data = "photos"``. The hashes of what it holds are the
setting ``pictures`` of its runs; they are put down with the study, so that going on reads no picture anew.

``study`` may also be a training engine, ``module:Class``; then ``params`` names the type of its settings.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from engines.core import offers
from engines.core.errors import LabError
from engines.core.params import Params
from engines.core.reading import read_bytes
from engines.studies import parts, trained
from engines.studies.parts import Part
from engines.studies.spec import Kind, Row, Study

LARGEST_FILE = 2**20  #: bytes
MOST = 100_000  #: rows
KNOWN = ("study", "params", "seeds", "data", "settings", "over")


def kinds() -> dict[str, Kind]:
    """All that can be studied, by name."""
    every = (kind for offer in offers.found("studies") for kind in offer.load())
    return {kind.name: kind for kind in every}


def read(path: Path, known: Mapping[str, Kind] | None = None, folder: Path | None = None) -> Study:
    """The study of a file.

    Parameters
    ----------
    path : Path
    known : mapping of str to Kind, optional
        What can be studied; all that topics offer if not given.
    folder : Path, optional
        Where its rows are kept; the list of its pictures is, too.

    Raises
    ------
    LabError
        Saying what of it can't be read, or is none of what it should be.
    """
    said, every = said_in(path), kinds() if known is None else known
    kind = every.get(str(said.get("study")))
    if kind is None or not kind.part:
        return study_of(said, every, path.name)
    said, found = _with_pictures(said, kind, path, path.parent if folder is None else folder)
    return replace(study_of(said, every, path.name), parts=found, said=said)


def _with_pictures(said: dict[str, Any], kind: Kind, path: Path, place: Path) -> tuple[dict[str, Any], dict[str, Part]]:
    """What a file says with the hashes of its pictures, and the parts that they are of."""
    if not isinstance(said.get("data"), str):
        raise LabError("{name}: data names no folder of pictures.", name=path.name)
    folder = (path.parent / Path(said["data"]).expanduser()).resolve()
    before = parts.read_list(place)
    over = _table(said, "over", path.name)
    if parts.FIELD in over:  # it was begun, and is gone on with as it was
        if before is None:
            raise LabError("{name}: {missing} is missing.", name=path.name, missing=parts.LIST)
        folder, every = before
    else:
        if not folder.is_dir():
            raise LabError("{name}: there is no such folder.", name=said["data"])
        same = before is not None and before[0] == folder
        every = parts.list_of(folder, {one.name: one for one in before[1]} if before is not None and same else {})
    found = parts.parted(folder, every, kind.part)
    if len(found) > 1 and not kind.arrays:
        raise LabError("{name}: {n} pictures; {most} at most.", name=folder.name, n=len(every), most=kind.part)
    if parts.FIELD not in over:
        parts.write_list(place, folder, every)
    keys = [part.key for part in found]
    if keys != over.get(parts.FIELD, keys):
        raise LabError("{name}: its pictures are not those of {list}.", name=path.name, list=parts.LIST)
    return {**said, "data": str(folder), "over": {**over, parts.FIELD: keys}}, {part.key: part for part in found}


def said_in(path: Path) -> dict[str, Any]:
    """What a file says, as it stands there.

    Raises
    ------
    LabError
        It can't be read.
    """
    try:
        return tomllib.loads(read_bytes(path, LARGEST_FILE, path.name).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=path.name, reason=str(error)) from error


def study_of(said: Mapping[str, Any], known: Mapping[str, Kind], name: str) -> Study:
    """What a file says as a study; ``name`` is the file's."""
    _only(said, KNOWN, name)
    kind = known.get(str(said.get("study")))
    if kind is None and "params" in said:
        kind = trained.kind_at(str(said.get("study")), str(said["params"]))
    if kind is None:
        listed = ", ".join(sorted(known))
        raise LabError("{name}: study is {said}; known are {known}.", name=name, said=str(said.get("study")),
                       known=listed)  # fmt: skip
    own = tuple(f.name for f in fields(kind.params) if f.name not in kind.leaves)
    fixed, over = _table(said, "settings", name), _table(said, "over", name)
    for table in (fixed, over):
        _only(table, own, name)
    if both := sorted(fixed.keys() & over.keys()):
        raise LabError("{name}: {field} stands in settings and in over.", name=name, field=both[0])
    if "data" in said and not kind.part:
        raise LabError("{name}: {field} is unknown. Known are {known}.", name=name, field="data", known=", ".join(own))
    for field, values in over.items():
        if not isinstance(values, list) or not values:
            raise LabError("{name}: {field} needs a list of values.", name=name, field=field)
    seeds = _seeds(said.get("seeds", 1), name)
    count = len(seeds)
    for values in over.values():
        count *= len(values)
    if count > MOST:
        raise LabError("{name}: {n} runs; {most} at most.", name=name, n=count, most=MOST)
    plain = kind.params()
    rows = []
    for values in itertools.product(*over.values()):
        params = _params(kind, plain, {**fixed, **dict(zip(over, values, strict=True))}, name)
        rows += [Row(kind, params, seed) for seed in seeds]
    varied = tuple(field for field in over if not (kind.part and field == parts.FIELD))
    return Study(kind, varied, tuple({row.key: row for row in rows}.values()))


def _table(said: Mapping[str, Any], field: str, name: str) -> dict[str, Any]:
    found = said.get(field, {})
    if not isinstance(found, dict):
        raise LabError("{name}: {field} is no table.", name=name, field=field)
    return found


def _only(said: Mapping[str, Any], known: tuple[str, ...], name: str) -> None:
    for field in said:
        if field not in known:
            raise LabError("{name}: {field} is unknown. Known are {known}.", name=name, field=field,
                           known=", ".join(known))  # fmt: skip


def _seeds(said: object, name: str) -> list[int]:
    found = list(range(said)) if isinstance(said, int) and not isinstance(said, bool) and said <= MOST else said
    good = isinstance(found, list) and all(type(seed) is int and 0 <= seed < 2**31 for seed in found)
    if not good or not found:
        raise LabError("{name}: seeds are a number of them, or a list of whole numbers from 0.", name=name)
    assert isinstance(found, list)
    return found


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _params(kind: Kind, plain: Params, values: dict[str, Any], name: str) -> Params:
    """The params of a run; a whole number does where any number would."""
    for field, value in values.items():
        default = getattr(plain, field)
        if type(default) is float and type(value) is int:
            values[field] = value = float(value)
        if isinstance(value, list):
            values[field] = value = _tupled(value)
        if type(value) is not type(default) and not (default is None and isinstance(value, tuple)):
            raise LabError("{name}: {field} can't be {value}.", name=name, field=field, value=str(value))
    try:
        return kind.params(**values)
    except ValueError as error:
        raise LabError("{name}: {reason}.", name=name, reason=str(error)) from error
