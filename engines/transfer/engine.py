"""Answers the tab "Transfer": the set, the map of its features, and what the probe says of a photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch

from engines.core.errors import LabError, Message
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job, Progress
from engines.data.class_folders import squared
from engines.transfer.library import SHARED, Loaded, Prepared, embed
from engines.transfer.projection import ITERATIONS, Neighbors, principal_plane
from engines.transfer.spec import (
    ON_MAP,
    PCA,
    THUMB,
    TSNE,
    FeatureMap,
    Floats,
    Ints,
    Probe,
    Results,
    SetRead,
    TransferParams,
    Verdict,
)
from engines.transfer.store import read_results

FACES = 8  #: labeled pictures of a class to look at
NEAR = 8  #: most alike pictures beside the photo
EVERY = 5  #: iterations of t-SNE between two pictures of it

T = TypeVar("T")


class Engine:
    """See `engines.transfer.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._prepared: Prepared | None = None
        self._kept: dict[str, tuple[object, Any]] = {}

    def run(self, job: Job[TransferParams]) -> Iterator[Event]:
        """Read the set, then draw the map and judge the photo."""
        params = job.params
        prepared = yield from SHARED.prepare(params, job.device)
        if prepared is not self._prepared:
            self._prepared = prepared
            self._kept.clear()
        yield self._keep("told", params.labels, lambda: told(prepared, params.labels))
        yield Results(read_results(results_key(prepared, params.most)))
        photo = np.zeros(0, np.float32)  # its features
        if params.photo is not None:
            photo = embed(prepared.backbone, squared(params.photo.rgb, prepared.side)[None])[0]
            by = prepared.backbone
            if params.probe is not None and not fits(params.probe, prepared):
                for step in SHARED.backbone(params.probe.model, job.device):
                    if isinstance(step, Loaded):
                        by = step
                    else:
                        yield step
            yield judged(prepared, params.photo, photo, params.probe, by)
        yield from self._map(prepared, params, photo)

    def _keep(self, name: str, key: object, make: Callable[[], T]) -> T:
        """The kept value of a stage, or a new one where its key is another."""
        if name not in self._kept or self._kept[name][0] != key:
            self._kept[name] = key, make()
        value: T = self._kept[name][1]
        return value

    def _map(self, prepared: Prepared, params: TransferParams, photo: Floats) -> Iterator[FeatureMap | Progress]:
        """The map; that of t-SNE again and again while it forms, from where it was left."""
        shown = self._keep("shown", None, lambda: on_map(prepared))
        thumbs = self._keep("thumbs", None, lambda: prepared.pixels(shown, THUMB))
        features = torch.from_numpy(prepared.features[shown])
        plane = self._keep("plane", None, lambda: principal_plane(features))
        truth, labeled = prepared.truth[shown], prepared.labeled(params.labels)[shown]
        nowhere = np.zeros(0, np.float32)
        if params.projection == PCA:
            points = self._keep("points", None, lambda: plane.project(features).numpy())
            where = plane.project(torch.from_numpy(photo)).numpy() if len(photo) else nowhere
            yield FeatureMap(PCA, points, truth, shown, labeled, thumbs, plane.explained, 0, 0, where)
            return
        forming = self._keep("tsne", params.perplexity, lambda: Neighbors(features, params.perplexity))

        def now() -> FeatureMap:
            points = forming.points.numpy().copy()
            return FeatureMap(TSNE, points, truth, shown, labeled, thumbs, 0.0, forming.step, ITERATIONS, nowhere)

        yield now()
        while not forming.begun:
            forming.begin()
            yield Progress(0, ITERATIONS, Message(TSNE))
        while forming.step < ITERATIONS:
            for _ in range(EVERY):
                forming.advance()
            yield now()


def results_key(prepared: Prepared, most: int) -> str:
    """What results of runs are kept under."""
    return f"{prepared.set.key}-{prepared.backbone.hash[:16]}-{prepared.side}-{most}"


def told(prepared: Prepared, labels: int) -> SetRead:
    """The set in numbers and faces."""
    pictures, backbone, classes = prepared.set, prepared.backbone, prepared.classes
    pools = np.bincount(prepared.truth[~prepared.tests], minlength=classes)
    faces = np.zeros((classes, FACES, THUMB, THUMB, 3), np.uint8)
    for index in np.flatnonzero(prepared.labeled(min(labels, FACES))):
        faces[prepared.truth[index], prepared.rank[index]] = prepared.pixels([int(index)], THUMB)[0]
    return SetRead(
        title=pictures.title,
        names=pictures.names,
        found=np.array(pictures.counts, np.int64),
        used=np.bincount(prepared.truth, minlength=classes),
        tests=np.bincount(prepared.truth[prepared.tests], minlength=classes),
        refused=prepared.refusals.count,
        notes=(*prepared.refusals.reasons, *pictures.notes, *prepared.unkept),
        faces=faces,
        labels=int(min(labels, pools.max())),
        most_labels=int(pools.max()),
        backbone=backbone.title,
        width=backbone.net.width,
        parameters=backbone.parameters,
        side=prepared.side,
        sides=backbone.net.sides,
        rate=prepared.rate,
        cached=prepared.cached,
    )


def on_map(prepared: Prepared) -> Ints:
    """Indices of the pictures on the map: of each class about as many, those that can be labeled and tests in turn."""
    turn = 2 * prepared.rank + prepared.tests
    order = np.lexsort((prepared.truth, turn))[:ON_MAP]
    return np.sort(order)


def fits(probe: Probe, prepared: Prepared) -> bool:
    """Whether a probe stands on the backbone in hand, at its size."""
    return probe.model_hash == prepared.backbone.hash and probe.side == prepared.side


def judged(prepared: Prepared, photo: Picture, features: Floats, probe: Probe | None, by: Loaded) -> Verdict:
    """What the probe says of a photo, and which pictures of the set are most alike.

    Raises
    ------
    LabError
        If the probe was made on another backbone than its source now gives.
    """
    seen = squared(photo.rgb, prepared.side)
    names: tuple[str, ...] = ()
    sure = np.zeros(0, np.float32)
    if probe is not None:
        mine = features
        if not fits(probe, prepared):
            if by.hash != probe.model_hash or by.net.width != probe.weight.shape[1]:
                raise LabError("{name}: the weights are not those that the probe was made with.", name=by.title)
            seen = squared(photo.rgb, probe.side)
            mine = embed(by, seen[None])[0]
        chances = probe.probabilities(mine)
        order = np.argsort(-chances, kind="stable")
        names, sure = tuple(probe.names[i] for i in order), chances[order]
    every = prepared.features
    lengths = np.linalg.norm(every, axis=1) * np.linalg.norm(features)
    cosines = every @ features / np.maximum(lengths, 1e-12)
    near = np.argsort(-cosines, kind="stable")[:NEAR]
    return Verdict(
        photo.name, seen, names, sure, near, cosines[near].astype(np.float32),
        tuple(prepared.set.names[label] for label in prepared.truth[near]), prepared.pixels(near, THUMB),
    )  # fmt: skip
