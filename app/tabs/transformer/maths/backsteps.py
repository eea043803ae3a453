"""The same steps on their way back: of each its result's gradient, made of what comes from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.tabs.transformer.labwords import numbered
from app.tabs.transformer.maths.steps import (
    ADD,
    EMBED,
    FFN,
    OUTPUT,
    PLUS,
    PROJECT,
    SCORES,
    SOFTMAX,
    Step,
    Table,
    names,
)
from app.words import Text, plain
from engines.core.errors import Message
from engines.transformer.maths.spec import Walked

#: Kinds of steps on the way back, by what a gradient is made of.
MINUS, RATIO, SHARE, SOFT_BACK, NORM_BACK, HAND_ON = "minus", "ratio", "share", "softmax back", "norm back", "hand on"


def backward(seen: Walked, head: int, stage: int, part: str) -> Step:
    """A step's way back, for one head: ``left`` sign ``right`` = the gradient of its result."""
    g, a = seen.gradients, seen.arrays
    rows, keys = names(seen.queries), names(seen.keys)
    e, d = a["input"].shape[1], a["queries"].shape[2]
    root = float(np.sqrt(d))
    cut = slice(head * d, (head + 1) * d)

    def of(text: str) -> Text:
        return plain(f"∂L/∂{text}")

    def made(
        kind: str, left: Table, sign: str, right: Table, result: np.ndarray, name: str, cols: Sequence[str],
        symbols: tuple[str, str, str], tape: str, over: float = 1.0, result_rows: tuple[str, ...] = rows,
    ) -> Step:  # fmt: skip
        answer = Table(of(name), result, result_rows, tuple(cols), "ij")
        return Step(stage, kind, part, left, sign, right, answer, symbols, tape=tape, over=over)

    def share(
        left: np.ndarray, left_name: Text, right: np.ndarray, right_name: Text, result: np.ndarray, name: str,
        cols: Sequence[str], tape: str, over: float = 1.0, inner: Sequence[str] = (),
        result_rows: tuple[str, ...] = rows,
    ) -> Step:  # fmt: skip
        between = tuple(inner) or numbered(left.shape[1])
        return made(
            SHARE, Table(left_name, left, result_rows, between, "ik"), "×",
            Table(right_name, right, between, tuple(cols), "kj"), result, name, cols, ("g", "w", f"∂{name}"), tape,
            over, result_rows,
        )  # fmt: skip

    def plus(first: np.ndarray, second: np.ndarray, result: np.ndarray, name: str, tape: str) -> Step:
        wide = numbered(result.shape[1])
        return made(
            PLUS, Table(Message("Through the skip"), first, rows, wide, "ij"), "+",
            Table(Message("Through the branch"), second, rows, wide, "ij"), result, name, wide, ("s", "f", f"∂{name}"),
            tape,
        )  # fmt: skip

    def hand_on(above: Text, result: np.ndarray, name: str, tape: str) -> Step:
        wide = numbered(result.shape[1])
        ones = np.ones_like(result)
        return made(
            HAND_ON, Table(above, result, rows, wide, "ij"), "×", Table(plain("1"), ones, rows, wide, "ij"), result,
            name, wide, ("g", "1", f"∂{name}"), tape,
        )  # fmt: skip

    def norm(prefix: str, above: np.ndarray, result: np.ndarray, tape: str) -> Step:
        wide = numbered(result.shape[1])
        z = g[f"{prefix}standard"]
        return made(
            NORM_BACK, Table(of("z"), above, rows, wide, "ij"), "→",
            Table(Message("Before gain and bias"), z, rows, wide, "ij"), result, "y", wide, ("g", "z", "∂y"), tape,
        )  # fmt: skip

    name, ffn = f"{seen.at[0]}.{seen.at[1]}", seen.ffn
    match stage, part:
        case (s, _) if s == EMBED:
            return plus(g["x_skip"], g["x_via"], g["x"], "x", f"{seen.side}.embedded")
        case (s, "Norm") if s == PROJECT:
            letters = "q" if g["projected"].shape[1] == e else "qkv"
            stacked = np.concatenate([a[f"w_{letter}"].T for letter in letters])
            above = of("q, k, v" if len(letters) > 1 else "q")
            return share(g["projected"], above, stacked, plain("Wᵀ"), g["input"], "x", numbered(e),
                         f"{name}.normed")  # fmt: skip
        case (s, "Queries") if s == PROJECT:
            return share(g["scores"][head], of("s"), a["keys"][head], Message("Keys"), g["queries"][head], "q",
                         numbered(d), f"{name}.queries", root, keys)  # fmt: skip
        case (s, "Keys") if s == PROJECT:
            return share(g["scores"][head].T, of("s"), a["queries"][head], Message("Queries"), g["keys"][head], "k",
                         numbered(d), f"{name}.keys", root, rows, keys)  # fmt: skip
        case (s, "Values") if s == PROJECT:
            return share(a["weights"][head].T, Message("Weights"), g["head"][head], of("h"), g["values"][head], "v",
                         numbered(d), f"{name}.values", 1.0, rows, keys)  # fmt: skip
        case (s, _) if s == SCORES:
            off = a["mask"] < 0.5
            return made(
                SOFT_BACK, Table(Message("Weights"), a["weights"][head], rows, keys, "ij", "ember", off, "0"), "∘",
                Table(of("a"), g["weights"][head], rows, keys, "ij"), g["scores"][head], "s", keys, ("a", "g", "∂s"),
                f"{name}.scores",
            )  # fmt: skip
        case (s, _) if s == SOFTMAX:
            return share(g["head"][head], of("h"), a["values"][head].T, plain("Vᵀ"), g["weights"][head], "a", keys,
                         f"{name}.weights")  # fmt: skip
        case (s, "Head") if s == OUTPUT:
            return share(g["attended"], of("o"), a["w_o"][cut].T, plain("W_oᵀ"), g["head"][head], "h", numbered(d),
                         f"{name}.heads")  # fmt: skip
        case (s, _) if s == OUTPUT:
            return hand_on(of("y"), g["attended"], "o", f"{name}.branch")
        case (s, "Sum") if s == ADD:
            if seen.norm_first:
                return plus(g["next_skip"], g["next_via"], g["sum"], "y", f"{name}.sum")
            return norm("", g["normed"], g["sum"], f"{name}.sum")
        case (s, _) if s == ADD:
            return plus(g["next_skip"], g["next_via"], g["normed"], "z", f"{name}.output")
        case (s, "Norm") if s == FFN and seen.norm_first:
            return share(g["before_relu"], of("h, h > 0"), a["w_1"].T, plain("W₁ᵀ"), g["ffn_input"], "x", numbered(e),
                         f"{ffn}.normed")  # fmt: skip
        case (s, "Hidden") if s == FFN:
            return share(g["ffn"], of("f"), a["w_2"].T, plain("W₂ᵀ"), g["hidden"], "h", numbered(a["w_1"].shape[1]),
                         f"{ffn}.hidden")  # fmt: skip
        case (s, "Out") if s == FFN:
            return hand_on(of("y"), g["ffn"], "f", f"{ffn}.branch")
        case (s, "Sum") if s == FFN and not seen.norm_first:
            return norm("ffn_", g["ffn_normed"], g["ffn_sum"], f"{ffn}.sum")
        case (s, _) if s == FFN:
            key, letter, tape = (
                ("ffn_sum", "y", f"{ffn}.sum") if seen.norm_first else ("ffn_normed", "z", f"{ffn}.output")
            )
            if "above_skip" in g:
                return plus(g["above_skip"], g["above_via"], g[key], letter, tape)
            return hand_on(Message("From all that is above"), g[key], letter, tape)
        case (_, "Logits"):
            words = names(seen.words)
            return made(
                MINUS, Table(Message("Probabilities"), g["p"], names(seen.target), words, "ij", "ember"), "−",
                Table(Message("Label"), g["y"], names(seen.target), words, "ij", "ember"), g["logits"], "l", words,
                ("p", "y", "∂l"), "logits", 1.0, names(seen.target),
            )  # fmt: skip
    words = names(seen.words)
    return made(
        RATIO, Table(Message("Label"), g["y"], names(seen.target), words, "ij", "ember"), "÷",
        Table(Message("Probabilities"), a["probabilities"], names(seen.target), words, "ij", "ember"),
        g["probabilities"], "p", words, ("y", "p", "∂p"), "probabilities", 1.0, names(seen.target),
    )  # fmt: skip
