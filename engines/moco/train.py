"""Trains ``moco-cifar10``: an encoder of CIFAR-10's pictures that never sees a label, on one processor core.

    python -m engines.moco.train --data FOLDER [--minutes 90]   train; goes on where it was stopped
    python -m engines.moco.train --data FOLDER --export         write weights and card of the state reached

Quick because for the first 60 % of the time views have 24 pixels a side instead of 32. The learning rate falls to
0 by the clock, so that training ends when it is to end, however fast the machine is.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import SGD
from engines.checkpoints.bundling import CACHE, TimedTraining, save_state, saved_state, write_bundled
from engines.data import cifar
from engines.moco.augment import Recipe, views
from engines.moco.measures import knn_accuracy, probe_accuracy
from engines.moco.model import Encoder, MoCo, contrast_logits
from engines.moco.spec import NAME

MEASURE_EVERY = 600.0  # seconds
CONFIG = {"widths": (32, 64, 128), "blocks": (1, 1, 1), "features": 256, "dim": 128, "mlp": True}
RECIPE = Recipe(crop=0.2, flip=0.5, color=0.5, color_chance=0.8, gray=0.2, blur=0.0)
PROBE_STEPS = 4000
SMALL, LARGE = 24, cifar.SIDE  # pixels a side of a view, early and late


def make() -> Encoder:
    """An encoder with random weights."""
    return Encoder(**CONFIG)  # type: ignore[arg-type]  # values of several types


def normalize(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 -> as the encoder takes it, channels last in memory, where convolutions are quicker."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (cifar.MEAN, cifar.STD))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def features(encoder: Encoder, images: cifar.Bytes) -> Tensor:
    """What the encoder, in eval mode, makes of pictures (n, 32, 32, 3): (n, features)."""
    encoder.eval()
    found = []
    for first in range(0, len(images), 250):
        pixels = torch.from_numpy(images[first : first + 250]).permute(0, 3, 1, 2).float() / 255
        found.append(encoder.features(normalize(pixels)))
    return torch.cat(found)


class Training(TimedTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options, self.look_every = options, options.measure
        torch.manual_seed(options.seed)
        self.generator = torch.Generator().manual_seed(options.seed)
        cache = CACHE / "cifar10"
        self.images, self.labels = cifar.load(options.data, cache, "train")
        self.test_images, self.test_labels = cifar.load(options.data, cache, "test")
        self.pixels = torch.from_numpy(self.images).permute(0, 3, 1, 2).contiguous()  # uint8 (n, 3, 32, 32)
        self.moco = MoCo(make(), 128, options.queue, options.momentum, options.temperature)
        self.moco.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave the keyword out
        self.values = list(self.moco.encoder_q.parameters())
        self.optimizer = SGD(self.values, 0.9, options.weight_decay)
        self.order = torch.empty(0, dtype=torch.int64)
        self.folder = CACHE / options.run
        self.settle()

    @torch.no_grad()
    def settle(self) -> None:
        """Take batch norm's statistics from a first batch, so that the key encoder starts with fitting ones."""
        norms = [m for m in self.moco.encoder_q.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        self.moco.train()
        self.moco.encode_query(normalize(views(self.pixels[:512].float() / 255, RECIPE, self.generator, SMALL)))
        for norm in norms:
            norm.momentum = 0.05
        self.moco.encoder_k.load_state_dict(self.moco.encoder_q.state_dict())

    @property
    def path(self) -> Path:
        """The saved state."""
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Write the whole state."""
        state = {
            "moco": self.moco.state_dict(),
            "optimizer": self.optimizer.state(),
            "generator": self.generator.get_state(),
            "order": self.order,
            "steps": self.steps,
            "seen": self.seen,
            "used": self.used,
        }
        save_state(state, self.path)

    def resume(self) -> None:
        """Go on from the saved state, if there is one."""
        state = saved_state(self.path)
        if state is None:
            return
        self.moco.load_state_dict(state["moco"])
        self.optimizer.load(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.order, self.steps, self.seen, self.used = (state[k] for k in ("order", "steps", "seen", "used"))

    def lr(self, share: float) -> float:
        """Learning rate at this share of the time: a short rise, then half a cosine down to 0."""
        rise = min(1.0, (self.steps + 1) / 200)
        return float(self.options.lr * rise * max(0.002, 0.5 * (1 + math.cos(math.pi * min(1.0, share)))))

    def step(self, share: float) -> tuple[float, float]:
        """One batch; returns its loss and the share of queries that found their key."""
        size = self.options.batch
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(len(self.pixels), generator=self.generator)])
        index, self.order = self.order[:size], self.order[size:]
        side = SMALL if share < self.options.small_share else LARGE
        pixels = self.pixels[index].float() / 255
        one, two = (normalize(views(pixels, RECIPE, self.generator, side)) for _ in range(2))
        self.moco.momentum_update()
        keys = self.moco.encode_key(two)
        logits = contrast_logits(self.moco.encode_query(one), keys, self.moco.queue, self.moco.temperature)
        loss = F.cross_entropy(logits, torch.zeros(size, dtype=torch.int64))
        gradients = torch.autograd.grad(loss, self.values)
        self.optimizer.step(gradients, self.lr(share))
        self.moco.enqueue(keys)
        self.steps += 1
        self.seen += size
        return float(loss.detach()), float((logits.argmax(-1) == 0).float().mean())

    def look(self) -> str:
        """A quick measurement for the log."""
        encoder: Encoder = self.moco.encoder_k  # type: ignore[assignment]  # a copied Encoder
        train, test = (features(encoder, part[:n]) for part, n in ((self.images, 8000), (self.test_images, 2000)))
        found = knn_accuracy(train, self.labels[:8000], test, self.test_labels[:2000])
        return f"kNN of 8,000 on 2,000: {found:.4f}"

    def measure(self, encoder: Encoder) -> dict[str, float]:
        """The kNN and linear-probe accuracy on all test pictures."""
        train, test = features(encoder, self.images), features(encoder, self.test_images)
        return {
            "knn": round(knn_accuracy(train, self.labels, test, self.test_labels), 4),
            "linear_probe": round(probe_accuracy(train, self.labels, test, self.test_labels, PROBE_STEPS), 4),
        }

    def untrained(self) -> Encoder:
        """The encoder as it was before the first step, with batch norm's statistics of the pictures."""
        plain = argparse.Namespace(**{**vars(self.options), "run": "none"})
        return Training(plain).moco.encoder_k  # type: ignore[return-value]  # a copy of the Encoder handed in

    def export(self) -> dict[str, float]:
        """Write ``assets/weights/moco-cifar10`` (weights and card); returns what was measured."""
        options = self.options
        chosen: Encoder = self.moco.encoder_k  # type: ignore[assignment]  # a copy of the Encoder handed in
        found, before = self.measure(chosen), self.measure(self.untrained())
        card = {
            "topic": "moco",
            "title": "MoCo on CIFAR-10",
            "note": "An encoder of 32 × 32 pictures, trained without labels by this project.",
            "config": {**CONFIG, "image_size": cifar.SIDE, "mean": cifar.MEAN, "std": cifar.STD},
            "use": "RGB in 0..1, resized to 32 × 32, (x − mean) / std; engines.moco.load_encoder gives the encoder, "
            "its .features(pixels) are 256 numbers a picture.",
            "labels": [],
            "parameters": sum(p.numel() for p in chosen.parameters()),
            "metrics": {
                "pictures": len(self.test_labels),
                **found,
                "random_init": before,
                "measure": "test pictures of CIFAR-10; vote of the 20 nearest training pictures by cosine;"
                " softmax regression on the training pictures' features",
            },
            "trained_on": "CIFAR-10 (Krizhevsky 2009), its 50,000 training pictures without labels, re-encoded as JPEG",
            "training": {
                "command": f"python -m engines.moco.train --data FOLDER --minutes {options.minutes:g}",
                "finished": self.used >= options.minutes * 60,
                "minutes": round(self.used / 60, 1),
                "hardware": "one processor core, shared with other work",
                "steps": self.steps,
                "pictures_seen": self.seen,
                "batch": options.batch,
                "queue": options.queue,
                "momentum": options.momentum,
                "temperature": options.temperature,
                "optimizer": f"SGD {options.lr:g}, momentum 0.9, weight decay {options.weight_decay:g}, cosine",
                "views": f"{SMALL} pixels a side for {options.small_share:.0%} of the time, then {LARGE}",
                "augmentation": dataclasses.asdict(RECIPE),
                "kept": "the key encoder",
                "seed": options.seed,
            },
            "license": "MIT",
        }
        write_bundled(NAME, chosen.state_dict(), card)
        return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.moco.train", description="Train moco-cifar10.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--run", default="moco", help="name of the state's folder")
    parser.add_argument(
        "--measure", type=float, default=MEASURE_EVERY, help="seconds between looks at the kNN accuracy"
    )
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--queue", type=int, default=4096)
    parser.add_argument("--momentum", type=float, default=0.99)
    parser.add_argument("--temperature", type=float, default=0.1)
    parser.add_argument("--lr", type=float, default=0.06)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--small-share", type=float, default=0.6, help="share of the time spent on small views")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> None:
    """Train and export, or export alone."""
    options = parse()
    torch.set_num_threads(1)
    training = Training(options)
    training.resume()
    if not options.export:
        training.run(options.minutes)
    print(training.export(), flush=True)


if __name__ == "__main__":
    main()
