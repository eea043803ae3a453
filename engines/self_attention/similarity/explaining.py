"""Which tokens the similarity of two sentences hangs on, and how that is put to the test.

Sources: Chefer, Gur & Wolf 2021 (gradient × attention, rolled up through the layers), Samek et al. 2017 (deletion).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from engines.self_attention.language.model import LanguageModel
from engines.self_attention.language.stream import Stream, pooled

AT_ONCE = 2_048  # tokens of variants that are computed together: some 50 ms


def relevance(stream: Stream, other: Tensor, first_token: bool) -> Tensor:
    """What of a sentence speaks for its similarity to another, (N,), not negative.

    Of each layer the mean over its heads of (gradient × attention)⁺ is added to what the layers before have gathered:
    R ← R + Ā R, R = 1 at first. What is left of that 1 is taken off.

    Parameters
    ----------
    stream : Stream
    other : Tensor (d,)
        The other sentence, of length 1.
    first_token : bool
        The sentence is its first token.
    """
    net = stream.net
    with torch.enable_grad():
        x = stream.entering[0].clone().requires_grad_(True)  # a clone: what was made in inference mode has no gradient
        allowed = None if stream.allowed is None else stream.allowed.clone()
        weights, after = list[Tensor](), x
        for step in net.steps(x, allowed, stream.plan.changes(net.config.heads, x.device)):
            weights.append(step.weights)
            after = step.after
        hidden = None if stream.hidden is None else stream.hidden.clone()
        similarity = pooled(net.concluded(after), hidden, first_token)[0] @ other.clone()
        gradients = torch.autograd.grad(similarity, weights)
    count = x.shape[1]
    rolled = torch.eye(count, device=x.device)
    for each, gradient in zip(weights, gradients, strict=True):
        rolled = rolled + (each.detach() * gradient).clamp(min=0).mean(1)[0] @ rolled
    gathered = rolled - torch.eye(count, device=x.device)
    if first_token:
        return gathered[0]
    if stream.hidden is not None:
        return gathered[~stream.hidden[0]].mean(0)
    return gathered.mean(0)


def words_by_relevance(relevant: Sequence[float], words: Sequence[int]) -> list[int]:
    """The words of a sentence, the one with the most relevant token first; ``words`` says whose each token is."""
    best: dict[int, float] = {}
    for value, word in zip(relevant, words, strict=True):
        if word >= 0:
            best[word] = max(value, best.get(word, -1.0))
    return sorted(best, key=lambda word: -best[word])


def while_deleted(
    net: LanguageModel, plain: Stream, stream: Stream, words: Sequence[int], orders: Sequence[Sequence[int]],
    other: Tensor, first_token: bool,
) -> Iterator[Tensor]:  # fmt: skip
    """Similarities (K + 1,) while 0 … K words are hidden, of one order after the other; a place to stop at each yield.

    ``words`` says whose word each token is, ``other`` (d,) is the other sentence; ``plain`` holds the embeddings.
    """
    whose = torch.tensor(words, device=other.device)
    for order in orders:
        variants = torch.zeros(len(order) + 1, len(words), dtype=torch.bool, device=other.device)
        if stream.hidden is not None:
            variants |= stream.hidden
        for step, word in enumerate(order):
            variants[step + 1 :] |= whose == word
        yield similarities(net, plain, stream, variants, other, first_token)


@torch.inference_mode()
def similarities(
    net: LanguageModel, plain: Stream, stream: Stream, variants: Tensor, other: Tensor, first_token: bool
) -> Tensor:
    """Of variants of a sentence, each with other tokens hidden: bool (V, N); to another one (d,); as (V,)."""
    size = max(1, AT_ONCE // variants.shape[1])
    found = []
    for part in variants.split(size):
        allowed = net.allowed(part.shape[1], part)
        x = plain.entering[0].expand(len(part), -1, -1)
        for step in net.steps(x, allowed, stream.plan.changes(net.config.heads, x.device)):
            x = step.after
        found.append(pooled(net.concluded(x), part, first_token) @ other)
    return torch.cat(found)
