"""Split attention (Zhang et al. 2020, "ResNeSt: Split-Attention Networks").

Parameters are named as in the authors' code and timm; what is followed is their radix-major layout: the convolution
has ``groups · radix`` groups, and split r is the r-th block of C channels that it gives. ``fc2`` answers in the order
of the cardinal groups, so the softmax turns that round; it shows only where groups and radix are both above 1.

Shapes: B batch, C channels that come out, R radix, G groups (the paper's cardinality).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.resnest.interventions import Change

LEAST_INNER, DIVISOR = 32, 8  # of the channels between the two fully connected layers


def radix_softmax(x: Tensor, radix: int, cardinality: int) -> Tensor:
    """Scores in the order of the cardinal groups -> weights in radix-major order.

    Parameters
    ----------
    x : Tensor (B, G · R · C / G) or (B, G · R · C / G, 1, 1)
        For each group its splits one after another.
    radix : int
        With 1 the weights are a sigmoid: a softmax over one score would always be 1.
    cardinality : int

    Returns
    -------
    Tensor (B, R · C)
        Those of a channel sum to 1 over the splits, except with radix 1.

    Raises
    ------
    ValueError
        If the scores don't divide into so many groups and splits.
    """
    x = x.flatten(1)  # (B, G · R · C / G)
    if radix < 1 or cardinality < 1 or x.shape[1] % (radix * cardinality):
        raise ValueError(f"{x.shape[1]} scores don't divide into {cardinality} groups of {radix} splits")
    if radix == 1:
        return x.sigmoid()
    by_group = x.view(len(x), cardinality, radix, -1)  # (B, G, R, C / G)
    return by_group.transpose(1, 2).softmax(1).flatten(1)  # (B, R, G, C / G) -> (B, R · C)


def inner_width(channels: int, radix: int) -> int:
    """Channels between the two fully connected layers: a quarter of ``channels · radix``, by 8, at least 32."""
    asked = channels * radix / 4
    found = max(LEAST_INNER, int(asked + DIVISOR / 2) // DIVISOR * DIVISOR)
    return found + DIVISOR if found < 0.9 * asked else found


@dataclass(frozen=True, eq=False)
class Inside:
    """One pass through split attention, number by number.

    Attributes
    ----------
    splits : Tensor (B, R, C, H, W)
    pooled : Tensor (B, C)
        Mean over space of the sum of the splits.
    hidden : Tensor (B, inner)
        Between the fully connected layers.
    scores : Tensor (B, R, C)
        Before the softmax, or the sigmoid.
    own, weights : Tensor (B, R, C)
        That follow, and as they are used: changed, where they are.
    out : Tensor (B, C, H, W)
    """

    splits: Tensor = field(repr=False)
    pooled: Tensor = field(repr=False)
    hidden: Tensor = field(repr=False)
    scores: Tensor = field(repr=False)
    own: Tensor = field(repr=False)
    weights: Tensor = field(repr=False)
    out: Tensor = field(repr=False)


class SplitAttention(nn.Module):
    """A convolution whose output comes in R splits, and a sum of them weighted channel by channel.

    Radix 1 is a convolution with squeeze-and-excitation (Hu et al. 2018), radix 0 one without.

    Parameters
    ----------
    channels, out : int
        That come in, that go out (C).
    kernel_size : int
        Odd, so that the map keeps its size.
    radix, groups : int
        R and G.

    Raises
    ------
    ValueError
        If channels don't divide into the groups, or the kernel is even.
    """

    def __init__(self, channels: int, out: int, kernel_size: int = 3, radix: int = 2, groups: int = 1) -> None:
        super().__init__()
        if radix < 0 or groups < 1 or channels < 1 or out < 1:
            raise ValueError(f"radix {radix}, groups {groups}, channels {channels} and {out}: too small")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {kernel_size} is not odd")
        splits, inner = max(radix, 1), inner_width(channels, radix)
        if channels % (groups * splits):
            raise ValueError(f"{channels} channels don't divide into {groups} groups of {splits} splits")
        if out % groups or inner % groups:
            raise ValueError(f"{out if out % groups else inner} channels don't divide into {groups} groups")
        self.radix, self.groups, self.out = radix, groups, out
        self.conv = nn.Conv2d(
            channels, out * splits, kernel_size, padding=kernel_size // 2, groups=groups * splits, bias=False
        )
        self.bn0 = nn.BatchNorm2d(out * splits)
        if radix:
            self.fc1 = nn.Conv2d(out, inner, 1, groups=groups)
            self.bn1 = nn.BatchNorm2d(inner)
            self.fc2 = nn.Conv2d(inner, out * radix, 1, groups=groups)

    def forward(self, x: Tensor, change: Change | None = None) -> tuple[Tensor, Tensor]:
        """Map (B, channels, H, W) -> (B, C, H, W) and the weights (B, R, C); with radix 0 there are none, (B, 0, C)."""
        mixed = F.relu(self.bn0(self.conv(x)))  # (B, R · C, H, W)
        if not self.radix:
            return mixed, mixed.new_zeros(len(mixed), 0, self.out)
        splits = mixed.unflatten(1, (self.radix, self.out))  # (B, R, C, H, W)
        weights = self._weights(splits)[-1]
        if change is not None:
            weights = change.applied(weights)
        return blend(splits, weights), weights

    def inside(self, x: Tensor, change: Change | None = None) -> Inside:
        """The same for x (B, channels, H, W) and any radix, with everything on its way."""
        splits = F.relu(self.bn0(self.conv(x))).unflatten(1, (self.radix, self.out))
        pooled, hidden, scores, own = self._weights(splits)
        weights = own if change is None else change.applied(own)
        return Inside(splits, pooled, hidden, scores, own, weights, blend(splits, weights))

    def _weights(self, splits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Splits (B, R, C, H, W) -> pooled (B, C), hidden (B, inner), scores (B, R, C), weights (B, R, C)."""
        total = splits.sum(1) if self.radix > 1 else splits[:, 0]
        pooled = total.mean((2, 3), keepdim=True)  # (B, C, 1, 1)
        hidden = F.relu(self.bn1(self.fc1(pooled)))
        raw = self.fc2(hidden)  # (B, G · R · C / G, 1, 1)
        by_group = raw.view(len(raw), self.groups, self.radix, -1)
        scores = by_group.transpose(1, 2).flatten(2)  # (B, R, C)
        weights = radix_softmax(raw, self.radix, self.groups).view(len(raw), self.radix, self.out)
        return pooled.flatten(1), hidden.flatten(1), scores, weights


def blend(splits: Tensor, weights: Tensor) -> Tensor:
    """Splits (B, R, C, H, W), weighted (B, R, C) and summed: (B, C, H, W)."""
    if splits.shape[1] == 1:
        return splits[:, 0] * weights[:, 0, :, None, None]
    return torch.sum(splits * weights[..., None, None], 1)
