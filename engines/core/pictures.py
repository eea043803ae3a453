"""A picture as it travels from the window to an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message

#: Endings of files that are looked at as pictures where a folder is searched.
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm",
    ".pfm", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Picture:
    """An RGB picture, compared and hashed by identity (two reads of one file are two pictures).

    Attributes
    ----------
    name : str
        What to call it in the window.
    rgb : ndarray uint8 (height, width, 3)
        Pixels, already turned upright. Nobody writes into it.
    source : str
        Path it was read from; empty for a pasted or a drawn picture.
    note : Message, optional
        What a person should know of how it is shown.
    """

    name: str
    rgb: npt.NDArray[np.uint8] = field(repr=False)
    source: str = ""
    note: Message | None = None

    def __post_init__(self) -> None:
        shape: tuple[Any, ...] = self.rgb.shape
        if self.rgb.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"a picture is uint8 (H, W, 3), not {self.rgb.dtype} {shape}")
