"""The formulas at the foot of the Transformer's docks; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n
from engines.transformer.recipe import lr_at


def training(params: Any, _told: Told) -> Mapping[str, str]:
    """The learning rate half-way up the warm-up, in thousandths, and the width of a head."""
    step = max(1, params.warmup // 2)
    return {
        "rate": n(1e3 * params.learning_rate, 2), "warmup": n(params.warmup, 0), "step": n(step, 0),
        "now": n(1e3 * lr_at(step, params.learning_rate, params.warmup), 3),
        "width": params.width, "heads": params.heads, "d": n(int(params.width) // int(params.heads), 0),
    }  # fmt: skip


def decode(params: Any, told: Told) -> Mapping[str, str]:
    """The score of the best sequence."""
    seen = told.get("Answer")
    if seen is None or not seen.best:
        return {"penalty": n(params.penalty)}
    best = seen.best[0]
    length = len(best.tokens)
    return {
        "length": n(length, 0), "penalty": n(params.penalty), "log": n(best.log_probability, 3),
        "factor": n(((5 + length) / 6) ** params.penalty, 3), "ranked": n(best.score, 3),
    }  # fmt: skip


EQUATIONS = {
    "training": Equation(
        (
            r"\eta_t=\eta\,\min(t/w,\sqrt{w/t})",
            r"10^3\eta_{[[step|0000]]}=[[rate|00.00]]\cdot\frac{[[step|0000]]}{[[warmup|0000]]}=[[now|00.000]]",
            r"d=\frac{E}{H}=\frac{[[width|000]]}{[[heads|00]]}=[[d|000]]",
        ),
        "Vaswani 2017, 5.3; D2L 11.7",
        training,
    ),
    "decode": Equation(
        (
            r"s=\frac{\ln p(y\mid x)}{P},\quad P=(\frac{5+L}{6})^{\alpha}",
            r"P=(\frac{5+[[length|00]]}{6})^{[[penalty|0.00]]}=[[factor|0.000]]",
            r"s=\frac{[[log|−00.000]]}{[[factor|0.000]]}=[[ranked|−00.000]]",
        ),
        "Wu 2016, 7; D2L 10.8",
        decode,
    ),
    "experiments": Equation(
        (
            r"y=x+f(x),\qquad z=\gamma\,\frac{y-\mu}{\sqrt{\sigma^2+\varepsilon}}+\beta",
            r"Q=Y W_q,\quad K=X W_k,\quad V=X W_v",
            r"A=\mathrm{softmax}(S+M),\quad M_{ij}=-\infty\;(j>i)",
        ),
        "Vaswani 2017, 3; Ba 2016; D2L 11.7",
    ),
    "maths": Equation((), "Vaswani 2017, 3; D2L 11.7"),
    "why": Equation((), "Vaswani 2017, 3; Elhage 2021; D2L 11.7"),
    "one_step": Equation((), "Kingma 2015; D2L 12.10"),
}
FORMULAS = all_lines(EQUATIONS)
