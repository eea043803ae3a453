"""The formulas of MoCo's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def views(_params: Any, told: Told) -> Mapping[str, str]:
    """The loss of the two views."""
    seen = told.get("ViewsFrame")
    if seen is None:
        return {}
    return {
        "similarity": n(seen.similarity, 3), "temperature": n(seen.temperature), "logit": n(seen.logit, 3),
        "rest": n(seen.rest, 3), "loss": n(seen.loss, 3),
    }  # fmt: skip


def queue(params: Any, _told: Told) -> Mapping[str, str]:
    """How long a key stays, and over how many steps the key encoder is a mean."""
    left = 1 - params.momentum
    return {
        "queue_size": n(params.queue_size, 0), "batch": n(params.batch, 0),
        "steps": n(params.queue_size / params.batch, 2), "momentum": n(params.momentum, 4),
        "mean": n(1 / left, 0) if left > 1e-9 else "∞",
    }  # fmt: skip


INFO_NCE = r"L=-\ln\frac{e^{q^{\top}k_{+}/\tau}}{\sum_j e^{q^{\top}k_j/\tau}}"
EQUATIONS = {
    "two_views": Equation(
        (
            INFO_NCE,
            r"\frac{q^{\top}k_{+}}{\tau}=\frac{[[similarity|−0.000]]}{[[temperature|0.00]]}=[[logit|−00.000]]",
            r"L=[[rest|−00.000]]-[[logit|−00.000]]=[[loss|00.000]]",
        ),
        "Oord 2018, 2.3; He 2020, 3.1",
        views,
    ),
    "queue": Equation(
        (
            r"\theta_k\leftarrow m\,\theta_k+(1-m)\,\theta_q,\quad m=[[momentum|0.0000]]",
            r"\frac KB=\frac{[[queue_size|00,000]]}{[[batch|0000]]}=[[steps|000.00]]",
            r"\frac{1}{1-m}\approx[[mean|00,000]]",
        ),
        "He 2020, 3.2",
        queue,
    ),
    "test": Equation((r"p=\mathrm{softmax}(W f(x)+b),\quad\hat y=\mathrm{arg}\max_c p_c",), "He 2020, 4.1"),
}
FORMULAS = all_lines(EQUATIONS)
