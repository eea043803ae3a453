"""Depthwise convolution with large kernels, forward and backward.

On a CPU torch's own convolution of channels-first tensors falls off a cliff where a kernel is 14 cells wide or more,
and its backward pass is slow for kernels of every size. Both gradients of a depthwise convolution are depthwise
convolutions themselves (Goodfellow, Bengio & Courville 2016, 9.5): of the gradient with the flipped kernel, and of the
input with the gradient as a kernel of the size of the map. With channels last none of the three meets the cliff.

Shapes: B batch, C channels, h × w cells of the map, k × l cells of a kernel, both odd.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CLIFF = 14  # cells: kernels as wide as this go through channels-last tensors


def depthwise(x: Tensor, kernel: Tensor, bias: Tensor | None = None, torus: bool = False) -> Tensor:
    """Each channel with a kernel of its own, stride 1; what lies beyond the edges keeps the map's size.

    Parameters
    ----------
    x : Tensor (B, C, h, w)
    kernel : Tensor (C, 1, k, l)
        Odd sides.
    bias : Tensor (C,), optional
    torus : bool
        Beyond an edge the map begins again at the other one; otherwise there are zeros.

    Returns
    -------
    Tensor (B, C, h, w)
        `torch.nn.functional.conv2d`'s, but for rounding; gradients of gradients, too.

    Raises
    ------
    ValueError
        For a kernel with an even side, or of other channels than the map; for a torus that it reaches around twice.
    """
    if x.dim() != 4 or kernel.dim() != 4 or kernel.shape[:2] != (x.shape[1], 1):
        raise ValueError(
            f"a depthwise kernel for {tuple(x.shape)} is (channels, 1, rows, cols), not {tuple(kernel.shape)}"
        )
    if not (kernel.shape[2] % 2 and kernel.shape[3] % 2):
        raise ValueError(f"a kernel of {kernel.shape[2]} × {kernel.shape[3]} cells has no middle")
    down, across = kernel.shape[2] // 2, kernel.shape[3] // 2
    padding = down, across
    if torus:
        if down > x.shape[2] or across > x.shape[3]:
            raise ValueError(f"a kernel of {tuple(kernel.shape[2:])} cells reaches around {tuple(x.shape[2:])} twice")
        x, padding = F.pad(x, (across, across, down, down), mode="circular"), (0, 0)
    out: Tensor = _Depthwise.apply(x, kernel, padding)
    return out if bias is None else out + bias.view(-1, 1, 1)


class _Depthwise(torch.autograd.Function):
    """`depthwise` without a bias, with so many (rows, cols) of zeros around the map."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.padding = padding
        return correlate(x, kernel, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, kernel = ctx.saved_tensors
        (after,) = gradients
        of_x = of_kernel = None
        if ctx.needs_input_grad[0]:
            left = kernel.shape[2] - 1 - ctx.padding[0], kernel.shape[3] - 1 - ctx.padding[1]
            of_x = _Depthwise.apply(after, kernel.flip(2, 3), left)
        if ctx.needs_input_grad[1]:
            of_kernel = _of_kernel(x, after, ctx.padding)
        return of_x, of_kernel, None


def _of_kernel(x: Tensor, after: Tensor, padding: tuple[int, int]) -> Tensor:
    """The kernel's gradient (C, 1, rows, cols): each picture's map as a kernel over its own padded input."""
    batch, channels = x.shape[:2]
    down, across = padding
    padded = F.pad(x, (across, across, down, down)).flatten(0, 1)[None]  # (1, B · C, …)
    each = correlate(padded, after.reshape(batch * channels, 1, *after.shape[2:]), (0, 0))
    return each.view(batch, channels, 1, *each.shape[2:]).sum(0)


def correlate(x: Tensor, kernel: Tensor, padding: tuple[int, int]) -> Tensor:
    """Depthwise convolution of (B, C, H, W) with (C, 1, h, w), in the layout that is quick for the kernel's width."""
    if x.device.type == "cpu" and kernel.shape[3] >= CLIFF:
        x = x.contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, kernel, None, 1, padding, 1, kernel.shape[0])
