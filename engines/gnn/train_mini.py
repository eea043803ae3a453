"""Trains ``mini-gat``, a graph attention network on patches for the ten classes of CIFAR-10, on one processor core.

    python -m engines.gnn.train_mini --data FOLDER [--minutes 40]   train; goes on where it was stopped
    python -m engines.gnn.train_mini --data FOLDER --export         write weights and card of the state reached

The learning rate falls to 0 by the clock; what is kept is a moving average of the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch.nn import functional as F

from engines.checkpoints.bundling import CACHE, KeptTraining, write_bundled
from engines.data import cifar
from engines.gnn.patchnet import PatchConfig, PatchNet

NAME = "mini-gat"
CONFIG = PatchConfig(image_size=cifar.SIDE, labels=dict(enumerate(cifar.NAMES)), mean=cifar.MEAN, std=cifar.STD)


@torch.inference_mode()
def accuracy(net: PatchNet, images: cifar.Bytes, labels: cifar.Bytes) -> float:
    """Share of pictures (n, 32, 32, 3) whose best class is the right one, labels (n,)."""
    right = 0
    for first in range(0, len(images), 250):
        pixels = cifar.normalize(torch.from_numpy(images[first : first + 250])).permute(0, 3, 1, 2)
        right += int((net(pixels.contiguous()).argmax(-1) == torch.from_numpy(labels[first : first + 250])).sum())
    return right / len(images)


class Training(KeptTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    look_every = 300.0
    optimizers = ("adam",)

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        self.net = PatchNet(CONFIG, options.seed)
        cache = CACHE / "cifar10"
        self.batches = cifar.Batches(*cifar.load(options.data, cache, "train"), CONFIG.patch_size, 2, options.seed)
        self.test = cifar.load(options.data, cache, "test")
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        groups = [
            {"params": [p for p in self.net.parameters() if p.dim() > 1], "weight_decay": 0.02},
            {"params": [p for p in self.net.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW(groups, options.lr, betas=(0.9, 0.98))

    def lr(self, share: float) -> float:
        """Factor of the learning rate when so much of the time is used: warm-up, constant, then down to 1 %."""
        return min(1.0, (self.steps + 1) / 100) * max(0.01, min(1.0, (1 - share) / 0.75))

    def step(self, share: float) -> tuple[float, float]:
        """One batch; returns its loss and the share that was right."""
        for group in self.adam.param_groups:
            group["lr"] = self.options.lr * self.lr(share)
        pixels, _, labels = self.batches.draw(self.options.batch, cifar.SIDE // CONFIG.patch_size)
        logits = self.net(pixels.permute(0, 3, 1, 2).contiguous())
        loss = F.cross_entropy(logits, labels, label_smoothing=self.options.smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.adam.step()
        self.net.zero_grad()
        self.steps += 1
        self.seen += len(labels)
        keep = min(0.998, self.steps / (self.steps + 49))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                self.average[key].lerp_(value, 1 - keep)
        return float(loss.detach()), float((logits.argmax(-1) == labels).float().mean())

    def averaged(self) -> PatchNet:
        """The model that is kept."""
        net = PatchNet(CONFIG).eval()
        net.load_state_dict(self.average)
        return net

    def look(self) -> str:
        """Accuracy on some of the test pictures."""
        return f"test {accuracy(self.averaged(), *(part[:1000] for part in self.test)):.4f}"

    def export(self) -> float:
        """Write ``assets/weights/mini-gat`` (weights and card); returns the test accuracy."""
        net = self.averaged()
        value = accuracy(net, *self.test)
        stored = ("image_size", "patch_size", "width", "layers", "heads")
        card = {
            "topic": "gnn",
            "title": "mini-gat",
            "note": "10 classes of CIFAR-10 by a graph of 8 × 8 patches, 4 layers of GATv2; trained by this project.",
            "config": {**{key: getattr(CONFIG, key) for key in stored}, "mean": cifar.MEAN, "std": cifar.STD},
            "labels": cifar.NAMES,
            "parameters": sum(p.numel() for p in net.parameters()),
            "metric": {"name": "test accuracy", "value": round(value, 4), "pictures": len(self.test[1])},
            "trained_on": "CIFAR-10 (Krizhevsky 2009), its 50,000 training pictures, re-encoded as JPEG",
            "training": {
                "command": f"python -m engines.gnn.train_mini --data FOLDER --minutes {self.options.minutes:g}",
                "finished": self.used >= self.options.minutes * 60,
                "minutes": round(self.used / 60, 1),
                "hardware": "a small share of one core of a processor that was busy with other work",
                "steps": self.steps,
                "pictures_seen": self.seen,
                "batch": self.options.batch,
                "optimizer": f"AdamW {self.options.lr:g}",
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
    parser = argparse.ArgumentParser(prog="python -m engines.gnn.train_mini", description="Train mini-gat.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--run", default=NAME, help="name of the state's folder")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
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
