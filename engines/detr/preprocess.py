"""From a picture to the pixels a DETR wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.sizes import triple, whole
from engines.core import limits

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """Resize and normalize; boxes in 0..1 stay where they are, since nothing is cut off.

    Attributes
    ----------
    shortest, longest : int
        The shorter side gets ``shortest`` pixels unless the longer one would then pass ``longest``; equal values
        give a square whatever the picture's shape.
    mean, std : tuple of float
        Of each color channel, on a scale of 0 to 1.
    """

    shortest: int = 800
    longest: int = 1333
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after resizing, as the reference rounds them, at least 1."""
        if self.shortest == self.longest:
            return self.shortest, self.shortest
        short, long = min(height, width), max(height, width)
        exact = float(self.shortest)
        if long / short * exact > self.longest:
            exact = self.longest * short / long
        side = round(exact)
        if short == side:
            return height, width
        other = int(exact * long / short)
        out = (other, side) if width < height else (side, other)
        return max(1, out[0]), max(1, out[1])

    def __call__(self, rgb: np.ndarray) -> Tensor:
        """Picture uint8 (H, W, 3) -> pixels float32 (1, 3, h, w), stored channels last."""
        height, width = self.size_for(*rgb.shape[:2])
        if rgb.shape[:2] != (height, width):
            picture = Image.fromarray(np.ascontiguousarray(rgb))
            rgb = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        return normalize(rgb[None], self.mean, self.std)


def normalize(
    rgb: np.ndarray, mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD
) -> Tensor:
    """Pictures uint8 (B, H, W, 3) -> pixels float32 (B, 3, H, W), stored channels last."""
    pixels = torch.tensor(np.ascontiguousarray(rgb)).permute(0, 3, 1, 2).float()  # a copy: pictures are read-only
    scale = 255 * torch.tensor(std)
    return (pixels - 255 * torch.tensor(mean)[:, None, None]) / scale[:, None, None]


def from_hub(config: Mapping[str, Any], name: str) -> Preprocess:
    """Read ``preprocessor_config.json``; what it does not say is DETR's default. LabError if it says nonsense."""
    size = config.get("size", 800)
    if isinstance(size, Mapping):
        given = {"size": size.get("shortest_edge"), "max_size": size.get("longest_edge")}
        if "height" in size:
            given = {"size": size["height"], "max_size": size["height"]}
    else:
        given = {"size": size, "max_size": config.get("max_size")}
    known = {key: value for key, value in given.items() if value is not None}
    shortest = whole(known, "size", 800, name, limits.DETR_SIDE, file=PREPROCESSOR)
    longest = whole(known, "max_size", max(1333, shortest), name, limits.DETR_SIDE, shortest, PREPROCESSOR)
    red, green, blue = triple(config, "image_mean", IMAGENET_MEAN, name, -1000, PREPROCESSOR)
    spread = triple(config, "image_std", IMAGENET_STD, name, 1e-3, PREPROCESSOR)
    return Preprocess(shortest, longest, (red, green, blue), (spread[0], spread[1], spread[2]))
