"""Good, odd, broken and hostile picture files, each with what has to become of it.

`CASES` is a list of cases; `write(folder)` writes them all. Test pictures are ``SCENE``: 24 × 36 pixels, top left
red, top right green, bottom left blue, bottom right near white, so that a wrong turn or channel order shows.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

HIGH, WIDE = 24, 36
CORNERS = ((230, 40, 30), (30, 200, 60), (40, 60, 220), (240, 240, 230))


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes
    ----------
    name : str
        File name.
    data : callable or bytes
        Its content.
    shape : (int, int), optional
        Height and width to come out; None: it must be refused.
    corners : four RGB triples, optional
        Expected colors near the corners, in reading order; compared loosely.
    reason : str
        Part of the refusal.
    """

    name: str
    data: bytes | Callable[[], bytes]
    shape: tuple[int, int] | None = None
    corners: tuple[tuple[int, int, int], ...] | None = None
    reason: str = ""

    def content(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data()


def scene() -> np.ndarray:
    rgb = np.empty((HIGH, WIDE, 3), np.uint8)
    half, middle = HIGH // 2, WIDE // 2
    rgb[:half, :middle], rgb[:half, middle:], rgb[half:, :middle], rgb[half:, middle:] = CORNERS
    return rgb


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rgb() -> Image.Image:
    return Image.fromarray(scene())


def upright(kind: str, orientation: int) -> bytes:
    """The scene stored turned, with the tag that turns it upright again."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = rgb() if undo is None else rgb().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(stored, kind, exif=exif, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))


def transparent() -> Image.Image:
    """The scene, its top left quarter fully transparent (black beneath)."""
    rgba = np.dstack([scene(), np.full((HIGH, WIDE), 255, np.uint8)])
    rgba[: HIGH // 2, : WIDE // 2] = 0
    return Image.fromarray(rgba)


ON_WHITE = ((255, 255, 255), *CORNERS[1:])


def gray(dtype: type, top: float) -> Image.Image:
    """A gray ramp 0..top from left to right."""
    return Image.fromarray(np.tile(np.linspace(0, top, WIDE), (HIGH, 1)).astype(dtype))


RAMP = ((0, 0, 0), (255, 255, 255), (0, 0, 0), (255, 255, 255))


def gray_of(channel: tuple[int, int, int]) -> tuple[int, int, int]:
    return (round(0.299 * channel[0] + 0.587 * channel[1] + 0.114 * channel[2]),) * 3


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, color: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG by hand, for kinds that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_rgb16() -> bytes:
    wide = scene().astype(">u2") * 257
    return png(WIDE, HIGH, 16, 2, b"".join(b"\0" + row.tobytes() for row in wide))


def png_transparent_color() -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in scene())
    return png(WIDE, HIGH, 8, 2, rows, png_chunk(b"tRNS", struct.pack(">HHH", *CORNERS[0])))


def bmp(width: int, height: int, pixels: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def gif_frames() -> bytes:
    second = Image.new("RGB", (WIDE, HIGH), "black")
    return save(rgb().quantize(8), "GIF", save_all=True, append_images=[second], duration=50)


def flipped(data: bytes, where: int) -> bytes:
    return data[:where] + bytes([data[where] ^ 0xFF]) + data[where + 1 :]


@cache
def bomb() -> bytes:
    """30,000 × 30,000 gray pixels in under a megabyte: nearly a gigabyte, if somebody decoded it."""
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(bytes(3751)) for _ in range(30_000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def noise(seed: int, length: int, start: bytes = b"") -> bytes:
    return start + np.random.default_rng(seed).bytes(length)


def float_tiff(values: np.ndarray) -> bytes:
    return save(Image.fromarray(values.astype(np.float32)), "TIFF")


def with_holes() -> np.ndarray:
    values = np.tile(np.linspace(0, 1, WIDE), (HIGH, 1))
    values[HIGH // 2, 4], values[HIGH // 2, 6], values[HIGH // 2, 8] = np.nan, np.inf, -np.inf
    return values


def multichannel_tiff() -> bytes:
    """Five bands per pixel, which is no picture for the eye."""
    tags = [(256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 0), (277, 5), (278, 4), (279, 80)]
    start = 8 + 2 + 12 * len(tags) + 4
    body = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, value in tags:
        body += struct.pack("<HHII", tag, 4, 1, start if tag == 273 else value)
    return body + bytes(4) + bytes(80)


def lab() -> bytes:
    values = np.zeros((HIGH, WIDE, 3), np.uint8)
    values[..., 0] = np.linspace(0, 255, WIDE).astype(np.uint8)
    values[..., 1:] = 0
    return save(Image.frombytes("LAB", (WIDE, HIGH), values.tobytes()), "TIFF")


def looping_tiff() -> bytes:
    """Its one directory names itself as the next."""
    data = save(rgb(), "TIFF")
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    at = start + 2 + 12 * count
    return data[:at] + struct.pack("<I", start) + data[at + 4 :]


def broken_exif() -> bytes:
    return save(rgb(), "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0II*\0" + b"\xff" * 40)


@cache
def many_words_png() -> bytes:
    """A compressed comment that unfolds to 80 MB."""
    comment = b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9)
    rows = b"".join(b"\0" + row.tobytes() for row in scene())
    return png(WIDE, HIGH, 8, 2, rows, png_chunk(b"zTXt", comment))


PNG, JPEG = save(rgb(), "PNG"), save(rgb(), "JPEG", quality=95, subsampling=0)
SIZE = (HIGH, WIDE)
SHORT, BROKEN = "the file is truncated", "the file is damaged"

GOOD = [
    Case("plain.png", PNG, SIZE, CORNERS),
    Case("plain.jpg", JPEG, SIZE, CORNERS),
    Case("progressive.jpg", lambda: save(rgb(), "JPEG", progressive=True, quality=95, subsampling=0), SIZE, CORNERS),
    Case("plain.webp", lambda: save(rgb(), "WEBP", lossless=True), SIZE, CORNERS),
    Case("lossy.webp", lambda: save(rgb(), "WEBP", quality=90), SIZE),
    Case("plain.bmp", lambda: save(rgb(), "BMP"), SIZE, CORNERS),
    Case("top-down.bmp", lambda: bmp(WIDE, -HIGH, scene()[..., ::-1].tobytes()), SIZE, CORNERS),
    Case("plain.tif", lambda: save(rgb(), "TIFF"), SIZE, CORNERS),
    Case("lzw.tiff", lambda: save(rgb(), "TIFF", compression="tiff_lzw"), SIZE, CORNERS),
    Case("plain.gif", lambda: save(rgb().quantize(8), "GIF"), SIZE, CORNERS),
    Case("plain.ppm", lambda: save(rgb(), "PPM"), SIZE, CORNERS),
    Case("first frame.gif", gif_frames, SIZE, CORNERS),
    Case(
        "first page.tif", lambda: save(rgb(), "TIFF", save_all=True, append_images=[rgb().rotate(180)]), SIZE, CORNERS
    ),
    Case(
        "animated.webp",
        lambda: save(rgb(), "WEBP", save_all=True, append_images=[rgb().rotate(180)], lossless=True),
        SIZE,
        CORNERS,
    ),
    Case("animated.png", lambda: save(rgb(), "PNG", save_all=True, append_images=[rgb().rotate(180)]), SIZE, CORNERS),
    Case("rgba.png", lambda: save(transparent(), "PNG"), SIZE, ON_WHITE),
    Case("rgba.webp", lambda: save(transparent(), "WEBP", lossless=True), SIZE, ON_WHITE),
    Case("rgba.tif", lambda: save(transparent(), "TIFF"), SIZE, ON_WHITE),
    Case("palette.png", lambda: save(rgb().quantize(8), "PNG"), SIZE, CORNERS),
    Case("palette with a clear color.png", lambda: save(transparent().quantize(8), "PNG"), SIZE, ON_WHITE),
    Case("clear color.png", png_transparent_color, SIZE, ON_WHITE),
    Case("clear.gif", lambda: save(transparent(), "GIF"), SIZE, ON_WHITE),
    Case("gray.png", lambda: save(rgb().convert("L"), "PNG"), SIZE, tuple(map(gray_of, CORNERS))),
    Case("gray.jpg", lambda: save(rgb().convert("L"), "JPEG", quality=95), SIZE, tuple(map(gray_of, CORNERS))),
    Case(
        "gray with alpha.png",
        lambda: save(transparent().convert("LA"), "PNG"),
        SIZE,
        ((255, 255, 255), *map(gray_of, CORNERS[1:])),
    ),
    Case("black and white.png", lambda: save(gray(np.uint8, 255).convert("1", dither=0), "PNG"), SIZE, RAMP),
    Case("fax.tif", lambda: save(gray(np.uint8, 255).convert("1", dither=0), "TIFF", compression="group4"), SIZE, RAMP),
    Case("16-bit.png", lambda: save(gray(np.uint16, 65535), "PNG"), SIZE, RAMP),
    Case("16-bit.tif", lambda: save(gray(np.uint16, 65535), "TIFF"), SIZE, RAMP),
    Case("16-bit color.png", png_rgb16, SIZE, CORNERS),
    Case("32-bit.tif", lambda: save(gray(np.int32, 65535), "TIFF"), SIZE, RAMP),
    Case("32-bit large.tif", lambda: save(gray(np.int32, 2_000_000_000), "TIFF"), SIZE, RAMP),
    Case("float to 1.tif", lambda: float_tiff(np.tile(np.linspace(0, 1, WIDE), (HIGH, 1))), SIZE, RAMP),
    Case("float to 255.tif", lambda: float_tiff(np.tile(np.linspace(0, 255, WIDE), (HIGH, 1))), SIZE, RAMP),
    Case("float signed.tif", lambda: float_tiff(np.tile(np.linspace(-7, 9, WIDE), (HIGH, 1))), SIZE, RAMP),
    Case("float with holes.tif", lambda: float_tiff(with_holes()), SIZE, RAMP),
    Case("float nothing.tif", lambda: float_tiff(np.full((HIGH, WIDE), np.nan)), SIZE, ((0, 0, 0),) * 4),
    Case("cmyk.jpg", lambda: save(rgb().convert("CMYK"), "JPEG", quality=95, subsampling=0), SIZE, CORNERS),
    Case("cmyk.tif", lambda: save(rgb().convert("CMYK"), "TIFF"), SIZE, CORNERS),
    Case("ycbcr.tif", lambda: save(rgb().convert("YCbCr"), "TIFF"), SIZE, CORNERS),
    Case("lab.tif", lab, SIZE, RAMP),
    *(Case(f"turned {i}.jpg", lambda i=i: upright("JPEG", i), SIZE, CORNERS) for i in range(1, 9)),
    Case("turned.png", lambda: upright("PNG", 6), SIZE, CORNERS),
    Case("turned.webp", lambda: upright("WEBP", 8), SIZE),
    Case("turned.tif", lambda: upright("TIFF", 6), SIZE, CORNERS),
    Case("broken camera data.jpg", broken_exif, SIZE, CORNERS),
    Case("one pixel.png", lambda: save(Image.new("RGB", (1, 1), "red"), "PNG"), (1, 1)),
    Case("one row.png", lambda: save(rgb().resize((700, 1)), "PNG"), (1, 700)),
    Case("one column.png", lambda: save(rgb().resize((1, 700)), "PNG"), (700, 1)),
    Case("very wide.png", lambda: save(rgb().resize((60_000, 2)), "PNG"), (2, 60_000)),
    Case("中文 照片.png", PNG, SIZE, CORNERS),
    Case("spaces  and %20 & #hash.png", PNG, SIZE, CORNERS),
    Case("été ñandú 🦙.jpg", JPEG, SIZE, CORNERS),
    Case("no extension", PNG, SIZE, CORNERS),
    Case("wrong extension.jpg", PNG, SIZE, CORNERS),
    Case("LOUD.PNG", PNG, SIZE, CORNERS),
    Case("junk at the end.png", PNG + noise(1, 500), SIZE, CORNERS),
    Case("junk at the end.jpg", JPEG + noise(2, 500), SIZE, CORNERS),
    Case("looping.tif", looping_tiff, SIZE, CORNERS),
]

BAD = [
    Case("empty.png", b"", reason="the file is empty"),
    Case("one byte.png", b"\x89", reason="not an image"),
    Case("signature only.png", PNG[:8], reason=SHORT),
    Case("header only.png", PNG[:33], reason=SHORT),
    Case("half.png", PNG[: len(PNG) // 2], reason=SHORT),
    Case("signature only.jpg", JPEG[:4], reason=SHORT),
    Case("half.jpg", JPEG[: len(JPEG) // 2], reason=SHORT),
    Case("half.webp", lambda: save(rgb(), "WEBP", lossless=True)[:40], reason=SHORT),
    Case("half.bmp", lambda: save(rgb(), "BMP")[:900], reason=SHORT),
    Case("header only.bmp", lambda: save(rgb(), "BMP")[:20], reason=SHORT),
    Case("half.gif", lambda: save(rgb().quantize(8), "GIF")[:60], reason=SHORT),
    Case("half.tif", lambda: save(rgb(), "TIFF")[:1200], reason=SHORT),
    Case("half lzw.tif", lambda: save(rgb(), "TIFF", compression="tiff_lzw")[:100], reason=SHORT),
    Case("flipped byte.png", flipped(PNG, 45), reason=BROKEN),
    Case("flipped header.png", flipped(PNG, 20), reason=BROKEN),
    Case("no pixels.png", lambda: png(0, 0, 8, 2, b""), reason=BROKEN),
    Case("impossible depth.png", lambda: png(WIDE, HIGH, 7, 2, b""), reason=BROKEN),
    Case("too few rows.png", lambda: png(WIDE, HIGH, 8, 2, b"\0" * 50), reason=BROKEN),
    Case("comment bomb.png", many_words_png, reason=BROKEN),
    Case("noise.jpg", noise(3, 4000, b"\xff\xd8\xff\xe0"), reason=""),
    Case("noise.gif", noise(4, 4000, b"GIF89a"), reason=""),
    Case("noise.tif", noise(5, 4000, b"II*\0"), reason=SHORT),
    Case("noise.webp", noise(6, 4000, b"RIFF\x98\x0f\0\0WEBP"), reason=BROKEN),
    Case("noise.bmp", noise(7, 4000, b"BM"), reason=""),
    Case("noise.avif", noise(8, 400, b"\0\0\0\x20ftypavif"), reason=BROKEN),
    Case("negative.bmp", lambda: bmp(-5, HIGH, bytes(600)), reason="pixels are too many"),
    Case("five bands.tif", multichannel_tiff, reason="a TIFF of 5 × 8 bits can't be read"),
    Case("bomb.png", bomb, reason="30000 × 30000 pixels are too many"),
    Case("bomb.bmp", lambda: bmp(50_000, 50_000, bytes(100)), reason="50000 × 50000 pixels are too many"),
    Case(
        "claims to be huge.gif",
        lambda: b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(3) + gif_frames()[13:],
        reason="65535 × 65535 pixels are too many",
    ),
    Case("text.png", b"This is no picture, whatever its name says.\n" * 20, reason="not an image"),
    Case("page.jpg", b"<!DOCTYPE html><html><body>404</body></html>", reason="a web page"),
    Case(
        "drawing.svg",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        reason="an SVG drawing",
    ),
    Case(
        "program.eps",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        reason="a PostScript file",
    ),
    Case("paper.pdf", b"%PDF-1.7\n1 0 obj\n", reason="a PDF document"),
    Case("archive.png", b"PK\x03\x04" + bytes(200), reason="an archive"),
    Case("zeros.png", bytes(5000), reason="not an image"),
    Case("film.mp4", b"\0\0\0\x20ftypisom" + bytes(100), reason="a video"),
    Case("weights.safetensors", struct.pack("<Q", 2) + b"{}", reason="not an image"),
]

CASES = GOOD + BAD


def write(folder: Path) -> dict[str, Path]:
    """Write all cases into a folder; returns their paths by name."""
    paths = {}
    for case in CASES:
        path = folder / case.name
        path.write_bytes(case.content())
        paths[case.name] = path
    return paths


def write_oddities(folder: Path) -> dict[str, tuple[Path, str]]:
    """What is not even an ordinary file, with the reason it is refused for."""
    (folder / "folder.png").mkdir()
    found = {
        "missing": (folder / "missing.png", "there is no such file"),
        "folder": (folder / "folder.png", "a folder, not a picture"),
        "null": (folder / "nu\0ll.png", "can't be read"),
        "long": (folder / ("x" * 300 + ".png"), "can't be read"),
    }
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")
        found["pipe"] = folder / "pipe.png", "not an ordinary file"
    if hasattr(os, "symlink"):
        (folder / "loop.png").symlink_to(folder / "loop.png")
        found["loop"] = folder / "loop.png", "can't be read"
    return found
