"""Transfer learning: a linear probe, fine-tuning and training from scratch on few labels.

The names below are loaded when first asked for, so that importing `engines.transfer.spec` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {"Engine": "engine", "Trainer": "learn.training", "load_probe": "probe", "save_probe": "probe"}
__all__ = ["Engine", "Trainer", "load_probe", "save_probe"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
