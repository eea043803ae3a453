"""What an RT-DETR says of validation pictures, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engines.blocks.average_precision import measure
from engines.blocks.boxes import box_iou, cxcywh_to_xyxy
from engines.blocks.detections import flatten
from engines.blocks.matcher import Target
from engines.rt_detr.agreement import agreement
from engines.rt_detr.evaluate import detections
from engines.rt_detr.matcher import HungarianMatcher
from engines.rt_detr.model import RtDetr
from engines.rt_detr.training.spec import Found, Measured


class Answers(NamedTuple):
    """What a model says of V pictures; on the CPU.

    Attributes
    ----------
    logits, boxes : Tensor (V, Q, C), (V, Q, 4) cxcywh
        Of the last layer.
    own_logits, own_boxes : Tensor (V, Q, C), (V, Q, 4) cxcywh
        Of the chosen locations themselves.
    places : Tensor int64 (V, Q)
        Those locations.
    """

    logits: Tensor
    boxes: Tensor
    own_logits: Tensor
    own_boxes: Tensor
    places: Tensor

    @property
    def finite(self) -> bool:
        """Whether all numbers are."""
        return bool(torch.isfinite(sum(part.sum() for part in self[:4])))  # type: ignore[arg-type]


@torch.no_grad()
def answers(model: RtDetr, pixels: Tensor) -> Answers:
    """Pixels (V, 3, H, W) -> what the model says of them."""
    memory = model.encode(pixels)
    proposals = model.propose(memory)
    which = model.select(proposals)
    chosen = proposals.taken(which)
    decoded = model.decode(memory, chosen)
    every = decoded.logits[-1], decoded.boxes[-1], chosen.logits, chosen.boxes.sigmoid(), which
    return Answers(*(part.cpu() for part in every))


def gathered(parts: Sequence[Answers]) -> Answers:
    """Those of several batches as one; where they are not finite as boxes in the middle with no class."""
    every = Answers(*(torch.cat(part) for part in zip(*parts, strict=True)))
    if every.finite:
        return every
    nothing = torch.full_like(every.logits, -20.0), torch.full_like(every.boxes, 0.5)
    return Answers(*nothing, *nothing, every.places)


def found_in(matcher: HungarianMatcher, said: Answers, targets: Sequence[Target]) -> list[Found]:
    """What is said, as the window wants it, each picture matched with its objects."""
    here = [{name: part.cpu() for name, part in target.items()} for target in targets]
    matches = matcher(said.logits, said.boxes, here)
    scores, labels = said.logits.sigmoid().max(-1)
    corners = cxcywh_to_xyxy(said.boxes)
    out = []
    for index, (target, (rows, cols)) in enumerate(zip(here, matches, strict=True)):
        owners = np.full(len(target["labels"]), -1, np.int64)
        owners[cols.numpy()] = rows.numpy()
        box, label, score, place = (part[index].numpy().copy() for part in (corners, labels, scores, said.places))
        out.append(Found(box, label, score, owners, place))
    return out


def covered(said: Answers, targets: Sequence[Target]) -> tuple[np.ndarray, np.ndarray]:
    """Score and IoU (V·Q,) of each chosen location: of its own box with the object that it covers best, 0 for none."""
    scores = said.own_logits.sigmoid().amax(-1)
    corners, ious = cxcywh_to_xyxy(said.own_boxes), torch.zeros(scores.shape)
    for index, target in enumerate(targets):
        if len(target["labels"]):
            ious[index] = box_iou(corners[index], cxcywh_to_xyxy(target["boxes"].cpu())).amax(-1)
    return scores.flatten().numpy(), ious.flatten().numpy()


def precision(logits: Tensor, boxes: Tensor, targets: Sequence[Target], size: int) -> tuple[float, float]:
    """AP and AP50 as COCO measures them, of logits (V, Q, C) and boxes (V, Q, 4) cxcywh on pictures of that side."""
    truth = [
        {"boxes": (cxcywh_to_xyxy(target["boxes"].cpu()) * size).numpy(), "labels": target["labels"].cpu().numpy()}
        for target in targets
    ]
    found = measure(flatten(truth, detections(logits, boxes, size), "xyxy"))
    return max(0.0, found.ap), max(0.0, found.ap50)


def switched(before: Sequence[np.ndarray], now: Sequence[np.ndarray]) -> float:
    """Share of the objects with another owner than before, from owners (T,) a picture; -1 without a before."""
    if not before:
        return -1.0
    moved = sum(int((a != b).sum()) for a, b in zip(before, now, strict=True))
    return moved / max(1, sum(map(len, now)))


def measured(
    step: int, said: Answers, targets: Sequence[Target], size: int, watched: Sequence[int], before: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], Measured]:
    """The owners (T,) of each picture's objects, as locations, and all figures; ``before``: those of the last time."""
    found = found_in(HungarianMatcher(), said, targets)
    owners = [one.owned_places for one in found]
    ap, ap50 = precision(said.logits, said.boxes, targets, size)
    scores, ious = covered(said, targets)
    told = agreement(scores, ious)
    return owners, Measured(
        step,
        ap,
        ap50,
        precision(said.own_logits, said.own_boxes, targets, size)[1],
        switched(before, owners),
        told.correlation,
        told.both,
        tuple(found[at] for at in watched),
        scores,
        ious,
    )
