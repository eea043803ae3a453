"""The drawn scenes that detectors are trained on and measured with, and how well they do there, as COCO measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engines.blocks.average_precision import measure
from engines.blocks.detections import flatten
from engines.data.scenes import Scene, random_scene, sample_photos

SIZE = 96  # side of a scene in pixels
HELD_OUT, VALIDATION, TRAINING = 2, 1, 0  # first half of the seed of each kind of scene: they never meet


class Precision(NamedTuple):
    """Average precision over IoU 0.5 to 0.95, and at 0.5."""

    ap: float
    ap50: float


def scenes(kind: int, count: int) -> list[Scene]:
    """The first ``count`` scenes of a fixed kind, each from its own seed."""
    photos = sample_photos()
    return [random_scene(np.random.default_rng((kind, index)), SIZE, photos) for index in range(count)]


def scene_precision(held_out: Sequence[Scene], detections: Sequence[dict[str, np.ndarray]]) -> Precision:
    """Measure the detections of scenes: boxes (M, 4) xyxy in pixels, labels (M,), scores (M,)."""
    found = measure(flatten([{"boxes": scene.boxes * SIZE, "labels": scene.labels} for scene in held_out], detections))
    return Precision(found.ap, found.ap50)
