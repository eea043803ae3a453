"""Multi-head attention: one input through h heads of the same total width, and a task that needs two of them.

Public names are loaded when first asked for, so that the specs stay free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "MultiHeadAttention": "engines.blocks.attention",
    "map_agreement": "engines.multi_head.measures",
    "output_agreement": "engines.multi_head.measures",
    "Engine": "engines.multi_head.heads.engine",
    "Trainer": "engines.multi_head.training.train",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
