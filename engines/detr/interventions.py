"""What a person may change inside a DETR while looking at it. Knows no settings, imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

CROSS, DECODER_SELF, ENCODER_SELF = "Cross-attention", "Decoder self-attention", "Encoder self-attention"
ATTENTIONS = (CROSS, DECODER_SELF, ENCODER_SELF)


@dataclass(frozen=True, order=True)
class HeadOff:
    """An attention head that is switched off: which attention (one of ``ATTENTIONS``), layer and head from 0."""

    attention: str
    layer: int
    head: int


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
        ``attention`` is one of ``ATTENTIONS``, ``layer`` counts from 0.
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
