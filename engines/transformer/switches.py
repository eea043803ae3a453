"""What can be taken out of the Transformer while it runs. Imports no torch, so that settings may hold it."""

from __future__ import annotations

from dataclasses import dataclass

ENCODER, DECODER, CROSS = "encoder", "decoder", "cross"  #: the three kinds of attention
ENCODER_FFN, DECODER_FFN = "encoder_ffn", "decoder_ffn"  #: the feed-forward networks of the two stacks
ATTENTIONS = (ENCODER, DECODER, CROSS)
SUBLAYERS = (ENCODER, ENCODER_FFN, DECODER, CROSS, DECODER_FFN)  #: in the order in which the model runs them

#: ``(kind, layer)``: one sublayer, layers counted from 0.
Place = tuple[str, int]


@dataclass(frozen=True)
class Switches:
    """Parts of a `Transformer` switched off for one pass; the default switches nothing off.

    Attributes
    ----------
    positions : bool
        Whether positions are added to the embeddings.
    residuals_off : frozenset of (kind, layer)
        Sublayers that answer with their branch alone instead of ``x + branch(x)``.
    sublayers_off : frozenset of (kind, layer)
        Sublayers whose branch answers 0, so that only the residual connection is left.
    heads_off : frozenset of (kind, layer, head)
        Heads of an attention whose output is 0; their weights are told as 0.
    layers_off : frozenset of (stack, layer)
        Whole layers of the stack ``encoder`` or ``decoder`` that hand their input on unchanged.
    norm_counts_padding : bool
        Whether batch normalization takes its statistics over padding too (layer normalization never sees it).
    """

    positions: bool = True
    residuals_off: frozenset[Place] = frozenset()
    sublayers_off: frozenset[Place] = frozenset()
    heads_off: frozenset[tuple[str, int, int]] = frozenset()
    layers_off: frozenset[Place] = frozenset()
    norm_counts_padding: bool = False

    def off(self, kind: str, layer: int) -> tuple[int, ...]:
        """The heads of one attention that are off."""
        return tuple(sorted(head for k, at, head in self.heads_off if (k, at) == (kind, layer)))


UNTOUCHED = Switches()
