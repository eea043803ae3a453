"""Trains the bundled toy RT-DETR on scenes drawn as it goes, on one processor core.

    python -m engines.rt_detr.train [--minutes 60]   train; goes on where it was stopped
    python -m engines.rt_detr.train --export         write weights and card of the state reached
    python -m engines.rt_detr.train --evaluate       AP of the bundled weights on 1,000 held-out scenes

Model, matcher, denoising and losses are RT-DETR's (Zhao et al. 2024). The class of a matched object is asked for 1 in
the first half and for the IoU of its box in the second: from the start that costs precision in a run this short. The
learning rate falls to 0 by the seconds of the core that are used; what is kept is a moving average of the weights.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.matcher import Target
from engines.checkpoints import catalog
from engines.checkpoints.bundling import CACHE, TimedTraining, save_state, saved_state, write_bundled
from engines.checkpoints.folder import Tensors
from engines.core.errors import LabError
from engines.data.scene_pool import Batch, ScenePool
from engines.data.scene_sets import HELD_OUT, SIZE, TRAINING, VALIDATION, scenes
from engines.data.scenes import KINDS, sample_photos
from engines.rt_detr.checkpoint import load_checkpoint
from engines.rt_detr.config import RtDetrConfig
from engines.rt_detr.evaluate import average_precision, layer_precisions, scene_pixels
from engines.rt_detr.loss import Criterion, weighted
from engines.rt_detr.matcher import HungarianMatcher
from engines.rt_detr.model import Memory, RtDetr
from engines.rt_detr.training_pass import Denoising, advance

NAME = "toy-rt-detr"
WARM_UP = 60  # steps
HOLD = 0.4  # share of the time before the learning rate starts to fall
SMOOTHING = 0.998  # of the averaged weights that are kept in the end
QUALITY_FROM = 0.5  # share of the time after which the IoU is asked for
CONFIG = RtDetrConfig()
ONE, IOU, BOTH = "1", "iou", "both"
TOLD = {
    ONE: "class target 1",
    IOU: "class target the IoU (varifocal)",
    BOTH: "class target 1 in the first half of the time, the IoU (varifocal) in the second",
}


#: Where the first stages of the backbone come from; a backbone that has learned already is what RT-DETR begins with
PRETRAINED = "toy-detr"


@torch.no_grad()
def begin_from(net: RtDetr, name: str) -> list[nn.Module]:
    """Take the stages of a bundled detector's backbone that are shaped alike; returns them, to be left as they are."""
    tensors = Tensors([catalog.locate(name).path])
    stages = net.backbone.steps()
    count = sum(f"backbone.stages.{index}.0.0.weight" in tensors for index in range(len(stages)))
    for index, stage in enumerate(stages[:count]):
        kept = {key: tensors[f"backbone.stages.{index}.{key}"] for key in stage.state_dict() if key[-8:] != "_tracked"}
        stage.load_state_dict(kept, strict=False)
    return [stage.requires_grad_(False) for stage in stages[:count]]


class Narrow(nn.Module):
    """An RT-DETR whose encoder computes in bfloat16, for training on processors that are quick at that."""

    def __init__(self, model: RtDetr) -> None:
        super().__init__()
        self.model = model
        self.encode_wide, model.encode = model.encode, self.encode  # type: ignore[method-assign]

    def encode(self, pixels: Tensor, need_weights: bool = False) -> Memory:
        """As `RtDetr.encode`: pixels (B, 3, H, W)."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            memory = self.encode_wide(pixels, need_weights)
        return Memory(memory.tokens.float(), memory.shapes, memory.encoder)


def targets_of(batch: Batch) -> list[Target]:
    """Labels (T,) and boxes (T, 4) cxcywh of each scene."""
    boxes, labels = xyxy_to_cxcywh(torch.from_numpy(batch.boxes)), torch.from_numpy(batch.labels)
    each = zip(labels, boxes, batch.counts.tolist(), strict=True)
    return [{"labels": label[:count], "boxes": box[:count]} for label, box, count in each]


class Training(TimedTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    clock = staticmethod(time.process_time)

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        torch.manual_seed(options.seed)
        self.net = RtDetr(CONFIG)
        self.net.initialize()
        self.fixed = begin_from(self.net, PRETRAINED)
        self.denoising = Denoising(CONFIG.num_classes, CONFIG.dim, options.denoising)
        for p in self.net.parameters():
            if p.dim() == 4:  # as the kernels like them
                p.data = p.data.contiguous(memory_format=torch.channels_last)
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        every = [p for p in (*self.net.parameters(), *self.denoising.parameters()) if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in every if p.dim() > 1], "weight_decay": 1e-4},
            {"params": [p for p in every if p.dim() <= 1], "weight_decay": 0.0},
        ]
        self.parameters = every
        self.adam = torch.optim.AdamW(groups, options.lr)
        self.criterion = Criterion(HungarianMatcher())
        self.generator = torch.Generator().manual_seed(options.seed)
        self.interrupted = 0
        self.validation = scenes(VALIDATION, 200)
        self.draw()

    def draw(self) -> None:
        """A pool of scenes that were not shown before an interruption."""
        seed = (TRAINING, self.options.seed, self.interrupted)
        self.pool = ScenePool(np.random.default_rng(seed), sample_photos())

    @property
    def file(self) -> Path:
        """Where the state is kept, outside the project."""
        return CACHE / str(self.options.run) / "checkpoint.pt"

    def save(self) -> None:
        """Write the state; a run that is killed meanwhile finds the one before."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.average,
            "denoising": self.denoising.state_dict(),
            "adam": self.adam.state_dict(),
            **{name: getattr(self, name) for name in ("used", "steps", "seen", "interrupted")},
        }
        save_state(state, self.file)

    def resume(self) -> None:
        """Go on from the state that was saved, if there is one."""
        state = saved_state(self.file)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.average = state["ema"]
        self.denoising.load_state_dict(state["denoising"])
        self.adam.load_state_dict(state["adam"])
        self.used, self.steps, self.seen = (state[name] for name in ("used", "steps", "seen"))
        self.interrupted = state["interrupted"] + 1
        self.generator.manual_seed(self.options.seed + 1000 * self.interrupted)
        self.draw()

    def lr(self, share: float) -> float:
        """Learning rate when so much of the time is used: warm-up, constant, then down to 1 %."""
        falling = 1.0 if share < HOLD else max(0.01, (1 - share) / (1 - HOLD))
        return float(self.options.lr) * min(1.0, (self.steps + 1) / WARM_UP) * falling

    def step(self, share: float) -> tuple[float, float]:
        """One batch; returns its loss and, in place of a share that was right, that of the class in it."""
        target = self.options.target
        self.criterion.quality = target == IOU or (target == BOTH and share >= QUALITY_FROM)
        for group in self.adam.param_groups:
            group["lr"] = self.lr(share)
        batch = self.pool.batch(self.options.batch)
        self.net.train()
        for stage in self.fixed:
            stage.eval()
        pixels = scene_pixels(batch.rgb)
        losses = advance(self.net, self.denoising, self.criterion, pixels, targets_of(batch), self.generator).losses
        loss = weighted(losses)
        self.adam.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, 5.0)
        if torch.isfinite(norm):
            self.adam.step()
        self.steps += 1
        self.seen += len(batch.rgb)
        keep = min(SMOOTHING, (self.steps + 1) / (self.steps + 10))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)
                else:
                    self.average[key].copy_(value)
        return float(loss.detach()), float(losses.detach()[0, 0])

    def averaged(self) -> RtDetr:
        """The model that is kept."""
        net = RtDetr(CONFIG).eval()
        net.load_state_dict(self.average)
        return net

    def look(self) -> str:
        """Precision of the encoder's choice and of each layer on 200 scenes."""
        each = layer_precisions(self.averaged(), self.validation)
        ap50 = " ".join(f"{one.ap50:.3f}" for one in each)
        return f"AP50 by layer {ap50} AP {each[-1].ap:.3f}"

    def export(self) -> float:
        """Write weights and card into ``assets/weights``; returns AP50."""
        if not self.file.is_file():
            raise LabError("{name}: the file is missing.", name=str(self.file))
        net = self.averaged()
        each = layer_precisions(net, scenes(HELD_OUT, 1000))
        kept = {key: value for key, value in net.state_dict().items() if not key.endswith("_tracked")}
        card = {
            "title": "Toy RT-DETR",
            "topic": "rt_detr",
            "note": "Detects six drawn shapes: square, circle, triangle, star, ring, cross.",
            "labels": list(KINDS),
            "size": SIZE,
            "config": asdict(CONFIG),
            "license": "MIT",
            "parameters": sum(p.numel() for p in net.parameters()),
            "trained_on": "Scenes drawn by engines/data/scenes.py: 0 to 8 shapes of random size, rotation, color and "
            "texture, boxes overlapping up to IoU 0.7, on plain, gradient, noisy and photo-like backgrounds.",
            "training": {
                "command": f"python -m engines.rt_detr.train --minutes {self.options.minutes:g} --target "
                f"{self.options.target}",
                "finished": self.used >= 60 * self.options.minutes,
                "minutes_on_one_core": round(self.used / 60, 1),
                "hardware": "a share of one core of a processor that was busy with other work; minutes of that core",
                "scenes_seen": self.seen,
                "steps": self.steps,
                "batch": self.options.batch,
                "recipe": f"AdamW {self.options.lr:g}, weight decay 1e-4, losses 1 x class + 5 x L1 + 2 x GIoU on "
                f"every layer, on the encoder's choice and on about {self.options.denoising} good and "
                f"as many bad denoising queries; "
                f"{TOLD[self.options.target]}; convolutions in "
                f"bfloat16; the first {len(self.fixed)} stages of the backbone are those of {PRETRAINED}, left as they "
                "are; averaged weights",
                "seed": self.options.seed,
            },
            "metrics": {
                "held_out_scenes": 1000,
                "AP": round(each[-1].ap, 4),
                "AP50": round(each[-1].ap50, 4),
                "AP50_by_layer": [round(one.ap50, 4) for one in each],
                "measure": "COCO; the encoder's choice first; python -m engines.rt_detr.train --evaluate",
            },
        }
        write_bundled(NAME, kept, card)
        return each[-1].ap50


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.rt_detr.train", description="Train toy-rt-detr.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--most", type=float, default=math.inf, help="minutes to train for now; the rest another time")
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--evaluate", action="store_true", help="AP of the bundled weights on 1,000 held-out scenes")
    parser.add_argument("--run", default=NAME, help="name of the state's folder")
    parser.add_argument("--target", choices=(ONE, IOU, BOTH), default=BOTH, help="what a matched class is asked for")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument(
        "--denoising", type=int, default=16, help="good denoising queries a scene, about; there are as many bad ones"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> None:
    """Train, export or evaluate."""
    options = parse()
    torch.set_num_threads(1)
    if options.evaluate:
        found = average_precision(load_checkpoint(NAME), scenes(HELD_OUT, 1000))
        print(f"{NAME} on 1000 held-out scenes: AP {found.ap:.4f} AP50 {found.ap50:.4f}")
        return
    training = Training(options)
    training.resume()
    if options.export:
        print(f"AP50 {training.export():.4f}", flush=True)
        return
    Narrow(training.net)
    training.run(options.minutes, options.most)
    print(training.look(), flush=True)


if __name__ == "__main__":
    main()
