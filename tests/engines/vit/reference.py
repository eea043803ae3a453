"""Tiny random models made by transformers, saved as folders: the independent reference."""

from __future__ import annotations

import warnings

import torch

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "image_size": 40,
    "patch_size": 8,
    "num_labels": 5,
    "attn_implementation": "eager",
}


def make(kind: str, folder, **changes):
    """Build one of transformers' classes, give every parameter random values, and save it; returns the module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        base = next(name for name in ("ViT", "DeiT", "Dinov2") if kind.startswith(name))
        settings = dict(SIZES, **changes)
        if base != "Dinov2":
            settings.setdefault("intermediate_size", 40)
        torch.manual_seed(len(kind))
        net = getattr(transformers, kind)(getattr(transformers, f"{base}Config")(**settings)).eval()
        with torch.no_grad():
            for parameter in net.parameters():  # also biases, norms and LayerScale, which start at 0 or 1
                parameter.normal_(0.3 if parameter.dim() == 1 else 0.0, 0.3)
        net.save_pretrained(folder)
    return net


def run(net, pixels, interpolate):
    """Logits (or None), maps per layer and hidden states of the reference."""
    extra = {"interpolate_pos_encoding": True} if interpolate else {}
    with torch.inference_mode():
        out = net(pixel_values=pixels, output_attentions=True, output_hidden_states=True, **extra)
    return getattr(out, "logits", None), out.attentions, out.hidden_states
