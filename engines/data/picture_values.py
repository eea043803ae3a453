"""Gray values that are no bytes (12, 16, 32 bits, signs, floating point) to the 256 grays of a screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engines.core.errors import Message
from engines.data.tiff import BITS, PHOTOMETRIC, SAMPLE_FORMAT, SIGNED, UNSIGNED, WHITE_IS_ZERO

_BAND = 1 << 20  # values looked at together: 100 megapixels of floating point fit into memory, twice they may not
_USUAL = {"i": (255.0, 65535.0), "f": (1.0, 255.0)}  # white, where the file does not say what white is


def is_deep(image: Image.Image, kind: str) -> bool:
    """Whether a picture's values are other than unsigned bytes."""
    return image.mode.startswith(("I", "F")) or (image.mode == "L" and _signs(image, kind) == SIGNED)


def to_gray(image: Image.Image, kind: str, name: str) -> tuple[Image.Image, Message | None]:
    """A picture of which `is_deep` is true, as mode L, or LA if one of its values stands for clear.

    A file of up to 16 bits without signs says itself what white is. Else white is the first of the usual values
    that none exceeds; failing that the least value becomes black and the greatest white, which is said.

    Parameters
    ----------
    image : Image
        Loaded, of one channel.
    kind, name : str
        Format of the file; what to call it.

    Returns
    -------
    Image
    Message, optional
        Which values are shown from black to white, where the file itself does not say so.
    """
    low, high, told = _range(image, kind)
    span = (high - low) or 1.0
    levels = np.empty((image.height, image.width), np.uint8)
    clear = image.info.get("transparency") if kind == "PNG" else None
    alpha = np.full_like(levels, 255) if isinstance(clear, int) else None
    for top, values in _bands(image, kind):
        rows = slice(top, top + len(values))
        sound = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
        levels[rows] = np.rint((sound - low) * (255 / span)).clip(0, 255)
        if alpha is not None:
            alpha[rows][values == clear] = 0
    if kind == "TIFF" and image.mode != "L" and _tags(image).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 255 - levels
    gray = Image.fromarray(levels)
    if alpha is not None:
        gray.putalpha(Image.fromarray(alpha))
    if not told:
        return gray, None
    said = {"name": name, "low": _short(low), "high": _short(high)}
    return gray, Message("{name}: values from {low} to {high} are shown from black to white.", said)


def _range(image: Image.Image, kind: str) -> tuple[float, float, bool]:
    """What is black, what white, and whether that has to be said."""
    if image.mode != "F" and kind != "TIFF":
        return 0.0, 65535.0, False  # PNG, PGM and JPEG 2000 come as 16 bits
    bits = max(_tags(image).get(BITS, (32,)))
    if image.mode != "F" and bits <= 16 and _signs(image, kind) == UNSIGNED:
        return 0.0, float(2**bits - 1), False
    low, high = np.inf, -np.inf
    for _, values in _bands(image, kind):
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0, False  # not one number in it
    usual = _USUAL["f" if image.mode == "F" else "i"]
    top = next((top for top in usual if low >= 0 and high <= top), None)
    return (low, high, True) if top is None else (0.0, top, True)


def _bands(image: Image.Image, kind: str) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Some rows at a time, with the index of the first: their values as the file means them."""
    signs = _signs(image, kind)
    each = max(1, _BAND // image.width)
    for top in range(0, image.height, each):
        values = np.asarray(image.crop((0, top, image.width, min(top + each, image.height))))
        if image.mode == "L" and signs == SIGNED:
            values = values.view(np.int8)
        elif image.mode == "I" and signs == UNSIGNED and kind == "TIFF":
            values = values.view(np.uint32)  # Pillow has none of these
        yield top, values


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def _signs(image: Image.Image, kind: str) -> int:
    return int(max(_tags(image).get(SAMPLE_FORMAT, (UNSIGNED,)))) if kind == "TIFF" else UNSIGNED


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}") if abs(value) < 1e15 else f"{value:.2e}"
