"""Large kernels: what a net's field really is, kernels merged into one, and a depthwise convolution that keeps up.

The names below are loaded when first asked for, so that importing a spec does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "depthwise": "convolution",
    "dilated_to_dense": "merging",
    "effective_receptive_field": "field",
    "fuse_batch_norm": "merging",
    "law": "field",
    "merge_branches": "merging",
    "reparameterize": "merging",
}
__all__ = [
    "depthwise",
    "dilated_to_dense",
    "effective_receptive_field",
    "fuse_batch_norm",
    "law",
    "merge_branches",
    "reparameterize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
