"""Three small nets for digits with as many parameters: what follows each convolution is all that differs.

Radix 0 is a plain convolution, 1 squeeze-and-excitation (Hu et al. 2018), 2 split attention (Zhang et al. 2020), which
needs two fully connected layers; so that all learn as many numbers, the nets with them have fewer channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.data import digits
from engines.resnest.race.spec import NONE, SE, SPLIT
from engines.resnest.split_attention import SplitAttention

#: Radix, and channels of the first and of the later blocks: 18,450, 18,475 and 18,474 parameters.
SIZES = {NONE: (0, 17, 33), SE: (1, 16, 27), SPLIT: (2, 16, 24)}


class RaceNet(nn.Module):
    """A convolution, three blocks of one kind, and the mean over the map.

    Parameters
    ----------
    kind : str
        One of `engines.resnest.race.spec.KINDS`.
    seed : int
        Of the weights.
    """

    def __init__(self, kind: str, seed: int) -> None:
        super().__init__()
        radix, first, later = SIZES[kind]
        self.stem, self.norm = nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first)
        widths = ((first, first), (first, later), (later, later))
        self.blocks = nn.ModuleList(SplitAttention(before, after, 3, radix) for before, after in widths)
        self.head = nn.Linear(later, len(digits.NAMES))
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, 8, 8) -> logits (B, 10)."""
        x = F.relu(self.norm(self.stem(pixels)))
        for number, block in enumerate(self.blocks):
            y, _ = block(x)
            x = x + y if y.shape == x.shape else y
            if number == 0:
                x = F.avg_pool2d(x, 2)
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits
