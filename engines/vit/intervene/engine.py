"""Answers the page "Intervene": the prediction with patches masked and heads off, and a scan of all heads."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.vit.intervene.ablation import Scan
from engines.vit.intervene.spec import Ablation, AblationParams
from engines.vit.subject import Collection, shared


class Engine:
    """See `engines.vit.intervene.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._scans: Memo[Scan] = self._collection.memo()

    def run(self, job: Job[AblationParams]) -> Iterator[Event]:
        """The prediction at once; the scan goes on where it was stopped."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device)
        target, label, candidates = one.target(params.target)
        scan = self._scans.get(one.untouched, lambda: Scan(one.plain))
        prediction = self._collection.prediction(one)
        logits = one.plain.conclusion().logits
        base = 1.0 if logits is None else float(_softmax(logits)[target])

        def shown() -> Ablation:
            return Ablation(target, label, candidates, scan.done.copy(), *scan.effects(target), base, prediction)

        yield shown()
        done, text = int(scan.done.sum()), Message("Switching off one head at a time")
        for _ in scan.run():
            now = int(scan.done.sum())
            yield Progress(now, scan.done.size, text)
            if now > done:
                done = now
                yield shown()


@torch.inference_mode()
def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)
