"""DETR: detection as a set (Carion et al. 2020). Public names are loaded when first asked for, so that the spec stays
free of torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "load_checkpoint": "engines.detr.checkpoint",
    "Detr": "engines.detr.model",
    "DetrConfig": "engines.detr.model",
    "Engine": "engines.detr.engine",
    "HungarianMatcher": "engines.detr.matching.matcher",
    "SetCriterion": "engines.detr.matching.loss",
    "non_max_suppression": "engines.detr.nms.suppression",
    "soft_non_max_suppression": "engines.detr.nms.suppression",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
