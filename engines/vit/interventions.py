"""What a person may change inside a running ViT, and how that reaches each layer.

Layers and heads count from 0 here, as the axes of arrays do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Temperature:
    """Divides the scores of a layer before the softmax (Hinton et al. 2015); 1 changes nothing.

    Attributes
    ----------
    layer : int
    value : float
        Above 1 attends more evenly, below 1 more sharply.
    heads : tuple of int, optional
        Only these heads; None for the whole layer.
    """

    layer: int
    value: float
    heads: tuple[int, ...] | None = None


@dataclass(frozen=True)
class HeadsOff:
    """The output of these heads becomes 0 before ``out_proj`` (Michel et al. 2019); they still attend."""

    layer: int
    heads: tuple[int, ...]


@dataclass(frozen=True)
class KeysRemoved:
    """No token attends to these tokens any more; their weights are exactly 0 and the rest is renormalized."""

    layer: int
    tokens: tuple[int, ...]


Intervention = Temperature | HeadsOff | KeysRemoved


@dataclass(frozen=True, eq=False)
class Change:
    """Everything that is changed in one layer.

    Attributes
    ----------
    temperature : Tensor (H, 1, 1), optional
    keep : Tensor (H, 1, 1), optional
        0 for a head that is switched off, otherwise 1.
    may_attend : Tensor of bool (1, 1, 1, N), optional
    """

    temperature: Tensor | None = None
    keep: Tensor | None = None
    may_attend: Tensor | None = None


def first_layer(interventions: Iterable[Intervention], layers: int) -> int:
    """The first layer that computes something else than the untouched model; ``layers`` if none does."""
    return min((entry.layer for entry in interventions if _matters(entry)), default=layers)


def plan(interventions: Iterable[Intervention], heads: int, tokens: int, device: torch.device) -> dict[int, Change]:
    """Gather interventions by layer; a layer without an effective one is absent, so it stays bit for bit as it was.

    Parameters
    ----------
    interventions : iterable
        Several on the same layer add up: temperatures multiply, masks unite.
    heads, tokens : int
        H and N of the model.
    device : torch.device
    """
    temperature: dict[int, Tensor] = {}
    keep: dict[int, Tensor] = {}
    may_attend: dict[int, Tensor] = {}
    for entry in interventions:
        if not _matters(entry):
            continue
        match entry:
            case Temperature(layer, value, chosen):
                factors = temperature.setdefault(layer, torch.ones(heads, 1, 1, device=device))
                factors[list(range(heads) if chosen is None else chosen)] *= value
            case HeadsOff(layer, chosen):
                keep.setdefault(layer, torch.ones(heads, 1, 1, device=device))[list(chosen)] = 0
            case KeysRemoved(layer, removed):
                mask = may_attend.setdefault(layer, torch.ones(1, 1, 1, tokens, dtype=torch.bool, device=device))
                mask[..., list(removed)] = False
    return {
        layer: Change(temperature.get(layer), keep.get(layer), may_attend.get(layer))
        for layer in {*temperature, *keep, *may_attend}
    }


def _matters(entry: Intervention) -> bool:
    match entry:
        case Temperature(_, value, chosen):
            return value != 1 and chosen != ()
        case HeadsOff(_, chosen):
            return bool(chosen)
        case KeysRemoved(_, removed):
            return bool(removed)
