"""A ViT with its linear layers in bfloat16: the same answer within what is told, weights that sum to 1, one click."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engines.blocks import choosing
from engines.blocks.backends import BFLOAT16, FASTEST, FLOAT32, Computed
from engines.blocks.half import HalfLinear, with_half_linears
from engines.core.pictures import Picture
from engines.core.protocol import Job
from engines.vit import backends, subject
from engines.vit.backends import Backends
from engines.vit.stream import Stream
from engines.vit.subject import Collection
from engines.vit.watch.engine import Engine
from engines.vit.watch.spec import Answer, WatchParams
from tests.benchmarks.models import make_vit
from tests.test_benchmarks import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(make_vit(tmp_path_factory.mktemp("vit"), **TINY).folder)


@pytest.fixture
def net(folder):
    return subject.load_checkpoint(folder)


def full(net):
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    stream = Stream.of(net, pixels)
    while not stream.complete:
        stream.advance()
    return stream


def test_a_linear_layer_in_half_is_the_product_of_rounded_numbers():
    torch.manual_seed(0)
    linear, x = nn.Linear(7, 5), torch.randn(3, 7)
    half = HalfLinear(linear)
    rounded = [t.detach().to(torch.bfloat16).double() for t in (x, linear.weight, linear.bias)]
    exact = rounded[0] @ rounded[1].T + rounded[2]
    assert half(x).dtype == torch.float32
    torch.testing.assert_close(half(x).double(), exact, atol=0.02, rtol=0.01)
    assert HalfLinear(nn.Linear(7, 5, bias=False)).bias is None


def test_the_copy_shares_all_but_its_linear_layers(net):
    half = with_half_linears(net)
    assert half.class_token is net.class_token
    assert half.block(0).norm1.weight is net.block(0).norm1.weight
    assert isinstance(half.block(0).fc1, HalfLinear)
    assert isinstance(half.block(0).attention.q_proj, HalfLinear)
    assert isinstance(net.block(0).fc1, nn.Linear)
    plain, other = full(net), full(half)
    apart = float((plain.conclusion().logits - other.conclusion().logits).abs().max())
    assert 0 < apart < 0.05
    weights = other.weights(2)
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 17))
    torch.testing.assert_close(other.rows[2], weights[:, 0])  # what is drawn is what it used


def test_differences_are_those_of_the_answers(net):
    ways, plain, other = Backends(net), full(net), full(with_half_linears(net))
    logits, probabilities, boxes = ways.difference(other, plain)
    a, b = plain.conclusion().logits, other.conclusion().logits
    assert logits == pytest.approx(float((a - b).abs().max()))
    assert probabilities == pytest.approx(float((a.softmax(-1) - b.softmax(-1)).abs().max()))
    assert boxes == -1
    net.head = None
    assert 0 < Backends(net).difference(full(with_half_linears(net)), full(net))[1] < 0.1


def asked(folder, engine, **fields):
    params = WatchParams(**({"model": folder, "picture": picture(0)} | fields))
    return list(engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")))


def picture(seed):
    return Picture(f"noise {seed}", np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8))


def used(events):
    return [event.used for event in events if isinstance(event, Computed)]


def test_a_small_model_says_nothing_of_it(folder):
    events = asked(folder, Engine(Collection()), compute=BFLOAT16)
    assert isinstance(events[-1], Answer)
    assert used(events) == []


def test_the_quickest_way_is_found_after_the_first_answer(folder, monkeypatch):
    monkeypatch.setattr(backends, "LARGE", 0)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda device: True)
    times = {FLOAT32: 9.0, BFLOAT16: 1.0}
    monkeypatch.setattr(Backends, "attempt", lambda self, way: self.tried.__setitem__(way, times[way]))
    monkeypatch.setattr(Computed, "slower", False)
    engine = Engine(Collection())
    photo = picture(0)
    first = asked(folder, engine, picture=photo)
    kinds = [type(event).__name__ for event in first]
    assert kinds.index("Answer") < kinds.index("Computed")
    assert used(first) == [FLOAT32, FLOAT32]
    assert used(asked(folder, engine, picture=photo)) == [FLOAT32]  # what is on screen stays
    assert used(asked(folder, engine, picture=photo, temperature=2.0)) == [BFLOAT16]  # until a hand changes the model
    second = asked(folder, engine, picture=picture(1))
    assert used(second) == [BFLOAT16]
    assert second[-1].compared
    assert second[-1].logits != 0
    plain = asked(folder, engine, picture=picture(1), compute=FLOAT32)
    one, other = (next(event for event in events if isinstance(event, Answer)) for events in (second, plain))
    np.testing.assert_allclose(one.weights.weights, other.weights.weights, atol=0.02)
    assert not np.array_equal(one.weights.weights, other.weights.weights)
    assert used(asked(folder, engine, picture=picture(1), compute=FASTEST, temperature=2.0)) == [BFLOAT16]


def test_a_way_that_answers_something_else_is_given_up(folder, monkeypatch):
    monkeypatch.setattr(backends, "LARGE", 0)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(Backends, "attempt", lambda self, way: self.tried.__setitem__(way, float(way == FLOAT32)))
    monkeypatch.setattr(Backends, "difference", lambda *_: (1.0, 0.5, -1.0))
    engine = Engine(Collection())
    asked(folder, engine)
    assert used(asked(folder, engine, picture=picture(1))) == [FLOAT32]
