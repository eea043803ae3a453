"""Relevance against an independent way to it: gradients through all of transformers' maps at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.core.reading import finish
from engines.vit.interventions import HeadsOff, KeysRemoved, Temperature, plan
from engines.vit.load import load_folder
from engines.vit.measures import rollout
from engines.vit.preprocess import prepare
from engines.vit.relevance import methods
from engines.vit.relevance.spec import (
    CHEFER,
    CLASS_SPECIFIC,
    GRADIENT,
    METHODS,
    RAW,
    ROLLED,
    Relevance,
    RelevanceParams,
    area,
)
from engines.vit.stream import Stream
from tests.closeness import FEW, about, close
from tests.engines.vit import reference
from tests.engines.vit.pages import Engines, newest

KINDS = ["ViTForImageClassification", "DeiTForImageClassificationWithTeacher", "Dinov2ForImageClassification"]
CHANGES = [Temperature(1, 2.0, (0,)), HeadsOff(2, (1,)), KeysRemoved(0, (4, 5))]


@pytest.fixture(scope="module", params=KINDS)
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return reference.make(request.param, folder), load_folder(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("vit")
    reference.make("ViTForImageClassification", path)
    return path


@pytest.fixture
def picture():
    return Picture("noise", np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8))


def complete(net, pixels, changes=()):
    plain = Stream.of(net, pixels)
    stream = plain
    while not plain.complete:
        plain.advance()
    if changes:
        stream = plain.branch(plan(changes, net.config.heads, plain.tokens, pixels.device))
        while not stream.complete:
            stream.advance()
    return stream


def by_rule(maps, logit, share):
    """Chefer's rule as it is printed: all maps in one graph, R from the first layer to the last."""
    gradients = torch.autograd.grad(logit, maps)
    relevant = [(a * g).clamp_min(0).mean(1)[0] for a, g in zip(maps, gradients, strict=True)]
    found = torch.eye(len(share))
    for one in relevant:
        found = found + one @ found
    return torch.stack([share @ one for one in relevant]).detach(), (share @ found).detach()


def test_class_specific_maps_equal_the_rule_on_transformers(model):
    theirs, ours = model
    pixels = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(3))
    out = theirs(pixel_values=pixels, output_attentions=True)
    stream = complete(ours, pixels)
    share = methods.readout(ours.config, stream.tokens)
    assert float(share.sum()) == pytest.approx(1)
    for target in (0, 3):
        out = theirs(pixel_values=pixels, output_attentions=True)
        gradients, chefer = by_rule(list(out.attentions), out.logits[0, target], share)
        found = finish(methods.class_specific(stream, target))
        close(found[0], gradients)
        close(found[1], chefer)
        assert chefer.std() > 0.01  # and it says something


def test_class_specific_maps_of_a_changed_model_equal_one_graph_through_it(model):
    _, ours = model
    pixels = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(4))
    stream = complete(ours, pixels, CHANGES)
    x, maps = ours.embed(pixels), []
    changes = plan(CHANGES, ours.config.heads, stream.tokens, pixels.device)
    x.requires_grad_()
    for index in range(ours.config.layers):
        x, weights = ours.block(index).opened(x, changes.get(index))
        maps.append(weights)
    share = methods.readout(ours.config, stream.tokens)
    gradients, chefer = by_rule(maps, ours.conclude(x)[1][0, 2], share)
    found = finish(methods.class_specific(stream, 2))
    close(found[0], gradients)
    close(found[1], chefer)


def test_rollout_rows_sum_to_one_and_raw_attention_is_the_mean_of_the_heads(model):
    theirs, ours = model
    pixels = torch.randn(1, 3, 40, 40)
    with torch.inference_mode():
        maps = theirs(pixel_values=pixels, output_attentions=True).attentions
    stream = complete(ours, pixels)
    share = methods.readout(ours.config, stream.tokens)
    on = np.ones((ours.config.layers, ours.config.heads), bool)
    for fusion, discard in (("Mean", 0.0), ("Max", 0.5)):
        whole = rollout([one[0] for one in maps], fusion.lower(), discard)
        close(whole.sum(-1), torch.ones(len(whole)))
        row = finish(methods.rolled(stream, on, fusion, discard, 0))
        close(row, share @ whole)
        assert float(row.sum()) == about(1)
    close(methods.raw(stream, 1), share @ maps[1][0].mean(0))


def test_covered_patches_are_patches_in_the_mean_color(model):
    _, ours = model
    pixels = torch.randn(1, 3, 40, 40)
    stream = complete(ours, pixels)
    test = methods.Perturbation(stream, pixels, stream.conclusion().tokens[0])
    patches = stream.tokens - ours.config.prefix
    mask = np.random.default_rng(2).random(patches) < 0.4
    for _ in test.ask([mask, np.zeros(patches, bool)]):
        pass
    size = ours.config.patch_size
    side = 40 // size
    gone = torch.from_numpy(mask.reshape(side, side)).repeat_interleave(size, 0).repeat_interleave(size, 1)
    with torch.inference_mode():
        expected = ours(pixels.masked_fill(gone, 0.0)).softmax(-1)[0]
        whole = ours(pixels).softmax(-1)[0]
    for target in range(5):
        assert test.told(mask, target) == about(float(expected[target]))
        assert test.told(np.zeros(patches, bool), target) == about(float(whole[target]))


def ask(engine, params):
    events = list(engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")))
    return [event for event in events if isinstance(event, Relevance)]


def test_the_page_grows_and_a_class_moves_the_class_specific_maps_only(folder, picture, monkeypatch):
    engine = Engines()
    params = RelevanceParams(picture=picture, model=str(folder), points=5)
    grown = ask(engine, params)
    assert [len(one.removed) for one in grown] == [0, 1, 2, 3, 4, 5, 6]  # each point as soon as it is measured
    assert [one.complete for one in grown] == [False] * (len(grown) - 1) + [True]
    first = grown[-1]
    assert first.methods == METHODS
    close(first.maps.sum((1, 2)), 1)
    close(first.removed[[0, -1]], [0, 1], FEW)
    close(first.deletion[:, 0], first.insertion[:, -1], FEW)
    close(first.deletion[:, -1], first.insertion[:, 0], FEW)
    close(first.deletion_scores, area(first.deletion, first.removed), FEW)
    mirrored = area(first.random[:, ::-1], (1 - first.removed)[::-1])
    close(mirrored.mean(), first.random_score, FEW)
    asked = []
    whole = methods.finish
    monkeypatch.setattr(methods, "finish", lambda net, x, *rest: asked.append(len(x)) or whole(net, x, *rest))
    assert ask(engine, params)[-1].deletion is first.deletion  # nothing is computed twice
    assert not asked
    other = next(index for index in range(5) if index != first.target)
    second = ask(engine, dataclasses.replace(params, target=other))[-1]
    for index, name in enumerate(METHODS):
        same = np.array_equal(first.maps[index], second.maps[index])
        assert same == (name not in CLASS_SPECIFIC)
    patches = first.maps[0].size
    assert sum(asked) <= len(CLASS_SPECIFIC) * 2 * patches  # the other orders' verdicts are known for every class
    assert not np.array_equal(first.deletion[0], second.deletion[0])  # of another class
    assert (first.label, second.label) == tuple(load_folder(folder).labels[one] for one in (first.target, other))


def test_a_point_is_shown_before_the_next_is_measured(folder, picture, monkeypatch):
    asked = []
    whole = methods.finish
    monkeypatch.setattr(methods, "finish", lambda net, x, *rest: asked.append(len(x)) or whole(net, x, *rest))
    engine = Engines()
    params = RelevanceParams(picture=picture, model=str(folder), points=4)
    spent = {
        len(event.removed): sum(asked)
        for event in engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))
        if isinstance(event, Relevance)
    }
    assert list(spent) == [0, 1, 2, 3, 4, 5]
    assert spent[0] == 0
    assert spent[1] == 2  # nothing covered, all covered: the same photo for every order
    assert spent[1] < spent[2] < spent[3] < spent[4]
    assert spent[5] == spent[4]  # all covered, nothing covered: known


def test_stopping_loses_no_verdict(folder, picture):
    engine = Engines()
    params = RelevanceParams(picture=picture, model=str(folder), points=5)
    events = engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))
    for event in events:
        if isinstance(event, Relevance) and len(event.removed):
            break
    events.close()
    known = len(newest(engine.by_params[RelevanceParams]._tests)._known)
    assert known > 0
    resumed = ask(engine, params)[-1]
    fresh = ask(Engines(), params)[-1]
    np.testing.assert_array_equal(resumed.deletion, fresh.deletion)
    assert torch.is_grad_enabled()


def test_without_a_head_only_what_needs_none(tmp_path, picture):
    reference.make("Dinov2Model", tmp_path)
    found = ask(Engines(), RelevanceParams(picture=picture, model=str(tmp_path), points=4))[-1]
    assert found.methods == (RAW, ROLLED)
    assert (found.target, found.label, found.candidates) == (-1, "", ())
    assert found.deletion.shape == (2, 5)
    close(found.deletion[:, 0], 1, FEW)  # the cosine with itself
    assert CHEFER not in found.methods
    assert GRADIENT not in found.methods


def test_layer_moves_raw_attention_and_gradient_only(folder, picture):
    engine = Engines()
    params = RelevanceParams(picture=picture, model=str(folder), points=4, layer=3)
    above, below = ask(engine, params)[-1], ask(engine, dataclasses.replace(params, layer=1))[-1]
    moved = [not np.array_equal(a, b) for a, b in zip(above.maps, below.maps, strict=True)]
    assert dict(zip(METHODS, moved, strict=True)) == {RAW: True, ROLLED: False, GRADIENT: True, CHEFER: False}
    assert (above.layer, below.layer) == (3, 1)


def test_a_map_that_finds_nothing_is_zero_and_every_layer_is_a_place_to_stop(folder, picture):
    net = load_folder(folder)
    photo = prepare(picture.rgb, net.config)
    assert not methods.shares(torch.zeros(1 + photo.rows * photo.cols), 1, photo.rows, photo.cols).any()
    engine = Engines()
    params = RelevanceParams(picture=picture, model=str(folder), points=4)
    events = list(engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")))
    assert sum(isinstance(event, Progress) for event in events) >= 3 * net.config.layers
