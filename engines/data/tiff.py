"""What Pillow takes wrongly in TIFF files, or can't take at all, found by their fields and put right or said.

Measured with Pillow 10.1 to 13.0: planes of 16 bits are read as planes of bytes; compressed big-endian numbers of
signed or floating-point kind are swapped though libtiff has done so already; brightness that falls with the value
("white is zero") is taken as rising for more than 8 bits; signs of 8-bit values and the top bit of unsigned 32-bit
ones are lost.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from engines.core.errors import LabError, Message

BITS, COMPRESSION, PHOTOMETRIC, STRIPS, CHANNELS, STRIP_SIZES, PLANAR = 258, 259, 262, 273, 277, 279, 284
SUBSAMPLING, SAMPLE_FORMAT = 530, 339
WHITE_IS_ZERO, YCBCR = 0, 6  # of PHOTOMETRIC
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # of SAMPLE_FORMAT
#: libtiff hands numbers over in the machine's order, whatever the file's
_NATIVE = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
_SIZES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}  # types of fields


def fields(data: bytes) -> dict[int, tuple[int, int, int]]:
    """The first directory of a (32-bit) TIFF: type, count and place of the values by number of the field.

    What lies beyond the end of a damaged file is left out.
    """
    order, found = _order(data), {}
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length, place = struct.unpack_from(order + "HHII", data, at)
            small = kind in _SIZES and length * struct.calcsize(_SIZES[kind]) <= 4
            found[tag] = (kind, length, at + 8 if small else place)
    except struct.error:
        pass
    return found


def numbers(data: bytes, field: tuple[int, int, int] | None, most: int = 16) -> tuple[int, ...]:
    """The first whole numbers of a field; none if they are of another type or beyond the end."""
    if field is None or field[0] not in _SIZES:
        return ()
    kind, length, place = field
    try:
        return struct.unpack_from(f"{_order(data)}{min(length, most)}{_SIZES[kind]}", data, place)
    except struct.error:
        return ()


def _order(data: bytes) -> str:
    return "<" if data[:2] == b"II" else ">"


def cut_short(data: bytes) -> bool:
    """Whether the directory or a strip it points to lies beyond the end of a (32-bit) TIFF."""
    order = _order(data)
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        struct.unpack_from("12s", data, start + 2 + 12 * (count - 1))
        known = fields(data)
        for offsets, sizes in ((STRIPS, STRIP_SIZES), (324, 325)):  # strips; tiles
            if offsets in known and sizes in known:
                places, lengths = (numbers(data, known[tag], most=len(data)) for tag in (offsets, sizes))
                return not places or any(sum(ends) > len(data) for ends in zip(places, lengths, strict=False))
    except struct.error:
        return True
    return False


def mend(image: Image.Image, name: str) -> None:
    """Before a TIFF is decoded: put right what Pillow would take wrongly.

    Raises
    ------
    LabError
        If it would be taken wrongly all the same.
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    tiles: list[Any] = list(getattr(image, "tile", []))
    if not tiles:
        return
    codec, box, offset, args = tiles[0]
    if codec == "libtiff" and args[0] in _NATIVE:
        new = (codec, box, offset, (_NATIVE[args[0]], *args[1:]))
        made = getattr(tiles[0], "_make", tuple)(new)  # newer Pillows have a tuple of their own for it
        image.tile = [made]  # type: ignore[attr-defined]
    halved = tags.get(PHOTOMETRIC) == YCBCR and tuple(tags.get(SUBSAMPLING, (2, 2))) != (1, 1)
    if codec == "raw" and halved:
        raise LabError("{name}: an uncompressed TIFF with subsampled chroma can't be read.", name=name)
    if is_deep_planar(image) and STRIPS not in tags:
        raise LabError("{name}: a tiled, planar TIFF with 16 bits can't be read.", name=name)


def is_deep_planar(image: Image.Image) -> bool:
    """Whether the file holds one plane of 16 bits after the other, uncompressed: Pillow would take them for bytes."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    tiles = getattr(image, "tile", [])
    return bool(tiles) and tiles[0][0] == "raw" and tags.get(PLANAR) == 2 and max(tags.get(BITS, (1,))) == 16


def planes(image: Image.Image, data: bytes) -> Image.Image:
    """The picture of a file of which `is_deep_planar` is true, with 8 bits; ValueError if it ends too early."""
    tags: Mapping[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    wide, high = image.size
    bands = image.getbands()
    strips, sizes = tags[STRIPS], tags[STRIP_SIZES]
    each = len(strips) // tags[CHANNELS]
    made = []
    for first in range(0, each * len(bands), each):
        own = zip(strips[first : first + each], sizes[first : first + each], strict=True)
        raw = b"".join(data[at : at + size] for at, size in own)[: 2 * wide * high]
        values = np.frombuffer(raw, _order(data) + "u2").reshape(high, wide)
        made.append(Image.fromarray((values >> 8).astype(np.uint8)))  # as Pillow does where the colors lie together
    return Image.merge(image.mode, made)


def refusal(data: bytes, name: str) -> LabError | None:
    """Why a sound TIFF can't be read: what its values are; None if it says nothing of them."""
    known = fields(data)
    bits = numbers(data, known.get(BITS))
    if not bits:
        return None
    count = (numbers(data, known.get(CHANNELS)) or (len(bits),))[0]
    signs = (numbers(data, known.get(SAMPLE_FORMAT)) or (UNSIGNED,))[0]
    kind = Message("{n} × {bits} bits", {"n": count, "bits": bits[0]})
    if signs == SIGNED:
        kind = Message("{n} × {bits} bits, signed", {"n": count, "bits": bits[0]})
    elif signs == FLOAT:
        kind = Message("{n} × {bits} bits, floating point", {"n": count, "bits": bits[0]})
    return LabError(
        "{name}: a TIFF of {kind} can't be read. Save it as RGB or gray with 8 or 16 bits.", name=name, kind=kind
    )
