"""The formulas of DETR's pages; typeset by ``make formulas``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, inner, n


def detect(params: Any, told: Told) -> Mapping[str, str]:
    """The score of the query that is looked at."""
    seen = told.get("Detections")
    if seen is None or not 0 <= seen.query < len(seen.scores):
        return {"temperature": n(params.temperature)}
    at = seen.query
    return {
        "temperature": n(params.temperature), "p": n(seen.scores[at], 3), "none": n(seen.no_object[at], 3),
        "asked": n(at + 1, 0),
    }  # fmt: skip


def matching(_params: Any, told: Told) -> Mapping[str, str]:
    """The cost of the first object's pair, and of all pairs."""
    seen = told.get("Matched")
    if seen is None or not len(seen.pairs):
        return {}
    q, t = (int(at) for at in seen.pairs[0])
    weights = seen.params
    return {
        "wc": n(weights.class_cost), "wb": n(weights.bbox_cost), "wg": n(weights.giou_cost),
        "by_class": inner(seen.class_cost[q, t]), "by_box": inner(seen.bbox_cost[q, t]),
        "by_giou": inner(seen.giou_cost[q, t]), "pair": n(seen.total[q, t]), "cost": n(seen.cost),
    }  # fmt: skip


def nms(params: Any, told: Told) -> Mapping[str, str]:
    """How much a box of this overlap keeps of its score, with the Gaussian decay."""
    seen = told.get("Suppressed")
    if seen is None:
        return {}
    overlap = round(float(seen.iou), 3)
    return {
        "iou": n(overlap, 3), "sigma": n(params.sigma), "decayed": n(math.exp(-(overlap**2) / params.sigma), 3),
        "least": n(params.nms_iou),
    }  # fmt: skip


def relevance(_params: Any, told: Told) -> Mapping[str, str]:
    """The class probability of the query that is explained."""
    seen = told.get("QueryRelevance")
    return {} if seen is None else {"p": n(seen.probability, 3), "asked": n(seen.query + 1, 0)}


SET_LOSS = r"\mathcal L=-\ln p_{\hat\sigma(i)}(c_i)+5\,\lVert b_i-\hat b\rVert_1+2\,(1-\mathrm{GIoU})"
EQUATIONS = {
    "detect": Equation(
        (
            r"\hat c_q=\mathrm{arg}\max_{c\neq\varnothing}p_q(c)",
            r"p_{[[asked|000]]}(\hat c)=[[p|0.000]],\quad p_{[[asked|000]]}(\varnothing)=[[none|0.000]]",
        ),
        "Carion 2020, 3",
        detect,
    ),
    "scene": Equation(
        (r"A=\mathrm{softmax}(Q K^{\top}/\sqrt d\,T),\quad T=[[temperature|0.00]]",), "Carion 2020, 3.2", detect
    ),
    "matching": Equation(
        (
            r"\hat\sigma=\mathrm{arg}\min_{\sigma}\sum_i\mathcal C_{i,\sigma(i)},\quad\mathcal C_{i,\sigma(i)}=",
            r"[[wc|0.00]]\cdot[[by_class|(−0.00)]]+[[wb|0.00]]\cdot[[by_box|0.00]]+[[wg|0.00]]\cdot[[by_giou|(−0.00)]]",
            r"=[[pair|−00.00]],\qquad\sum_i\mathcal C=[[cost|−00.00]]",
        ),
        "Carion 2020, 3.1; Kuhn 1955",
        matching,
    ),
    "training": Equation((SET_LOSS,), "Carion 2020, 3.1"),
    "nms": Equation(
        (
            r"\mathrm{IoU}=\frac{|A\cap B|}{|A\cup B|}",
            r"s\leftarrow s\,e^{-\mathrm{IoU}^2/\sigma}",
            r"e^{-[[iou|0.000]]^2/[[sigma|0.00]]}=[[decayed|0.000]]",
        ),
        "Bodla 2017, 4; D2L 14.4",
        nms,
    ),
    "relevance": Equation(
        (
            r"R\leftarrow R+\bar A R,\quad\bar A=E_h[(\nabla A\odot A)^{+}]",
            r"p_{[[asked|000]]}(c)=[[p|0.000]]",
        ),
        "Chefer 2021",
        relevance,
    ),
    "draw_boxes": Equation(none="Nothing is computed here: boxes are drawn by hand."),
}
FORMULAS = all_lines(EQUATIONS)
