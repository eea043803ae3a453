"""The steps of the page Maths: two operands and a result each, and which cell is made of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.tabs.transformer.labwords import numbered, spoken
from app.views.stagestrip import Small
from app.words import Text, plain
from engines.core.errors import Message
from engines.transformer.maths.spec import Walked
from engines.transformer.switches import CROSS

STAGES = ("Embedding", "Q, K, V", "Scores", "Softmax", "Output", "Add & norm", "FFN", "Logits")
EMBED, PROJECT, SCORES, SOFTMAX, OUTPUT, ADD, FFN, LOGITS = range(8)

#: Kinds of steps, by what a cell of the result is made of.
PLUS, TIMES, DOT, SOFT, WEIGH, NORM = "plus", "times", "dot", "softmax", "weigh", "norm"


@dataclass(frozen=True, eq=False)
class Table:
    """One table of a step.

    Attributes
    ----------
    name : str or Message
    values : ndarray (rows, cols)
    rows, cols : tuple of str
    axes : str
        Two letters: ``i`` and ``j`` are row and column of the result, ``k`` is what is summed over, ``-`` neither.
    ramp : str
    off : ndarray bool, optional
        Cells that are struck out.
    off_text : str
    """

    name: Text
    values: np.ndarray
    rows: tuple[str, ...]
    cols: tuple[str, ...]
    axes: str
    ramp: str = "diff"
    off: np.ndarray | None = None
    off_text: str = "−∞"

    @property
    def limit(self) -> float:
        """The end of the ramp: the largest size of what is not struck out."""
        sizes = np.abs(self.values if self.off is None else self.values[~self.off])
        return float(sizes.max(initial=0.0)) or 1.0

    @property
    def shape(self) -> str:
        """As it stands beside the name."""
        return f"{self.values.shape[0]} × {self.values.shape[1]}"


@dataclass(frozen=True, eq=False)
class Step:
    """One step: ``left`` sign ``right`` = ``result``.

    Attributes
    ----------
    stage : int
        The stage it belongs to.
    kind : str
        How a cell is made.
    part : str
        What it is called within its stage; English key.
    symbols : tuple of str
        Letters of left, right and result in the formula.
    bias : ndarray (cols,), optional
        Added to each row.
    relu : bool
        Negative sums become 0.
    tape : str
        What the result of a way back is the gradient of; empty on the way there.
    over : float
        What the sum of a way back is divided by.
    """

    stage: int
    kind: str
    part: str
    left: Table
    sign: str
    right: Table
    result: Table
    symbols: tuple[str, str, str]
    bias: np.ndarray | None = None
    relu: bool = False
    tape: str = ""
    over: float = 1.0


def names(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Tokens as rows or columns."""
    return tuple(str(t) for t in spoken(tokens))


def parts(seen: Walked) -> tuple[tuple[int, str], ...]:
    """Stage and name of each step."""
    first = seen.norm_first
    return (
        (EMBED, "Sum"),
        *(((PROJECT, "Norm"),) if first else ()),
        (PROJECT, "Queries"),
        (PROJECT, "Keys"),
        (PROJECT, "Values"),
        (SCORES, "Scores"),
        (SOFTMAX, "Softmax"),
        (OUTPUT, "Head"),
        (OUTPUT, "Concat"),
        (ADD, "Sum"),
        *(() if first else ((ADD, "Norm"),)),
        *(((FFN, "Norm"),) if first else ()),
        (FFN, "Hidden"),
        (FFN, "Out"),
        (FFN, "Sum"),
        *(() if first else ((FFN, "Norm"),)),
        (LOGITS, "Logits"),
        (LOGITS, "Probabilities"),
    )


def to_queries(steps: Sequence[tuple[int, str]], at: int) -> int:
    """Where the choice of another attention leads: from the embeddings, which show nothing of it, to its queries."""
    return steps.index((PROJECT, "Queries")) if steps[at][0] == EMBED else at


def step(seen: Walked, head: int, stage: int, part: str) -> Step:
    """One of the `parts`, for one head."""
    made = {EMBED: _embed, PROJECT: _project, SCORES: _scores, SOFTMAX: _softmax, OUTPUT: _output,
            ADD: _add, FFN: _ffn, LOGITS: _logits}  # fmt: skip
    return made[stage](seen, head, part)


def _rows(seen: Walked) -> tuple[str, ...]:
    return names(seen.queries)


def _embed(seen: Walked, _head: int, part: str) -> Step:
    a, rows = seen.arrays, _rows(seen)
    cols = numbered(a["x"].shape[1])
    return Step(
        EMBED, PLUS, part,
        Table(Message("√E × embedding"), a["embedding"], rows, cols, "ij"), "+",
        Table(Message("Positions"), a["positions"], rows, cols, "ij"),
        Table(Message("Input"), a["x"], rows, cols, "ij"), ("e", "p", "x"),
    )  # fmt: skip


def _project(seen: Walked, head: int, part: str) -> Step:
    if part == "Norm":
        return _norm(seen, PROJECT, "")
    a = seen.arrays
    letter = {"Queries": "q", "Keys": "k", "Values": "v"}[part]
    given = "input" if letter == "q" else "looked_at"
    rows = _rows(seen) if letter == "q" else names(seen.keys)
    e, d = a["input"].shape[1], a["queries"].shape[2]
    cut = slice(head * d, (head + 1) * d)
    from_encoder = letter != "q" and seen.at[0] == CROSS
    source = Message("Encoder output") if from_encoder else Message("Layer input")
    result = {"q": "queries", "k": "keys", "v": "values"}[letter]
    return Step(
        PROJECT, TIMES, part,
        Table(source, a[given], rows, numbered(e), "ik"), "×",
        Table(plain(f"W_{letter}"), a[f"w_{letter}"][:, cut], numbered(e), numbered(d), "kj"),
        Table(Message(part), a[result][head], rows, numbered(d), "ij"), ("x", "w", letter),
        bias=a[f"b_{letter}"][0, cut],
    )  # fmt: skip


def _scores(seen: Walked, head: int, part: str) -> Step:
    a, rows, keys = seen.arrays, _rows(seen), names(seen.keys)
    d = numbered(a["queries"].shape[2])
    return Step(
        SCORES, DOT, part,
        Table(Message("Queries"), a["queries"][head], rows, d, "ik"), "·",
        Table(Message("Keys"), a["keys"][head], keys, d, "jk"),
        Table(Message("Scores"), a["scores"][head], rows, keys, "ij"), ("q", "k", "s"),
    )  # fmt: skip


def raised(scores: np.ndarray, off: np.ndarray) -> np.ndarray:
    """exp(score − largest of the row) where allowed, else 0."""
    kept = np.where(off, -np.inf, scores)
    return np.where(off, 0.0, np.exp(kept - kept.max(-1, keepdims=True)))


def _softmax(seen: Walked, head: int, part: str) -> Step:
    a, rows, keys = seen.arrays, _rows(seen), names(seen.keys)
    off = a["mask"] < 0.5
    scores = a["scores"][head]
    name = Message("Masked scores" if off.any() else "Scores")
    return Step(
        SOFTMAX, SOFT, part,
        Table(name, scores, rows, keys, "ij", off=off), "→",
        Table(plain("exp(s − max)"), raised(scores, off), rows, keys, "ij", "ember", off, "0"),
        Table(Message("Weights"), a["weights"][head], rows, keys, "ij", "ember", off, "0"), ("s", "exp", "a"),
    )  # fmt: skip


def _output(seen: Walked, head: int, part: str) -> Step:
    a, rows, keys = seen.arrays, _rows(seen), names(seen.keys)
    d, e = a["values"].shape[2], a["joined"].shape[1]
    if part == "Head":
        return Step(
            OUTPUT, WEIGH, part,
            Table(Message("Weights"), a["weights"][head], rows, keys, "ik", "ember"), "×",
            Table(Message("Values"), a["values"][head], keys, numbered(d), "kj"),
            Table(Message("Output of head {n}", {"n": head + 1}), a["head"][head], rows, numbered(d), "ij"),
            ("a", "v", "h"),
        )  # fmt: skip
    return Step(
        OUTPUT, TIMES, part,
        Table(Message("All heads side by side"), a["joined"], rows, numbered(e), "ik"), "×",
        Table(plain("W_o"), a["w_o"], numbered(e), numbered(e), "kj"),
        Table(Message("Attention output"), a["attended"], rows, numbered(e), "ij"), ("h", "w", "o"),
        bias=a["b_o"][0],
    )  # fmt: skip


def _add(seen: Walked, _head: int, part: str) -> Step:
    if part == "Norm":
        return _norm(seen, ADD, "")
    a = seen.arrays
    return _sum(seen, ADD, a["residual"], a["attended"], a["sum"], Message("Layer input"),
                Message("Attention output"))  # fmt: skip


def _sum(seen: Walked, stage: int, left: np.ndarray, right: np.ndarray, total: np.ndarray, *said: Text) -> Step:
    rows, cols = _rows(seen), numbered(total.shape[1])
    return Step(
        stage, PLUS, "Sum",
        Table(said[0], left, rows, cols, "ij"), "+", Table(said[1], right, rows, cols, "ij"),
        Table(Message("Sum"), total, rows, cols, "ij"), ("x", "f", "y"),
    )  # fmt: skip


def _norm(seen: Walked, stage: int, prefix: str) -> Step:
    a, rows = seen.arrays, _rows(seen)
    before = a[f"{prefix}residual" if seen.norm_first else f"{prefix}sum"]
    cols = numbered(before.shape[1])
    mean, deviation = a[f"{prefix}mean"], a[f"{prefix}deviation"]
    if seen.batch_norm:
        both = Table(Message("Mean, std"), np.concatenate([mean, deviation]), ("μ", "σ"), cols, "-j")
    else:
        both = Table(Message("Mean, std"), np.concatenate([mean, deviation], 1), rows, ("μ", "σ"), "i-")
    return Step(
        stage, NORM, "Norm",
        Table(Message("Before"), before, rows, cols, "ij"), "→", both,
        Table(Message("Result"), a[f"{prefix}normed"], rows, cols, "ij"), ("y", "μ, σ", "z"),
    )  # fmt: skip


def _ffn(seen: Walked, _head: int, part: str) -> Step:
    a, rows = seen.arrays, _rows(seen)
    e, f = a["w_1"].shape
    match part:
        case "Norm":
            return _norm(seen, FFN, "ffn_")
        case "Sum":
            said = Message("FFN input"), Message("FFN output")
            return _sum(seen, FFN, a["ffn_residual"], a["ffn"], a["ffn_sum"], *said)
        case "Hidden":
            return Step(
                FFN, TIMES, part,
                Table(Message("FFN input"), a["ffn_input"], rows, numbered(e), "ik"), "×",
                Table(plain("W₁"), a["w_1"], numbered(e), numbered(f), "kj"),
                Table(Message("Hidden"), a["hidden"], rows, numbered(f), "ij"), ("x", "w", "h"),
                bias=a["b_1"][0], relu=True,
            )  # fmt: skip
    return Step(
        FFN, TIMES, part,
        Table(Message("Hidden"), a["hidden"], rows, numbered(f), "ik"), "×",
        Table(plain("W₂"), a["w_2"], numbered(f), numbered(e), "kj"),
        Table(Message("FFN output"), a["ffn"], rows, numbered(e), "ij"), ("h", "w", "f"),
        bias=a["b_2"][0],
    )  # fmt: skip


def _logits(seen: Walked, _head: int, part: str) -> Step:
    a, rows, cols = seen.arrays, names(seen.target), names(seen.words)
    if part == "Logits":
        e = numbered(a["decoded"].shape[1])
        return Step(
            LOGITS, TIMES, part,
            Table(Message("Decoder output"), a["decoded"], rows, e, "ik"), "×",
            Table(plain("W_u"), a["unembed"], e, cols, "kj"),
            Table(Message("Logits"), a["logits"], rows, cols, "ij"), ("x", "w", "l"),
            bias=a["unembed_b"][0],
        )  # fmt: skip
    off = np.zeros_like(a["logits"], bool)
    return Step(
        LOGITS, SOFT, part,
        Table(Message("Logits"), a["logits"], rows, cols, "ij"), "→",
        Table(plain("exp(l − max)"), raised(a["logits"], off), rows, cols, "ij", "ember"),
        Table(Message("Probabilities"), a["probabilities"], rows, cols, "ij", "ember"), ("l", "exp", "p"),
    )  # fmt: skip


# ------------------------------------------------------------------ the strip
def flow(seen: Walked, head: int) -> tuple[list[Small], list[str]]:
    """The stages as small maps, and the shape that each of them hands on."""
    a = seen.arrays
    off = a["mask"] < 0.5
    shown: Sequence[tuple[np.ndarray, str, np.ndarray | None, tuple[int, ...]]] = (
        (a["x"], "diff", None, a["x"].shape),
        (np.concatenate([a["queries"][head], a["keys"][head], a["values"][head]]), "diff", None,
         a["queries"].shape),
        (a["scores"][head], "diff", None, a["scores"].shape),
        (a["weights"][head], "ember", off, a["weights"].shape),
        (a["attended"], "diff", None, a["attended"].shape),
        (a["sum"] if seen.norm_first else a["normed"], "diff", None, a["sum"].shape),
        (a["ffn_sum"] if seen.norm_first else a["ffn_normed"], "diff", None, a["ffn_sum"].shape),
        (a["logits"], "diff", None, a["logits"].shape),
    )  # fmt: skip
    small, shapes = [], []
    for name, (values, ramp, hidden, shape) in zip(STAGES, shown, strict=True):
        end = float(np.abs(values).max(initial=0.0)) or 1.0
        small.append(Small(Message(name), values, ramp, 0.0 if ramp == "ember" else -end, end, hidden))
        shapes.append(f"({', '.join(map(str, shape))})")
    keys = f"({', '.join(map(str, a['keys'].shape))})"  # across to the encoder there may be more or fewer of them
    shapes[PROJECT] = f"3 × {keys}" if keys == shapes[PROJECT] else f"{shapes[PROJECT]}, 2 × {keys}"
    return small, shapes


def landmarks(seen: Walked, head: int, before: int, stage: int, back: bool) -> np.ndarray | None:
    """By which numbers (rows, columns) to choose a column, where columns mean something else than one stage before."""
    if stage == before:
        return None
    if stage == LOGITS:
        found: np.ndarray = seen.gradients["y"] if back else seen.arrays["logits"]
        return found
    if stage in (SCORES, SOFTMAX) and before not in (SCORES, SOFTMAX):
        weights: np.ndarray = seen.arrays["weights"][head]
        return weights
    return None
