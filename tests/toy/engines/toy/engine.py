"""Answers the page "Palette"."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.toy.load import BUNDLED, load_checkpoint
from engines.toy.model import Palette
from engines.toy.spec import Attended, ToyParams

QUERY = (0.9, 0.4, 0.2)  #: an orange


class Engine:
    """Yields one `Attended`."""

    def __init__(self) -> None:
        self._palettes: Memo[Palette] = Memo()

    def run(self, job: Job[ToyParams]) -> Iterator[Event]:
        """Attend as ``job.params`` ask for."""
        source = job.params.source or BUNDLED
        yield attended(self._palettes.get(source, lambda: load_checkpoint(source)), job.params.temperature)


@torch.inference_mode()
def attended(palette: Palette, temperature: float) -> Attended:
    """What the orange attends to."""
    weights = palette(torch.tensor([QUERY]), temperature)  # (1, N)
    return Attended(palette.names, weights.numpy())
