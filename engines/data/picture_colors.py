"""Colors as they were meant: by the profile (ICC) that came with a picture, or by what its kind says, to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

PROFILE_LIMIT = 16_000_000  # bytes; those of printing presses have two million
_BLACK_POINT, _EXACT = 0x2000, 0x0100  # of lcms2: black stays black, no shortcuts; named in Pillow from 10.3 on
_SAME = 1  # levels of 255 that a profile may move a color and still be taken as sRGB itself
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # Pillow's mode by the color space of a profile
_BROKEN = (OSError, ImageCms.PyCMSError, ValueError, TypeError, AttributeError)


def in_srgb(image: Image.Image, profile: bytes, gray: bool) -> tuple[Image.Image, bool]:
    """A picture in sRGB, relative colorimetric with black kept black.

    Parameters
    ----------
    image : Image
        Mode L, LA, RGB, RGBA, CMYK or LAB.
    profile : bytes
        ICC profile; empty for none.
    gray : bool
        Whether the file holds gray values, whatever the mode is by now.

    Returns
    -------
    Image
        Mode RGB, or RGBA if there is alpha.
    bool
        Whether the profile could be used, or nothing is lost without it.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    color = image if image.mode in ("CMYK", "LAB") else image.convert("L" if gray else "RGB")
    good = True
    if profile:
        try:
            color = _meant(color, profile)
        except _BROKEN:
            good = color.mode == "LAB"  # those numbers name a color without one
    if color.mode == "LAB":
        color = _applied(_lab_to_srgb(), color)
    flat = color.convert("RGB")
    if alpha is not None:
        flat.putalpha(alpha)
    return flat, good


def _meant(color: Image.Image, profile: bytes) -> Image.Image:
    """By its profile; one that means another kind of color raises ValueError."""
    if len(profile) > PROFILE_LIMIT:
        raise ValueError("too large")
    mode = mode_of(profile)
    if color.mode == "L" and mode == "RGB":  # gray in a space of colors: equal parts of all three
        color = color.convert("RGB")
    if mode != color.mode:
        raise ValueError(f"a profile for {mode}")
    if mode == "L":
        return Image.merge("RGB", [color.point(table) for table in _tables(profile)])
    transform = _transform(profile, mode)
    return color if transform is None else _applied(transform, color)


def _applied(transform: ImageCms.ImageCmsTransform, color: Image.Image) -> Image.Image:
    made = ImageCms.applyTransform(color, transform)
    assert made is not None  # only for in-place use
    return made


@lru_cache(maxsize=16)
def mode_of(profile: bytes) -> str:
    """Pillow's mode of the colors that a profile explains; raises one of several errors if it is broken."""
    core = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    if core.device_class not in ("mntr", "scnr", "prtr", "spac"):  # a link, names: those explain no picture
        raise ValueError(f"a profile of class {core.device_class}")
    return _MODES.get(core.xcolor_space.strip(), "")


@lru_cache(maxsize=16)  # the pictures of a folder come from one camera
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """To sRGB; None if that would change nothing to be seen."""
    made = _to_srgb(profile, mode, _BLACK_POINT)
    if mode != "RGB":
        return made
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
    moved = np.asarray(_applied(made, Image.fromarray(lattice))).astype(int) - lattice
    return made if np.abs(moved).max() > _SAME else None


@lru_cache(maxsize=16)
def _tables(profile: bytes) -> list[list[int]]:
    """Red, green and blue by gray value: without the shortcut by which lcms2 is 10 levels off in dark gray."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    made = np.asarray(_applied(_to_srgb(profile, "L", _BLACK_POINT | _EXACT), ramp))
    return [list(map(int, made[0, :, channel])) for channel in range(3)]


def _to_srgb(profile: bytes, mode: str, flags: Any) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=flags,
    )


@lru_cache(maxsize=1)
def _lab_to_srgb() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")


def jp2_profile(data: bytes) -> bytes:
    """The profile in the head of a JPEG 2000 file, which Pillow does not hand over; empty if there is none."""
    head = _box(data, 0, len(data), b"jp2h")
    if head is None:
        return b""
    at, end = head
    while (color := _box(data, at, end, b"colr")) is not None:
        at, past = color
        if data[at] == 2:  # method: a restricted ICC profile
            return data[at + 3 : past]
        at = past
    return b""


def _box(data: bytes, at: int, end: int, kind: bytes) -> tuple[int, int] | None:
    """Where the content of the first box of a kind begins and ends (ISO/IEC 15444-1, annex I)."""
    while at + 8 < end:
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:  # the last, or one of more than 4 GB
            size = end - at
        if data[at + 4 : at + 8] == kind:
            return at + 8, min(at + size, end)
        at += size
    return None
