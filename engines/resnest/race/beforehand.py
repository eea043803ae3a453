"""The race that was run beforehand, and the script that ran it: ``python -m engines.resnest.race.beforehand``."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from engines.core import files
from engines.core.assets import assets
from engines.core.errors import LabError
from engines.resnest.race.measures import standing
from engines.resnest.race.spec import KINDS, STEPS, Beforehand, RaceParams

FILE = "resnest-race.json"


def read() -> Beforehand | None:
    """The bundled race; None while there is none yet.

    Raises
    ------
    LabError
        If the file is not what it should be.
    """
    path = assets("results") / FILE
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text("utf-8"))
        steps, accuracy = np.array(kept["steps"], np.int64), np.array(kept["accuracy"], np.float32)
        seconds = tuple(float(each) for each in kept["seconds"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=path.name, reason=str(error)) from error
    if accuracy.shape[:2] != (len(steps), len(KINDS)) or accuracy.shape[2] < 2 or len(seconds) != len(KINDS):
        raise LabError("{name}: can't be read ({reason}).", name=path.name, reason=str(accuracy.shape))
    return Beforehand(standing(steps, accuracy, seconds))


def run(seeds: int) -> dict[str, Any]:
    """Run a race as the page does, seed after seed from 0 on."""
    import torch

    from engines.core.protocol import Job
    from engines.resnest.race.spec import RaceBegan, RaceLook
    from engines.resnest.race.training import Trainer

    torch.set_num_threads(1)
    params = RaceParams(run=1, until=STEPS, seeds=seeds)
    told = list(Trainer().run(Job(params, Trainer, lambda event: None)))
    began = next(event for event in told if isinstance(event, RaceBegan))
    last = [event for event in told if isinstance(event, RaceLook)][-1].standing
    return {
        "command": f"python -m engines.resnest.race.beforehand --seeds {seeds}",
        "kinds": KINDS,
        "parameters": began.parameters,
        "pictures": {"trained_on": began.trained, "held_out": began.held_out},
        "hardware": "one thread of a processor that was busy with other work",
        "seconds": [round(each, 6) for each in last.seconds],
        "steps": last.steps.tolist(),
        "accuracy": np.round(last.accuracy.astype(float), 5).tolist(),
    }


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(prog="python -m engines.resnest.race.beforehand", description="Run the race.")
    parser.add_argument("--seeds", type=int, default=8)
    made = run(parser.parse_args().seeds)
    files.write(assets("results") / FILE, json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
