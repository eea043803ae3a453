"""Tiny models with random weights, in the layout of the hub: quick enough to be shown a thousand times."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def tiny_vit(folder: Path, layers: int = 3, heads: int = 4, seed: int = 0, classes: bool = True) -> Path:
    """Write a ViT of 64 × 64 pixels and 8 × 8 patches."""
    generator, width = torch.Generator().manual_seed(seed), 16 * heads
    shapes = {
        "embeddings.cls_token": (1, 1, width),
        "embeddings.position_embeddings": (1, 65, width),
        "embeddings.patch_embeddings.projection": (width, 3, 8, 8),
        "layernorm": (width,),
    }
    for i in range(layers):
        at = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes[f"{at}.attention.attention.{name}"] = (width, width)
        shapes[f"{at}.attention.output.dense"] = (width, width)
        shapes[f"{at}.intermediate.dense"] = (2 * width, width)
        shapes[f"{at}.output.dense"] = (width, 2 * width)
        shapes[f"{at}.layernorm_before"] = shapes[f"{at}.layernorm_after"] = (width,)
    shapes = {f"vit.{name}": shape for name, shape in shapes.items()}
    if classes:
        shapes["classifier"] = (len(LABELS), width)
    tensors = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=generator) * 0.2
        if "token" in name or "position" in name:
            tensors[name] = drawn
        else:
            tensors[f"{name}.weight"] = drawn + ("norm" in name)
            tensors[f"{name}.bias"] = torch.zeros(shape[0])
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "vit", "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
        "intermediate_size": 2 * width, "image_size": 64, "patch_size": 8, "id2label": dict(enumerate(LABELS)),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tensors, folder / "model.safetensors")
    return folder


def broken_models(folder: Path, good: Path) -> dict[str, Path]:
    """Model folders that must be refused: by what is wrong with them."""
    config = (good / "config.json").read_text(encoding="utf-8")
    weights = (good / "model.safetensors").read_bytes()
    found = {}

    def make(name: str, **files: bytes) -> None:
        path = found[name] = folder / name
        path.mkdir()
        (path / "config.json").write_text(config, encoding="utf-8")
        for file, content in files.items():
            (path / file.replace("__", ".")).write_bytes(content)

    make("truncated", model__safetensors=weights[: len(weights) // 2])
    make("header only", model__safetensors=weights[:200])
    make("empty", model__safetensors=b"")
    make("no weights")
    make("text", model__safetensors=b"this is no checkpoint\n" * 40)
    make("pickle", pytorch_model__bin=pickle.dumps(Trap(folder / "sprung")))
    make("pickle in disguise", model__safetensors=pickle.dumps(Trap(folder / "sprung")))
    tensors = load_file(good / "model.safetensors")
    make("wrong shape")
    wrong = {key: value[..., :-1].contiguous() if key.endswith("query.weight") else value for key, value in
             tensors.items()}  # fmt: skip
    save_file(wrong, found["wrong shape"] / "model.safetensors")
    make("not finite")
    key = next(name for name in tensors if name.endswith("query.weight"))
    save_file({**tensors, key: tensors[key] / 0}, found["not finite"] / "model.safetensors")
    make("tensors missing")
    save_file(dict(list(tensors.items())[: len(tensors) // 2]), found["tensors missing"] / "model.safetensors")
    make("another family", model__safetensors=weights)
    (found["another family"] / "config.json").write_text(json.dumps({"model_type": "t5"}), encoding="utf-8")
    make("no JSON", model__safetensors=weights)
    (found["no JSON"] / "config.json").write_text("{", encoding="utf-8")
    return found


class Trap:
    """Unpickling it leaves a file behind: proof that code was run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.mark), "w")
