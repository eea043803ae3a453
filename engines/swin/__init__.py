"""Swin Transformer: attention inside of windows that shift from block to block.

The names below are loaded when first asked for, so that importing `engines.swin.asking` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Swin": "model",
    "SwinBlock": "block",
    "SwinConfig": "model",
    "attention_mask": "layouts",
    "load_checkpoint": "load",
    "relative_position_index": "layouts",
    "rollout": "measures",
}
__all__ = [
    "Swin",
    "SwinBlock",
    "SwinConfig",
    "attention_mask",
    "load_checkpoint",
    "relative_position_index",
    "rollout",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
