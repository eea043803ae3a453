"""What of a picture a cell of a map answers to: the effective receptive field (Luo et al. 2016).

RepLKNet's script takes log10(g + 1) of the gradients, which changes with their scale. Here the measure is a share of
their squares, so that weights a thousand times as large have the same field; the positive parts, summed as there, are
the other choice.

Shapes: B pictures of H × W pixels, a map of h × w cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engines.core.errors import LabError

SQUARES, POSITIVE = "squares", "positive"
MEASURES = (SQUARES, POSITIVE)


def effective_receptive_field(
    model: Callable[[Tensor], Tensor], pixels: Tensor, at: tuple[int, int] | None = None, measure: str = SQUARES
) -> Tensor:
    """How much each pixel moves a cell of a model's map.

    Parameters
    ----------
    model : callable
        Pixels (B, 3, H, W) to a map (B, C, h, w), such as a module in eval mode.
    pixels : Tensor (B, 3, H, W)
    at : (row, col), optional
        The cell of the map; its middle if not given.
    measure : str
        ``squares``: of the gradients of the cell's sum over channels, summed over pictures and colors.
        ``positive``: their positive parts, as RepLKNet's script sums them up.

    Returns
    -------
    Tensor (H, W)
        Sums to 1; exactly 0 where nothing of the cell comes from. All 0 where the cell answers to no pixel.

    Raises
    ------
    ValueError
        For an unknown measure, or a cell that the map does not have.
    LabError
        In words, where gradients are not finite or the model makes no map.
    """
    if measure not in MEASURES:
        raise ValueError(f"a measure is one of {MEASURES}, not {measure!r}")
    with torch.inference_mode(False), torch.enable_grad():
        asked = pixels.detach().clone().requires_grad_(True)
        made = model(asked)
        if not isinstance(made, Tensor) or made.dim() != 4:
            raise LabError("The model makes no map of cells, so that there is no field to draw.")
        row, col = (made.shape[2] // 2, made.shape[3] // 2) if at is None else at
        if not (0 <= row < made.shape[2] and 0 <= col < made.shape[3]):
            raise ValueError(f"no cell {row}, {col} in a map of {made.shape[2]} × {made.shape[3]}")
        (found,) = torch.autograd.grad(made[:, :, row, col].sum(), asked)
    return shares(found, measure)


def shares(gradients: Tensor, measure: str = SQUARES) -> Tensor:
    """Gradients of one cell to pictures (B, C, H, W) -> what each pixel has of them, (H, W), as the measure says.

    Raises
    ------
    LabError
        In words, where they are not finite.
    """
    if not gradients.isfinite().all():
        raise LabError("The gradients are not finite.")
    largest = gradients.abs().amax()
    scaled = gradients.double() / largest.double().clamp_min(torch.finfo(torch.float64).tiny)  # squares stay in range
    parts = scaled.square() if measure == SQUARES else scaled.clamp_min(0)
    total = parts.sum((0, 1))
    share: Tensor = (total / total.sum().clamp_min(torch.finfo(torch.float64).tiny)).float()
    return share


def law(kernel: int, layers: int) -> float:
    """Root mean square radius, in cells, of a random net's field: √(layers · (kernel² − 1) / 6), by squares."""
    return law_of([kernel] * layers)


def law_of(kernels: Sequence[int], strides: Sequence[int] = ()) -> float:
    """The same of any convolutions one after another, in pixels: √(Σ (k² − 1) / 6 · strides before²).

    Random kernels spread the squared gradient as a random walk with steps over the cells of a kernel, whose variance
    is (k² − 1) / 12 an axis.

    Parameters
    ----------
    kernels, strides : sequence of int
        First one first; strides are 1 where none are given.
    """
    variance, jump = 0.0, 1
    for kernel, stride in zip(kernels, strides or [1] * len(kernels), strict=True):
        variance += (kernel**2 - 1) / 6 * jump**2
        jump *= stride
    return math.sqrt(variance)


def theoretical_field(kernels: Sequence[int], strides: Sequence[int] = (), dilations: Sequence[int] = ()) -> int:
    """Side of the square beyond which nothing can reach a cell, in pixels: 1 + Σ (k − 1) · dilation · strides before.

    Parameters
    ----------
    kernels, strides, dilations : sequence of int
        Of the convolutions, first one first; strides and dilations are 1 where none are given.
    """
    side, jump = 1, 1
    strides, dilations = strides or [1] * len(kernels), dilations or [1] * len(kernels)
    for kernel, stride, dilation in zip(kernels, strides, dilations, strict=True):
        side += (kernel - 1) * dilation * jump
        jump *= stride
    return side


def rms_radius(field: Tensor, center: tuple[float, float]) -> float:
    """Root mean square distance, in pixels, from a place (row, col) to what a field (H, W) holds."""
    rows = torch.arange(field.shape[0], dtype=torch.float64)[:, None] - center[0]
    cols = torch.arange(field.shape[1], dtype=torch.float64)[None, :] - center[1]
    return math.sqrt(float((field.double().cpu() * (rows.square() + cols.square())).sum()))


def within_squares(field: Tensor, center: tuple[int, int]) -> Tensor:
    """What the squares of 1, 3, 5, … pixels a side around a place (row, col) hold of a field (H, W), as shares (n,).

    The last one holds the whole picture. All 0 for a field that holds nothing.
    """
    rows = (torch.arange(field.shape[0]) - center[0]).abs()[:, None]
    cols = (torch.arange(field.shape[1]) - center[1]).abs()[None, :]
    ring = torch.maximum(rows, cols)  # (H, W): 0 at the place itself
    rings = torch.zeros(int(ring.max()) + 1, dtype=torch.float64).index_add_(
        0, ring.flatten(), field.flatten().double().cpu()
    )
    total = float(rings.sum())
    return rings.cumsum(0) / total if total > 0 else rings


def square_holding(field: Tensor, share: float, center: tuple[int, int]) -> int:
    """Side, in pixels, of the least square around a place (row, col) that holds a share of a field (H, W).

    It may reach beyond the picture. 0 for a field that holds nothing.
    """
    return side_of(within_squares(field, center), share)


def side_of(held: Tensor, share: float) -> int:
    """Side of the least square that holds a share, by what squares hold (n,) (`within_squares`); 0 for nothing."""
    if not held.any():
        return 0
    return 2 * int((held >= share * (1 - 1e-9)).int().argmax()) + 1
