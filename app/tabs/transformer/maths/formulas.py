"""Where a cell of a step comes from, in the paper's formula and in today's numbers."""

from __future__ import annotations

import numpy as np

from app.tabs.transformer.maths.steps import DOT, NORM, PLUS, SOFT, TIMES, WEIGH, Step, Table
from app.terms import products, signed
from app.words import Text, number, plain
from engines.core.errors import Message

TERMS = 4  #: of a long sum that are written out
GENERAL = {
    "Sum0": "x = √E · embedding(token) + position",
    "Queries": "Q = X W_q + b_q",
    "Keys": "K = X W_k + b_k",
    "Values": "V = X W_v + b_v",
    "Scores": "S = Q Kᵀ / √d",
    "Softmax": "A = softmax(S + M)",
    "Head": "head = A V",
    "Concat": "O = [h₁, h₂, ...] W_o + b_o",
    "Sum": "y = x + sublayer(x)",
    "Norm": "z = γ (y − μ) / √(σ² + ε) + β",
    "Hidden": "h = relu(x W₁ + b₁)",
    "Out": "FFN(x) = h W₂ + b₂",
    "Logits": "l = x W_u + b_u",
    "Probabilities": "p = softmax(l)",
}
IN_WORDS = ("Sum0", "Head", "Sum")


def general(part: str) -> Text:
    """The formula of a step; words in it are said in the user's language."""
    text = GENERAL[part]
    return Message(text) if part in IN_WORDS else plain(text)


def formula(step: Step, cell: tuple[int, int], extra: tuple[float, float] = (1.0, 0.0)) -> tuple[Text, ...]:
    """Three lines: the formula, the numbers put in, the result.

    ``extra``: gain and bias of a normalization at the cell's column.
    """
    i, j = cell
    head = general("Sum0" if step.part == "Sum" and step.stage == 0 else step.part)
    left, right = step.left.values, step.right.values
    value = float(step.result.values[i, j])
    out = cell_name(step.symbols[2], step.result, i, j)
    match step.kind:
        case kind if kind == PLUS:
            return head, plain(f"{out} = {num(left[i, j])} + {signed(right[i, j], num)}"), plain(f"= {num(value)}")
        case kind if kind == TIMES:
            assert step.bias is not None
            total = products(left[i], right[:, j], TERMS - step.relu, num)
            inside = f"{total} + {signed(step.bias[j], num)}"
            whole = float(left[i] @ right[:, j] + step.bias[j])
            if step.relu:
                return head, plain(f"{out} = relu({inside})"), plain(f"= relu({num(whole)}) = {num(value)}")
            return (
                head,
                plain(f"{out} = {inside}"),
                Message("= {value} (a sum over {n} products and a bias)", {"value": num(value), "n": len(left[i])}),
            )
        case kind if kind == DOT:
            d = left.shape[1]
            raw = float(left[i] @ right[j])
            return (
                head,
                plain(f"{out} = ({products(left[i], right[j], TERMS, num)}) / √{d}"),
                plain(f"= {num(raw)} / {number(np.sqrt(d), 2)} = {num(value)}"),
            )
        case kind if kind == WEIGH:
            n = left.shape[1]
            end = Message("= {value} (a mean of {n} values, weighted)", {"value": num(value), "n": n})
            return (
                head,
                plain(f"{out} = {products(left[i], right[:, j], TERMS, num)}"),
                end if n > 1 else plain(f"= {num(value)}"),
            )
        case kind if kind == SOFT:
            return softmax_lines(step, i, j, head, out)
        case kind if kind == NORM:
            return norm_lines(step, i, j, head, out, extra)
    raise ValueError(step.kind)


def softmax_lines(step: Step, i: int, j: int, head: Text, out: str) -> tuple[Text, ...]:
    """The softmax, exp over the sum of exps; a masked cell says so."""
    scores, raised = step.left.values[i], step.right.values[i]
    off = step.left.off
    total = num(float(raised.sum()))
    if off is not None and off[i, j]:
        return head, plain(f"{out} = exp(−∞) / {total}"), Message("= 0: the mask hides what comes later")
    kept = scores if off is None else scores[~off[i]]
    value = number(float(step.result.values[i, j]), 4)
    return (
        head,
        plain(f"{out} = exp({num(scores[j])} − {signed(kept.max(), num)}) / Σ exp = {num(float(raised[j]))} / {total}"),
        plain(f"= {value}"),
    )


def norm_lines(step: Step, i: int, j: int, head: Text, out: str, extra: tuple[float, float]) -> tuple[Text, ...]:
    """Minus the mean, over the deviation, times γ, plus β."""
    both = step.right.values
    mean, deviation = (both[i] if step.right.axes == "i-" else both[:, j]).tolist()
    before, value = float(step.left.values[i, j]), float(step.result.values[i, j])
    gain, bias = extra
    return (
        head,
        plain(f"{out} = {num(gain)} × ({num(before)} − {signed(mean, num)}) / {num(deviation)} + {signed(bias, num)}"),
        plain(f"= {num(value)}"),
    )


def cell_name(symbol: str, table: Table, i: int, j: int) -> str:
    """``s(t, n)``: the symbol with row and column."""
    row = table.rows[i] if i < len(table.rows) else str(i + 1)
    col = table.cols[j] if j < len(table.cols) else str(j + 1)
    return f"{symbol}({row}, {col})"


def num(value: float) -> str:
    """Two digits, or three where it is small."""
    return number(float(value), 2 if abs(value) >= 0.1 or value == 0 else 3)
