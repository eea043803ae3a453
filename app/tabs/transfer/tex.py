"""The formulas of the pages of transfer; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def probe(_params: Any, told: Told) -> Mapping[str, str]:
    """How many parameters are trained where the backbone stays as it is."""
    seen = told.get("SetRead")
    if seen is None:
        return {}
    classes = len(seen.names)
    return {"width": n(seen.width, 0), "classes": n(classes, 0), "count": n(seen.width * classes + classes, 0)}


HEAD = r"p=\mathrm{softmax}(W f(x)+b)"
EQUATIONS = {
    "learn": Equation(
        (HEAD, r"[[width|0000]]\cdot[[classes|000]]+[[classes|000]]=[[count|000,000]]"),
        "Kornblith 2019; D2L 14.2",
        probe,
    ),
    "new_photo": Equation((HEAD, r"\hat y=\mathrm{arg}\max_c p_c"), "Kornblith 2019; D2L 14.2"),
}
FORMULAS = all_lines(EQUATIONS)
