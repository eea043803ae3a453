"""How many held-out examples a model gets right, with places to stop."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

import numpy as np
from torch import Tensor

from engines.core.protocol import Event
from engines.data.sequences import Task
from engines.transformer import proofs
from engines.transformer.model import Transformer
from engines.transformer.spec import PAUSE
from engines.transformer.subject import HELD_OUT_SEED, held_out
from engines.transformer.switches import Switches

CHUNK = 32  # examples between two places to stop

Measuring: TypeAlias = Generator[Event, None, tuple[float, float]]
Examples: TypeAlias = tuple[Tensor, Tensor, Tensor]


def drawn(kind: Task, count: int) -> Generator[Event, None, list[Examples]]:
    """Held-out examples in batches that are quickly measured on; it can be stopped between them."""
    batches = []
    for n in range(count // CHUNK):
        batches.append(held_out(kind, CHUNK, HELD_OUT_SEED + n))
        yield PAUSE
    return batches


def measured(model: Transformer, batches: Sequence[Examples], switches: Switches) -> Measuring:
    """Share of tokens and of sequences that are right, over batches; it can be stopped between them."""
    counted = np.zeros(3)
    for batch in batches:
        counted += proofs.right_ones(model, *batch, switches)
        yield PAUSE
    return float(counted[0] / counted[1]), float(counted[2] / sum(len(source) for source, _, _ in batches))
