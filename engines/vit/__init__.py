"""Vision Transformer: attention of ViT, DeiT, DINO and DINOv2 on a photo.

The names below are loaded when first asked for, so that importing `engines.vit.spec` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ViT": "model",
    "ViTConfig": "model",
    "load_checkpoint": "load",
    "rollout": "measures",
}
__all__ = ["ViT", "ViTConfig", "load_checkpoint", "rollout"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
