"""From settings to what is changed in which layer. A layer without a change is computed as if there were none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engines.self_attention.language.asking import ALL_LAYERS, THIS_HEAD, OfText
from engines.self_attention.language.model import Change, LanguageConfig


@dataclass(frozen=True)
class Plan:
    """What is changed, as a key.

    Attributes
    ----------
    temperatures : tuple of (layer, tuple of float)
        One for each head, of the layers in which one is not 1. Layers and heads from 0.
    off : tuple of (layer, head)
    """

    temperatures: tuple[tuple[int, tuple[float, ...]], ...] = ()
    off: tuple[tuple[int, int], ...] = ()

    @property
    def first(self) -> int | None:
        """The first changed layer; None where nothing is changed."""
        layers = [layer for layer, _ in (*self.temperatures, *self.off)]
        return min(layers) if layers else None

    def with_off(self, *heads: tuple[int, int]) -> Plan:
        """The same with further heads switched off."""
        return Plan(self.temperatures, tuple(sorted({*self.off, *heads})))

    def changes(self, heads: int, device: torch.device | str) -> dict[int, Change]:
        """What each changed layer is told; ``heads`` of each."""
        made: dict[int, Change] = {}
        gates = {layer for layer, _ in self.off}
        warm = dict(self.temperatures)
        for layer in sorted({*gates, *warm}):
            temperature = gate = None
            if layer in warm:
                temperature = torch.tensor(warm[layer], device=device).view(-1, 1, 1)
            if layer in gates:
                gate = torch.ones(1, heads, 1, 1, device=device)
                for at, head in self.off:
                    if at == layer:
                        gate[:, head] = 0
            made[layer] = Change(temperature, gate)
        return made


def plan_of(params: OfText, config: LanguageConfig) -> Plan:
    """The settings as a plan, within what the model has."""
    layer, head = chosen(params, config)
    warm: tuple[tuple[int, tuple[float, ...]], ...] = ()
    if params.temperature != 1:
        each = [params.temperature] * config.heads
        if params.scope == THIS_HEAD:
            each = [params.temperature if at == head else 1.0 for at in range(config.heads)]
        layers: Sequence[int] = range(config.layers) if params.scope == ALL_LAYERS else (layer,)
        warm = tuple((at, tuple(each)) for at in layers)
    off = {(at - 1, one - 1) for at, one in params.heads_off if 1 <= at <= config.layers and 1 <= one <= config.heads}
    return Plan(warm, tuple(sorted(off)))


def chosen(params: OfText, config: LanguageConfig) -> tuple[int, int]:
    """The chosen layer and head, from 0, within what the model has."""
    return min(params.layer, config.layers) - 1, min(params.head, config.heads) - 1
