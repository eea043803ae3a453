"""Denoising queries: noised copies of the true objects beside the queries, for training alone (Zhang 2023, DINO).

Shapes: B batch, T most objects of a picture in the batch, G groups, D = G·2·T denoising queries, Q queries, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.blocks.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from engines.blocks.matcher import Match, Target, pad
from engines.rt_detr.decoder import inverse_sigmoid


@dataclass(frozen=True)
class Noised:
    """Denoising queries of a batch.

    Attributes
    ----------
    labels : Tensor int64 (B, D)
        C stands for a place without an object.
    boxes : Tensor (B, D, 4)
        As logits.
    mask : Tensor bool (D + Q, D + Q)
        Which queries may see which.
    matches : list of (rows, cols)
        For each picture the queries that are to find their object, and the objects.
    groups : int
    """

    labels: Tensor
    boxes: Tensor
    mask: Tensor
    matches: list[Match]
    groups: int


def group_mask(size: int, groups: int, queries: int) -> Tensor:
    """Which queries may see which, bool (D + Q, D + Q), with ``groups`` of ``size`` denoising queries first.

    A group sees itself and the queries; queries see only each other, since a noised copy would tell them the answer.
    """
    number = torch.cat([torch.arange(groups).repeat_interleave(size), torch.full((queries,), -1)])
    return (number[:, None] == number) | (number == -1)


def noise(
    targets: Sequence[Target],
    classes: int,
    queries: int,
    count: int = 100,
    label_noise: float = 0.5,
    box_noise: float = 1.0,
    generator: torch.Generator | None = None,
    most_groups: int = 0,
) -> Noised | None:
    """Make denoising queries; None where no picture has an object.

    Parameters
    ----------
    targets : list of {"labels": int64 (T,), "boxes": (T, 4) cxcywh in 0..1}
    classes, queries : int
    count : int
        Good copies of a picture at most, and as many bad ones: as many groups as there is room for, each of a good and
        a bad copy of each object; at least one group.
    label_noise : float
        Half of it is the share of labels that are drawn anew.
    box_noise : float
        Each corner of a good copy moves by up to half a side times this, that of a bad one by half a side to a whole.
    generator : torch.Generator, optional
    most_groups : int
        Groups at most; 0 for no bound.
    """
    counts = [len(target["labels"]) for target in targets]
    most = max(counts, default=0)
    if count <= 0 or most == 0:
        return None
    groups = max(1, count // most)
    groups = min(groups, most_groups) if most_groups else groups
    labels, boxes = pad(targets, targets[0]["boxes"])  # (B, T), (B, T, 4)
    there = torch.arange(most) < torch.tensor(counts)[:, None]  # (B, T)
    labels, boxes = labels.masked_fill(~there, classes), boxes.masked_fill(~there[..., None], 0.0)
    labels, boxes, there = labels.repeat(1, 2 * groups), boxes.repeat(1, 2 * groups, 1), there.repeat(1, 2 * groups)
    bad = (torch.arange(2 * groups) % 2).repeat_interleave(most)[None, :, None]  # (1, D, 1)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    anew = (draw(*labels.shape) < label_noise / 2) & there
    labels = torch.where(anew, (draw(*labels.shape) * classes).long().clamp(max=classes - 1), labels)
    if box_noise > 0:
        way = torch.where(draw(*boxes.shape) < 0.5, -1.0, 1.0)
        moves = way * (draw(*boxes.shape) + bad) * boxes[..., 2:].repeat(1, 1, 2) / 2 * box_noise
        boxes = xyxy_to_cxcywh((cxcywh_to_xyxy(boxes) + moves).clamp(0, 1))
    good = (torch.arange(groups) * 2 * most)[:, None]  # (G, 1)
    matches = [((good + torch.arange(n)).flatten(), torch.arange(n).repeat(groups)) for n in counts]
    return Noised(labels, inverse_sigmoid(boxes), group_mask(2 * most, groups, queries), matches, groups)
