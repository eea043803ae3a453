"""Trains ``mini-vit``, a plain Vision Transformer for the ten classes of CIFAR-10, on one processor core.

    python -m engines.vit.train --data FOLDER [--minutes 92]   train; goes on where it was stopped
    python -m engines.vit.train --data FOLDER --export         write weights and card of the state reached

What makes it quick is told in `engines.vit.recipe`. Besides: most steps see a 6 × 6 window of the 8 × 8 patches (with
their right positions), the last ones all of them; the learning rate falls to 0 by the clock, so that training ends when
it is to end, however fast the machine is; what is kept is a moving average of the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from engines.blocks.quick import Muon
from engines.checkpoints.bundling import CACHE, KeptTraining, write_bundled
from engines.data import cifar
from engines.vit.model import ViT, ViTConfig
from engines.vit.recipe import quick_forward, start, to_patches

NAME = "mini-vit"
PATCH, WINDOW = 4, 6
HOLD = 0.25  # share of the time before the learning rate starts to fall
CONFIG = ViTConfig(
    image_size=cifar.SIDE,
    patch_size=PATCH,
    width=128,
    layers=6,
    heads=4,
    mlp_size=256,
    classes=len(cifar.NAMES),
    eps=1e-6,
    resizable=False,
    labels=dict(enumerate(cifar.NAMES)),
    mean=cifar.MEAN,
    std=cifar.STD,
)


@torch.inference_mode()
def accuracy(net: ViT, images: cifar.Bytes, labels: cifar.Bytes) -> float:
    """Share of pictures (n, 32, 32, 3) with labels (n,) that are classified right, by the model as it will be used."""
    right = 0
    for first in range(0, len(images), 250):
        pixels = cifar.normalize(torch.from_numpy(images[first : first + 250])).permute(0, 3, 1, 2)
        logits = net(pixels.contiguous())
        right += int((logits.argmax(-1) == torch.from_numpy(labels[first : first + 250])).sum())
    return right / len(images)


class Training(KeptTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        torch.manual_seed(options.seed)
        self.net = ViT(CONFIG)
        cache = CACHE / "cifar10"
        self.batches = cifar.Batches(*cifar.load(options.data, cache, "train"), PATCH, 2, options.seed)
        self.test = cifar.load(options.data, cache, "test")
        samples = to_patches(self.batches.draw(2000, self.net.grid)[0], PATCH).flatten(0, 1)
        start(self.net, samples, options.structured, options.gain)
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        matrices = [p for p in self.net.blocks.parameters() if p.dim() == 2]
        chosen = {id(p) for p in matrices}
        others = [p for p in self.net.parameters() if id(p) not in chosen]
        self.muon = Muon(matrices, options.lr, weight_decay=0.02)
        groups: list[dict[str, Any]] = [
            {"params": [p for p in others if p.dim() > 1], "weight_decay": 0.02},
            {"params": [p for p in others if p.dim() <= 1], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW(groups, options.adam_lr, betas=(0.9, 0.98))

    def lr(self, share: float) -> float:
        """Factor of the learning rates when so much of the time is used: warm-up, constant, then down to 1 %."""
        falling = 1.0 if share < HOLD else max(0.01, (1 - share) / (1 - HOLD))
        return min(1.0, (self.steps + 1) / 100) * falling

    def step(self, share: float) -> tuple[float, float]:
        """One batch; returns its loss and the share that was right."""
        options = self.options
        for optimizer, rate in ((self.muon, options.lr), (self.adam, options.adam_lr)):
            for group in optimizer.param_groups:
                group["lr"] = rate * self.lr(share)
        window = self.net.grid if share > options.window_share else WINDOW
        pixels, places, labels = self.batches.draw(options.batch, window)
        logits = quick_forward(self.net, to_patches(pixels, PATCH), places)
        loss = F.cross_entropy(logits, labels, label_smoothing=options.smoothing)
        (loss * options.scale).backward()
        grads = [p.grad for p in self.net.parameters() if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(grads)) / options.scale
        if norm < float("inf"):  # otherwise a float16 ran over: this batch is left out
            torch._foreach_mul_(grads, min(1.0, 2.0 / (norm + 1e-6)) / options.scale)
            self.muon.step()
            self.adam.step()
        self.net.zero_grad()
        self.steps += 1
        self.seen += len(labels)
        keep = min(0.998, self.steps / (self.steps + 49))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                self.average[key].lerp_(value, 1 - keep)
        return float(loss.detach()), float((logits.argmax(-1) == labels).float().mean())

    def averaged(self) -> ViT:
        """The model that is kept."""
        net = ViT(CONFIG).eval()
        net.load_state_dict(self.average)
        return net

    def look(self) -> str:
        """A quick measurement for the log."""
        return f"test {accuracy(self.averaged(), *(part[:2500] for part in self.test)):.4f}"

    def export(self) -> float:
        """Write ``assets/weights/mini-vit`` (weights and card); returns the test accuracy."""
        net = self.averaged()
        value = accuracy(net, *self.test)
        stored = ("image_size", "patch_size", "width", "layers", "heads", "mlp_size", "eps", "resizable", "family")
        card = {
            "topic": "vit",
            "title": "mini-vit",
            "note": "10 classes of CIFAR-10, 32 × 32 pixels; trained by this project.",
            "config": {**{key: getattr(CONFIG, key) for key in stored}, "mean": cifar.MEAN, "std": cifar.STD},
            "labels": cifar.NAMES,
            "parameters": sum(p.numel() for p in net.parameters()),
            "metric": {"name": "test accuracy", "value": round(value, 4), "pictures": len(self.test[1])},
            "trained_on": "CIFAR-10 (Krizhevsky 2009), its 50,000 training pictures, re-encoded as JPEG",
            "training": {
                "command": f"python -m engines.vit.train --data FOLDER --minutes {self.options.minutes:g}",
                "finished": self.used >= self.options.minutes * 60,
                "minutes": round(self.used / 60, 1),
                "hardware": "one core of a processor with AVX512-FP16, shared with other work",
                "steps": self.steps,
                "pictures_seen": self.seen,
                "batch": self.options.batch,
                "optimizer": f"Muon {self.options.lr:g} (matrices in blocks), AdamW {self.options.adam_lr:g} (rest)",
                "augmentation": "mirroring, shifts up to 2 pixels; windows of 6 × 6 patches for 60 % of the time",
                "loss": f"cross-entropy with label smoothing {self.options.smoothing:g}",
                "kept": "moving average of the weights",
                "seed": self.options.seed,
            },
            "license": "MIT",
        }
        write_bundled(NAME, net.state_dict(), card)
        return value


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.vit.train", description="Train mini-vit.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--minutes", type=float, default=92)
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--run", default=NAME, help="name of the state's folder")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.006, help="Muon's")
    parser.add_argument("--adam-lr", type=float, default=1e-3)
    parser.add_argument("--window-share", type=float, default=0.6, help="share of the time spent on windows")
    parser.add_argument("--structured", type=int, default=4, help="layers that start as neighbor lookers")
    parser.add_argument("--gain", type=float, default=0.8)
    parser.add_argument("--scale", type=float, default=4096.0, help="of the loss, for float16 gradients")
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> None:
    """Train or export."""
    options = parse()
    torch.set_num_threads(1)
    training = Training(options)
    training.resume()
    if not options.export:
        training.run(options.minutes)
    print(f"test accuracy {training.export():.4f}", flush=True)


if __name__ == "__main__":
    main()
