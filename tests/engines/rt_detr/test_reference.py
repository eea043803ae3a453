"""The project's RT-DETR against transformers', with random weights: logits, boxes, choice, weights, points, losses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import (
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrResNetConfig,
    RTDetrV2Config,
    RTDetrV2ForObjectDetection,
)
from transformers.loss.loss_rt_detr import RTDetrHungarianMatcher, RTDetrLoss
from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil
from transformers.models.rt_detr.modeling_rt_detr import get_contrastive_denoising_training_group

from engines.core.errors import LabError
from engines.rt_detr import HungarianMatcher, load_checkpoint, varifocal_loss
from engines.rt_detr.denoising import group_mask, noise
from engines.rt_detr.loss import Criterion
from engines.rt_detr.preprocess import from_hub

KINDS = {
    "basic": (RTDetrConfig, RTDetrForObjectDetection, {"layer_type": "basic"}, {"hidden_expansion": 0.5}),
    "bottleneck": (
        RTDetrConfig,
        RTDetrForObjectDetection,
        {"hidden_sizes": [32, 64, 96, 128]},
        {"encoder_hidden_dim": 48, "decoder_in_channels": [48] * 3, "encoder_in_channels": [64, 96, 128],
         "eval_size": 640},
    ),
    "second": (RTDetrV2Config, RTDetrV2ForObjectDetection, {"layer_type": "basic"}, {}),
}  # fmt: skip


def made(name, folder):
    """A small RT-DETR of transformers with random weights, its heads too: as it is made, all scores would tie."""
    config, kind, inner, outer = KINDS[name]
    torch.manual_seed(0)
    inner = {"hidden_sizes": [8, 16, 24, 32], **inner}
    backbone = RTDetrResNetConfig(embedding_size=8, depths=[1, 2, 1, 1], out_indices=[2, 3, 4], **inner)
    sizes = {
        "encoder_hidden_dim": 32, "d_model": 32, "decoder_in_channels": [32] * 3, "encoder_in_channels": [16, 24, 32],
        "num_queries": 12, "num_labels": 5, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
        "encoder_ffn_dim": 40, "decoder_ffn_dim": 48, "decoder_layers": 2, "decoder_n_points": 2, **outer,
    }  # fmt: skip
    model = kind(config(backbone_config=backbone, **sizes)).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):  # of a norm
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bias")):
                tensor.add_(torch.randn_like(tensor) * 0.2)
            elif tensor.dim() >= 2:
                torch.nn.init.xavier_normal_(tensor)
    model.save_pretrained(folder)
    return model, folder


@pytest.fixture(scope="module")
def basic(tmp_path_factory):
    return made("basic", tmp_path_factory.mktemp("basic"))


@pytest.fixture(scope="module", params=KINDS)
def reference(request, tmp_path_factory):
    return (
        request.getfixturevalue("basic")
        if request.param == "basic"
        else made(request.param, tmp_path_factory.mktemp(request.param))
    )


def noise_of(*shape):
    """Pixels (B, 3, H, W) that differ from place to place, so that no two locations say nearly the same."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(shape[2]))


def differ(ours, theirs):
    return float((ours - theirs).abs().max())


def test_the_spelling_of_transformers_itself_is_read_alike(basic, tmp_path):
    model, folder = basic
    save_file({key: value.clone() for key, value in model.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    one, other = load_checkpoint(folder).state_dict(), load_checkpoint(tmp_path).state_dict()
    assert "model.encoder.aifi.0.layers.0.self_attn.o_proj.weight" in model.state_dict()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_all_that_is_computed_agrees(reference):
    model, folder = reference
    ours = load_checkpoint(folder)
    for height, width in ((96, 160), (128, 64)):
        pixels = noise_of(2, 3, height, width)
        with torch.no_grad():
            model.set_attn_implementation("eager")
            expected = model(pixels, output_attentions=True)
            plain, trace = ours(pixels), ours.trace(pixels)
        assert expected.logits.std() > 0.1
        assert differ(trace.encoder_scores, expected.enc_outputs_class.max(-1).values) < 1e-4
        best = expected.enc_outputs_class.max(-1).values.topk(12, 1).indices
        assert torch.equal(trace.selected, best)
        for found in (plain, trace):
            assert differ(found.logits, expected.logits) < 1e-4
            assert differ(found.boxes, expected.pred_boxes) < 1e-4
        assert differ(trace.layer_logits.transpose(0, 1), expected.intermediate_logits) < 1e-4
        assert differ(trace.layer_boxes.transpose(0, 1), expected.intermediate_reference_points) < 1e-4
        assert differ(trace.encoder[0], expected.encoder_attentions[0]) < 1e-5
        for mine, theirs in zip(trace.sampling_weights, expected.cross_attentions, strict=True):
            assert differ(mine, theirs.flatten(3)) < 1e-5
        assert differ(trace.sampling_weights.sum(-1), torch.ones(())) < 1e-6
        assert trace.sampling_points.shape == (2, 2, 12, 4, 6, 2)


def test_the_points_that_are_told_are_those_that_were_looked_at(basic):
    model, folder = basic
    ours, pixels = load_checkpoint(folder), noise_of(1, 3, 64, 96)
    seen = {}
    attention = model.model.decoder.layers[1].encoder_attn
    hook = attention.register_forward_hook(
        lambda module, inputs, kwargs, output: seen.update(kwargs, output=output[0]), with_kwargs=True
    )
    with torch.no_grad():
        model(pixels)
        hook.remove()
        trace = ours.trace(pixels)
        values = attention.value_proj(seen["encoder_hidden_states"]).unflatten(-1, (4, -1))[0]  # (S, H, d)
        parts = values.split([rows * columns for rows, columns in trace.shapes])
        points = trace.sampling_points[1, 0].unflatten(2, (3, 2))  # (Q, H, L, P, 2)
        weights = trace.sampling_weights[1, 0].unflatten(2, (3, 2))
        total = 0
        for level, (part, (rows, columns)) in enumerate(zip(parts, trace.shapes, strict=True)):
            maps = part.permute(1, 2, 0).unflatten(-1, (rows, columns))  # (H, d, h, w)
            at = 2 * points[:, :, level].transpose(0, 1) - 1  # (H, Q, P, 2)
            sampled = F.grid_sample(maps, at, align_corners=False)  # (H, d, Q, P)
            total = total + (sampled * weights[:, :, level].transpose(0, 1)[:, None]).sum(-1)
        again = attention.output_proj(total.permute(2, 0, 1).flatten(1))
    assert differ(again, seen["output"][0]) < 1e-4


def write(folder, tmp_path, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "d_fine"}, "D-FINE"),
        ({"model_type": "rf_detr"}, "RF-DETR"),
        ({"normalize_before": True}, "normalize_before"),
        ({"learn_initial_query": True}, "learn_initial_query"),
        ({"decoder_layers": 3}, "decoder_layers"),
        ({"decoder_method": "discrete"}, "decoder_method"),
        ({"surprise": 1}, "surprise"),
        ({"decoder_attention_heads": 5}, "5 heads"),
    ],
)
def test_what_is_not_read_is_refused_by_name(basic, changes, said, tmp_path):
    with pytest.raises(LabError, match=said):
        load_checkpoint(write(basic[1], tmp_path, **changes))


def test_sizes_that_cannot_be_computed_are_refused_in_numbers(basic):
    ours = load_checkpoint(basic[1])
    with pytest.raises(LabError, match=r"100 × 128 pixels.*divide by 32"):
        ours(torch.rand(1, 3, 128, 100))
    ours.config = type(ours.config)(**{**vars(ours.config), "num_queries": 900})
    with pytest.raises(LabError, match="900 queries are to be chosen of 84"):
        ours(torch.rand(1, 3, 64, 64))


def test_preprocessing_agrees():
    rgb = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    theirs = RTDetrImageProcessorPil(size={"height": 64, "width": 96})
    expected = theirs(rgb, return_tensors="pt").pixel_values
    ours = from_hub({"size": {"height": 64, "width": 96}}, "x")(rgb)
    torch.testing.assert_close(ours, torch.as_tensor(expected), atol=5e-3, rtol=0)
    assert 0 <= ours.min() < ours.max() <= 1


def answers(seed=0, objects=(3, 0, 5)):
    """Predictions and objects at random."""
    draw = torch.Generator().manual_seed(seed)
    logits, boxes = torch.randn(3, 12, 5, generator=draw), torch.rand(3, 12, 4, generator=draw) * 0.5 + 0.1
    targets = [
        {
            "labels": torch.randint(0, 5, (n,), generator=draw),
            "boxes": torch.rand(n, 4, generator=draw) * 0.4 + 0.1,
        }
        for n in objects
    ]
    return logits, boxes, targets


def test_matches_and_losses_agree():
    logits, boxes, targets = answers()
    theirs = [{"class_labels": one["labels"], "boxes": one["boxes"]} for one in targets]
    config = RTDetrConfig(num_labels=5)
    ours = HungarianMatcher()(logits, boxes, targets)
    matched = RTDetrHungarianMatcher(config)({"logits": logits, "pred_boxes": boxes}, theirs)
    for mine, reference_ in zip(ours, matched, strict=True):
        assert [part.tolist() for part in mine] == [part.tolist() for part in reference_]
    expected = RTDetrLoss(config)({"logits": logits, "pred_boxes": boxes}, theirs)
    found = Criterion(HungarianMatcher()).compare(logits, boxes, targets, ours)
    wanted = torch.stack([expected["loss_vfl"], expected["loss_bbox"] / 5, expected["loss_giou"] / 2])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_pairs_without_a_finite_cost_are_taken_last():
    logits, boxes, targets = answers(objects=(3, 0, 11))
    boxes[2, 4] = torch.nan
    rows, _ = HungarianMatcher()(logits, boxes, targets)[2]
    assert 4 not in rows.tolist()
    assert len(rows) == 11


def test_the_varifocal_loss_asks_for_the_quality():
    logits = torch.zeros(2, 3)
    each = varifocal_loss(logits, torch.tensor([0]), torch.tensor([1]), torch.tensor([0.6]))
    other = 0.75 * 0.25 * np.log(2)
    assert each.tolist() == pytest.approx([0.6 * np.log(2) + 2 * other, 3 * other])


@pytest.mark.parametrize("most", [0, 1, 7, 30])  # more objects than good copies: one group all the same
def test_denoising_queries_lie_as_in_transformers(most):
    _, _, targets = answers(objects=(most, most // 2, 0))
    theirs = [{"class_labels": one["labels"], "boxes": one["boxes"]} for one in targets]
    embed = torch.nn.Embedding(6, 4)
    _, _, mask, about = get_contrastive_denoising_training_group(theirs, 5, 12, embed, 20)
    ours = noise(targets, 5, 12, 20)
    if not most:
        assert mask is None
        assert ours is None
        return
    assert torch.equal(ours.mask, mask == 0)
    assert ours.groups == about["dn_num_group"]
    for (rows, cols), expected in zip(ours.matches, about["dn_positive_idx"], strict=True):
        assert rows.tolist() == expected.tolist()
        assert cols.tolist() == list(range(len(cols) // ours.groups)) * ours.groups


def test_good_copies_move_by_half_a_side_and_bad_ones_by_more():
    targets = [{"labels": torch.tensor([2]), "boxes": torch.tensor([[0.5, 0.5, 0.2, 0.2]])}]
    found = noise(targets, 5, 3, 400, label_noise=0.5, generator=torch.Generator().manual_seed(0))
    box = found.boxes[0].sigmoid()
    corners = torch.cat([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1)
    moved = (corners - torch.tensor([0.4, 0.4, 0.6, 0.6])).abs() / 0.1  # in half sides
    assert moved[::2].max() <= 1.001
    bad = moved[1::2][(box[1::2, 2:] > 1e-3).all(1)]  # of others the corners have passed each other: no side is left
    assert len(bad) > 100
    assert bad.min() >= 0.999
    assert bad.max() <= 2.001
    assert 0.15 < (found.labels != 2).float().mean() < 0.25  # 25 % anew, of which a fifth is the same again
    assert found.mask.shape == (803, 803)
    assert torch.equal(group_mask(2, 400, 3), found.mask)
