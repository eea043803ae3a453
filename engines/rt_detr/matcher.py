"""RT-DETR's matcher: Hungarian, with the focal class cost."""

from __future__ import annotations

from torch import Tensor

from engines.blocks import matcher


class HungarianMatcher(matcher.HungarianMatcher):
    """Assigns each object its own prediction, so that the sum of the costs is the smallest possible.

    Parameters
    ----------
    class_cost, bbox_cost, giou_cost : float
        Weights of the focal class term, of the L1 distance of the boxes, and of ``-GIoU``.
    alpha, gamma : float
        Of the focal loss (Lin et al. 2017, section 3).

    Notes
    -----
    Called with logits (B, Q, C) and boxes (B, Q, 4). A pair whose cost is not finite is taken last, as in RT-DETR.
    """

    def __init__(
        self,
        class_cost: float = 2,
        bbox_cost: float = 5,
        giou_cost: float = 2,
        alpha: float = 0.25,
        gamma: float = 2.0,
    ) -> None:
        super().__init__(class_cost, bbox_cost, giou_cost, focal=True, alpha=alpha, gamma=gamma)

    def check(self, *parts: Tensor) -> None:
        """Nothing is refused."""
