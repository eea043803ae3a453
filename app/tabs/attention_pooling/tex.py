"""The formulas of attention pooling's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping

from app.equation import Equation, Told, all_lines, inner, n
from app.tabs.attention_pooling.kernel_regression.cues import nearest
from engines.attention_pooling.spec import PoolingParams


def pooled(_params: PoolingParams, told: Told) -> Mapping[str, str]:
    """Distance and weight of the key that weighs most."""
    shown = told.get("PooledFrame")
    if shown is None or shown.empty:
        return {}
    key = shown.points[int(nearest(shown, 1)[0])][0]
    found = {"query": n(shown.query), "output": n(shown.output), "q": n(shown.query)}
    u = (round(shown.query, 2) - round(float(key), 2)) / round(shown.bandwidth, 2)
    return found | {"key": inner(key), "bandwidth": n(shown.bandwidth), "u": n(u)}


EQUATIONS = {
    "kernel_regression": Equation(
        (
            r"\hat y(q)=\sum_i\frac{K(u_i)}{\sum_j K(u_j)}\,y_i",
            r"u=\frac{q-x}{h}=\frac{[[query|−0.00]]-[[key|(−0.00)]]}{[[bandwidth|00.00]]}=[[u|−00.00]]",
            r"\hat y([[q|−0.00]])=[[output|−0.00]]",
        ),
        "Nadaraya 1964, Watson 1964; D2L 11.2",
        pooled,
    ),
    "learned_w": Equation(
        (
            r"\alpha(x,x_i)=\mathrm{softmax}(-\tfrac12((x-x_i)\,w)^2)",
            r"g=\frac{\partial}{\partial w}\sum_i(y_i-\hat y_i)^2",
            r"\mathrm{SGD}:\;w\leftarrow w-\eta\,g,\quad\eta=[[learning_rate|0.000]]",
        ),
        "D2L, Chinese edition, 10.2",
        lambda params, _told: {"learning_rate": n(params.learning_rate, 3)},
    ),
}
FORMULAS = all_lines(EQUATIONS)
