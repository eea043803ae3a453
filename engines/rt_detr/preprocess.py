"""From a picture to the pixels an RT-DETR wants: squeezed into a square, numbers in 0..1, no mean taken away.

Source: transformers 5.24, RTDetrImageProcessor on its Pillow side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from engines.checkpoints import pixels
from engines.checkpoints.known import OF_PROCESSOR, check_keys, check_only
from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import AS_IT_IS, EXACT, Processor, read_size
from engines.core import limits

SIDE = 640
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ONLY = {"pad_size": {}, "size_divisor": 0, "do_center_crop": False}


#: Of the toy: its backbone began as one that sees pixels so
TOY = Scaling(mean=IMAGENET_MEAN, std=IMAGENET_STD)


def square(side: int, scaling: Scaling = TOY) -> Processor:
    """A square of so many pixels, whatever the picture's shape."""
    return Processor(EXACT, side, side, scaling)


def from_hub(config: Mapping[str, Any], name: str) -> Processor:
    """Read ``preprocessor_config.json``; what it does not say is RT-DETR's default.

    Raises
    ------
    LabError
        If it says nonsense, or something that would change the pixels and is not done here.
    """
    check_keys(config, {*OF_PROCESSOR, *pixels.READ, *ONLY}, name, PREPROCESSOR)
    check_only(config, ONLY, name, PREPROCESSOR)
    bilinear = int(Image.Resampling.BILINEAR)
    scaling = pixels.from_hub({"do_normalize": False, **config}, name, bilinear, IMAGENET_MEAN, IMAGENET_STD)
    if config.get("do_resize") is False:
        return Processor(AS_IT_IS, 0, 0, scaling)
    size = config.get("size") or {"height": SIDE, "width": SIDE}
    return Processor(*read_size(size, size, name, limits.DETR_SIDE, SIDE, SIDE), scaling)
