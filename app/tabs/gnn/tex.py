"""The formulas of the pages of graphs; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def depth(_params: Any, told: Told) -> Mapping[str, str]:
    """What bounds the differences after eight averagings."""
    seen = told.get("Smoothing")
    if seen is None:
        return {}
    return {"second": n(seen.second, 3), "start": n(seen.distance[0], 3), "bound": n(seen.bound[8], 3)}


def equal(params: Any, told: Told) -> Mapping[str, str]:
    """How far apart the two sides of the claim are, in millionths."""
    seen = told.get("Equality")
    if seen is None:
        return {}
    at = min(params.claim, len(seen.apart) - 1)
    return {"apart": n(1e6 * seen.apart[at], 3), "cells": n(seen.cells[at], 0)}


EQUATIONS = {
    "watch": Equation((), "Kipf 2017, 2; Hamilton 2017, 3; Veličković 2018, 2.1; Brody 2022, 3.3; Xu 2019, 4"),
    "train": Equation(
        (r"x_i^{\prime}=\sigma(\sum_{j\in N(i)}w_{ij}\,W x_j)", r"L=-\frac{1}{|V_L|}\sum_{i\in V_L}\ln p_i(y_i)"),
        "Kipf 2017, 3",
    ),
    "depth": Equation(
        (
            r"S=D^{-1/2}(A+I)\,D^{-1/2},\quad\frac{\lVert S^k X-X_1\rVert}{\lVert X\rVert}\leq b_k",
            r"b_8=[[start|0.000]]\cdot[[second|0.000]]^8=[[bound|0.000]]",
        ),
        "Li 2018, 3; Oono 2020",
        depth,
    ),
    "static_or_dynamic": Equation(
        (
            r"e_{ij}=\mathrm{leaky}(a^{\top}[W x_i,\,W x_j])",
            r"e_{ij}=a^{\top}\mathrm{leaky}(W[x_i,\,x_j])",
        ),
        "Veličković 2018, 2.1; Brody 2022, 3",
    ),
    "what_a_layer_can't_tell": Equation(
        (r"c_i\leftarrow\mathrm{hash}(c_i,\{c_j:j\in N(i)\})",), "Weisfeiler 1968; Xu 2019, 4"
    ),
    "equalities": Equation(
        (r"\max_k|a_k-b_k|=[[apart|0.000]]\cdot10^{-6},\quad k\leq[[cells|0,000]]",),
        "Joshi 2020; Vaswani 2017, 3.2",
        equal,
    ),
}
FORMULAS = all_lines(EQUATIONS)
