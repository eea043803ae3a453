"""The races that were run beforehand; `engines.mamba.train` runs them."""

from __future__ import annotations

import json

import numpy as np

from engines.core.assets import assets
from engines.core.errors import LabError
from engines.mamba.race.spec import KINDS, LENGTHS, TASKS, Beforehand, Standing

FILE = "mamba-race.json"


def read() -> tuple[Beforehand, ...]:
    """The bundled races, of each task that has been run.

    Raises
    ------
    LabError
        If the file is not what it should be.
    """
    path = assets("results") / FILE
    if not path.is_file():
        return ()
    try:
        kept = json.loads(path.read_text("utf-8"))
        return tuple(_race(task, kept["tasks"][task]) for task in TASKS if task in kept["tasks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=path.name, reason=str(error)) from error


def _race(task: str, kept: dict[str, object]) -> Beforehand:
    steps, accuracy = np.array(kept["steps"], np.int64), np.array(kept["accuracy"], np.float32)
    at_lengths, seconds = np.array(kept["at_lengths"], np.float32), np.array(kept["seconds"], float)
    if accuracy.ndim != 3 or accuracy.shape[:2] != (len(steps), len(KINDS)) or seconds.shape != (len(KINDS),):
        raise ValueError(f"{task}: {accuracy.shape}")
    if at_lengths.shape != (len(LENGTHS), len(KINDS), accuracy.shape[2]):
        raise ValueError(f"{task}: {at_lengths.shape}")
    return Beforehand(task, Standing(steps, accuracy, tuple(seconds.tolist())), at_lengths)
