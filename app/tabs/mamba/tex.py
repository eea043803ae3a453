"""The formulas of Mamba's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n
from engines.mamba.memory_and_time.spec import BYTES, HEAD, KERNEL


def memory(params: Any, _told: Told) -> Mapping[str, str]:
    """Bytes held at the chosen length: keys and values, the state, one row of weights a head."""
    length, channels, state = params.length, params.channels, params.state
    return {
        "bytes": n(BYTES, 0), "channels": n(channels, 0), "length": n(length, 0), "state": n(state, 0),
        "before": n(KERNEL - 1, 0), "cache": n(2 * BYTES * channels * length, 0),
        "held": n(BYTES * channels * (state + KERNEL - 1), 0), "heads": n(channels // HEAD, 0),
    }  # fmt: skip


def vision(_params: Any, told: Told) -> Mapping[str, str]:
    """How many patches the scans let reach the chosen one, of how many."""
    seen = told.get("VisionFrame")
    if seen is None:
        return {}
    return {"can": n(seen.can_reach, 0), "all": n(seen.to.size, 0), "share": n(seen.can_reach / seen.to.size, 3)}


SCAN = r"h_t=\bar A_t h_{t-1}+\bar B_t u_t,\quad y_t=C_t^{\top}h_t"
ZOH = r"\bar A_t=e^{\Delta_t A},\quad\bar B_t=\Delta_t B_t"
EQUATIONS = {
    "scan_by_hand": Equation((), "Gu 2023, 3.2; Ali 2024"),
    "watch": Equation((SCAN, ZOH), "Gu 2023, 3.2"),
    "race": Equation((SCAN, r"L=-\ln p(y)"), "Gu 2023, 4.1"),
    "memory_and_time": Equation(
        (
            r"2\cdot[[bytes|0]]\cdot[[channels|0,000]]\cdot[[length|000,000]]=[[cache|0,000,000,000]]",
            r"[[bytes|0]]\cdot[[channels|0,000]]\cdot([[state|000]]+[[before|0]])=[[held|0,000,000]]",
        ),
        "Gu 2023, 3.3; Shazeer 2019",
        memory,
    ),
    "real": Equation((SCAN, ZOH), "Gu 2023, 3.2"),
    "vision": Equation(
        (r"y_p=\sum_k\mathrm{scan}_k(x)_p", r"\frac{[[can|0,000]]}{[[all|0,000]]}=[[share|0.000]]"),
        "Zhu 2024, 3.2; Liu 2024, 4",
        vision,
    ),
}
FORMULAS = all_lines(EQUATIONS)
