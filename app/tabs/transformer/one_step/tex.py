"""The formulas of the page One step; typeset by ``make formulas``."""

from __future__ import annotations

NUM = "−0.00·10⁻⁰"
MEAN = rf"m = \beta_1 m + (1-\beta_1)\,g = 0.9\cdot[[m_before|{NUM}]] + 0.1\cdot[[g|{NUM}]] = [[m|{NUM}]]"
SQUARE = rf"v = \beta_2 v + (1-\beta_2)\,g^2 = 0.98\cdot[[v_before|{NUM}]] + 0.02\cdot[[g2|{NUM}]] = [[v|{NUM}]]"
CORRECTED = (
    rf"\hat{{m}} = \frac{{m}}{{1-\beta_1^t}} = [[m_hat|{NUM}]] \qquad \hat{{v}} = \frac{{v}}{{1-\beta_2^t}} ="
    rf" [[v_hat|{NUM}]] \qquad t = [[t|00]]"
)
STEP = (
    rf"w \leftarrow w - \eta\,\frac{{\hat{{m}}}}{{\sqrt{{\hat{{v}}}}+\varepsilon}} = [[w|−0.00000]]"
    rf" - [[rate|{NUM}]]\cdot [[ratio|−0.000]] = [[w_after|−0.00000]]"
)
LINES = (MEAN, SQUARE, CORRECTED, STEP)
FORMULAS = LINES
