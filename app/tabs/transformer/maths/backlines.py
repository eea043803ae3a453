"""Where a gradient comes from: its formula, and two lines in today's numbers."""

from __future__ import annotations

import numpy as np

from app.tabs.transformer.maths import tex
from app.tabs.transformer.maths.backsteps import HAND_ON, MINUS, NORM_BACK, RATIO, SHARE, SOFT_BACK
from app.tabs.transformer.maths.formulas import TERMS, cell_name, num
from app.tabs.transformer.maths.steps import PLUS, Step
from app.terms import products, signed
from app.words import Text, number, plain
from engines.core.errors import Message


def formula_of(step: Step, batch_norm: bool) -> str:
    """LaTeX of a step's way back."""
    match step.kind:
        case kind if kind == PLUS:
            return tex.PLUS_BACK
        case kind if kind == HAND_ON:
            return tex.HAND_ON
        case kind if kind == NORM_BACK:
            return tex.BATCH_NORM_BACK if batch_norm else tex.NORM_BACK
    return tex.BACKWARD[step.part]


def lines(step: Step, cell: tuple[int, int], gain: np.ndarray, deviation: np.ndarray, batch_norm: bool) -> list[Text]:
    """The numbers put in, and the result.

    ``gain`` (E,) and ``deviation`` (rows, 1) or (1, E) of a normalization; of no use elsewhere.
    """
    i, j = cell
    left, right = step.left.values, step.right.values
    value = float(step.result.values[i, j])
    out = cell_name(step.symbols[2], step.result, i, j)
    end: Text = plain(f"= {fine(value)}")
    match step.kind:
        case kind if kind == PLUS:
            return [plain(f"{out} = {fine(left[i, j])} + {braced(right[i, j])}"), end]
        case kind if kind == HAND_ON:
            return [plain(f"{out} = {fine(left[i, j])} × 1"), end]
        case kind if kind == MINUS:
            return [plain(f"{out} = {fine(left[i, j])} − {fine(right[i, j])}"), end]
        case kind if kind == RATIO:
            return [plain(f"{out} = {fine(-left[i, j])} / {fine(right[i, j])}"), end]
        case kind if kind == SHARE:
            total = products(left[i], right[:, j], TERMS, fine)
            over = "" if step.over == 1.0 else f" / {number(step.over, 2)}"
            whole = float(left[i] @ right[:, j])
            said = f"({total}){over}" if over else total
            return [plain(f"{out} = {said}"), plain(f"= {fine(whole)}{over} = {fine(value)}") if over else end]
        case kind if kind == SOFT_BACK:
            mean = float(left[i] @ right[i])
            return [plain(f"{out} = {fine(left[i, j])} × ({fine(right[i, j])} − {braced(mean)})"), end]
    assert step.kind == NORM_BACK
    scaled = left[i] * gain
    if batch_norm:
        sigma = float(deviation[0, j])
        return [plain(f"{out} = {num(float(gain[j]))} × {braced(left[i, j])} / {num(sigma)}"), end]
    sigma, z = float(deviation[i, 0]), right[i]
    parts = f"{fine(float(scaled[j]))} − {braced(float(scaled.mean()))}"
    return [
        plain(f"{out} = ({parts} − {signed(z[j], num)} × {braced(float((scaled * z).mean()))}) / {num(sigma)}"),
        end,
    ]


def check_line(tried: float, gradient: float, step: float) -> Message:
    """What a finite difference says."""
    said = {"tried": fine(tried), "hand": fine(gradient), "h": fine(step), "apart": fine(abs(tried - gradient))}
    return Message("(L(+{h}) − L(−{h})) / 2h = {tried}, by hand {hand}, apart {apart}", said)


def fine(value: float) -> str:
    """Three digits of a gradient, however small: ``0.123``, ``−4.56e−5``, ``0``."""
    value = float(value)
    if value == 0:  # of either sign
        return "0"
    if 1e-3 <= abs(value) < 1e3:
        return number(value, 4 if abs(value) < 0.1 else 3)
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def braced(value: float) -> str:
    """A gradient inside a sum: negative ones in brackets."""
    text = fine(value)
    return f"({text})" if text.startswith("−") else text
