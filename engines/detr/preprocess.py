"""From a picture to the pixels a DETR wants.

Source: transformers 5.24, DetrImageProcessor on its Pillow side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from engines.checkpoints import pixels
from engines.checkpoints.known import OF_PROCESSOR, check_keys, check_only
from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.sizes import shown, whole
from engines.core import limits
from engines.core.errors import LabError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SHORTEST, LONGEST = 800, 1333  # the paper's
IMAGENET = Scaling(Image.Resampling.BILINEAR, mean=IMAGENET_MEAN, std=IMAGENET_STD)

ONLY = {"pad_size": {}, "size_divisor": 0, "do_center_crop": False}  # a padded picture needs a mask beside it

EDGES, EXACT, WITHIN, AS_IT_IS = "edges", "exact", "within", "as it is"


@dataclass(frozen=True)
class Preprocess:
    """Resize and normalize; boxes in 0..1 stay where they are, since nothing is cut off.

    Attributes
    ----------
    way : str
        ``edges``: the shorter side gets ``first`` pixels unless the longer one would then pass ``second``;
        ``exact``: height and width whatever the picture's shape; ``within``: as large as fits into height and width;
        ``as it is``: no other size.
    first, second : int
        Shortest and longest side, or height and width.
    scaling : Scaling
    """

    way: str = EDGES
    first: int = SHORTEST
    second: int = LONGEST
    scaling: Scaling = field(default=IMAGENET)

    @classmethod
    def square(cls, side: int) -> Preprocess:
        """A square of so many pixels, whatever the picture's shape."""
        return cls(EXACT, side, side)

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after resizing, as the reference rounds them, at least 1."""
        if self.way == AS_IT_IS:
            return height, width
        if self.way == EXACT:
            return self.first, self.second
        if self.way == WITHIN:
            scale = min(self.first / height, self.second / width)
            return max(1, int(height * scale)), max(1, int(width * scale))
        short, long = min(height, width), max(height, width)
        exact = float(self.first)
        if long / short * exact > self.second:
            exact = self.second * short / long
        side = round(exact)
        if short == side:
            return height, width
        other = int(exact * long / short)
        out = (other, side) if width < height else (side, other)
        return max(1, out[0]), max(1, out[1])

    def __call__(self, rgb: np.ndarray) -> Tensor:
        """Picture uint8 (H, W, 3) -> pixels float32 (1, 3, h, w), stored channels last."""
        height, width = self.size_for(*rgb.shape[:2])
        if max(height, width) > limits.DETR_SIDE:
            raise LabError(
                "The model would see this picture at {height} × {width} pixels. At most {most} a side are computed.",
                height=height, width=width, most=limits.DETR_SIDE,
            )  # fmt: skip
        return self.scaling(self.scaling.resized(rgb, height, width)[None])


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
    given = {key: value for key, value in given.items() if value is not None}
    for way, keys in ((EXACT, ("height", "width")), (WITHIN, ("max_height", "max_width"))):
        if set(given) == set(keys):
            first, second = (whole(given, key, 0, name, limits.DETR_SIDE, file=PREPROCESSOR) for key in keys)
            return Preprocess(way, first, second, scaling)
    if set(given) - {"shortest_edge", "longest_edge"}:
        raise LabError(
            "{name}: {key} in {file} is {value}, which is no size that is known here.",
            name=name, key="size", file=PREPROCESSOR, value=shown(size),
        )  # fmt: skip
    shortest = whole(given, "shortest_edge", SHORTEST, name, limits.DETR_SIDE, file=PREPROCESSOR)
    longest = whole(given, "longest_edge", max(LONGEST, shortest), name, limits.DETR_SIDE, file=PREPROCESSOR)
    return Preprocess(EDGES, shortest, longest, scaling)
