"""The formulas of ViT's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def watch(params: Any, told: Told) -> Mapping[str, str]:
    """How many tokens there are, and how wide a head is."""
    grid, info = told.get("PhotoGrid"), told.get("ModelInfo")
    if grid is None or info is None:
        return {}
    return {
        "rows": n(grid.rows, 0), "cols": n(grid.cols, 0), "prefix": n(grid.prefix, 0),
        "tokens": n(grid.rows * grid.cols + grid.prefix, 0), "width": n(info.width, 0), "heads": n(info.heads, 0),
        "d": n(info.width // info.heads, 0), "temperature": n(params.temperature),
    }  # fmt: skip


def relevance(_params: Any, told: Told) -> Mapping[str, str]:
    """Up to which layer it goes."""
    seen = told.get("Relevance")
    return {} if seen is None else {"last": n(seen.layer, 0)}


def intervene(_params: Any, told: Told) -> Mapping[str, str]:
    """The head without which the class loses most."""
    seen = told.get("Ablation")
    if seen is None or not seen.done.any():
        return {}
    lost = seen.probability.astype(float)
    lost[~seen.done] = 0.0
    return {"base": n(seen.base, 3)}


def lens(_params: Any, told: Told) -> Mapping[str, str]:
    """The probability of the class at the last depth."""
    seen = told.get("LogitLens")
    return {} if seen is None else {"depth": n(seen.depths - 1, 0), "p": n(seen.course[-1], 3)}


ATTENTION = r"A=\mathrm{softmax}(Q K^{\top}/\sqrt d\,T),\quad T=[[temperature|0.00]]"
EQUATIONS = {
    "watch": Equation(
        (
            r"N=[[rows|00]]\cdot[[cols|00]]+[[prefix|0]]=[[tokens|0,000]]",
            ATTENTION,
            r"d=\frac{E}{H}=\frac{[[width|0000]]}{[[heads|00]]}=[[d|000]]",
        ),
        "Dosovitskiy 2021, 3.1; D2L 11.8",
        watch,
    ),
    "relevance": Equation(
        (
            r"R_0=I,\quad R_l=R_{l-1}+\bar A_l R_{l-1}",
            r"\bar A=E_h[(\nabla A\odot A)^{+}],\quad l\le[[last|00]]",
        ),
        "Chefer 2021; Abnar 2020, 3",
        relevance,
    ),
    "intervene": Equation((r"\Delta_h=p_{-h}(c)-p(c),\quad p(c)=[[base|0.000]]",), "Michel 2019, 3", intervene),
    "step_through": Equation((), "Vaswani 2017, 3.2.1; Dosovitskiy 2021, 3.1"),
    "logit_lens": Equation(
        (r"p_l=\mathrm{softmax}(W\,\mathrm{LN}(x_l)+b),\quad p_{[[depth|00]]}(c)=[[p|0.000]]",),
        "nostalgebraist 2020; Belrose 2023, 2",
        lens,
    ),
    "scale_study": Equation((r"a=\frac1N\sum_i[\hat y_i=y_i]",), "Dosovitskiy 2021, 4.3; D2L 11.8"),
}
FORMULAS = all_lines(EQUATIONS)
