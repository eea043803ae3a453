"""BERT, DistilBERT and GPT-2 as one network with all of its maps in the open.

Sources: Vaswani et al. 2017 (the block), Devlin et al. 2019 (BERT: norms after the sums, two segments, a masked word),
Sanh et al. 2019 (DistilBERT: the same without segments), Radford et al. 2019 (GPT-2: norms before, nobody looks ahead).
Shapes: B sentences (or variants of one), N tokens, d width, H heads, V pieces in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BERT, DISTILBERT, GPT2 = "bert", "distilbert", "gpt2"
GELU, GELU_TANH, RELU = "gelu", "gelu_tanh", "relu"
MASKED_WORD, NEXT_WORD = "masked", "next"  #: what the words' head answers


@dataclass(frozen=True)
class LanguageConfig:
    """Sizes and kind of a model.

    Attributes
    ----------
    family : str
        `BERT`, `DISTILBERT` or `GPT2`.
    vocabulary, width, layers, heads, inner, positions : int
        Pieces, d, layers, heads of each, width within the MLP, the longest text.
    types : int
        Segments that have an embedding; 0 for none.
    activation : str
        `GELU`, `GELU_TANH` or `RELU`.
    eps : float
        Of the norms.
    words : str
        `MASKED_WORD` or `NEXT_WORD` where the weights hold a head for words, else empty.
    """

    family: str
    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    types: int = 0
    activation: str = GELU
    eps: float = 1e-12
    words: str = ""

    @property
    def causal(self) -> bool:
        """Whether a token sees only those before it, and norms stand before the attention."""
        return self.family == GPT2


@dataclass(frozen=True, eq=False)
class Change:
    """What is changed in one layer.

    Attributes
    ----------
    temperature : Tensor (H, 1, 1), optional
        Divides the scaled scores of each head before the softmax.
    gate : Tensor (B or 1, H, 1, 1), optional
        What each head's output is multiplied by: 0 switches it off.
    """

    temperature: Tensor | None = None
    gate: Tensor | None = None


UNCHANGED = Change()


@dataclass(frozen=True, eq=False)
class Step:
    """One layer: its weights (B, H, N, N), and what leaves it (B, N, d)."""

    weights: Tensor
    after: Tensor


class Layer(nn.Module):
    """Attention, then an MLP of two matrices, each added to what enters it."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.before, self.activation = config.heads, config.causal, config.activation
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))
        self.out_proj = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, config.eps)
        self.fc1, self.fc2 = nn.Linear(width, config.inner), nn.Linear(config.inner, width)
        self.norm2 = nn.LayerNorm(width, config.eps)

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, H, N, d / H) each, of what enters the layer (B, N, d)."""
        q, k, v = self.asked_for(x, self.q_proj, self.k_proj, self.v_proj)
        return q, k, v

    def asked_for(self, x: Tensor, *made: nn.Module) -> tuple[Tensor, ...]:
        """Some of queries, keys and values, (B, H, N, d / H) each, of what enters the layer (B, N, d)."""
        if self.before:
            x = self.norm1(x)
        shape = (*x.shape[:2], self.heads, -1)
        return tuple(one(x).view(shape).transpose(1, 2) for one in made)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Q · k / √(d / H), (B, H, N, N), of queries and keys (B, H, N, d / H)."""
        return (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)

    def weights(self, q: Tensor, k: Tensor, allowed: Tensor | None, change: Change = UNCHANGED) -> Tensor:
        """Rows that sum to 1, (B, H, N, N); ``allowed`` (…, N, N) is 0 or −∞ and is added to the scores."""
        scores = self.scores(q, k)
        if scores.requires_grad:  # the way back needs what stood there
            if change.temperature is not None:
                scores = scores / change.temperature
            if allowed is not None:
                scores = scores + allowed
            return scores.softmax(-1)
        if change.temperature is not None:  # the same bits in place: a long text's maps are 12 MB a layer
            scores /= change.temperature
        if allowed is not None:
            scores += allowed
        return torch.softmax(scores, -1, out=scores)

    def forward(self, x: Tensor, allowed: Tensor | None = None, change: Change = UNCHANGED) -> Step:
        """What enters (B, N, d) -> a `Step`."""
        q, k, v = self.projected(x)
        weights = self.weights(q, k, allowed, change)
        return Step(weights, self.after(x, self.gathered(weights, v, change)))

    def grown(self, x: Tensor, more: Tensor, change: Change = UNCHANGED) -> Tensor:
        """What leaves the layer at a further token, (B, 1, d), that looks at all others and is seen by none of them.

        ``x`` (B, N, d) is what enters at the others, ``more`` (B, 1, d) what enters at that one.
        """
        (q,) = self.asked_for(more, self.q_proj)
        k, v = self.asked_for(torch.cat([x, more], 1), self.k_proj, self.v_proj)
        return self.after(more, self.gathered(self.weights(q, k, None, change), v, change))

    def gathered(self, weights: Tensor, v: Tensor, change: Change = UNCHANGED) -> Tensor:
        """Each head's weighted sum of values, (B, N, d), of weights (B, H, N, N) and values (B, H, N, d / H)."""
        out = weights @ v  # (B, H, N, d / H)
        if change.gate is not None:
            out = out * change.gate
        return out.transpose(1, 2).flatten(2)

    def after(self, x: Tensor, gathered: Tensor) -> Tensor:
        """What leaves the layer, (B, N, d), of what enters it and what its heads have gathered, (B, N, d) each."""
        x = x + self.out_proj(gathered)
        if self.before:
            return x + self.fc2(activated(self.fc1(self.norm2(x)), self.activation))
        x = self.norm1(x)
        return self.norm2(x + self.fc2(activated(self.fc1(x), self.activation)))


def activated(x: Tensor, kind: str) -> Tensor:
    """The MLP's activation, of any shape."""
    if kind == RELU:
        return F.relu(x)
    return F.gelu(x, approximate="tanh" if kind == GELU_TANH else "none")


class WordsHead(nn.Module):
    """What stands before the tied decoder of a masked word: a matrix, an activation, a norm; then a bias."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.activation = config.activation
        self.transform = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> (…, d), ready to be compared with each piece's embedding."""
        return self.norm(activated(self.transform(x), self.activation))


class LanguageModel(nn.Module):
    """A stack of layers over the embeddings of a text.

    Parameters
    ----------
    config : LanguageConfig
    """

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.places = nn.Embedding(config.positions, config.width)
        self.types = nn.Embedding(config.types, config.width) if config.types else None
        self.norm = nn.LayerNorm(config.width, config.eps)  # after the embeddings; in GPT-2 after the last layer
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.layers)])
        self.head = WordsHead(config) if config.words == MASKED_WORD else None

    def layer(self, index: int) -> Layer:
        """A layer, counted from 0."""
        found = self.layers[index]
        assert isinstance(found, Layer)
        return found

    def embed(self, ids: Tensor, types: Tensor | None = None) -> Tensor:
        """Pieces (B, N), and their segments (B, N) where the model has such, -> (B, N, d)."""
        x: Tensor = self.words(ids)
        if self.types is not None:
            x = x + self.types(torch.zeros_like(ids) if types is None else types)
        x = x + self.places.weight[: ids.shape[1]]
        return x if self.config.causal else self.norm(x)

    def allowed(self, count: int, hidden: Tensor | None = None) -> Tensor | None:
        """What is added to scores so that nobody looks ahead or at a hidden token, (1 or B, 1, N, N); None for nothing.

        Parameters
        ----------
        count : int
            N.
        hidden : Tensor of bool (B, N), optional
            Tokens that nobody attends to but they themselves: so no row is ever left without a key.
        """
        if hidden is None and not self.config.causal:
            return None
        device = self.words.weight.device
        shut = torch.zeros(1, count, count, dtype=torch.bool, device=device)
        if self.config.causal:
            shut = torch.ones(count, count, dtype=torch.bool, device=device).triu(1)[None]
        if hidden is not None:
            shut = shut | (hidden[:, None] & ~torch.eye(count, dtype=torch.bool, device=device))
        return torch.zeros(shut.shape, device=device).masked_fill_(shut, -torch.inf)[:, None]

    def steps(
        self, x: Tensor, allowed: Tensor | None = None, changes: dict[int, Change] | None = None, start: int = 0
    ) -> Iterator[Step]:
        """Layer by layer from ``start`` on; ``x`` (B, N, d) is what enters that one, ``allowed`` as `allowed` says."""
        for index in range(start, self.config.layers):
            step = self.layer(index)(x, allowed, (changes or {}).get(index, UNCHANGED))
            yield step
            x = step.after

    def concluded(self, x: Tensor) -> Tensor:
        """The last hidden states, (B, N, d), of what leaves the last layer (B, N, d)."""
        return self.norm(x) if self.config.causal else x

    def logits(self, x: Tensor) -> Tensor:
        """One number for each piece, (…, V), of last hidden states (…, d)."""
        if self.head is None:
            return F.linear(x, self.words.weight)
        return F.linear(self.head(x), self.words.weight, self.head.bias)

    @torch.inference_mode()
    def trace(
        self, ids: Tensor, types: Tensor | None = None, hidden: Tensor | None = None,
        changes: dict[int, Change] | None = None,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:  # fmt: skip
        """Last hidden states (B, N, d), what enters each layer (B, N, d), all weights (B, H, N, N)."""
        entering, weights = [self.embed(ids, types)], list[Tensor]()
        for step in self.steps(entering[0], self.allowed(ids.shape[1], hidden), changes):
            entering.append(step.after)
            weights.append(step.weights)
        return self.concluded(entering.pop()), entering, weights
