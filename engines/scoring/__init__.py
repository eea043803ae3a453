"""Scoring functions: additive, dot-product and scaled dot-product attention on the same queries and keys.

The names below are loaded when first asked for, so that importing `engines.scoring.spec` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ConcatenatedMLP": "model",
    "additive_parts": "model",
    "attend": "model",
    "dot_product_scores": "model",
    "entropy_bits": "model",
}
__all__ = ["ConcatenatedMLP", "additive_parts", "attend", "dot_product_scores", "entropy_bits"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
