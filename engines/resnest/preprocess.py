"""A photo made into what a ResNeSt takes: squeezed into a square, so that its maps cover exactly the whole of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from engines.resnest.model import ResNeStConfig


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photo as the model gets it.

    Attributes
    ----------
    pixels : Tensor (1, 3, side, side)
    seen : ndarray uint8 (side, side, 3)
        The same before normalization.
    """

    pixels: Tensor = field(repr=False)
    seen: npt.NDArray[np.uint8] = field(repr=False)


def side_of(config: ResNeStConfig, share: float) -> int:
    """Pixels a side for a share of the side that the model was made for."""
    return max(1, round(share * config.image_size))


def prepare(rgb: npt.NDArray[np.uint8], config: ResNeStConfig, side: int) -> Prepared:
    """Resize (antialiased, with the model's own filter) and normalize a photo (H, W, 3)."""
    seen = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling(config.resample)))
    unit = torch.from_numpy(seen.astype(np.float32) / 255)  # (side, side, 3)
    pixels = (unit - torch.tensor(config.mean)) / torch.tensor(config.std)
    return Prepared(pixels.permute(2, 0, 1)[None].contiguous(), seen)
