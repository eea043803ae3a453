"""Self-attention over a sentence, the positions it needs, and what it costs against convolution and recurrence.

Public names are loaded when first asked for, so that the specs stay free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "SelfAttention": "engines.self_attention.model",
    "rotate": "engines.self_attention.model",
    "learned": "engines.self_attention.model",
    "tokenize": "engines.self_attention.sentence.tokens",
    "Engine": "engines.self_attention.sentence.engine",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
