"""Answers the page "Denoising queries" with what a step of a training would make."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from engines.blocks.boxes import cxcywh_to_xyxy, iou, xyxy_to_cxcywh
from engines.core.protocol import Event, Job
from engines.data.scenes import KINDS, draw_background, render
from engines.rt_detr.denoising import group_mask, noise
from engines.rt_detr.denoising_queries.spec import QUERIES, SHOWN, NoisedScene, NoiseParams

MANY = 10_000  # denoising queries that there is room for: the groups alone bound them


class Engine:
    """Yields one `NoisedScene`."""

    def run(self, job: Job[NoiseParams]) -> Iterator[Event]:
        """Make the copies that ``job.params`` ask for."""
        yield noised(job.params)


def noised(params: NoiseParams) -> NoisedScene:
    """The scene with its copies."""
    drawing = params.drawing
    rgb, corners = render(drawing.shapes, draw_background(drawing, 96), SHOWN)
    count = len(drawing.shapes)
    boxes = xyxy_to_cxcywh(torch.from_numpy(corners).float().reshape(-1, 4) / SHOWN)
    labels = torch.tensor([KINDS.index(shape.kind) for shape in drawing.shapes], dtype=torch.int64)
    generator = torch.Generator().manual_seed(params.seed)
    made = noise(
        [{"labels": labels, "boxes": boxes}], len(KINDS), QUERIES, MANY, params.label_noise, params.box_noise,
        generator, params.groups,
    )  # fmt: skip
    sizes = (params.groups, 2, count)
    copies, said = torch.zeros(*sizes, 4), torch.zeros(sizes, dtype=torch.int64)
    mask = group_mask(0, 0, QUERIES)
    if made is not None:
        copies, said, mask = made.boxes[0].sigmoid().view(*sizes, 4), made.labels[0].view(sizes), made.mask
    shares = iou(cxcywh_to_xyxy(copies), cxcywh_to_xyxy(boxes).expand_as(copies))
    return NoisedScene(
        rgb, KINDS, boxes.numpy(), labels.numpy(), copies.numpy(), said.numpy(), shares.numpy().astype(np.float32),
        mask.numpy(),
    )  # fmt: skip
