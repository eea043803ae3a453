"""Bipartite matching of predictions and objects (Carion et al. 2020, section 3.1, equation 1).

Shapes: B pictures, Q object queries, C real classes, T objects. Boxes are cxcywh in 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engines.core.errors import LabError

Target = Mapping[str, Tensor]
Match = tuple[Tensor, Tensor]


class CostMatrix(NamedTuple):
    """The cost of each pair (..., Q, T) and the three addends that it is the sum of, each with its weight in it."""

    total: Tensor
    class_cost: Tensor
    bbox_cost: Tensor
    giou_cost: Tensor


class HungarianMatcher:
    """Assigns each object its own prediction, so that the sum of the costs is the smallest possible.

    Parameters
    ----------
    class_cost, bbox_cost, giou_cost : float
        Weights of the class term, of the L1 distance of the boxes, and of ``-GIoU``.
    focal : bool
        The class term of RT-DETR (Zhao et al. 2024; Zhu et al. 2021, Deformable DETR): each class has a sigmoid of its
        own and there is no column for "no object", so that logits are (..., Q, C). Otherwise it is ``-p(class)`` of a
        softmax over (..., Q, C+1).
    alpha, gamma : float
        Of the focal loss (Lin et al. 2017, section 3), for ``focal`` alone.
    """

    def __init__(
        self,
        class_cost: float = 1,
        bbox_cost: float = 5,
        giou_cost: float = 2,
        focal: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
    ) -> None:
        if class_cost == bbox_cost == giou_cost == 0:
            raise LabError("At least one matching cost must be nonzero.")
        self.class_cost, self.bbox_cost, self.giou_cost = class_cost, bbox_cost, giou_cost
        self.focal, self.alpha, self.gamma = focal, alpha, gamma

    @torch.no_grad()
    def cost_matrix(self, logits: Tensor, boxes: Tensor, labels: Tensor, target_boxes: Tensor) -> CostMatrix:
        """Cost of giving each object to each prediction.

        Parameters
        ----------
        logits, boxes : Tensor (..., Q, C+1), or (..., Q, C) if ``focal``; (..., Q, 4)
        labels, target_boxes : Tensor int64 (..., T), float (..., T, 4)

        Returns
        -------
        CostMatrix
            ``total`` (..., Q, T), then ``class_cost``, ``bbox_cost`` and ``giou_cost``, which add up to it.

        Raises
        ------
        LabError
            If a number is not finite, or a label is no real class.
        """
        self.check(logits, boxes, target_boxes)
        classes = logits.shape[-1] - (not self.focal)
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise LabError("An object's label is none of the {classes} classes.", classes=classes)
        # Objects along the rows, so that the long inner axis is the one of the queries; turned round at the end.
        chosen = labels[..., :, None].expand(*labels.shape, logits.shape[-2])  # (..., T, Q)
        by_class = self._class_terms(logits).transpose(-1, -2).gather(-2, chosen)
        by_class.mul_(self.class_cost if self.focal else -self.class_cost)
        by_box = torch.cdist(target_boxes, boxes, p=1).mul_(self.bbox_cost)
        by_giou = pairwise_giou(target_boxes, boxes).mul_(-self.giou_cost)
        terms = [term.transpose(-1, -2) for term in (by_class, by_box, by_giou)]
        return CostMatrix(terms[0] + terms[1] + terms[2], *terms)

    def check(self, *parts: Tensor) -> None:
        """Refuse predictions and objects of any shape that hold something else than finite numbers.

        Raises
        ------
        LabError
        """
        refuse_undefined(*parts)

    def _class_terms(self, logits: Tensor) -> Tensor:
        """What the class term weighs (..., Q, C or C+1): the focal cost, or the probability, which counts against."""
        if not self.focal:
            return logits.softmax(-1)
        p = logits.sigmoid()
        wrong = (1 - self.alpha) * p**self.gamma * -(1 - p + 1e-8).log()
        return self.alpha * (1 - p) ** self.gamma * -(p + 1e-8).log() - wrong

    def __call__(self, logits: Tensor, boxes: Tensor, targets: Sequence[Target]) -> list[Match]:
        """Match a batch.

        Parameters
        ----------
        logits, boxes : Tensor (B, Q, C+1), or (B, Q, C) if ``focal``; (B, Q, 4)
        targets : list of {"labels": int64 (T,), "boxes": (T, 4)}
            T may differ from picture to picture and be 0 or more than Q.

        Returns
        -------
        list of (rows, cols)
            For each picture the matched predictions, in order, and their objects: int64, min(Q, T) of each.
        """
        counts = [len(target["labels"]) for target in targets]
        with torch.inference_mode():  # each operation is told a little less; only numbers leave it
            labels, target_boxes = pad(targets, logits)
            total = self.cost_matrix(logits, boxes, labels, target_boxes).total
            most = torch.finfo(total.dtype).max  # of a pair that is not finite, where `check` lets it pass
            costs = total.nan_to_num(most, most, most).double().cpu().mT.numpy()  # (B, T, Q)
        return [assigned(cost[:count]) for cost, count in zip(costs, counts, strict=True)]


def assigned(cost: np.ndarray) -> Match:
    """The best assignment of a cost matrix (T, Q): matched predictions, in order, and their objects.

    Objects along the rows and in float64, as scipy's solver wants them: it would turn and copy anything else.
    """
    objects, queries = linear_sum_assignment(cost)
    order = queries.argsort()
    return torch.from_numpy(queries[order]), torch.from_numpy(objects[order])


def pad(targets: Sequence[Target], like: Tensor) -> tuple[Tensor, Tensor]:
    """Labels (B, T) and boxes (B, T, 4) of all pictures, filled up to the largest T."""
    if not targets:
        return torch.zeros(0, 0, dtype=torch.int64, device=like.device), like.new_zeros(0, 0, 4)
    each_labels, each_boxes = ([target[name] for target in targets] for name in ("labels", "boxes"))
    if len({len(one) for one in each_labels}) == 1:
        labels, boxes = torch.stack(each_labels), torch.stack(each_boxes)
    else:
        labels = pad_sequence(each_labels, batch_first=True)
        boxes = pad_sequence(each_boxes, batch_first=True, padding_value=0.5)
    return labels.to(like.device, torch.int64), boxes.to(like)


def as_boxes(boxes: list[tuple[float, float, float, float]]) -> Tensor:
    """Boxes (N, 4), also of none."""
    return torch.tensor(boxes, dtype=torch.float32).reshape(len(boxes), 4)


def refuse_undefined(*parts: Tensor) -> None:
    """Raise LabError if any number is NaN or infinite."""
    if all(math.isfinite(part.sum()) for part in parts):  # a sum is the quickest look at all of them
        return
    if not all(bool(part.isfinite().all()) for part in parts):  # else it was the sum alone that overflowed
        raise LabError("Predictions and objects can't be matched: some values are not finite (inf or NaN).")


def pairwise_giou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU (..., N, M) of cxcywh boxes (..., N, 4) and (..., M, 4): `generalized_box_iou`, coordinate by coordinate.

    Most of a matcher's time goes here, and most of that into strides; the values are the same.
    """
    tiny = torch.finfo(a.dtype).tiny
    a, b = a.movedim(-1, 0).contiguous()[..., :, None], b.movedim(-1, 0).contiguous()[..., None, :]
    half_a, half_b = a[2:] / 2, b[2:] / 2  # (2, ..., N, 1), (2, ..., 1, M): x, y
    a_low, a_high, b_low, b_high = a[:2] - half_a, a[:2] + half_a, b[:2] - half_b, b[:2] + half_b
    side_a, side_b = a_high - a_low, b_high - b_low
    common = torch.minimum(a_high, b_high).sub_(torch.maximum(a_low, b_low))  # (2, ..., N, M); negative: a gap
    around = (side_a + side_b).sub_(common)  # what both cover from end to end, gap included
    hull = around[0] * around[1]
    wide, high = common.clamp_(min=0)
    inner = wide * high
    union = (side_a[0] * side_a[1] + side_b[0] * side_b[1]).sub_(inner)
    empty = (hull - union).div_(hull.clamp_(min=tiny))
    return inner.div_(union.clamp_(min=tiny)).sub_(empty)
