"""The trainings with both targets that come along. Imports no torch."""

from __future__ import annotations

from engines.rt_detr import bundled_runs
from engines.rt_detr.class_target.spec import IOU_ARM, ONE_ARM
from engines.rt_detr.compared import Beforehand

FILE = "rt-detr-class-target.json"
TOLD = {"recipe": "Recipe", "hardware": "Hardware", "command": "Command"}


def read() -> Beforehand | None:
    """The bundled trainings; None while there are none.

    Raises
    ------
    LabError
        If the file is not what it should be.
    """
    return bundled_runs.read(FILE, {"iou": IOU_ARM, "one": ONE_ARM}, TOLD)
