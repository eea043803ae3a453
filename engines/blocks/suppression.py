"""Non-maximum suppression, greedy and soft: what DETR does without, for comparison."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.blocks.boxes import box_iou
from engines.core.errors import LabError


def non_max_suppression(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedily keep the best box and drop those that overlap it too much.

    Parameters
    ----------
    boxes : Tensor (N, 4)
        xyxy.
    scores : Tensor (N,)
    iou_threshold : float
        A box goes if its IoU with a kept, better one is greater than this.

    Returns
    -------
    Tensor int64 (K,)
        Kept indices, best first; of equal scores the earlier box comes first.
    """
    refuse_undefined(boxes, scores)
    order = scores.argsort(descending=True, stable=True)
    too_close = (box_iou(boxes[order], boxes[order]) > iou_threshold).cpu()  # (N, N)
    dropped = torch.zeros(len(order), dtype=torch.bool)
    kept = []
    for index in range(len(order)):
        if not dropped[index]:
            kept.append(index)
            dropped |= too_close[index]
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def soft_non_max_suppression(
    boxes: Tensor,
    scores: Tensor,
    sigma: float = 0.5,
    iou_threshold: float = 0.3,
    score_threshold: float = 0.001,
    linear: bool = False,
) -> tuple[Tensor, Tensor]:
    """Take the best box, lower the scores of those that overlap it, and again (Bodla et al. 2017, section 4).

    Parameters
    ----------
    boxes : Tensor (N, 4)
        xyxy.
    scores : Tensor (N,)
    sigma : float
        Gaussian: a score is multiplied by ``exp(-IoU^2 / sigma)``.
    iou_threshold : float
        ``linear``: a score is multiplied by ``1 - IoU`` where the IoU is greater than this.
    score_threshold : float
        A box whose lowered score is below this is gone.

    Returns
    -------
    (Tensor int64 (K,), Tensor (K,))
        Kept indices, best lowered score first, and those scores.
    """
    refuse_undefined(boxes, scores)
    overlap = box_iou(boxes, boxes)  # (N, N)
    factor = torch.exp(-(overlap**2) / sigma)
    if linear:
        factor = torch.where(overlap > iou_threshold, 1 - overlap, 1.0)
    left = scores.clone()
    kept, values = [], []
    for _ in range(len(scores)):
        best = int(left.argmax())  # of equal scores the first
        if left[best] < score_threshold:
            break
        kept.append(best)
        values.append(left[best].clone())
        left = left * factor[best]
        left[torch.tensor(kept, device=left.device)] = -torch.inf
    return (
        torch.tensor(kept, dtype=torch.int64, device=scores.device),
        torch.stack(values) if values else scores.new_zeros(0),
    )


def refuse_undefined(boxes: Tensor, scores: Tensor) -> None:
    """Raise LabError if any number is NaN or infinite, ValueError if boxes (N, 4) lack scores (N,)."""
    if len(boxes) != len(scores):
        raise ValueError(f"{len(boxes)} boxes and {len(scores)} scores")
    if not bool(torch.isfinite(scores).all() and torch.isfinite(boxes).all()):
        raise LabError("Boxes can't be compared: some coordinates are not finite (inf or NaN).")
