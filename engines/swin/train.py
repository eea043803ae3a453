"""Trains ``mini-swin``, a small Swin Transformer for the ten classes of CIFAR-10, on one processor core.

    python -m engines.swin.train --data FOLDER [--minutes 90]   train; goes on where it was stopped
    python -m engines.swin.train --data FOLDER --export         write weights and card of the state reached

What makes it quick is told in `engines.swin.recipe`. The learning rate falls to 0 by the clock, so that training ends
when it is to end, however fast the machine is; what is kept is a moving average of the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from engines.blocks.quick import Muon, product
from engines.checkpoints.bundling import CACHE, KeptTraining, write_bundled
from engines.data import cifar
from engines.swin.model import Swin, SwinConfig
from engines.swin.recipe import quick_forward, start

NAME = "mini-swin"
HOLD = 0.25  # share of the time before the learning rate starts to fall
CONFIG = SwinConfig(
    image_size=cifar.SIDE,
    patch_size=2,
    width=48,
    depths=(2, 2, 2),
    heads=(3, 6, 12),
    window=4,
    mlp_ratio=2.0,
    classes=len(cifar.NAMES),
    labels=dict(enumerate(cifar.NAMES)),
    mean=cifar.MEAN,
    std=cifar.STD,
)


@torch.inference_mode()
def accuracy(net: Swin, images: cifar.Bytes, labels: cifar.Bytes) -> float:
    """Share of pictures (n, 32, 32, 3) whose best class is the right one, by the model as it will be used."""
    right = 0
    for first in range(0, len(images), 250):
        pixels = cifar.normalize(torch.from_numpy(images[first : first + 250])).permute(0, 3, 1, 2)
        logits = net(pixels.contiguous())
        assert logits is not None
        right += int((logits.argmax(-1) == torch.from_numpy(labels[first : first + 250])).sum())
    return right / len(images)


class Training(KeptTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    look_every = 1200.0  # a look costs as much as some hundred pictures

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        self.net = Swin(CONFIG)
        start(self.net, options.gain, torch.Generator().manual_seed(options.seed))
        cache = CACHE / "cifar10"
        self.batches = cifar.Batches(*cifar.load(options.data, cache, "train"), CONFIG.patch_size, 2, options.seed)
        self.test = cifar.load(options.data, cache, "test")
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        named = dict(self.net.stages.named_parameters())
        matrices = [p for key, p in named.items() if p.dim() == 2 and "bias_table" not in key]
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
        pixels, _, labels = self.batches.draw(options.batch, cifar.SIDE // CONFIG.patch_size)
        multiply = product if options.half else F.linear
        logits = quick_forward(self.net, pixels.permute(0, 3, 1, 2), multiply)
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

    def averaged(self) -> Swin:
        """The model that is kept."""
        net = Swin(CONFIG).eval()
        net.load_state_dict(self.average)
        return net

    def look(self) -> str:
        """Accuracy on some of the test pictures."""
        return f"test {accuracy(self.averaged(), *(part[:1000] for part in self.test)):.4f}"

    def export(self) -> float:
        """Write ``assets/weights/mini-swin`` (weights and card); returns the test accuracy."""
        net = self.averaged()
        value = accuracy(net, *self.test)
        stored = ("image_size", "patch_size", "width", "depths", "heads", "window", "mlp_ratio", "eps", "family")
        card = {
            "topic": "swin",
            "title": "mini-swin",
            "note": "10 classes of CIFAR-10, 32 × 32 pixels, 16 windows of 4 × 4 patches; trained by this project.",
            "config": {**{key: getattr(CONFIG, key) for key in stored}, "mean": cifar.MEAN, "std": cifar.STD},
            "labels": cifar.NAMES,
            "parameters": sum(p.numel() for p in net.parameters()),
            "metric": {"name": "test accuracy", "value": round(value, 4), "pictures": len(self.test[1])},
            "trained_on": "CIFAR-10 (Krizhevsky 2009), its 50,000 training pictures, re-encoded as JPEG",
            "training": {
                "command": f"python -m engines.swin.train --data FOLDER --minutes {self.options.minutes:g}",
                "finished": self.used >= self.options.minutes * 60,
                "minutes": round(self.used / 60, 1),
                "hardware": "a small share of one core of a processor that was busy with other work",
                "steps": self.steps,
                "pictures_seen": self.seen,
                "batch": self.options.batch,
                "optimizer": f"Muon {self.options.lr:g} (matrices in blocks), AdamW {self.options.adam_lr:g} (rest)",
                "augmentation": "mirroring, shifts up to 2 pixels",
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
    parser = argparse.ArgumentParser(prog="python -m engines.swin.train", description="Train mini-swin.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--run", default=NAME, help="name of the state's folder")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.006, help="Muon's")
    parser.add_argument("--adam-lr", type=float, default=2e-3)
    parser.add_argument("--gain", type=float, default=1.0, help="of the starting point, see the recipe")
    parser.add_argument("--scale", type=float, default=4096.0, help="of the loss, for float16 gradients")
    parser.add_argument("--half", action="store_true", help="products in float16, on a processor with AVX512-FP16")
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
