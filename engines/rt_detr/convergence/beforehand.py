"""The trainings that were run beforehand: ``python -m engines.rt_detr.convergence.beforehand --seeds 3``.

As the page trains them: the small RT-DETR with and without denoising queries, and the small DETR, on the same scenes;
once with the bundled backbone, frozen, and once with random weights everywhere. A training that was finished is kept.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from engines.core import files
from engines.core.assets import assets
from engines.core.keeping import home
from engines.rt_detr import bundled_runs
from engines.rt_detr.compared import FIGURES, Beforehand
from engines.rt_detr.convergence.spec import WITH, WITHOUT, ConvergenceParams
from engines.rt_detr.training.spec import BACKBONE, RANDOM

FILE = "rt-detr-convergence.json"
PARTS = {"pretrained": (BACKBONE, 400, 20), "random": (RANDOM, 400, 20)}  # initialization, steps, between two looks
ARMS = {"with": WITH, "without": WITHOUT, "detr": "DETR"}


def read(begin: str = BACKBONE) -> Beforehand | None:
    """The bundled runs with an initialization; None while there are none."""
    part = next(name for name, (initialization, _, _) in PARTS.items() if initialization == begin)
    return bundled_runs.read(FILE, ARMS, {"command": "Command", "hardware": "Hardware"}, part)


def train(part: str, arm: str, seed: int) -> dict[str, Any]:
    """One training; what was measured on its way."""
    from engines.rt_detr.convergence.trainer import learners

    begin, steps, every = PARTS[part]
    learner = learners(ConvergenceParams(begin=begin, seed=seed))[list(ARMS).index(arm)]
    looks: list[dict[str, float]] = []
    spent = 0.0
    for step in range(1, steps + 1):
        began = time.process_time()
        for _ in learner.step():
            pass
        spent += time.process_time() - began
        if step % every == 0:
            for _ in learner.look():
                pass
            seen = learner.seen
            figures = {name: round(float(getattr(seen, name)), 5) for name in FIGURES}
            looks.append({"step": step, "seconds": round(spent, 2), **figures})
    print(part, arm, seed, json.dumps(looks[-1]), flush=True)
    return {"arm": arm, "seed": seed, "looks": looks, "parameters": learner.parameters}


def main() -> None:
    """Run what is missing and write the table."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m engines.rt_detr.convergence.beforehand", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--gather", action="store_true", help="write the table of what is finished")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = home() / "rt-detr-convergence"

    def place(part: str, arm: str, seed: int) -> Path:
        return folder / f"{part}-{arm}-{seed}.json"

    for part in PARTS:
        for seed in range(0 if options.gather else options.seeds):
            for arm in ARMS:
                if not place(part, arm, seed).is_file():
                    files.write(place(part, arm, seed), json.dumps(train(part, arm, seed)) + "\n")
    table: dict[str, Any] = {
        "command": f"python -m engines.rt_detr.convergence.beforehand --seeds {options.seeds}",
        "hardware": "one thread of a processor that was busy with other work; seconds of that thread",
        "parts": {},
    }
    for part in PARTS:
        whole = [seed for seed in range(options.seeds) if all(place(part, arm, seed).is_file() for arm in ARMS)]
        if whole:
            table["parts"][part] = {
                arm: [json.loads(place(part, arm, seed).read_text("utf-8")) for seed in whole] for arm in ARMS
            }
    files.write(assets("results") / FILE, json.dumps(table) + "\n")


if __name__ == "__main__":
    main()
