"""What a person may change inside a DETR while looking at it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engines.detr.spec import ALL_LAYERS, ATTENTIONS, ONE_HEAD, DetrParams


@dataclass(frozen=True)
class HeadChange:
    """What happens to the heads of one attention layer.

    Attributes
    ----------
    temperatures : tuple of float (H,)
        Each divides the scores of its head.
    on : tuple of bool (H,)
        A head that is off has weights 0, so it adds nothing.
    """

    temperatures: tuple[float, ...]
    on: tuple[bool, ...]


Changes = tuple[tuple[str, int, HeadChange], ...]


@dataclass(frozen=True)
class Interventions:
    """All changes at once; empty, the model is untouched bit for bit.

    Attributes
    ----------
    changes : tuple of (attention, layer, HeadChange)
        ``attention`` is one of ``spec.ATTENTIONS``, ``layer`` counts from 0.
    queries_off : tuple of int
        Object queries that no query can see in decoder self-attention, and whose predictions don't count.
    """

    changes: Changes = ()
    queries_off: tuple[int, ...] = ()

    def of(self, attention: str, layer: int) -> HeadChange | None:
        """The change of one attention layer, None if it is untouched."""
        return next((change for kind, at, change in self.changes if (kind, at) == (attention, layer)), None)

    def only(self, *attentions: str) -> Interventions:
        """Those changes that concern the given attentions, without the queries."""
        return Interventions(tuple(entry for entry in self.changes if entry[0] in attentions))

    @property
    def first_layer(self) -> int:
        """The lowest layer that is changed."""
        return min((layer for _, layer, _ in self.changes), default=0)


UNTOUCHED = Interventions()


def interventions(params: DetrParams, layers: dict[str, int], heads: dict[str, int], num_queries: int) -> Interventions:
    """Put the settings of the tab into changes of a model.

    Parameters
    ----------
    params : DetrParams
    layers, heads : dict of str to int
        How many layers and heads each of ``spec.ATTENTIONS`` has; settings beyond them stand for the last one.
    num_queries : int
    """
    changes = []
    for attention in ATTENTIONS:
        chosen = params.attention == attention and params.temperature != 1.0
        for layer in range(layers[attention]):
            off = {entry.head for entry in params.heads_off if (entry.attention, entry.layer) == (attention, layer)}
            here = chosen and (params.scope == ALL_LAYERS or layer == min(params.layer, layers[attention]) - 1)
            hot = _hot_heads(params, heads[attention]) if here else ()
            on = tuple(head not in off for head in range(heads[attention]))
            if hot or not all(on):
                temperatures = tuple(params.temperature if head in hot else 1.0 for head in range(heads[attention]))
                changes.append((attention, layer, HeadChange(temperatures, on)))
    return Interventions(tuple(changes), tuple(sorted(q for q in set(params.queries_off) if 0 <= q < num_queries)))


def _hot_heads(params: DetrParams, heads: int) -> Iterable[int]:
    return (min(params.head, heads) - 1,) if params.scope == ONE_HEAD else range(heads)
