"""One pass of an RT-DETR in training: what layers, encoder and denoising queries say, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.blocks.matcher import Match, Target
from engines.rt_detr.decoder import Decoded
from engines.rt_detr.denoising import Noised, noise
from engines.rt_detr.loss import Criterion
from engines.rt_detr.model import RtDetr


class Denoising(nn.Module):
    """What the denoising queries are made with; of no use after the training.

    Parameters
    ----------
    classes, dim : int
    count : int
        Good denoising queries a picture, about, with as many bad ones; 0 for none.
    label_noise, box_noise : float
        See `engines.rt_detr.denoising.noise`.
    groups : int
        Groups at most; 0 for as many as there is room for.
    """

    def __init__(
        self,
        classes: int,
        dim: int,
        count: int = 100,
        label_noise: float = 0.5,
        box_noise: float = 1.0,
        groups: int = 0,
    ) -> None:
        super().__init__()
        self.count, self.classes, self.groups = count, classes, groups
        self.label_noise, self.box_noise = label_noise, box_noise
        self.embedding = nn.Embedding(classes + 1, dim, padding_idx=classes)

    def make(self, targets: Sequence[Target], queries: int, generator: torch.Generator | None = None) -> Noised | None:
        """Those of a batch."""
        return noise(
            targets, self.classes, queries, self.count, self.label_noise, self.box_noise, generator, self.groups
        )


@dataclass(frozen=True)
class Passed:
    """What a pass gave.

    Attributes
    ----------
    losses : Tensor (3, 3)
        Class, L1 and GIoU of the decoder's layers together, of the encoder, of the denoising queries.
    matches : list of (rows, cols)
        Of the last layer.
    decoded : Decoded
        Of the queries alone, without those for denoising.
    """

    losses: Tensor
    matches: list[Match]
    decoded: Decoded


def advance(
    model: RtDetr,
    denoising: Denoising,
    criterion: Criterion,
    pixels: Tensor,
    targets: Sequence[Target],
    generator: torch.Generator | None = None,
) -> Passed:
    """Pixels (B, 3, H, W) and their objects -> all losses."""
    memory = model.encode(pixels)
    proposals = model.propose(memory)
    chosen = proposals.taken(model.select(proposals))
    content, reference, mask, first = chosen.content.detach(), chosen.boxes.detach(), None, 0
    noised = denoising.make(targets, content.shape[1], generator)
    if noised is not None:
        content = torch.cat([denoising.embedding(noised.labels), content], 1)
        reference = torch.cat([noised.boxes, reference], 1)
        mask, first = noised.mask.to(content.device), noised.labels.shape[1]
    every = model.decoder(content, reference, memory.tokens, memory.shapes, mask)
    losses = content.new_zeros(3, 3)
    matches: list[Match] = []
    for logits, boxes in zip(every.logits[:, :, first:], every.boxes[:, :, first:], strict=True):
        matches = criterion.match(logits, boxes, targets)
        losses[0] += criterion.compare(logits, boxes, targets, matches)
    boxes = chosen.boxes.sigmoid()
    losses[1] += criterion.compare(chosen.logits, boxes, targets, criterion.match(chosen.logits, boxes, targets))
    if noised is not None:
        for logits, boxes in zip(every.logits[:, :, :first], every.boxes[:, :, :first], strict=True):
            losses[2] += criterion.compare(logits, boxes, targets, noised.matches, noised.groups)
    parts = (every.states, every.references, every.boxes, every.logits, every.points, every.weights)
    return Passed(losses, matches, Decoded(*(part[:, :, first:] for part in parts)))
