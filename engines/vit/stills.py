"""A photo in a ViT for good: where the class token attends, in all layers and heads, and rollout.

Rollout: Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers".
"""

from __future__ import annotations

import numpy as np

from engines.blocks.backends import FLOAT32
from engines.checkpoints import catalog
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job
from engines.core.stills import Map, Still
from engines.vit.events import Floats, ModelInfo, PhotoGrid
from engines.vit.subject import default_source
from engines.vit.watch.engine import Engine
from engines.vit.watch.spec import ROLLOUT, Answer, WatchParams


class Camera:
    """See `engines.core.stills.Camera`."""

    def __init__(self, source: str = "", device: str = "auto") -> None:
        self._source, self._device = source or default_source(), device
        self._engine = Engine()
        self._sha256 = catalog.fingerprint(self._source)

    def take(self, picture: Picture) -> Still:
        """The class token's attention in each layer and head, the heads of the last layer as maps, and rollout."""
        params = WatchParams(picture=picture, model=self._source, overlay=ROLLOUT, compute=FLOAT32)
        job = Job(params, lambda: self._engine, _nobody, device=self._device)
        events = {type(event): event for event in self._engine.run(job)}
        info, grid, answer = events[ModelInfo], events[PhotoGrid], events[Answer]
        assert isinstance(info, ModelInfo)
        assert isinstance(grid, PhotoGrid)
        assert isinstance(answer, Answer)
        return _still(params, info, grid, answer, self._sha256)


def _nobody(_event: Event) -> None:
    """Nobody waits for single events."""


def _still(params: WatchParams, info: ModelInfo, grid: PhotoGrid, answer: Answer, sha256: str) -> Still:
    weights = answer.classes.weights  # (L, H, N)
    layers, heads = weights.shape[:2]
    patches = weights[..., grid.prefix :].reshape(layers, heads, grid.rows, grid.cols)
    arrays: dict[str, np.ndarray] = {
        "photo": grid.photo,
        "class_token": patches,
        "class_token_to_prefix": weights[..., : grid.prefix],
        "entropy": answer.classes.entropy,
        "distance": answer.classes.distance,
    }
    names = tuple(f"H{head + 1}" for head in range(heads))
    maps = [Map("heads", f"{info.title}, layer {layers}: class token", patches[-1], names, grid.rectangle)]
    if answer.overlay is not None and answer.overlay.matrix is not None:
        row: Floats = answer.overlay.matrix[0]
        arrays["rollout"] = row[grid.prefix :].reshape(grid.rows, grid.cols)
        title = f"{info.title}: rollout to the class token"
        maps.append(Map("rollout", title, arrays["rollout"][None], ("rollout",), grid.rectangle))
    said = f"{layers} layers of {heads} heads, {grid.cols} x {grid.rows} patches"
    if info.has_head:
        arrays["labels"] = np.array(answer.prediction.labels)
        arrays["probabilities"] = answer.prediction.probabilities
        said += f"; {answer.prediction.labels[0]} {answer.prediction.probabilities[0]:.0%}"
    settings: dict[str, object] = {
        "model": info.source, "title": info.title, "sha256": sha256,
        "resolution": params.resolution, "fusion": params.fusion, "discard": params.discard,
        "start_layer": params.start_layer, "extent": grid.rectangle, "prefix": grid.prefix,
    }  # fmt: skip
    return Still(grid.photo, said, arrays, settings, tuple(maps))
