"""The map of the features: the plane of largest variance, or t-SNE while it forms."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from engines.core.aside import aside
from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Progress
from engines.transfer.events import Bytes, Floats, Ints
from engines.transfer.learn.projection import ITERATIONS, Neighbors, principal_plane
from engines.transfer.learn.spec import FeatureMap
from engines.transfer.library import Prepared
from engines.transfer.spec import ON_MAP, PCA, THUMB, TSNE, TransferParams

AT_ONCE = 16  #: pictures read between two places to stop
EVERY = 5  #: iterations of t-SNE between two pictures of it


class FeatureMaps:
    """Draws the features of one set of pictures.

    Parameters
    ----------
    prepared : Prepared
    thumbs : ndarray uint8 (p, THUMB, THUMB, 3)
        The pictures of `on_map`, small.
    """

    def __init__(self, prepared: Prepared, thumbs: Bytes) -> None:
        self._prepared = prepared
        self._shown = on_map(prepared)
        self._thumbs = thumbs
        self._features: Floats = prepared.features[self._shown]
        self._plane = principal_plane(self._features)
        self._points = self._plane.project(self._features)
        self._forming: Memo[Neighbors] = Memo()

    def draw(self, params: TransferParams, photo: Floats) -> Iterator[FeatureMap | Progress]:
        """The map; that of t-SNE again and again while it forms, from where it was left.

        Parameters
        ----------
        params : TransferParams
        photo : ndarray (F,) or (0,)
            Features of the photo that is marked.
        """
        shown = self._shown
        truth, labeled = self._prepared.truth[shown], self._prepared.labeled(params.labels)[shown]
        nowhere = np.zeros(0, np.float32)
        if params.projection == PCA:
            where = self._plane.project(photo) if len(photo) else nowhere
            share = self._plane.explained
            yield FeatureMap(PCA, self._points, truth, shown, labeled, self._thumbs, share, 0, 0, where)
            return
        waiting = Progress(0, ITERATIONS, Message(TSNE))
        forming = yield from self._forming.get_in_steps(
            params.perplexity, lambda: aside(neighbors(self._features, params.perplexity), waiting)
        )

        def now() -> FeatureMap:
            points, step = forming.points, forming.step
            return FeatureMap(TSNE, points, truth, shown, labeled, self._thumbs, 0.0, step, ITERATIONS, nowhere)

        yield now()
        while forming.step < ITERATIONS:
            forming.advance(EVERY)
            yield now()


def making(prepared: Prepared) -> Generator[Progress, None, FeatureMaps]:
    """The maps of a set of pictures, whose small ones are read again from their files: some at a time."""
    shown = on_map(prepared)
    thumbs = np.zeros((len(shown), THUMB, THUMB, 3), np.uint8)
    for first in range(0, len(shown), AT_ONCE):
        some = shown[first : first + AT_ONCE]
        thumbs[first : first + len(some)] = prepared.pixels(some, THUMB)
        yield Progress(first + len(some), len(shown), Message("Pictures for the map"))
    return FeatureMaps(prepared, thumbs)


def neighbors(features: Floats, perplexity: float) -> Generator[Progress, None, Neighbors]:
    """A map of features (N, D) that begins to form.

    Without a place to stop: what takes longest is to import openTSNE, once.
    """
    yield from ()
    return Neighbors(features, perplexity)


def on_map(prepared: Prepared) -> Ints:
    """Pictures on the map, (m,): of each class about as many, those that can be labeled and tests in turn."""
    turn = 2 * prepared.rank + prepared.tests
    order = np.lexsort((prepared.truth, turn))[:ON_MAP]
    return np.sort(order)
