"""Boxes: the two formats, intersection over union, and its generalized form (Rezatofighi et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(..., 4) center x, center y, width, height -> left, top, right, bottom."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """(..., 4) left, top, right, bottom -> center x, center y, width, height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def box_area(boxes: Tensor) -> Tensor:
    """Area (...) of xyxy boxes (..., 4)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _wide(boxes: Tensor) -> Tensor:
    """Boxes in numbers whose areas neither overflow nor lose their digits: whole numbers and halves as float32."""
    return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.to(torch.float32)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union of xyxy boxes (..., 4) that broadcast against each other."""
    a, b = _wide(a), _wide(b)
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    inner = sides[..., 0] * sides[..., 1]
    return inner, box_area(a) + box_area(b) - inner


def iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of xyxy boxes (..., 4) that broadcast; two boxes without area give 0, never NaN."""
    inner, union = overlap(a, b)
    return inner / union.clamp(min=torch.finfo(inner.dtype).tiny)


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU of xyxy boxes (..., 4) that broadcast: IoU minus the share of the hull that is in neither box."""
    a, b = _wide(a), _wide(b)
    tiny = torch.finfo(a.dtype).tiny
    inner, union = overlap(a, b)
    sides = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = sides[..., 0] * sides[..., 1]
    return inner / union.clamp(min=tiny) - (hull - union) / hull.clamp(min=tiny)


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU (N, M) of each xyxy box (N, 4) with each of (M, 4)."""
    return iou(boxes1[..., :, None, :], boxes2[..., None, :, :])


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """GIoU (N, M) of each xyxy box (N, 4) with each of (M, 4)."""
    return generalized_iou(boxes1[..., :, None, :], boxes2[..., None, :, :])
