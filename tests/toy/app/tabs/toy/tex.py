"""The formula of the page "Palette"; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping

from app.equation import Equation, Told, all_lines, n
from engines.toy.spec import ToyParams


def attended(params: ToyParams, told: Told) -> Mapping[str, str]:
    """The temperature, and the largest weight."""
    seen = told.get("Attended")
    return {"temperature": n(params.temperature)} | ({} if seen is None else {"most": n(seen.weights.max(), 3)})


EQUATIONS = {
    "palette": Equation(
        (r"\alpha=\mathrm{softmax}(-\lVert q-k\rVert^2/[[temperature|00.00]])", r"\max\alpha=[[most|0.000]]"),
        "Nadaraya 1964, 2",
        attended,
    ),
}
FORMULAS = all_lines(EQUATIONS)
