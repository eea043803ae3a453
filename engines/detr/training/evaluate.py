"""How good the toy DETR is: average precision on held-out scenes, measured as COCO does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.data.scene_sets import SIZE, Precision, scene_precision
from engines.data.scenes import Scene
from engines.detr.model import Detr
from engines.detr.preprocess import normalize


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
