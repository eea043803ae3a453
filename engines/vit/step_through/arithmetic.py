"""One head's arithmetic in full."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engines.vit.stream import Stream


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """One query of one head; see `engines.vit.step_through.spec.HeadSteps`. Tensors (d,), (N, d) and (N,)."""

    query: Tensor
    keys: Tensor
    values: Tensor
    raw: Tensor
    divisor: float
    scaled: Tensor
    masked: Tensor
    weights: Tensor
    output: Tensor
    off: bool


@torch.inference_mode()
def arithmetic(stream: Stream, layer: int, head: int, token: int) -> Arithmetic:
    """Take a query of a head apart. Layer and head count from 0."""
    block, change = stream.net.block(layer), stream.changes.get(layer)
    q, k, v = (part[0, head] for part in block.project(stream.hidden[layer]))  # (N, d) each
    query = q[token]
    divisor, off = query.shape[-1] ** 0.5, False
    masked = torch.zeros(len(k), dtype=torch.bool, device=k.device)
    if change is not None:
        if change.temperature is not None:
            divisor *= float(change.temperature[head])
        if change.keep is not None:
            off = not bool(change.keep[head])
        if change.may_attend is not None:
            masked = ~change.may_attend[0, 0, 0]
    raw = k @ query
    scaled = raw / divisor
    weights = scaled.masked_fill(masked, -torch.inf).softmax(-1)
    return Arithmetic(query, k, v, raw, divisor, scaled, masked, weights, weights @ v, off)
