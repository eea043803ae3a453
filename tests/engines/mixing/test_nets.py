"""What topics offer for mixing: the bundled nets, their zero patterns, and that blocks put together are the net."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks.mixers import KIND, MOST, Grid
from engines.blocks.mixing import Probing, Way, mixing_matrix
from engines.checkpoints import backbones
from engines.core import offers
from engines.core.errors import LabError
from engines.data.samples import sample
from engines.large_kernel.convnext import ConvNeXt, ConvNeXtConfig
from engines.large_kernel.mixing import ConvNeXtMixer
from engines.mixing import nets
from engines.moco.load import load_encoder
from engines.resnest.load import load_checkpoint as load_resnest
from engines.swin.block import SwinBlock
from engines.swin.layouts import attention_mask, partition
from engines.swin.load import load_checkpoint as load_swin
from engines.swin.mixing import SwinMixer
from engines.swin.model import Swin, SwinConfig
from engines.vit.load import load_checkpoint as load_vit
from engines.vit.mixing import ViTMixer
from engines.vit.model import ViT, ViTConfig

BUNDLED = ("mini-vit", "mini-swin", "moco-cifar10", "mini-resnest")


@pytest.fixture(scope="module")
def seen():
    photo = sample("cat").rgb
    return {name: nets.load(name).look(photo) for name in BUNDLED}


def probed(span, probes=1):
    found = Probing(Way(span.function, span.start), torch.Generator().manual_seed(0))
    while found.count < probes:
        found.advance()
    return found.norms()


def test_every_net_of_an_offering_topic_is_in_the_list():
    topics = {offer.topic for offer in offers.found(KIND)}
    assert {"vit", "swin", "moco", "resnest", "large_kernel"} <= topics
    assert set(BUNDLED) <= {model.name for model in backbones.available(KIND)}


@pytest.mark.parametrize("name", BUNDLED)
def test_blocks_one_after_the_other_are_the_net(seen, name):
    last = nets.load(name).blocks - 1
    whole = seen[name].span(0, last)
    for index in range(last + 1):
        span = seen[name].span(index, index)
        torch.testing.assert_close(span.start, seen[name].span(index, last).start)
        assert span.start.shape[1:].numel() % span.before.tokens == 0
        through = span.function(span.start)
        after = through if through.dim() == 3 else through.flatten(2).transpose(1, 2)
        assert after.shape[1] == span.after.tokens
    torch.testing.assert_close(whole.function(whole.start), through, rtol=1e-4, atol=1e-4)


def test_they_end_where_the_models_of_their_topics_end(seen):
    photo = sample("cat").rgb
    swin = load_swin("mini-swin")
    pixels = swin.preprocess(photo)
    last = seen["mini-swin"].span(0, 5)
    torch.testing.assert_close(last.function(last.start), swin.tokens(pixels), rtol=1e-4, atol=1e-4)
    vit = load_vit("mini-vit")
    last = seen["mini-vit"].span(0, 5)
    trace = vit.trace(vit.preprocess(photo))
    torch.testing.assert_close(last.function(last.start), trace.hidden[-1], rtol=1e-4, atol=1e-4)
    encoder = load_encoder()
    pixels = encoder.prepare(torch.from_numpy(photo.copy()).permute(2, 0, 1)[None])
    last = seen["moco-cifar10"].span(0, 5)
    torch.testing.assert_close(last.function(last.start), encoder.backbone(pixels), rtol=1e-4, atol=1e-4)
    resnest = load_resnest("mini-resnest")
    last = seen["mini-resnest"].span(0, resnest.config.blocks - 1)
    wanted = resnest.trace(resnest.preprocess(photo)).hidden[-1]
    torch.testing.assert_close(last.function(last.start), wanted, rtol=1e-4, atol=1e-4)


def test_attention_of_a_block_is_its_mean_over_heads_and_of_several_their_rollout(seen):
    photo = sample("cat").rgb
    vit, swin = load_vit("mini-vit"), load_swin("mini-swin")
    trace = vit.trace(vit.preprocess(photo))
    found = seen["mini-vit"].span(2, 2).attention()
    torch.testing.assert_close(found, trace.attention[2][0].mean(0), rtol=1e-4, atol=1e-5)
    trace = swin.trace(swin.preprocess(photo))
    found = seen["mini-swin"].span(1, 1).attention()
    torch.testing.assert_close(found, trace.on_grid(1)[0].mean(0), rtol=1e-4, atol=1e-5)
    for name, tokens in (("mini-vit", (65, 65)), ("mini-swin", (16, 256))):
        rolled = seen[name].span(0, 5).attention()
        assert rolled.shape == tokens
        torch.testing.assert_close(rolled.sum(1), torch.ones(tokens[0]), rtol=1e-4, atol=1e-4)
    assert seen["moco-cifar10"].span(0, 1).attention is None


# ------------------------------------------------------------------ zeros
def window_pairs(side: int, window: int, shift: int) -> torch.Tensor:
    """Which tokens of a square grid may look at which, from the mask alone, (N, N)."""
    order = torch.arange(side * side).view(side, side).roll((-shift, -shift), (0, 1))
    at = partition(order, window)  # (W, n)
    may = attention_mask(side, side, window, shift)
    pairs = torch.zeros(side * side, side * side, dtype=torch.bool)
    for place, allowed in zip(at, may, strict=True):
        pairs[place[:, None], place[None]] = allowed
    return pairs


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("probes", [None, 1])
def test_windows_and_regions_of_a_swin_block_are_exact(shift, probes):
    torch.manual_seed(0)
    block = SwinBlock(8, 2, 4, shift).requires_grad_(False).eval()
    x = torch.randn(1, 64, 8)
    found = mixing_matrix(lambda x: block(x, (8, 8))[0], x, probes, torch.Generator().manual_seed(1))[0]
    pairs = window_pairs(8, 4, shift)
    assert (found[~pairs] == 0).all()
    assert (found[pairs] > 0).all()


def test_a_score_far_ahead_does_not_reach_across_regions():
    torch.manual_seed(0)
    block = SwinBlock(8, 2, 4, 2).requires_grad_(False).eval()
    block.q_proj.weight.mul_(200)
    x = torch.randn(1, 64, 8)
    found = mixing_matrix(lambda x: block(x, (8, 8))[0], x, 1, torch.Generator().manual_seed(1))[0]
    assert (found[~window_pairs(8, 4, 2)] == 0).all()


def test_two_blocks_of_mini_swin_reach_what_their_windows_reach(seen):
    first, second = window_pairs(16, 4, 0), window_pairs(16, 4, 2)
    for blocks, pairs in (((0, 0), first), ((1, 1), second), ((0, 1), (second.float() @ first.float()) > 0)):
        found = probed(seen["mini-swin"].span(*blocks))
        assert (found[~pairs] == 0).all(), blocks
        assert (found[pairs] > 0).all(), blocks


def test_the_convolutions_reach_as_far_as_their_kernels(seen):
    """3 × 3 with stride 2, then twice with stride 1 on its map: a cell i reaches from pixel 2 i − 5 to 2 i + 5."""
    found = probed(seen["moco-cifar10"].span(0, 1))
    down, at = torch.arange(16), torch.arange(32)
    near = (2 * down[:, None] - at[None]).abs() <= 1 + 2 * 2
    pairs = (near[:, None, :, None] & near[None, :, None, :]).reshape(256, 1024)
    assert (found[~pairs] == 0).all()
    assert (found[pairs] > 0).float().mean() > 0.99  # a ReLU may be shut


def tiny_convnext():
    torch.manual_seed(0)
    net = ConvNeXt(ConvNeXtConfig(image_size=44, patch_size=4, widths=(8, 12), depths=(2, 1), kernel=5))
    return net.eval().requires_grad_(False)


def test_a_convnext_reaches_half_a_kernel_a_block_and_is_the_net():
    net, photo = tiny_convnext(), sample("cat").rgb
    seen = ConvNeXtMixer(net).look(photo)
    *_, last = net.maps(net.preprocess(photo))
    whole = seen.span(0, 2)
    torch.testing.assert_close(whole.function(whole.start), last, rtol=1e-4, atol=1e-5)
    assert (whole.before, whole.after, whole.skips) == (Grid(11, 11), Grid(5, 5), False)
    for blocks, reach in (((0, 0), 2), ((0, 1), 4)):
        span = seen.span(*blocks)
        assert span.skips
        found = probed(span, 2)  # the second one by rows that go together
        at = torch.cartesian_prod(torch.arange(11), torch.arange(11))
        far = (at[:, None] - at[None]).abs().amax(-1)
        assert (found[far > reach] == 0).all()
        assert (found[far <= reach] > 0).all()


def test_split_attention_mixes_a_little_of_everything(seen):
    """Beyond its 3 × 3 kernel a block of stride 1 hangs on the mean over the map alone: weak, and nowhere 0."""
    span = seen["mini-resnest"].span(0, 0)
    assert span.before == span.after
    found = probed(span, 4)
    at = torch.from_numpy(span.before.places()) * span.before.rows
    far = (at[:, None] - at[None]).abs().amax(-1).round()
    assert (found[far > 1] > 0).float().mean() > 0.99  # a ReLU may be shut
    assert found[far > 1].mean() < 0.1 * found[far == 1].mean()


def test_a_vit_has_no_zero(seen):
    assert (probed(seen["mini-vit"].span(0, 0)) > 0).all()


# ------------------------------------------------------------------ sizes and faults
def test_a_net_of_more_tokens_sees_a_smaller_photo_or_says_so():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (40, 90, 3), np.uint8)
    small = {"width": 8, "heads": 1, "layers": 1, "mlp_size": 8}
    vit = ViTMixer(ViT(ViTConfig(image_size=80, patch_size=2, **small)).eval())
    before = vit.look(photo).span(0, 0).before
    assert 900 < before.tokens <= MOST
    assert before.cols > before.rows  # at its own aspect
    fixed = ViTMixer(ViT(ViTConfig(image_size=80, patch_size=2, resizable=False, **small)).eval())
    with pytest.raises(LabError, match="1601 tokens"):
        fixed.look(photo)
    swin = SwinMixer(Swin(SwinConfig(80, 2, 8, (1, 1), (1, 2), 4)).eval())
    assert swin.look(photo).span(0, 0).before == Grid(32, 32)
    assert swin.look(photo).span(0, 1).after == Grid(16, 16)


def test_places_and_tokens():
    grid = Grid(2, 4, 1)
    assert grid.tokens == 9
    np.testing.assert_allclose(grid.places()[[0, 5]], [[0.25, 0.125], [0.75, 0.375]])
    assert grid.token_at(None) == 0
    assert grid.token_at((0.75, 0.375)) == 6
    assert grid.token_at((1.0, 1.0)) == 8
    assert Grid(3, 3).token_at(None) == 4  # none lies nowhere: the middle


def test_what_nobody_offers_is_refused_by_name(tmp_path):
    with pytest.raises(LabError, match="DETR"):
        nets.load("toy-detr")
    with pytest.raises(LabError, match="no such folder"):
        nets.load(str(tmp_path / "gone"))
