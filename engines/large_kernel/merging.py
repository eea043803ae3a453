"""Branches of a convolution merged into one kernel.

A batch norm in eval mode is a factor and an offset per channel; kernels over the same middle add up. Sources: Ding et
al. 2021 "RepVGG", 3.3; Ding et al. 2022 "Scaling Up Your Kernels to 31 × 31", 3.2; Ding et al. 2024 "UniRepLKNet" for
dilated kernels.

Shapes: C channels, k × l cells of a kernel, both odd. A batch norm is a Tensor (4, C): weight, bias, running mean,
running variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Cells = tuple[int, int]


def fuse_batch_norm(kernel: Tensor, norm: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """A convolution without bias and the batch norm behind it -> one kernel, shaped as before, and its bias (C,).

    Raises
    ------
    ValueError
        For a norm of another number of channels.
    """
    if norm.shape != (4, len(kernel)):
        raise ValueError(f"a batch norm for {len(kernel)} channels is (4, {len(kernel)}), not {tuple(norm.shape)}")
    weight, bias, mean, variance = norm
    factor = weight / (variance + eps).sqrt()
    return kernel * factor.view(-1, *[1] * (kernel.dim() - 1)), bias - mean * factor


def centered(kernel: Tensor, size: Cells, off: Cells = (0, 0)) -> Tensor:
    """A depthwise kernel (C, 1, k, l) amid zeros, (C, 1, *size); ``off`` puts it so many cells down and right of there.

    Raises
    ------
    ValueError
        Where it does not fit in, or one of the two has an even side: then they have no middle in common.
    """
    if kernel.dim() != 4 or any(side % 2 == 0 for side in (*kernel.shape[2:], *size)):
        raise ValueError(f"kernels of {tuple(kernel.shape)} and {size} cells have no middle in common")
    rows, cols = ((outer - inner) // 2 for outer, inner in zip(size, kernel.shape[2:], strict=True))
    around = cols + off[1], cols - off[1], rows + off[0], rows - off[0]
    if min(around) < 0:
        raise ValueError(f"a kernel of {tuple(kernel.shape[2:])} cells, {off} off, does not fit into {size}")
    return F.pad(kernel, around)


def merge_branches(branches: Sequence[tuple[Tensor, Tensor]], off: Cells = (0, 0)) -> tuple[Tensor, Tensor]:
    """Depthwise branches side by side, added up, as one kernel.

    Parameters
    ----------
    branches : sequence of (kernel (C, 1, k, l), bias (C,))
        The merged kernel is as high as the highest and as wide as the widest: 51 × 5 and 5 × 51 make a cross.
    off : (rows, cols)
        What all but the first are moved by, as they are when a padding is wrong by a cell; (0, 0) is right.

    Returns
    -------
    (kernel, bias)

    Raises
    ------
    ValueError
        For no branches, different channels, kernels without a middle in common.
    """
    if not branches or any(kernel.shape[:2] != branches[0][0].shape[:2] for kernel, _ in branches):
        raise ValueError("branches to merge have the same channels")
    size = max(kernel.shape[2] for kernel, _ in branches), max(kernel.shape[3] for kernel, _ in branches)
    kernels = [centered(kernel, size, off if index else (0, 0)) for index, (kernel, _) in enumerate(branches)]
    return torch.stack(kernels).sum(0), torch.stack([bias for _, bias in branches]).sum(0)


def dilated_to_dense(kernel: Tensor, dilation: int) -> Tensor:
    """A kernel (..., k, l) whose cells lie ``dilation`` apart -> the same with the zeros between them written out.

    Its sides are dilation · (k − 1) + 1.

    Raises
    ------
    ValueError
        For a dilation below 1.
    """
    if dilation < 1:
        raise ValueError(f"a dilation is at least 1, not {dilation}")
    rows, cols = (dilation * (side - 1) + 1 for side in kernel.shape[-2:])
    dense = kernel.new_zeros(*kernel.shape[:-2], rows, cols)
    dense[..., ::dilation, ::dilation] = kernel
    return dense


def reparameterize(
    large: Tensor, large_bn: Tensor, small: Tensor, small_bn: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor]:
    """A large and a small depthwise branch, each with its batch norm -> one kernel and bias (RepLKNet's merge).

    Parameters
    ----------
    large, small : Tensor (C, 1, K, K), (C, 1, k, k)
    large_bn, small_bn : Tensor (4, C)
        Weight, bias, running mean, running variance.
    eps : float
        Of both norms.

    Returns
    -------
    (Tensor (C, 1, K, K), Tensor (C,))
    """
    return merge_branches([fuse_batch_norm(large, large_bn, eps), fuse_batch_norm(small, small_bn, eps)])
