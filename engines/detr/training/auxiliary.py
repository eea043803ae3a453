"""What helps a small DETR learn quickly; thrown away after the training.

- Further groups of object queries that can't see each other, so that each picture is matched several times (Chen et
  al. 2022, "Group DETR"); the first group is kept.
- A head that asks each token of the encoder's output for the class and the box of the object that it lies on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.boxes import cxcywh_to_xyxy, generalized_iou
from engines.detr.model import BoxHead

GROUPS = 4  # of object queries, during training


class TokenHead(nn.Module):
    """Asks each token of the memory for the object on it.

    Parameters
    ----------
    dim, num_classes : int
        Width of the tokens, real classes.
    """

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.cls = nn.Linear(dim, num_classes + 1)
        self.box = BoxHead(dim)

    def forward(self, tokens: Tensor, owner: Tensor, labels: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cross-entropy, L1 and GIoU loss.

        Parameters
        ----------
        tokens : Tensor (B, N, E)
        owner : Tensor int64 (B, N)
            Object under the middle of each token, or -1.
        labels, boxes : Tensor (B, T), (B, T, 4)
        """
        on_object, index = owner >= 0, owner.clamp(min=0)
        classes = torch.where(on_object, labels.gather(1, index), self.num_classes)  # (B, N)
        loss = F.cross_entropy(self.cls(tokens).flatten(0, 1), classes.flatten())
        predicted = self.box(tokens[on_object])  # (M, 4)
        wanted = boxes.gather(1, index[..., None].expand(-1, -1, 4))[on_object]
        count = max(1, len(predicted))
        giou = generalized_iou(cxcywh_to_xyxy(predicted), cxcywh_to_xyxy(wanted))
        return loss, (predicted - wanted).abs().sum() / count, (1 - giou).sum() / count


def same_group(groups: int, queries: int) -> Tensor:
    """Which of the queries of all groups may see which: bool (G·Q, G·Q)."""
    group = torch.arange(groups).repeat_interleave(queries)
    return group[:, None] == group


def split_groups(x: Tensor, groups: int) -> Tensor:
    """(L, B, G·Q, ·) -> (L·G·B, Q, ·), so that each layer and group is matched by itself.

    The first group lies first in each layer.
    """
    return x.unflatten(2, (groups, -1)).transpose(1, 2).flatten(0, 2)
