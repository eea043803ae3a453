"""Folders in Hugging Face layout: what is read, and what is refused in words."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from engines.checkpoints import layout
from engines.checkpoints.apply import To, apply, choose
from engines.checkpoints.folder import open_folder
from engines.core.errors import LabError
from tests.closeness import FEW, close


class Tiny(nn.Module):
    """Two layers with a buffer, to map a checkpoint onto."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
        self.norm = nn.BatchNorm1d(3)


TABLE = {
    "encoder.layer.{i}.dense.weight": "layers.{i}.weight",
    "encoder.layer.{i}.dense.bias": "layers.{i}.bias",
    **{f"bn.{name}": f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var")},
}


def tiny_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    found = {}
    for i in range(2):
        found[f"vit.encoder.layer.{i}.dense.weight"] = torch.randn(3, 3, generator=generator)
        found[f"vit.encoder.layer.{i}.dense.bias"] = torch.randn(3, generator=generator)
    for name in ("weight", "bias", "running_mean", "running_var"):
        found[f"vit.bn.{name}"] = torch.rand(3, generator=generator)
    found["vit.bn.num_batches_tracked"] = torch.tensor(7)
    found["vit.pooler.dense.weight"] = torch.zeros(1)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "模型 one"
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "vit", "hidden_size": 3}))
    save_file(tiny_tensors(), path / "model.safetensors")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(LabError) as caught:
        dict(open_folder(path).tensors())
    return str(caught.value)


def test_folder_is_read(folder: Path) -> None:
    checkpoint = open_folder(str(folder))
    assert (checkpoint.name, checkpoint.family, checkpoint.preprocessor) == ("模型 one", "vit", {})
    tensors = checkpoint.tensors()
    assert tensors.shapes["vit.encoder.layer.0.dense.weight"] == (3, 3)
    assert dict(tensors).keys() == tiny_tensors().keys()
    for key, tensor in tiny_tensors().items():
        assert torch.equal(tensors[key], tensor)
    assert layout.is_model_folder(folder)
    assert not layout.is_model_folder(folder.parent)


def test_shards_as_transformers_writes_them(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    model = ViTModel(ViTConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8))
    model.save_pretrained(tmp_path, max_shard_size="3KB")
    checkpoint = open_folder(tmp_path)
    assert len(checkpoint.files) > 1
    found = dict(checkpoint.tensors())
    assert sum(tensor.numel() for tensor in found.values()) == sum(p.numel() for p in model.parameters())
    (tmp_path / checkpoint.files[0].name).unlink()
    assert checkpoint.files[0].name in refusal(tmp_path)


def test_snapshot_in_the_hub_cache_is_named_after_its_model(tmp_path: Path) -> None:
    assert layout.folder_name(tmp_path / "models--facebook--dinov2-small/snapshots/0a1b") == "facebook/dinov2-small"


class Trap:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors"])
def test_a_pickle_is_never_read(folder: Path, tmp_path: Path, name: str) -> None:
    sprung = tmp_path / "sprung"
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    message = refusal(folder)
    assert "safetensors" in message
    assert folder.name in message
    assert not sprung.exists()
    pickle.loads((folder / name).read_bytes())  # the trap works, so that the assertion above means something
    assert sprung.exists()


def header(entries: object, data: bytes = b"", length: int | None = None) -> bytes:
    raw = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


DAMAGED = {
    "empty": (b"", "is truncated"),
    "seven bytes": (b"1234567", "is truncated"),
    "header longer than the file": (header({}, length=500), "is truncated"),
    "absurd header length": (b"\xff" * 64, "not a safetensors file"),
    "zip": (b"PK\x03\x04" + bytes(60), "not a safetensors file"),
    "header is no JSON": (header(b"{]"), "not a safetensors file"),
    "header nested without end": (header(b'{"a":' * 100_000), "not a safetensors file"),
    "header is a list": (header([1]), "not a safetensors file"),
    "entry is a number": (header({"a": 1}), "entry of a"),
    "negative shape": (header({"a": entry([-1], 0, 4)}, bytes(4)), "entry of a"),
    "shape and bytes differ": (header({"a": entry([2], 0, 4)}, bytes(4)), "entry of a"),
    "unknown type": (header({"a": entry([1], 0, 4, "F33")}, bytes(4)), "entry of a"),
    "overlap": (header({"a": entry([1], 0, 4), "b": entry([1], 2, 6)}, bytes(6)), "header"),
    "hole": (header({"a": entry([1], 4, 8)}, bytes(8)), "header"),
    "data cut": (header({"a": entry([2], 0, 8)}, bytes(5)), "is truncated"),
    "data left over": (header({"a": entry([1], 0, 4)}, bytes(9)), "header"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_safetensors(folder: Path, case: str) -> None:
    data, reason = DAMAGED[case]
    (folder / "model.safetensors").write_bytes(data)
    message = refusal(folder)
    assert reason in message
    assert "model.safetensors" in message


def test_every_truncation_is_noticed(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    for length in range(0, len(whole), 37):
        (folder / "model.safetensors").write_bytes(whole[:length])
        assert "is truncated" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[1]", "is a list or a single value; an object is needed"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"{}", "model_type"),
        (b'{"model_type": 3}', "model_type"),
    ],
)
def test_bad_config(folder: Path, text: bytes, reason: str) -> None:
    (folder / "config.json").write_bytes(text)
    message = refusal(folder)
    assert reason in message
    assert "config.json" in message


def test_missing_parts(folder: Path) -> None:
    (folder / "config.json").rename(folder / "config")
    assert "config.json: the file is missing" in refusal(folder)
    assert "no such folder" in refusal(folder / "nothing")
    (folder / "config").rename(folder / "config.json")
    (folder / "model.safetensors").unlink()
    assert "no weights" in refusal(folder)
    (folder / "a.safetensors").write_bytes(b"")
    (folder / "b.safetensors").write_bytes(b"")
    assert "2 safetensors files" in refusal(folder)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/hostname", "C:\\x.safetensors", "x.bin", ".."])
def test_an_index_reaches_only_its_neighbors(folder: Path, shard: str) -> None:
    (folder / "model.safetensors").rename(folder.parent / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    assert "not a safetensors file beside it" in refusal(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": []}))
    assert "lists no weight files" in refusal(folder)


def test_apply_fills_everything(folder: Path) -> None:
    module = Tiny()
    skipped = apply(module, open_folder(folder).tensors(), TABLE, skip=["pooler.*"], prefix="vit.")
    assert sorted(skipped) == ["vit.bn.num_batches_tracked", "vit.pooler.dense.weight"]
    want = tiny_tensors()
    assert torch.equal(module.layers[1].weight, want["vit.encoder.layer.1.dense.weight"])
    assert torch.equal(module.norm.running_var, want["vit.bn.running_var"])
    assert isinstance(module.layers[0].weight, nn.Parameter)
    assert module.layers[0].weight.requires_grad


def test_apply_to_a_module_on_the_meta_device(folder: Path) -> None:
    with torch.device("meta"):
        module = Tiny()
    apply(module, open_folder(folder).tensors(), TABLE, skip=["pooler.*"], prefix="vit.")
    assert not any(parameter.is_meta for parameter in module.parameters())


def test_apply_converts_types(folder: Path) -> None:
    module = Tiny()
    halves = {key: value.half() if value.is_floating_point() else value for key, value in tiny_tensors().items()}
    apply(module, halves, TABLE, skip=["pooler.*"], prefix="vit.")
    assert module.layers[0].weight.dtype == torch.float32


def test_numbers_whose_sum_overflows_are_finite() -> None:
    module = Tiny()
    large = torch.full((3,), torch.finfo(torch.float32).max)
    apply(module, tiny_tensors() | {"vit.bn.bias": large}, TABLE, skip=["pooler.*"], prefix="vit.")
    assert torch.equal(module.norm.bias, large)


def test_apply_transposes_and_splits() -> None:
    module = nn.ModuleDict({name: nn.Linear(2, 3) for name in ("q", "k", "v")})
    weight, bias = torch.randn(2, 9), torch.randn(9)
    table = {
        "qkv.weight": To(("q.weight", "k.weight", "v.weight"), torch.t),
        "qkv.bias": To(("q.bias", "k.bias", "v.bias")),
    }
    apply(module, {"qkv.weight": weight, "qkv.bias": bias}, table)
    x = torch.randn(4, 2)
    joined = torch.cat([module[name](x) for name in ("q", "k", "v")], -1)
    close(joined, x @ weight + bias, FEW)
    with pytest.raises(LabError, match="another shape"):
        apply(module, {"qkv.weight": weight.t(), "qkv.bias": bias}, table)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vit.bn.bias": None}, "1 tensor is missing: norm.bias."),
        ({"vit.head.weight": torch.zeros(1)}, "1 tensor is unknown to this model: vit.head.weight."),
        ({"vit.encoder.layer.2.dense.bias": torch.zeros(3)}, "1 tensor is unknown"),
        (
            {"vit.bn.bias": torch.zeros(4)},
            r"another shape .*: vit.bn.bias \(4,\) / \(3,\)",
        ),
        ({"vit.bn.bias": torch.tensor([1.0, torch.nan, 0.0])}, "not finite: vit.bn.bias"),
        ({"vit.bn.bias": torch.tensor([torch.inf, -torch.inf, 0.0])}, "not finite: vit.bn.bias"),
        (
            {"vit.bn.bias": None, "bn.beta": torch.zeros(3)},
            r"1 tensors are missing \(norm.bias\), 1 are",
        ),
        ({f"x{i}": torch.zeros(1) for i in range(9)}, "9 tensors are unknown to this model: x0, x1, x2, …"),
        ({"bn.bias": torch.zeros(3)}, "1 tensor is unknown"),  # a second one for the same place
    ],
)
def test_apply_refuses_and_leaves_the_module_alone(change: dict[str, torch.Tensor | None], reason: str) -> None:
    module = Tiny()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    tensors = {key: value for key, value in (tiny_tensors() | change).items() if value is not None}
    with pytest.raises(LabError, match=reason) as caught:
        apply(module, tensors, TABLE, skip=["pooler.{x}", "pooler.*"], prefix="vit.", name="my model")
    assert str(caught.value).startswith("my model: ")
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_optional_parameters_may_stay() -> None:
    tensors = {key: value for key, value in tiny_tensors().items() if ".bn." not in key}
    module = Tiny()
    apply(module, tensors, TABLE, skip=["pooler.*"], prefix="vit.", optional=["norm.*"])
    assert torch.equal(module.norm.weight, torch.ones(3))


def test_choose_takes_the_table_that_knows_most() -> None:
    assert (
        choose(
            ["conv1.weight", "layer1.0.conv1.weight"],
            {
                "hf": {"embedder.weight": "a"},
                "timm": {"conv1.weight": "a", "layer{s}.{b}.conv1.weight": "layer{s}.{b}"},
            },
        )
        == "timm"
    )


# -- as fine-tuning leaves them
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 343223968\n"


@pytest.mark.parametrize("names", ["_orig_mod.{}", "module.{}", "module._orig_mod.{}", "vit._orig_mod.{}", "{}"])
def test_names_of_wrapped_modules_lose_their_wrapping(tmp_path, names):
    """torch.compile (2.0 and later) and DataParallel put a word of their own before each name."""
    made = {names.format(key): value for key, value in tiny_tensors().items()}
    save_file(made, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    found = open_folder(tmp_path).tensors()
    start = "vit." if names.startswith("vit.") else ""
    assert sorted(found) == sorted(start + key for key in tiny_tensors())
    key = "vit.encoder.layer.0.dense.weight"
    assert torch.equal(found[start + key], tiny_tensors()[key])
    assert found.shapes[start + key] == (3, 3)


def test_module_is_kept_where_it_is_a_name(tmp_path):
    save_file({"module.a": torch.ones(1), "head.a": torch.ones(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert sorted(open_folder(tmp_path).tensors()) == ["head.a", "module.a"]


def test_shards_of_a_variant_are_read(tmp_path):
    """``save_pretrained(variant="fp16")`` of transformers and diffusers."""
    shard = "model.fp16-00001-of-00001.safetensors"
    save_file(tiny_tensors(), tmp_path / shard)
    index = {"weight_map": dict.fromkeys(tiny_tensors(), shard)}
    (tmp_path / "model.safetensors.index.fp16.json").write_text(json.dumps(index))
    assert [file.name for file in layout.weight_files(tmp_path)] == [shard]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"model.safetensors": POINTER, "config.json": b'{"model_type": "vit"}'}, "a Git LFS pointer"),
        ({"model.safetensors": b"", "config.json": POINTER}, "a Git LFS pointer"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b""}, "a PEFT adapter"),
        ({"checkpoint-90/config.json": b"{}", "checkpoint-500/config.json": b"{}"}, "checkpoints: checkpoint-500"),
        ({"config.json": b'{"architecture": "vit_base_patch16_224"}', "model.safetensors": b""}, "a timm model"),
    ],
)  # fmt: skip
def test_a_refusal_says_the_real_reason(tmp_path, files, words):
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(LabError, match=words):
        open_folder(tmp_path).tensors()
    from app.drops import sort_paths

    if "model_type" not in str(files) and "architecture" not in str(files):
        assert words in str(sort_paths([tmp_path]).errors[0])


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_weights_of_eight_bits_are_read_as_what_they_are(tmp_path, kind):
    made = {key: value.to(kind) for key, value in tiny_tensors().items()}
    save_file(made, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    found = open_folder(tmp_path).tensors()
    key = "vit.encoder.layer.0.dense.weight"
    assert found[key].dtype == torch.float32
    assert torch.equal(found[key], made[key].float())
    net = Tiny()
    apply(net, found, TABLE, skip=("pooler.*",), prefix="vit.")
    assert torch.equal(net.layers[0].weight, made[key].float())
