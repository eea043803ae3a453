"""The project's DETR against transformers', with random weights: outputs and every attention map."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig
from transformers.models.detr.image_processing_pil_detr import DetrImageProcessorPil

from engines.blocks import resnet
from engines.blocks.backends import FLOAT32
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.protocol import Job
from engines.detr import Detr, load_checkpoint, stills
from engines.detr.config import from_hub
from engines.detr.engine import Engine
from engines.detr.keys import TABLES
from engines.detr.preprocess import Preprocess
from engines.detr.spec import Detections, DetrParams
from tests import closeness


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A small DETR of transformers with random weights and statistics, saved by it."""
    torch.manual_seed(0)
    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 32, 48, 64], depths=[2, 1, 3, 1], out_features=["stage4"]
    )
    config = DetrConfig(
        use_timm_backbone=False, backbone=None, backbone_config=backbone, d_model=32, num_queries=7, num_labels=5,
        encoder_layers=2, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=40,
    )  # fmt: skip
    model = DetrForObjectDetection(config).eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif "query_position" in name:
                tensor.normal_()
            elif tensor.dim() == 1:
                tensor.add_(torch.randn_like(tensor) * 0.1)
            elif tensor.dim() == 2:
                tensor.mul_(3)  # sharper attention, so that a mistake would show
    folder = tmp_path_factory.mktemp("detr")
    model.save_pretrained(folder)
    return model, folder


def as_timm(key):
    """The name that timm gives to a tensor of transformers' ResNet."""
    key = key.replace("embedder.embedder.convolution", "conv1").replace("embedder.embedder.normalization", "bn1")
    match = re.fullmatch(r"(.*)encoder\.stages\.(\d)\.layers\.(\d+)\.(.*)", key)
    if match is None:
        return key
    head, stage, block, rest = match.groups()
    rest = rest.replace("shortcut.convolution", "downsample.0").replace("shortcut.normalization", "downsample.1")
    for conv in range(3):
        rest = rest.replace(f"layer.{conv}.convolution", f"conv{conv + 1}")
        rest = rest.replace(f"layer.{conv}.normalization", f"bn{conv + 1}")
    return f"{head}layer{int(stage) + 1}.{block}.{rest}"


def variant(name, reference, tmp_path):
    """A copy of the checkpoint with its tensors named as one of the tables has them."""
    model, folder = reference
    tensors = dict(model.state_dict()) if name.startswith("transformers") else load_file(folder / "model.safetensors")
    if "of timm" in name:
        tensors = {as_timm(key): value for key, value in tensors.items()}
        tensors |= {
            re.sub("running_var$", "num_batches_tracked", key): torch.tensor(3)
            for key in tensors
            if key.endswith("running_var")
        }
    save_file({key: value.contiguous() for key, value in tensors.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    return tmp_path


def close(ours, theirs):
    closeness.close(ours, theirs, closeness.MANY)


@pytest.mark.parametrize("name", TABLES)
def test_outputs_and_every_map_agree_under_all_names(name, reference, tmp_path):
    model, ours = reference[0], load_checkpoint(variant(name, reference, tmp_path))
    pixels = torch.randn(2, 3, 100, 130)
    with torch.no_grad():
        expected = model(pixels, output_attentions=True)
        plain, trace = ours(pixels), ours.trace(pixels)
    assert expected.logits.std() > 0.1
    for found in (plain, trace):
        close(found.logits, expected.logits)
        close(found.boxes, expected.pred_boxes)
    for mine, theirs in (
        (trace.encoder, expected.encoder_attentions),
        (trace.decoder_self, expected.decoder_attentions),
        (trace.decoder_cross, expected.cross_attentions),
    ):
        assert len(mine) == len(theirs)
        for weights, reference_weights in zip(mine, theirs, strict=True):
            close(weights, reference_weights)
            close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert trace.layer_logits.shape == (3, 2, 7, 6)
    assert trace.layer_boxes.shape == (3, 2, 7, 4)
    close(trace.layer_boxes[-1], plain.boxes)


def test_a_padded_batch_agrees(reference):
    model, folder = reference
    ours = load_checkpoint(folder)
    pixels, mask = torch.randn(2, 3, 96, 160), torch.ones(2, 96, 160, dtype=torch.int64)
    mask[0, 70:], mask[1, :, 75:] = 0, 0
    with torch.no_grad():
        expected = model(pixels, pixel_mask=mask, output_attentions=True)
        plain, trace = ours(pixels, mask), ours.trace(pixels, pixel_mask=mask)
    close(plain.logits, expected.logits)
    close(plain.boxes, expected.pred_boxes)
    close(trace.logits, expected.logits)
    for weights, theirs in zip(trace.decoder_cross, expected.cross_attentions, strict=True):
        close(weights, theirs)


def test_auxiliary_outputs_are_the_heads_after_every_layer(reference):
    ours = load_checkpoint(reference[1])
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        states = reference[0](pixels, output_hidden_states=True).decoder_hidden_states
        trace = ours.trace(pixels)
        for layer, state in enumerate(states[1:]):  # the first is what goes into the decoder, the last is normed
            normed = state if layer == 2 else reference[0].model.decoder.layernorm(state)
            close(trace.layer_logits[layer], reference[0].class_labels_classifier(normed))


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (500, 500), (100, 1000), (1500, 200), (801, 800), (7, 900)])
def test_preprocessing_agrees(size):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    small = {"shortest_edge": 96, "longest_edge": 160}
    expected = DetrImageProcessorPil(size=small)(rgb, return_tensors="pt").pixel_values
    torch.testing.assert_close(Preprocess("edges", 96, 160)(rgb), torch.as_tensor(expected), atol=2e-2, rtol=0)
    from transformers.models.detr.image_processing_pil_detr import get_size_with_aspect_ratio

    assert Preprocess().size_for(*size) == get_size_with_aspect_ratio(size, 800, 1333)


def test_a_line_of_pixels_still_has_a_size():
    assert min(Preprocess().size_for(1, 9000)) == 1


def write(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "vit"}, "not a DETR"),
        ({"dilation": True}, "dilation"),
        ({"position_embedding_type": "learned"}, "learned"),
        ({"d_model": "wide"}, "d_model in config.json is wide, not an integer"),
        ({"d_model": 34}, "d_model 34 can't be split into 4 heads"),
        ({"d_model": 6, "encoder_attention_heads": 2, "decoder_attention_heads": 2}, "not a multiple of 4"),
        ({"d_model": 36}, "says 36 for d_model, the weights hold 32"),
        ({"encoder_attention_heads": 0}, "it must be between 1 and 256"),
        ({"encoder_layers": 10**9}, "encoder_layers in config.json is 1000000000"),
        ({"id2label": {"1000000000": "far"}}, "1000000000 in id2label is not a class index"),
        ({"id2label": {"-3": "below"}}, "-3 in id2label is not a class index"),
        ({"decoder_ffn_dim": -3}, "decoder_ffn_dim in config.json is -3"),
        ({"encoder_layers": None}, "encoder_layers in config.json is null, not an integer"),
        ({"encoder_layers": 2.5}, "encoder_layers in config.json is 2.5, not an integer"),
        ({"num_queries": 8}, "says 8 for num_queries, the weights hold 7"),
        ({"encoder_layers": 3}, "says 3 for encoder_layers, the weights hold 2"),
        ({"encoder_layers": 1}, "says 1 for encoder_layers, the weights hold 2"),
        ({"backbone_config": {"hidden_sizes": [3], "depths": [1]}}, "hidden_sizes in config.json is 3"),
        ({"backbone_config": {"hidden_sizes": [8], "depths": [10**6]}}, "depths in config.json is 1000000"),
        ({"backbone_config": {"hidden_sizes": [8] * 3, "depths": [90] * 3}}, "depths in config.json is 270"),
        ({"backbone_config": None, "backbone": "swin_tiny"}, "ResNet"),
        ({"backbone_config": {"model_type": "resnet", "layer_type": "basic"}}, "bottlenecks"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes, said, reference, tmp_path):
    folder = variant("hub, ResNet of transformers", reference, tmp_path)
    write(folder, **changes)
    with pytest.raises(LabError, match=said):
        load_checkpoint(folder)


def test_a_preprocessor_that_makes_no_sense_is_refused(reference, tmp_path):
    folder = variant("hub, ResNet of transformers", reference, tmp_path)
    good = {"size": 96, "max_size": 160, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}
    (folder / "preprocessor_config.json").write_text(json.dumps(good))
    model = load_checkpoint(folder)
    assert model.preprocess(np.full((96, 96, 3), 255, np.uint8)).mean().item() == pytest.approx(1)
    for bad in ({"size": "x"}, {"image_std": [0, 1, 1]}, {"image_mean": [1]}, {"size": {"shortest_edge": 10**9}}):
        (folder / "preprocessor_config.json").write_text(json.dumps(good | bad))
        with pytest.raises(LabError, match="preprocessor_config"):
            load_checkpoint(folder)


@pytest.mark.parametrize(("depth", "millions"), [("resnet50", 41.3), ("resnet101", 60.2)])
def test_the_published_models_have_their_size(depth, millions):
    hub = {"model_type": "detr", "backbone": depth, "id2label": {str(i): "thing" for i in range(91)}}
    with torch.device("meta"):
        model = Detr(from_hub(hub, "x"))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.3)
    assert model.class_head.out_features == 92


def test_the_fused_kernels_are_an_option_not_a_need(reference, monkeypatch):
    pixels = torch.randn(1, 3, 90, 70)
    fast, slow = (load_checkpoint(reference[1]) for _ in range(2))
    with torch.no_grad():
        found = fast(pixels)
        monkeypatch.setattr(resnet, "FUSED", False)
        close(slow(pixels).logits, found.logits)
    assert resnet.can_fuse(pixels, fast.backbone.conv1) is False


def test_a_still_holds_what_the_engine_says(reference):
    _, folder = reference
    picture = Picture("noise", np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    still = stills.Camera(str(folder), "cpu").take(picture)
    params = DetrParams(source=str(folder), picture=picture, compute=FLOAT32)
    job = Job(params, Engine, lambda _event: None, device="cpu")
    found = next(event for event in Engine().run(job) if isinstance(event, Detections))
    for name in ("boxes", "scores", "labels", "passes", "cross"):
        np.testing.assert_array_equal(still.arrays[name], getattr(found, name))
    assert len(still.marks) == found.passes.sum()
    assert still.settings["sha256"] == catalog.fingerprint(str(folder))
    assert still.maps[0].extent == found.extent


def test_the_toy_model_takes_no_photos():
    with pytest.raises(LabError, match="sees drawn scenes only"):
        stills.Camera("toy-detr", "cpu").take(Picture("gray", np.full((8, 8, 3), 99, np.uint8)))
