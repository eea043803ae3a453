"""Configurations that change pixels or the network, held to transformers: followed exactly, or refused by name.

24 of DETR's processor, 22 of each that ViT, DeiT, DINOv2 and Swin come with. Written with transformers 5.24; kinds from
the hub and its issues: sizes as max_height/max_width (transformers' own fine-tuning example), fixed height and width,
shortest = longest, cropped middles, filters, factors, means as one number or in 0..255, auxiliary_loss,
DetrForSegmentation, ids from 1 and with gaps, backbones with other strides.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    BitImageProcessorPil,
    DeiTImageProcessorPil,
    DetrConfig,
    DetrForObjectDetection,
    DetrForSegmentation,
    DetrImageProcessorPil,
    ResNetConfig,
    SwinConfig,
    SwinForImageClassification,
    ViTImageProcessorPil,
)

from engines.checkpoints.processor import KINDS as PROCESSOR_KINDS
from engines.checkpoints.processor import from_hub as one_picture
from engines.core.errors import LabError
from engines.detr import load_checkpoint
from engines.detr.config import from_hub, labels_of
from engines.detr.preprocess import from_hub as detr_processor
from engines.swin import load_checkpoint as load_swin
from engines.vit import load_checkpoint as load_vit
from engines.vit.load import read_config
from tests.app.models import tiny_vit
from tests.engines.vit import reference

SIZES = ((50, 80), (90, 40), (64, 64), (31, 97))


def photo(height, width):
    small = np.random.default_rng(height).integers(0, 255, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


DETR_PROCESSORS = [
    {},
    {"size": {"shortest_edge": 40, "longest_edge": 70}},
    {"size": {"shortest_edge": 48, "longest_edge": 48}},
    {"size": {"height": 40, "width": 60}},
    {"size": {"height": 48, "width": 48}},
    {"size": {"max_height": 48, "max_width": 48}},
    {"size": {"max_height": 30, "max_width": 90}},
    {"size": 40, "max_size": 70},
    {"size": 40},
    {"do_resize": False},
    {"do_rescale": False},
    {"do_normalize": False},
    {"do_rescale": False, "do_normalize": False},
    {"rescale_factor": 1 / 127.5},
    {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]},
    {"image_mean": 0.5, "image_std": 0.25},
    {"image_mean": [123.7, 116.3, 103.5], "image_std": [58.4, 57.1, 57.4], "do_rescale": False},
    {"image_mean": [123.7, 116.3, 103.5]},
    *({"resample": number} for number in range(6)),
    {"do_pad": False},
    {"pad_size": None, "format": "coco_detection", "do_convert_annotations": True},
]


@pytest.mark.parametrize("number", range(len(DETR_PROCESSORS)))
def test_pixels_of_a_detr_are_those_of_its_processor(tmp_path, number):
    said = {"size": {"shortest_edge": 40, "longest_edge": 70}, "do_pad": False, **DETR_PROCESSORS[number]}
    theirs = DetrImageProcessorPil(**said)
    theirs.do_pad = False
    mine = detr_processor(said, "x")
    for size in SIZES:
        rgb = photo(*size)
        expected = theirs(images=Image.fromarray(rgb), return_tensors="pt")["pixel_values"]
        found = mine(rgb)
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=2e-6)
    saved = json.loads(theirs.to_json_string())
    assert detr_processor(saved, "x") == mine  # as save_pretrained writes it


#: each written over {"size": 32 × 32, "image_mean": …, "image_std": …}
ONE_PICTURE = [
    {},
    {"resample": 0},
    {"resample": 1},
    {"resample": 3},
    {"do_rescale": False},
    {"do_normalize": False},
    {"do_rescale": False, "do_normalize": False},
    {"rescale_factor": 1 / 127.5},
    {"image_mean": 0.5, "image_std": 0.5},
    {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.1, 0.2, 0.3]},
    {"image_mean": [123.7, 116.3, 103.5], "image_std": [58.4, 57.1, 57.4], "do_rescale": False},
    {"do_resize": False, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
    {"size": {"height": 36, "width": 36}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
    {"size": {"shortest_edge": 36}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
    {"size": {"shortest_edge": 37}, "do_center_crop": True, "crop_size": 32},
    {"size": {"shortest_edge": 24}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
    {"size": {"shortest_edge": 36}, "do_center_crop": True, "crop_size": {"height": 40, "width": 24}},
    {"size": {"shortest_edge": 36, "longest_edge": 44}, "do_center_crop": True, "crop_size": 32},
    {"size": {"max_height": 40, "max_width": 48}, "do_center_crop": True, "crop_size": 32},
    {"size": 32},
    {"size": [32, 32]},
    {"do_center_crop": False, "crop_size": {"height": 8, "width": 8}},
]
PROCESSORS = {
    "vit": ViTImageProcessorPil,
    "deit": DeiTImageProcessorPil,
    "dinov2": BitImageProcessorPil,
    "swin": ViTImageProcessorPil,
}
KINDS = {
    "vit": "ViTForImageClassification",
    "deit": "DeiTForImageClassification",
    "dinov2": "Dinov2ForImageClassification",
}
SMALL = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 3, "intermediate_size": 48, "image_size": 32,
         "patch_size": 8}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A tiny random model of each family, theirs and its folder."""
    made = {}
    for family, kind in KINDS.items():
        place = tmp_path_factory.mktemp(family)
        made[family] = reference.make(kind, place, image_size=32, patch_size=8), place
    place = tmp_path_factory.mktemp("swin")
    torch.manual_seed(0)
    sizes = {
        "image_size": 32,
        "patch_size": 4,
        "embed_dim": 12,
        "depths": [1, 1],
        "num_heads": [2, 3],
        "window_size": 4,
    }
    swin = SwinForImageClassification(SwinConfig(**sizes, num_labels=5)).eval()
    swin.save_pretrained(place)
    made["swin"] = swin, place
    return made


def load_one(family, place):
    return (load_swin if family == "swin" else load_vit)(str(place))


def interpolated(family, theirs, pixels):
    """Logits of theirs, at whatever size."""
    more = {} if family == "dinov2" or pixels.shape[2:] == (32, 32) else {"interpolate_pos_encoding": True}
    with torch.no_grad():
        return theirs(pixels, **more).logits


@pytest.mark.parametrize("family", list(PROCESSORS))
@pytest.mark.parametrize("number", range(len(ONE_PICTURE)))
def test_what_a_processor_says_is_what_the_model_gets(models, family, number):
    theirs, place = models[family]
    said = {"size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    processor = PROCESSORS[family](**said | ONE_PICTURE[number])
    for written in (
        said | ONE_PICTURE[number],
        json.loads(processor.to_json_string()),
    ):  # by hand, and as it saves itself
        (place / "preprocessor_config.json").write_text(json.dumps(written))
        ours = load_one(family, place)
        for size in SIZES:
            rgb = photo(*size)
            expected = processor(images=Image.fromarray(rgb), return_tensors="pt")["pixel_values"].float()
            found = ours.preprocess(rgb)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=2e-6)
    if family == "swin" and found.shape[2:] != (32, 32):
        return  # theirs keeps the smaller window that such a picture needs for all pictures after it
    with torch.no_grad():
        logits = ours(found)
    torch.testing.assert_close(logits, interpolated(family, theirs, expected), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", list(PROCESSORS))
def test_what_a_processor_does_not_say_is_its_own_default(models, family):
    theirs = PROCESSORS[family]()
    _, place = models[family]
    (place / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": theirs.__class__.__name__.removesuffix("Pil")})
    )
    rgb = photo(50, 80)
    expected = theirs(images=Image.fromarray(rgb), return_tensors="pt")["pixel_values"].float()
    torch.testing.assert_close(load_one(family, place).preprocess(rgb), expected, atol=1e-5, rtol=2e-6)


@pytest.mark.parametrize("said", [{"size": 7}, {"size": 16, "do_center_crop": True, "crop_size": 7}])
def test_a_picture_smaller_than_a_patch_is_refused_in_words(tmp_path, said):
    folder = tiny_vit(tmp_path / "small", layers=1, heads=2)
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    net, photo = load_vit(str(folder)), np.zeros((20, 30, 3), np.uint8)
    with pytest.raises(LabError, match=r"at 7 × 7 pixels\. It needs 8 a side"):
        net.preprocess(photo)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": 8}))
    net = load_vit(str(folder))
    assert torch.isfinite(net(net.preprocess(photo))).all()


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"pad_size": {"height": 64, "width": 64}}, "pad_size"),
        ({"size": {"longest_edge": 40}}, "size"),
        ({"size": {"height": 40}}, "size"),
        ({"size": "big"}, "size"),
        ({"do_center_crop": True, "crop_size": {"shortest_edge": 40}}, "crop_size"),
        ({"resample": 17}, "resample"),
        ({"image_std": [0.2, 0, 0.2]}, "image_std"),
        ({"do_something_new": True}, "do_something_new"),
        ({"image_processor_type": "ConvNextImageProcessor"}, "image_processor_type"),
    ],
)
@pytest.mark.parametrize("usual", PROCESSOR_KINDS)
def test_what_is_not_done_for_one_picture_is_refused_by_name(usual, said, key):
    with pytest.raises(LabError, match=f"x: {key} in preprocessor_config.json is"):
        one_picture(said, usual, "x")


def test_a_strip_that_would_be_stretched_beyond_memory_is_refused():
    said = {"size": {"shortest_edge": 4000}, "do_center_crop": True, "crop_size": 224}
    with pytest.raises(LabError, match="The model would see this picture at 4000 × "):
        one_picture(said, "ViT", "x")(np.zeros((2, 4000, 3), np.uint8))


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"pad_size": {"height": 64, "width": 64}}, "pad_size"),
        ({"size_divisor": 32}, "size_divisor"),
        ({"size": {"shortest_edge": 40, "height": 40}}, "size"),
        ({"resample": 17}, "resample"),
        ({"image_std": [0.2, 0, 0.2]}, "image_std"),
        ({"image_std": 0}, "image_std"),
        ({"do_something_new": True}, "do_something_new"),
    ],
)
def test_what_a_processor_says_and_is_not_done_is_refused_by_name(said, key):
    with pytest.raises(LabError, match=f"x: {key} in preprocessor_config.json is"):
        detr_processor(said, "x")


BACKBONE = {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 1], "out_features": ["stage2"]}
TINY = {
    "use_timm_backbone": False, "backbone": None, "d_model": 32, "num_queries": 5, "num_labels": 4, "encoder_layers": 1,
    "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 40,
}  # fmt: skip


def model_of(kind=DetrForObjectDetection, backbone=BACKBONE, **more):
    torch.manual_seed(0)
    model = kind(DetrConfig(**TINY | more, backbone_config=ResNetConfig(**backbone))).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif "query_position" in name:
                tensor.normal_()
            elif tensor.is_floating_point():
                tensor.add_(torch.randn_like(tensor) * 0.1)
    return model


@pytest.mark.parametrize("more", [{}, {"auxiliary_loss": True}, {"auxiliary_loss": True, "decoder_layers": 3}])
def test_the_network_is_the_one_that_the_configuration_says(tmp_path, more):
    theirs = model_of(**more)
    theirs.save_pretrained(tmp_path)
    ours = load_checkpoint(tmp_path)
    pixels = torch.randn(1, 3, 64, 80)
    with torch.no_grad():
        expected, found, traced = theirs(pixels), ours(pixels), ours.trace(pixels)
    for mine in (found, traced):
        torch.testing.assert_close(mine.logits, expected.logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(mine.boxes, expected.pred_boxes, atol=1e-4, rtol=1e-4)


def test_a_model_that_also_draws_masks_is_read_as_its_detector(tmp_path):
    stages = [f"stage{n}" for n in range(1, 5)]
    backbone = BACKBONE | {"hidden_sizes": [16, 24, 32, 40], "depths": [1] * 4, "out_features": stages}
    theirs = model_of(DetrForSegmentation, backbone, d_model=64, encoder_attention_heads=8, decoder_attention_heads=8)
    theirs.save_pretrained(tmp_path)
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected, found = theirs.detr(pixels), load_checkpoint(tmp_path)(pixels)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({"0": "a", "1": "b", "2": "c", "3": "d"}, {0: "a", 1: "b", 2: "c", 3: "d"}),
        ({"1": "a", "2": "b", "3": "c"}, {1: "a", 2: "b", 3: "c"}),
        ({"0": "a", "2": "c"}, {0: "a", 2: "c"}),
        ({"0": "a", "1": "b", "90": "far"}, {0: "a", 1: "b"}),
        (None, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2", 3: "LABEL_3"}),
    ],
)
def test_the_head_says_how_many_classes_there_are_and_names_go_where_they_fit(tmp_path, names, labels):
    theirs = model_of()
    theirs.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"id2label": names, "num_labels": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    ours = load_checkpoint(tmp_path)
    assert ours.config.num_classes == 4
    assert dict(ours.labels) == labels == labels_of(config, "x", 4)


HUB = {"model_type": "detr", "id2label": {"0": "a"}}
RESNET = {"model_type": "resnet", **BACKBONE}
TIMM = {"model_type": "timm_backbone", "backbone": "resnet50"}


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"activation_function": "gelu"}, "activation_function"),
        ({"position_embedding_type": "learned"}, "position_embedding_type"),
        ({"dilation": True}, "dilation"),
        ({"num_channels": 4}, "num_channels"),
        ({"backbone_kwargs": {"output_stride": 16}}, "backbone_kwargs"),
        ({"backbone_config": RESNET | {"downsample_in_first_stage": True}}, "downsample_in_first_stage"),
        ({"backbone_config": RESNET | {"hidden_act": "gelu"}}, "hidden_act"),
        ({"backbone_config": TIMM | {"output_stride": 16}}, "output_stride"),
        ({"something_new": 3}, "something_new"),
        ({"backbone_config": RESNET | {"something_new": 3}}, "something_new"),
    ],
)
def test_what_a_configuration_says_and_is_not_computed_is_refused_by_name(said, key):
    with pytest.raises(LabError, match=f"x: {key} in config.json is"):
        from_hub(HUB | said, "x")


def test_what_says_nothing_is_let_in():
    plain = {"backbone_config": RESNET | {"downsample_in_first_stage": False}, "something_new": None, "dilation": False}
    assert from_hub(HUB | plain, "x").num_classes == 1
    old = {
        "backbone": "resnet50",
        "use_timm_backbone": True,
        "backbone_kwargs": {"out_indices": [1, 2, 3, 4], "in_chans": 3},
    }
    assert from_hub(HUB | old, "x").backbone.widths[-1] == 2048
    named = {"backbone": "microsoft/resnet-101", "use_timm_backbone": False}
    assert from_hub(HUB | named, "x").backbone.blocks == (3, 4, 23, 3)
    with pytest.raises(LabError, match="something_new"):
        read_config({"model_type": "vit", **SMALL, "something_new": 1}, {}, "x")


@pytest.mark.parametrize("kind", ["ViTForImageClassification", "DeiTForImageClassification"])
def test_a_vit_of_rectangles_is_the_one_that_was_trained(tmp_path, kind):
    theirs = reference.make(kind, tmp_path, image_size=(24, 56))
    ours = load_vit(str(tmp_path))
    assert ours.config.patches == (3, 7)
    pixels = torch.randn(2, 3, 24, 56)
    with torch.no_grad():
        torch.testing.assert_close(ours(pixels), theirs(pixels).logits, atol=1e-4, rtol=1e-4)
        assert ours(ours.preprocess(photo(50, 40))).shape == (1, 5)  # another shape: positions are interpolated
