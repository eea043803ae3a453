"""Sinusoidal positions, for sequences (Vaswani et al. 2017, section 3.5) and for pictures (DETR, 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BASE = 10_000.0


def sinusoidal(length: int, dim: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Positions of a sequence.

    Parameters
    ----------
    length : int
        Number of positions, from 0.
    dim : int
        Width; an odd one drops the last cosine.
    dtype : torch.dtype
        What it is computed in.

    Returns
    -------
    Tensor (length, dim)
        ``sin(p / 10000^(2i/dim))`` in column 2i, the cosine in column 2i + 1.
    """
    frequencies = BASE ** (-torch.arange(0, dim, 2, dtype=dtype) / dim)  # (ceil(dim / 2),)
    angles = torch.arange(length, dtype=dtype)[:, None] * frequencies  # (length, ceil(dim / 2))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]


def sinusoidal_2d(height: int, width: int, dim: int, mask: Tensor | None = None) -> Tensor:
    """Positions of a picture as DETR has them: half the channels for y, then half for x.

    Rows and columns count from 1 and are scaled to 0..2π over the picture (over its unpadded part if there is a mask).

    Parameters
    ----------
    height, width : int
        Size of the feature map.
    dim : int
        Channels, a multiple of 4.
    mask : Tensor bool (B, height, width), optional
        True where there is picture, False where there is padding.

    Returns
    -------
    Tensor (dim, height, width), or (B, dim, height, width) with a mask
    """
    present = torch.ones(1, height, width) if mask is None else mask.float()  # (B, h, w)
    y, x = present.cumsum(1), present.cumsum(2)
    y = y / (y[:, -1:] + 1e-6) * (2 * math.pi)
    x = x / (x[:, :, -1:] + 1e-6) * (2 * math.pi)
    half = dim // 2
    index = torch.arange(half, dtype=torch.float32, device=present.device)
    period = BASE ** (2 * torch.div(index, 2, rounding_mode="floor") / half)  # (dim / 2,)

    def waves(at: Tensor) -> Tensor:
        angles = at[..., None] / period  # (B, h, w, dim / 2)
        return torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], dim=-1).flatten(3)

    out = torch.cat([waves(y), waves(x)], dim=-1).permute(0, 3, 1, 2)  # (B, dim, h, w)
    return out[0] if mask is None else out
