"""The trainings that were run beforehand: ``python -m engines.rt_detr.class_target.beforehand --seeds 5``.

The bundled model's recipe (`engines.rt_detr.train`), shorter: from the same seed, so the same weights and scenes, once
with the IoU as the class target and once with 1; with ``--plain`` also with 1 and no denoising queries. A training that
was finished is kept; one that was interrupted begins anew, for else its scenes would be others than those of the seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.matcher import Target
from engines.checkpoints.bundling import CACHE
from engines.core import files
from engines.core.assets import assets
from engines.data.scene_sets import SIZE
from engines.data.scenes import Scene
from engines.rt_detr.agreement import agreement
from engines.rt_detr.class_target.bundled import FILE
from engines.rt_detr.evaluate import scene_pixels
from engines.rt_detr.matcher import HungarianMatcher
from engines.rt_detr.model import RtDetr
from engines.rt_detr.train import IOU, ONE, Narrow, Training, parse
from engines.rt_detr.training.measures import answers, covered, found_in, gathered, precision

FOLDER = CACHE / "rt-detr-class-target"
ARMS = {"iou": (IOU, 16), "one": (ONE, 16), "plain": (ONE, 0)}  # target, denoising queries
WANTED = ("iou", "one")
STEPS, LOOK_EVERY = 600, 50
POINTS = 400  # of the scatter of each training that are kept


def look(net: RtDetr, held_out: list[Scene], batch: int = 50) -> tuple[dict[str, Any], list[np.ndarray], np.ndarray]:
    """How a model does: figures, the location and the rank of each object's query (T, 2), score and IoU (N, 2)."""
    targets: list[Target] = [
        {
            "labels": torch.from_numpy(scene.labels),
            "boxes": xyxy_to_cxcywh(torch.from_numpy(scene.boxes).reshape(-1, 4)),
        }
        for scene in held_out
    ]
    parts = [held_out[start : start + batch] for start in range(0, len(held_out), batch)]
    said = gathered([answers(net, scene_pixels(np.stack([scene.rgb for scene in part]))) for part in parts])
    found = found_in(HungarianMatcher(), said, targets)
    owners = [np.stack([one.owned_places, one.owners], -1) for one in found]
    ap, ap50 = precision(said.logits, said.boxes, targets, SIZE)
    begun = precision(said.own_logits, said.own_boxes, targets, SIZE)[1]
    points = np.stack(covered(said, targets), -1)
    told = agreement(*points.T)
    return {"ap": ap, "ap50": ap50, "ap50_encoder": begun, **vars(told)}, owners, points


def switched(before: list[np.ndarray], now: list[np.ndarray]) -> list[float]:
    """Share of the objects with a query at another location, and of another rank, than before; owners (T, 2) each."""
    one, other = np.concatenate(before), np.concatenate(now)
    return [float(each) for each in (one != other).mean(0)]


def train(arm: str, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """One training; what was measured on its way."""
    target, denoising = ARMS[arm]
    training = Training(parse(["--target", target, "--denoising", str(denoising), "--seed", str(seed)]))
    Narrow(training.net)
    seen: list[dict[str, Any]] = []
    owners: list[np.ndarray] = []
    points = np.zeros((0, 2))
    spent = 0.0
    while training.steps < steps:
        began = time.process_time()
        training.step(training.steps / steps)
        spent += time.process_time() - began
        if training.steps % LOOK_EVERY == 0:
            figures, now, points = look(training.averaged(), training.validation)
            moved = switched(owners, now) if owners else [-1.0, -1.0]
            owners = now
            told = {"step": training.steps, "seconds": spent, **figures, "moved": moved[0], "reranked": moved[1]}
            seen.append({name: round(value, 5) for name, value in told.items()})
            print(arm, seed, json.dumps(seen[-1]), flush=True)
    picks = np.random.default_rng(seed).permutation(len(points))[:POINTS]
    return {"arm": arm, "seed": seed, "looks": seen, "points": np.round(points[picks], 3).tolist()}


def place(arm: str, seed: int) -> Path:
    """Where a finished training is kept."""
    return FOLDER / f"{arm}-{seed}.json"


def gather(seeds: int) -> dict[str, Any]:
    """The finished trainings, of the seeds that both targets have."""
    whole = [seed for seed in range(seeds) if all(place(arm, seed).is_file() for arm in WANTED)]
    return {
        "command": f"python -m engines.rt_detr.class_target.beforehand --seeds {len(whole)}",
        "hardware": "one thread of a processor that was busy with other work; seconds of that thread",
        "recipe": "that of toy-rt-detr (python -m engines.rt_detr.train), averaged weights, 200 validation scenes",
        "steps": STEPS,
        "batch": 16,
        "runs": {arm: [json.loads(place(arm, seed).read_text("utf-8")) for seed in whole] for arm in WANTED},
    }


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(prog="python -m engines.rt_detr.class_target.beforehand", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="train without denoising queries, too")
    parser.add_argument("--gather", action="store_true", help="write the table of what is finished")
    options = parser.parse_args()
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    arms = [*WANTED, *(["plain"] if options.plain else [])]
    for seed in range(0 if options.gather else options.seeds):
        for arm in arms:
            if not place(arm, seed).is_file():
                files.write(place(arm, seed), json.dumps(train(arm, seed)) + "\n")
    files.write(assets("results") / FILE, json.dumps(gather(options.seeds)) + "\n")


if __name__ == "__main__":
    main()
