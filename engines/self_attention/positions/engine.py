"""Answers the page "Positions", on the CPU in double precision whatever the device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.self_attention.codes import added_code, array_of
from engines.self_attention.model import POSITION_STD, by_offset, learned, rotate
from engines.self_attention.positions.spec import PositionsFrame
from engines.self_attention.spec import KINDS, ROTARY, SelfAttentionParams


class Engine:
    """Yields one `PositionsFrame`."""

    def __init__(self) -> None:
        self._codes: Memo[PositionsFrame] = Memo()

    def run(self, job: Job[SelfAttentionParams]) -> Iterator[Event]:
        """Compute the codes that ``job.params`` ask for."""
        params = job.params
        key = params.kind, params.length, params.dim, params.seed
        yield self._codes.get(key, lambda: positions_frame(*key))


def code_of(kind: str, length: int, dim: int, seed: int) -> Tensor:
    """The rows that the page "Positions" shows, (length, d); for rotary one vector turned by each position."""
    if kind != ROTARY:
        return added_code(kind, length, dim, seed)
    vector = learned(1, dim, seed) / POSITION_STD  # a normal vector
    return rotate(vector.expand(length, dim) * POSITION_STD)


@torch.no_grad()
def positions_frame(kind: str, length: int, dim: int, seed: int) -> PositionsFrame:
    """Code, dot products and their dependence on the offset."""
    found = []
    for each in KINDS:
        code = code_of(each, length, dim, seed)
        dots = code @ code.T / code.square().sum(-1).mean()  # (L, L)
        found.append((code, dots, *by_offset(dots)))
    code, dots = found[KINDS.index(kind)][:2]
    mean, low, high = (torch.stack([one[i] for one in found]) for i in (2, 3, 4))  # (3, 2 L − 1)
    return PositionsFrame(
        kind=kind,
        code=array_of(code),
        dots=array_of(dots),
        offsets=torch.arange(1 - length, length).numpy(),
        mean=array_of(mean),
        low=array_of(low),
        high=array_of(high),
        spread=array_of((high - low).amax(-1)),
    )
