"""Answers the page "Position bias"."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engines.core.protocol import Event, Job
from engines.swin.asking import OfPhoto
from engines.swin.position_bias.spec import Tables
from engines.swin.subject import Collection, Specimen, array, shared


class Engine:
    """Yields one `Tables`.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()

    def run(self, job: Job[OfPhoto]) -> Iterator[Event]:
        """The tables of a block and what the model says, as ``job.params`` ask for."""
        one = yield from self._collection.specimen(job.params, job.device)
        tables, untouched = tables_of(one, True), tables_of(one, False)
        yield Tables(one.block + 1, one.head + 1, array(tables), array(untouched), self._collection.prediction(one))


@torch.inference_mode()
def tables_of(one: Specimen, changed: bool) -> torch.Tensor:
    """The chosen block's tables (H, 2w − 1, 2w − 1), as they are set now or as the model was read."""
    block = one.stream.net.block(one.block)
    table: torch.Tensor = block.relative_position_bias_table
    change = one.stream.changes.get(one.block) if changed else None
    if change is not None and change.bias_moved is not None:
        table = table + change.bias_moved
    side = 2 * block.window - 1
    found = table.t().reshape(-1, side, side).clone()
    return found if change is None or change.bias_factor is None else found * change.bias_factor
