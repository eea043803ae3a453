"""From a picture to the pixels a DETR wants.

Source: transformers 5.24, DetrImageProcessor on its Pillow side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from engines.checkpoints import pixels
from engines.checkpoints.known import OF_PROCESSOR, check_keys, check_only
from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import AS_IT_IS, EDGES, EXACT, Processor, read_size
from engines.core import limits

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SHORTEST, LONGEST = 800, 1333  # the paper's
IMAGENET = Scaling(Image.Resampling.BILINEAR, mean=IMAGENET_MEAN, std=IMAGENET_STD)

ONLY = {"pad_size": {}, "size_divisor": 0, "do_center_crop": False}  # a padded picture needs a mask beside it


@dataclass(frozen=True)
class Preprocess(Processor):
    """Resize and normalize; boxes in 0..1 stay where they are, since nothing is cut off."""

    way: str = EDGES
    first: int = SHORTEST
    second: int = LONGEST
    scaling: Scaling = field(default=IMAGENET)

    @classmethod
    def square(cls, side: int) -> Preprocess:
        """A square of so many pixels, whatever the picture's shape."""
        return cls(EXACT, side, side)

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Picture uint8 (H, W, 3) -> pixels float32 (1, 3, h, w), stored channels last."""
        return self.scaling(self.seen(rgb, limits.DETR_SIDE)[None])


def normalize(
    rgb: np.ndarray, mean: tuple[float, float, float] = IMAGENET_MEAN, std: tuple[float, float, float] = IMAGENET_STD
) -> Tensor:
    """Pictures uint8 (B, H, W, 3) -> pixels float32 (B, 3, H, W), stored channels last."""
    return Scaling(mean=mean, std=std)(rgb)


def from_hub(config: Mapping[str, Any], name: str) -> Preprocess:
    """Read ``preprocessor_config.json``; what it does not say is DETR's default.

    Raises
    ------
    LabError
        If it says nonsense, or something that would change the pixels and is not done here.
    """
    check_keys(config, {*OF_PROCESSOR, *pixels.READ, *ONLY}, name, PREPROCESSOR)
    check_only(config, ONLY, name, PREPROCESSOR)
    scaling = pixels.from_hub(config, name, Image.Resampling.BILINEAR, IMAGENET_MEAN, IMAGENET_STD)
    if config.get("do_resize") is False:
        return Preprocess(AS_IT_IS, scaling=scaling)
    size = config.get("size")
    given = size if isinstance(size, Mapping) else {"shortest_edge": size, "longest_edge": config.get("max_size")}
    return Preprocess(*read_size(given, size, name, limits.DETR_SIDE, SHORTEST, LONGEST), scaling)
