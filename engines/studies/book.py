"""The folder of a study: each run that has ended is a line of ``rows.jsonl``, written when it ends.

A line that was cut short, since the program or the machine went down, is as if it had not been begun. A study is gone
on with by reading its lines: runs that have found something are not made again, runs that failed are.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files
from engines.core.claim import Claim
from engines.core.errors import LabError, Message
from engines.studies.spec import Outcome, Row, Study, plain

ROWS, FILE, TABLE, ARRAYS = "rows.jsonl", "study.toml", "table.csv", "table.npz"


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
            for told in self._lines():
                row = rows.get(told["key"])
                if row is not None:
                    self.outcomes[row.key] = _outcome(told, row)
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

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self._place.is_file():
            return
        with self._place.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    told = json.loads(line)
                    good = isinstance(told, dict) and isinstance(told["key"], str) and ("found" in told)
                except (json.JSONDecodeError, KeyError):
                    good = False
                if not good:
                    raise LabError("{name}: line {n} is none of a study.", name=self._place.name, n=number)
                yield told

    @property
    def left(self) -> tuple[Row, ...]:
        """The rows that have found nothing yet, in their order; failed ones are among them."""
        done = {key for key, outcome in self.outcomes.items() if outcome.error is None}
        return tuple(row for row in self.study.rows if row.key not in done)

    def add(self, outcome: Outcome) -> None:
        """Write down how a run ended.

        Raises
        ------
        WriteError
            The disk refuses.
        """
        row, error = outcome.row, outcome.error
        told = {
            "key": row.key, "study": row.kind.name, "settings": row.settings, "seed": row.seed,
            "found": dict(outcome.found), "seconds": round(outcome.seconds, 3), "tries": outcome.tries,
        }  # fmt: skip
        if error is not None:
            told["error"] = {"text": error.text, "values": plain(error)}
        try:
            with self._place.open("ab") as file:
                file.write(json.dumps(told).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise files.WriteError(self._place, files.reason(problem)) from problem
        self.outcomes[row.key] = outcome

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
        files.write(self.folder / ARRAYS, lambda out: np.savez_compressed(out, allow_pickle=False, **arrays))

    def keep_file(self, path: Path) -> None:
        """Keep a copy of the study's file beside its rows."""
        if path.resolve() != (self.folder / FILE).resolve():
            files.write(self.folder / FILE, path.read_bytes())

    def close(self) -> None:
        """Let others write there."""
        self._claim.release()


def as_csv(outcomes: Iterable[Outcome], study: Study) -> str:
    """A table with a line for each run: settings, seed, what was found, seconds, and why it failed if it did."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(study.rows[0].settings)
    writer.writerow([*names, "seed", *study.kind.measures, "seconds", "error"])
    for one in outcomes:
        values = [one.row.settings[name] for name in names]
        found = [one.found.get(measure, "") for measure in study.kind.measures]
        said = "" if one.error is None else str(one.error)
        writer.writerow([*values, one.row.seed, *found, round(one.seconds, 3), said])
    return out.getvalue()


def as_arrays(outcomes: Iterable[Outcome], study: Study) -> dict[str, np.ndarray]:
    """The same of runs that found something: (n,) for each setting, the seed and each measure."""
    ended = list(outcomes)
    names = list(study.rows[0].settings)
    columns = {name: [one.row.settings[name] for one in ended] for name in names}
    columns["seed"] = [one.row.seed for one in ended]
    columns |= {measure: [one.found[measure] for one in ended] for measure in study.kind.measures}
    return {name: np.array(values) for name, values in columns.items()}


def _outcome(told: dict[str, Any], row: Row) -> Outcome:
    error = told.get("error")
    said = None if error is None else Message(str(error["text"]), dict(error["values"]))
    return Outcome(row, dict(told["found"]), said, float(told.get("seconds", 0.0)), int(told.get("tries", 1)))
