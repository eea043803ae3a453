"""How good the toy DETR is: average precision on held-out scenes, measured as COCO does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from engines.blocks.average_precision import measure
from engines.blocks.boxes import cxcywh_to_xyxy
from engines.blocks.detections import flatten
from engines.data.scenes import Scene, random_scene, sample_photos
from engines.detr.model import Detr
from engines.detr.preprocess import normalize

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


@torch.inference_mode()
def predict(model: Detr, batch: Sequence[Scene]) -> list[dict[str, np.ndarray]]:
    """Best real class of every query: ``boxes`` (Q, 4) xyxy in pixels, ``labels`` (Q,), ``scores`` (Q,)."""
    found = model(normalize(np.stack([scene.rgb for scene in batch])))
    scores, labels = found.logits.softmax(-1)[..., :-1].max(-1)  # (B, Q)
    boxes = cxcywh_to_xyxy(found.boxes) * SIZE
    parts = zip(boxes.numpy(), labels.numpy(), scores.numpy(), strict=True)
    return [{"boxes": box, "labels": label, "scores": score} for box, label, score in parts]


def average_precision(model: Detr, held_out: Sequence[Scene], batch: int = 50) -> Precision:
    """Detect on scenes and measure as COCO does."""
    detections: list[dict[str, np.ndarray]] = []
    for start in range(0, len(held_out), batch):
        detections += predict(model, held_out[start : start + batch])
    return scene_precision(held_out, detections)


def scene_precision(held_out: Sequence[Scene], detections: Sequence[dict[str, np.ndarray]]) -> Precision:
    """Measure the detections of scenes: boxes (M, 4) xyxy in pixels, labels (M,), scores (M,)."""
    found = measure(flatten([{"boxes": scene.boxes * SIZE, "labels": scene.labels} for scene in held_out], detections))
    return Precision(found.ap, found.ap50)
