"""How the RT-DETR tab names classes and pictures."""

from __future__ import annotations

import numpy as np

from app import words
from engines.core.errors import Message
from engines.rt_detr.events import PictureShown


def class_name(label: str) -> Message:
    """A class in the chosen language, or as the model calls it where there is no translation."""
    return Message(label) if label in words.translations() else words.plain(label)


def scored(name: Message, score: float) -> Message:
    """Words of a tag: class and score."""
    return Message("{name} {score}", {"name": name, "score": words.number(score, 2)})


def placed(box: np.ndarray) -> tuple[float, float, float, float]:
    """A box (4,) as four numbers."""
    cx, cy, w, h = box.tolist()
    return cx, cy, w, h


def picture_name(shown: PictureShown, scene: int) -> Message:
    """The photo's file name, or which drawn scene it is."""
    return words.plain(shown.name) if shown.name else Message("Drawn scene {n}", {"n": scene})
