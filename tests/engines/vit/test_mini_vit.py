"""The bundled model, and the recipe that made it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engines.blocks.quick import HalfProduct, orthogonalize
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.data import cifar
from engines.vit import load_checkpoint, recipe, train
from engines.vit.model import ViT
from engines.vit.subject import parts

DATA = Path(__file__).parents[4] / "shared" / "data" / "cifar10"
WEIGHTS = catalog.WEIGHTS / "mini-vit.safetensors"


def started(seed=0) -> ViT:
    torch.manual_seed(seed)
    net = ViT(train.CONFIG)
    recipe.start(net, torch.randn(500, 48), 4, 0.8)
    return net.eval()


def test_the_card_tells_of_this_file_and_the_model_is_the_one_it_describes():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    net = load_checkpoint("mini-vit")
    assert WEIGHTS.stat().st_size < 12_000_000
    assert card["sha256"] == catalog.sha256(WEIGHTS)
    assert card["metric"]["value"] >= 0.75
    assert net.labels == dict(enumerate(cifar.NAMES))
    assert net.preprocess(np.zeros((50, 90, 3), np.uint8)).shape == (1, 3, 32, 32)
    assert sum(p.numel() for p in net.parameters()) == card["parameters"]
    patches, tokens, attention, rest, head = parts(net)  # by the paper's formulas
    e, p, m = net.config.width, net.config.patch_size, net.config.mlp_size
    rows, cols = net.config.patches
    assert patches == (3 * p * p * e + e) + (1 + rows * cols) * e
    assert tokens == e
    assert attention == net.config.layers * (4 * e * e + 4 * e)
    assert rest == net.config.layers * (2 * e * m + m + e + 4 * e)
    assert head == 2 * e + e * 10 + 10
    assert patches + tokens + attention + rest + head == card["parameters"]


@pytest.mark.skipif(not (DATA / "test.npz").is_file(), reason="no CIFAR-10 here")
def test_the_bundled_model_names_test_pictures():
    images, labels = cifar.decode(DATA / "test.npz", 600)
    assert train.accuracy(load_checkpoint("mini-vit"), images, labels) > 0.7


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "WEIGHTS", tmp_path)
    for name in ("mini-vit.json", "mini-vit.safetensors"):
        (tmp_path / name).write_bytes((WEIGHTS.parent / name).read_bytes())
    assert load_checkpoint("mini-vit").head is not None
    with (tmp_path / "mini-vit.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(LabError, match="hash"):
        load_checkpoint("mini-vit")


def test_the_quick_forward_is_the_models_own():
    net = started()
    torch.nn.init.normal_(net.head.weight, std=0.1)
    pixels = torch.randn(4, 32, 32, 3)
    places = torch.arange(64).expand(4, -1)
    with torch.inference_mode():
        quick = recipe.quick_forward(net, recipe.to_patches(pixels, 4), places)
        own = net(pixels.permute(0, 3, 1, 2).contiguous())
    torch.testing.assert_close(quick, own, atol=0.02, rtol=0)


def test_half_products_have_the_gradients_of_whole_ones():
    torch.manual_seed(0)
    x, w, b = (torch.randn(*shape, requires_grad=True) for shape in ((3, 5, 8), (6, 8), (6,)))
    target = torch.randn(3, 5, 6)
    whole = torch.autograd.grad((F.linear(x, w, b) * target).sum(), (x, w, b))
    half = torch.autograd.grad((HalfProduct.apply(x, w, b) * target).sum(), (x, w, b))
    for mine, expected in zip(half, whole, strict=True):
        torch.testing.assert_close(mine, expected, atol=0.02, rtol=0.01)


def test_heads_begin_by_looking_at_their_neighbor():
    net = started()
    pixels = torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        weights = net.trace(pixels, layers=[0]).attention[0][0]
    for head, (down, right) in enumerate(recipe.NEIGHBORS[:4]):
        for row, col in ((3, 3), (4, 2)):
            looked = weights[head, 1 + row * 8 + col, 1:].argmax()
            assert divmod(int(looked), 8) == (row + down, col + right)


def test_orthogonalize_makes_singular_values_about_1():
    torch.manual_seed(0)
    for shape in ((2, 16, 16), (2, 32, 16), (2, 16, 48)):
        sizes = torch.linalg.svdvals(orthogonalize(torch.randn(*shape)))
        assert sizes.min() > 0.3
        assert sizes.max() < 1.4


def test_windows_carry_their_places():
    images = np.zeros((2, 32, 32, 3), np.uint8)
    images[..., 0] = np.arange(32)[:, None] // 4 * 30  # row of the patch, times 30
    images[..., 1] = np.arange(32) // 4 * 30
    batches = cifar.Batches(images, np.array([3, 5], np.uint8), patch=4, shift=0, seed=1)
    pixels, places, labels = batches.draw(16, 6)
    assert set(labels.tolist()) <= {3, 5}
    values = (pixels * torch.tensor(cifar.STD) + torch.tensor(cifar.MEAN)) * 255 / 30
    middles = values[:, 2::4, 2::4].round().long().flatten(1, 2)
    assert torch.equal(middles[..., 0] * 8, places // 8 * 8)
    straight = (middles[..., 1] == places % 8).all(1)
    mirrored = (7 - middles[..., 1] == places % 8).all(1)  # what was on the left is on the right
    assert (straight | mirrored).all()
    assert straight.any()
    assert mirrored.any()


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
    assert training.lr(1.0) == pytest.approx(0.01)
