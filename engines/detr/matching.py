"""Bipartite matching of predictions and objects (Carion et al. 2020, section 3.1, equation 1).

Shapes: B pictures, Q object queries, C real classes, T objects. Boxes are cxcywh in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from engines.blocks.boxes import cxcywh_to_xyxy, generalized_box_iou
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
        Weights of ``-p(class)``, of the L1 distance of the boxes, and of ``-GIoU``.
    """

    def __init__(self, class_cost: float = 1, bbox_cost: float = 5, giou_cost: float = 2) -> None:
        if class_cost == bbox_cost == giou_cost == 0:
            raise LabError("At least one of the matching costs must not be zero.")
        self.class_cost, self.bbox_cost, self.giou_cost = class_cost, bbox_cost, giou_cost

    @torch.no_grad()
    def cost_matrix(self, logits: Tensor, boxes: Tensor, labels: Tensor, target_boxes: Tensor) -> CostMatrix:
        """Cost of giving each object to each prediction.

        Parameters
        ----------
        logits, boxes : Tensor (..., Q, C+1), (..., Q, 4)
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
        if not all(bool(torch.isfinite(part).all()) for part in (logits, boxes, target_boxes)):
            raise LabError("Predictions and objects can't be matched: some numbers are infinite or undefined (NaN).")
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[-1] - 1:
            raise LabError("An object has a label outside of the {classes} classes.", classes=logits.shape[-1] - 1)
        chosen = labels[..., None, :].expand(*logits.shape[:-1], labels.shape[-1])  # (..., Q, T)
        by_class = -logits.softmax(-1).gather(-1, chosen)
        by_box = (boxes[..., :, None, :] - target_boxes[..., None, :, :]).abs().sum(-1)
        by_giou = -generalized_box_iou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(target_boxes))
        terms = self.class_cost * by_class, self.bbox_cost * by_box, self.giou_cost * by_giou
        return CostMatrix(terms[0] + terms[1] + terms[2], *terms)

    def __call__(self, logits: Tensor, boxes: Tensor, targets: Sequence[Target]) -> list[Match]:
        """Match a batch.

        Parameters
        ----------
        logits, boxes : Tensor (B, Q, C+1), (B, Q, 4)
        targets : list of {"labels": int64 (T,), "boxes": (T, 4)}
            T may differ from picture to picture and be 0 or more than Q.

        Returns
        -------
        list of (rows, cols)
            For each picture the matched predictions, in order, and their objects: int64, min(Q, T) of each.
        """
        counts = [len(target["labels"]) for target in targets]
        labels, target_boxes = pad(targets, logits)
        costs = self.cost_matrix(logits, boxes, labels, target_boxes).total.cpu().numpy()  # (B, Q, T)
        pairs = [linear_sum_assignment(cost[:, :count]) for cost, count in zip(costs, counts, strict=True)]
        return [(torch.from_numpy(rows).long(), torch.from_numpy(cols).long()) for rows, cols in pairs]


def pad(targets: Sequence[Target], like: Tensor) -> tuple[Tensor, Tensor]:
    """Labels (B, T) and boxes (B, T, 4) of all pictures, filled up to the largest T."""
    most = max((len(target["labels"]) for target in targets), default=0)
    labels = torch.zeros(len(targets), most, dtype=torch.int64, device=like.device)
    boxes = torch.full((len(targets), most, 4), 0.5, dtype=like.dtype, device=like.device)
    for index, target in enumerate(targets):
        count = len(target["labels"])
        labels[index, :count] = target["labels"]
        boxes[index, :count] = target["boxes"]
    return labels, boxes
