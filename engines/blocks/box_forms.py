"""Whether boxes look as if they were written in another form than they are read in: corners for sizes, or sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engines.blocks.detections import Boxes, overlapping, tabulate

SIZES, CORNERS = 1, -1  #: what the last two numbers are taken for: of corners the first two are added or taken away
LOOKED_AT = 20_000  # detections, of the first images
MATCH, MOST = 0.5, 0.5  # IoU, and share of the objects that makes one doubt
LEAST = 2  # objects: one alone may be met by chance


def doubted(these: Boxes, other: int) -> str:
    """Which boxes would meet the others if they were read in the other form.

    That is where most objects have a detection of their class on them then, and fewer than half as many have one now.

    Parameters
    ----------
    these : Boxes
    other : int
        `SIZES`: the last two numbers may be width and height, though they were read as a corner; `CORNERS`: a corner,
        though they were read as width and height.

    Returns
    -------
    str
        ``detections``, ``ground truth``, or nothing.
    """
    last = these.image[:LOOKED_AT][-1:].max(initial=-1)
    mine, truths = these.image <= last, these.truth_image <= last
    part = replace(
        these, image=these.image[mine], label=these.label[mine], score=these.score[mine], boxes=these.boxes[mine],
        truth_image=these.truth_image[truths], truth_label=these.truth_label[truths], crowd=these.crowd[truths],
        truth_area=these.truth_area[truths], truths=these.truths[truths],
    )  # fmt: skip
    if not len(part.score) or len(part.crowd) < LEAST:
        return ""
    now = _met(part)
    if now > MOST / 2:
        return ""
    for name, moved in (
        ("detections", replace(part, boxes=_otherwise(part.boxes, other))),
        ("ground truth", replace(part, truths=_otherwise(part.truths, other))),
    ):
        if _met(moved) > max(MOST, 2 * now):
            return name
    return ""


def _otherwise(boxes: np.ndarray, other: int) -> np.ndarray:
    """x, y, width, height (N, 4) of the same numbers in the other form."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] + other * boxes[:, :2]], axis=1)


def _met(these: Boxes) -> float:
    """Share of the objects that a detection of their class overlaps by half."""
    table = tabulate(these)
    return len(np.unique(overlapping(table, MATCH).truth)) / len(table.crowd)
