"""From what an RT-DETR says to detections, and how good those are on drawn scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.data.scene_sets import SIZE, Precision, scene_precision
from engines.data.scenes import Scene
from engines.rt_detr.interventions import UNTOUCHED, Interventions
from engines.rt_detr.model import RtDetr
from engines.rt_detr.preprocess import TOY


def scene_pixels(rgb: np.ndarray) -> Tensor:
    """Pictures uint8 (B, H, W, 3) -> pixels (B, 3, H, W) as the toy sees them, stored channels last."""
    return TOY(rgb)


def detections(logits: Tensor, boxes: Tensor, scale: float = 1.0) -> list[dict[str, np.ndarray]]:
    """The best Q pairs of a query and a class; one query may say two of them.

    Parameters
    ----------
    logits, boxes : Tensor (B, Q, C), (B, Q, 4) cxcywh in 0..1
    scale : float
        Pixels of the picture's side.

    Returns
    -------
    list of dict
        For each picture ``boxes`` (Q, 4) xyxy, ``labels`` (Q,), ``scores`` (Q,) and ``queries`` (Q,), best first.
    """
    count, classes = logits.shape[1:]
    scores, at = logits.sigmoid().flatten(1).topk(count, 1)  # (B, Q)
    queries, labels = at // classes, at % classes
    corners = (cxcywh_to_xyxy(boxes) * scale).gather(1, queries[..., None].expand(-1, -1, 4))
    parts = zip(corners.numpy(), labels.numpy(), scores.numpy(), queries.numpy(), strict=True)
    return [{"boxes": b, "labels": c, "scores": s, "queries": q} for b, c, s, q in parts]


@torch.inference_mode()
def layer_precisions(
    model: RtDetr, held_out: Sequence[Scene], changes: Interventions = UNTOUCHED, batch: int = 50
) -> list[Precision]:
    """Precision of the encoder's choice alone, then of each decoder layer."""
    found: list[list[dict[str, np.ndarray]]] = [[] for _ in range(len(model.decoder.layers) + 1)]
    for start in range(0, len(held_out), batch):
        part = held_out[start : start + batch]
        memory = model.encode(scene_pixels(np.stack([scene.rgb for scene in part])))
        proposals = model.propose(memory)
        chosen = proposals.taken(model.select(proposals))
        decoded = model.decode(memory, chosen, changes)
        steps = [(chosen.logits, chosen.boxes.sigmoid()), *zip(decoded.logits, decoded.boxes, strict=True)]
        for into, (logits, boxes) in zip(found, steps, strict=False):
            into += detections(logits, boxes, SIZE)
    return [scene_precision(held_out, each) for each in found if each]


def average_precision(model: RtDetr, held_out: Sequence[Scene]) -> Precision:
    """Precision of the last layer."""
    return layer_precisions(model, held_out)[-1]
