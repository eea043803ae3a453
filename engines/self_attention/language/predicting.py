"""What a model is asked to name: the masked word of a text, or the one that comes next."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engines.self_attention.language.stream import Stream
from engines.self_attention.language.subject import Loaded
from engines.self_attention.language.text import MASK, Tokens


@dataclass(frozen=True)
class Question:
    """A text with a gap.

    Attributes
    ----------
    tokens : Tokens
        With the mask in its place, where there is one.
    place : int
        The token at which the words are named: the mask, or the last one.
    piece : int
        What stood there; −1 where nothing did.
    """

    tokens: Tokens
    place: int
    piece: int = -1


def question(loaded: Loaded, tokens: Tokens, gap: int) -> Question | None:
    """What a model can be asked about a text; None where it names no words.

    Parameters
    ----------
    loaded : Loaded
    tokens : Tokens
    gap : int
        The token to mask; where it is none of the text's own, a typed mask, else the last token with a letter.
    """
    if loaded.info.causal:
        return Question(tokens, len(tokens) - 1)
    speller = loaded.trained.speller
    if not loaded.info.words or speller.mask is None:
        return None
    own = [at for at, sentence in enumerate(tokens.sentence) if sentence >= 0]
    if gap not in own:
        typed = [at for at in own if tokens.ids[at] == speller.mask]
        lettered = [at for at in own if any(sign.isalnum() for sign in tokens.names[at])]
        gap = (typed or lettered[-1:] or own[-1:])[0]
    if tokens.ids[gap] == speller.mask:
        return Question(tokens, gap)
    return Question(tokens.replaced(gap, speller.mask, MASK), gap, tokens.ids[gap])


@torch.inference_mode()
def logits_at(stream: Stream, place: int) -> Tensor:
    """One number for each piece of the vocabulary, (V,), at a token."""
    return stream.net.logits(stream.last()[place])


@torch.inference_mode()
def drawn_from(logits: Tensor, temperature: float, top_k: int, top_p: float) -> Tensor:
    """Probabilities (V,) that a word is drawn from, of logits (V,).

    They are divided by the temperature; then only the ``top_k`` likeliest stay (0: all), then the fewest that hold the
    share ``top_p`` (Holtzman 2020); what is left sums to 1.
    """
    chances = (logits.float() / temperature).softmax(-1)
    if 0 < top_k < len(chances):
        least = chances.topk(top_k).values[-1]
        chances = torch.where(chances >= least, chances, torch.zeros_like(chances))
        chances = chances / chances.sum()
    if top_p < 1:
        ordered, order = chances.sort(descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered  # the share of all likelier ones
        chances = torch.zeros_like(chances).scatter(0, order, torch.where(before < top_p, ordered, 0.0))
        chances = chances / chances.sum()
    return chances
