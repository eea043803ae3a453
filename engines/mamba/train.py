"""Runs the races that come along and keeps what they leave: accuracies, and of each task the nets of the first seed.

    python -m engines.mamba.train              run what is still to be run; killed, it goes on after the last whole one
    python -m engines.mamba.train --export     write ``assets/results/mamba-race.json`` and ``assets/weights/mamba-*``

A run is what the page "Race" does: one seed of one task, all kinds of nets on the same batches.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.checkpoints.bundling import CACHE, save_state, saved_state, write_bundled
from engines.core import files
from engines.core.assets import assets
from engines.core.protocol import Job
from engines.mamba.race import nets
from engines.mamba.race.beforehand import FILE
from engines.mamba.race.spec import (
    COPYING,
    INDUCTION,
    KINDS,
    LENGTHS,
    MAMBA,
    STEPS,
    TASKS,
    TRAINED,
    AtLengths,
    RaceLook,
    RaceParams,
)
from engines.mamba.race.tasks import VOCABULARY
from engines.mamba.race.training import BATCH, FASTER, RATE, Trainer
from engines.mamba.watch.spec import NAMES

SEEDS = 3
PREFIXES = dict(zip(KINDS, ("mamba.", "still.", "attention.", "blind."), strict=True))
NOTES = {
    COPYING: "Says four symbols out of noise in order; with its rivals of the race.",
    INDUCTION: "Says what followed the trigger the first time; with its rivals of the race.",
}


def place(task: str, seed: int) -> Path:
    """Where a run is kept, outside the project."""
    return CACHE / "mamba-race" / f"{NAMES[task]}-{seed}.pt"


def run(task: str, seed: int, folder: Path | None = None) -> dict[str, Any]:
    """One seed of one task, or what was kept of it."""
    file = place(task, seed) if folder is None else folder / place(task, seed).name
    if (kept := saved_state(file)) is not None:
        return kept
    trainer = Trainer()
    told = list(
        trainer.run(Job(RaceParams(run=1, until=STEPS[task], task=task, seed=seed), Trainer, lambda event: None))
    )
    standing = [event for event in told if isinstance(event, RaceLook)][-1].standing
    lengths = [event for event in told if isinstance(event, AtLengths)][-1]
    made = {
        "steps": standing.steps.tolist(),
        "accuracy": torch.from_numpy(standing.accuracy[..., 0]),  # (looks, K)
        "seconds": list(standing.seconds),
        "at_lengths": torch.from_numpy(lengths.accuracy[..., 0]),  # (M, K)
        "parameters": [each[0].parameters for each in trainer.runners],
        "nets": {PREFIXES[kind]: each[0].kept() for kind, each in zip(KINDS, trainer.runners, strict=True)},
    }
    save_state(made, file)
    return made


def raced(task: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page is told of a task's runs, one for each seed."""
    return {
        "steps": runs[0]["steps"],
        "seconds": np.median([each["seconds"] for each in runs], 0).round(6).tolist(),
        "parameters": runs[0]["parameters"],
        "accuracy": torch.stack([each["accuracy"] for each in runs], -1).double().numpy().round(5).tolist(),
        "at_lengths": torch.stack([each["at_lengths"] for each in runs], -1).double().numpy().round(5).tolist(),
    }


def card(task: str, found: dict[str, Any]) -> dict[str, Any]:
    """What goes beside the weights of a task's first seed."""
    at, config = LENGTHS.index(TRAINED), {"vocabulary": VOCABULARY, "width": nets.WIDTH, "layers": nets.LAYERS}
    return {
        "topic": "mamba",
        "title": NAMES[task],
        "note": NOTES[task],
        "config": {**config, "state": nets.STATE, "tied": False},
        "parameters": found["parameters"][0],
        "metric": {"name": f"accuracy at length {TRAINED}", "value": round(float(found["at_lengths"][at, 0]), 4)},
        "trained_on": f"{task}: sequences of {TRAINED} that are drawn at random (Gu and Dao 2023, 4.1)",
        "training": {
            "command": "python -m engines.mamba.train --export",
            "steps": STEPS[task],
            "batch": BATCH,
            "optimizer": f"AdamW {FASTER.get((task, MAMBA), RATE):g}, none of its decay for A, D and vectors",
            "seed": 0,
            "hardware": "one thread of a processor that was busy with other work",
        },
        "license": "MIT",
    }


def export(runs: dict[str, list[dict[str, Any]]]) -> None:
    """Write results and weights."""
    made = {
        "command": "python -m engines.mamba.train --export",
        "kinds": KINDS,
        "lengths": LENGTHS,
        "hardware": "one thread of a processor that was busy with other work",
        "tasks": {task: raced(task, found) for task, found in runs.items()},
    }
    files.write(assets("results") / FILE, json.dumps(made, indent=1) + "\n")
    for task, found in runs.items():
        tensors = {prefix + key: value for prefix, net in found[0]["nets"].items() for key, value in net.items()}
        write_bundled(NAMES[task], tensors, card(task, found[0]))


def main() -> None:
    """Run, and write if that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m engines.mamba.train", description="Run the races of Mamba.")
    parser.add_argument("--export", action="store_true", help="write results and weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    runs: dict[str, list[dict[str, Any]]] = {task: [] for task in TASKS}
    for seed in range(SEEDS):
        for task in reversed(TASKS):  # the quicker one first
            runs[task].append(run(task, seed))
            last = runs[task][-1]["at_lengths"][LENGTHS.index(TRAINED)]
            print(task, seed, [round(float(each), 3) for each in last], flush=True)
    if options.export:
        export(runs)


if __name__ == "__main__":
    main()
