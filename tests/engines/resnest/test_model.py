"""Split attention and the net beside recorded numbers of timm, beside loops by hand, and as a person changes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.resnest import ResNeSt, ResNeStConfig, SplitAttention, load_checkpoint, radix_softmax
from engines.resnest.interventions import Equal, Held, Swapped, plan
from engines.resnest.weights import MODELS
from tests.engines.resnest import reference

RECORDED = Path(__file__).parent / "split_attention.npz"  # timm 1.0.31, radix 2, groups 1, with running statistics
SMALL = {"image_size": 32, "stem": 4, "depths": (1, 2, 1), "classes": 5, "labels": {i: str(i) for i in range(5)}}
NETS = {
    "radix 2": ResNeStConfig(**SMALL, width=8),
    "radix 1, cardinality 4": ResNeStConfig(**SMALL, width=8, base_width=24, radix=1, groups=4, pool_first=True),
    "radix 4, cardinality 2": ResNeStConfig(**SMALL, width=8, base_width=64, radix=4, groups=2, pool_first=True),
    "radix 3, cardinality 2": ResNeStConfig(**SMALL, width=12, base_width=64, radix=3, groups=2, stem_pool=False),
}


def randomized(module, seed=0):
    """Random values everywhere, also in the statistics."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in module.state_dict().items():
        if key.endswith("running_var") or (value.dim() == 1 and key.endswith("weight")):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.is_floating_point():
            value.normal_(0, 0.2 if value.dim() == 1 else 1.5 * value[0].numel() ** -0.5, generator=generator)
    return module.eval().requires_grad_(False)


def pixels(height=32, width=32, batch=2):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=NETS, scope="module")
def net(request):
    return randomized(ResNeSt(NETS[request.param]))


# -- split attention
def recorded():
    with np.load(RECORDED) as found:
        tensors = {key: torch.from_numpy(found[key]) for key in found}
    x, out, weights = (tensors.pop(key) for key in ("x", "out", "attn"))
    module = SplitAttention(16, 16)
    module.load_state_dict({key.replace("_", ".", 1): value for key, value in tensors.items()})
    return module.eval(), x, out, weights[..., 0, 0]


@torch.inference_mode()
def test_it_gives_what_timm_gives():
    module, x, out, weights = recorded()
    mine, used = module(x)
    torch.testing.assert_close(mine, out, atol=2e-6, rtol=0)
    torch.testing.assert_close(used, weights, atol=2e-6, rtol=0)
    inside = module.inside(x)
    assert torch.equal(inside.out, mine)
    torch.testing.assert_close(inside.scores.softmax(1), used)
    assert torch.equal(inside.own, used)
    torch.testing.assert_close(inside.pooled, inside.splits.sum(1).mean((2, 3)))


@pytest.mark.parametrize(("radix", "groups"), [(1, 1), (1, 4), (2, 1), (2, 2), (3, 2), (4, 2), (2, 4)])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@torch.inference_mode()
def test_it_is_the_papers_cardinality_major_form(radix, groups, kernel):
    module = randomized(SplitAttention(24, 48, kernel, radix, groups), radix + groups)
    x = torch.randn(3, 24, 7, 5)
    out, weights = reference.split_attention(x, module.state_dict(), radix, groups)
    mine, used = module(x)
    torch.testing.assert_close(mine, out, atol=1e-5, rtol=0)
    torch.testing.assert_close(used, weights, atol=1e-6, rtol=0)
    if radix > 1:
        torch.testing.assert_close(used.sum(1), torch.ones(3, 48), atol=1e-6, rtol=0)


@torch.inference_mode()
def test_radix_1_is_squeeze_and_excitation():
    module = randomized(SplitAttention(16, 16, radix=1))
    x = torch.randn(2, 16, 9, 6)
    features = F.relu(module.bn0(module.conv(x)))
    squeezed = features.mean((2, 3))
    hidden = F.relu(module.bn1((squeezed @ module.fc1.weight[..., 0, 0].T + module.fc1.bias)[..., None, None]))
    gate = torch.sigmoid(hidden[..., 0, 0] @ module.fc2.weight[..., 0, 0].T + module.fc2.bias)  # (Hu 2018, 3)
    out, weights = module(x)
    torch.testing.assert_close(out, features * gate[..., None, None], atol=1e-6, rtol=0)
    assert weights.shape == (2, 1, 16)


@torch.inference_mode()
def test_radix_0_is_the_plain_convolution():
    module = randomized(SplitAttention(16, 24, radix=0, groups=2))
    x = torch.randn(2, 16, 9, 6)
    out, weights = module(x)
    assert torch.equal(out, F.relu(module.bn0(F.conv2d(x, module.conv.weight, padding=1, groups=2))))
    assert weights.shape == (2, 0, 24)
    assert sorted({key.split(".")[0] for key in module.state_dict()}) == ["bn0", "conv"]


@torch.inference_mode()
def test_equal_weights_are_the_mean_of_plain_convolutions():
    module = randomized(SplitAttention(16, 24, radix=2, groups=2))
    x = torch.randn(2, 16, 9, 6)
    plain = F.relu(module.bn0(F.conv2d(x, module.conv.weight, padding=1, groups=4)))
    out, _ = module(x, plan([Equal(0)], 2)[0])
    torch.testing.assert_close(out, (plain[:, :24] + plain[:, 24:]) / 2, atol=1e-6, rtol=0)


def test_the_softmax_turns_the_groups_order_round():
    scores = torch.arange(12.0)[None]  # two groups of two splits of three channels
    found = radix_softmax(scores, 2, 2).view(2, 6)
    for channel in range(6):
        group, place = divmod(channel, 3)
        pair = torch.stack([scores[0, group * 6 + place], scores[0, group * 6 + 3 + place]])
        torch.testing.assert_close(found[:, channel], pair.softmax(0))
    assert torch.equal(radix_softmax(scores[..., None, None], 1, 2), scores.sigmoid())
    for radix, groups in ((0, 1), (2, 0), (5, 1), (4, 2)):
        with pytest.raises(ValueError, match="12 scores don't divide"):
            radix_softmax(scores, radix, groups)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"radix": -1}, "too small"),
        ({"groups": 0}, "too small"),
        ({"kernel_size": 2}, "kernel_size 2 is not odd"),
        ({"radix": 3}, "16 channels don't divide into 1 groups of 3 splits"),
        ({"groups": 4, "out": 18}, "18 channels don't divide into 4 groups"),
    ],
)
def test_what_does_not_divide_is_named(asked, said):
    with pytest.raises(ValueError, match=said):
        SplitAttention(**({"channels": 16, "out": 16} | asked))


# -- the net
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (9, 20)])
@torch.inference_mode()
def test_the_net_is_the_references(net, size):
    x = pixels(*size)
    logits, weights = reference.whole(x, net.state_dict(), net.config)
    trace = net.trace(x)
    torch.testing.assert_close(trace.logits, logits, atol=1e-4, rtol=0)
    assert torch.equal(net(x), trace.logits)
    assert len(trace.weights) == net.config.blocks == len(trace.hidden) - 1
    for block, (mine, theirs) in enumerate(zip(trace.weights, weights, strict=True)):
        assert mine.shape == (2, net.config.radix, net.config.channels_of(block))
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_what_is_changed_is_an_independent_forward(net):
    x, radix = pixels(), net.config.radix
    plain = net.trace(x)
    channel = 3
    held = plain.weights[2].clone()
    last = min(1, radix - 1)
    held[:, last, channel] = 0.9
    if radix > 1:
        others = [r for r in range(radix) if r != last]
        rest = plain.weights[2][:, others, channel]
        held[:, others, channel] = 0.1 * rest / rest.sum(1, keepdim=True)
    all_to_first = torch.zeros_like(plain.weights[0])
    all_to_first[:, 0] = 1
    cases = {
        "hand, one channel": ([Held(2, 0.9, last, channel)], {2: held}),
        "hand, all": ([Held(0, 1.0)], {0: all_to_first}),
        "equal": ([Equal(1)], {1: torch.full_like(plain.weights[1], 1 / radix)}),
    }
    if radix > 1:
        cases["swapped"] = ([Swapped(2)], {2: plain.weights[2].flip(1)})
    for name, (interventions, given) in cases.items():
        logits, weights = reference.whole(x, net.state_dict(), net.config, given)
        trace = net.trace(x, interventions)
        torch.testing.assert_close(trace.logits, logits, atol=1e-5, rtol=1e-5, msg=name)
        assert not torch.equal(trace.logits, plain.logits), name
        for mine, theirs in zip(trace.weights, weights, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=0, msg=name)
            if radix > 1:
                torch.testing.assert_close(mine.sum(1), torch.ones_like(mine[:, 0]), atol=1e-6, rtol=0)


@torch.inference_mode()
def test_nothing_changed_is_bit_for_bit_the_model(net):
    x = pixels()
    plain = net.trace(x)
    for nothing in ([], [Swapped(1), Swapped(1)]):
        trace = net.trace(x, nothing)
        assert torch.equal(trace.logits, plain.logits)
    assert plan([Swapped(0)], 1) == {} == plan([Equal(0)], 0)


def test_a_weight_by_hand_where_the_others_are_zero():
    one = plan([Held(0, 0.25, 0)], 3)[0]
    weights = torch.tensor([[[1.0], [0.0], [0.0]]])
    torch.testing.assert_close(one.applied(weights), torch.tensor([[[0.25], [0.375], [0.375]]]))
    assert torch.equal(weights, torch.tensor([[[1.0], [0.0], [0.0]]]))  # the model's own stay


def test_a_channels_own_hand_goes_before_that_of_all():
    change = plan([Held(0, 0.8, 0, 1), Held(0, 0.3)], 2)[0]
    torch.testing.assert_close(change.applied(torch.full((1, 2, 2), 0.5))[0, 0], torch.tensor([0.3, 0.8]))


# -- weights of others
def saved(net, folder, architecture="resnest14d", **config):
    folder.mkdir(exist_ok=True)
    tensors = {key: value.contiguous() for key, value in net.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    about = {"input_size": [3, 32, 32], "crop_pct": 0.875, "interpolation": "bilinear"}
    told = {"architecture": architecture, "num_classes": 5, "pretrained_cfg": about} | config
    (folder / "config.json").write_text(json.dumps(told))
    return str(folder)


@torch.inference_mode()
def test_a_folder_of_timm_is_read(net, tmp_path):
    if net.config.stem_pool:
        name = "resnest50d_4s2x40d" if net.config.pool_first else "resnest14d"
        found = load_checkpoint(saved(net, tmp_path / "model", name))
        for one in ("radix", "groups", "base_width", "depths", "width", "stem", "pool_first", "classes"):
            assert getattr(found.config, one) == getattr(net.config, one), one
        x = pixels(33, 47)
        assert torch.equal(found(x), net(x))
        found.to("cpu", torch.float64)  # nothing is left without memory
        assert found.preprocess(np.zeros((80, 100, 3), np.uint8)).shape == (1, 3, 32, 32)
        assert found.config.processor.first == 36


def test_the_five_of_the_hub_are_listed():
    names = [model.name for model in MODELS]
    assert names == [
        "timm/resnest14d.gluon_in1k", "timm/resnest26d.gluon_in1k", "timm/resnest50d.in1k",
        "timm/resnest50d_1s4x24d.in1k", "timm/resnest50d_4s2x40d.in1k",
    ]  # fmt: skip
    for name in names:
        assert catalog.describe(name).topic == "resnest"


def test_what_is_not_read_is_said(tmp_path):
    net = randomized(ResNeSt(NETS["radix 2"]))
    good = dict(net.state_dict())

    def refused(tensors, said, **config):
        folder = tmp_path / "model"
        saved(net, folder, **config)
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "model.safetensors")
        with pytest.raises(LabError, match=said):
            load_checkpoint(str(folder))

    refused(good, "a timm model", architecture="resnet50d")
    refused({"layer1.0.conv2.weight": torch.zeros(8, 8, 3, 3), **good}, "no split attention")
    refused({key: good[key] for key in good if key != "layer1.0.conv3.weight"}, "don't say which ResNeSt")
    refused({key: good[key] for key in good if key != "layer2.1.bn3.bias"}, "missing")
    refused({**good, "layer1.0.conv2.extra": torch.zeros(2)}, "unknown")
    refused({**good, "fc.weight": torch.full_like(good["fc.weight"], torch.nan)}, "not finite")
    refused(good, "num_classes", num_classes=7)
    folder = tmp_path / "pickle"
    saved(net, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(LabError, match="safetensors"):
        load_checkpoint(str(folder))


# -- for other topics
def test_its_features_are_learned_on_and_its_layers_looked_into(one_thread):
    from engines.resnest.backbone import ResNeStBackbone

    net = randomized(ResNeSt(NETS["radix 2"]))
    x = pixels(16, 16)
    hidden = net.trace(x).hidden
    backbone = ResNeStBackbone(net).eval()
    assert torch.equal(backbone(x), hidden[-1].mean((2, 3)))
    assert backbone.width == backbone(x).shape[1] == 128
    for mine, theirs in zip(backbone.maps(x), hidden[1:], strict=True):
        assert torch.equal(mine, theirs)
    one, same, other = (backbone.fresh(seed).eval()(x) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert backbone.sides == (16, 32)
    fresh = backbone.fresh(1).train()
    assert fresh(pixels(32, 32, 1)).requires_grad  # one picture has no variance where its map is pooled to one place
    assert fresh.net.bn1.training


def test_where_it_is_found():
    from engines.checkpoints import backbones

    assert "resnest" in backbones.topics()
    assert "resnest" in backbones.topics(backbones.LAYERS)
    assert backbones.load("mini-resnest").width == 256
