"""The formulas of the pages of scoring functions; typeset by ``make formulas``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from app.equation import Equation, Told, all_lines, inner, n
from engines.scoring.spec import FUNCTIONS, SCALED, ScoringParams

AT = FUNCTIONS.index(SCALED)


def compared(params: ScoringParams, told: Told) -> Mapping[str, str]:
    """Scaled dot product of the pair that is looked at."""
    seen = told.get("Compared")
    if seen is None or not seen.possible[AT]:
        return {}
    i, j = (min(at, size - 1) for at, size in zip(params.cell, seen.allowed.shape, strict=True))
    root = math.sqrt(seen.keys.shape[1])
    raw = float(seen.queries[i].astype(float) @ seen.keys[j].astype(float))
    t = seen.params.temperature
    return {
        "raw": n(raw), "d": n(seen.keys.shape[1], 0), "temperature": n(t), "scaled": n(raw / (root * t)),
        "weight": n(seen.weights[AT, i, j], 3),
    }  # fmt: skip


def spread(_params: ScoringParams, told: Told) -> Mapping[str, str]:
    """What the deviation of a dot product should be, and is."""
    seen = told.get("Spread")
    if seen is None:
        return {}
    return {"dim": n(seen.dim, 0), "root": n(math.sqrt(seen.dim)), "raw": n(seen.std[0]), "scaled": n(seen.std[1])}


def pulled(params: ScoringParams, told: Told) -> Mapping[str, str]:
    """The scaled dot product of query and chosen key, two numbers each."""
    seen = told.get("Pulled")
    if seen is None:
        return {}
    q, k = seen.query, seen.keys[seen.at]
    return {
        "q1": n(q[0]), "q2": inner(q[1]), "k1": inner(k[0]), "k2": inner(k[1]), "score": n(seen.scores[AT, seen.at]),
        "temperature": n(params.temperature), "weight": n(seen.weights[AT, seen.at], 3),
    }  # fmt: skip


EQUATIONS = {
    "compare": Equation(
        (
            r"a=w_v^{\top}\tanh(W_q q+W_k k)",
            r"a=\frac{q^{\top}k}{\sqrt d\,T}=\frac{[[raw|−000.00]]}{\sqrt{[[d|0000]]}\cdot[[temperature|00.00]]}",
            r"=[[scaled|−000.00]]\qquad\alpha=[[weight|0.000]]",
        ),
        "Bahdanau 2015; Vaswani 2017, 3.2.1; D2L 11.3",
        compared,
    ),
    "dimension": Equation(
        (
            r"\mathrm{Var}(q^{\top}k)=d=[[dim|0000]]",
            r"\sigma=\sqrt{[[dim|0000]]}=[[root|00.00]]\qquad\hat\sigma=[[raw|00.00]]",
            r"q^{\top}k/\sqrt d:\quad\sigma=1\qquad\hat\sigma=[[scaled|0.00]]",
        ),
        "Vaswani 2017, 3.2.1; D2L 11.3",
        spread,
    ),
    "step_through": Equation((), "Bahdanau 2015; Vaswani 2017, 3.2.1; D2L 11.3"),
    "arrows": Equation(
        (
            r"a=\frac{q^{\top}k}{\sqrt 2}=[[score|−00.00]]",
            r"\frac{[[q1|−0.00]]\cdot[[k1|(−0.00)]]+[[q2|(−0.00)]]\cdot[[k2|(−0.00)]]}{\sqrt 2}=[[score|−0.00]]",
            r"\alpha=\mathrm{softmax}(a/T)=[[weight|0.000]],\quad T=[[temperature|00.00]]",
        ),
        "Vaswani 2017, 3.2.1; D2L 11.3",
        pulled,
    ),
}
FORMULAS = all_lines(EQUATIONS)
