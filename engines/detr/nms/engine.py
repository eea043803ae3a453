"""Computes "Without NMS": the same raw boxes through greedy NMS, soft-NMS and set prediction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy
from engines.blocks.matcher import HungarianMatcher, as_boxes
from engines.blocks.suppression import non_max_suppression, soft_non_max_suppression
from engines.core.errors import LabError
from engines.core.protocol import Event, Job
from engines.detr.nms.spec import LINEAR, NmsParams, Outcome, RawBoxes, Suppressed

GRID, ANCHORS = (8, 6), ((0.40, 0.62), (0.56, 0.44), (0.26, 0.38))  # anchors: places across and down, sizes
CANDIDATE = 0.35  # IoU of an anchor with an object from which on it gives a raw box
HIT = 0.5  # IoU at which an object counts as found


class Engine:
    """Takes `NmsParams`, yields `Suppressed`."""

    def run(self, job: Job[NmsParams]) -> Iterator[Event]:
        """One frame."""
        yield suppress(job.params)


@torch.inference_mode()
def suppress(params: NmsParams) -> Suppressed:
    """The same raw boxes through greedy NMS, soft-NMS and set prediction."""
    things = as_boxes(list(params.things))
    raw = params.raw
    anchors = torch.zeros(0, 4) if raw is not None else anchor_boxes()
    if raw is None:
        boxes, scores = raw_boxes(anchors, things)
        labels = torch.zeros(len(boxes), dtype=torch.int64)
    else:
        boxes, scores = as_boxes(list(raw.boxes)), torch.tensor(raw.scores, dtype=torch.float32)
        labels = torch.tensor(raw.labels, dtype=torch.int64)
    corners = cxcywh_to_xyxy(boxes)
    true = cxcywh_to_xyxy(things)
    kinds = torch.tensor(params.kinds or [0] * len(things), dtype=torch.int64)
    same = (labels[:, None] == kinds).numpy()  # (N, T)
    error = None
    apart = corners + 4.0 * labels[:, None]  # boxes of different classes never meet
    try:
        enough = (scores >= params.score).nonzero().flatten()
        greedy = enough[non_max_suppression(apart[enough], scores[enough], params.nms_iou)]
        soft, lowered = soft_non_max_suppression(
            apart, scores, params.sigma, params.nms_iou, max(params.score, 1e-3), params.decay == LINEAR
        )
        matched = set_prediction(boxes, scores, things) if raw is None else kept_by(raw, params.score)
    except LabError as reason:
        error = reason.message
        boxes, scores, corners = boxes[:0], scores[:0], corners[:0]
        greedy = soft = matched = torch.zeros(0, dtype=torch.int64)
        lowered = torch.zeros(0)
    iou = float(box_iou(true[:1], true[1:2])) if len(true) > 1 else 0.0
    return Suppressed(
        params,
        anchors.numpy(),
        boxes.numpy(),
        scores.numpy(),
        outcome(greedy, scores[greedy], corners, true, same),
        outcome(soft, lowered, corners, true, same),
        outcome(matched, scores[matched], corners, true, same),
        iou,
        error,
    )


def anchor_boxes() -> Tensor:
    """Anchors (A, 4), cxcywh: each size at each place of a grid."""
    x, y = ((torch.arange(n) + 0.5) / n for n in GRID)
    places = torch.cartesian_prod(x, y)  # (P, 2)
    sizes = torch.tensor(ANCHORS)
    return torch.cat([places.repeat_interleave(len(sizes), 0), sizes.repeat(len(places), 1)], 1)


def raw_boxes(anchors: Tensor, things: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) and scores (N,), as a detector with anchors gives them before suppression.

    Each anchor that overlaps an object is moved most of the way onto the one it overlaps most; the nearer it comes,
    the better its score. The scatter is drawn once per anchor, so that it does not flicker while objects move.
    """
    if not len(things):
        return torch.zeros(0, 4), torch.zeros(0)
    overlap = box_iou(cxcywh_to_xyxy(anchors), cxcywh_to_xyxy(things))  # (A, T)
    best, which = overlap.max(1)
    chosen = best >= CANDIDATE
    chosen[overlap.argmax(0)] = True  # each object has its best anchor, however small it is
    which[overlap.argmax(0)] = torch.arange(len(things))
    dice = torch.Generator().manual_seed(5)
    scatter = 0.03 * torch.randn(len(anchors), 4, generator=dice)
    aim = things[which]
    boxes = aim + 0.12 * (anchors - aim) + scatter * aim[:, 2:].repeat(1, 2)
    boxes = boxes[chosen]
    near = box_iou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(things)).max(1).values
    return boxes, (near**1.5).clamp(0.01, 0.99)


def set_prediction(boxes: Tensor, scores: Tensor, things: Tensor) -> Tensor:
    """Indices (T,) of the raw boxes that the set loss gives the objects; all others learn "no object".

    Boxes (N, 4) and objects (T, 4) are cxcywh in 0..1, scores (N,) in 0..1.
    """
    if not len(boxes) or not len(things):
        return torch.zeros(0, dtype=torch.int64)
    logits = torch.stack([scores, 1 - scores], -1).clamp(min=1e-6).log()
    targets = [{"labels": torch.zeros(len(things), dtype=torch.int64), "boxes": things}]
    rows, _ = HungarianMatcher()(logits[None], boxes[None], targets)[0]
    return rows[scores[rows].argsort(descending=True, stable=True)]


def kept_by(raw: RawBoxes, least: float) -> Tensor:
    """Indices (K,) of what the model itself counts as objects, best first."""
    scores = torch.tensor(raw.scores)
    kept = torch.tensor([i for i in raw.kept if raw.scores[i] >= least], dtype=torch.int64)
    return kept[scores[kept].argsort(descending=True, stable=True)]


def outcome(kept: Tensor, scores: Tensor, boxes: Tensor, true: Tensor, same: npt.NDArray[np.bool_]) -> Outcome:
    """Which of the kept boxes find an object, best first; ``same`` (N, T): they are of one class."""
    overlap = box_iou(boxes[kept], true).numpy() * same[kept.numpy()]  # (K, T)
    free, found = np.ones(len(true), bool), []
    for row in overlap:
        fits = np.where(free, row, 0.0)
        best = int(fits.argmax()) if len(true) else -1
        hit = best >= 0 and fits[best] >= HIT
        found.append(best if hit else -1)
        if hit:
            free[best] = False
    return Outcome(kept.numpy(), scores.float().numpy(), np.array(found, np.int64))
