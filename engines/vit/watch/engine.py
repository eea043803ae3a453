"""Answers the page "Watch": every part of the answer is kept until what it follows from changes."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.vit.subject import Collection, Specimen, shared
from engines.vit.watch import answers
from engines.vit.watch.answers import LayerView
from engines.vit.watch.spec import (
    ATTENTION,
    ROLLOUT,
    WEIGHTS_BUDGET,
    Answer,
    ClassTokenMaps,
    HeadMaps,
    LayerWeights,
    Overlay,
    WatchParams,
)


class Engine:
    """See `engines.vit.watch.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._views: Memo[LayerView] = self._collection.memo()
        self._heads: Memo[HeadMaps] = self._collection.memo()
        self._weights: Memo[LayerWeights] = self._collection.memo()
        self._classes: Memo[ClassTokenMaps] = self._collection.memo()
        self._overlays: Memo[Overlay] = self._collection.memo()

    def run(self, job: Job[WatchParams]) -> Iterator[Event]:
        """Attend to the photo as ``job.params`` ask for."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device, params.compute)
        stream, layer, head = one.stream, one.layer, one.head
        on_layer = one.changed, layer
        token = params.pinned if params.hovered is None else params.hovered
        view = self._views.get(on_layer, lambda: answers.layer_view(stream, layer, one.photo))
        heads = self._heads.get((on_layer, token), lambda: answers.head_maps(view, layer, token, one.off[layer]))
        whole = view.weights.numel() <= WEIGHTS_BUDGET
        weights = self._weights.get(
            on_layer if whole else (on_layer, head), lambda: answers.layer_weights(view, layer, head)
        )
        if not whole:
            self._views.clear()  # costs less to compute again than to keep
        classes = self._classes.get(one.changed, lambda: answers.class_maps(stream, one.photo, one.off))
        prediction = self._collection.prediction(one)
        drawn = yield from self._overlay(params, one)
        yield Answer(head + 1, heads, weights, classes, prediction, drawn)
        if one.backends.large and (yield from self._collection.settle(one)):
            yield from self.run(job)  # the photo is there in float32 already

    def _overlay(self, params: WatchParams, one: Specimen) -> Generator[Event, None, Overlay | None]:
        """What lies over the photo besides attention itself, if anything is asked for."""
        if params.overlay == ATTENTION:
            return None
        settings = (params.fusion, params.discard, params.start_layer) if params.overlay == ROLLOUT else one.layer
        return (
            yield from self._overlays.get_in_steps(
                (one.changed, params.overlay, settings),
                lambda: answers.overlay(one.stream, params, one.layer, one.photo, one.off),
            )
        )
