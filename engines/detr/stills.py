"""A photo in a real DETR for good: its boxes, and where the surest query looks."""

from __future__ import annotations

import numpy as np

from engines.blocks.backends import FLOAT32
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job
from engines.core.stills import Map, Mark, Still
from engines.detr.engine import Engine
from engines.detr.spec import Detections, DetrParams, ModelInfo, PictureShown
from engines.detr.weights import MODELS


class Camera:
    """See `engines.core.stills.Camera`. The toy model sees no photos, so it is none of those that may answer."""

    def __init__(self, source: str = "", device: str = "auto") -> None:
        ready = (model.name for model in MODELS if model.ready)
        self._source, self._device = source or next(ready, ""), device
        if not self._source:
            raise LabError(
                "No model that finds objects in photos is on this machine. Download one in the window, or name a "
                "folder with --model."
            )
        self._engine = Engine()
        self._sha256 = catalog.fingerprint(self._source)

    def take(self, picture: Picture) -> Still:
        """Boxes, scores and classes of all queries; those that pass the threshold as marks."""
        params = DetrParams(source=self._source, picture=picture, compute=FLOAT32)
        job = Job(params, lambda: self._engine, _nobody, device=self._device)
        events = {type(event): event for event in self._engine.run(job)}
        info, shown, found = events[ModelInfo], events[PictureShown], events[Detections]
        assert isinstance(info, ModelInfo)
        assert isinstance(shown, PictureShown)
        assert isinstance(found, Detections)
        if info.toy:
            raise LabError("{name}: sees drawn scenes only.", name=info.title)
        return _still(params, info, shown, found, self._sha256)


def _nobody(_event: Event) -> None:
    """Nobody waits for single events."""


def _still(params: DetrParams, info: ModelInfo, shown: PictureShown, found: Detections, sha256: str) -> Still:
    passing = [int(query) for query in np.flatnonzero(found.passes)]
    marks = tuple(
        Mark(tuple(found.boxes[query].tolist()), info.labels[found.labels[query]], float(found.scores[query]))
        for query in sorted(passing, key=lambda query: -found.scores[query])
    )
    arrays: dict[str, np.ndarray] = {
        "photo": shown.rgb, "boxes": found.boxes, "scores": found.scores, "labels": found.labels,
        "no_object": found.no_object, "passes": found.passes, "names": np.array(info.labels),
        "layer_boxes": found.layer_boxes, "layer_scores": found.layer_scores, "layer_labels": found.layer_labels,
        "cross": found.cross,
    }  # fmt: skip
    last = found.cross[-1]  # (H, h, w)
    title = f"{info.title}, layer {len(found.cross)}: cross-attention of query {found.query + 1}"
    captions = tuple(f"H{head + 1}" for head in range(len(last)))
    settings: dict[str, object] = {
        "model": info.source, "title": info.title, "sha256": sha256,
        "threshold": params.threshold, "rule": params.rule, "query": found.query, "extent": found.extent,
    }  # fmt: skip
    maps = (Map("query", title, last, captions, found.extent),)
    return Still(shown.rgb, f"{len(marks)} boxes", arrays, settings, maps, marks)
