"""A language model for the page "Why": its attentions opened, its answer as a sum; see `engines.blocks.reasons`.

GPT-2 answers with the logits of the next piece. BERT's words come through a GELU behind the residual stream, so no sum
of its parts is a logit; a sentence is compared instead, by the cosine of its vector with another one's. That is a sum
once the vector's length is held, as the deviations of the normalizations are.
Shapes: N tokens, d width, V answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.blocks.heads import Heads
from engines.blocks.naming import ATTENTION, BIAS, EMBEDDING, FFN, NEXT, POSITIONS, SENTENCE
from engines.blocks.reasons import Parts, Place, frozen
from engines.checkpoints import catalog
from engines.core.errors import NOT_FINITE, LabError
from engines.self_attention.language.load import Trained, load_checkpoint
from engines.self_attention.language.model import LanguageModel, Layer, activated
from engines.self_attention.language.text import Tokens

MOST = 96  #: tokens; beyond that a pass takes longer than a hand waits
SMALL = 25_000_000  #: numbers of all layers of a model that is quick enough in double precision
PIECES = 24  #: of a vocabulary, those that are likeliest to come next
OTHER, ITSELF = "B", "A"  #: the sentences that a sentence is compared with


@dataclass(frozen=True, eq=False)
class Passed:
    """What a layer made of the residual stream: (N, d) each.

    Attributes
    ----------
    attended, middle : Tensor
        The sum behind its attention, and what its MLP is added to: the same where norms stand before.
    wrote, total, after : Tensor
        What its MLP adds, that sum, and what leaves the layer.
    """

    attended: Tensor
    middle: Tensor
    wrote: Tensor
    total: Tensor
    after: Tensor


class Opened:
    """A model's layers, in double precision where they are few.

    Parameters
    ----------
    trained : Trained
    """

    def __init__(self, trained: Trained) -> None:
        self.trained, net = trained, trained.net
        numbers = sum(value.numel() for value in net.layers.parameters())
        self.dtype = torch.float64 if numbers < SMALL else torch.float32
        self.layers = [deepcopy(net.layer(i)).to(self.dtype) for i in range(net.config.layers)]
        self.norm = deepcopy(net.norm).to(self.dtype)
        self.pre = net.config.causal

    @property
    def net(self) -> LanguageModel:
        """The model."""
        return self.trained.net

    def embedded(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Pieces and their segments, and positions: (N, d) each, as they are before they are added."""
        pieces = self.net.words.weight[list(tokens.ids)].to(self.dtype)
        if self.net.types is not None:
            pieces = pieces + self.net.types.weight[list(tokens.types)].to(self.dtype)
        return pieces, self.net.places.weight[: len(tokens)].to(self.dtype)

    def entering(self, tokens: Tokens) -> Tensor:
        """What enters the first layer (N, d)."""
        pieces, positions = self.embedded(tokens)
        x: Tensor = pieces + positions if self.pre else self.norm(pieces + positions)
        return x

    def allowed(self, count: int) -> Tensor | None:
        """See `LanguageModel.allowed`."""
        found = self.net.allowed(count)
        return None if found is None else found.to(self.dtype)

    def passed(self, layer: Layer, x: Tensor, skips: bool = True, ffn: bool = True) -> Passed:
        """A layer on the residual stream x (N, d); without skips, or without its MLP, on request."""
        q, k, v = layer.projected(x[None])
        weights = layer.weights(q, k, self.allowed(len(x)))
        branch = layer.out_proj(layer.gathered(weights, v))[0]
        attended = x + branch if skips else branch
        middle = attended if self.pre else layer.norm1(attended)
        given = layer.norm2(middle) if self.pre else middle
        wrote = layer.fc2(activated(layer.fc1(given), layer.activation))
        total = middle + wrote if skips else wrote
        total = total if ffn else middle
        return Passed(attended, middle, wrote, total, total if self.pre else layer.norm2(total))

    @torch.no_grad()
    def hidden(self, tokens: Tokens) -> Tensor:
        """The last hidden states (N, d)."""
        return self.concluded(self.through(self.entering(tokens), 0))

    def through(self, x: Tensor, start: int) -> Tensor:
        """What leaves the last layer (N, d) of what enters one of them, counted from 0."""
        for layer in self.layers[start:]:
            x = self.passed(layer, x).after
        return x

    def concluded(self, x: Tensor) -> Tensor:
        """The last hidden states (N, d) of what leaves the last layer."""
        out: Tensor = self.norm(x) if self.pre else x
        return out

    def pooled(self, last: Tensor) -> Tensor:
        """A sentence (d,) of last hidden states (N, d), of whatever length: the mean, or the first token."""
        return last[0] if self.trained.first_token else last.mean(0)


class ReasonedSentence:
    """See `engines.blocks.reasons.Reasoned`.

    Parameters
    ----------
    opened : Opened
    tokens : Tokens
        Of the sentence.
    other : Tokens, optional
        Of the one that it is compared with, by a model that does not continue texts.
    """

    sine = False

    @torch.no_grad()
    def __init__(self, opened: Opened, tokens: Tokens, other: Tokens | None = None) -> None:
        self._opened, self._tokens = opened, tokens
        self.exact = opened.dtype == torch.float64
        self._names = tuple(tokens.names)
        self._pieces, self.positions = opened.embedded(tokens)
        self._hidden = [opened.entering(tokens)]  # what enters each layer
        self._passed: list[Passed] = []
        for number, layer in enumerate(opened.layers):
            self._passed.append(opened.passed(layer, self._hidden[-1]))
            self._hidden.append(self._passed[-1].after)
            if not torch.isfinite(self._hidden[-1]).all():
                raise LabError(NOT_FINITE, n=number + 1)
        self.places: tuple[Place, ...] = tuple((ATTENTION, i) for i in range(len(opened.layers)))
        last = opened.concluded(self._hidden[-1])
        if opened.pre:
            logits = opened.net.words.weight.to(opened.dtype) @ last[-1]  # (vocabulary,)
            found = logits.topk(min(PIECES, len(logits))).indices
            self._toward = opened.net.words.weight[found].to(opened.dtype).T  # (d, V)
            self.answers = tuple(opened.trained.speller.name_of(piece) for piece in found.tolist())
            self.said, self.answered = self._names[-1:], NEXT
            return
        mean = opened.pooled(last)
        self._length = mean.norm()
        beside = [] if other is None else [opened.pooled(opened.hidden(other))]
        self._toward = torch.stack([v / v.norm() for v in (*beside, mean)], 1)  # (d, V)
        self.answers = (OTHER, ITSELF)[-len(beside) - 1 :]
        self.said, self.answered = self._names[:1] if opened.trained.first_token else ("",), SENTENCE

    def names(self, place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tokens that look and that are looked at: all."""
        return self._names, self._names

    def heads(self, place: Place) -> Heads:
        """One attention."""
        layer, x = self._opened.layers[place[1]], self._hidden[place[1]]
        x = layer.norm1(x) if self._opened.pre else x
        allowed = self._opened.allowed(len(x))
        return Heads(
            x, x, layer.q_proj.weight.T, layer.k_proj.weight.T, layer.v_proj.weight.T,
            layer.q_proj.bias, layer.k_proj.bias, layer.v_proj.bias, layer.out_proj.weight.T, layer.out_proj.bias,
            layer.heads, None if allowed is None else allowed[0, 0] == 0,
        )  # fmt: skip

    @torch.no_grad()
    def logits(self, place: Place, keys: Tensor | None = None, queries: Tensor | None = None) -> Tensor:
        """Answers (1, V) with something (d,) added to the biases of keys or queries at one place."""
        layer = self._opened.layers[place[1]]
        with _added(layer.k_proj, keys), _added(layer.q_proj, queries):
            return self._answered(self._opened.through(self._hidden[place[1]], place[1]))

    def _answered(self, x: Tensor) -> Tensor:
        """Answers (1, V) of what leaves the last layer (N, d)."""
        last = self._opened.concluded(x)
        if self._opened.pre:
            return last[-1:] @ self._toward
        mean = self._opened.pooled(last)
        return (mean / mean.norm() @ self._toward)[None]

    @torch.no_grad()
    def parts(self) -> Parts:
        """The answers taken apart: pieces, positions, each head, each MLP, and all biases as one."""
        opened = self._opened
        names, vectors = [(EMBEDDING, -1, -1), (POSITIONS, -1, -1)], torch.stack([self._pieces, self.positions])
        constant = torch.zeros_like(self._pieces)
        if not opened.pre:
            vectors, constant = frozen(opened.norm, vectors, constant, self._pieces + self.positions)
        for i, (layer, passed) in enumerate(zip(opened.layers, self._passed, strict=True)):
            one = self.heads((ATTENTION, i))
            wrote = torch.stack([one.through(head) for head in range(one.count)])
            names += [(ATTENTION, i, head) for head in range(one.count)]
            vectors, constant = torch.cat([vectors, wrote]), constant + one.b_v @ one.w_o + one.b_o
            if not opened.pre:
                vectors, constant = frozen(layer.norm1, vectors, constant, passed.attended)
            names.append((FFN, i, -1))
            vectors = torch.cat([vectors, passed.wrote[None]])
            if not opened.pre:
                vectors, constant = frozen(layer.norm2, vectors, constant, passed.total)
        if opened.pre:
            vectors, constant = frozen(opened.norm, vectors, constant, self._hidden[-1])
        every = torch.cat([vectors, constant[None]])  # (P, N, d)
        if opened.pre:
            read = every[:, -1]
        else:
            read = (every[:, 0] if opened.trained.first_token else every.mean(1)) / self._length
        values = (read @ self._toward)[:, None]  # (P, 1, V)
        return Parts((*names, (BIAS, -1, -1)), values, self._answered(self._hidden[-1]))

    @torch.no_grad()
    def through(self, depth: int, skips: bool, ffn: bool) -> Iterator[Tensor]:
        """Tokens (N, d) before the first and after each of ``depth`` layers: its own ones, over and over.

        A sublayer that is left out has nothing but its skip; the normalization behind it stays.
        """
        x = self._hidden[0]
        yield x
        for i in range(depth):
            x = self._opened.passed(self._opened.layers[i % len(self._opened.layers)], x, skips, ffn).after
            yield x

    def normed(self, place: Place) -> tuple[Tensor, float]:
        """What the first layer normalization at a place is given (N, d), and its ε."""
        i = place[1]
        x = self._hidden[i] if self._opened.pre else self._passed[i].attended
        return x, self._opened.layers[i].norm1.eps


class Reader:
    """See `engines.blocks.reasons.Reader`."""

    def __init__(self, trained: Trained, title: str) -> None:
        self._opened, self.title = Opened(trained), title

    def read(self, first: str, second: str = "") -> ReasonedSentence:
        """On a sentence, and the one that it is compared with.

        Raises
        ------
        LabError
            A sentence has no token, or more than are shown.
        """
        speller = self._opened.trained.speller
        tokens = speller.read(first)
        other = speller.read(second) if second.strip() and not self._opened.pre else None
        for each in (tokens, other):
            if each is not None and len(each) + each.cut > MOST:
                count = len(each) + each.cut
                raise LabError("This text has {n} tokens; {most} at most can be shown.", n=count, most=MOST)
        return ReasonedSentence(self._opened, tokens, other)


def load(source: str) -> Reader:
    """The model of a source; a small one in double precision, so that what differs is not mere rounding."""
    return Reader(load_checkpoint(source), catalog.describe(source).title)


@contextmanager
def _added(linear: nn.Linear, to_bias: Tensor | None) -> Iterator[None]:
    """A linear map with another bias, for a pass."""
    if to_bias is None:
        yield
        return
    kept = linear.bias
    linear.bias = nn.Parameter(kept + to_bias, requires_grad=False)
    try:
        yield
    finally:
        linear.bias = kept
