"""Forward passes of many changed copies of one photo at once, in pieces that can be stopped between.

The pieces are layers of batches: `batch_size` chooses the batch so that one takes a fraction of a second at most.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.vit.model import ViT
from engines.vit.stream import Changes

FLOPS = 5e9  # in one layer of one batch: some 0.1 s of one core
MOST = 64  # copies in one batch

Said = tuple[Tensor, Tensor | None]  # normed class token (B, D), logits (B, classes) or None


def batch_size(net: ViT, tokens: int) -> int:
    """How many copies of a photo with N tokens go through together."""
    config = net.config
    linear = 2 * tokens * config.width * (4 * config.width + 2 * config.mlp_size)
    return int(max(1, min(MOST, FLOPS // (linear + 4 * tokens**2 * config.width))))


def finish(net: ViT, x: Tensor, layer: int, changes: Changes) -> Generator[None, None, Said]:
    """Take residual streams (B, N, D) that enter ``layer`` to the model's end; yields after each layer."""
    for index in range(layer, net.config.layers):
        x = _through(net, index, x, changes)
        yield
    return _said(net, x)


@torch.inference_mode()
def _through(net: ViT, index: int, x: Tensor, changes: Changes) -> Tensor:
    config = net.config
    narrow = index + 1 == config.layers and not config.pooled_head  # the head reads no patches
    return net.block(index)(x, changes.get(index), config.prefix if narrow else None)[0]


@torch.inference_mode()
def _said(net: ViT, x: Tensor) -> Said:
    tokens, logits = net.conclude(x)
    return tokens[:, 0].clone(), logits


@torch.inference_mode()
def verdict(said: Said, untouched: Tensor) -> Tensor:
    """What is kept of an answer: probabilities (B, classes), or (B, 1) the cosine with a class token (D,)."""
    token, logits = said
    if logits is not None:
        return logits.softmax(-1)
    return F.cosine_similarity(token, untouched[None], dim=-1)[:, None].clamp(-1, 1)
