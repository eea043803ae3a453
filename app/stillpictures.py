"""Draws stills without a window: maps over the photo with their color bar, and boxes on it. Pillow and numpy only."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from app.ramps import CATEGORIES, EMBER, INK, PAPER, QUIET, blend
from engines.core.assets import assets
from engines.core.stills import Map, Mark

Bytes = npt.NDArray[np.uint8]

TILE = 320  #: px, longer side of one map
ALONE = 960  #: px, the same of a map that stands alone
GAP, LINE, BAR = 8, 26, 10  #: px: between tiles, a line of words, the color bar
COVER = 0.7  #: how much of the photo a map covers
WORDS = 14  #: px
FONT = "AttentionLabSans-Regular.ttf"


@cache
def font(px: int) -> ImageFont.FreeTypeFont:
    """The program's own, at a size."""
    return ImageFont.truetype(assets("fonts") / FONT, px)


def overlaid(photo: Bytes, values: npt.NDArray[np.float32], extent: tuple[float, float, float, float], top: float,
             size: tuple[int, int]) -> Image.Image:  # fmt: skip
    """One map over the photo.

    Parameters
    ----------
    photo : ndarray uint8 (H, W, 3)
    values : ndarray (rows, cols)
    extent : (left, top, right, bottom)
        What the map covers, in pixels of the photo.
    top : float
        Value at the end of the scale, which begins at 0.
    size : (width, height)
        Of the picture that is made.
    """
    high, wide = photo.shape[:2]
    made = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX)).astype(np.float32)
    level = np.rint(255 * np.clip(values / max(top, 1e-12), 0, 1)).astype(np.uint8)
    colors = blend(EMBER)[level]  # (rows, cols, 3)
    across, down = size[0] / wide, size[1] / high
    left, right = round(extent[0] * across), round(extent[2] * across)
    upper, lower = round(extent[1] * down), round(extent[3] * down)
    whole = max(1, right - left), max(1, lower - upper)
    patches = Image.fromarray(np.ascontiguousarray(colors)).resize(whole, Image.Resampling.NEAREST)
    x, y = max(0, left), max(0, upper)
    inside = np.asarray(patches)[y - upper : size[1] - upper, x - left : size[0] - left]
    room = made[y : y + inside.shape[0], x : x + inside.shape[1]]
    room[...] = (1 - COVER) * room + COVER * inside
    return Image.fromarray(np.rint(made).astype(np.uint8))


def fitted(photo: Bytes, longest: int) -> tuple[int, int]:
    """Width and height of the photo with this longer side."""
    high, wide = photo.shape[:2]
    scale = longest / max(high, wide)
    return max(1, round(wide * scale)), max(1, round(high * scale))


def maps(photo: Bytes, drawn: Map) -> Image.Image:
    """All maps of a kind side by side, on one scale, which stands below them."""
    count = len(drawn.values)
    size = fitted(photo, TILE if count > 1 else ALONE)
    across = min(count, max(1, round(math.sqrt(count * 1.4))))
    down = -(-count // across)
    top = float(drawn.values.max(initial=0.0))
    wide = across * (size[0] + GAP) + GAP
    high = LINE + down * (size[1] + LINE + GAP) + LINE + GAP
    sheet = Image.new("RGB", (wide, high), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, 4), drawn.title, INK, font(WORDS))
    for i, values in enumerate(drawn.values):
        x, y = GAP + i % across * (size[0] + GAP), LINE + i // across * (size[1] + LINE + GAP)
        sheet.paste(overlaid(photo, values, drawn.extent, top, size), (x, y))
        pen.text((x, y + size[1] + 2), f"{drawn.captions[i]}, at most {values.max():.3g}", QUIET, font(WORDS))
    _bar(sheet, pen, high - LINE, top)
    return sheet


def _bar(sheet: Image.Image, pen: ImageDraw.ImageDraw, y: int, top: float) -> None:
    """The color bar from 0 to the largest value."""
    ramp = Image.fromarray(np.repeat(blend(EMBER)[None], BAR, 0)).resize((160, BAR))
    pen.text((GAP, y), "0", QUIET, font(WORDS))
    sheet.paste(ramp, (GAP + 14, y + 5))
    pen.text((GAP + 14 + 160 + 6, y), f"{top:.3g}", QUIET, font(WORDS))


def boxes(photo: Bytes, marks: tuple[Mark, ...]) -> Image.Image:
    """The photo with its boxes, the surest in front."""
    size = fitted(photo, max(ALONE, *photo.shape[:2]))
    scale = size[0] / photo.shape[1]
    made = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(made)
    names = sorted({mark.label for mark in marks})
    px = max(WORDS, size[0] // 60)
    for mark in reversed(marks):
        color = CATEGORIES["light"][names.index(mark.label) % 6]
        left, upper, right, lower = (side * scale for side in mark.box)
        pen.rectangle((left, upper, max(left, right), max(upper, lower)), outline=color, width=max(3, px // 5))
        text = f"{mark.label} {mark.score:.2f}"
        place = pen.textbbox((left + 4, max(0.0, upper - px - 4)), text, font(px))
        pen.rectangle((place[0] - 4, place[1] - 2, place[2] + 4, place[3] + 2), fill=color)
        pen.text((left + 4, max(0.0, upper - px - 4)), text, PAPER, font(px))
    return made
