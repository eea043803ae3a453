"""Attention pooling: Nadaraya-Watson kernel regression, with a fixed bandwidth and with a learned one.

Public names are loaded when first asked for, so that `engines.attention_pooling.spec` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "nadaraya_watson": "engines.attention_pooling.model",
    "leave_one_out_error": "engines.attention_pooling.model",
    "ParametricPooling": "engines.attention_pooling.model",
    "Trainer": "engines.attention_pooling.learned_w.training",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
