"""The folder of a study: each run that has ended is a line of ``rows.jsonl``, written when it ends.

A line that was cut short, since the program or the machine went down, is as if it had not been begun. A study is gone
on with by reading its lines: runs that have found something are not made again, runs that failed are.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files
from engines.core.claim import Claim
from engines.core.errors import LabError, Message
from engines.studies.parts import part_of
from engines.studies.spec import Arrays, Outcome, Row, Study, plain, put
from engines.studies.toml import written as toml

ROWS, FILE, TABLE, ARRAYS = "rows.jsonl", "study.toml", "table.csv", "table.npz"
FOUND = "found"  #: folder of the arrays that runs found, one file each


def arrays_of(folder: Path, row: Row) -> Path:
    """Where the arrays that a run found are kept."""
    return folder / FOUND / f"{row.key}.npz"


def is_study(path: Path) -> bool:
    """Whether a path leads to a study: its folder, or its file."""
    try:
        return path.name == FILE or (path / FILE).is_file()
    except (OSError, ValueError):  # a null character, say
        return False


class Book:
    """What is known of a study.

    Parameters
    ----------
    study : Study
    folder : Path
        Made where it is missing; one program at a time writes into it.

    Attributes
    ----------
    outcomes : dict of str to Outcome
        By the row's key, of this study's rows; others that stand in the folder stay there.

    Raises
    ------
    LabError
        Another program writes there, or the disk refuses.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder = study, folder
        self._claim = Claim()
        if not self._claim.hold(folder / ROWS):
            raise LabError("{name}: another program is continuing this study.", name=folder.name)
        rows = {row.key: row for row in study.rows}
        self._place = folder / ROWS
        self.outcomes: dict[str, Outcome] = {}
        try:
            self._mend()
            self.outcomes = _read(self._place, rows)
        except OSError as error:
            self.close()
            raise files.WriteError(self._place, files.reason(error)) from error

    def _mend(self) -> None:
        """Take away what was cut short at the end."""
        if not self._place.is_file():
            return
        with self._place.open("r+b") as file:
            said = file.read()
            whole = said.rfind(b"\n") + 1
            if whole < len(said):
                file.truncate(whole)

    @property
    def left(self) -> tuple[Row, ...]:
        """The rows that have found nothing yet, in their order; failed ones are among them."""
        done = {key for key, one in self.outcomes.items() if one.error is None and self._has_arrays(one.row)}
        return tuple(row for row in self.study.rows if row.key not in done)

    def _has_arrays(self, row: Row) -> bool:
        return not row.kind.arrays or arrays_of(self.folder, row).is_file()

    def add(self, outcome: Outcome) -> None:
        """Write down how a run ended.

        Raises
        ------
        WriteError
            The disk refuses.
        """
        if outcome.arrays:
            part = part_of(outcome.row, self.study.parts)
            whose = {} if part is None else {"names": np.array(part.names), "sha256": np.array(part.hashes)}
            self._write_arrays(outcome.row, {**whose, **outcome.arrays})
        try:
            with self._place.open("ab") as file:
                file.write(json.dumps(line_of(outcome)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise files.WriteError(self._place, files.reason(problem)) from problem
        self.outcomes[outcome.row.key] = outcome

    def _write_arrays(self, row: Row, arrays: Arrays) -> None:
        place = arrays_of(self.folder, row)
        place.parent.mkdir(exist_ok=True)
        files.write(place, lambda out: put(out, arrays))

    def export(self) -> None:
        """Write the table of all rows that have ended, as CSV and as arrays.

        Raises
        ------
        WriteError
            The disk refuses.
        """
        ended = [self.outcomes[row.key] for row in self.study.rows if row.key in self.outcomes]
        files.write(self.folder / TABLE, as_csv(ended, self.study))
        arrays = as_arrays([one for one in ended if one.error is None], self.study)
        files.write(self.folder / ARRAYS, lambda out: put(out, arrays))

    def keep_file(self, path: Path) -> None:
        """Keep a copy of the study's file beside its rows, with the hashes of its pictures if it has any."""
        if self.study.said is not None:
            files.write(self.folder / FILE, toml(self.study.said))
        elif path.resolve() != (self.folder / FILE).resolve():
            files.write(self.folder / FILE, path.read_bytes())

    def close(self) -> None:
        """Let others write there."""
        self._claim.release()


def as_csv(outcomes: Iterable[Outcome], study: Study) -> str:
    """A table with a line for each run: settings, seed, what was found, seconds, and why it failed if it did."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(study.rows[0].settings)
    every = list(outcomes)
    measures = measures_of(study, every)
    writer.writerow([*names, "seed", *measures, "seconds", "error"])
    for one in every:
        values = [one.row.settings[name] for name in names]
        found = [one.found.get(measure, "") for measure in measures]
        said = "" if one.error is None else str(one.error)
        writer.writerow([*values, one.row.seed, *found, round(one.seconds, 3), said])
    return out.getvalue()


def as_arrays(outcomes: Iterable[Outcome], study: Study) -> dict[str, np.ndarray]:
    """The same of runs that found something: (n,) for each setting, the seed and each measure; NaN where there is none.

    A setting that holds several values is text.
    """
    ended = list(outcomes)
    names = list(study.rows[0].settings)
    columns = {name: [_single(one.row.settings[name]) for one in ended] for name in names}
    columns["seed"] = [one.row.seed for one in ended]
    columns |= {measure: [one.found.get(measure, np.nan) for one in ended] for measure in measures_of(study, ended)}
    return {name: np.array(values) for name, values in columns.items()}


def measures_of(study: Study, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """What is measured: what the kind says, else all that the runs have found, in their order."""
    if not study.kind.any_measure:
        return study.kind.measures
    return tuple(dict.fromkeys(name for one in outcomes for name in one.found))


def _single(value: Any) -> Any:
    """What an array can hold: an absent value is nothing, several are text."""
    return value if isinstance(value, str | bool | int | float) else "" if value is None else json.dumps(value)


def line_of(outcome: Outcome) -> dict[str, Any]:
    """How a run ended, as the file has it."""
    row, error = outcome.row, outcome.error
    told: dict[str, Any] = {
        "key": row.key, "study": row.kind.name, "settings": row.settings, "seed": row.seed,
        "found": dict(outcome.found), "seconds": round(outcome.seconds, 3), "tries": outcome.tries,
    }  # fmt: skip
    if error is not None:
        told["error"] = {"text": error.text, "values": plain(error)}
    return told


def outcome_of(told: Mapping[str, Any], row: Row) -> Outcome:
    """The same, of a line of the file."""
    error = told.get("error")
    said = None if error is None else Message(str(error["text"]), dict(error["values"]))
    return Outcome(row, dict(told["found"]), said, float(told.get("seconds", 0.0)), int(told.get("tries", 1)))


def known(study: Study, folder: Path) -> dict[str, Outcome]:
    """What stands in a folder of this study, by the row's key; others may be writing there.

    Raises
    ------
    LabError
        It is none of a study, or the disk refuses.
    """
    try:
        return _read(folder / ROWS, {row.key: row for row in study.rows})
    except OSError as error:
        raise LabError("{name} can't be read: {reason}", name=folder.name, reason=files.reason(error)) from error


def _read(place: Path, rows: Mapping[str, Row]) -> dict[str, Outcome]:
    """The outcomes of a file; what was cut short at its end is passed over."""
    if not place.is_file():
        return {}
    found = {}
    for number, line in enumerate(place.read_bytes().split(b"\n")[:-1], 1):
        try:
            told = json.loads(line)
            row = rows.get(told["key"])
            if row is not None:
                found[row.key] = outcome_of(told, row)
            elif not isinstance(told["found"], dict):
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LabError("{name}: line {n} is none of a study.", name=place.name, n=number) from error
    return found
