"""Modules without numbers, for weights that are read into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _LeaveOut(TorchFunctionMode):
    """Draws nothing from a normal distribution.

    On the meta device torch does even that in Python, and imports 800 modules for it, which holds up a window for a
    second.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func in (torch.nn.init.normal_, torch.Tensor.normal_):
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextmanager
def unfilled() -> Iterator[None]:
    """Modules made within are on the meta device: they have shapes and take neither time nor memory."""
    with torch.device("meta"), _LeaveOut():
        yield
