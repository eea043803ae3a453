"""The formulas of the pages of several heads; typeset by ``make formulas``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from app.equation import Equation, Told, all_lines, n
from engines.multi_head.heads.spec import HeadsParams
from engines.multi_head.training.spec import LETTERS, UNORDERED, MultiHeadTraining


def sizes(_params: HeadsParams, told: Told) -> Mapping[str, str]:
    """Width of a head, and the parameters of the layer."""
    seen = told.get("HeadsFrame")
    if seen is None:
        return {}
    return {
        "width": n(seen.width, 0), "heads": n(seen.heads, 0), "d": n(seen.width // seen.heads, 0),
        "count": n(seen.parameters, 0), "change": n(seen.change),
    }  # fmt: skip


def chance(_params: MultiHeadTraining, _told: Told) -> Mapping[str, str]:
    """What a model gets that guesses, and one that knows both letters but not which is which.

    The latter answers the same to AB and BA: it is right twice in one order and never in the other, or once in each.
    """
    letters = len(LETTERS)
    return {"letters": n(letters, 0), "guessing": n(math.log(letters), 3), "unordered": n(UNORDERED, 3)}


EQUATIONS = {
    "heads": Equation(
        (
            r"h_i=\mathrm{softmax}(Q_i K_i^{\top}/\sqrt d\,T)\,V_i",
            r"Y=[h_1,\ldots,h_H]\,W_o+b_o",
            r"d=\frac{E}{H}=\frac{[[width|000]]}{[[heads|00]]}=[[d|000]]",
            r"4\cdot[[width|000]]^2+4\cdot[[width|000]]=[[count|00,000]]",
        ),
        "Vaswani 2017, 3.2.2; D2L 11.5",
        sizes,
    ),
    "training": Equation(
        (
            r"L=-\frac1n\sum_i\ln p_i(y_i)",
            r"\ln([[letters|00]])=[[guessing|0.000]]",
            r"\frac{2+0}{2+2}=\frac{1+1}{2+2}=[[unordered|0.000]]",
        ),
        "Vaswani 2017, 3.2.2; D2L 11.5",
        chance,
    ),
}
FORMULAS = all_lines(EQUATIONS)
