"""Where the cards of the page "Training" stand, and how its boxes are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRect

from app.theme import S3
from app.views.boxes import Box
from app.words import Text
from engines.data.detector_training import Example


def train_places(width: int, height: int) -> list[QRect]:
    """Places of loss, precision, cardinality, scene, film and slots: the scene takes what its square can use."""
    upper = round(0.40 * (height - S3))
    lower = height - S3 - upper
    third = (width - 2 * S3) // 3
    top = [QRect(0, 0, third, upper), QRect(third + S3, 0, third, upper)]
    top.append(QRect(2 * (third + S3), 0, width - 2 * (third + S3), upper))
    scene = min(round(0.38 * width), max(round(0.27 * width), lower - 72))
    film = round(0.54 * (width - scene - 2 * S3))
    return [
        *top,
        QRect(0, upper + S3, scene, lower),
        QRect(scene + S3, upper + S3, film, lower),
        QRect(scene + film + 2 * S3, upper + S3, width - scene - film - 2 * S3, lower),
    ]


def plain_box(corners: np.ndarray, tag: Text, token: str, above: bool, dashed: bool = False) -> Box:
    """A box from xyxy shares."""
    x0, y0, x1, y1 = (float(v) for v in corners)
    return Box((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, tag, token, above, dashed)


def scene_boxes(
    example: Example, names: Sequence[Text], found: Any, drawn: Iterable[tuple[int, bool]]
) -> tuple[list[Box], list[int], list[tuple[int, int]]]:
    """What lies on a watched picture: its objects, the queries ``drawn`` of what was ``found``, and who owns whom.

    Returns
    -------
    boxes : list of Box
    rows : list of int
        The query of each; −1 for an object.
    links : list of (int, int)
        Box of a query and box of its object.
    """
    boxes = [plain_box(box, name, "truth", above=True) for box, name in zip(example.boxes, names, strict=True)]
    rows = [-1] * len(boxes)
    for query, mine in drawn:
        boxes.append(
            plain_box(found.boxes[query], str(query + 1), "pred" if mine else "text2", above=False, dashed=not mine)
        )
        rows.append(query)
    return boxes, rows, [(rows.index(int(query)), at) for at, query in enumerate(found.owners) if query >= 0]
