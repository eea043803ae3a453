"""The bundled model, and the recipe that made it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.blocks.quick import product
from engines.checkpoints import catalog
from engines.data import cifar
from engines.swin import load_checkpoint, recipe, train
from engines.swin.model import Swin

DATA = Path(__file__).parents[4] / "shared" / "data" / "cifar10"
WEIGHTS = catalog.WEIGHTS / "mini-swin.safetensors"


def started() -> Swin:
    net = Swin(train.CONFIG)
    recipe.start(net, 1.0, torch.Generator().manual_seed(0))
    return net.eval()


def test_the_card_tells_of_this_file_and_the_model_is_the_one_it_describes():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    net = load_checkpoint("mini-swin")
    assert card["sha256"] == catalog.sha256(WEIGHTS)
    assert WEIGHTS.stat().st_size < 6_000_000
    assert net.labels == dict(enumerate(cifar.NAMES))
    assert sum(p.numel() for p in net.parameters()) == card["parameters"]
    assert net.trace(torch.zeros(1, 3, 32, 32), blocks=(0,)).attention[0].shape == (1, 16, 3, 16, 16)  # 16 windows


@pytest.mark.skipif(not (DATA / "test.npz").is_file(), reason="no CIFAR-10 here")
def test_the_bundled_model_is_as_good_as_its_card_says():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    found = train.accuracy(load_checkpoint("mini-swin"), *cifar.decode(DATA / "test.npz", 200))
    assert abs(found - card["metric"]["value"]) < 0.11  # of 200 pictures: three standard deviations


def test_the_quick_forward_is_the_models_own():
    net = started()
    torch.nn.init.normal_(net.head.weight, std=0.1)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        own = net(pixels)
        torch.testing.assert_close(recipe.quick_forward(net, pixels), own, atol=1e-5, rtol=0)
        torch.testing.assert_close(recipe.quick_forward(net, pixels, product), own, atol=1e-2, rtol=0)


def test_each_head_begins_by_looking_at_a_neighbor():
    net = started()
    for head, (down, right) in enumerate(recipe.NEIGHBORS[:3]):
        table = net.block(0).relative_position_bias_table[:, head].view(7, 7)
        at = divmod(int(table.argmax()), 7)
        assert (at[0] - 3, at[1] - 3) == (-down, -right)  # query minus key


@pytest.fixture
def options(tmp_path, monkeypatch):
    """A run on 64 random pictures whose labels can be seen from their color."""
    monkeypatch.setattr(train, "CACHE", tmp_path)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 64).astype(np.uint8)
    images = np.clip(rng.normal(0, 20, (64, 32, 32, 3)) + labels[:, None, None, None] * 25, 0, 255).astype(np.uint8)
    monkeypatch.setattr(cifar, "load", lambda data, cache, part: (images, labels))
    return train.parse(["--minutes", "1", "--batch", "8"])


def test_training_learns_and_goes_on_where_it_was_stopped(options, one_thread):
    training = train.Training(options)
    training.steps = 100  # past the warm-up
    losses = [training.step(0.5)[0] for _ in range(14)]
    assert np.mean(losses[-3:]) < losses[0] - 0.2
    training.used = 7.0
    training.save()
    other = train.Training(options)
    other.resume()
    assert (other.steps, other.used) == (114, 7.0)
    assert other.step(0.5) == training.step(0.5)
    for key, value in training.average.items():
        assert torch.equal(other.average[key], value), key


def test_the_clock_leads_the_learning_rate(options):
    training = train.Training(options)
    training.steps = 1000
    assert training.lr(0.1) == 1
    assert training.lr(0.625) == pytest.approx(0.5)
    assert training.lr(1.0) == 0.01
