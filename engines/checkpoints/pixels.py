"""From whole numbers to what a model takes, as its ``preprocessor_config.json`` says: filter, scale, mean and spread.

Source: transformers 5.24, the Pillow side of its image processors (resize, then rescale, then normalize).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.sizes import real, triple
from engines.core.errors import LabError

Three = tuple[float, float, float]
READ = ("do_rescale", "rescale_factor", "do_normalize", "resample", "do_resize")
FACTOR = 1 / 255


@dataclass(frozen=True)
class Scaling:
    """What is done to each number of a picture.

    Attributes
    ----------
    resample : int
        Pillow's filter for resizing.
    factor : float
        What whole numbers 0..255 are multiplied by first.
    mean, std : (float, float, float)
        Taken away from each color, then what it is divided by.
    """

    resample: int = Image.Resampling.BILINEAR
    factor: float = FACTOR
    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Pictures uint8 (B, H, W, 3) -> pixels float32 (B, 3, H, W), stored channels last."""
        pixels = torch.tensor(np.ascontiguousarray(rgb)).permute(0, 3, 1, 2).float()  # a copy: pictures are read-only
        mean, std = (torch.tensor(each, dtype=torch.float64) for each in (self.mean, self.std))
        scale, shift = self.factor / std, -mean / std
        return pixels * scale.float()[:, None, None] + shift.float()[:, None, None]

    def resized(self, rgb: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
        """A picture (H, W, 3) in another size."""
        if rgb.shape[:2] == (height, width):
            return rgb
        picture = Image.fromarray(np.ascontiguousarray(rgb))
        return np.asarray(picture.resize((width, height), Image.Resampling(self.resample)))


def from_hub(config: Mapping[str, Any], name: str, resample: int, mean: Three, std: Three) -> Scaling:
    """Read what a processor does to each number; what it does not say are the defaults given.

    Raises
    ------
    LabError
        If it says nonsense, or a filter that Pillow does not have.
    """
    filter_ = config.get("resample")
    if filter_ is not None and (type(filter_) is not int or filter_ not in list(Image.Resampling)):
        raise LabError(
            "{name}: {key} in {file} is {value}, not a number of a filter.",
            name=name, key="resample", file=PREPROCESSOR, value=str(filter_)[:40],
        )  # fmt: skip
    factor = FACTOR
    if config.get("rescale_factor") is not None:
        factor = real(config, "rescale_factor", FACTOR, name, 1e-9, 1e9, PREPROCESSOR)
    if config.get("do_rescale") is False:
        factor = 1.0
    if config.get("do_normalize") is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    else:
        mean = _three(config, "image_mean", mean, name, -1000)
        std = _three(config, "image_std", std, name, 1e-3)
    return Scaling(resample if filter_ is None else filter_, factor, mean, std)


def _three(config: Mapping[str, Any], key: str, default: Three, name: str, least: float) -> Three:
    """Three numbers, or one for all colors."""
    value = config.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = [value] * 3
    red, green, blue = triple({key: value}, key, default, name, least, PREPROCESSOR)
    return red, green, blue
