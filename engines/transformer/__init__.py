"""The Transformer, encoder and decoder, trained live on tasks whose alignment can be read.

Public names are loaded when first asked for, so that `engines.transformer.spec` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Transformer": "engines.transformer.model",
    "Trace": "engines.transformer.model",
    "Switches": "engines.transformer.switches",
    "Run": "engines.transformer.training.trainer",
    "Trainer": "engines.transformer.training.trainer",
    "beam_search": "engines.transformer.decoding",
    "greedy": "engines.transformer.decoding",
    "load_bundled": "engines.transformer.checkpoint",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
