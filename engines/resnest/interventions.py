"""What a person may change in the weights of a running ResNeSt, and how that reaches each block.

Blocks (over all stages), splits and channels count from 0 here, as the axes of arrays do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Equal:
    """Every split of the block weighs 1 / R: a plain grouped convolution, divided by R."""

    block: int


@dataclass(frozen=True)
class Swapped:
    """The first split of the block gets the last one's weight, and so on; with radix 2 the two change places."""

    block: int


@dataclass(frozen=True)
class Held:
    """A weight by hand: the other splits of the channel share the rest in the proportion that they had.

    Attributes
    ----------
    block : int
    share : float
        In 0..1.
    split : int
    channel : int, optional
        None for all channels.
    """

    block: int
    share: float
    split: int = 0
    channel: int | None = None


Intervention = Equal | Swapped | Held


@dataclass(frozen=True)
class Change:
    """Everything that is changed in one block: first the swap, then equal weights, then what the hand holds.

    Attributes
    ----------
    swapped, equal : bool
    held : tuple of Held
        Those of all channels before those of single ones.
    """

    swapped: bool = False
    equal: bool = False
    held: tuple[Held, ...] = ()

    def applied(self, weights: Tensor) -> Tensor:
        """Weights (B, R, C) as the model has them -> as they are used, a new tensor."""
        weights = weights.flip(1) if self.swapped else weights.clone()
        if self.equal:
            weights = torch.full_like(weights, 1 / weights.shape[1])
        for one in self.held:
            at = slice(None) if one.channel is None else slice(one.channel, one.channel + 1)
            weights[..., at] = _held(weights[..., at], one)
        return weights


def _held(weights: Tensor, one: Held) -> Tensor:
    """Weights (B, R, c) with a split's at ``one.share``; the others keep their proportions and share the rest."""
    radix, split = weights.shape[1], min(one.split, weights.shape[1] - 1)
    if radix == 1:
        return torch.full_like(weights, one.share)
    others = weights.clone()
    others[:, split] = 0
    rest = others.sum(1, keepdim=True)  # (B, 1, c)
    alone = torch.full_like(weights, 1 / (radix - 1))
    alone[:, split] = 0
    found = torch.where(rest > 0, others / rest.clamp(min=torch.finfo(rest.dtype).tiny), alone) * (1 - one.share)
    found[:, split] = one.share
    return found


def plan(interventions: Iterable[Intervention], radix: int) -> dict[int, Change]:
    """Gather interventions by block; a block without an effective one is absent, so it stays bit for bit as it was.

    A net without splits (radix 0) has nothing to change, one with a single split nothing to swap.
    """
    found: dict[int, Change] = {}
    for entry in interventions if radix else ():
        now = found.get(entry.block, Change())
        match entry:
            case Equal():
                now = replace(now, equal=True)
            case Swapped():
                now = replace(now, swapped=not now.swapped)
            case Held():
                held = sorted([*now.held, entry], key=lambda one: one.channel is not None)
                now = replace(now, held=tuple(held))
        found[entry.block] = now
    return {
        block: change
        for block, change in found.items()
        if change.equal or change.held or (change.swapped and radix > 1)
    }


def first_block(changes: Mapping[int, Change], blocks: int) -> int:
    """The first block that computes something else than the untouched model; ``blocks`` if none does."""
    return min(changes, default=blocks)
