"""The model beside transformers' own, beside loops by hand, and with what a person changes in it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.swin import SwinBlock, SwinConfig, attention_mask, load_checkpoint
from engines.swin.interventions import BiasMoved, BiasScaled, HeadsOff, KeysRemoved, MaskOff, Temperature
from engines.swin.layouts import AS_TRANSFORMERS, layout, relative_position_index
from engines.swin.model import Swin
from tests.engines.swin import reference

CONFIG = SwinConfig(
    image_size=32, patch_size=2, width=12, depths=(2, 2, 1), heads=(2, 3, 4), window=4, classes=5,
    labels={i: str(i) for i in range(5)},
)  # fmt: skip


def random_net(seed=0) -> Swin:
    torch.manual_seed(seed)
    net = Swin(CONFIG).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.normal_(0.3 if parameter.dim() == 1 else 0.0, 0.3)
    return net


@pytest.fixture(scope="module")
def net() -> Swin:
    return random_net()


def pixels(height=32, width=32, batch=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("naming", reference.NAMINGS)
def test_each_naming_gives_what_transformers_gives(naming, tmp_path):
    theirs = reference.make()
    reference.save(theirs, tmp_path / "model", naming)
    ours = load_checkpoint(str(tmp_path / "model"))
    x = pixels(batch=2)
    logits, weights = reference.run(theirs, x)
    with torch.inference_mode():
        trace = ours.trace(x)
        assert torch.equal(ours(x), trace.logits)
    torch.testing.assert_close(trace.logits, logits, atol=1e-4, rtol=0)
    assert len(weights) == len(trace.attention) == 5
    for mine, yours in zip(trace.attention, weights, strict=True):
        torch.testing.assert_close(mine.flatten(0, 1), yours, atol=1e-4, rtol=0)


def test_a_folder_of_timm_shows_the_middle_that_it_says(tmp_path):
    """As timm does: the shorter side gets floor(size / crop_pct) pixels, and the middle is what the model sees."""
    reference.save(reference.make(), tmp_path, "timm")
    config = json.loads((tmp_path / "config.json").read_text())
    config["pretrained_cfg"] |= {"crop_pct": 0.9, "mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    rgb = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    small = Image.fromarray(rgb).resize((52, 35), Image.Resampling.BICUBIC)
    middle = np.asarray(small, np.float32)[1:33, 10:42]
    wanted = torch.from_numpy((middle / 255 - 0.5) / 0.25).permute(2, 0, 1)[None]
    torch.testing.assert_close(load_checkpoint(str(tmp_path)).preprocess(rgb), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("second", [2, 8])
def test_stages_with_windows_of_their_own_as_swin_s3_has_them(second, tmp_path):
    """Windows of 4, of ``second``, of 4 tokens: on 8 × 8 tokens a window of 8 is not shifted, one of 2 is."""
    theirs, other = reference.make(), reference.make(window_size=second)
    theirs.swin.encoder.layers[1] = other.swin.encoder.layers[1]
    reference.save(theirs, tmp_path, "timm")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"architecture": "swin_s3_tiny_224"}))
    ours = load_checkpoint(str(tmp_path))
    assert ours.config.windows == (4, second, 4)
    logits, weights = reference.run(theirs, pixels())
    trace = ours.trace(pixels())
    torch.testing.assert_close(trace.logits, logits, atol=1e-4, rtol=0)
    for mine, yours in zip(trace.attention, weights, strict=True):
        torch.testing.assert_close(mine[0], yours, atol=1e-4, rtol=0)
    last = (2 * second - 1) ** 2 - 1  # the other tables have fewer rows, or more
    moved = ours.trace(pixels(), interventions=(BiasMoved(2, 1, ((last, 3.0),)),))
    assert torch.equal(moved.attention[1], trace.attention[1])
    assert not torch.equal(moved.attention[2], trace.attention[2])


@pytest.mark.parametrize("size", [(34, 50), (36, 28), (62, 44), (33, 41)])
def test_sizes_that_windows_do_not_divide_as_transformers_has_them(size, tmp_path):
    theirs = reference.make()  # a new one each time: a small picture changes it for good
    reference.save(theirs, tmp_path, "hub")
    logits, weights = reference.run(theirs, pixels(*size))
    trace = load_checkpoint(str(tmp_path)).trace(pixels(*size), padding=AS_TRANSFORMERS)
    torch.testing.assert_close(trace.logits, logits, atol=1e-4, rtol=0)
    for mine, yours in zip(trace.attention, weights, strict=True):
        torch.testing.assert_close(mine[0], yours, atol=1e-4, rtol=0)


def test_a_block_is_what_a_loop_over_its_windows_makes(net):
    torch.manual_seed(2)
    block, x = net.block(1), torch.randn(1, 64, 12)
    out, weights = block(x, (8, 8))
    h = block.norm1(x)[0]
    q, k, v = (linear(h).view(64, 2, 6) for linear in (block.q_proj, block.k_proj, block.v_proj))
    expected = torch.zeros(64, 2, 6)
    for token in range(64):
        row, col = divmod(token, 8)
        home = ((row - 2) % 8 // 4, (col - 2) % 8 // 4)
        # neighbors on the picture that the shifted window holds, without what the roll wraps around
        mates = [
            (r, c) for r in range(8) for c in range(8)
            if ((r - 2) % 8 // 4, (c - 2) % 8 // 4) == home and abs(r - row) < 4 and abs(c - col) < 4
        ]  # fmt: skip
        for head in range(2):
            table = block.relative_position_bias_table[:, head].view(7, 7)
            scores = torch.stack([
                q[token, head] @ k[8 * r + c, head] / 6**0.5 + table[row - r + 3, col - c + 3] for r, c in mates
            ])  # fmt: skip
            shares = scores.softmax(0)
            expected[token, head] = sum(s * v[8 * r + c, head] for s, (r, c) in zip(shares, mates, strict=True))
    y = x + block.out_proj(expected.flatten(1))[None]
    torch.testing.assert_close(
        out, y + block.fc2(torch.nn.functional.gelu(block.fc1(block.norm2(y)))), atol=1e-5, rtol=0
    )
    assert weights.shape == (4, 2, 16, 16)


def test_nothing_reaches_over_a_border_even_with_a_score_200_ahead():
    torch.manual_seed(0)
    block = SwinBlock(8, 2, 4, shift=2).requires_grad_(False)
    block.relative_position_bias_table.zero_()
    far = torch.tensor([max(abs(d // 7 - 3), abs(d % 7 - 3)) >= 2 for d in range(49)])
    block.relative_position_bias_table[far] = 200.0
    _, weights = block(torch.randn(1, 64, 8), (8, 8))
    off = ~attention_mask(8, 8, 4, 2)
    assert off.any()
    assert (weights[off[:, None].expand_as(weights)] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 2, 16), atol=1e-6, rtol=0)


def test_un_rolled_weights_are_exactly_0_outside_of_windows_and_regions(net):
    trace = net.trace(pixels(40, 26))
    for index, cut in enumerate(trace.layouts):
        found = trace.on_grid(index)
        together = torch.zeros(cut.tokens + 1, cut.tokens + 1, dtype=torch.bool)
        may = torch.ones(1, 1, 1, dtype=torch.bool) if cut.may_attend is None else cut.may_attend
        together[cut.place[:, :, None], cut.place[:, None, :]] = may.expand(cut.windows, 16, 16)
        assert (found[0, :, ~together[:-1, :-1]] == 0).all()
        torch.testing.assert_close(found.sum(-1), torch.ones(found.shape[:-1]), atol=1e-5, rtol=0)


def test_padding_gets_nothing_by_default_and_something_as_transformers_has_it(net):
    masked, open_ = net.trace(pixels(18, 18)), net.trace(pixels(18, 18), padding=AS_TRANSFORMERS)
    cut = masked.layouts[0]
    padding = (cut.place == cut.tokens)[:, None, None].expand(cut.windows, 2, 16, 16)
    assert (masked.attention[0][0][padding] == 0).all()
    assert (open_.attention[0][0][padding] > 0).all()


def test_a_picture_smaller_than_a_window_works_and_leaves_the_model_as_it_was(net):
    before = net(pixels())
    for size in ((4, 4), (2, 6), (6, 40)):
        assert net(pixels(*size)).isfinite().all()
    assert torch.equal(net(pixels()), before)


def test_nothing_changed_is_the_same_bit_for_bit(net):
    none = (Temperature(0, 1.0), HeadsOff(1, ()), KeysRemoved(2, ()), BiasScaled(3, 1.0), BiasMoved(0, 1, ((3, 0.0),)))
    plain, same = net.trace(pixels()), net.trace(pixels(), interventions=none)
    assert torch.equal(plain.logits, same.logits)
    assert all(torch.equal(a, b) for a, b in zip(plain.attention, same.attention, strict=True))
    with torch.enable_grad():
        torch.testing.assert_close(net(pixels()), plain.logits, atol=1e-5, rtol=0)  # the way that gradients take


def test_changes_do_what_they_say(net):
    def changed(seed_of, *entries):
        other = random_net()
        with torch.no_grad():
            seed_of(other)
        torch.testing.assert_close(
            net.trace(pixels(), interventions=entries).logits, other(pixels()), atol=1e-5, rtol=0
        )

    def table(one, block):
        return one.block(block).relative_position_bias_table

    changed(lambda o: o.block(2).out_proj.weight[:, 8:16].zero_(), HeadsOff(2, (1,)))
    changed(lambda o: table(o, 1).zero_(), BiasScaled(1, 0.0))
    changed(lambda o: table(o, 1)[:, 0].mul_(2), BiasScaled(1, 2.0, (0,)))
    changed(lambda o: table(o, 3)[5, 2].add_(1.5), BiasMoved(3, 2, ((5, 1.0), (5, 0.5))))
    changed(lambda o: [o.block(4).q_proj.weight.div_(3), o.block(4).q_proj.bias.div_(3), table(o, 4).div_(3)],
            Temperature(4, 3.0))  # fmt: skip

    removed = net.trace(pixels(), interventions=(KeysRemoved(0, (17, 18)),))
    found = removed.on_grid(0)
    assert (found[..., [17, 18]] == 0).all()
    torch.testing.assert_close(found.sum(-1), torch.ones(1, 2, 256), atol=1e-5, rtol=0)
    gone = net.trace(pixels(), interventions=(KeysRemoved(0, tuple(range(256))),))
    assert (gone.attention[0] == 0).all()
    assert gone.logits.isfinite().all()

    torus = net.trace(pixels(), interventions=(MaskOff(1),)).on_grid(1)
    assert (torus[0, :, 0, 255] > 0).all()  # the first token's window goes on at the other end
    assert (net.trace(pixels()).on_grid(1)[0, :, 0, 255] == 0).all()


def test_masks_and_the_index_by_hand():
    may = attention_mask(4, 4, 2, 1)  # windows of 2 × 2 on 4 × 4, moved by 1
    assert may.shape == (4, 4, 4)
    assert may[0].all()  # the middle
    assert (may[3] == torch.eye(4, dtype=torch.bool)).all()  # four corners, put together by the roll
    assert may[1].tolist() == [[True, False] * 2, [False, True] * 2] * 2  # the right edge beside the left one
    index = relative_position_index(3)
    assert (index.diagonal() == 12).all()
    assert (int(index[0, 8]), int(index[8, 0]), int(index[0, 1]), int(index[0, 3])) == (0, 24, 11, 7)
    assert attention_mask(3, 9, 3, 1).all()  # one window high: no shift
    with pytest.raises(ValueError, match="no windows"):
        layout(4, 4, 2, 2)


def test_what_is_no_swin_is_refused_in_words(tmp_path):
    def refused(config, match, tensors=None):
        save_file(tensors or {"a": torch.zeros(1)}, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(LabError) as caught:
            load_checkpoint(str(tmp_path))
        assert match in caught.value.args[0] or match in str(caught.value)

    refused({"model_type": "swinv2"}, "Swin V2")
    refused({"architecture": "swinv2_tiny_window8_256"}, "Swin V2")
    refused({"architecture": "vit_base_patch16_224"}, "a timm model")
    refused({"model_type": "vit"}, "of the family")
    refused({"model_type": "swin", "use_absolute_embeddings": True}, "absolute position")
    refused({"model_type": "swin", "depths": [300]}, "must be between")
    refused({"model_type": "swin", "depths": [2, 2], "num_heads": [3]}, "contradicts itself")
    refused({"model_type": "swin", "window_size": 8}, "says", {"swin.encoder.layers.0.blocks.0.attention.self."
            "relative_position_bias_table": torch.zeros(49, 3)})  # fmt: skip
    refused({"architecture": "swin_tiny"}, "which Swin they are of")
    refused({"model_type": "swin"}, "another model")
    assert {catalog.topic_of("microsoft/swin-tiny-patch4-window7-224"), catalog.topic_of(str(tmp_path))} == {"swin"}
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "swinv2_tiny"}))
    assert catalog.topic_of(str(tmp_path)) == "swin"  # so that it is refused by its name


def test_learning_on_its_features_starts_anew_by_seed(net):
    from engines.swin.backbone import SwinBackbone

    backbone = SwinBackbone(random_net())
    assert backbone(pixels(16, 16)).shape == (1, 48)
    one, same, other = (backbone.fresh(seed)(pixels(16, 16)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.isin((8, 16, 32), backbone.sides).all()
