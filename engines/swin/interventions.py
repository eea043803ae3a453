"""What a person may change inside of a running Swin, and how that reaches each block.

Blocks (over all stages) and heads count from 0 here, as the axes of arrays do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Temperature:
    """Divides the scores, position bias included, before the softmax (Hinton et al. 2015); 1 changes nothing.

    Attributes
    ----------
    block : int
    value : float
    heads : tuple of int, optional
        Only these heads; None for the whole block.
    """

    block: int
    value: float
    heads: tuple[int, ...] | None = None


@dataclass(frozen=True)
class HeadsOff:
    """The output of these heads becomes 0 before ``out_proj`` (Michel et al. 2019); they still attend."""

    block: int
    heads: tuple[int, ...]


@dataclass(frozen=True)
class KeysRemoved:
    """No token attends to these tokens (row by row on the block's own grid) any more.

    Their weights are exactly 0, the rest is renormalized; a query with nothing left gets only zeros.
    """

    block: int
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class BiasScaled:
    """Multiplies the relative position bias of a block; 1 changes nothing, 0 switches it off.

    Attributes
    ----------
    block : int
    factor : float
    heads : tuple of int, optional
        Only these heads; None for the whole block.
    """

    block: int
    factor: float
    heads: tuple[int, ...] | None = None


@dataclass(frozen=True)
class BiasMoved:
    """Adds to cells of the table of one head: (row of the table, amount)."""

    block: int
    head: int
    cells: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class MaskOff:
    """Regions that the cyclic shift has put side by side see each other in this block."""

    block: int


Intervention = Temperature | HeadsOff | KeysRemoved | BiasScaled | BiasMoved | MaskOff


@dataclass(frozen=True, eq=False)
class Change:
    """Everything that is changed in one block.

    Attributes
    ----------
    temperature, keep, bias_factor : Tensor (H, 1, 1), optional
        ``keep`` is 0 for a head that is switched off, otherwise 1.
    bias_moved : Tensor ((2w − 1)², H), optional
        Added to the table.
    removed : tuple of int
        Tokens that are no keys any more.
    unmasked : bool
    """

    temperature: Tensor | None = None
    keep: Tensor | None = None
    bias_factor: Tensor | None = None
    bias_moved: Tensor | None = None
    removed: tuple[int, ...] = ()
    unmasked: bool = False


def plan(
    interventions: Iterable[Intervention],
    heads: Sequence[int],
    windows: Sequence[int],
    device: torch.device | None = None,
) -> dict[int, Change]:
    """Gather interventions by block; a block without an effective one is absent, so it stays bit for bit as it was.

    Parameters
    ----------
    interventions : iterable
        Several on the same block add up: temperatures and factors multiply, removed tokens unite.
    heads, windows : sequence of int
        H and w of each block.
    device : torch.device, optional
    """
    found: dict[int, Change] = {}

    def ones(block: int, before: Tensor | None) -> Tensor:
        return torch.ones(heads[block], 1, 1, device=device) if before is None else before

    for entry in interventions:
        if not _matters(entry):
            continue
        now = found.get(entry.block, Change())
        match entry:
            case Temperature(block, value, chosen):
                factors = ones(block, now.temperature)
                factors[list(range(heads[block]) if chosen is None else chosen)] *= value
                now = replace(now, temperature=factors)
            case HeadsOff(block, off):
                keep = ones(block, now.keep)
                keep[list(off)] = 0
                now = replace(now, keep=keep)
            case BiasScaled(block, factor, chosen):
                factors = ones(block, now.bias_factor)
                factors[list(range(heads[block]) if chosen is None else chosen)] *= factor
                now = replace(now, bias_factor=factors)
            case BiasMoved(block, head, cells):
                table = now.bias_moved
                if table is None:
                    table = torch.zeros((2 * windows[block] - 1) ** 2, heads[block], device=device)
                for cell, amount in cells:
                    table[cell, head] += amount
                now = replace(now, bias_moved=table)
            case KeysRemoved(_, tokens):
                now = replace(now, removed=tuple(sorted({*now.removed, *tokens})))
            case MaskOff():
                now = replace(now, unmasked=True)
        found[entry.block] = now
    return found


def first_block(changes: Mapping[int, Change], blocks: int) -> int:
    """The first block that computes something else than the untouched model; ``blocks`` if none does."""
    return min(changes, default=blocks)


def _matters(entry: Intervention) -> bool:
    match entry:
        case Temperature(_, value, chosen):
            return value != 1 and chosen != ()
        case BiasScaled(_, factor, chosen):
            return factor != 1 and chosen != ()
        case HeadsOff(_, chosen):
            return bool(chosen)
        case KeysRemoved(_, tokens):
            return bool(tokens)
        case BiasMoved(_, _, cells):
            return any(amount != 0 for _, amount in cells)
        case MaskOff():
            return True
