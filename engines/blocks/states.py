"""Tensors by name as arrays that can be kept, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def copied(state: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Copies on the CPU, shapes kept: what is learned meanwhile does not change them."""
    return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}


def as_arrays(state: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Tensors that are copies already, as arrays: a second copy of a large model's optimizer costs 100 MB and more."""
    return {name: value.detach().cpu().numpy() for name, value in state.items()}


def tensors(state: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Tensor]:
    """The way back, without a copy."""
    return {name: torch.from_numpy(value) for name, value in state.items()}
