"""Average precision of 500 images with 20 boxes each, beside pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from tests.benchmarks.table import Measured, Row, interleaved, versus

IMAGES, BOXES, CLASSES = 500, 20, 10
NUMBERS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
NUMBERS += ("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")
WITHIN, MOST = 1e-6, 1.0  #: of the twelve numbers; seconds


def some_images(images: int, boxes: int) -> tuple[list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """Objects, and as many detections around them."""
    rng = np.random.default_rng(0)
    truths, found = [], []
    for _ in range(images):
        low = rng.uniform(0, 400, (boxes, 2))
        corners = np.concatenate([low, low + rng.uniform(5, 200, (boxes, 2))], axis=1)
        labels = rng.integers(0, CLASSES, boxes)
        truths.append({"boxes": corners, "labels": labels})
        said = np.where(rng.random(boxes) < 0.85, labels, rng.integers(0, CLASSES, boxes))
        near = corners + rng.normal(0, 6, corners.shape)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        found.append({"boxes": near, "labels": said, "scores": rng.random(boxes)})
    return truths, found


def mean_ap(images: int = IMAGES, boxes: int = BOXES, repeats: int = 3) -> Measured:
    """The whole evaluation; the reference is handed its own objects ready made."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from engines.mean_ap import evaluate

    truths, found = some_images(images, boxes)
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, (truth, said) in enumerate(zip(truths, found, strict=True)):
        for box, label in zip(truth["boxes"], truth["labels"].tolist(), strict=True):
            wide, high = box[2:] - box[:2]
            annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": label,
                                "bbox": [*box[:2], wide, high], "area": wide * high, "iscrowd": 0})  # fmt: skip
        for box, label, score in zip(said["boxes"], said["labels"].tolist(), said["scores"].tolist(), strict=True):
            results.append({"image_id": image, "category_id": label, "bbox": [*box[:2], *(box[2:] - box[:2])],
                            "score": score})  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": i} for i in range(images)], "annotations": annotations,
                        "categories": [{"id": k} for k in range(CLASSES)]}  # fmt: skip
        coco.createIndex()
        loaded = coco.loadRes(results)

    def theirs() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            scorer = COCOeval(coco, loaded, "bbox")
            scorer.evaluate()
            scorer.accumulate()
            scorer.summarize()
        return scorer.stats

    mine = evaluate(truths, found)
    apart = float(np.abs(np.array([getattr(mine, name) for name in NUMBERS]) - theirs()).max())
    ours, reference = interleaved(lambda: evaluate(truths, found), theirs, repeats=repeats, warm_up=1)
    return versus(
        ours,
        reference,
        sound=apart <= WITHIN and max(ours) < MOST,
        note=f"{images} images × {boxes} boxes, {CLASSES} classes; the twelve numbers apart by at most {apart:.0e}",
    )


def rows() -> list[Row]:
    """One row."""
    return [Row("mean_ap", "COCO evaluation of 500 images × 20 boxes", mean_ap, most_ratio=0.25)]
