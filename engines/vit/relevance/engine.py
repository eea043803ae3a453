"""Answers the page "Relevance": the maps first, then the test as it goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.vit.events import Floats
from engines.vit.relevance import methods
from engines.vit.relevance.methods import Curves, Perturbation
from engines.vit.relevance.spec import CHEFER, GRADIENT, RANDOM_ORDERS, RAW, ROLLED, Relevance, RelevanceParams
from engines.vit.subject import Collection, Specimen, shared


class Engine:
    """See `engines.vit.relevance.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._rolled: Memo[Tensor] = self._collection.memo()
        self._traced: Memo[tuple[Tensor, Tensor]] = self._collection.memo()
        self._tests: Memo[Perturbation] = self._collection.memo()
        self._curves: Memo[Curves] = self._collection.memo()

    def run(self, job: Job[RelevanceParams]) -> Iterator[Event]:
        """Ask which patches matter, and cover them in the order of each answer."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device)
        target, label, candidates = one.target(params.target)
        rows = yield from self._rows(params, one, target)
        config, photo = one.stream.net.config, one.photo
        maps = np.stack([methods.shares(row, config.prefix, photo.rows, photo.cols) for row in rows])
        named = methods.methods(config)

        def shown(curves: Curves, complete: bool) -> Relevance:
            return Relevance(target, label, candidates, one.layer + 1, named, maps, curves.removed, curves.deletion,
                             curves.insertion, curves.random, complete)  # fmt: skip

        def measured() -> Generator[Event, None, Curves]:
            none = np.zeros((len(maps), 0), np.float32)
            last = Curves(none[0], none, none, np.zeros((RANDOM_ORDERS, 0), np.float32))
            yield shown(last, False)
            for found in self._test(one).curves([methods.ranked(each) for each in maps], target, params.points):
                if isinstance(found, Progress):
                    yield found
                else:
                    last = found
                    if last.removed[-1] < 1:  # all of it is shown below, with its scores
                        yield shown(last, False)
            return last

        curves = yield from self._curves.get_in_steps(_key(one, target, params.points, maps), measured)
        yield shown(curves, True)

    def _test(self, one: Specimen) -> Perturbation:
        """What has been covered so far stays known."""
        pixels = one.photo.pixels.to(one.stream.net.device)
        return self._tests.get(one.changed, lambda: Perturbation(one.stream, pixels, one.plain.conclusion().tokens[0]))

    def _rows(self, params: RelevanceParams, one: Specimen, target: int) -> Generator[Event, None, list[Tensor]]:
        """Rows (N,) of all methods that the model allows; returned."""
        stream = one.stream
        first = min(params.start_layer, stream.net.config.layers) - 1
        flow = yield from self._rolled.get_in_steps(
            (one.changed, params.fusion, params.discard, first),
            lambda: methods.rolled(stream, ~one.off, params.fusion, params.discard, first),
        )
        rows = {RAW: methods.raw(stream, one.layer), ROLLED: flow}
        if target >= 0:
            layers, chefer = yield from self._traced.get_in_steps(
                (one.changed, target), lambda: methods.class_specific(stream, target)
            )
            rows |= {GRADIENT: layers[one.layer], CHEFER: chefer}
        return [rows[name] for name in methods.methods(stream.net.config)]


def _key(one: Specimen, target: int, points: int, maps: Floats) -> object:
    """What the curves follow from."""
    return one.changed, target, points, maps.tobytes()
