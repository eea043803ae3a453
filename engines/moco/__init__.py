"""Contrastive learning with a queue: MoCo v1 and v2, and what the paper compares it with.

Public names are loaded when first asked for, so that `engines.moco.spec` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "MoCo": "engines.moco.model",
    "Encoder": "engines.moco.model",
    "info_nce": "engines.moco.model",
    "load_encoder": "engines.moco.load",
    "Engine": "engines.moco.two_views.engine",
    "Trainer": "engines.moco.training",
    "Tuner": "engines.moco.test.tuning",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
