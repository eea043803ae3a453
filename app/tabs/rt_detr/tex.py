"""The formulas of RT-DETR's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def sampled(_params: Any, told: Told) -> Mapping[str, str]:
    """How many points a query looks at."""
    info = told.get("ModelInfo")
    if info is None:
        return {}
    each = info.heads * info.levels * info.points
    return {"heads": n(info.heads, 0), "levels": n(info.levels, 0), "points": n(info.points, 0), "each": n(each, 0)}


def selected(_params: Any, told: Told) -> Mapping[str, str]:
    """How many tokens the queries are chosen from."""
    seen = told.get("Selected")
    if seen is None:
        return {}
    return {"tokens": n(len(seen.scores), 0), "chosen": n(len(seen.chosen), 0), "r": n(seen.correlation, 3)}


def encoded(_params: Any, told: Told) -> Mapping[str, str]:
    """How many tokens attend to each other."""
    seen = told.get("Encoded")
    if seen is None or not len(seen.shape):
        return {}
    rows, cols = seen.shape
    return {"rows": n(rows, 0), "cols": n(cols, 0), "tokens": n(rows * cols, 0)}


def denoised(params: Any, told: Told) -> Mapping[str, str]:
    """How many denoising queries there are."""
    seen = told.get("NoisedScene")
    if seen is None:
        return {}
    objects = len(seen.true_boxes)
    return {"groups": n(params.groups, 0), "objects": n(objects, 0), "count": n(2 * params.groups * objects, 0)}


VARIFOCAL = r"L=-q\,(q\ln p+(1-q)\ln(1-p)),\;q=\mathrm{IoU}"
EQUATIONS = {
    "detect": Equation(
        (
            r"\sum_{h,l,p}A_{hlp}\,W_h\,x_l(r+\Delta_{hlp})",
            r"[[heads|00]]\cdot[[levels|0]]\cdot[[points|00]]=[[each|000]]",
        ),
        "Zhu 2021, 4.1; Zhao 2024, 4",
        sampled,
    ),
    "selection": Equation(
        (
            r"\mathcal Q=\mathrm{top}_{K}\,\max_c p_i(c),\quad K=[[chosen|000]],\quad i\leq[[tokens|00,000]]",
            r"r(p,\mathrm{IoU})=[[r|−0.000]]",
        ),
        "Zhao 2024, 4.3",
        selected,
    ),
    "hybrid_encoder": Equation(
        (r"F_5=\mathrm{AIFI}(S_5),\quad O=\mathrm{CCFF}(S_3,S_4,F_5)", r"[[rows|00]]\cdot[[cols|00]]=[[tokens|0,000]]"),
        "Zhao 2024, 4.2",
        encoded,
    ),
    "training": Equation((VARIFOCAL,), "Zhang 2021; Zhao 2024, 4"),
    "denoising_queries": Equation(
        (r"2\cdot G\cdot n=2\cdot[[groups|00]]\cdot[[objects|00]]=[[count|000]]",),
        "Li 2022, 4; Zhang 2023, 3.3",
        denoised,
    ),
    "convergence": Equation((r"AP=\frac1{101}\sum_r\max_{r^{\prime}\geq r}P(r^{\prime})",), "Zhao 2024, 5; Lin 2014"),
    "class_target": Equation((VARIFOCAL,), "Zhang 2021"),
    "side_by_side": Equation((r"AP=\frac1{101}\sum_r\max_{r^{\prime}\geq r}P(r^{\prime})",), "Zhao 2024, 5; Lin 2014"),
}
FORMULAS = all_lines(EQUATIONS)
