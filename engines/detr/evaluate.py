"""How good the toy DETR is: average precision on held-out scenes, measured as COCO does."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.data.scenes import KINDS, Scene, random_scene, sample_photos
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
    """Detect on scenes and score with pycocotools, which must be installed."""
    detections: list[dict[str, np.ndarray]] = []
    for start in range(0, len(held_out), batch):
        detections += predict(model, held_out[start : start + batch])
    return coco_precision(held_out, detections)


def coco_precision(held_out: Sequence[Scene], detections: Sequence[dict[str, np.ndarray]]) -> Precision:
    """Score the detections of scenes, in pixels, with the COCO evaluation."""
    from pycocotools.coco import COCO  # needed by nobody but who measures
    from pycocotools.cocoeval import COCOeval

    def entry(index: int, label: int, box: np.ndarray, **more: float) -> dict[str, object]:
        x, y, width, height = (float(v) for v in (*box[:2], *(box[2:] - box[:2])))
        area = width * height
        return {"image_id": index, "category_id": label, "bbox": [x, y, width, height], "area": area, **more}

    truth: list[dict[str, object]] = []
    said: list[dict[str, object]] = []
    for index, (scene, found) in enumerate(zip(held_out, detections, strict=True)):
        for box, label in zip(scene.boxes * SIZE, scene.labels.tolist(), strict=True):
            truth.append(entry(index, label, box, id=len(truth) + 1, iscrowd=0))
        for box, label, score in zip(found["boxes"], found["labels"].tolist(), found["scores"].tolist(), strict=True):
            said.append(entry(index, label, box, score=score))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": index, "width": SIZE, "height": SIZE} for index in range(len(held_out))],
            "annotations": truth,
            "categories": [{"id": index, "name": kind} for index, kind in enumerate(KINDS)],
        }
        coco.createIndex()
        scorer = COCOeval(coco, coco.loadRes(said), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return Precision(float(scorer.stats[0]), float(scorer.stats[1]))
