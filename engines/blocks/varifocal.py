"""The class term of RT-DETR's loss."""

from __future__ import annotations

from torch import Tensor, zeros_like
from torch.nn import functional as F


def varifocal_loss(
    logits: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, alpha: float = 0.75, gamma: float = 2.0
) -> Tensor:
    """The class term of RT-DETR, of each prediction; divided by the number of objects their sum is the loss.

    The class of a matched object is asked for the IoU of the two boxes instead of 1, and counts by it; every other
    class, and those of unmatched predictions, are asked for 0 and count by how sure they are. There is no class for
    "no object". (Zhang et al. 2021, "VarifocalNet")

    Parameters
    ----------
    logits : Tensor (Q, C)
        Each class has a sigmoid of its own.
    rows, labels, quality : Tensor (M,)
        The matched predictions, and class and IoU of the object that each has.

    Returns
    -------
    Tensor (Q,)
    """
    wanted, weight = zeros_like(logits), alpha * logits.detach().sigmoid() ** gamma
    wanted[rows, labels] = weight[rows, labels] = quality.detach().to(logits)
    return F.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="none").sum(-1)
