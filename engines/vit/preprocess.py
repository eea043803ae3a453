"""A photo made into what a ViT takes, and where its patches lie on the photo.

The whole photo is always used here; what a folder's own processor makes of one is `engines.checkpoints.processor`. A
model whose positions can be interpolated gets a grid of the photo's own aspect;
one of fixed size gets the photo squeezed into its square. Either way the grid covers exactly the photo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from engines.vit.model import ViTConfig

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BILINEAR, BICUBIC = int(Image.Resampling.BILINEAR), int(Image.Resampling.BICUBIC)
WIDEST = 8.0  #: the grid follows the photo's aspect up to this; beyond, patches are drawn out
LOWEST, HIGHEST = 224, 518  #: resolutions in pixels that can be chosen


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photo as the model gets it.

    Attributes
    ----------
    pixels : Tensor (1, 3, h, w)
    seen : ndarray uint8 (h, w, 3)
        The same before normalization.
    rows, cols : int
        Patches.
    rectangle : (left, top, right, bottom)
        What the grid covers, in pixels of the photo.
    """

    pixels: Tensor = field(repr=False)
    seen: npt.NDArray[np.uint8] = field(repr=False)
    rows: int
    cols: int
    rectangle: tuple[float, float, float, float]


def choose_grid(height: int, width: int, config: ViTConfig, resolution: int | None = None) -> tuple[int, int]:
    """Rows and columns of patches for a photo.

    Parameters
    ----------
    height, width : int
        Of the photo; only their ratio counts.
    config : ViTConfig
    resolution : int, optional
        Side, in pixels, of a square of the area the model is to see; ``config.image_size`` if not given.
    """
    if not config.resizable:
        return config.patches
    side = (resolution or config.image_size) / config.patch_size
    aspect = min(WIDEST, max(1 / WIDEST, width / height))
    return max(1, round(side / math.sqrt(aspect))), max(1, round(side * math.sqrt(aspect)))


def prepare(rgb: npt.NDArray[np.uint8], config: ViTConfig, resolution: int | None = None) -> Prepared:
    """Resize (antialiased, with the model's own filter) and normalize a photo (H, W, 3)."""
    height, width = rgb.shape[:2]
    rows, cols = choose_grid(height, width, config, resolution)
    size = (cols * config.patch_size, rows * config.patch_size)  # Pillow says width first
    seen = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling(config.resample)))
    unit = torch.from_numpy(seen.astype(np.float32) / 255)  # (h, w, 3)
    pixels = (unit - torch.tensor(config.mean)) / torch.tensor(config.std)
    return Prepared(
        pixels.permute(2, 0, 1)[None].contiguous(), seen, rows, cols, (0.0, 0.0, float(width), float(height))
    )


def resolutions(config: ViTConfig) -> tuple[int, int, int]:
    """Lowest, highest and step of what a photo may be resized to, in pixels; a fixed size for a small model."""
    if not config.resizable or config.image_size < LOWEST:
        return config.image_size, config.image_size, config.patch_size
    return LOWEST, HIGHEST, config.patch_size
