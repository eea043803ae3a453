"""From a photo to the pixels that a model was made for, as its ``preprocessor_config.json`` says.

Source: transformers 5.24, the Pillow side of its image processors: resize, cut out the middle, rescale, normalize.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from engines.checkpoints import pixels
from engines.checkpoints.known import OF_PROCESSOR, check_keys, check_only
from engines.checkpoints.layout import PREPROCESSOR
from engines.checkpoints.pixels import Scaling, Three
from engines.checkpoints.sizes import shown, whole
from engines.core import limits
from engines.core.errors import LabError

EDGES, EXACT, WITHIN, AS_IT_IS = "edges", "exact", "within", "as it is"
ONLY = {"pad_size": {}, "size_divisor": 0}  # a single picture is padded by nothing else
HALF = (0.5, 0.5, 0.5)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Processor:
    """Resize, cut, scale.

    Attributes
    ----------
    way : str
        ``edges``: the shorter side gets ``first`` pixels unless the longer one would then pass ``second``;
        ``exact``: height and width whatever the picture's shape; ``within``: as large as fits into height and width;
        ``as it is``: no other size.
    first, second : int
        Shortest and longest side, or height and width.
    scaling : Scaling
    crop : (int, int), optional
        Height and width of the middle that is cut out; where the picture is smaller, zeros stand around it.
    least : int
        Pixels of a side with which the model can do something: one patch.
    """

    way: str
    first: int
    second: int
    scaling: Scaling
    crop: tuple[int, int] | None = None
    least: int = 1

    @property
    def shortest(self) -> int:
        """Pixels that the shorter side gets; of a fixed size the smaller number."""
        return self.first if self.way == EDGES else min(self.first, self.second)

    @property
    def longest(self) -> int:
        """Pixels that the longer side gets at most."""
        return self.second if self.way == EDGES else max(self.first, self.second)

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

    def seen(self, rgb: npt.NDArray[np.uint8], most: int = limits.IMAGE_SIDE) -> npt.NDArray[np.uint8]:
        """Picture uint8 (H, W, 3) -> the same (h, w, 3) before its numbers are scaled.

        Raises
        ------
        LabError
            If a side would get more than ``most`` pixels, or fewer than the model needs.
        """
        height, width = self.size_for(*rgb.shape[:2])
        strip = height * width > limits.KEPT_PIXELS  # whose shorter side is stretched, to be cut then
        if strip if self.crop is not None else max(height, width) > most:
            raise LabError(
                "The model would see this picture at {height} × {width} pixels. At most {most} a side are computed.",
                height=height, width=width, most=most,
            )  # fmt: skip
        rows, cols = self.crop or (height, width)
        if min(rows, cols) < self.least:
            raise LabError(
                "The model would see this picture at {height} × {width} pixels. It needs {least} a side at least.",
                height=rows, width=cols, least=self.least,
            )  # fmt: skip
        resized = self.scaling.resized(rgb, height, width)
        return resized if self.crop is None else middle(resized, *self.crop)

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Picture uint8 (H, W, 3) -> pixels float32 (1, 3, h, w), stored channels last."""
        return self.scaling(self.seen(rgb)[None])


def middle(rgb: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """The middle (height, width, 3) of a picture (H, W, 3), rounded as the reference does; zeros beyond it."""
    rows, cols = rgb.shape[:2]
    top, left = (rows - height) // 2, (cols - width) // 2
    if rows < height or cols < width:
        above, before = (max(0, -(-(want - have) // 2)) for want, have in ((height, rows), (width, cols)))
        out = np.zeros((max(rows, height), max(cols, width), 3), np.uint8)
        out[above : above + rows, before : before + cols] = rgb
        rgb, top, left = out, top + above, left + before
        top, left = max(0, top), max(0, left)
    return rgb[top : top + height, left : left + width]


@dataclass(frozen=True)
class Kind:
    """What a processor does where its file does not say it."""

    size: object
    resample: int
    mean: Three
    std: Three
    square: bool = True  # whether a size of one number is that of a square
    crop: object = None


BILINEAR, BICUBIC = int(Image.Resampling.BILINEAR), int(Image.Resampling.BICUBIC)
_WHOLE = {"height": 224, "width": 224}
_EDGE = {"shortest_edge": 224}
KINDS: Mapping[str, Kind] = {
    "ViT": Kind(_WHOLE, BILINEAR, HALF, HALF),
    "DeiT": Kind({"height": 256, "width": 256}, BICUBIC, HALF, HALF, crop=_WHOLE),
    "Bit": Kind(_EDGE, BICUBIC, CLIP_MEAN, CLIP_STD, square=False, crop=_WHOLE),
    "CLIP": Kind(_EDGE, BICUBIC, CLIP_MEAN, CLIP_STD, square=False, crop=_WHOLE),
}


def from_hub(config: Mapping[str, Any], usual: str, name: str) -> Processor:
    """Read the ``preprocessor_config.json`` of a model that takes one picture and names its class.

    Parameters
    ----------
    config : mapping
    usual : str
        Which of `KINDS` it is where the file does not say.
    name : str
        Of the model, for what is said of it.

    Raises
    ------
    LabError
        If it says nonsense, or something that would change the pixels and is not done here.
    """
    kind = _kind(config, usual, name)
    known = {*OF_PROCESSOR, *pixels.READ, *ONLY, "do_center_crop", "crop_size"}
    check_keys(config, known, name, PREPROCESSOR)
    check_only(config, ONLY, name, PREPROCESSOR)
    scaling = pixels.from_hub(config, name, kind.resample, kind.mean, kind.std)
    crop = None
    cuts = config.get("do_center_crop")
    if kind.crop is not None if cuts is None else bool(cuts):
        said = config.get("crop_size") or kind.crop or _WHOLE
        given = {"height": said, "width": said} if isinstance(said, int) else said
        if not isinstance(given, Mapping) or set(given) != {"height", "width"}:
            raise _no_size("crop_size", said, name)
        height, width = (whole(given, key, 0, name, limits.IMAGE_SIDE, file=PREPROCESSOR) for key in _WHOLE)
        crop = height, width
    if config.get("do_resize") is False:
        return Processor(AS_IT_IS, 0, 0, scaling, crop)
    size = config.get("size") or kind.size
    if isinstance(size, int) and kind.square and config.get("default_to_square") is not False:
        size = {"height": size, "width": size}
    elif isinstance(size, int):
        size = {"shortest_edge": size}
    elif isinstance(size, list) and len(size) == 2:
        size = {"height": size[0], "width": size[1]}
    return Processor(*read_size(size, size, name, limits.IMAGE_SIDE), scaling, crop)


def _kind(config: Mapping[str, Any], usual: str, name: str) -> Kind:
    """Which processor's defaults hold."""
    for key in ("image_processor_type", "feature_extractor_type"):
        said = config.get(key)
        if said is None:
            continue
        bare = str(said)
        for end in ("Fast", "Pil", "ImageProcessor", "FeatureExtractor"):
            bare = bare.removesuffix(end)
        if bare not in KINDS:
            raise LabError(
                "{name}: {key} in {file} is {value}, which is not known here and may change what the model computes.",
                name=name, key=key, file=PREPROCESSOR, value=shown(said),
            )  # fmt: skip
        return KINDS[bare]
    return KINDS[usual]


def read_size(
    size: object, said: object, name: str, most: int, shortest: int = 0, longest: int = 0
) -> tuple[str, int, int]:
    """The way of resizing and its two numbers.

    Parameters
    ----------
    size : mapping
        Of sides; what is null in it says nothing.
    said : object
        As it stands in the file, for the message.
    name : str
    most : int
        Pixels of a side.
    shortest, longest : int, optional
        Where it does not say them; with 0 a side must be said, and the longer one has no end.

    Raises
    ------
    LabError
        Naming the file's value, if it is no such mapping or beyond ``most``.
    """
    given = (
        {key: value for key, value in size.items() if value is not None} if isinstance(size, Mapping) else {"": size}
    )
    for way, keys in ((EXACT, ("height", "width")), (WITHIN, ("max_height", "max_width"))):
        if set(given) == set(keys):
            first, second = (whole(given, key, 0, name, most, file=PREPROCESSOR) for key in keys)
            return way, first, second
    if set(given) - {"shortest_edge", "longest_edge"} or not (shortest or "shortest_edge" in given):
        raise _no_size("size", said, name)
    first = whole(given, "shortest_edge", shortest, name, most, file=PREPROCESSOR)
    if not longest and "longest_edge" not in given:
        return EDGES, first, limits.PICTURE_PIXELS
    return EDGES, first, whole(given, "longest_edge", max(longest, first), name, most, file=PREPROCESSOR)


def _no_size(key: str, value: object, name: str) -> LabError:
    return LabError(
        "{name}: {key} in {file} is {value}, which is no size that is known here.",
        name=name, key=key, file=PREPROCESSOR, value=shown(value),
    )  # fmt: skip
