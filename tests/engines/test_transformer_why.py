"""The claims of the page Why: each number against an independent way to it, at the tolerances they are told with."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engines.blocks import heads as opened
from engines.blocks.positions import sinusoidal
from engines.core.protocol import Job
from engines.data.samples import sample
from engines.transformer.subject import Collection
from engines.transformer.switches import CROSS, DECODER, ENCODER
from engines.transformer.why import claims
from engines.transformer.why.depth import Net, variance
from engines.transformer.why.engine import Engine
from engines.transformer.why.spec import (
    CLAIMS,
    COLLAPSE,
    KEYS,
    ONLY,
    ROTATION,
    SOFTMAX,
    SPHERE,
    TEXT,
    VARIANCE,
    VISION,
    WHOLE,
    WITH_SKIPS,
    Reasons,
    WhyParams,
)
from engines.transformer.why.text import ReasonedText
from engines.vit.reasons import load

PLACES = {"text": (CROSS, 1), "photo": ("attention", 2)}
PLAIN = WhyParams()


@pytest.fixture(scope="module")
def text():
    return ReasonedText(Collection().specimen("Reverse", "attention", None))


@pytest.fixture(scope="module")
def photo():
    return load("mini-vit").look(sample("cat").rgb)


@pytest.fixture(params=("text", "photo"))
def both(request):
    return request.getfixturevalue(request.param), PLACES[request.param]


def events(params):
    return [e for e in Engine().run(Job(params, lambda: None, lambda event: None)) if isinstance(e, Reasons)]


def test_a_bias_of_the_keys_moves_no_logit_and_one_of_the_queries_does(both):
    one, place = both
    found = claims.keys_need_no_bias(one, place, 0, 0, PLAIN)
    assert found.values["keys"] < 1.2e-6
    assert found.values["queries"] > 1e-3
    score, moved = found.arrays["scores"][0], found.arrays["moved_scores"][0]
    assert np.ptp(moved - score) < 1e-4  # all of a row by as much
    assert abs(found.values["shift"]) > 0.1
    other = claims.keys_need_no_bias(one, place, 0, 0, replace(PLAIN, added_to="Queries"))
    assert np.abs(other.arrays["moved"] - other.arrays["weights"]).max() > 1e-3


def test_noise_is_taken_back_bit_for_bit(both):
    one, place = both
    before = one.logits(place)
    one.logits(place, keys=torch.ones_like(one.heads(place).b_k))
    assert torch.equal(one.logits(place), before)
    heads = one.heads(place)
    assert torch.equal(one.logits(place, keys=0 * heads.b_k), one.logits(place, queries=0 * heads.b_q))


def test_heads_add_up_to_the_output_and_have_no_more_directions_than_they_are_wide(both):
    one, place = both
    for head in (0, 1):
        found = claims.a_head_is_two_matrices(one, place, head, 0, PLAIN)
        assert found.values["apart"] < 9.5e-6
        assert found.values["rank"] <= found.values["size"] == one.heads(place).size
        assert 1 <= found.values["participation"] <= found.values["size"]
        assert found.arrays["qk"][one.heads(place).size] < 1e-6 * found.arrays["qk"][0]


def test_mini_vits_head_has_the_participation_that_was_measured(photo):
    found = claims.a_head_is_two_matrices(photo, PLACES["photo"], 0, 0, PLAIN)
    assert found.values["rank"] == 32
    assert found.values["participation"] == pytest.approx(17.8, abs=0.05)


def test_the_opened_attention_is_the_models(text, photo):
    for place in text.places:
        kind, i = place
        heads = text.heads(place)
        for head in range(heads.count):
            assert torch.allclose(heads.weights(head), text._tape[f"{kind}.{i}.weights"][0, head], atol=1e-12)
        assert torch.allclose(heads.output(), text._tape[f"{kind}.{i}.branch"][0], atol=1e-12)
    weights = photo._net.block(2).weights(photo._hidden[2][None])[0]
    heads = photo.heads(PLACES["photo"])
    assert torch.allclose(torch.stack([heads.weights(h) for h in range(heads.count)]), weights, atol=1e-12)


def test_logits_are_the_sum_of_their_parts(both):
    one, _ = both
    parts = one.parts()
    assert float((parts.values.sum(0) - parts.logits).abs().max()) < 1.2e-5
    assert len(parts.names) == len(set(parts.names)) == len(parts.values)
    assert torch.allclose(parts.logits, one.logits(one.places[0]), atol=1e-9)
    assert float(parts.values.abs().amax((1, 2)).max()) > 0.1


def test_a_part_is_what_its_head_writes(text):
    """The last cross-attention's head: through the two normalizations behind it, by hand."""
    parts, model, tape = text.parts(), text._model, text._tape
    last = len(model.decoder) - 1
    head, layer = 2, model.decoder[-1]
    wrote = tape[f"cross.{last}.heads"][0, head] @ layer.cross_attention.out_proj.weight[:, 32:48].T
    for norm, name in ((layer.cross_norm, f"cross.{last}.sum"), (layer.ffn_norm, f"decoder_ffn.{last}.sum")):
        deviation = (tape[name][0].var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
        wrote = (wrote - wrote.mean(-1, keepdim=True)) / deviation * norm.weight
    at = parts.names.index((CROSS, last, head))
    assert torch.allclose(parts.values[at], wrote @ model.unembed.weight.T, atol=1e-12)


def test_without_skips_tokens_become_one(both):
    one, place = both
    found = claims.rank_collapse(one, place, 0, 0, PLAIN, claims.Stacks(one))
    assert found.values[ONLY] < 1e-4
    assert found.values[WITH_SKIPS] > 0.3
    assert found.values[WHOLE] > 0.3
    assert len(found.arrays[ONLY]) == PLAIN.layers_deep + 1
    assert found.arrays["alike"].min() > 0.999
    assert found.arrays["alike_whole"].min() < 0.9


def test_a_stack_goes_on_where_it_was(text, monkeypatch):
    """Deeper ones are added to those known, shallower ones cost nothing; either is as if it had been made alone."""
    stacks, place = claims.Stacks(text), PLACES["text"]

    def at(depth, known):
        return claims.rank_collapse(text, place, 0, 0, replace(PLAIN, layers_deep=depth), known)

    for depth in (4, 9):
        grown, alone = at(depth, stacks), at(depth, claims.Stacks(text))
        assert grown.values == alone.values
        assert all(np.array_equal(grown.arrays[name], alone.arrays[name]) for name in alone.arrays)
    monkeypatch.setattr(claims, "difference", None)
    assert len(at(6, stacks).arrays[WHOLE]) == 7
    with pytest.raises(TypeError):
        at(10, stacks)


def test_as_deep_as_it_is_the_stack_is_the_models_own(text, photo):
    *_, last = text.through(len(text._model.encoder), True, True)
    assert torch.allclose(last, text._tape["memory"][0], atol=1e-12)
    *_, last = photo.through(6, True, True)
    assert torch.allclose(last, photo._hidden[-1], atol=1e-9)


def test_normalized_tokens_lie_on_a_sphere(both):
    one, place = both
    found = claims.onto_a_sphere(one, place, 0, 0, PLAIN)
    assert found.values["apart"] < 8.5e-6
    assert found.values["off"] < 1e-6
    assert found.values["length"] == pytest.approx(math.sqrt(one.heads(place).x.shape[1]), rel=1e-3)
    larger = claims.onto_a_sphere(one, place, 0, 0, replace(PLAIN, times=100.0))
    assert larger.values["before"] == pytest.approx(100 * found.values["before"])
    assert larger.values["moved"] < 1e-3
    assert larger.values["apart"] < 8.5e-6


def test_with_keys_of_one_length_softmax_is_a_gaussian_kernel(both):
    one, place = both
    found = claims.kernel_regression(one, place, 1, 0, PLAIN)
    assert found.values["apart"] < 3e-7
    heads = one.heads(place)
    q, k = heads.queries(1), opened.equally_long(heads.keys(1))
    by_hand = torch.exp(-torch.cdist(q, k).square() / (2 * math.sqrt(heads.size)))
    if heads.mask is None:
        weights = by_hand / by_hand.sum(-1, keepdim=True)
        assert np.abs(found.arrays["weights"] - weights.numpy()).max() < 1e-6
    assert claims.kernel_regression(one, place, 1, 0, replace(PLAIN, equal=False)).values["apart"] > 1e-2


def test_a_shift_is_a_rotation_of_sines_and_of_nothing_else(both):
    one, place = both
    for shift in (0, 7, 32):
        found = claims.a_shift_is_a_rotation(one, place, 0, 3, replace(PLAIN, shift=shift))
        assert found.values["apart"] < 3.5e-6
        assert found.values["after_0"] == pytest.approx(math.sin(3 + shift), abs=1e-6)
    assert claims.a_shift_is_a_rotation(one, place, 0, 0, replace(PLAIN, sine=False)).values["apart"] > 0.1
    turn = opened.rotation(7, 64)
    assert torch.allclose(turn @ turn.T, torch.eye(64), atol=1e-6)
    assert float((sinusoidal(20, 64)[7:] - sinusoidal(13, 64) @ turn.T).abs().max()) < 3.5e-6  # in single precision


def test_the_jacobian_of_a_row_and_how_it_dies(both):
    one, place = both
    found = claims.a_sharp_softmax_is_dead(one, place, 0, 0, PLAIN)
    assert found.values["apart"] < 7.5e-8
    heads = one.heads(place)
    scores = opened.scores(heads.queries(0), heads.keys(0))[0].double()
    scores = scores if heads.mask is None else scores[heads.mask[0]]
    exact = torch.autograd.functional.jacobian(lambda s: s.softmax(-1), scores)
    assert np.abs(found.arrays["jacobian"] - exact.numpy()).max() < 1e-6
    sharp = claims.a_sharp_softmax_is_dead(one, place, 0, 0, replace(PLAIN, sharpness=0.02))
    assert sharp.values["norm"] < found.values["norm"]


def test_a_masked_row_has_no_jacobian_beyond_its_mask(text):
    found = claims.a_sharp_softmax_is_dead(text, (DECODER, 0), 0, 2, PLAIN)
    assert found.arrays["jacobian"].shape == (3, 3)


def spent(work):
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


def test_variance_through_depth():
    net = Net(32, 2)
    post, pre = (spent(variance(24, way, True, net)) for way in (False, True))
    assert post.values["deviation"] == pytest.approx(1, abs=0.05)
    assert pre.arrays["deviation"][-1] > 2 * pre.arrays["deviation"][0]  # the stream grows
    assert np.all(np.isfinite(pre.arrays["gradients"]))
    sharp = spent(variance(24, False, False, net))
    assert sharp.values["entropy"] < post.values["entropy"]  # without 1/√d softmax is sharp
    assert len(post.arrays["deviation"]) == 25


def test_the_variance_is_that_of_the_layers_themselves():
    """One layer, by hand: what enters and what leaves."""
    from engines.transformer.model import Pass
    from engines.transformer.why.depth import SEED, drawn

    net, generator = Net(32, 2), torch.Generator().manual_seed(SEED)
    x = torch.randn(net.given.shape, generator=generator)
    layer = drawn(32, 2, generator)
    layer.norm_first = True
    after = layer(x, None, Pass())
    found = spent(variance(2, True, True, net))
    assert found.arrays["deviation"][:2] == pytest.approx([float(x.std()), float(after.std())], rel=1e-4)
    layer.self_attention.q_proj.weight *= math.sqrt(layer.self_attention.head_dim)  # as if nothing were divided
    sharp = spent(variance(2, True, False, net))
    assert sharp.arrays["deviation"][1] == pytest.approx(float(layer(x, None, Pass()).std()), rel=1e-5)
    assert not np.array_equal(sharp.arrays["entropy"], found.arrays["entropy"])


def test_a_deeper_net_goes_on_from_the_same_layers(monkeypatch):
    """Nothing is drawn twice, whatever is switched; what enters a layer does not depend on what comes behind it."""
    net = Net(32, 2)
    deep = spent(variance(6, False, True, net))
    monkeypatch.setattr("engines.transformer.why.depth.drawn", None)
    for pre, scaled in ((True, False), (False, True)):
        again = spent(variance(4, pre, scaled, net))
    assert np.array_equal(again.arrays["deviation"], deep.arrays["deviation"][:5])
    assert np.array_equal(spent(variance(6, False, True, net)).arrays["gradients"], deep.arrays["gradients"])


def test_the_variance_of_random_weights_is_not_measured_again_for_another_text():
    engine = Engine()

    def told(read):
        params = replace(PLAIN, read=read)
        return [e for e in engine.run(Job(params, lambda: None, lambda event: None)) if isinstance(e, Reasons)][-1]

    assert told("lab").claims[VARIANCE] is told("word").claims[VARIANCE]


def test_the_engine_tells_the_looked_at_claim_first_and_measures_nothing_twice(monkeypatch):
    engine = Engine()

    def told(params):
        return [e for e in engine.run(Job(params, lambda: None, lambda event: None)) if isinstance(e, Reasons)]

    first = told(replace(PLAIN, claim=SOFTMAX))
    assert list(first[0].claims) == [SOFTMAX]
    assert set(first[-1].claims) == set(CLAIMS)
    again = told(replace(PLAIN, claim=SOFTMAX, sharpness=0.5))
    assert again[0].claims[SOFTMAX] is not first[-1].claims[SOFTMAX]
    for name in (KEYS, COLLAPSE, SPHERE, ROTATION):
        assert again[-1].claims[name] is first[-1].claims[name]
    assert again[0].subject == TEXT


def test_a_photo_is_seen_by_a_vit():
    seen = events(WhyParams(subject=VISION))[-1]
    assert (seen.model, seen.heads, seen.size, seen.exact) == ("mini-vit", 4, 32, True)
    assert len(seen.answers) == 10
    assert set(seen.claims) == set(CLAIMS)


def test_layer_norm_of_torch_is_the_one_that_is_meant(text):
    x, eps = text.normed((ENCODER, 0))
    norm = text._model.encoder[0].self_norm
    z = F.layer_norm(x, x.shape[-1:], eps=eps)
    assert torch.allclose(z * norm.weight + norm.bias, text._tape["encoder.0.output"][0], atol=1e-12)
