"""A tiny ConvNeXt made by transformers and read in each naming: logits, maps, the field, and what is refused."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engines.checkpoints import backbones, catalog
from engines.core.errors import LabError
from engines.large_kernel import ConvNeXt, ConvNeXtConfig, load_checkpoint
from engines.large_kernel.backbone import ConvNeXtBackbone
from engines.large_kernel.load import read_processor
from engines.large_kernel.receptive_field import effective_receptive_field, theoretical_field

SIZES = {"hidden_sizes": [8, 12, 16], "depths": [1, 2, 1], "patch_size": 2, "image_size": 32, "num_labels": 5}


@pytest.fixture(scope="module")
def reference():
    """One of transformers' ConvNexts with random values everywhere, also where they start at 0, 1 or 1e-6."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.manual_seed(3)
        net = transformers.ConvNextForImageClassification(transformers.ConvNextConfig(**SIZES, num_stages=3)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0.3 if parameter.dim() == 1 else 0.0, 0.3)
    return net.requires_grad_(False)


def as_timm(tensors, by_convolution):
    """The same tensors as timm calls them; its smaller members hold the matrices of MLPs as convolutions."""
    made = {}
    for key, value in tensors.items():
        key = key.removeprefix("convnext.").replace("encoder.", "")
        for old, new in (
            ("embeddings.patch_embeddings", "stem.0"), ("embeddings.layernorm", "stem.1"), (".layers.", ".blocks."),
            ("downsampling_layer", "downsample"), ("dwconv", "conv_dw"), ("pwconv", "mlp.fc"),
            ("layer_scale_parameter", "gamma"), ("classifier", "head.fc"),
        ):  # fmt: skip
            key = key.replace(old, new)
        key = re.sub(r"^layernorm", "head.norm", key).replace("layernorm", "norm")
        matrix = by_convolution and "mlp" in key and key.endswith("weight")
        made[key] = value[:, :, None, None].contiguous() if matrix else value.contiguous()
    return made


def saved(net, folder, naming):
    folder.mkdir(exist_ok=True)
    if naming == "transformers":
        net.save_pretrained(folder)
        return str(folder)
    save_file(as_timm(net.state_dict(), naming == "timm, small"), folder / "model.safetensors")
    about = {"input_size": [3, 32, 32], "crop_pct": 0.875, "interpolation": "bicubic"}
    (folder / "config.json").write_text(json.dumps({"architecture": "convnext_tiny", "pretrained_cfg": about}))
    return str(folder)


def pixels(side=32, batch=2):
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(side))


@pytest.mark.parametrize("naming", ["transformers", "timm", "timm, small"])
def test_it_is_transformers_own_in_each_naming(reference, naming, tmp_path):
    ours = load_checkpoint(saved(reference, tmp_path / naming, naming))
    if naming != "transformers":
        reference.convnext.layernorm.eps = 1e-6  # as timm has it
    for side in (32, 24):
        with torch.no_grad():
            theirs = reference(pixels(side), output_hidden_states=True)
            maps = list(ours.maps(pixels(side)))
            torch.testing.assert_close(ours(pixels(side)), theirs.logits, atol=1e-4, rtol=0)
        for block, stage in ((0, 1), (2, 2), (3, 3)):
            torch.testing.assert_close(maps[block], theirs.hidden_states[stage], atol=1e-4, rtol=0)
    reference.convnext.layernorm.eps = 1e-12
    assert len(ours.labels) == 5
    assert ours.config.convolutions(4) == [(2, 2), (7, 1), (2, 2), (7, 1), (7, 1), (2, 2), (7, 1)]
    assert catalog.topic_of(str(tmp_path / naming)) == "large_kernel"


def test_a_folder_without_a_head_has_features_alone(reference, tmp_path):
    reference.convnext.save_pretrained(tmp_path)
    ours = load_checkpoint(str(tmp_path))
    assert ours(pixels()) is None
    with torch.no_grad():
        torch.testing.assert_close(
            ours.features(pixels()), reference.convnext(pixels()).pooler_output, atol=1e-4, rtol=0
        )


def test_its_field_is_exactly_0_beyond_what_its_kernels_reach(reference, tmp_path):
    source = saved(reference, tmp_path / "n", "transformers")
    backbone = backbones.load(source, backbones.LAYERS)
    assert isinstance(backbone, ConvNeXtBackbone)
    x = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    for block in (1, 3):

        def until(p, block=block):
            return list(backbone.maps(p))[block - 1]

        side = theoretical_field(*zip(*backbone.net.config.convolutions(block), strict=True))
        field = effective_receptive_field(until, x)
        rows = (field.sum(1) > 0).nonzero().flatten()
        assert int(rows[-1] - rows[0]) + 1 == side
        assert float(field.sum()) == pytest.approx(1, abs=1e-5)


def test_learning_on_its_features_starts_anew_by_seed():
    net = ConvNeXt(ConvNeXtConfig(32, 2, (4, 8), (1, 1), classes=3))
    backbone = ConvNeXtBackbone(net)
    assert backbone(pixels(16)).shape == (2, 8)
    one, same, other = (backbone.fresh(seed)(pixels(16)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.isin((4, 8, 32), backbone.sides).all()


def test_the_middle_is_cut_out_for_small_pictures_as_transformers_does(reference):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    rgb = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    for said in ({"size": 224, "crop_pct": 0.875}, {"size": {"shortest_edge": 224}}, {"size": {"shortest_edge": 384}}):
        theirs = transformers.ConvNextImageProcessorPil(**said)(rgb, return_tensors="pt")["pixel_values"]
        ours = read_processor({**said, "resample": 3}, "n")(rgb)
        assert ours.shape == theirs.shape
        assert float((ours - theirs).abs().max()) < 0.1


def test_a_picture_too_small_for_its_stages_is_refused_in_words(reference, tmp_path):
    source = saved(reference, tmp_path / "n", "transformers")
    (tmp_path / "n" / "preprocessor_config.json").write_text(json.dumps({"size": {"shortest_edge": 7}}))
    with pytest.raises(LabError, match=r"at 7 × 7 pixels\. It needs 8 a side"):
        load_checkpoint(source).preprocess(np.zeros((20, 30, 3), np.uint8))


def test_what_is_no_convnext_is_refused_in_words(tmp_path):
    def refused(config, match, tensors=None):
        save_file(tensors or {"a": torch.zeros(1)}, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(LabError) as caught:
            load_checkpoint(str(tmp_path))
        assert match in caught.value.args[0] or match in str(caught.value)

    refused({"model_type": "convnextv2"}, "ConvNeXt V2")
    refused({"architecture": "convnextv2_atto"}, "ConvNeXt V2")
    refused({"architecture": "vit_base_patch16_224"}, "a timm model")
    refused({"model_type": "vit"}, "of the family")
    refused({"model_type": "convnext", "depths": [300]}, "must be between")
    refused({"model_type": "convnext", "depths": [2, 2]}, "contradicts itself")
    refused({"model_type": "convnext", "hidden_act": "relu"}, "the activation")
    refused({"model_type": "convnext", "use_grn": True}, "may change what")
    refused({"model_type": "convnext", "patch_size": 8}, "says",
            {"convnext.embeddings.patch_embeddings.weight": torch.zeros(96, 3, 4, 4)})  # fmt: skip
    refused({"architecture": "convnext_tiny"}, "which ConvNeXt they are of")
    refused({"model_type": "convnext"}, "another model")
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(LabError, match="It is a pickle"):
        load_checkpoint(str(tmp_path))
    assert {catalog.topic_of("timm/convnext_atto.d2_in1k"), catalog.topic_of("facebook/convnext-tiny-224")} == {
        "large_kernel"
    }
