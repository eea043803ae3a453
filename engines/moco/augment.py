"""Random views of pictures, a whole batch at once: crop, mirror, color, gray, blur (Chen et al. 2020, MoCo v2).

All chance comes from the generator that is handed in. Brightness, contrast, saturation, hue and gray are affine in the
color, so that together they are one 3 × 3 matrix and one offset a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)
ASPECT = 4 / 3  # of a crop, at most
REACH = 3  # pixels a blur looks to each side
TO_YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
FROM_YIQ = torch.linalg.inv(TO_YIQ)


@dataclass(frozen=True)
class Recipe:
    """How strongly views differ. All zeros (and ``crop`` 1) leave the picture as it is.

    Attributes
    ----------
    crop : float
        Least share of the picture's area that a crop shows, 0..1; 1 = the whole picture.
    flip : float
        Chance of mirroring.
    color : float
        Strength of the jitter, 0..1: 1 means ±0.8 in brightness, contrast, saturation and ±0.2 of a turn in hue.
    color_chance : float
        Chance that the jitter is applied at all.
    gray : float
        Chance of losing all color.
    blur : float
        Chance of a blur with a σ of 0.1 to 1.2 pixels at 32 pixels a side.
    """

    crop: float = 0.2
    flip: float = 0.5
    color: float = 0.5
    color_chance: float = 0.8
    gray: float = 0.2
    blur: float = 0.0


def uniform(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    """(count,) numbers, evenly from low to high."""
    return low + (high - low) * torch.rand(count, generator=generator)


def crop_boxes(recipe: Recipe, count: int, generator: torch.Generator) -> Tensor:
    """Boxes (count, 4), center and half size as ``x y w h`` in the coordinates −1..1 of the picture."""
    area = uniform(recipe.crop, 1.0, count, generator)
    room = math.log(ASPECT) * min(1.0, 10 * (1 - recipe.crop))  # a whole picture keeps its shape
    ratio = torch.exp(uniform(-room, room, count, generator) / 2)
    half = torch.stack([(area.sqrt() * ratio), (area.sqrt() / ratio)], 1).clamp(max=1.0)
    center = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - half)
    return torch.cat([center, half], 1)


def cropped(pixels: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Cut the boxes out of (B, 3, H, W) and bring them to (B, 3, side, side); a negative half width mirrors."""
    span = (torch.arange(side) + 0.5) / side * 2 - 1
    xs = boxes[:, :1] + boxes[:, 2:3] * span  # (B, side)
    ys = boxes[:, 1:2] + boxes[:, 3:4] * span
    grid = torch.stack([xs[:, None, :].expand(-1, side, -1), ys[:, :, None].expand(-1, -1, side)], -1)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def color_maps(recipe: Recipe, pixels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One matrix (B, 3, 3) and one offset (B, 3, 1) a picture, for pixels (B, 3, H, W) in 0..1."""
    count = len(pixels)
    strength = 0.8 * recipe.color
    bright, contrast, saturation = (uniform(1 - strength, 1 + strength, count, generator) for _ in range(3))
    turn = uniform(-0.2 * recipe.color, 0.2 * recipe.color, count, generator) * (2 * math.pi)
    jittered = torch.rand(count, generator=generator) < recipe.color_chance
    gray = torch.rand(count, generator=generator) < recipe.gray

    luma = torch.tensor(LUMA)
    to_gray, same = luma.expand(3, 3), torch.eye(3)
    cos, sin, zero = turn.cos(), turn.sin(), torch.zeros(count)
    rows = ((zero + 1, zero, zero), (zero, cos, -sin), (zero, sin, cos))
    rotation = torch.stack([torch.stack(row, -1) for row in rows], 1)  # (B, 3, 3) in Y, I, Q
    hue = FROM_YIQ @ rotation @ TO_YIQ
    mix = to_gray + saturation[:, None, None] * (same - to_gray)
    scale = (bright * contrast)[:, None, None]
    mean = (pixels.mean((2, 3)) * luma).sum(1)  # (B,) mean gray, which contrast leaves alone
    offset = (bright * (1 - contrast) * mean)[:, None, None].expand(-1, 3, 1)
    matrix = torch.where(jittered[:, None, None], hue @ mix * scale, same)
    offset = torch.where(jittered[:, None, None], offset, torch.zeros(()))
    matrix = torch.where(gray[:, None, None], to_gray @ matrix, matrix)
    return matrix, offset


def blurred(pixels: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (B, 3, H, W), a σ (B,) in pixels for each; σ = 0 leaves the picture."""
    away = torch.arange(-REACH, REACH + 1)
    kernel = torch.exp(-0.5 * (away / sigma.clamp(min=1e-3)[:, None]) ** 2)  # (B, 2 REACH + 1)
    kernel = kernel / kernel.sum(1, keepdim=True)
    for axis in (2, 3):
        pad = (0, 0, REACH, REACH) if axis == 2 else (REACH, REACH, 0, 0)
        wide = F.pad(pixels, pad, mode="reflect")
        pixels = sum(
            (kernel[:, i, None, None, None] * wide.narrow(axis, i, pixels.shape[axis]) for i in range(len(away))),
            start=torch.zeros_like(pixels),
        )
    return pixels


@torch.no_grad()
def views(pixels: Tensor, recipe: Recipe, generator: torch.Generator, side: int | None = None) -> Tensor:
    """One random view of each picture.

    Parameters
    ----------
    pixels : Tensor (B, 3, H, W)
        In 0..1.
    recipe : Recipe
    generator : torch.Generator
    side : int, optional
        Of the views, in pixels; H without it.

    Returns
    -------
    Tensor (B, 3, side, side)
        In 0..1.
    """
    count, side = len(pixels), side or pixels.shape[2]
    boxes = crop_boxes(recipe, count, generator)
    mirrored = torch.rand(count, generator=generator) < recipe.flip
    boxes[:, 2] = torch.where(mirrored, -boxes[:, 2], boxes[:, 2])
    out = cropped(pixels, boxes, side)
    matrix, offset = color_maps(recipe, out, generator)
    out = torch.baddbmm(offset, matrix, out.flatten(2)).view_as(out).clamp(0, 1)
    sigma = uniform(0.1, 1.2, count, generator) * side / 32
    chosen = torch.rand(count, generator=generator) < recipe.blur
    if bool(chosen.any()):
        out[chosen] = blurred(out[chosen], sigma[chosen])
    return out
