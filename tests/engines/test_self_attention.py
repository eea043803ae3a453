"""Self-attention against torch's own, positions against complex numbers, costs against the computation itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.blocks.positions import sinusoidal
from engines.core.errors import LabError
from engines.core.protocol import Job, Progress
from engines.self_attention import SelfAttention, learned, rotate, tokenize
from engines.self_attention.cost import engine as cost_engine
from engines.self_attention.cost import measure as cost
from engines.self_attention.cost.spec import CostFrame, CostParams, MeasuredFrame
from engines.self_attention.model import by_offset, embed, shuffled
from engines.self_attention.positions import engine as positions_engine
from engines.self_attention.positions.spec import PositionsFrame
from engines.self_attention.sentence.engine import Engine
from engines.self_attention.sentence.spec import SAME, UNLIKE, AttentionFrame
from engines.self_attention.sentence.tokens import MOST, read_numbers
from engines.self_attention.spec import (
    CHARACTERS,
    IDENTITY,
    KINDS,
    LEARNED,
    NUMBERS,
    ROTARY,
    SINUSOIDAL,
    SelfAttentionParams,
)
from tests.closeness import FEW, close


def answer(engine, params):
    """The only frame of an answer."""
    (found,) = engine.run(Job(params, lambda: engine, lambda event: None))
    return found


def attended(**fields) -> AttentionFrame:
    return answer(Engine(), SelfAttentionParams(**fields))


def coded(**fields) -> PositionsFrame:
    return answer(positions_engine.Engine(), SelfAttentionParams(**fields))


# ------------------------------------------------------------------ attention
@pytest.mark.parametrize("seed", [None, 3])
def test_it_equals_torchs_multihead_attention_with_one_head(seed):
    layer, x = SelfAttention(12, seed), torch.randn(7, 12, dtype=torch.float64)
    other = torch.nn.MultiheadAttention(12, 1, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.cat([layer.W_q.T, layer.W_k.T, layer.W_v.T]))
        other.out_proj.weight.copy_(torch.eye(12))
        output, weights = other(x[None], x[None], x[None])
    found = layer(x)
    close(found.output, output[0])
    close(found.weights, weights[0])
    torch.testing.assert_close(found.scores.softmax(-1), found.weights)


def test_identity_shows_the_tokens_themselves():
    shown = attended(split=NUMBERS, numbers="3 1; 0 −2", weights=IDENTITY, positions=False, dim=4)
    x = np.array([[3, 1, 0, 0], [0, -2, 0, 0]], float)
    for table in (shown.inputs, shown.queries, shown.keys, shown.values):
        np.testing.assert_array_equal(table, x)
    close(shown.scores, x @ x.T / 2)


def test_random_projections_have_variance_one_over_d():
    layer = SelfAttention(128, 0)
    for weight in (layer.W_q, layer.W_k, layer.W_v):
        assert abs(float(weight.var()) * 128 - 1) < 0.05
    assert not torch.equal(layer.W_q, layer.W_k)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", ["Random weights", IDENTITY])
def test_only_positions_tell_a_shuffled_sentence_from_the_sentence(kind, weights):
    text = "one two three four five"
    off = attended(text=text, kind=kind, weights=weights, positions=False)
    on = attended(text=text, kind=kind, weights=weights, positions=True)
    assert off.difference == off.without == on.without < SAME
    assert on.difference == on.with_positions == off.with_positions > UNLIKE
    assert on.difference == np.abs(on.restored - on.straight).max()


def test_a_shuffled_sentence_shows_its_tokens_in_another_order():
    straight, mixed = attended(positions=False), attended(positions=False, shuffle=True)
    assert mixed.tokens == tuple(straight.tokens[i] for i in mixed.order) != straight.tokens
    order = list(mixed.order)
    close(mixed.weights, straight.weights[np.ix_(order, order)])
    close(mixed.output, straight.output[order])


def test_an_order_is_a_permutation_that_moves_something():
    for count in range(1, 7):
        for seed in range(60):
            order = shuffled(count, seed).tolist()
            assert sorted(order) == list(range(count))
            assert count == 1 or order != list(range(count))


def test_a_word_has_the_same_embedding_wherever_it_stands():
    shown = attended(text="a b a", positions=False)
    np.testing.assert_array_equal(shown.inputs[0], shown.inputs[2])
    np.testing.assert_array_equal(shown.output[0], shown.output[2])
    assert not torch.equal(embed("a", 8, 0), embed("a", 8, 1))


def test_temperature_leads_from_the_strongest_key_to_the_mean():
    cold = attended(text="one two three", weights=IDENTITY, positions=False, temperature=0.05)
    close(cold.weights, np.eye(3), FEW)
    layer, x = SelfAttention(8, 0), torch.randn(5, 8, dtype=torch.float64)
    close(layer(x, temperature=1e9).weights, 0.2, FEW, dtype=np.float32)  # a limit, not reached


def test_entropy_is_in_bits():
    shown = attended(text="x x x x", positions=False)
    close(shown.entropy, 2.0)
    assert attended(text="alone").entropy[0] == 0


# ------------------------------------------------------------------ positions
def test_rotary_is_a_product_of_complex_numbers():
    x = torch.randn(9, 6, dtype=torch.float64)
    angles = np.arange(9)[:, None] / 10000 ** (np.arange(0, 6, 2) / 6)
    pairs = (x[:, 0::2].numpy() + 1j * x[:, 1::2].numpy()) * np.exp(1j * angles)
    found = rotate(x).numpy()
    close(found[:, 0::2], pairs.real)
    close(found[:, 1::2], pairs.imag)
    close(np.linalg.norm(found, axis=1), x.norm(dim=1))


def test_rotary_dot_products_know_the_offset_alone():
    q, k = torch.randn(2, 1, 10, dtype=torch.float64)
    dots = rotate(q.expand(20, 10)) @ rotate(k.expand(20, 10)).T
    shifted = rotate(q.expand(20, 10), 5) @ rotate(k.expand(20, 10), 5).T
    torch.testing.assert_close(dots, shifted)
    torch.testing.assert_close(rotate(torch.ones(3, 1, dtype=torch.float64)), torch.ones(3, 1, dtype=torch.float64))


def test_learned_positions_are_as_long_as_sines_and_a_row_knows_no_length():
    table = learned(400, 64, 0)
    assert abs(float(table.square().mean()) / float(sinusoidal(400, 64).square().mean()) - 1) < 0.03
    torch.testing.assert_close(learned(10, 64, 0), table[:10])


def test_offsets_are_diagonals():
    dots = torch.randn(7, 7, dtype=torch.float64)
    mean, low, high = by_offset(dots)
    for i, offset in enumerate(range(-6, 7)):
        diagonal = np.diagonal(dots.numpy(), offset)
        close((mean[i], low[i], high[i]), (diagonal.mean(), diagonal.min(), diagonal.max()))


@pytest.mark.parametrize("kind", KINDS)
def test_only_learned_codes_know_more_than_the_offset(kind):
    shown = coded(kind=kind, length=50)
    assert shown.code.shape == (50, 32)
    assert shown.dots.shape == (50, 50)
    for name, spread in zip(KINDS, shown.spread, strict=True):
        assert spread > 0.1 if name == LEARNED else spread < 1e-5
    close(shown.mean[:, 49], 1, FEW)
    if kind == SINUSOIDAL:
        close(shown.code, sinusoidal(50, 32), FEW)
        cosines = np.cos(shown.offsets[:, None] / 10000 ** (np.arange(0, 32, 2) / 32)).mean(1)
        close(shown.mean[0], cosines, dtype=np.float32)  # as the code was computed
    if kind == ROTARY:
        close(np.linalg.norm(shown.code, axis=1), np.linalg.norm(shown.code[0]))


# ------------------------------------------------------------------ tokens
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat's here, now!", ["The", "cat's", "here", ",", "now", "!"]),
        ("猫看见狗，狗看见老鼠", ["猫", "看见", "狗", "，", "狗", "看见", "老鼠"]),
        ("GPT学习注意力", ["GPT", "学习", "注意力"]),
        ("我 们 学 习", ["我", "们", "学", "习"]),
        ("  \t\n ", []),
        ("\x00\x07", []),
        ("naïve 3.14", ["naïve", "3", ".", "14"]),
    ],
)
def test_words(text, words):
    assert tokenize(text) == words


def test_characters_keep_their_marks():
    assert tokenize("ab  c", characters=True) == ["a", "b", " ", "c"]
    assert tokenize("e\u0301x", characters=True) == ["é", "x"]
    assert tokenize("x\u20d7y", characters=True) == ["x\u20d7", "y"]
    assert tokenize("👩\u200d🔬!", characters=True) == ["👩\u200d🔬", "!"]
    assert tokenize("猫狗", characters=True) == ["猫", "狗"]


def test_numbers():
    assert read_numbers("1 −2.5; 3,4", 2) == [(1, -2.5), (3, 4)]
    assert read_numbers("1 2, 3", 4) == [(1,), (2,), (3,)]
    assert read_numbers("1 2 3;", 3) == [(1, 2, 3)]
    assert read_numbers(" ; ", 4) == []


@pytest.mark.parametrize("text", ["1; two", "nan", "inf", "1e9", "1 2 3; 4", "0x10", "--1"])
def test_other_than_numbers_is_refused_in_words(text):
    with pytest.raises(LabError) as caught:
        attended(split=NUMBERS, numbers=text, dim=2)
    assert str(caught.value)


@pytest.mark.parametrize("fields", [{"text": ""}, {"text": " \n"}, {"split": NUMBERS, "numbers": " ; "}])
def test_an_empty_sentence_is_refused_in_words(fields):
    with pytest.raises(LabError, match="at least one token"):
        attended(**fields)


def test_five_hundred_tokens_are_cut_and_said_so():
    shown = attended(text="word " * 500)
    assert (len(shown.tokens), shown.left_out) == (MOST, 500 - MOST)
    assert attended(text="好" * 500, split=CHARACTERS).left_out == 500 - MOST


def test_one_token_attends_to_itself():
    shown = attended(text="alone", shuffle=True)
    np.testing.assert_array_equal(shown.weights, [[1.0]])
    assert shown.difference == 0


# ------------------------------------------------------------------ cost
@pytest.mark.parametrize("kernel", [3, 5, 31])
@pytest.mark.parametrize("n", [4, 9, 40])
def test_formulas_equal_what_is_counted_in_the_computation(n, kernel):
    dim = 16
    operations, steps, paths = cost.formulas(np.array([n], float), dim, kernel)
    for i, layer in enumerate(cost.layers(dim, kernel, "cpu")):
        found = cost.count(layer, n, dim)
        assert (found.operations, found.steps) == (operations[i, 0], steps[i, 0])
        assert cost.count_path(i, n, kernel) == paths[i, 0]


def test_layers_keep_the_shape_and_equal_torchs_own():
    x = torch.randn(11, 6)
    attention, convolution, recurrent = cost.layers(6, 3, "cpu")
    expected = torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None])[0]
    torch.testing.assert_close(attention(x), expected)
    rnn = torch.nn.RNN(6, 6, bias=False)
    weight = torch.randn(12, 6)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(weight[:6].T)
        rnn.weight_hh_l0.copy_(weight[6:].T)
        close(cost.recurrent_layer(weight)(x), rnn(x)[0])
    assert convolution(x).shape == recurrent(x).shape == x.shape


def measuring(monkeypatch):
    monkeypatch.setattr(cost, "LENGTHS", (4, 8, 256))
    engine = cost_engine.Engine()
    params = CostParams(measure=True, cost_dim=8)
    return engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))


def test_measuring_tells_more_and_more(monkeypatch):
    events = list(measuring(monkeypatch))
    assert type(events[0]) is CostFrame
    assert any(isinstance(event, Progress) for event in events)
    told = [event for event in events if isinstance(event, MeasuredFrame)]
    filled = [int((event.seconds > 0).sum()) for event in told]
    assert filled == sorted(filled)
    assert filled[-1] == 9
    assert told[-1].done
    assert [event.done for event in told[:-1]] == [False] * (len(told) - 1)
    exact = cost.formulas(told[-1].lengths, 8, 3)
    for table, known in zip((told[-1].operations, told[-1].steps, told[-1].paths), exact, strict=True):
        np.testing.assert_array_equal(table[:, :2], known[:, :2])
        assert not table[:, 2].any()  # too long to walk its graph


def test_measuring_can_be_left_at_every_yield(monkeypatch):
    total = len(list(measuring(monkeypatch)))
    for stop in range(1, total):
        steps = measuring(monkeypatch)
        for _ in range(stop):
            next(steps)
        steps.close()
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_a_layer_that_is_too_slow_is_not_measured_longer(monkeypatch):
    monkeypatch.setattr(cost, "PATIENCE", 0.0)
    last = list(measuring(monkeypatch))[-1]
    assert (last.seconds > 0).sum(1).tolist() == [1, 1, 1]


def test_cost_curves_cover_the_slider():
    shown = answer(cost_engine.Engine(), CostParams())
    assert (shown.lengths[0], shown.lengths[-1]) == (4, 8192)
    assert math.isclose(shown.operations[0, -1], 2 * 8192**2 * 64)
    assert (np.diff(shown.lengths) > 0).all()


def test_another_width_or_kernel_ends_a_measurement():
    before = CostParams(measure=True)
    assert replace(before, cost_length=8).following(before).measure
    assert not replace(before, kernel=5).following(before).measure
    assert not replace(before, cost_dim=8).following(before).measure


def test_another_request_does_not_change_the_answer():
    engine, params = Engine(), SelfAttentionParams()
    first = answer(engine, params).output
    for fields in ({"dim": 8}, {"seed": 4}, {"weights": IDENTITY}, {"kind": ROTARY}):
        answer(engine, replace(params, **fields))
    np.testing.assert_array_equal(answer(engine, params).output, first)
