"""What the toy DETR finds in the evaluation tab's pictures, as COCO results.

To run it: ``python -m engines.detr.predict_sample``.

The tab only reads the table, so that it opens at once; run this again after new weights were bundled.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.core import files
from engines.data.evaluation_pictures import RESULTS, EvaluationPicture, evaluation_pictures
from engines.detr.checkpoint import load_checkpoint
from engines.detr.model import Detr

LEAST = 0.05  # scores below are left out


@torch.inference_mode()
def results_of(model: Detr, pictures: list[EvaluationPicture]) -> list[dict[str, object]]:
    """Best class of every query that passes `LEAST`, as entries of a COCO results file."""
    entries: list[dict[str, object]] = []
    for one in pictures:
        found = model(model.preprocess(one.picture()))
        scores, labels = found.logits[0].softmax(-1)[:, :-1].max(-1)  # (Q,)
        boxes = (cxcywh_to_xyxy(found.boxes[0]).clamp(0, 1) * one.side).double().numpy()  # (Q, 4)
        for query in torch.argsort(scores, descending=True, stable=True).tolist():
            score = float(scores[query])
            if score >= LEAST:
                corners = np.round(boxes[query], 2)
                box = [*corners[:2], *np.round(corners[2:] - corners[:2], 2)]
                entries.append({"image_id": one.index, "category_id": int(labels[query]),
                                "bbox": [float(v) for v in box], "score": round(score, 4)})  # fmt: skip
    return entries


def write(path: Path = RESULTS) -> int:
    """Write the table, one entry a line; returns how many there are."""
    entries = results_of(load_checkpoint("toy-detr"), evaluation_pictures())
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    files.write(path, f"[\n{lines}\n]\n")
    return len(entries)


if __name__ == "__main__":
    print(f"{write()} detections in {RESULTS.name}")
