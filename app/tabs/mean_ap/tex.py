"""The formulas of average precision; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.equation import Equation, Told, all_lines, n
from engines.mean_ap.spec import ASIDE, RIGHT


def detections(_params: Any, told: Told) -> Mapping[str, str]:
    """Precision and recall of the class at the threshold."""
    seen = told.get("CurveSeen")
    if seen is None:
        return {}
    verdicts = seen.verdicts[: seen.passing]
    right, counted = int((verdicts == RIGHT).sum()), int((verdicts != ASIDE).sum())
    found = {"tp": n(right, 0), "fp": n(counted - right, 0), "objects": n(seen.objects, 0), "ap": n(seen.value, 3)}
    if counted:
        found["precision"] = n(right / counted, 3)
    if seen.objects:
        found["recall"] = n(right / seen.objects, 3)
    return found


def numbers(_params: Any, told: Told) -> Mapping[str, str]:
    """The mean of the classes."""
    seen = told.get("NumbersSeen")
    if seen is None:
        return {}
    counted = seen.per_class[np.asarray(seen.per_class) >= 0]
    return {"classes": n(len(counted), 0), "sum": n(counted.sum(), 3), "map": n(seen.twelve[0], 3)}


EQUATIONS = {
    "detections": Equation(
        (
            r"P=\frac{TP}{TP+FP}=\frac{[[tp|0000]]}{[[tp|0000]]+[[fp|0000]]}=[[precision|0.000]]",
            r"R=\frac{TP}{n}=\frac{[[tp|0000]]}{[[objects|0000]]}=[[recall|0.000]]",
            r"AP=\frac1{101}\sum_r\max_{r^{\prime}\geq r}P(r^{\prime})=[[ap|0.000]]",
        ),
        "Everingham 2010, 4.2; Lin 2014",
        detections,
    ),
    "numbers": Equation(
        (
            r"mAP=\frac1C\sum_c AP_c",
            r"\frac{[[sum|00.000]]}{[[classes|00]]}=[[map|0.000]]",
        ),
        "Lin 2014; Everingham 2010, 4.2",
        numbers,
    ),
}
FORMULAS = all_lines(EQUATIONS)
