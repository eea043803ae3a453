"""Non-maximum suppression: what DETR does without, for comparison."""

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
    if not bool(torch.isfinite(scores).all() and torch.isfinite(boxes).all()):
        raise LabError("Boxes can't be compared: some numbers are infinite or undefined (NaN).")
    order = scores.argsort(descending=True, stable=True)
    too_close = (box_iou(boxes[order], boxes[order]) > iou_threshold).cpu()  # (N, N)
    dropped = torch.zeros(len(order), dtype=torch.bool)
    kept = []
    for index in range(len(order)):
        if not dropped[index]:
            kept.append(index)
            dropped |= too_close[index]
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]
