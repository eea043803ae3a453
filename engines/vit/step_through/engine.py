"""Answers the page "Step through": one query of one head."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.vit.showing import array
from engines.vit.step_through.arithmetic import Arithmetic, arithmetic
from engines.vit.step_through.spec import HeadSteps, StepParams
from engines.vit.subject import Collection, shared


class Engine:
    """See `engines.vit.step_through.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._found: Memo[Arithmetic] = self._collection.memo()

    def run(self, job: Job[StepParams]) -> Iterator[Event]:
        """Take the pinned query of the chosen head apart."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device)
        token = min(max(params.pinned or 0, 0), one.stream.tokens - 1)
        found = self._found.get(
            (one.changed, one.layer, one.head, token), lambda: arithmetic(one.stream, one.layer, one.head, token)
        )
        yield HeadSteps(
            one.layer + 1,
            one.head + 1,
            token,
            array(found.query),
            array(found.keys),
            array(found.values),
            array(found.raw),
            found.divisor,
            array(found.scaled),
            found.masked.cpu().numpy(),
            array(found.weights),
            array(found.output),
            found.off,
        )
