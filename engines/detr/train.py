"""Trains the bundled toy DETR on scenes drawn as it goes: ``python -m engines.detr.train``.

The model, its set loss and its auxiliary losses are DETR's (Carion et al. 2020). So that one CPU core is enough for
it, `engines.detr.training.auxiliary` helps during training: more groups of queries, and a question to each token.

Training can be interrupted at any time; the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.matcher import HungarianMatcher
from engines.checkpoints.bundling import save_state, saved_state
from engines.checkpoints.catalog import WEIGHTS, sha256
from engines.core.errors import LabError
from engines.data.scene_pool import Batch, ScenePool
from engines.data.scene_sets import HELD_OUT, SIZE, TRAINING, VALIDATION, scenes
from engines.data.scenes import KINDS, sample_photos
from engines.detr.checkpoint import load_checkpoint
from engines.detr.config import DetrConfig
from engines.detr.matching.loss import SetCriterion
from engines.detr.model import Detr
from engines.detr.preprocess import normalize
from engines.detr.training.auxiliary import GROUPS, TokenHead, same_group, split_groups
from engines.detr.training.evaluate import average_precision

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "attention-lab" / "toy-detr"
NAME = "toy-detr"
BATCH = 16
LR = 7e-4
WARM_UP = 300  # steps
HOLD = 0.5  # share of the time before the learning rate starts to fall
SMOOTHING = 0.998  # of the averaged weights that are kept in the end
BOX, GIOU = 5.0, 2.0  # weights of the losses, as in the paper
LOSSES = ("ce", "l1", "giou", "token-ce", "token-l1", "token-giou")
SAVE, TEST, LOG = 120.0, 480.0, 60.0  # seconds between checkpoints, tests, lines of the log


class Trainer:
    """Everything that a checkpoint holds.

    Parameters
    ----------
    folder : Path
        Of the checkpoint ``state.pt``; an existing one is gone on with.
    minutes : float
        Time that the learning rate's fall is planned for, over all runs.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self.file, self.seconds = folder / "state.pt", minutes * 60
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        self.model, self.smooth = Detr(DetrConfig()), Detr(DetrConfig()).requires_grad_(False)
        self.smooth.load_state_dict(self.model.state_dict())
        self.token_head = TokenHead(self.model.config.dim, self.model.config.num_classes)
        queries = self.model.config.num_queries
        self.queries = nn.Parameter(torch.randn((GROUPS - 1) * queries, self.model.config.dim))
        self.same_group = same_group(GROUPS, queries)  # (G·Q, G·Q)
        self.parameters = [*self.model.parameters(), *self.token_head.parameters(), self.queries]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=LR, weight_decay=1e-4)
        self.criterion = SetCriterion(self.model.config.num_classes, HungarianMatcher())
        self.step = self.seen = self.seed = 0
        self.used = 0.0  # seconds
        if (state := saved_state(self.file)) is not None:
            self.restore(state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, with scenes that were not drawn yet."""
        self.model.load_state_dict(state["model"])
        self.smooth.load_state_dict(state["ema"])
        self.token_head.load_state_dict(state["dense"])
        self.optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            self.queries.copy_(state["queries"])
        self.step, self.seen, self.used, self.seed = state["step"], state["seen"], state["used"], state["seed"] + 1

    def save(self) -> None:
        """Write the checkpoint; a crash in between leaves the old one whole."""
        state = {
            "model": self.model.state_dict(),
            "ema": self.smooth.state_dict(),
            "dense": self.token_head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "queries": self.queries.detach(),
            **{name: getattr(self, name) for name in ("step", "seen", "used", "seed")},
        }
        save_state(state, self.file)

    @property
    def lr(self) -> float:
        """Learning rate: warm up, hold, then fall in a line to almost nothing at the end of the time."""
        left = max(0.01, 1 - self.used / self.seconds)
        return LR * min(1.0, (self.step + 1) / WARM_UP) * min(1.0, left / (1 - HOLD))

    def losses(self, batch: Batch) -> Tensor:
        """Set loss of all layers and groups, then that of the tokens: ce, L1, GIoU of each (6,)."""
        boxes = xyxy_to_cxcywh(torch.from_numpy(batch.boxes))
        labels = torch.from_numpy(batch.labels)
        memory = self.model.encode(normalize(batch.rgb))
        queries = torch.cat([self.model.query_positions.weight, self.queries])
        states = self.model.decode(memory, query_position=queries, self_mask=self.same_group).states
        counts = zip(labels, boxes, batch.counts.tolist(), strict=True)
        targets = [{"labels": label[:count], "boxes": box[:count]} for label, box, count in counts]
        repeated = targets * (len(states) * GROUPS)
        logits, predicted = (
            split_groups(head(states), GROUPS) for head in (self.model.class_head, self.model.box_head)
        )
        found = self.criterion.compare(logits, predicted, repeated)
        stride = self.model.backbone.stride
        owner = torch.from_numpy(batch.owner[:, stride // 2 :: stride, stride // 2 :: stride].astype(np.int64))
        tokens = self.token_head(memory.tokens, owner.flatten(1), labels, boxes)
        return torch.stack([found["loss_ce"], found["loss_bbox"], found["loss_giou"], *tokens])

    def advance(self, batch: Batch) -> Tensor:
        """One step; the losses (6,)."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        losses = self.losses(batch)
        layers = len(self.model.decoder)
        weights = torch.tensor([layers, layers * BOX, layers * GIOU, 1.0, BOX, GIOU])
        self.optimizer.zero_grad()
        (losses * weights).sum().backward()
        nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        self.step += 1
        self.seen += len(batch.rgb)
        self.average()
        return losses.detach()

    @torch.no_grad()
    def average(self) -> None:
        """Move the averaged weights a little towards the present ones."""
        keep = min(SMOOTHING, (self.step + 1) / (self.step + 10))
        for slow, fast in zip(self.smooth.state_dict().values(), self.model.state_dict().values(), strict=True):
            if slow.is_floating_point():
                slow.lerp_(fast, 1 - keep)
            else:
                slow.copy_(fast)


def train(folder: Path, minutes: float) -> None:
    """Train until ``minutes`` have been used in all, with a checkpoint every two minutes."""
    trainer = Trainer(folder, minutes)
    channels_last_for_training(trainer.model)
    pool = ScenePool(np.random.default_rng((TRAINING, trainer.seed)), sample_photos())
    validation = scenes(VALIDATION, 200)
    sums, steps = torch.zeros(6), 0
    saved = tested = logged = trainer.used
    last = time.perf_counter()
    trainer.model.train()
    while trainer.used < trainer.seconds:
        sums += trainer.advance(pool.batch(BATCH))
        steps += 1
        now = time.perf_counter()
        trainer.used, last = trainer.used + now - last, now
        if trainer.used - logged > LOG:
            means = " ".join(f"{name} {mean:.3f}" for name, mean in zip(LOSSES, (sums / steps).tolist(), strict=True))
            speed = steps * BATCH / (trainer.used - logged)
            print(
                f"step {trainer.step} scenes {trainer.seen} minute {trainer.used / 60:.1f} {speed:.0f}/s {means}",
                flush=True,
            )
            sums, steps, logged = torch.zeros(6), 0, trainer.used
        if trainer.used - saved > SAVE:
            trainer.save()
            saved = trainer.used
        if trainer.used - tested > TEST:
            report(trainer.smooth.eval(), validation)
            tested = trainer.used
    trainer.save()
    report(trainer.smooth.eval(), validation)


def channels_last_for_training(model: Detr) -> None:
    """Store convolution weights as the kernels like them; they stay the optimizer's own parameters."""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def report(model: Detr, validation: list[Any]) -> None:
    """Print the average precision, if the tool that measures it is installed."""
    try:
        print("    AP {:.3f} AP50 {:.3f}".format(*average_precision(model, validation)), flush=True)
    except ModuleNotFoundError:
        print("    (pycocotools is not installed: no AP)", flush=True)


def export(folder: Path) -> None:
    """Write the averaged weights and their card into ``assets/weights``."""
    trainer = Trainer(folder, 1)
    if not trainer.file.is_file():
        raise LabError("{name}: the file is missing.", name=str(trainer.file))
    model, weights = trainer.smooth.eval(), WEIGHTS / f"{NAME}.safetensors"
    precision = average_precision(model, scenes(HELD_OUT, 1000))
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    keep = {key: value.contiguous() for key, value in model.state_dict().items() if not key.endswith("_tracked")}
    save_file(keep, weights)
    card = {
        "title": "Toy DETR",
        "topic": "detr",
        "note": "Detects six drawn shapes: square, circle, triangle, star, ring, cross.",
        "labels": list(KINDS),
        "size": SIZE,
        "config": asdict(model.config),
        "license": "MIT",
        "sha256": sha256(weights),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_on": "Scenes drawn by engines/data/scenes.py: 0 to 8 shapes of random size, rotation, color and "
        "texture, boxes overlapping up to IoU 0.7, on plain, gradient, noisy and photo-like backgrounds.",
        "training": {
            "command": "python -m engines.detr.train",
            "scenes_seen": trainer.seen,
            "steps": trainer.step,
            "batch": BATCH,
            "minutes_on_one_core": round(trainer.used / 60),
            "recipe": f"AdamW {LR}, weight decay 1e-4, losses 1 x class + 5 x L1 + 2 x GIoU on every decoder layer, "
            f"{GROUPS} groups of queries and a token-wise helper head during training only, averaged weights",
        },
        "metrics": {
            "held_out_scenes": 1000,
            "AP": round(precision.ap, 4),
            "AP50": round(precision.ap50, 4),
            "measure": "COCO; python -m engines.detr.train --evaluate",
        },
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{weights.name}: AP {precision.ap:.3f} AP50 {precision.ap50:.3f} after {trainer.seen} scenes", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=100, help="time to train for, over all runs (default 100)")
    parser.add_argument("--folder", type=Path, default=CACHE, help=f"of the checkpoint (default {CACHE})")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--export", action="store_true", help="write the checkpoint's weights to assets/weights")
    parser.add_argument(
        "--evaluate", action="store_true", help="print AP of the bundled weights on 1,000 held-out scenes"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.evaluate:
        precision = average_precision(load_checkpoint(NAME), scenes(HELD_OUT, 1000))
        print(f"{NAME} on 1000 held-out scenes: AP {precision.ap:.4f} AP50 {precision.ap50:.4f}")
    elif options.export:
        export(options.folder)
    else:
        train(options.folder, options.minutes)


if __name__ == "__main__":
    main()
