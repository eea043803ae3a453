"""What the page "Step through" shows: five steps, each with two operands, a result, and a formula for each cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.terms import products, signed, total
from app.words import Text, number, plain
from engines.core.errors import Message
from engines.scoring.compare.spec import Compared
from engines.scoring.spec import ADDITIVE, FUNCTIONS, SCALED, valid_length

STEPS = ("Scores", "Scale", "Mask", "Softmax", "Weighted sum")
SCORES, SCALE, MASK, SOFTMAX, SUM = range(5)


@dataclass(frozen=True)
class Table:
    """One table of a step.

    Attributes
    ----------
    name : str or Message
    values : ndarray (rows, cols)
    ramp : str
    limit : float
        End of the ramp, on both sides of 0 for ``diff``.
    rows, cols : tuple of str
    off : ndarray bool, optional
        Cells that are struck out.
    off_text : str
    cross : what the chosen cell of the result lights up: ``row``, ``col`` (as a row of keys or a column) or ``cell``
    """

    name: Text
    values: np.ndarray
    ramp: str
    limit: float
    rows: tuple[str, ...]
    cols: tuple[str, ...]
    off: np.ndarray | None = None
    off_text: str = "−∞"
    cross: str = "cell"


@dataclass(frozen=True)
class Step:
    """One step: ``left`` sign ``right`` = ``result``; the mask step's right operand is the mask itself.

    ``learned``: operands and result are made with the weights of an MLP, which `by_unit` shows.
    """

    title: Text
    note: Text
    left: Table
    sign: str
    right: Table | None
    result: Table
    learned: bool = False


def limit_of(values: np.ndarray, off: np.ndarray | None = None) -> float:
    """The largest size of what is not struck out."""
    sizes = np.abs(values if off is None else values[~off])
    return float(sizes.max(initial=0.0)) or 1.0


def named(letter: str, count: int) -> tuple[str, ...]:
    """q1, q2, q3."""
    return tuple(f"{letter}{n + 1}" for n in range(count))


def divisor(seen: Compared, f: int) -> float:
    """What the raw scores are divided by in all: √d where they are scaled, times the temperature."""
    return float(seen.scale[f]) * seen.params.temperature


def logits(seen: Compared, f: int) -> np.ndarray:
    """What goes into the softmax, (Q, K)."""
    return np.asarray(seen.raw[f] / divisor(seen, f))


def exponentials(seen: Compared, f: int) -> np.ndarray:
    """exp(logit − largest of the row) where allowed, else 0: (Q, K)."""
    scores = logits(seen, f)
    kept = np.where(seen.allowed, scores, -np.inf)
    top = kept.max(1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return np.where(seen.allowed, np.exp(np.minimum(scores - top, 0.0)), 0.0)


def results(seen: Compared, f: int) -> tuple[Table, ...]:
    """The result of each step."""
    queries, keys = seen.allowed.shape
    q, k = named("q", queries), named("k", keys)
    scaled, off = logits(seen, f), ~seen.allowed
    weights, output = seen.weights[f], seen.output[f]
    top = float(weights.max(initial=0.0)) or 1.0
    return (
        Table(Message("Scores"), seen.raw[f], "diff", limit_of(seen.raw[f]), q, k),
        Table(Message("Scaled scores"), scaled, "diff", limit_of(scaled), q, k),
        Table(Message("Masked scores"), scaled, "diff", limit_of(scaled), q, k, off),
        Table(Message("Weights"), weights, "ember", top, q, k, off, "0"),
        Table(Message("Output"), output, "diff", limit_of(output), q, named("", output.shape[1])),
    )


def steps(seen: Compared, f: int) -> tuple[Step, ...]:
    """All five steps of a scoring function."""
    made = results(seen, f)
    size = seen.keys.shape[1]
    q, k = made[0].rows, made[0].cols
    queries = Table(Message("Queries"), seen.queries, "diff", limit_of(seen.queries), q,
                    named("", seen.queries.shape[1]), cross="row")  # fmt: skip
    keys = Table(Message("Keys"), seen.keys, "diff", limit_of(seen.keys), k, named("", size), cross="col")
    values = Table(Message("Values"), seen.values, "diff", limit_of(seen.values), k, made[4].cols, cross="column")
    divide = np.full((1, 1), divisor(seen, f), np.float32)
    by = "√d × T" if FUNCTIONS[f] == SCALED else "T"
    divisors = Table(plain(by), divide, "diff", 4 * float(divide[0, 0]), (), (), cross="")
    raised = exponentials(seen, f)
    risen = Table(plain("exp(x − max)"), raised, "ember", 1.0, q, k, ~seen.allowed, "0", cross="row")
    weights = Table(made[3].name, made[3].values, "ember", made[3].limit, q, k, made[3].off, "0", cross="row")
    additive = FUNCTIONS[f] == ADDITIVE
    if additive:
        units = named("", len(seen.w_v))
        asked, offered = seen.queries @ seen.w_q.T, seen.keys @ seen.w_k.T  # (Q, h), (K, h)
        queries = Table(plain("W_q q"), asked, "diff", limit_of(asked), q, units, cross="row")
        keys = Table(plain("W_k k"), offered, "diff", limit_of(offered), k, units, cross="col")
    return (
        Step(Message("Scores"), Message("w_v · tanh of the sum, for each query and key" if additive
                                        else "each query times each key"),
             queries, "+" if additive else "·", keys, made[0], additive),
        Step(Message("Scale"), Message("by √d and the temperature T" if FUNCTIONS[f] == SCALED
                                       else "by the temperature T; no √d here"),
             made[0], "÷", divisors, made[1]),
        Step(Message("Mask"), Message("paint cells, drag valid lengths"), made[1], "+", None, made[2]),
        Step(Message("Softmax"), Message("e to the scores, divided by the sum of the row"),
             made[2], "→", risen, made[3]),
        Step(Message("Weighted sum"), Message("of the values, with each query's weights"),
             weights, "×", values, made[4]),
    )  # fmt: skip


# ------------------------------------------------------------------ the MLP of additive scoring
def strongest_unit(seen: Compared, i: int, j: int) -> int:
    """The hidden unit that adds most to the score of a pair."""
    return int(np.abs(seen.w_v * seen.hidden[i, j]).argmax())


def by_unit(seen: Compared, i: int, j: int, unit: int) -> tuple[Table, Table]:
    """The score of a pair as a sum over hidden units, and what W_q and W_k make of query and key in one of them."""
    q, k, h, d = f"q{i + 1}", f"k{j + 1}", len(seen.w_v), seen.keys.shape[1]
    hidden = seen.hidden[i, j]
    units = np.stack([seen.w_q @ seen.queries[i], seen.w_k @ seen.keys[j], hidden, seen.w_v, seen.w_v * hidden])
    rows = (f"W_q {q}", f"W_k {k}", "tanh(Σ)", "w_v", "w_v tanh")
    wide = max(d, seen.queries.shape[1])
    parts = np.zeros((4, wide), np.float32)
    for at, values in enumerate((seen.w_q[unit], seen.queries[i], seen.w_k[unit], seen.keys[j])):
        parts[at, : len(values)] = values
    off = np.arange(wide) >= np.array([[seen.queries.shape[1]]] * 2 + [[d]] * 2)
    return (
        Table(Message("Hidden units"), units, "diff", limit_of(units), rows, named("", h)),
        Table(Message("Unit {n}", {"n": unit + 1}), parts, "diff", limit_of(parts), ("W_q", q, "W_k", k),
              named("", wide), off if off.any() else None, ""),
    )  # fmt: skip


# ------------------------------------------------------------------ formulas
def formula(seen: Compared, f: int, step: int, cell: tuple[int, int], unit: int | None = None) -> tuple[Text, ...]:
    """The lines that say where a cell of a step's result comes from, in live numbers.

    ``unit`` is the hidden unit of an additive score that is spelled out, by default the one that adds most.
    """
    if step == SCORES and FUNCTIONS[f] == ADDITIVE:
        return _additive(seen, *cell, strongest_unit(seen, *cell) if unit is None else unit)
    made = (_scores, _scale, _mask, _softmax, _sum)[step]
    return made(seen, f, *cell)


def _scores(seen: Compared, f: int, i: int, j: int) -> tuple[Text, ...]:
    value = number(float(seen.raw[f, i, j]), 2)
    return (
        plain(f"score(q{i + 1}, k{j + 1}) = q{i + 1} · k{j + 1}"),
        plain(f"= {products(seen.queries[i], seen.keys[j])}"),
        Message("= {value} (a sum over {n} dimensions)", {"value": value, "n": seen.keys.shape[1]}),
    )


def _additive(seen: Compared, i: int, j: int, unit: int) -> tuple[Text, ...]:
    """A hidden unit, from W_q and W_k on, and the sum over all with w_v."""
    q, k, hidden = f"q{i + 1}", f"k{j + 1}", seen.hidden[i, j]
    asks, answers = seen.w_q[unit], seen.w_k[unit]
    one, other = (number(float(v), 2) for v in (asks @ seen.queries[i], answers @ seen.keys[j]))
    inner = f"{one} + {signed(float(answers @ seen.keys[j]))}"
    values: dict[str, object] = {
        "n": unit + 1,
        "q": f"W_q {q} = {products(asks, seen.queries[i], 1)} = {one}",
        "k": f"W_k {k} = {products(answers, seen.keys[j], 1)} = {other}",
    }
    part = number(float(seen.w_v[unit] * hidden[unit]), 2)
    adds = f"w_v tanh({inner}) = {number(float(seen.w_v[unit]), 2)} × {signed(float(hidden[unit]))} = {part}"
    value = number(float(seen.raw[FUNCTIONS.index(ADDITIVE), i, j]), 2)
    return (
        Message("hidden unit {n}: {q}; {k}", values),
        plain(adds),
        plain(f"score({q}, {k}) = w_v · tanh(W_q {q} + W_k {k}) = {products(seen.w_v, hidden, 2)} = {value}"),
    )


def _scale(seen: Compared, f: int, i: int, j: int) -> tuple[Text, ...]:
    raw, temperature = number(float(seen.raw[f, i, j]), 2), number(seen.params.temperature, 2)
    by, value = number(divisor(seen, f), 2), number(float(logits(seen, f)[i, j]), 2)
    pair = f"q{i + 1}, k{j + 1}"
    if FUNCTIONS[f] == SCALED:
        size = seen.keys.shape[1]
        return (
            plain(f"scaled({pair}) = score({pair}) / (√d × T)"),
            plain(f"= {raw} / (√{size} × {temperature}) = {raw} / {by}"),
            plain(f"= {value}"),
        )
    return (
        plain(f"scaled({pair}) = score({pair}) / T"),
        plain(f"= {raw} / {temperature}"),
        plain(f"= {value}"),
    )


def _mask(seen: Compared, f: int, i: int, j: int) -> tuple[Text, ...]:
    value, pair = number(float(logits(seen, f)[i, j]), 2), f"q{i + 1}, k{j + 1}"
    length = valid_length(seen.params, i)
    names = {"query": f"q{i + 1}", "key": f"k{j + 1}", "n": length}
    if j >= length:
        why = Message("{key} lies beyond the valid length of {query}, which is {n}.", names)
    elif not seen.allowed[i, j]:
        why = Message("{key} is masked by hand for {query}.", names)
    else:
        why = Message("{key} is within the valid length of {query}, {n}, and not masked by hand.", names)
        return plain(f"masked({pair}) = {value}"), why
    return plain(f"masked({pair}) = −∞"), why


def _softmax(seen: Compared, f: int, i: int, j: int) -> tuple[Text, ...]:
    pair = f"q{i + 1}, k{j + 1}"
    raised = exponentials(seen, f)[i]
    kept = np.flatnonzero(seen.allowed[i])
    head = plain(f"weight({pair}) = exp(x{j + 1} − max) / Σ exp(x − max)")
    if not len(kept):
        return head, Message("{query} has no key left: its weights are all 0, not NaN.", {"query": f"q{i + 1}"})
    sum_ = total(raised[kept], write=lambda value: number(value, 3))
    scores = logits(seen, f)[i]
    top = float(scores[kept].max())
    weight = number(float(seen.weights[f, i, j]), 3)
    if not seen.allowed[i, j]:
        return head, plain(f"= exp(−∞) / ({sum_})"), plain(f"= 0 / {number(float(raised.sum()), 3)} = 0")
    return (
        head,
        plain(f"= exp({number(float(scores[j]), 2)} − {signed(top)}) / ({sum_})"),
        plain(f"= {number(float(raised[j]), 3)} / {number(float(raised.sum()), 3)} = {weight}"),
    )


def _sum(seen: Compared, f: int, i: int, j: int) -> tuple[Text, ...]:
    keys = seen.allowed.shape[1]
    terms = " + ".join([f"w{n + 1} v{n + 1}" for n in range(min(2, keys))] + (["..."] if keys > 2 else []))
    return (
        Message("output({query}), component {n} = {terms}", {"query": f"q{i + 1}", "n": j + 1, "terms": terms}),
        plain(f"= {products(seen.weights[f, i], seen.values[:, j])}"),
        plain(f"= {number(float(seen.output[f, i, j]), 2)}"),
    )
