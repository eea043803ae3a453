"""Masked patches, ablation, one head step by step and the logit lens: each against an independent forward pass."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.vit.intervene import ablation
from engines.vit.intervene.spec import Ablation, AblationParams
from engines.vit.load import load_folder
from engines.vit.logit_lens.spec import LensParams, LogitLens
from engines.vit.step_through.spec import HeadSteps, StepParams
from engines.vit.watch.spec import Answer, WatchParams
from tests.benchmarks import models, vit_rows
from tests.closeness import MANY, about, close
from tests.engines.vit import reference
from tests.engines.vit.pages import Engines, for_page

KINDS = ["ViTForImageClassification", "DeiTForImageClassificationWithTeacher", "Dinov2ForImageClassification"]


@pytest.fixture(scope="module", params=KINDS)
def both(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return reference.make(request.param, folder), folder


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headless")
    return reference.make("Dinov2Model", folder), folder


@pytest.fixture(scope="module")
def picture():
    return Picture("noise", np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))


def ask(engine, params, kind):
    events = list(engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")))
    assert isinstance(events[-1], kind)
    assert torch.is_grad_enabled()
    return [event for event in events if isinstance(event, kind)]


def projections(theirs, layer):
    """transformers' output projection of a layer: what comes into it are the heads side by side."""
    found = [
        one for name, one in theirs.named_modules() if name.endswith(("attention.output.dense", "attention.o_proj"))
    ]
    assert len(found) == 3
    return found[layer]


def logits_with(theirs, pixels, layer, head):
    """Logits of transformers' model with one head's slice zeroed before the output projection."""
    size = theirs.config.hidden_size // theirs.config.num_attention_heads

    def zero(_module, inputs):
        changed = inputs[0].clone()
        changed[..., head * size : (head + 1) * size] = 0
        return (changed,)

    hook = projections(theirs, layer).register_forward_pre_hook(zero)
    with torch.inference_mode():
        out = theirs(pixel_values=pixels)
    hook.remove()
    return out.logits[0] if hasattr(out, "logits") else out.last_hidden_state[0, 0]


# ------------------------------------------------------------------ ablation
def test_the_scan_equals_zeroing_each_slice_before_the_output_projection(both, picture):
    theirs, folder = both
    pixels = load_folder(folder).preprocess(picture.rgb)
    with torch.inference_mode():
        plain = theirs(pixel_values=pixels).logits[0]
    engine = Engines()
    grown = ask(engine, AblationParams(picture=picture, model=str(folder)), Ablation)
    assert [int(one.done.sum()) for one in grown] == [0, 3, 6, 9]  # layer by layer, as it goes on
    assert grown[1].done[2].all()
    for target in range(5):
        params = AblationParams(picture=picture, model=str(folder), target=target)
        (found,) = ask(engine, params, Ablation)  # another class is there at once
        assert found.complete
        assert found.base == about(float(plain.softmax(-1)[target]))
        for layer in range(3):
            for head in range(3):
                logits = logits_with(theirs, pixels, layer, head)
                logit = float((logits - plain)[target])
                share = float((logits.softmax(-1) - plain.softmax(-1))[target])
                assert found.logit[layer, head] == about(logit, 300)  # a difference of two logits
                assert found.probability[layer, head] == about(share)


def test_a_stopped_scan_goes_on_where_it_was(both, picture, monkeypatch):
    _, folder = both
    params = AblationParams(picture=picture, model=str(folder))
    engine, batches = Engines(), []
    finish = ablation.finish
    monkeypatch.setattr(ablation, "finish", lambda net, x, layer, c: batches.append(layer) or finish(net, x, layer, c))
    events = engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))
    next(event for event in events if isinstance(event, Ablation) and event.done.any())
    events.close()
    ask(engine, for_page(params, WatchParams), Answer)
    first = ask(engine, dataclasses.replace(params, heads_off=((1, 1),), target=2), Ablation)[0]
    assert first.done[2].all()
    assert first.prediction.changed  # the bars follow the changes, the scan is the untouched model's
    assert len(batches) == len(set(batches)) == 3


def test_the_scan_of_a_model_without_a_head_is_how_far_its_class_token_moves(headless, picture):
    theirs, folder = headless
    pixels = load_folder(folder).preprocess(picture.rgb)
    with torch.inference_mode():
        plain = theirs(pixel_values=pixels).last_hidden_state[0, 0]
    found = ask(Engines(), AblationParams(picture=picture, model=str(folder)), Ablation)[-1]
    assert (found.target, found.base) == (-1, 1.0)
    for layer in range(3):
        for head in range(3):
            token = logits_with(theirs, pixels, layer, head)
            moved = float(torch.nn.functional.cosine_similarity(token, plain, dim=0)) - 1
            assert found.probability[layer, head] == about(moved)


# ------------------------------------------------------------------ masked patches
def naive(net, pixels, removed):
    """A forward pass in which no token sees the removed ones: their keys and values are cut out."""
    x = net.embed(pixels)
    kept = [token for token in range(x.shape[1]) if token not in removed]
    for index in range(net.config.layers):
        block = net.block(index)
        q, k, v = block.project(x)
        k, v = k[:, :, kept], v[:, :, kept]
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
        added = block.attention.join(torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-1), v))
        x = x + (added if block.scale1 is None else added * block.scale1)
        added = block.fc2(torch.nn.functional.gelu(block.fc1(block.norm2(x))))
        x = x + (added if block.scale2 is None else added * block.scale2)
    return net.conclude(x)[1][0]


def test_masked_patches_are_cut_out_as_keys_in_every_layer(both, picture):
    _, folder = both
    net = load_folder(folder)
    pixels, prefix = net.preprocess(picture.rgb), net.config.prefix
    removed = tuple(prefix + cell for cell in (0, 7, 8, 24))
    params = AblationParams(picture=picture, model=str(folder), masked_patches=(*removed, 0, 900))
    engine = Engines()
    said = ask(engine, params, Ablation)[-1].prediction
    with torch.inference_mode():
        expected = naive(net, pixels, removed).softmax(-1)
        plain = net(pixels)[0].softmax(-1)
    order = expected.topk(5).indices
    close(said.probabilities, expected[order])
    close(said.untouched, plain[order])
    answer = ask(engine, for_page(params, WatchParams), Answer)[-1]
    assert not answer.weights.weights[:, :, list(removed)].any()  # exactly 0
    close(answer.weights.weights.sum(-1), 1)
    everything = tuple(range(prefix, prefix + 25))
    alone = ask(engine, dataclasses.replace(params, masked_patches=everything), Ablation)[-1].prediction
    assert np.isfinite(alone.probabilities).all()  # the class token still has itself


def test_no_mask_is_the_untouched_model_bit_for_bit(both, picture):
    _, folder = both
    net = load_folder(folder)
    with torch.inference_mode():
        expected = net(net.preprocess(picture.rgb))[0].softmax(-1)
    engine = Engines()
    params = AblationParams(picture=picture, model=str(folder), masked_patches=(3,))
    ask(engine, params, Ablation)
    said = ask(engine, dataclasses.replace(params, masked_patches=()), Ablation)[-1].prediction
    assert not said.changed
    np.testing.assert_array_equal(said.probabilities, expected.topk(5).values)
    nothing = ask(engine, dataclasses.replace(params, masked_patches=(0, 900)), Ablation)[-1].prediction  # no patches
    assert not nothing.changed
    assert params.untouched().masked_patches == ()


# ------------------------------------------------------------------ one head
def test_the_steps_of_a_head_are_the_model_s_own_numbers(both, picture):
    _, folder = both
    net = load_folder(folder)
    pixels, prefix = net.preprocess(picture.rgb), net.config.prefix
    params = StepParams(picture=picture, model=str(folder), layer=2, head=3, pinned=6)
    engine = Engines()
    (plain,) = ask(engine, params, HeadSteps)
    changed = dataclasses.replace(params, temperature=2.0, masked_patches=(prefix + 4,), heads_off=((2, 3),))
    (touched,) = ask(engine, changed, HeadSteps)
    with torch.inference_mode():
        trace = net.trace(pixels)
        q, k, v = (part[0, 2] for part in net.block(1).project(trace.hidden[1]))
    close(plain.weights, trace.attention[1][0, 2, 6])
    close(plain.raw, k @ q[6], MANY)
    close(plain.scaled, plain.raw / 8**0.5)
    close((plain.query * plain.keys).sum(-1), plain.raw, MANY)
    close(plain.weights @ plain.values, plain.output)
    close(plain.values, v)
    assert (plain.layer, plain.head, plain.token, plain.off) == (2, 3, 6, False)
    assert plain.divisor == pytest.approx(8**0.5)
    assert touched.divisor == pytest.approx(2 * 8**0.5)
    assert touched.off
    assert np.flatnonzero(touched.masked).tolist() == [prefix + 4]
    assert touched.weights[prefix + 4] == 0
    watched = ask(engine, for_page(changed, WatchParams), Answer)[-1]
    close(touched.weights, watched.weights.weights[2, 6])
    (clipped,) = ask(engine, dataclasses.replace(params, pinned=10_000, layer=24, head=16), HeadSteps)
    assert (clipped.layer, clipped.head, clipped.token) == (3, 3, len(clipped.weights) - 1)


# ------------------------------------------------------------------ logit lens
def test_the_lens_reads_every_depth_with_norm_and_head(both, picture):
    theirs, folder = both
    net = load_folder(folder)
    pixels, prefix = net.preprocess(picture.rgb), net.config.prefix
    with torch.inference_mode():
        out = theirs(pixel_values=pixels, output_hidden_states=True)
        base = theirs.base_model
        hidden = [base.layernorm(one)[0] for one in out.hidden_states]
        expected = [_head(theirs, x, x[0], x[min(1, prefix - 1)]) for x in hidden]
    engine = Engines()
    found = ask(engine, LensParams(picture=picture, model=str(folder), target=1), LogitLens)[-1]
    assert found.depths == len(found.course) == 4
    close(found.course, [one[1] for one in expected])
    close(found.course[-1], out.logits[0].softmax(-1)[1])
    for depth, shares in enumerate(expected):
        order = shares.topk(5)
        assert found.top[depth].tolist() == order.indices.tolist()
        close(found.shares[depth], order.values)
    with torch.inference_mode():
        patch = _head(theirs, hidden[2], hidden[2][prefix + 7], hidden[2][prefix + 7])
    assert found.patches[2].ravel()[7] == about(float(patch[1]))
    assert found.says[2].ravel()[7] == int(patch.argmax())
    assert found.sure[2].ravel()[7] == about(float(patch.max()))


def _head(theirs, x, first, second):
    """transformers' head or heads on a token that stands where the class token does."""
    if hasattr(theirs, "distillation_classifier"):
        return ((theirs.cls_classifier(first) + theirs.distillation_classifier(second)) / 2).softmax(-1)
    if theirs.config.model_type == "dinov2":
        return theirs.classifier(torch.cat([first, x[1:].mean(0)])).softmax(-1)
    return theirs.classifier(first).softmax(-1)


def test_the_lens_of_a_changed_model_ends_in_its_prediction(both, picture):
    _, folder = both
    engine = Engines()
    params = LensParams(picture=picture, model=str(folder), heads_off=((2, 1), (3, 2)))
    found = ask(engine, params, LogitLens)[-1]
    said = ask(engine, for_page(params, AblationParams), Ablation)[-1].prediction
    assert said.changed
    assert found.shares[-1] == about(said.probabilities)
    assert found.patches.shape == (4, 5, 5)


def test_the_lens_without_a_head_is_the_way_to_the_last_class_token(headless, picture):
    theirs, folder = headless
    pixels = load_folder(folder).preprocess(picture.rgb)
    with torch.inference_mode():
        out = theirs(pixel_values=pixels, output_hidden_states=True)
        hidden = [theirs.layernorm(one)[0] for one in out.hidden_states]
    found = ask(Engines(), LensParams(picture=picture, model=str(folder)), LogitLens)[-1]
    assert found.top.shape == (4, 0)
    assert (found.says == -1).all()
    for depth, x in enumerate(hidden):
        similar = torch.nn.functional.cosine_similarity(x, hidden[-1][:1], dim=-1)
        assert found.course[depth] == about(float(similar[0]))
        close(found.patches[depth].ravel(), similar[1:])


def test_every_long_page_can_be_left_at_any_yield(headless, picture):
    _, folder = headless
    engine = Engines()
    for kind in (AblationParams, LensParams, StepParams):
        params = kind(picture=picture, model=str(folder))
        events = engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))
        while True:
            if not isinstance(next(events), Progress):
                break
        events.close()
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_the_benchmark_rows_compare_what_is_the_same(tmp_path):
    size = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 32, "patch_size": 8}
    threads = torch.get_num_threads()
    tiny = models.make_vit(tmp_path, **size, intermediate_size=40, num_labels=5)
    try:
        for found in (vit_rows.relevance(tiny, repeats=1), vit_rows.ablation(tiny)):
            assert found.sound, found.note
            assert found.ratio > 0
        assert {row.name for row in vit_rows.rows()} == {"relevance", "ablation", "vit-fastest"}
    finally:
        torch.set_num_threads(threads)
