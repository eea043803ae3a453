"""The formulas of Swin's pages; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n


def watch(params: Any, told: Told) -> Mapping[str, str]:
    """The width of a head in the stage of the block."""
    info, seen = told.get("ModelInfo"), told.get("Answer")
    if info is None or seen is None:
        return {}
    block, stage = params.block, 0
    while stage < len(info.depths) - 1 and block > info.depths[stage]:
        block -= info.depths[stage]
        stage += 1
    width, heads = info.width * 2**stage, info.heads[stage]
    return {
        "width": n(width, 0), "heads": n(heads, 0), "d": n(width // heads, 0), "window": n(info.window, 0),
        "inside": n(info.window**2, 0), "temperature": n(params.temperature), "bias": n(params.bias),
    }  # fmt: skip


def windows(_params: Any, told: Told) -> Mapping[str, str]:
    """How many windows there are, and how many tokens are in each."""
    seen = told.get("WindowsFrame")
    if seen is None:
        return {}
    across = -(-seen.side // seen.window) * seen.window
    return {
        "padded": n(across, 0),
        "window": n(seen.window, 0),
        "count": n(len(seen.place), 0),
        "inside": n(seen.window**2, 0),
    }


def tables(params: Any, told: Told) -> Mapping[str, str]:
    """How many biases a head has."""
    info, seen = told.get("ModelInfo"), told.get("Tables")
    if info is None or seen is None:
        return {}
    return {
        "window": n(info.window, 0), "size": n(seen.tables[0].size, 0), "temperature": n(params.temperature),
        "bias": n(params.bias),
    }  # fmt: skip


def cost(params: Any, _told: Told) -> Mapping[str, str]:
    """Both costs at the chosen side, in millions."""
    tokens, width, window = params.side**2, params.width, params.window
    return {
        "tokens": n(tokens, 0), "full": n(2 * tokens**2 * width / 1e6, 1),
        "cut": n(2 * window**2 * tokens * width / 1e6, 1), "width": n(width, 0), "window": n(window, 0),
    }  # fmt: skip


SCORES = r"A=\mathrm{softmax}((Q K^{\top}/\sqrt d+\beta B)/T)"
CHANGED = r"T=[[temperature|0.00]],\quad\beta=[[bias|0.00]]"
EQUATIONS = {
    "watch": Equation(
        (SCORES, CHANGED, r"d=\frac{[[width|0000]]}{[[heads|00]]}=[[d|000]]", r"M^2=[[window|00]]^2=[[inside|000]]"),
        "Liu 2021, 3.2",
        watch,
    ),
    "windows": Equation(
        (
            r"\frac{[[padded|000]]}{[[window|00]]}\cdot\frac{[[padded|000]]}{[[window|00]]}=[[count|000]]",
            r"M^2=[[window|00]]^2=[[inside|000]]",
        ),
        "Liu 2021, 3.2",
        windows,
    ),
    "proofs": Equation((r"A=\mathrm{softmax}(Q K^{\top}/\sqrt d+B+M)",), "Liu 2021, 3.2"),
    "position_bias": Equation(
        (SCORES, CHANGED, r"(2M-1)^2=(2\cdot[[window|00]]-1)^2=[[size|0,000]]"), "Liu 2021, 3.2", tables
    ),
    "cost": Equation(
        (
            r"\Omega=4nC^2+2n^2C,\quad\Omega_M=4nC^2+2M^2nC",
            r"2\cdot[[tokens|00,000]]^2\cdot[[width|000]]/10^6=[[full|00,000.0]]",
            r"2\cdot[[window|00]]^2\cdot[[tokens|00,000]]\cdot[[width|000]]/10^6=[[cut|00,000.0]]",
        ),
        "Liu 2021, 3.2",
        cost,
    ),
}
FORMULAS = all_lines(EQUATIONS)
