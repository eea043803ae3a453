"""Trains ``mini-resnest``, a small ResNeSt for the ten classes of CIFAR-10, on one processor core.

    python -m engines.resnest.train --data FOLDER [--minutes 90]   train; goes on where it was stopped
    python -m engines.resnest.train --data FOLDER --export         write weights and card of the state reached

Muon (Jordan et al. 2024) for the convolutions as matrices, AdamW for the rest. The learning rate falls to 0 by the
clock, so that training ends when it is to end, however fast the machine is; what is kept is a moving average of the
weights, with the statistics of its batch norms taken anew from training pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.quick import Muon
from engines.checkpoints.bundling import CACHE, KeptTraining, write_bundled
from engines.data import cifar
from engines.resnest.model import ResNeSt, ResNeStConfig

NAME = "mini-resnest"
HOLD = 0.25  # share of the time before the learning rate starts to fall
SETTLING = 40  # batches that statistics are taken from
CONFIG = ResNeStConfig(
    image_size=cifar.SIDE,
    stem=16,
    stem_pool=False,  # 16 × 16 places enter the first block
    width=16,
    depths=(2, 2, 2),
    classes=len(cifar.NAMES),
    family=NAME,
    labels=dict(enumerate(cifar.NAMES)),
    mean=cifar.MEAN,
    std=cifar.STD,
)


@torch.inference_mode()
def accuracy(net: ResNeSt, images: cifar.Bytes, labels: cifar.Bytes) -> float:
    """Share of pictures (n, 32, 32, 3) whose best class is the right one, by the model as it will be used."""
    right = 0
    for first in range(0, len(images), 250):
        pixels = cifar.normalize(torch.from_numpy(images[first : first + 250])).permute(0, 3, 1, 2)
        logits = net(pixels.contiguous())
        assert logits is not None
        right += int((logits.argmax(-1) == torch.from_numpy(labels[first : first + 250])).sum())
    return right / len(images)


class AsMatrices(Muon):
    """Muon over convolutions: each kernel as a matrix, output channels by all that one of them is made of."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # returns no loss
        """One step."""
        kernels = [p for group in self.param_groups for p in group["params"]]
        shapes = [p.shape for p in kernels]
        for p in kernels:
            assert p.grad is not None
            gradient = p.grad.flatten(1)
            p.grad = None
            p.data = p.data.flatten(1)
            p.grad = gradient
        super().step()
        for p, shape in zip(kernels, shapes, strict=True):
            p.grad = None
            p.data = p.data.view(shape)


class Training(KeptTraining):
    """All that a run consists of; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    """

    look_every = 900.0  # a look costs as much as some hundred pictures

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        torch.manual_seed(options.seed)
        self.net = ResNeSt(CONFIG).train()
        start(self.net)
        cache = CACHE / "cifar10"
        self.batches = cifar.Batches(*cifar.load(options.data, cache, "train"), 2, 2, options.seed)
        self.test = cifar.load(options.data, cache, "test")
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        kernels = [p for key, p in self.net.named_parameters() if p.dim() == 4 and not key.startswith("conv1.0")]
        chosen = {id(p) for p in kernels}
        others = [p for p in self.net.parameters() if id(p) not in chosen]
        self.muon = AsMatrices(kernels, options.lr, weight_decay=0.02)
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
        pixels, labels = self._drawn()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.half):
            logits = self.net(pixels)
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, label_smoothing=options.smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.muon.step()
        self.adam.step()
        self.net.zero_grad()
        self.steps += 1
        self.seen += len(labels)
        keep = min(0.998, self.steps / (self.steps + 49))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)
        return float(loss.detach()), float((logits.argmax(-1) == labels).float().mean())

    def _drawn(self) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, 32, 32), labels (B,)."""
        pixels, _, labels = self.batches.draw(self.options.batch, cifar.SIDE // self.batches.patch)
        return pixels.permute(0, 3, 1, 2), labels

    @torch.no_grad()
    def averaged(self) -> ResNeSt:
        """The model that is kept; statistics that were averaged along with the weights are not those of the average."""
        net = ResNeSt(CONFIG)
        net.load_state_dict(self.average)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the plain mean over all batches
        state, order = self.batches.generator.get_state(), self.batches.order
        net.train()
        for _ in range(SETTLING):
            net(self._drawn()[0])
        self.batches.generator.set_state(state)
        self.batches.order = order
        return net.eval()

    def look(self) -> str:
        """Accuracy on some of the test pictures."""
        return f"test {accuracy(self.averaged(), *(part[:1000] for part in self.test)):.4f}"

    def export(self) -> float:
        """Write ``assets/weights/mini-resnest`` (weights and card); returns the test accuracy."""
        net = self.averaged()
        value = accuracy(net, *self.test)
        stored = ("image_size", "stem", "stem_pool", "width", "depths", "radix", "groups", "base_width", "family")
        card = {
            "topic": "resnest",
            "title": NAME,
            "note": "10 classes of CIFAR-10, 32 × 32 pixels, two splits in each of 6 blocks; trained by this project.",
            "config": {**{key: getattr(CONFIG, key) for key in stored}, "mean": cifar.MEAN, "std": cifar.STD},
            "labels": cifar.NAMES,
            "parameters": sum(p.numel() for p in net.parameters()),
            "metric": {"name": "test accuracy", "value": round(value, 4), "pictures": len(self.test[1])},
            "trained_on": "CIFAR-10 (Krizhevsky 2009), its 50,000 training pictures, re-encoded as JPEG",
            "training": {
                "command": f"python -m engines.resnest.train --data FOLDER --minutes {self.options.minutes:g}"
                + " --half" * self.options.half,
                "finished": self.used >= self.options.minutes * 60,
                "minutes": round(self.used / 60, 1),
                "hardware": "a small share of one core of a processor that was busy with other work",
                "steps": self.steps,
                "pictures_seen": self.seen,
                "batch": self.options.batch,
                "optimizer": f"Muon {self.options.lr:g} (convolutions), AdamW {self.options.adam_lr:g} (rest)",
                "augmentation": "mirroring, shifts up to 2 pixels",
                "loss": f"cross-entropy with label smoothing {self.options.smoothing:g}",
                "kept": "moving average of the weights, with statistics of its own",
                "seed": self.options.seed,
            },
            "license": "MIT",
        }
        tensors = {key: value for key, value in net.state_dict().items() if value.is_floating_point()}
        write_bundled(NAME, tensors, card)
        return value


@torch.no_grad()
def start(net: ResNeSt) -> None:
    """Fill ``net`` with its starting values: each block begins as its way around alone."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for index in range(net.config.blocks):
        nn.init.zeros_(net.block(index).bn3.weight)
    assert net.fc is not None
    nn.init.zeros_(net.fc.weight)
    nn.init.zeros_(net.fc.bias)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.resnest.train", description="Train mini-resnest.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--export", action="store_true", help="write weights and card of the state reached")
    parser.add_argument("--run", default=NAME, help="name of the state's folder")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.02, help="Muon's")
    parser.add_argument("--adam-lr", type=float, default=3e-3)
    parser.add_argument("--half", action="store_true", help="convolutions in bfloat16, on a processor that has it")
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
