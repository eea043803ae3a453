"""Arithmetic of boxes that several pages need."""

from __future__ import annotations

import numpy as np

from engines.detr.spec import Detections

TAIL = 0.99  #: share of the weights of a scale that lie below its end


def centered(box: np.ndarray) -> tuple[float, float, float, float]:
    """An xyxy box as center and size."""
    x0, y0, x1, y1 = box.tolist()
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


def best_of(found: Detections) -> int:
    """The query with the best score of those that are on."""
    return int(np.where(found.on, found.scores, -1).argmax())


def scale_top(maps: np.ndarray) -> tuple[float, bool]:
    """End of the scale that all maps share, and whether some weights lie beyond it."""
    flat, place = maps.ravel(), round(TAIL * (maps.size - 1))
    top, most = (float(np.partition(flat, place)[place]), float(flat.max())) if len(flat) else (0.0, 0.0)
    if top <= 0:
        return (most, False) if most > 0 else (1.0, False)
    return (top, True) if most > 1.05 * top else (most, False)


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU (N, M) of xyxy boxes (N, 4) and (M, 4); 0 where both are empty."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    inner = (high - low).clip(0).prod(-1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(-1)[:, None] + (others[:, 2:] - others[:, :2]).prod(-1)[None] - inner
    return np.where(union > 0, inner / np.maximum(union, 1e-12), 0.0)
