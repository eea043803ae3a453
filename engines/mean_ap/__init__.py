"""Mean average precision, taken apart (Everingham et al. 2010; Lin et al. 2014).

Public names are loaded when first asked for, as in the other topics.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "evaluate": "engines.blocks.average_precision",
    "Engine": "engines.mean_ap.engine",
    "Evaluation": "engines.blocks.average_precision",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
