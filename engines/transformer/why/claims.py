"""The eight claims as functions of a model on one input (`engines.blocks.reasons.Reasoned`), and what each is told as.

What a `Claim` of each holds: see the function. Rows and columns of its tables are named by its ``rows`` and ``cols``.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks import heads as opened
from engines.blocks.alike import difference
from engines.blocks.positions import sinusoidal
from engines.blocks.reasons import Place, Reasoned
from engines.transformer.showing import array
from engines.transformer.why.spec import ONLY, TO_KEYS, WHOLE, WITH_FFN, WITH_SKIPS, Claim, WhyParams

SEED = 0
POSITIONS = 48  #: that a shift is shown on
CURVE = 49  #: temperatures of the curve of the Jacobian's norm
LOWEST, HIGHEST = 0.02, 50.0  #: temperatures
MOST_DEEP = 64  #: layers of a stack
LIMIT = 64  #: rows and columns of a table that is sent to the window


def keys_need_no_bias(one: Reasoned, place: Place, head: int, row: int, params: WhyParams) -> Claim:
    """Noise on the bias of keys, or of queries: what it does to weights and logits.

    Values: ``keys``, ``queries`` (largest change of a logit by either), ``size`` (largest noise), ``shift`` (what the
    row's scores move by, all alike), ``before``, ``after`` (the row's largest weight). Tables: ``weights``, ``moved``
    (N, K); ``scores``, ``moved_scores`` (N, K).
    """
    heads, untouched = one.heads(place), one.logits(place)
    generator = torch.Generator().manual_seed(SEED)
    noise = params.noise * torch.randn(heads.b_k.shape, generator=generator, dtype=torch.float64).to(heads.b_k)
    by_keys, by_queries = one.logits(place, keys=noise), one.logits(place, queries=noise)
    to_keys = params.added_to == TO_KEYS
    queries, keys = heads.queries(head), heads.keys(head)
    before = opened.scores(queries, keys)
    after = opened.scores(heads.queries(head, None if to_keys else noise), heads.keys(head, noise if to_keys else None))
    weights, moved = opened.softmax(before, heads.mask), opened.softmax(after, heads.mask)
    at = int(weights[row].argmax())
    return Claim(
        {
            "keys": largest(by_keys - untouched),
            "queries": largest(by_queries - untouched),
            "shift": float((after - before)[row, at]),
            "score": float(before[row, at]),
            "moved_score": float(after[row, at]),
            "before": float(weights[row, at]),
            "after": float(moved[row, at]),
        },
        {"weights": array(weights), "moved": array(moved), "scores": array(before), "moved_scores": array(after)},
        *one.names(place),
    )


def a_head_is_two_matrices(one: Reasoned, place: Place, head: int, _row: int, params: WhyParams) -> Claim:
    """QK and OV of a head, how many directions each has, and the heads' sum.

    Values: ``rank``, ``participation`` of QK, ``size`` (d), ``rank_ov``, ``participation_ov``, ``apart`` (heads summed
    through OV against the output as it is computed), ``largest`` (of the output). Tables: ``matrix`` (E, E), the one
    that is looked at. Curves: ``qk``, ``ov`` (E,), singular values.
    """
    heads = one.heads(place)
    qk, ov = heads.qk(head), heads.ov(head)
    found = [torch.linalg.svdvals(matrix) for matrix in (qk, ov)]
    output = heads.output()
    tiny = 10 * max(qk.shape) * torch.finfo(qk.dtype).eps
    ranks = [int((values > tiny * values[0]).sum()) for values in found]
    return Claim(
        {
            "rank": float(ranks[0]),
            "size": float(heads.size),
            "rank_ov": float(ranks[1]),
            "participation": opened.participation(found[0]),
            "participation_ov": opened.participation(found[1]),
            "apart": largest(heads.summed() - output),
            "largest": largest(output),
        },
        {"matrix": array(qk if params.matrix == "QK" else ov), "qk": array(found[0]), "ov": array(found[1])},
    )


def the_stream_is_a_sum(one: Reasoned, _place: Place, _head: int, _row: int, _params: WhyParams) -> Claim:
    """The logits as what each part of the model adds to them.

    Values: ``apart`` (their sum against the model's logits). Tables: ``parts`` (P, T, V); ``logits`` (T, V).
    """
    parts = one.parts()
    return Claim(
        {"apart": largest(parts.values.sum(0) - parts.logits), "parts": float(len(parts.names))},
        {"parts": array(parts.values), "logits": array(parts.logits)},
        parts=parts.names,
    )


class Stack:
    """How much tokens differ through a model's own layers, one way; what is known of the first ones stays known.

    Parameters
    ----------
    one : Reasoned
    skips, ffn : bool
        What the layers have beside attention.
    """

    def __init__(self, one: Reasoned, skips: bool, ffn: bool) -> None:
        self._more = one.through(MOST_DEEP, skips, ffn)
        self._found: list[float] = []
        self._tables: list[np.ndarray] = []

    def to(self, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """Differences (depth + 1,), and the cosines (n, n) of the last layer's tokens."""
        while len(self._found) <= depth:
            x = next(self._more)
            self._found.append(float(difference(x.double())))
            self._tables.append(cosines(x))
        return np.array(self._found[: depth + 1], np.float32), self._tables[depth]


class Stacks:
    """All four ways of a model on one input."""

    def __init__(self, one: Reasoned) -> None:
        self.ways = {
            name: Stack(one, skips, ffn)
            for name, skips, ffn in (
                (ONLY, False, False), (WITH_FFN, False, True), (WITH_SKIPS, True, False), (WHOLE, True, True)
            )
        }  # fmt: skip


def rank_collapse(one: Reasoned, _place: Place, _head: int, _row: int, params: WhyParams, stacks: Stacks) -> Claim:
    """How much tokens differ after each layer, with skips and FFN and without.

    Values: of each way its last; ``masked``, 1 where no token sees those behind it, which takes longer. Curves:
    ``attention``, ``attention_ffn``, ``attention_skips``, ``whole`` (layers + 1,). Tables: ``alike`` (N, N), cosine of
    the tokens after the last layer of attention alone; ``alike_whole`` (N, N), of all there is.
    """
    found = {name: stack.to(params.layers_deep) for name, stack in stacks.ways.items()}
    values = {name: float(curve[-1]) for name, (curve, _) in found.items()}
    curves = {name: curve for name, (curve, _) in found.items()}
    tables = {"alike": found[ONLY][1], "alike_whole": found[WHOLE][1]}
    first = one.places[0]
    mask = one.heads(first).mask
    values["masked"] = float(mask is not None and not bool(mask.all()))
    names = one.names(first)[1]
    return Claim(values, curves | tables, names, names)


def onto_a_sphere(one: Reasoned, place: Place, _head: int, row: int, params: WhyParams) -> Claim:
    """LayerNorm but for gain and bias: minus the mean, then to one length.

    Values: ``radius`` (√E), ``length``, ``before`` (of the row's token, after and before), ``apart`` (of all lengths
    from √(E σ² / (σ² + ε))), ``off`` (largest mean of a token), ``moved`` (what scaling the input changes), ``mean``,
    ``deviation`` (of the row's token). Curves: ``lengths``, ``lengths_before`` (N,). Tables: ``normed`` (N, E).
    """
    x, eps = one.normed(place)
    given = x * params.times
    wide = x.shape[-1]
    z, plain = (F.layer_norm(v, (wide,), eps=eps) for v in (given, x))
    variance = given.var(-1, correction=0)
    expected = (wide * variance / (variance + eps)).sqrt()
    lengths = z.norm(dim=-1)
    row = min(row, len(x) - 1)
    return Claim(
        {
            "radius": math.sqrt(wide),
            "length": float(lengths[row]),
            "before": float(given[row].norm()),
            "mean": float(given[row].mean()),
            "deviation": float((variance[row] + eps).sqrt()),
            "apart": largest(lengths - expected),
            "off": largest(z.mean(-1)),
            "moved": largest(z - plain),
        },
        {"lengths": array(lengths), "lengths_before": array(given.norm(dim=-1)), "normed": array(z)},
        one.names(place)[0],
    )


def kernel_regression(one: Reasoned, place: Place, head: int, row: int, params: WhyParams) -> Claim:
    """Weights of dot products against those of a Gaussian kernel.

    Values: ``apart`` (the largest difference), ``spread`` (longest over shortest key), ``bandwidth`` (σ² = √d),
    ``weight``, ``kernel`` (the row's largest weight, both ways), ``product``, ``distance`` (q·k and ‖q − k‖² behind
    it). Tables: ``weights``, ``kernel`` (N, K).
    """
    heads = one.heads(place)
    queries, keys = heads.queries(head), heads.keys(head)
    lengths = keys.norm(dim=-1)
    if params.equal:
        keys = opened.equally_long(keys)
    weights = opened.softmax(opened.scores(queries, keys), heads.mask)
    kernel = opened.gaussian(queries, keys, heads.mask)
    at = int(weights[row].argmax())
    return Claim(
        {
            "apart": largest(weights - kernel),
            "spread": float(lengths.max() / lengths.min()),
            "bandwidth": math.sqrt(heads.size),
            "weight": float(weights[row, at]),
            "kernel": float(kernel[row, at]),
            "product": float(queries[row] @ keys[at]),
            "distance": float((queries[row] - keys[at]).square().sum()),
        },
        {"weights": array(weights), "kernel": array(kernel)},
        *one.names(place),
    )


def a_shift_is_a_rotation(one: Reasoned, place: Place, _head: int, row: int, params: WhyParams) -> Claim:
    """Positions some places on, against the same positions turned.

    Values: ``apart`` (the largest difference), ``angle`` (of the first pair, radians), ``cos``, ``sin``, ``before_0``,
    ``before_1``, ``after_0`` (the first pair of the row's position, and its first number after). Tables: ``shifted``,
    ``turned`` (positions, E).
    """
    wide = one.positions.shape[1]
    count = POSITIONS
    if params.sine:
        table = sinusoidal(count + params.shift, wide, torch.float64)
    elif one.sine:
        generator = torch.Generator().manual_seed(SEED)
        table = torch.randn(count + params.shift, wide, generator=generator, dtype=torch.float64)
    else:
        table = one.positions.double()
        count = len(table) - min(params.shift, len(table) - 1)
    shifted, before = table[len(table) - count :], table[:count]
    turned = before @ opened.rotation(params.shift, wide, before.dtype).T
    row = min(row, count - 1)
    return Claim(
        {
            "apart": largest(turned - shifted),
            "angle": float(params.shift),
            "cos": math.cos(params.shift),
            "sin": math.sin(params.shift),
            "before_0": float(before[row, 0]),
            "before_1": float(before[row, 1]),
            "after_0": float(turned[row, 0]),
            "really": float(shifted[row, 0]),
            "row": float(row),
        },
        {"shifted": array(shifted), "turned": array(turned)},
        tuple(str(len(table) - count + t) for t in range(count)),
    )


def a_sharp_softmax_is_dead(one: Reasoned, place: Place, head: int, row: int, params: WhyParams) -> Claim:
    """The softmax's Jacobian on one row, and what its temperature does to it.

    Values: ``apart`` (from finite differences), ``norm`` (of the Jacobian), ``top`` (the largest weight), ``own``
    (p (1 − p) of it), ``entropy`` in bits. Tables: ``jacobian`` (K, K). Curves: ``temperatures``, ``norms`` (n,).
    """
    heads = one.heads(place)
    scores = opened.scores(heads.queries(head)[row : row + 1], heads.keys(head))[0].double()  # (K,)
    names = one.names(place)[1]
    if heads.mask is not None:
        kept = heads.mask[row]
        scores, names = scores[kept], tuple(n for n, on in zip(names, kept.tolist(), strict=True) if on)
    sharp = scores / params.sharpness
    weights = sharp.softmax(-1)
    found = opened.jacobian(weights)
    step = 1e-4
    temperatures = torch.logspace(math.log10(LOWEST), math.log10(HIGHEST), CURVE, dtype=torch.float64)
    every = (scores[None] / temperatures[:, None]).softmax(-1)  # (n, K)
    norms = torch.linalg.matrix_norm(opened.jacobian(every))
    top = float(weights.max())
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log2()
    return Claim(
        {
            "apart": largest(found - opened.measured_jacobian(sharp, step)),
            "norm": float(torch.linalg.matrix_norm(found)),
            "top": top,
            "own": top * (1 - top),
            "entropy": float(-(weights * logs).sum()),
        },
        {"jacobian": array(found), "temperatures": array(temperatures), "norms": array(norms)},
        names,
        names,
    )


def largest(x: Tensor) -> float:
    """Largest size in a tensor of any shape."""
    return float(x.abs().max())


def cosines(x: Tensor) -> np.ndarray:
    """Cosine of each pair of rows of x (N, E), at most `LIMIT` of them: (n, n)."""
    unit = F.normalize(x[:LIMIT], dim=-1)
    return array(unit @ unit.T)
