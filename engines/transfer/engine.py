"""Answers the tab "Transfer": the set, the map of its features, and what the probe says of a photo."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.data.class_folders import squared
from engines.transfer.learn.features import FeatureMaps, making
from engines.transfer.learn.spec import Results
from engines.transfer.library import SHARED, Loaded, Prepared, embed, results_key
from engines.transfer.new_photo.verdict import fits, judged
from engines.transfer.spec import THUMB, SetRead, TransferParams
from engines.transfer.store import read_results

FACES = 8  #: labeled pictures of a class to look at


class Engine:
    """See `engines.transfer.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._told: Memo[SetRead] = Memo()
        self._maps: Memo[FeatureMaps] = Memo()

    def run(self, job: Job[TransferParams]) -> Iterator[Event]:
        """Read the set, then draw the map and judge the photo."""
        params = job.params
        prepared = yield from SHARED.prepare(params, job.device)
        yield self._told.get((prepared, params.labels), lambda: told(prepared, params.labels))
        yield Results(read_results(results_key(prepared, params.max_per_class)))
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
        maps = yield from self._maps.get_in_steps(prepared, lambda: making(prepared))
        yield from maps.draw(params, photo)


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
        throughput=prepared.throughput,
        cached=prepared.cached,
        source=backbone.source,
        sha256=backbone.sha256,
    )
