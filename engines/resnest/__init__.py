"""ResNeSt: convolutions in splits, and attention that weighs the splits of each channel.

The names below are loaded when first asked for, so that importing `engines.resnest.asking` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ResNeSt": "model",
    "ResNeStConfig": "model",
    "SplitAttention": "split_attention",
    "load_checkpoint": "load",
    "radix_softmax": "split_attention",
}
__all__ = ["ResNeSt", "ResNeStConfig", "SplitAttention", "load_checkpoint", "radix_softmax"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
