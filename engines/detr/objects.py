"""True objects as the pages "Matching", "Without NMS" and "Training" show them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

Box4 = tuple[float, float, float, float]  #: cxcywh as shares of the scene


@dataclass(frozen=True)
class Thing:
    """A true object: box and class."""

    box: Box4
    label: int


def object_name(index: int) -> str:
    """A, B, …, Z, AA, AB and so on."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name
