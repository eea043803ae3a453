"""The set loss of DETR (Carion et al. 2020, section 3.1, equation 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.boxes import cxcywh_to_xyxy, generalized_iou
from engines.blocks.matcher import HungarianMatcher, Match, Target


class SetCriterion(nn.Module):
    """Match, then compare each prediction with its object, and the unmatched ones with "no object".

    Parameters
    ----------
    num_classes : int
        Real classes C.
    matcher : HungarianMatcher
    eos_coef : float
        Weight of "no object" in the cross-entropy.
    """

    def __init__(self, num_classes: int, matcher: HungarianMatcher, eos_coef: float = 0.1) -> None:
        super().__init__()
        self.num_classes, self.matcher = num_classes, matcher
        self.class_weights: Tensor
        self.register_buffer("class_weights", torch.tensor([1.0] * num_classes + [eos_coef]))

    def forward(self, outputs: Any, targets: Sequence[Target]) -> dict[str, Tensor]:
        """Losses of a batch, without weights.

        Parameters
        ----------
        outputs : DetrOutput, DetrTrace, or mapping with "logits" (B, Q, C+1) and "boxes" (B, Q, 4)
            With "layer_logits" and "layer_boxes" (L, B, Q, ·) the auxiliary losses of all but the last layer
            are added, under the same names with ``_0``, ``_1``, …
        targets : list of {"labels": int64 (T,), "boxes": (T, 4) cxcywh in 0..1}

        Returns
        -------
        dict
            ``loss_ce``, ``loss_bbox``, ``loss_giou``, and ``cardinality_error`` (no loss: how far the number of
            predicted objects is off).
        """
        found = outputs if isinstance(outputs, Mapping) else vars(outputs)
        losses = self.compare(found["logits"], found["boxes"], targets)
        if "layer_logits" in found:
            layers = zip(found["layer_logits"][:-1], found["layer_boxes"][:-1], strict=True)
            for index, (logits, boxes) in enumerate(layers):
                auxiliary = self.compare(logits, boxes, targets)
                losses |= {f"{name}_{index}": value for name, value in auxiliary.items()}
        return losses

    def compare(
        self, logits: Tensor, boxes: Tensor, targets: Sequence[Target], matches: list[Match] | None = None
    ) -> dict[str, Tensor]:
        """Losses of the predictions (B, Q, C+1), (B, Q, 4) of one layer; ``matches`` if they are known already."""
        matches = self.matcher(logits.detach(), boxes.detach(), targets) if matches is None else matches
        device = logits.device
        which = torch.cat([torch.full_like(rows, index) for index, (rows, _) in enumerate(matches)]).to(device)  # (M,)
        rows = torch.cat([rows for rows, _ in matches]).to(device)
        labels = torch.cat([target["labels"][cols] for target, (_, cols) in zip(targets, matches, strict=True)])
        wanted = torch.cat([target["boxes"][cols] for target, (_, cols) in zip(targets, matches, strict=True)])
        classes = torch.full(logits.shape[:2], self.num_classes, device=device)  # (B, Q)
        classes[which, rows] = labels.to(device)
        matched, wanted = boxes[which, rows], wanted.to(device)  # (M, 4)
        counts = torch.tensor([len(target["labels"]) for target in targets], device=device)
        objects = counts.sum().clamp(min=1)
        predicted = (logits.argmax(-1) != self.num_classes).sum(1)  # (B,)
        giou = generalized_iou(cxcywh_to_xyxy(matched), cxcywh_to_xyxy(wanted))
        return {
            "loss_ce": F.cross_entropy(logits.flatten(0, 1), classes.flatten(), self.class_weights.to(logits)),
            "loss_bbox": (matched - wanted).abs().sum() / objects,
            "loss_giou": (1 - giou).sum() / objects,
            "cardinality_error": (predicted - counts).abs().float().mean().detach(),
        }
