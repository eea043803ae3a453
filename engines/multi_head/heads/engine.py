"""Answers the page "Heads": one layer of multi-head attention with all its steps in the open.

Runs on the CPU whatever the device: a few thousand numbers are not worth the way to another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from engines.blocks.attention import MultiHeadAttention, scaled_dot_product_attention
from engines.blocks.positions import sinusoidal
from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.multi_head.heads.spec import GROUPS, POSITIONS, Floats, HeadsFrame, HeadsParams
from engines.multi_head.measures import map_agreement, output_agreement
from engines.multi_head.model import drawn

SPREAD = 0.5  # of the tokens of a group around its middle
NAMES = "abc"


class Engine:
    """Yields one `HeadsFrame`."""

    def __init__(self) -> None:
        self._layer: Memo[MultiHeadAttention] = Memo()
        self._input: Memo[Tensor] = Memo()

    def run(self, job: Job[HeadsParams]) -> Iterator[Event]:
        """Attend as ``job.params`` ask for."""
        params = job.params
        yield heads_frame(params, self.layer(params), self.input(params))

    def layer(self, params: HeadsParams) -> MultiHeadAttention:
        """The layer; another number of heads keeps the very same weights and cuts them otherwise.

        Raises
        ------
        LabError
            If the heads do not divide the width.
        """
        key = params.width, params.weight_seed
        layer = self._layer.get(key, lambda: make_layer(params.width, 1, params.weight_seed))
        if params.width % params.heads:
            raise LabError("{h} heads do not divide a width of {width}.", h=params.heads, width=params.width)
        layer.num_heads, layer.head_dim = params.heads, params.width // params.heads
        return layer

    def input(self, params: HeadsParams) -> Tensor:
        """The batch of sequences (B, N, E)."""
        key = params.kind, params.batch, params.tokens, params.width, params.seed
        return self._input.get(key, lambda: make_input(*key))


def make_layer(width: int, heads: int, seed: int) -> MultiHeadAttention:
    """A layer with random weights of variance 1/width and biases 0."""
    layer = drawn(lambda: MultiHeadAttention(width, heads), torch.Generator().manual_seed(seed))
    return layer.requires_grad_(False)


def make_input(kind: str, batch: int, tokens: int, width: int, seed: int) -> Tensor:
    """Sequences (B, N, E) whose entries have a variance of about 1."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(batch, tokens, width, generator=random)
    if kind == GROUPS:
        middles = torch.randn(len(NAMES), width, generator=random)
        return math.sqrt(1 - SPREAD**2) * middles[groups(tokens)] + SPREAD * noise
    if kind == POSITIONS:
        return math.sqrt(2) * sinusoidal(tokens, width) + 0.0 * noise
    return noise


def groups(tokens: int) -> Tensor:
    """The group of each token (N,): equal runs, one after the other."""
    return torch.arange(tokens) * len(NAMES) // max(1, tokens)


def token_names(kind: str, tokens: int) -> tuple[str, ...]:
    """a1 a2 … b1 … c4 for groups, otherwise 1 2 3 and so on."""
    if kind != GROUPS:
        return tuple(str(i + 1) for i in range(tokens))
    counts = [0] * len(NAMES)
    named = []
    for group in groups(tokens).tolist():
        counts[group] += 1
        named.append(f"{NAMES[group]}{counts[group]}")
    return tuple(named)


def allowed(params: HeadsParams) -> Tensor:
    """Which query may attend to which key, bool (N, N)."""
    may = torch.ones(params.tokens, params.tokens, dtype=torch.bool)
    inside = [(q, k) for q, k in params.blocked if q < params.tokens and k < params.tokens]
    if inside:
        may[tuple(zip(*inside, strict=True))] = False
    return may


@torch.no_grad()
def heads_frame(params: HeadsParams, layer: MultiHeadAttention, x: Tensor) -> HeadsFrame:
    """Every step of the layer on the batch x (B, N, E); the arrays are those of its first sequence."""
    may = allowed(params)
    q, k, v = layer.project(x, x, x)  # (B, H, N, d)
    heads, weights = scaled_dot_product_attention(q, k, v, may, temperature=params.temperature)
    on = torch.ones(params.heads)
    off = tuple(i for i in params.heads_off if i < params.heads)
    on[list(off)] = 0
    kept = heads * on[:, None, None]
    joined = kept.transpose(1, 2).flatten(2)  # (B, N, E)
    output, untouched = layer.out_proj(joined), layer.join(heads)
    one_w, one_heads = weights[0], heads[0]  # (H, N, N), (H, N, d)
    filled = may.any(-1)
    entropy = (
        torch.special.entr(one_w[:, filled]).sum(-1).mean(-1) / math.log(2)
        if filled.any()
        else torch.zeros(params.heads)
    )
    blocks = layer.out_proj.weight.T.unflatten(0, (params.heads, layer.head_dim))  # (H, d, E)
    parts = (one_heads @ blocks).norm(dim=(1, 2))  # (H,)
    return HeadsFrame(
        batch=len(x),
        heads=params.heads,
        tokens=params.tokens,
        width=params.width,
        parameters=sum(p.numel() for p in layer.parameters()),
        names=token_names(params.kind, params.tokens),
        x=_array(x[0]),
        queries=_array(q[0]),
        keys=_array(k[0]),
        values=_array(v[0]),
        may_attend=may.numpy(),
        empty=tuple((~filled).nonzero()[:, 0].tolist()),
        weights=_array(one_w),
        entropy=_array(entropy),
        head_outputs=_array(one_heads),
        joined=_array(joined[0]),
        out_weight=_array(layer.out_proj.weight.T),
        output=_array(output[0]),
        untouched=_array(untouched[0]),
        contribution=_array(parts / parts.sum().clamp_min(1e-30)),
        change=float((output[0] - untouched[0]).norm() / untouched[0].norm().clamp_min(1e-30)),
        off=off,
        map_agreement=_array(map_agreement(one_w)),
        output_agreement=_array(output_agreement(one_heads)),
    )


def _array(values: Tensor) -> Floats:
    """A contiguous copy of its own."""
    return values.contiguous().numpy().copy()
