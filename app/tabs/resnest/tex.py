"""The formulas of ResNeSt's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.equation import Equation, Told, all_lines, n


def split(params: Any, told: Told) -> Mapping[str, str]:
    """The weight of the first split in the channel that is looked at."""
    seen = told.get("Answer")
    if seen is None or seen.scores.shape[0] != 2:
        return {}
    channel = min(max(params.channel, 1), seen.scores.shape[1]) - 1
    a, b = (round(float(score), 3) for score in seen.scores[:, channel])
    own = float(np.exp(a) / (np.exp(a) + np.exp(b)))
    return {"a": n(a, 3), "b": n(b, 3), "weight": n(own, 3)}


WEIGHTS = r"a_r=\frac{e^{s_r}}{\sum_q e^{s_q}},\quad V=\sum_r a_r\,U_r"
EQUATIONS = {
    "watch": Equation(
        (
            WEIGHTS,
            r"a_1=\frac{e^{[[a|−0.000]]}}{e^{[[a|−0.000]]}+e^{[[b|−0.000]]}}=[[weight|0.000]]",
        ),
        "Zhang 2022",
        split,
    ),
    "race": Equation((WEIGHTS,), "Zhang 2022"),
}
FORMULAS = all_lines(EQUATIONS)
