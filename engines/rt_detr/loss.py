"""RT-DETR's loss: every layer, the chosen locations of the encoder, and the denoising queries.

Source: Zhao et al. 2024, section 4.3, with the varifocal loss of Zhang et al. 2021; weights 1, 5 and 2 as there.
Shapes: B batch, T objects, Q queries, D denoising queries, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.boxes import cxcywh_to_xyxy, generalized_iou, iou
from engines.blocks.matcher import Match, Target
from engines.blocks.varifocal import varifocal_loss
from engines.rt_detr.matcher import HungarianMatcher

CLASS, BOX, GIOU = 1.0, 5.0, 2.0
ALPHA, GAMMA = 0.75, 2.0


def focal_to_one(logits: Tensor, rows: Tensor, labels: Tensor, alpha: float = ALPHA, gamma: float = GAMMA) -> Tensor:
    """As `varifocal_loss`, but the class of a matched object is asked for 1, whatever the IoU of its box.

    It weighs .75 (1 - p)² + .25, so that it counts less where it is sure already, and never nothing.

    Parameters
    ----------
    logits : Tensor (Q, C)
    rows, labels : Tensor (M,)

    Returns
    -------
    Tensor (Q,)
    """
    p = logits.detach().sigmoid()
    wanted, weight = torch.zeros_like(logits), alpha * p**gamma
    wanted[rows, labels] = 1.0
    weight[rows, labels] = alpha * (1 - p[rows, labels]) ** gamma + (1 - alpha)
    return F.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="none").sum(-1)


@dataclass
class Criterion:
    """Compares predictions with their objects.

    Attributes
    ----------
    matcher : HungarianMatcher
    quality : bool
        A matched class is asked for the IoU of its box, as in RT-DETR; otherwise for 1.
    """

    matcher: HungarianMatcher
    quality: bool = True

    def match(self, logits: Tensor, boxes: Tensor, targets: Sequence[Target]) -> list[Match]:
        """For each picture the matched queries (B, Q, ·) and their objects."""
        return self.matcher(logits.detach(), boxes.detach(), targets)

    def compare(
        self, logits: Tensor, boxes: Tensor, targets: Sequence[Target], matches: Sequence[Match], share: int = 1
    ) -> Tensor:
        """Class, L1 and GIoU loss (3,) of predictions (B, Q, C), (B, Q, 4), without weights.

        Divided by the number of objects, and by ``share``: each is to be found so many times.
        """
        which = torch.cat([rows + index * logits.shape[1] for index, (rows, _) in enumerate(matches)])  # (M,)
        labels = torch.cat([target["labels"][cols] for target, (_, cols) in zip(targets, matches, strict=True)])
        wanted = torch.cat([target["boxes"][cols] for target, (_, cols) in zip(targets, matches, strict=True)])
        found = boxes.flatten(0, 1)[which]  # (M, 4)
        objects = max(1, sum(len(target["labels"]) for target in targets)) * share
        a, b = cxcywh_to_xyxy(found), cxcywh_to_xyxy(wanted)
        flat = logits.flatten(0, 1)  # (B·Q, C)
        by_class = (
            varifocal_loss(flat, which, labels, iou(a.detach(), b), ALPHA, GAMMA)
            if self.quality
            else focal_to_one(flat, which, labels)
        )
        box, giou = (found - wanted).abs().sum(), (1 - generalized_iou(a, b)).sum()
        return torch.stack([by_class.sum(), box, giou]) / objects


def weighted(losses: Tensor) -> Tensor:
    """The sum of class, L1 and GIoU losses (..., 3) with their weights, a scalar."""
    return (losses * losses.new_tensor([CLASS, BOX, GIOU])).sum()
