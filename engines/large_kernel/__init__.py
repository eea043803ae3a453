"""Large kernels: what a net's field really is, kernels merged into one, and a depthwise convolution that keeps up.

The names below are loaded when first asked for, so that importing a spec does not import torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ConvNeXt": "convnext",
    "ConvNeXtConfig": "convnext",
    "depthwise": "convolution",
    "dilated_to_dense": "merging",
    "effective_receptive_field": "receptive_field",
    "fuse_batch_norm": "merging",
    "law": "receptive_field",
    "load_checkpoint": "load",
    "merge_branches": "merging",
    "reparameterize": "merging",
}
__all__ = [
    "ConvNeXt",
    "ConvNeXtConfig",
    "depthwise",
    "dilated_to_dense",
    "effective_receptive_field",
    "fuse_batch_norm",
    "law",
    "load_checkpoint",
    "merge_branches",
    "reparameterize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
