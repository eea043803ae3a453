"""How a DETR in training does on its validation pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from engines.blocks.average_precision import measure
from engines.blocks.boxes import cxcywh_to_xyxy
from engines.blocks.detections import flatten
from engines.blocks.matcher import HungarianMatcher, Target
from engines.data.detector_pictures import Data
from engines.detr.matching.loss import SetCriterion
from engines.detr.training.spec import DetrTraining, Found, Measured


class Answers(NamedTuple):
    """What a model predicts for all validation pictures; on the CPU.

    Attributes
    ----------
    logits : Tensor (V, Q, C+1)
    boxes : Tensor (V, Q, 4)
        cxcywh in 0..1.
    attention : Tensor (V, Q, h, w)
        Cross-attention of the last layer, mean over its heads.
    """

    logits: Tensor
    boxes: Tensor
    attention: Tensor


class Subject(Protocol):
    """What is measured: a run."""

    params: DetrTraining
    data: Data
    criterion: SetCriterion
    targets: list[Target]
    watched: list[int]


def measured(step: int, answers: Answers, run: Subject, before: Sequence[np.ndarray]) -> tuple[list[Found], Measured]:
    """All figures of a measurement; ``before``: the owners (T,) of each picture's objects the last time."""
    logits, boxes, attention = answers
    if not bool(torch.isfinite(logits.sum() + boxes.sum())):  # the step after this stops the run
        logits, boxes = torch.zeros_like(logits), torch.full_like(boxes, 0.5)
        attention = torch.full_like(attention, 1 / attention[0, 0].numel())
    found = found_in(run.criterion.matcher, logits, boxes, run.targets)
    size = run.data.size
    truth = [{"boxes": sample.boxes * size, "labels": sample.labels} for sample in run.data.validation]
    predicted = [{"boxes": one.boxes * size, "labels": one.labels, "scores": one.scores} for one in found]
    precision = measure(flatten(truth, predicted, "xyxy"))  # not `evaluate`: nobody has to guess how they are written
    wrong = [abs(int((one.scores > one.no_object).sum()) - len(one.owners)) for one in found]
    return found, Measured(
        step,
        max(0.0, precision.ap),
        max(0.0, precision.ap50),
        float(np.mean(wrong)),
        switched(before, [one.owners for one in found]),
        tuple(found[at] for at in run.watched),
        attention.mean(0).numpy(),
        centers(boxes, attention.shape[-2], attention.shape[-1]),
    )


def found_in(matcher: HungarianMatcher, logits: Tensor, boxes: Tensor, targets: Sequence[Target]) -> list[Found]:
    """Logits (V, Q, C+1) and boxes (V, Q, 4) as the window wants them, each picture matched with its objects."""
    here = [{name: part.cpu() for name, part in target.items()} for target in targets]
    matches = matcher(logits, boxes, here)
    probabilities = logits.softmax(-1)
    scores, labels = probabilities[..., :-1].max(-1)
    corners = cxcywh_to_xyxy(boxes)
    out = []
    for index, (target, (rows, cols)) in enumerate(zip(here, matches, strict=True)):
        owners = np.full(len(target["labels"]), -1, np.int64)
        owners[cols.numpy()] = rows.numpy()
        own = corners[index].numpy().copy(), labels[index].numpy().copy(), scores[index].numpy().copy()
        out.append(Found(*own, probabilities[index, :, -1].numpy().copy(), owners))
    return out


def switched(before: Sequence[np.ndarray], now: Sequence[np.ndarray]) -> float:
    """Fraction of the objects matched to another query than before, from owners (T,) a picture; -1 without a before."""
    if not before:
        return -1.0
    moved = sum(int((a != b).sum()) for a, b in zip(before, now, strict=True))
    return moved / max(1, sum(map(len, now)))


def centers(boxes: Tensor, rows: int, cols: int) -> np.ndarray:
    """Share of the pictures in which the middle of each query's box lies in each cell: float32 (Q, rows, cols)."""
    counts = np.zeros((boxes.shape[1], rows, cols), np.float32)
    place = boxes[..., :2].clamp(0, 1 - 1e-6).numpy()  # (V, Q, 2)
    query = np.broadcast_to(np.arange(len(counts)), place.shape[:2])
    np.add.at(counts, (query, (place[..., 1] * rows).astype(int), (place[..., 0] * cols).astype(int)), 1)
    return counts / len(boxes)
