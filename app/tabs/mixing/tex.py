"""The formulas of the page of mixing matrices; typeset by ``make formulas``."""

from __future__ import annotations

from app.equation import Equation, all_lines

EQUATIONS = {
    "matrix": Equation(
        (r"M_{ij}=\lVert\frac{\partial y_i}{\partial x_j}\rVert_F",),
        "Raghu 2021, 5; Luo 2016",
    ),
}
FORMULAS = all_lines(EQUATIONS)
