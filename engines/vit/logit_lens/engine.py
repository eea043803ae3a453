"""Answers the page "Logit lens": depth by depth, each read once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.vit.logit_lens.reading import TOP, Depth, read
from engines.vit.logit_lens.spec import LensParams, LogitLens
from engines.vit.preprocess import Prepared
from engines.vit.showing import array
from engines.vit.subject import Collection, shared

HEAVY = 3e8  # multiplications of one depth from which on its depths are shown one by one


class Engine:
    """See `engines.vit.logit_lens.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._depths: Memo[list[tuple[Any, ...]]] = self._collection.memo()

    def run(self, job: Job[LensParams]) -> Iterator[Event]:
        """Read every depth with the head; goes on where it was stopped."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device)
        target, label, candidates = one.target(params.target)
        config, known = one.stream.net.config, self._depths.get((one.changed, target), list)
        depths = config.layers + 1
        heavy = one.stream.tokens * config.width * config.classes > HEAVY
        while len(known) < depths:
            known.append(_depth(read(one.stream, len(known)), target, one.photo))
            yield Progress(len(known), depths, Message("Reading every layer with the head"))
            if heavy and len(known) < depths:
                yield LogitLens(target, label, candidates, depths, *_stacked(known))
        yield LogitLens(target, label, candidates, depths, *_stacked(known))


@torch.inference_mode()
def _depth(depth: Depth, target: int, photo: Prepared) -> tuple[Any, ...]:
    """Arrays of one depth, in the order in which `LogitLens` has them."""
    shape = photo.rows, photo.cols
    at, headless = max(0, target), target < 0
    shares, top = depth.token.topk(0 if headless else min(TOP, len(depth.token)))
    sure, says = depth.patches.max(-1)
    if headless:
        sure, says = torch.zeros_like(sure), torch.full_like(says, -1)
    return (
        top.cpu().numpy(),
        array(shares),
        float(depth.token[at]),
        array(depth.patches[:, at]).reshape(shape),
        says.cpu().numpy().reshape(shape),
        array(sure).reshape(shape),
    )


def _stacked(rows: list[tuple[Any, ...]]) -> list[Any]:
    top, shares, course, patches, says, sure = zip(*rows, strict=True)
    return [np.stack(top), np.stack(shares), np.array(course, np.float32), np.stack(patches), np.stack(says),
            np.stack(sure)]  # fmt: skip
