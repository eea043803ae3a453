"""A ViT for the page "Why": its attentions opened, its logits as a sum; see `engines.blocks.reasons`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.heads import Heads
from engines.blocks.naming import ATTENTION, BIAS, CLASSES, DIRECTION, EMBEDDING, FFN, POSITIONS
from engines.blocks.reasons import Parts, Place
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.vit.load import load_checkpoint
from engines.vit.model import Block, ViT
from engines.vit.preprocess import prepare

MOST = 260  #: tokens; beyond that a pass takes longer than a hand waits
SMALL = 10_000_000  #: numbers of a net that is quick enough in double precision
CLASS, DISTILLATION = "CLS", "DIST"  #: what the tokens before the patches are called
ITSELF = "class token"  #: the only answer of a model without a head: how far along its own class token


class ReasonedPhoto:
    """See `engines.blocks.reasons.Reasoned`; one LayerNorm before each sublayer, one at the end.

    Parameters
    ----------
    net : ViT
    pixels : Tensor (1, 3, h, w)
    rows, cols : int
        Patches.
    """

    sine = False

    @torch.no_grad()
    def __init__(self, net: ViT, pixels: Tensor, rows: int, cols: int) -> None:
        self._net, prefix = net, net.config.prefix
        self.exact = net.class_token.dtype == torch.float64
        self._positions = net.positions(rows, cols)[0]  # (N, D)
        self._hidden = [net.embed(pixels)[0]]  # (N, D), what enters each layer
        self._between: list[Tensor] = []  # and what its MLP is given
        for i in range(net.config.layers):
            block = net.block(i)
            x = self._hidden[-1][None]
            middle = x + _by(block.attention(*(block.norm1(x),) * 3, need_weights=False)[0], block.scale1)
            self._between.append(middle[0])
            self._hidden.append((middle + _by(_mlp(block, middle), block.scale2))[0])
        grid = [f"{r + 1}, {c + 1}" for r in range(rows) for c in range(cols)]
        self._names = (*(CLASS, DISTILLATION)[:prefix], *grid)
        self.said = (CLASS,)
        self.places: tuple[Place, ...] = tuple((ATTENTION, i) for i in range(net.config.layers))
        self.positions = self._positions[prefix:]
        labels = net.labels
        classes = 0 if net.head is None else net.head.out_features
        self.answers = tuple(labels.get(i, str(i + 1)) for i in range(classes)) or (ITSELF,)
        self.answered = CLASSES if classes else DIRECTION

    def names(self, place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tokens that look and that are looked at: all."""
        return self._names, self._names

    def heads(self, place: Place) -> Heads:
        """One attention."""
        block = self._net.block(place[1])
        x, one = block.norm1(self._hidden[place[1]]), block.attention
        b_q, b_k, b_v = (torch.zeros_like(x[0]) if part.bias is None else part.bias
                         for part in (one.q_proj, one.k_proj, one.v_proj))  # fmt: skip
        scale = torch.ones_like(x[0]) if block.scale1 is None else block.scale1
        return Heads(
            x, x, one.q_proj.weight.T, one.k_proj.weight.T, one.v_proj.weight.T, b_q, b_k, b_v,
            one.out_proj.weight.T * scale, one.out_proj.bias * scale, one.num_heads,
        )  # fmt: skip

    @torch.no_grad()
    def logits(self, place: Place, keys: Tensor | None = None, queries: Tensor | None = None) -> Tensor:
        """Logits (1, V) with something (D,) added to the biases of keys or queries at one place."""
        one = self._net.block(place[1]).attention
        with _added(one.k_proj, keys), _added(one.q_proj, queries):
            x = self._hidden[place[1]][None]
            for i in range(place[1], self._net.config.layers):
                x = self._net.block(i)(x)[0]
        return self._answered(x[0])

    def _answered(self, x: Tensor) -> Tensor:
        """Logits (1, V) of the last residual stream (N, D)."""
        tokens, logits = self._net.conclude(x[None])
        return tokens[0, :1] @ self._toward()[:, None] if logits is None else logits

    def _toward(self) -> Tensor:
        """The direction (D,) of the class token, for a model without a head."""
        token: Tensor = self._net.norm(self._hidden[-1][:1])[0]
        return token / token.norm()

    @torch.no_grad()
    def parts(self) -> Parts:
        """The logits taken apart: patches and class token, positions, each head, each MLP, and all biases as one."""
        net, last = self._net, self._hidden[-1]
        norm = net.norm
        deviation = (last.var(-1, correction=0) + norm.eps).sqrt()  # (N,)
        readers = self._readers()  # rows (N,) over the tokens, matrix (D, V)
        rows = torch.stack([row for row, _ in readers]) / deviation  # (R, N)

        names, read = [(EMBEDDING, -1, -1), (POSITIONS, -1, -1)], []  # (R, D) each
        read += [rows @ (self._hidden[0] - self._positions), rows @ self._positions]
        constant = torch.zeros_like(read[0])
        for i in range(net.config.layers):
            opened = self.heads((ATTENTION, i))
            for head in range(opened.count):
                read.append((rows @ opened.weights(head)) @ opened.looked_at @ opened.ov(head))
                names.append((ATTENTION, i, head))
            constant = constant + rows.sum(1, keepdim=True) * (opened.b_v @ opened.w_o + opened.b_o)
            read.append(rows @ (self._hidden[i + 1] - self._between[i]))
            names.append((FFN, i, -1))

        def answered(r: Tensor) -> Tensor:
            normed = (r - r.mean(-1, keepdim=True)) * norm.weight  # (R, D)
            return torch.stack([one @ matrix for one, (_, matrix) in zip(normed, readers, strict=True)]).sum(0)

        bias = answered(constant)
        for row, matrix in readers:
            bias = bias + row.sum() * norm.bias @ matrix
        values = torch.stack([*(answered(r) for r in read), bias + self._bias()])[:, None]  # (P, 1, V)
        return Parts((*names, (BIAS, -1, -1)), values, self._answered(last))

    def _readers(self) -> list[tuple[Tensor, Tensor]]:
        """What the head reads: rows over the tokens (N,), and what it makes of them (D, V)."""
        net, count = self._net, len(self._names)

        def only(first: int, last: int) -> Tensor:
            row = torch.zeros(count).to(net.class_token)
            row[first:last] = 1 / (last - first)
            return row

        if net.head is None:
            return [(only(0, 1), self._toward()[:, None])]
        matrix = net.head.weight.T  # (D or 2·D, V)
        if net.config.pooled_head:
            return [
                (only(0, 1), matrix[: net.config.width]),
                (only(net.config.prefix, count), matrix[net.config.width :]),
            ]
        if net.distillation_head is None:
            return [(only(0, 1), matrix)]
        return [(only(0, 1), matrix / 2), (only(1, 2), net.distillation_head.weight.T / 2)]

    def _bias(self) -> Tensor:
        net = self._net
        if net.head is None:
            return torch.zeros(1).to(net.class_token)
        if net.distillation_head is None or net.config.pooled_head:
            return net.head.bias
        return (net.head.bias + net.distillation_head.bias) / 2

    @torch.no_grad()
    def through(self, depth: int, skips: bool, ffn: bool) -> Iterator[Tensor]:
        """Tokens (N, D) before the first and after each of ``depth`` layers: its own ones, over and over."""
        x = self._hidden[0]
        yield x
        for i in range(depth):
            block = self._net.block(i % self._net.config.layers)
            branch = _by(block.attention(*(block.norm1(x[None]),) * 3, need_weights=False)[0], block.scale1)[0]
            x = x + branch if skips else branch
            if ffn:
                branch = _by(_mlp(block, x), block.scale2)
                x = x + branch if skips else branch
            yield x

    def normed(self, place: Place) -> tuple[Tensor, float]:
        """What the layer normalization at a place is given (N, D), and its ε."""
        return self._hidden[place[1]], self._net.block(place[1]).norm1.eps


class ReasonerViT:
    """See `engines.blocks.reasons.Reasoner`."""

    def __init__(self, net: ViT, title: str) -> None:
        self._net, self.title = net, title

    def look(self, rgb: npt.NDArray[np.uint8]) -> ReasonedPhoto:
        """On a photo (h, w, 3)."""
        config = self._net.config
        side = config.image_size if not config.resizable else min(config.image_size, 15 * config.patch_size)
        photo = prepare(rgb, config, side)
        if config.prefix + photo.rows * photo.cols > MOST:
            raise LabError(
                "This model makes {n} tokens of each photo; {most} at most can be shown.",
                n=config.prefix + photo.rows * photo.cols, most=MOST,
            )  # fmt: skip
        return ReasonedPhoto(self._net, photo.pixels.to(self._net.class_token), photo.rows, photo.cols)


def load(source: str) -> ReasonerViT:
    """The model of a ViT's source; a small one in double precision, so that what differs is not mere rounding."""
    net = load_checkpoint(source).eval().requires_grad_(False)
    if sum(value.numel() for value in net.parameters()) < SMALL:
        net = net.double()
    return ReasonerViT(net, catalog.describe(source).title)


def _mlp(block: Block, x: Tensor) -> Tensor:
    """What the MLP makes of the residual stream (..., N, D), the same shape."""
    out: Tensor = block.fc2(F.gelu(block.fc1(block.norm2(x))))
    return out


def _by(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale


@contextmanager
def _added(linear: nn.Linear, to_bias: Tensor | None) -> Iterator[None]:
    """A linear map with another bias, for a pass."""
    if to_bias is None:
        yield
        return
    kept = linear.bias
    made = to_bias if kept is None else kept + to_bias
    linear.bias = nn.Parameter(made, requires_grad=False)
    try:
        yield
    finally:
        if kept is None:
            linear.register_parameter("bias", None)
        else:
            linear.bias = kept
