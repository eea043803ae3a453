"""Trainings that were run beforehand, as the window wants them: tables in ``assets/results``. Imports no torch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from engines.core.assets import assets
from engines.core.errors import LabError
from engines.rt_detr.compared import FIGURES, Beforehand


def read(file: str, named: dict[str, str], told: dict[str, str], part: str = "") -> Beforehand | None:
    """A bundled table; None while there is none, or no such part in it.

    Parameters
    ----------
    file : str
        In ``assets/results``.
    named : dict
        The arms of the file that are wanted, and what they are called here.
    told : dict
        What of the file is told of how it was made, and what it is called here.
    part : str
        The part of the file; empty for one without parts.

    Raises
    ------
    LabError
        If the file is not what it should be.
    """
    path = assets("results") / file
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text("utf-8"))
        if part and part not in kept["parts"]:
            return None
        runs = {arm: (kept["parts"][part] if part else kept["runs"])[arm] for arm in named}
        return gathered(kept, runs, named, told)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=path.name, reason=str(error)) from error


def gathered(kept: dict[str, Any], runs: dict[str, Any], named: dict[str, str], told: dict[str, str]) -> Beforehand:
    """The arms' runs, each a list of seeds with their ``looks``, as arrays."""
    every = [[run["looks"] for run in runs[arm]] for arm in named]
    count, seeds = min(len(looks) for row in every for looks in row), min(map(len, every))
    if seeds < 1:
        raise ValueError("no seed that every arm has")
    steps = np.array([look["step"] for look in every[0][0][:count]], np.int64)
    figures = np.array(
        [
            [[[row[seed][at].get(name, -1.0) for seed in range(seeds)] for row in every] for name in FIGURES]
            for at in range(count)
        ],
        np.float32,
    )
    seconds = np.array(
        [[np.mean([row[seed][at]["seconds"] for seed in range(seeds)]) for row in every] for at in range(count)],
        np.float32,
    )
    points = tuple(np.array(runs[arm][0].get("points", []), np.float32).reshape(-1, 2).T for arm in named)
    lines = tuple((label, str(kept[name])) for name, label in told.items())
    return Beforehand(tuple(named.values()), steps, figures, seconds, points, lines)
