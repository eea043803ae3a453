"""What the trainings of all detectors have in common: what they learn from, and when they are measured. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range

UP_TO_3, UP_TO_8 = "Up to 3 shapes, plain color", "Up to 8 shapes, any background"
TRAINED_HERE = "Trained here"  #: the source of a model that a run of now has made
AS_THEY_LOOK = "As they look"
FIRST_PIXEL = {AS_THEY_LOOK: None, "From 0": 0, "From 1": 1}  #: of boxes in Pascal VOC's format
DATA, AT_ONCE, NEW_RUN = "Data", "Applies immediately", "Requires a new run"
MOST_QUERIES = 100  #: as DETR has; the matching grows with their cube
SPARE = 0.25  #: queries that fitted data get in addition, as a share

SCENES = Choice(
    (UP_TO_3, UP_TO_8), "Scenes", group=DATA, tip="Drawn on the fly: no scene appears twice.",
    former=(("Up to 3 shapes, plain ground", UP_TO_3), ("Up to 8 shapes, any ground", UP_TO_8)),
)  # fmt: skip
VOC_BOXES = Choice(
    tuple(FIRST_PIXEL), "VOC boxes count", group=DATA,
    tip="Pascal VOC counts pixels from 1, most programs that write its format from 0. What was taken is "
    "said when the pictures are read. (Everingham et al. 2010)",
)  # fmt: skip
WATCHED_SCENE = Range(0, 63, 1, "Validation scene", live=True)


def fitting(queries: int, largest: int) -> int:
    """Enough queries for pictures of up to ``largest`` objects, and no fewer than there are."""
    return max(queries, min(MOST_QUERIES, largest + math.ceil(SPARE * largest)))


def object_name(index: int) -> str:
    """A, B, …, Z, AA, AB and so on."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


def measured_after(step: int) -> int:
    """The step of the next measurement: dense where most happens."""
    pace = next((pace for until, pace in ((20, 5), (200, 10), (1000, 20), (4000, 50)) if step < until), 100)
    return step + pace


@dataclass(frozen=True, eq=False)
class Example:
    """A validation picture: ``rgb`` uint8 (H, W, 3) as it is shown, ``boxes`` float32 (N, 4), ``labels`` int64 (N,)."""

    rgb: npt.NDArray[np.uint8] = field(repr=False)
    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    name: str = ""
