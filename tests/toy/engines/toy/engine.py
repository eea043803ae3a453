"""Answers the page "Palette"."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engines.checkpoints import catalog
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.toy.load import BUNDLED, load_checkpoint
from engines.toy.model import Palette
from engines.toy.spec import Attended, ToyParams

QUERY = (0.9, 0.4, 0.2)  #: an orange


class Engine:
    """Yields one `Attended`."""

    def __init__(self) -> None:
        self._palettes: Memo[tuple[Palette, str]] = Memo()

    def run(self, job: Job[ToyParams]) -> Iterator[Event]:
        """Attend as ``job.params`` ask for."""
        source = job.params.source or BUNDLED
        palette, sha256 = self._palettes.get(source, lambda: (load_checkpoint(source), catalog.fingerprint(source)))
        with torch.inference_mode():
            weights = palette(torch.tensor([QUERY]), job.params.temperature)  # (1, N)
        yield Attended(source, catalog.describe(source).title, sha256, palette.names, weights.numpy())
