"""Attention pooling as kernel regression: Nadaraya 1964, Watson 1964; as attention: *Dive into Deep Learning*.

Shapes: Q queries, N keys with one value each. All three are plain numbers here: a query x, keys x_i, values y_i.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.blocks.attention import softmax_where

KERNELS = ("gaussian", "boxcar", "epanechnikov", "triangular", "constant")


Numbers: TypeAlias = "Tensor | npt.NDArray[Any] | Sequence[float]"


def nadaraya_watson(
    x_query: Numbers, x: Numbers, y: Numbers, kernel: str = "gaussian", bandwidth: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Average the values, each weighted by how near its key is to the query.

    Parameters
    ----------
    x_query : Tensor or ndarray (Q,) or (Q, 1)
    x : Tensor or ndarray (N,) or (N, 1)
        Keys.
    y : Tensor or ndarray (N,) or (N, dv)
        Values: numbers, or vectors.
    kernel : str
        Of u = (x_query − x) / bandwidth: ``gaussian`` exp(−u²/2), ``boxcar`` 1, ``epanechnikov`` 1 − u²,
        ``triangular`` 1 − |u|, the last three for |u| ≤ 1 only; ``constant`` 1 everywhere (average pooling).
    bandwidth : float
        In the unit of x; greater than 0.

    Returns
    -------
    y_hat : Tensor (Q,) or (Q, dv)
    weights : Tensor (Q, N)
        Both in the type of ``x_query``, or torch's usual one for whole numbers. Rows sum to 1. Where no key is in the
        window, the row and ``y_hat`` are 0, never NaN.

    Raises
    ------
    ValueError
        Wrong shapes, an unknown kernel or a bandwidth that is not above 0.
    """
    query, keys, values = _checked(x_query, x, y)
    weights = kernel_weights(query[:, None] - keys[None], kernel, bandwidth)  # (Q, N)
    kind = as_tensor(x_query).dtype
    kind = kind if kind.is_floating_point else torch.get_default_dtype()
    return (weights @ values).to(kind), weights.to(kind)


def as_tensor(numbers: Numbers) -> Tensor:
    """A tensor of whatever was handed in, of the same shape."""
    return numbers if isinstance(numbers, Tensor) else torch.as_tensor(numbers)


def leave_one_out_error(x: Numbers, y: Numbers, kernel: str = "gaussian", bandwidth: float = 1.0) -> float:
    """Mean squared error when each point is predicted from all others.

    A point without a neighbor in its window is predicted as 0, as by `nadaraya_watson`; how many of them there
    are says `leave_one_out`.

    Parameters
    ----------
    x, y : Tensor (N,)

    Returns
    -------
    float
        0 if there is no point.
    """
    return leave_one_out(x, y, kernel, bandwidth)[0]


def leave_one_out(x: Numbers, y: Numbers, kernel: str, bandwidth: float) -> tuple[float, int]:
    """`leave_one_out_error` of points x (N,), y (N,), and how many have no other point in their window."""
    _, keys, values = _checked(x, x, y)
    if not len(keys):
        return 0.0, 0
    weights = kernel_weights(keys[:, None] - keys[None], kernel, bandwidth, others(len(keys), keys.device))
    return float(((values - weights @ values) ** 2).mean()), int((weights.sum(-1) == 0).sum())


def others(count: int, device: torch.device | None = None) -> Tensor:
    """Bool (N, N): True where a point may look, which is everywhere but at itself."""
    return ~torch.eye(count, dtype=torch.bool, device=device)


def kernel_weights(distance: Tensor, kernel: str, bandwidth: float, may_attend: Tensor | None = None) -> Tensor:
    """Attention weights from distances query − key.

    Parameters
    ----------
    distance : Tensor (Q, N)
    may_attend : Tensor bool (Q, N), optional
        False where a weight has to be 0.

    Returns
    -------
    Tensor (Q, N)
        Rows sum to 1, or to 0 where the window is empty.
    """
    if not (bandwidth > 0 and math.isfinite(bandwidth)):
        raise ValueError(f"bandwidth {bandwidth!r} is not a number above 0")
    u = distance / bandwidth  # (Q, N)
    if kernel == "gaussian":
        scores = -(u**2) / 2
        if may_attend is None:
            return scores.softmax(-1)
        return softmax_where(scores, may_attend)  # a softmax: far from all points the nearest still counts
    match kernel:
        case "boxcar":
            k = (u.abs() <= 1).to(u.dtype)
        case "epanechnikov":
            k = (1 - u**2).clamp(min=0)
        case "triangular":
            k = (1 - u.abs()).clamp(min=0)
        case "constant":
            k = torch.ones_like(u)
        case _:
            raise ValueError(f"kernel {kernel!r} is none of {KERNELS}")
    if may_attend is not None:
        k = k * may_attend
    total = k.sum(-1, keepdim=True)  # (Q, 1)
    return k / total.where(total > 0, 1.0)  # an empty window: 0 / 1


class ParametricPooling(nn.Module):
    """Attention pooling with one learned number: weights = softmax(−((x_query − x) w)² / 2).

    1/|w| is the bandwidth of a Gaussian kernel.

    Parameters
    ----------
    w : float
        Where learning starts.
    """

    def __init__(self, w: float = 1.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(float(w)))

    def forward(self, x_query: Tensor, x: Tensor, y: Tensor, may_attend: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Pool the values.

        Parameters
        ----------
        x_query : Tensor (Q,)
        x, y : Tensor (N,), or (Q, N) where each query has keys and values of its own
        may_attend : Tensor bool (Q, N), optional
            False where a query must not look, such as a training point at itself.

        Returns
        -------
        y_hat : Tensor (Q,)
        weights : Tensor (Q, N)
            A row with nothing to attend to is 0, and so is its ``y_hat``.
        """
        scores = -(((x_query[:, None] - x) * self.w) ** 2) / 2  # (Q, N)
        weights = scores.softmax(-1) if may_attend is None else softmax_where(scores, may_attend)
        return (weights * y).sum(-1), weights


def _checked(x_query: Numbers, x: Numbers, y: Numbers) -> tuple[Tensor, Tensor, Tensor]:
    """The three in double precision where the device has it: near-ties of far keys need the digits."""
    queries, keys, values = as_tensor(x_query), as_tensor(x), as_tensor(y)
    queries, keys = (one.squeeze(1) if one.dim() == 2 and one.shape[1] == 1 else one for one in (queries, keys))
    for name, one, most in (("x_query", queries, 1), ("x", keys, 1), ("y", values, 2)):
        if not 1 <= one.dim() <= most:
            raise ValueError(f"{name} must have one axis, not {tuple(one.shape)}")
    if len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys and {len(values)} values")
    wide = torch.float32 if queries.device.type == "mps" else torch.float64
    return queries.to(wide), keys.to(wide), values.to(wide)
