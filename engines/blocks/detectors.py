"""What a detector of one topic is to another, offered as kind ``detector``: a function ``(drawn, device) -> Detector``.

``drawn`` asks for one that knows the drawn scenes; without it, for one that knows photos. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event

KIND = "detector"


@dataclass(frozen=True, eq=False)
class Found:
    """What is found in a picture, best first.

    Attributes
    ----------
    boxes : ndarray float32 (n, 4)
        cxcywh in shares of the picture.
    scores : ndarray float32 (n,), labels : ndarray int64 (n,)
    milliseconds : float
    """

    boxes: npt.NDArray[np.float32] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    milliseconds: float


class Detector(Protocol):
    """A model that finds boxes.

    Attributes
    ----------
    title : str
    labels : tuple of str
        Names of the classes.
    """

    title: str
    labels: tuple[str, ...]

    def look(self, rgb: npt.NDArray[np.uint8]) -> Generator[Event, None, Found]:
        """Find in a picture uint8 (H, W, 3); yields at each place to stop."""


def best_first(
    boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], milliseconds: float
) -> Found:
    """Sorted: boxes (n, 4), scores (n,), labels (n,)."""
    order = np.argsort(-scores, kind="stable")
    return Found(boxes[order], scores[order], labels[order], milliseconds)
