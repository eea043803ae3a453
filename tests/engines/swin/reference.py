"""Tiny random Swins made by transformers, saved as folders in each naming: the independent reference."""

from __future__ import annotations

import json
import re
import warnings

import torch
from safetensors.torch import save_file

SIZES = {
    "embed_dim": 12,
    "depths": [2, 2, 1],
    "num_heads": [2, 3, 4],
    "window_size": 4,
    "image_size": 32,
    "patch_size": 2,
    "num_labels": 5,
    "attn_implementation": "eager",
}
NAMINGS = ("hub", "modules", "timm", "microsoft")


def make(**changes):
    """One of transformers' Swins with random values everywhere, also where they start at 0 or 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.manual_seed(3)
        net = transformers.SwinForImageClassification(transformers.SwinConfig(**(SIZES | changes))).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.normal_(0.3 if parameter.dim() == 1 else 0.0, 0.3)
    return net


def save(net, folder, naming):
    """Write a model as one of `NAMINGS` has it."""
    if naming == "hub":
        net.save_pretrained(folder)
        return
    folder.mkdir(exist_ok=True)
    config = net.config.to_dict()
    tensors = dict(net.state_dict())
    if naming != "modules":
        tensors = fused(tensors, naming)
        config = {"model_type": "swin", **config}
    if naming == "timm":
        config = {"architecture": "swin_tiny_patch4_window7_224", "pretrained_cfg": {"input_size": [3, 32, 32]}}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))


def fused(tensors, naming):
    """The names of timm and of Microsoft, with one matrix for query, key and value."""
    made = {}
    for key, value in tensors.items():
        key = key.removeprefix("swin.").replace("encoder.", "")
        if found := re.fullmatch(r"(.*)attention\.q_proj\.(\w+)", key):
            there, part = found.groups()
            three = [tensors[f"swin.encoder.{there}attention.{n}_proj.{part}"] for n in "qkv"]
            made[f"{there}attn.qkv.{part}"] = torch.cat(three)
            continue
        if re.search(r"\.[kv]_proj\.", key):
            continue
        for old, new in (
            ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
            ("embeddings.norm", "patch_embed.norm"),
            ("layernorm_before", "norm1"),
            ("layernorm_after", "norm2"),
            ("attention.relative_position_bias.", "attn."),
            ("attention.o_proj", "attn.proj"),
            ("classifier", "head.fc" if naming == "timm" else "head"),
        ):
            key = key.replace(old, new)
        key = re.sub(r"^layernorm\.", "norm.", key)
        if naming == "timm":  # a merging stands at the start of the stage that it leads to
            key = re.sub(r"layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) + 1}.downsample", key)
        made[key] = value
        if key.endswith("relative_position_bias_table"):
            made[key.replace("bias_table", "index")] = torch.zeros(16, 16, dtype=torch.int64)
    return made


def run(net, pixels):
    """Logits and the weights of every block (B · W, H, n, n), by hooks: transformers itself gives one a stage."""
    weights = []
    hooks = [
        block.attention.register_forward_hook(lambda _module, _inputs, out: weights.append(out[1]))
        for stage in net.swin.encoder.layers
        for block in stage.blocks
    ]
    with torch.inference_mode():
        logits = net(pixels).logits
    for hook in hooks:
        hook.remove()
    return logits, weights
