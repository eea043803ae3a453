"""Two tasks that ask for memory (Gu and Dao 2023, 4.1), at any length.

*Selective copying*: among noise stand four symbols, at other places each time; after that, they are to be said in
order. *Induction*: a trigger stands somewhere among symbols and once more at the end; what followed it is to be said.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engines.mamba.race.spec import COPYING, SYMBOLS

NOISE = SYMBOLS  #: the token of noise, and of the trigger
ASK = SYMBOLS + 1  #: says: now
VOCABULARY = SYMBOLS + 2
DATA = 4  #: symbols to copy


def draw(task: str, count: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences (B, L) and the answers (B, M) that are to be said at their last M places.

    Parameters
    ----------
    task : str
        `engines.mamba.race.spec.COPYING` or ``INDUCTION``.
    count, length : int
        B, and the length of what comes before the questions.
    generator : torch.Generator
    """
    if task == COPYING:
        places = torch.rand(count, length, generator=generator).topk(DATA, -1).indices.sort(-1).values
        answers = torch.randint(SYMBOLS, (count, DATA), generator=generator)
        body = torch.full((count, length), NOISE).scatter(1, places, answers)
        return torch.cat([body, torch.full((count, DATA), ASK)], 1), answers
    ids = torch.randint(SYMBOLS, (count, length), generator=generator)
    place = torch.randint(length - 2, (count, 1), generator=generator)
    ids = ids.scatter(1, place, NOISE)
    ids[:, -1] = NOISE
    return ids, ids.gather(1, place + 1)


def places(task: str, ids: Tensor) -> Tensor:
    """Where the answers stand in sequences (B, L), as (B, M)."""
    if task == COPYING:
        return (ids < SYMBOLS).nonzero()[:, 1].reshape(len(ids), DATA)
    return (ids == NOISE).int().argmax(-1, keepdim=True) + 1
