"""Scoring functions against numpy, scipy and torch, and the engine's answers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch.nn import functional as F

from engines.blocks.attention import AdditiveAttention
from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.scoring import ConcatenatedMLP, additive_parts, attend, dot_product_scores, entropy_bits
from engines.scoring.arrows.engine import Engine as ArrowsEngine
from engines.scoring.arrows.spec import Pulled
from engines.scoring.compare.engine import Engine as CompareEngine
from engines.scoring.compare.spec import Compared
from engines.scoring.dimension.engine import Engine as DimensionEngine
from engines.scoring.dimension.spec import Spread, Sweep
from engines.scoring.spec import (
    ADDITIVE,
    DOT,
    EQUAL_KEYS,
    FUNCTIONS,
    MOST_KEYS,
    REACH,
    SCALED,
    ScoringParams,
    may_attend,
)
from tests.closeness import FEW, about, close

A, D, S = FUNCTIONS.index(ADDITIVE), FUNCTIONS.index(DOT), FUNCTIONS.index(SCALED)
PLAIN = ScoringParams()


@pytest.fixture(scope="module")
def engines():
    return CompareEngine(), DimensionEngine(), ArrowsEngine()


def answers(engines, params):
    """What the engines of all pages say."""
    found = [each for one in engines for each in itertools.islice(one.run(Job(params, lambda one=one: one, print)), 20)]
    return {type(event): event for event in found}


def tensors(*shapes):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(*shape, generator=generator) for shape in shapes]


# ------------------------------------------------------------------ maths
@pytest.mark.parametrize(("dq", "dk", "h"), [(5, 7, 6), (1, 1, 1), (20, 2, 8)])
def test_additive_scores_are_bahdanaus_formula(dq, dk, h):
    torch.manual_seed(0)
    attention = AdditiveAttention(dq, dk, h)
    q, k = tensors((2, 3, dq), (2, 4, dk))
    hidden, scores = additive_parts(attention, q, k)
    w_q, w_k, w_v = (m.weight.detach().double().numpy() for m in (attention.W_q, attention.W_k, attention.w_v))
    for b, i, j in np.ndindex(2, 3, 4):
        inner = np.tanh(w_q @ q[b, i].double().numpy() + w_k @ k[b, j].double().numpy())
        close(hidden[b, i, j].detach(), inner, FEW)
        assert float(scores[b, i, j].detach()) == about(float(w_v[0] @ inner), FEW)


@pytest.mark.parametrize(("dq", "dk", "h"), [(5, 7, 6), (4, 4, 1), (1, 3, 16)])
def test_one_mlp_over_query_and_key_gives_the_same_scores(dq, dk, h):
    torch.manual_seed(1)
    attention = AdditiveAttention(dq, dk, h)
    q, k = tensors((2, 3, dq), (2, 5, dk))
    mlp = ConcatenatedMLP(attention)
    close(mlp(q, k), attention.scores(q, k), FEW)
    assert mlp.W.weight.shape == (h, dq + dk)


def test_dot_products_need_equal_lengths():
    q, k = tensors((2, 3, 4), (2, 5, 4))
    close(dot_product_scores(q, k), np.einsum("bid,bjd->bij", q, k), FEW)
    with pytest.raises(LabError, match="queries have 4 numbers, keys 3"):
        dot_product_scores(q, k[..., :3])


def test_attending_equals_scipy_and_torch():
    q, k, v = tensors((2, 3, 8), (2, 5, 8), (2, 5, 4))
    allowed = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(4)) > 0.3
    allowed[..., 0] = True
    scores = dot_product_scores(q, k) / 8**0.5
    output, weights = attend(scores, v, allowed)
    wanted = scipy.special.softmax(np.where(allowed, scores.double(), -np.inf), axis=-1)
    close(weights, wanted, FEW)
    assert (weights[~allowed] == 0).all()
    close(output, F.scaled_dot_product_attention(q, k, v, allowed), FEW)


def test_a_fully_masked_row_is_zero():
    (scores, v) = tensors((3, 5), (5, 2))
    allowed = torch.tensor([[True] * 5, [False] * 5, [True] + [False] * 4])
    output, weights = attend(scores, v, allowed)
    assert (weights[1] == 0).all()
    assert (output[1] == 0).all()
    close(weights.sum(-1), [1, 0, 1], FEW)
    torch.testing.assert_close(output[2], v[0])
    assert entropy_bits(weights)[1] == 0


def test_temperature_reaches_from_one_hot_to_uniform():
    scores, v = tensors((4, 6), (6, 2))
    _, cold = attend(scores, v, temperature=1e-4)
    close(cold, F.one_hot(scores.argmax(-1), 6).float(), FEW)
    _, hot = attend(scores, v, temperature=1e7)
    close(hot, np.full((4, 6), 1 / 6), FEW)


def test_entropy_is_shannons():
    weights = torch.softmax(tensors((4, 9))[0] * 3, -1)
    close(entropy_bits(weights), scipy.stats.entropy(weights.numpy(), base=2, axis=-1))
    assert float(entropy_bits(torch.full((50,), 0.02))) == about(np.log2(50))


# ------------------------------------------------------------------ engine
def test_all_functions_see_the_same_queries_and_keys(engines):
    seen = answers(engines, PLAIN)[Compared]
    close(seen.scores[D], seen.queries @ seen.keys.T)
    close(seen.scores[S], seen.scores[D] / 4, FEW)
    close(seen.scores[A], seen.hidden @ seen.w_v, FEW)
    close(seen.mlp, seen.scores[A], FEW)
    assert seen.difference < 1e-6
    assert seen.possible.all()
    for f in range(len(FUNCTIONS)):
        scores = np.where(seen.allowed, seen.scores[f].astype(float), -np.inf)
        close(seen.weights[f], scipy.special.softmax(scores, axis=-1), FEW)
        close(seen.output[f], seen.weights[f] @ seen.values, FEW)


def test_mask_and_valid_lengths(engines):
    params = replace(PLAIN, valid_lens=(3, 0), masked=((0, 1), (2, 0), (7, 60)))
    wanted = np.ones((4, 6), bool)
    wanted[0, 3:] = wanted[1] = False
    wanted[0, 1] = wanted[2, 0] = False
    assert (may_attend(params) == wanted).all()
    seen = answers(engines, params)[Compared]
    assert (seen.allowed == wanted).all()
    assert (seen.weights[:, ~wanted] == 0).all()
    close(seen.weights.sum(-1), [[1, 0, 1, 1]] * 3, FEW)
    assert (seen.output[:, 1] == 0).all()


def test_other_lengths_leave_additive_scoring_alone(engines):
    seen = answers(engines, replace(PLAIN, same_length=False, query_dim=5))[Compared]
    assert seen.possible.tolist() == [True, False, False]
    assert seen.queries.shape == (4, 5)
    assert seen.keys.shape == (6, 16)
    close(seen.weights[A].sum(-1), 1, FEW)
    assert not seen.weights[1:].any()
    again = answers(engines, replace(PLAIN, same_length=False, query_dim=16))[Compared]
    assert again.possible.all()


def test_equal_keys_share_alike(engines):
    seen = answers(engines, replace(PLAIN, data=EQUAL_KEYS, masked=()))[Compared]
    for f, (i, length) in itertools.product(range(3), enumerate((6, 6, 4, 2))):
        close(seen.weights[f, i, :length], 1 / length, FEW)
        close(seen.output[f, i], seen.values[:length].mean(0))


def test_growing_keeps_what_was_there(engines):
    small = answers(engines, PLAIN)[Compared]
    large = answers(engines, replace(PLAIN, num_keys=9, dim=32, num_queries=5))[Compared]
    assert (large.keys[:6, :16] == small.keys).all()
    assert (large.queries[:4, :16] == small.queries).all()
    assert (large.values[:6] == small.values).all()


def test_raw_scores_spread_with_the_root_of_d(engines):
    for dim in (512, 300, 1024):
        seen = answers(engines, replace(PLAIN, dim=dim))[Spread]
        assert seen.std[0] == pytest.approx(np.sqrt(dim), rel=0.05)
        assert seen.std[1] == pytest.approx(1, rel=0.05)
        assert seen.counts.sum(1).tolist() == [256 * 256] * 2
        close(seen.weights.sum(-1), 1)
    assert seen.entropy[0] < 0.5 < 1.5 < seen.entropy[1]


def test_the_sweep_agrees_with_one_dimension(engines):
    found = answers(engines, replace(PLAIN, dim=64))
    sweep, spread = found[Sweep], found[Spread]
    at = sweep.dims.tolist().index(64)
    np.testing.assert_allclose(sweep.std[:, at], spread.std, rtol=1e-5)
    assert sweep.dims[[0, -1]].tolist() == [1, 1024]
    assert sweep.most == pytest.approx(np.log2(6))
    assert (sweep.low <= sweep.entropy).all()
    assert (sweep.entropy <= sweep.high + 1e-6).all()
    assert (sweep.high <= sweep.most + 1e-5).all()
    assert answers(engines, replace(PLAIN, num_keys=1))[Sweep].entropy.max() == about(0, FEW)


def test_arrows(engines):
    seen = answers(engines, replace(PLAIN, own_values=True))[Pulled]
    q, k, v = (np.array(part) for part in (seen.query, seen.keys, seen.values))
    close(seen.scores[D], k @ q)
    close(seen.scores[S], k @ q / np.sqrt(2))
    close(seen.output, seen.weights @ v)
    assert seen.values == PLAIN.arrow_values
    assert answers(engines, PLAIN)[Pulled].values == PLAIN.arrow_keys


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_field_is_the_weight_of_a_query_standing_there(engines, function):
    params = replace(PLAIN, function=function, arrow_at=2)
    field = answers(engines, params)[Pulled].field
    side = (np.arange(len(field)) + 0.5) * 2 * REACH / len(field) - REACH
    for row, col in ((0, 0), (5, 40), (48, 17)):
        there = answers(engines, replace(params, arrow_query=(float(side[col]), float(side[-1 - row]))))[Pulled]
        assert field[row, col] == about(there.weights[FUNCTIONS.index(function), 2])
    assert answers(engines, replace(params, field=False))[Pulled].field.size == 0


def test_two_equal_arrows_and_one_arrow(engines):
    two = replace(PLAIN, arrow_keys=((1.0, 1.0), (1.0, 1.0)))
    close(answers(engines, two)[Pulled].weights, 0.5, FEW)
    one = replace(PLAIN, arrow_keys=((0.0, 0.0),))
    close(answers(engines, one)[Pulled].weights, 1, FEW)


@pytest.mark.parametrize(
    "fields",
    [{"arrow_query": (float("nan"), 0.0)}, {"arrow_keys": ((0.0, 2 * REACH),)}, {"arrow_keys": ()}],
)
def test_bad_arrows_are_said_in_words(engines, fields):
    with pytest.raises(LabError):
        answers(engines, replace(PLAIN, **fields))


def test_what_a_setting_does_not_touch_is_not_computed_again(engines):
    first = answers(engines, PLAIN)
    moved = answers(engines, replace(PLAIN, arrow_query=(0.5, 0.5), cell=(1, 1)))
    assert [moved[kind] is first[kind] for kind in (Compared, Spread, Sweep, Pulled)] == [True, True, True, False]
    wider = answers(engines, replace(PLAIN, valid_lens=(MOST_KEYS, 1)))
    assert [wider[kind] is moved[kind] for kind in (Compared, Spread, Sweep)] == [False, True, True]
