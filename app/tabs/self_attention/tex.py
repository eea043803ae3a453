"""The formulas of the pages of self-attention and positions; typeset by ``make formulas``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from app.equation import Equation, Told, all_lines, n


def sentence(params: Any, told: Told) -> Mapping[str, str]:
    """The score of the chosen token and the one that it attends to most."""
    seen = told.get("AttentionFrame")
    if seen is None:
        return {}
    i = min(params.token, len(seen.tokens) - 1)
    j = int(seen.weights[i].argmax())
    return {
        "raw": n(seen.queries[i] @ seen.keys[j]), "d": n(seen.queries.shape[1], 0),
        "temperature": n(params.temperature), "score": n(seen.scores[i, j]), "weight": n(seen.weights[i, j], 3),
    }  # fmt: skip


def heads(_params: Any, told: Told) -> Mapping[str, str]:
    """The entropy of the chosen head beside the most that it could have."""
    seen = told.get("HeadsAnswer")
    if seen is None:
        return {}
    tokens = len(seen.weights)
    return {
        "tokens": n(tokens, 0),
        "most": n(math.log2(tokens)),
        "entropy": n(seen.entropy[seen.layer - 1, seen.head - 1]),
    }


def in_numbers(_params: Any, told: Told) -> Mapping[str, str]:
    """The score of the pair that is looked at."""
    seen = told.get("NumbersAnswer")
    if seen is None:
        return {}
    at = int(seen.row.argmax())
    return {
        "raw": n(seen.scores[at]), "d": n(len(seen.q), 0), "temperature": n(seen.temperature),
        "score": n(seen.scaled[at]), "weight": n(seen.row[at], 3),
    }  # fmt: skip


def similarity(_params: Any, told: Told) -> Mapping[str, str]:
    """Of both sentences."""
    seen = told.get("Compared")
    return {} if seen is None else {"similarity": n(seen.similarity, 3)}


def words_(params: Any, _told: Told) -> Mapping[str, str]:
    """By what the logits are divided."""
    return {"sampling": n(params.sampling)}


def ablation(_params: Any, told: Told) -> Mapping[str, str]:
    """What the head that counts most takes away."""
    seen = told.get("AblationAnswer")
    if seen is None or not seen.known.any():
        return {}
    effects = np.where(seen.known, np.abs(seen.effects), -1.0)
    effect = float(seen.effects.flat[int(effects.argmax())])
    return {"base": n(seen.base, 3), "effect": n(effect, 3)}


def positions(params: Any, _told: Told) -> Mapping[str, str]:
    """The frequency of the chosen column."""
    even = min(params.column, params.dim - 1) // 2 * 2
    return {"even": n(even, 0), "dim": n(params.dim, 0), "omega": n(10000 ** (-even / params.dim), 5)}


def cost(params: Any, _told: Told) -> Mapping[str, str]:
    """Of the length and the width that are set."""
    length, width, kernel = params.cost_length, params.cost_dim, params.kernel
    return {
        "length": n(length, 0), "width": n(width, 0), "kernel": n(kernel, 0), "attention": n(2 * length**2 * width, 0),
        "recurrent": n(2 * length * width**2, 0), "convolved": n(kernel * length * width**2, 0),
    }  # fmt: skip


SCORE = r"s=\frac{q^{\top}k}{\sqrt d\,T}=\frac{[[raw|−000.00]]}{\sqrt{[[d|000]]}\cdot[[temperature|00.00]]}"
MADE = r"=[[score|−00.00]]\qquad\alpha=\mathrm{softmax}(s)=[[weight|0.000]]"
EQUATIONS = {
    "sentence": Equation(
        (r"Y=\mathrm{softmax}(Q K^{\top}/\sqrt d\,T)\,V", SCORE, MADE),
        "Vaswani 2017, 3.2.1; D2L 11.6",
        sentence,
    ),
    "heads": Equation(
        (r"H=-\sum_j\alpha_j\log_2\alpha_j=[[entropy|0.00]]", r"\log_2([[tokens|000]])=[[most|0.00]]"),
        "Clark 2019; Vaswani 2017, 3.2.2",
        heads,
    ),
    "in_numbers": Equation(
        (SCORE, MADE),
        "Vaswani 2017, 3.2.1; D2L 11.6",
        in_numbers,
    ),
    "similarity": Equation(
        (r"\cos(a,b)=\frac{a^{\top}b}{\lVert a\rVert\,\lVert b\rVert}=[[similarity|−0.000]]",),
        "Reimers 2019",
        similarity,
    ),
    "words": Equation((r"p=\mathrm{softmax}(\ell/T),\quad T=[[sampling|0.00]]",), "Devlin 2019, 3.1; D2L 11.9", words_),
    "ablation": Equation(
        (r"\Delta_h=c_{-h}-c,\quad c=[[base|−0.000]],\quad\Delta_h=[[effect|−0.000]]",), "Michel 2019, 3", ablation
    ),
    "positions": Equation(
        (
            r"p_{t,2i}=\sin\omega t,\quad p_{t,2i+1}=\cos\omega t",
            r"\omega=10000^{-2i/d}=10000^{-[[even|000]]/[[dim|000]]}=[[omega|0.00000]]",
        ),
        "Vaswani 2017, 3.5; D2L 11.6",
        positions,
    ),
    "cost": Equation(
        (
            r"2n^2 d=2\cdot[[length|00,000]]^2\cdot[[width|0000]]=[[attention|000,000,000]]",
            r"2n d^2=2\cdot[[length|00,000]]\cdot[[width|0000]]^2=[[recurrent|000,000,000]]",
            r"k n d^2=[[kernel|00]]\cdot[[length|00,000]]\cdot[[width|0000]]^2=[[convolved|000,000,000]]",
        ),
        "Vaswani 2017, 4; D2L 11.6",
        cost,
    ),
}
FORMULAS = all_lines(EQUATIONS)
