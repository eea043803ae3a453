"""True objects as the pages "Matching", "Without NMS" and "Training" show them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.data.detector_training import object_name

__all__ = ["Box4", "Thing", "object_name"]

Box4 = tuple[float, float, float, float]  #: cxcywh as shares of the scene


@dataclass(frozen=True)
class Thing:
    """A true object: box and class."""

    box: Box4
    label: int
