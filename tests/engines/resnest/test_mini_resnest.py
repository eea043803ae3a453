"""The bundled model, the script that made it, and the measures of its weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.checkpoints import catalog
from engines.data import cifar
from engines.resnest import load_checkpoint, train
from engines.resnest.measures import entropy, over_channels, over_photos

DATA = Path(__file__).parents[4] / "shared" / "data" / "cifar10"
WEIGHTS = catalog.WEIGHTS / "mini-resnest.safetensors"


def test_the_card_tells_of_this_file_and_the_model_is_the_one_it_describes():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    net = load_checkpoint("mini-resnest")
    assert card["sha256"] == catalog.sha256(WEIGHTS)
    assert WEIGHTS.stat().st_size < 2_000_000
    assert net.labels == dict(enumerate(cifar.NAMES))
    assert sum(p.numel() for p in net.parameters()) == card["parameters"]
    assert not any(buffer.is_meta for buffer in net.buffers())  # counters are not in the file, and have their memory
    weights = net.trace(torch.zeros(1, 3, 32, 32)).weights
    assert [tuple(each.shape) for each in weights] == [(1, 2, c) for c in (16, 16, 32, 32, 64, 64)]


@pytest.mark.skipif(not (DATA / "test.npz").is_file(), reason="no CIFAR-10 here")
def test_the_bundled_model_is_as_good_as_its_card_says():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    found = train.accuracy(load_checkpoint("mini-resnest"), *cifar.decode(DATA / "test.npz", 200))
    assert abs(found - card["metric"]["value"]) < 0.11  # of 200 pictures: three standard deviations


@pytest.fixture
def options(tmp_path, monkeypatch):
    """A run on 64 random pictures whose labels can be seen from their color."""
    monkeypatch.setattr(train, "CACHE", tmp_path)
    monkeypatch.setattr(train, "SETTLING", 4)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 64).astype(np.uint8)
    images = np.clip(rng.normal(0, 20, (64, 32, 32, 3)) + labels[:, None, None, None] * 25, 0, 255).astype(np.uint8)
    monkeypatch.setattr(cifar, "load", lambda data, cache, part: (images, labels))
    return train.parse(["--minutes", "1", "--batch", "16"])


def test_training_learns_and_goes_on_where_it_was_stopped(options, one_thread):
    training = train.Training(options)
    training.steps = 100  # past the warm-up
    losses = [training.step(0.5)[0] for _ in range(14)]
    assert np.mean(losses[-3:]) < losses[0] - 0.2
    training.used = 7.0
    training.save()
    other = train.Training(options)
    other.resume()
    assert (other.used, other.steps, other.seen) == (7.0, 114, 14 * 16)
    assert training.step(0.6) == other.step(0.6)
    for key, value in training.net.state_dict().items():
        assert torch.equal(value, other.net.state_dict()[key]), key


def test_what_is_kept_has_statistics_of_its_own(options, one_thread):
    training = train.Training(options)
    for _ in range(3):
        training.step(0.5)
    order = training.batches.order
    net = training.averaged()
    assert training.batches.order is order  # taking them is no part of the run
    assert not torch.equal(net.bn1.running_mean, training.average["bn1.running_mean"])
    assert torch.equal(net.fc.weight, training.average["fc.weight"])
    assert not net.training


def test_entropy_and_deviations_by_hand():
    weights = torch.tensor([[[0.5, 0.2], [0.5, 0.8]], [[0.5, 0.6], [0.5, 0.4]]])  # two photos, splits, channels
    bits = [(1 + 0.721928) / 2, (1 + 0.970951) / 2]
    torch.testing.assert_close(entropy(weights), torch.tensor(bits), atol=1e-5, rtol=0)
    assert abs(over_photos(weights) - 0.1) < 1e-6  # one channel moves by 0.2 to each side, the other not
    assert abs(over_channels(weights) - 0.1) < 1e-6  # 0.15 to each side in the first photo, 0.05 in the second
    weights[1, :, 1] = weights[0, :, 1]
    assert over_photos(weights) == 0
    assert abs(over_channels(weights) - 0.15) < 1e-6
    assert torch.equal(entropy(torch.full((2, 1, 3), 0.4)), torch.zeros(2))
