"""The ViT module against transformers, and against itself: what is shown is what was used."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from engines.core.errors import LabError
from engines.vit import load_checkpoint
from engines.vit.interventions import HeadsOff, KeysRemoved, Temperature, plan
from engines.vit.load import load_folder
from engines.vit.model import ViT, ViTConfig
from tests.closeness import FEW, MANY, close
from tests.engines.vit import reference

KINDS = [
    "ViTForImageClassification",
    "ViTModel",
    "DeiTForImageClassification",
    "DeiTForImageClassificationWithTeacher",
    "Dinov2Model",
    "Dinov2ForImageClassification",
]
SQUARE, WIDE = (40, 40), (32, 64)


def small(**changes) -> ViT:
    """A random ViT of this project."""
    torch.manual_seed(0)
    settings = {"image_size": 32, "patch_size": 8, "width": 24, "layers": 3, "heads": 3, "mlp_size": 48, "classes": 4}
    net = ViT(ViTConfig(**{**settings, **changes})).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.normal_(0, 0.3)
    return net


@pytest.mark.parametrize("size", [SQUARE, WIDE], ids=["own size", "interpolated"])
@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_every_map_equal_those_of_transformers(kind, size, tmp_path):
    theirs = reference.make(kind, tmp_path)
    ours = load_checkpoint(str(tmp_path))
    pixels = torch.randn(2, 3, *size)
    logits, maps, hidden = reference.run(theirs, pixels, size == WIDE and not kind.startswith("Dinov2"))
    with torch.inference_mode():
        trace = ours.trace(pixels)
        plain = ours(pixels)
    if logits is None:
        assert trace.logits is None
        assert plain is None
    else:
        close(trace.logits, logits, MANY)
        assert torch.equal(plain, trace.logits)
    assert sorted(trace.attention) == [0, 1, 2]
    for layer, expected in enumerate(maps):
        close(trace.attention[layer], expected, MANY)
        close(trace.cls_attention[:, layer], expected[:, :, 0], MANY)
    for mine, expected in zip(trace.hidden, hidden[: len(trace.hidden)], strict=False):
        if expected is not hidden[-1]:  # the last one of some versions is already normed
            close(mine, expected, MANY)


@pytest.mark.parametrize("kind", ["ViTForImageClassification", "DeiTForImageClassification", "Dinov2Model"])
def test_the_names_transformers_uses_in_memory_are_read_too(kind, tmp_path):
    theirs = reference.make(kind, tmp_path)
    from_disk = load_folder(tmp_path)
    save_file({key: value.clone() for key, value in theirs.state_dict().items()}, tmp_path / "model.safetensors")
    from_memory = load_folder(tmp_path)
    for key, value in from_disk.state_dict().items():
        assert torch.equal(from_memory.state_dict()[key], value), key


def test_without_biases_on_queries_keys_and_values(tmp_path):
    theirs = reference.make("ViTForImageClassification", tmp_path, qkv_bias=False)
    pixels = torch.randn(1, 3, *SQUARE)
    with torch.inference_mode():
        ours = load_checkpoint(str(tmp_path))(pixels)
    close(ours, reference.run(theirs, pixels, False)[0], MANY)


def test_weights_times_values_is_what_the_module_put_out():
    net = small()
    x = net.embed(torch.randn(2, 3, 32, 32))
    block = net.block(1)
    change = Temperature(1, 0.5, (2,))
    planned = plan([change], 3, x.shape[1], x.device)[1]
    weights = block.weights(x, planned)
    h = block.norm1(x)
    values = block.attention.split(block.attention.v_proj(h))
    by_hand = x + block.attention.join(weights @ values)
    by_hand = by_hand + block.fc2(torch.nn.functional.gelu(block.fc1(block.norm2(by_hand))))
    out, row = block(x, planned)
    close(out, by_hand)
    close(row, weights[:, :, 0], FEW)
    close(weights.sum(-1), torch.ones(2, 3, 17))


def test_an_intervention_without_effect_changes_no_bit():
    net, pixels = small(), torch.randn(1, 3, 32, 32)
    plain = net.trace(pixels)
    idle = [Temperature(0, 1.0), HeadsOff(1, ()), KeysRemoved(2, ()), Temperature(1, 3, ())]
    nothing = net.trace(pixels, interventions=idle)
    assert torch.equal(plain.logits, nothing.logits)
    assert torch.equal(plain.cls_attention, nothing.cls_attention)
    assert torch.equal(net(pixels), plain.logits)


def test_temperature_divides_the_scores_of_its_heads_alone():
    net, pixels = small(), torch.randn(1, 3, 32, 32)
    plain, hot = net.trace(pixels), net.trace(pixels, interventions=[Temperature(1, 2.0, (0,))])
    assert torch.equal(plain.attention[0], hot.attention[0])
    close(hot.attention[1][:, 1:], plain.attention[1][:, 1:], FEW)
    scores = plain.attention[1][:, 0].log()
    close(hot.attention[1][:, 0], (scores / 2).softmax(-1))
    assert not torch.equal(plain.logits, hot.logits)


def test_a_head_that_is_off_is_a_head_with_zero_output():
    net, pixels = small(), torch.randn(1, 3, 32, 32)
    off = net.trace(pixels, interventions=[HeadsOff(2, (1,))])
    block = net.block(2)
    block.attention.out_proj.weight[:, 8:16] = 0  # head 1 of width 8 can't be heard any more
    close(off.logits, net(pixels))


def test_removed_keys_get_no_attention_and_the_rest_sums_to_one():
    net, pixels = small(), torch.randn(1, 3, 32, 32)
    trace = net.trace(pixels, layers=[1], interventions=[KeysRemoved(1, (3, 5))])
    assert list(trace.attention) == [1]
    assert trace.attention[1][..., [3, 5]].abs().max() == 0
    assert trace.cls_attention[:, 1][..., [3, 5]].abs().max() == 0
    close(trace.attention[1].sum(-1), torch.ones(1, 3, 17))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: t.pop("vit.encoder.layer.1.output.dense.weight"), "missing"),
        (lambda t: t.update({"vit.neck.weight": torch.zeros(2)}), "unknown"),
        (lambda t: t.update({"classifier.weight": torch.zeros(5, 23)}), "another shape"),
        (lambda t: t["vit.layernorm.weight"].fill_(float("nan")), "not finite"),
    ],
    ids=["missing", "unknown", "shape", "nan"],
)
def test_a_damaged_checkpoint_is_refused_in_words(damage, words, tmp_path):
    reference.make("ViTForImageClassification", tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    damage(tensors)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(LabError, match=words):
        load_checkpoint(str(tmp_path))


def test_another_family_is_refused_by_name(tmp_path):
    reference.make("ViTModel", tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"model_type": "vit"', '"model_type": "swin"'))
    with pytest.raises(LabError, match="swin"):
        load_checkpoint(str(tmp_path))


@pytest.mark.parametrize(
    ("entry", "value"),
    [("num_hidden_layers", 99_999), ("hidden_size", "24"), ("patch_size", 0), ("num_attention_heads", 5)],
)
def test_a_configuration_that_cannot_be_is_refused_before_anything_is_built(entry, value, tmp_path):
    reference.make("ViTModel", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, entry: value}))
    with pytest.raises(LabError, match=r"config\.json"):
        load_checkpoint(str(tmp_path))


def test_labels_come_from_the_configuration(tmp_path):
    names = dict(enumerate(["ant", "bee", "cat", "dog", "emu"]))
    reference.make("ViTForImageClassification", tmp_path, id2label=names, label2id={v: k for k, v in names.items()})
    assert load_checkpoint(str(tmp_path)).labels == names


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_computes_the_same():
    net, pixels = small(), torch.randn(1, 3, 32, 32)
    here = net.trace(pixels, interventions=[Temperature(1, 0.7)])
    there = net.cuda().trace(pixels.cuda(), interventions=[Temperature(1, 0.7)])
    close(there.logits, here.logits, 10 * MANY)
    close(there.attention[1], here.attention[1], 10 * MANY)
