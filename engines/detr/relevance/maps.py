"""Which places of the picture an object query's class rests on, and what DETR says without some of them.

Relevance: Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and
Encoder-Decoder Transformers". With Ā = mean over heads of (∇A ⊙ A)⁺, A the weights of an attention and ∇A the gradient
of the query's logit for its class:

- encoder and decoder self-attention (equations 5 to 7): R ← R + Ā R, for queries R^qq and for what they have of the
  picture R^qi alike; R^ii and R^qq start as 1, R^qi as 0;
- cross-attention (equations 8 to 10): R^qi ← R^qi + (R̄^qq)ᵀ Ā R̄^ii, where R̄ = 1 + (R − 1) with each row divided
  by its sum.

R^ii is N × N and never formed: a row vector goes through its factors, and its row sums come from a column of ones.

Paint: places (tokens of the feature map) that are no keys any more, in all encoder layers, on request in the
decoder's cross-attention as well. Nothing painted is the untouched model.

Shapes: N tokens of the picture, Q queries, H heads, E width.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention, scaled_dot_product_attention
from engines.detr.interventions import CROSS, DECODER_SELF, ENCODER_SELF, UNTOUCHED, HeadChange, Interventions
from engines.detr.model import Detr, Memory
from engines.detr.transformer import DecoderLayer, EncoderLayer


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture before the encoder, and what is changed.

    Attributes
    ----------
    model : Detr
    tokens : Tensor (1, N, E)
        What enters the first encoder layer.
    memory : Memory
        For positions and size; its tokens are not read.
    changes : Interventions
    gone : Tensor of bool (N,), optional
        Places that are no keys.
    decoder_too : bool
        Whether they are no keys of the cross-attention either.
    """

    model: Detr
    tokens: Tensor
    memory: Memory
    changes: Interventions = UNTOUCHED
    gone: Tensor | None = None
    decoder_too: bool = True

    @property
    def mask(self) -> Tensor | None:
        """What the encoder may attend to, (1, 1, 1, N)."""
        return None if self.gone is None or not bool(self.gone.any()) else ~self.gone[None, None, None]

    @property
    def cross_mask(self) -> Tensor | None:
        """What the decoder may attend to, (1, 1, 1, N)."""
        return self.mask if self.decoder_too else None


def encode(scene: Scene) -> Generator[None, None, list[Tensor]]:
    """Inputs of all encoder layers, then the output of the last (L + 1 tensors (1, N, E)); yields after each layer."""
    inputs = [scene.tokens]
    for index in range(len(scene.model.encoder)):
        inputs.append(_encoder_step(scene, index, inputs[-1]))
        yield
    return inputs


@torch.inference_mode()
def _encoder_step(scene: Scene, index: int, x: Tensor) -> Tensor:
    change = scene.changes.of(ENCODER_SELF, index)
    out: Tensor = scene.model.encoder[index](x, scene.memory.position, scene.mask, change)[0]
    return out


@torch.inference_mode()
def remembered(scene: Scene, output: Tensor) -> Memory:
    """What the decoder attends to: the encoder's output (1, N, E) under its norm, with the masked positions out."""
    made = scene.model.remember(scene.memory, output)
    return Memory(made.tokens, made.position, made.height, made.width, scene.cross_mask)


# ------------------------------------------------------------------ the same layers with their weights in the graph
def _attend(
    module: MultiHeadAttention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, change: HeadChange | None
) -> tuple[Tensor, Tensor]:
    queries, keys, values = module.project(q, k, v)
    temperature: Tensor | float = 1.0
    if change is not None:
        temperature = queries.new_tensor(change.temperatures)[:, None, None]
    heads, weights = scaled_dot_product_attention(queries, keys, values, mask, temperature=temperature)
    if change is not None:
        heads = heads * queries.new_tensor(change.on)[:, None, None]
    return module.join(heads), weights


def _encoder_layer(
    layer: EncoderLayer, x: Tensor, position: Tensor, mask: Tensor | None, change: HeadChange | None
) -> tuple[Tensor, Tensor]:
    y = layer.attention_norm(x) if layer.norm_first else x
    seen, weights = _attend(layer.self_attention, y + position, y + position, y, mask, change)
    if layer.norm_first:
        x = x + seen
        return x + _feed_forward(layer, layer.ffn_norm(x)), weights
    x = layer.attention_norm(x + seen)
    return layer.ffn_norm(x + _feed_forward(layer, x)), weights


def _feed_forward(layer: EncoderLayer | DecoderLayer, x: Tensor) -> Tensor:
    out: Tensor = layer.fc2(F.relu(layer.fc1(x)))
    return out


def _decoder_layer(
    layer: DecoderLayer,
    x: Tensor,
    memory: Memory,
    at: Tensor,
    self_mask: Tensor | None,
    changes: tuple[HeadChange | None, HeadChange | None],
) -> tuple[Tensor, Tensor, Tensor]:
    y = layer.self_norm(x) if layer.norm_first else x
    seen, among = _attend(layer.self_attention, y + at, y + at, y, self_mask, changes[0])
    x = x + seen if layer.norm_first else layer.self_norm(x + seen)
    asks = (layer.cross_norm(x) if layer.norm_first else x) + at
    keys = memory.tokens + memory.position
    seen, across = _attend(layer.cross_attention, asks, keys, memory.tokens, memory.mask, changes[1])
    if layer.norm_first:
        x = x + seen
        return x + _feed_forward(layer, layer.ffn_norm(x)), among, across
    x = layer.cross_norm(x + seen)
    return layer.ffn_norm(x + _feed_forward(layer, x)), among, across


@torch.no_grad()
def relevant(weights: Tensor, gradient: Tensor) -> Tensor:
    """Mean over heads of (∇A ⊙ A)⁺: (1, H, ·, ·) twice -> (·, ·)."""
    return (weights * gradient).clamp_min(0).mean(1)[0]


@dataclass(frozen=True, eq=False)
class Forward:
    """The decoder's way to a query's logit, in the graph: weights of each layer, what it looked at (1, N, E)."""

    logit: Tensor
    among: list[Tensor]
    across: list[Tensor]
    output: Tensor


@dataclass(frozen=True, eq=False)
class Decoder:
    """Ā of each decoder layer, and the gradient with respect to the encoder's output (1, N, E)."""

    among: list[Tensor]
    across: list[Tensor]
    below: Tensor


@torch.enable_grad()
def decoder_forward(scene: Scene, output: Tensor, query: int, label: int) -> Forward:
    """A query's logit for a class, from the encoder's output (1, N, E)."""
    model, changes = scene.model, scene.changes
    output = output.clone().requires_grad_()  # a clone, since inference tensors know no gradient
    made = model.remember(scene.memory, output)
    memory = Memory(made.tokens, made.position.clone(), made.height, made.width, scene.cross_mask)
    at = model.query_positions.weight[None].detach().clone().requires_grad_()  # puts the first layer in the graph too
    x, among, across = torch.zeros_like(at), [], []
    self_mask = None
    if changes.queries_off:
        self_mask = torch.ones(at.shape[1], dtype=torch.bool, device=at.device)
        self_mask[list(changes.queries_off)] = False
    for index, layer in enumerate(model.decoder):
        both = changes.of(DECODER_SELF, index), changes.of(CROSS, index)
        x, queries, places = _decoder_layer(cast(DecoderLayer, layer), x, memory, at, self_mask, both)
        x = model.between(x)
        among.append(queries)
        across.append(places)
    return Forward(model.class_head(model.decoder_norm(x))[0, query, label], among, across, output)


def decoder_backward(way: Forward) -> Decoder:
    """The gradient of the logit through the decoder."""
    maps = [*way.among, *way.across]
    # With its head off, or of the query alone, an attention may have no way to the logit.
    found = torch.autograd.grad(way.logit, [*maps, way.output], allow_unused=True)
    count = len(way.among)
    gradients = [torch.zeros_like(a) if g is None else g for a, g in zip(maps, found[:-1], strict=True)]
    kept = [relevant(a.detach(), g) for a, g in zip(maps, gradients, strict=True)]
    return Decoder(kept[:count], kept[count:], torch.zeros_like(way.output) if found[-1] is None else found[-1])


@torch.enable_grad()
def encoder_forward(scene: Scene, index: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Output (1, N, E), weights (1, H, N, N) and input (1, N, E) of an encoder layer, in the graph."""
    x = x.clone().requires_grad_()
    layer = cast(EncoderLayer, scene.model.encoder[index])
    position = scene.memory.position.clone()
    return *_encoder_layer(layer, x, position, scene.mask, scene.changes.of(ENCODER_SELF, index)), x


def encoder_backward(way: tuple[Tensor, Tensor, Tensor], above: Tensor) -> tuple[Tensor, Tensor]:
    """Ā (N, N) of an encoder layer, and the gradient with respect to its input."""
    out, weights, x = way
    gradient, below = torch.autograd.grad(out, [weights, x], above)
    return relevant(weights.detach(), gradient), below


def combine(
    encoder: Sequence[Tensor], among: Sequence[Tensor], across: Sequence[Tensor], query: int
) -> Iterator[Tensor | None]:
    """Relevance (N,) of each place to a query, from Ā of all layers, first layer first: the last that is yielded."""
    tokens, queries = across[0].shape[1], across[0].shape[0]
    ones = across[0].new_ones(tokens)
    sums = ones
    for one in encoder:
        sums = sums + one @ sums
    sums = sums - 1  # of the rows of R^ii − 1

    def through(rows: Tensor) -> Tensor:
        """``rows`` (Q, N) times R̄^ii."""
        flows = torch.where(sums > 0, rows / sums.clamp_min(1e-30), 0)
        end = flows
        for one in reversed(encoder):
            end = end + end @ one
        return rows + end - flows

    eye = torch.eye(queries, dtype=ones.dtype, device=ones.device)
    own, of_picture = eye, across[0].new_zeros(queries, tokens)
    for index, (own_step, cross_step) in enumerate(zip(among, across, strict=True)):
        if index:
            yield None
        of_picture = of_picture + own_step @ of_picture
        own = own + own_step @ own
        rest = own - eye
        total = rest.sum(-1, keepdim=True)
        normed = torch.where(total > 0, rest / total.clamp_min(1e-30), 0) + eye
        of_picture = of_picture + through(normed.T @ cross_step)
    yield of_picture[query]


def relevance(scene: Scene, inputs: Sequence[Tensor], query: int, label: int) -> Iterator[Tensor | None]:
    """Relevance (N,) of the places to a query's class, last of what is yielded; before that `stops` times None.

    Parameters
    ----------
    inputs : sequence of Tensor
        See `encode`.
    """
    way = decoder_forward(scene, inputs[-1], query, label)
    yield None
    found = decoder_backward(way)
    yield None
    above, layers = found.below, []
    for index in reversed(range(len(scene.model.encoder))):
        layer = encoder_forward(scene, index, inputs[index])
        yield None
        one, above = encoder_backward(layer, above)
        layers.append(one)
        yield None
    yield from combine(layers[::-1], found.among, found.across, query)


def stops(model: Detr) -> int:
    """How many places to stop `relevance` has."""
    return 2 + 2 * len(model.encoder) + len(model.decoder) - 1
