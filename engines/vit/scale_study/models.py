"""The two networks of the scale study and how one of them is trained.

Both get the same batches, steps, optimizer and augmentation. The CNN's last width is chosen so that its number of
parameters is that of the ViT, within 3 %.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.convnet import ConvNorm, ResidualBlock
from engines.blocks.optimizers import Adam, clipped
from engines.vit.model import ViT, ViTConfig
from engines.vit.scale_study.data import Pictures
from engines.vit.scale_study.spec import VIT, Cell

#: width, layers, heads of the ViT and first two widths of the CNN
PLANS = {"S": (32, 2, 2, 8, 16), "M": (64, 2, 4, 16, 32), "L": (96, 3, 4, 24, 48)}
BATCH = 64
STEPS = 23.0  # steps = STEPS × √N: 50 pictures are seen 200 times each, 5,000 of them 21 times
EPOCHS = 30  # at most, where a training sees a given number of pictures
RATE, WARM_UP, DECAY, SMOOTHING = 3e-3, 0.1, 0.05, 0.1


class Conv(nn.Module):
    """A small residual network (He et al. 2016): a stem, two halvings with a residual block each, mean, linear head.

    Parameters
    ----------
    widths : tuple of int
        Channels of the stem and after each halving.
    classes : int
    """

    def __init__(self, widths: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        first, second, third = widths
        self.features = nn.Sequential(
            ConvNorm(3, first),  # (B, first, s, s)
            ConvNorm(first, second, stride=2),
            ResidualBlock(second),  # (B, second, s / 2, s / 2)
            ConvNorm(second, third, stride=2),
            ResidualBlock(third),  # (B, third, s / 4, s / 4)
        )
        self.head = nn.Linear(third, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, s, s) -> logits (B, classes)."""
        logits: Tensor = self.head(self.features(pixels).mean((2, 3)))
        return logits


def vit_of(size: str, side: int, classes: int, grid: int = 8) -> ViT:
    """The ViT of a size: a grid × grid of patches, 4 × 4 on pictures of under 16 pixels."""
    width, layers, heads, _, _ = PLANS[size]
    patch = side // (grid if side >= 16 else 4)
    return ViT(
        ViTConfig(image_size=side, patch_size=patch, width=width, layers=layers, heads=heads, mlp_size=2 * width,
                  classes=classes, eps=1e-6, resizable=False)
    )  # fmt: skip


def parameters(model: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in model.parameters())


@cache
def third_width(size: str, side: int, classes: int, grid: int = 8) -> int:
    """The CNN's last width that brings its parameters nearest to the ViT's."""
    goal = parameters(vit_of(size, side, classes, grid))
    *_, first, second = PLANS[size]

    def count(third: int) -> int:
        with torch.device("meta"):  # counted, not made
            return parameters(Conv((first, second, third), classes))

    widths = range(4, 160)
    over = bisect_left(widths, goal, key=count)  # each width has more than the one before
    return min(widths[max(0, over - 1) : over + 1], key=lambda third: abs(count(third) - goal))


def cnn_of(size: str, side: int, classes: int, grid: int = 8) -> Conv:
    """The CNN with as many parameters as `vit_of` of the same size."""
    *_, first, second = PLANS[size]
    return Conv((first, second, third_width(size, side, classes, grid)), classes)


@torch.no_grad()
def begin(model: nn.Module, random: torch.Generator) -> None:
    """Random weights of the run's own generator: spread by fan-in (He et al. 2015), small tokens and positions."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain = 2.0 if isinstance(module, nn.Conv2d) else 1.0
            module.weight.normal_(0, math.sqrt(gain / module.weight[0].numel()), generator=random)
            if module.bias is not None:
                module.bias.zero_()
    if isinstance(model, ViT):
        model.class_token.normal_(0, 0.02, generator=random)
        model.position_embedding.normal_(0, 0.02, generator=random)


def steps_for(count: int, sees: int = 0) -> int:
    """Steps of a training on so many pictures, or of one that sees so many at most, see `Pictures.sees`."""
    return max(1, min(sees, EPOCHS * count) // BATCH) if sees else round(STEPS * math.sqrt(count))


class Trial:
    """One training of the study.

    Parameters
    ----------
    cell : Cell
    pictures : Pictures
    device : torch.device
    """

    def __init__(self, cell: Cell, pictures: Pictures, device: torch.device) -> None:
        self.cell, self.at, self.of = cell, 0, steps_for(cell.count, pictures.sees)
        self._random = torch.Generator().manual_seed(cell.seed)
        make = vit_of if cell.kind == VIT else cnn_of
        with torch.random.fork_rng(devices=[]):  # building draws numbers that are thrown away: not from others' run
            self.model = make(cell.size, pictures.side, len(pictures.names), pictures.grid).to(device)
        begin(self.model, self._random.manual_seed(cell.seed))
        self._batches = pictures.batches(cell.count, BATCH, torch.Generator().manual_seed(1000 + cell.seed))
        self._values = list(self.model.parameters())
        self._adam = Adam(self._values, (0.9, 0.98), weight_decay=[DECAY if v.dim() > 1 else 0.0 for v in self._values])
        self._device = device

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.at >= self.of

    @property
    def learning_rate(self) -> float:
        """Of the next step: a straight warm-up, then half a cosine to zero."""
        share = self.at / self.of
        if share < WARM_UP:
            return RATE * (self.at + 1) / (WARM_UP * self.of + 1)
        return RATE * 0.5 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP)))

    def advance(self) -> tuple[float, float]:
        """One step; returns loss and accuracy of its batch."""
        self.model.train()
        pixels, labels = (part.to(self._device) for part in next(self._batches))
        logits = self.model(pixels)
        loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        gradients, _ = clipped(torch.autograd.grad(loss, self._values), 1.0)
        self._adam.step(gradients, self.learning_rate)
        self.at += 1
        return float(loss.detach()), float((logits.argmax(-1) == labels).float().mean())

    @torch.inference_mode()
    def right(self, pixels: Tensor, labels: Tensor) -> tuple[int, float]:
        """How many of pixels (B, 3, s, s) are named right by labels (B,), and the sum of their cross-entropies, nat."""
        self.model.eval()
        logits, labels = self.model(pixels.to(self._device)), labels.to(self._device)
        return int((logits.argmax(-1) == labels).sum()), float(F.cross_entropy(logits, labels, reduction="sum"))

    @torch.inference_mode()
    def learned(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Class token's attention (L, H, g, g) to one picture's patches and similarity of positions (g², g²)."""
        assert isinstance(self.model, ViT)
        self.model.eval()
        rows = self.model.trace(pixels.to(self._device), layers=()).cls_attention[0, :, :, 1:]  # (L, H, g²)
        places = F.normalize(self.model.position_embedding[0, 1:], dim=-1)
        return rows.unflatten(-1, (self.model.grid, -1)).cpu(), (places @ places.T).cpu()
