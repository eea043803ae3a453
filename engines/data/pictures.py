"""Files to pictures: every common kind of image becomes upright RGB, everything else is refused in words.

Only decoders for pictures are used, never one that runs a program (PostScript, say). The size is looked at before
anything is decoded, so that a small file can't unfold into all memory.
"""

from __future__ import annotations

import io
import stat
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from engines.core.errors import LabError
from engines.core.pictures import Picture

PIXEL_LIMIT = 100_000_000  # more is refused
KEPT_PIXELS = 16_000_000  # more is averaged down: no model looks closer, and a window of today has 8 million
FILE_LIMIT = 1_000_000_000  # bytes

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
# what Pillow's decoders are known to raise on damaged bytes
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112  # the EXIF tag

# Pillow would warn at 89 million pixels and refuse at twice as many; the limit above is checked here instead
Image.MAX_IMAGE_PIXELS = None
# catch_warnings changes state that all threads share, so one picture is decoded at a time
_one_at_a_time = threading.Lock()


def read_picture(source: Path | str | bytes, name: str = "", keep: int = KEPT_PIXELS) -> Picture:
    """Read a picture file, or the bytes of one.

    Parameters
    ----------
    source : path or bytes
        PNG, JPEG, WebP, BMP, TIFF, GIF (first frame), PPM or AVIF.
    name : str
        What to call it; the file's name if not given.
    keep : int
        Largest number of pixels; a larger picture is averaged down.

    Returns
    -------
    Picture
        uint8 RGB, upright, at most ``keep`` pixels; transparent parts on white.

    Raises
    ------
    LabError
        Naming the picture and the reason.
    """
    if isinstance(source, bytes):
        return Picture(name, decode(source, name, keep))
    path = Path(source)
    name = name or path.name or str(path)
    return Picture(name, decode(read_bytes(path, name), name, keep), str(path))


def read_bytes(path: Path, name: str) -> bytes:
    """The content of an ordinary file; raises LabError for anything else."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise LabError("{name}: a folder, not a picture.", name=name)
        if not stat.S_ISREG(status.st_mode):  # a pipe would make us wait for ever
            raise LabError("{name}: not an ordinary file.", name=name)
        if status.st_size > FILE_LIMIT:
            raise LabError("{name}: the file is too large ({size} MB).", name=name, size=status.st_size // 1_000_000)
        return path.read_bytes()
    except FileNotFoundError:
        raise LabError("{name}: there is no such file.", name=name) from None
    except PermissionError as error:
        raise LabError("{name}: may not be read (no permission).", name=name) from error
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise LabError("{name}: can't be read ({reason}).", name=name, reason=reason) from error


def kind_of(data: bytes) -> str:
    """Format by the first bytes; empty if it is none that can be read."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "AVIF"
    if data[:1] == b"P" and data[1:2] in b"123456fF" and data[2:3].isspace():
        return "PPM"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")


def decode(data: bytes, name: str, keep: int = KEPT_PIXELS) -> npt.NDArray[np.uint8]:
    """Bytes of a picture file to upright RGB (H, W, 3); raises LabError as `read_picture` does."""
    if not data:
        raise LabError("{name}: the file is empty.", name=name)
    kind = kind_of(data)
    if not kind:
        raise LabError("{name}: not an image.", name=name)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata of no interest here
        try:
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:  # that decoder alone
                return _pixels(image, name, keep)
        except MemoryError as error:
            raise LabError("{name}: there is not enough memory for this picture.", name=name) from error
        except _DAMAGE as error:
            if cut_short(data, kind):
                raise LabError("{name}: the file ends too early.", name=name) from error
            raise LabError(
                "{name}: the file is damaged, or a kind of {kind} that can't be read.", name=name, kind=kind
            ) from error


def from_rgba(rgba: npt.NDArray[np.uint8], name: str, keep: int = KEPT_PIXELS) -> Picture:
    """A picture from pixels (H, W, 4) with alpha, put on white; raises LabError if there are too many."""
    _check_size(rgba.shape[1], rgba.shape[0], name)
    return Picture(name, np.array(_reduced(_on_white(Image.fromarray(np.ascontiguousarray(rgba))), keep)))


def cut_short(data: bytes, kind: str) -> bool:
    """Whether a file lacks its end, by the rules of its format."""
    if kind == "PNG":
        return b"IEND" not in data[-64:] and b"IEND" not in data
    if kind == "JPEG":
        return b"\xff\xd9" not in data
    if kind == "GIF":
        return not data.rstrip(b"\0").endswith(b";")
    if kind == "WEBP":
        return len(data) < 12 or int.from_bytes(data[4:8], "little") + 8 > len(data)
    if kind == "BMP":
        return len(data) < 26 or int.from_bytes(data[2:6], "little") > len(data)
    if kind == "TIFF":
        return _tiff_cut_short(data)
    return False


def _tiff_cut_short(data: bytes) -> bool:
    """Whether the directory or a strip it points to lies beyond the end of a (32-bit) TIFF."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        values = {}
        for i in range(count):
            tag, kind, length, value = struct.unpack_from(order + "HHII", data, start + 2 + 12 * i)
            values[tag] = (kind, length, value)
        for offsets, sizes in ((273, 279), (324, 325)):  # strips; tiles
            if offsets in values and sizes in values:
                first, size = values[offsets], values[sizes]
                if first[1] == 1:
                    return int(first[2]) + (int(size[2]) if size[0] == 4 else 0) > len(data)
                last = struct.unpack_from(order + "I", data, first[2] + 4 * (first[1] - 1))[0] if first[0] == 4 else 0
                return bool(last >= len(data))
    except struct.error:
        return True
    return False


def _pixels(image: Image.Image, name: str, keep: int) -> npt.NDArray[np.uint8]:
    width, height = image.size
    _check_size(width, height, name)
    if width * height > keep:  # a JPEG can be decoded at half or a quarter of its size
        share = (keep / (width * height)) ** 0.5
        image.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
    image.load()
    flat = _reduced(_to_rgb(image), keep)
    turn = _UPRIGHT.get(_orientation(image))
    return np.array(flat if turn is None else flat.transpose(turn))  # (H, W, 3), a copy of its own


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > PIXEL_LIMIT:
        raise LabError(
            "{name}: {width} × {height} pixels are too many (the limit is 100 megapixels).",
            name=name,
            width=width,
            height=height,
        )


def _reduced(image: Image.Image, keep: int) -> Image.Image:
    width, height = image.size
    if width * height <= keep:
        return image
    share = (keep / (width * height)) ** 0.5
    wide, high = max(1, int(width * share)), max(1, int(height * share))
    wide, high = min(wide, keep // high), min(high, keep // wide)  # a line of a million pixels stays a line
    return image.resize((max(1, wide), max(1, high)), Image.Resampling.BOX)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:  # broken camera data are no reason to refuse the picture
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if mode.startswith("I;16"):
        return _gray(np.asarray(image).astype(np.float64) / 257)  # 65535 -> 255
    if mode == "I":
        return _gray(_scaled(np.asarray(image).astype(np.float64), (255.0, 65535.0)))
    if mode == "F":
        return _gray(_scaled(np.asarray(image).astype(np.float64), (1.0, 255.0)))
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # only for in-place use
        return converted
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _on_white(rgba: Image.Image) -> Image.Image:
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")


def _scaled(values: npt.NDArray[np.float64], tops: tuple[float, float]) -> npt.NDArray[np.float64]:
    """To 0..255: by the first of two usual ranges 0..top that holds all values, else from least to greatest."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros_like(values)
    low, high = float(finite.min()), float(finite.max())
    top = next((top for top in tops if low >= 0 and high <= top), None)
    if top is not None:
        return np.nan_to_num(values, nan=0.0, posinf=top, neginf=0.0) * (255 / top)
    span = high - low or 1.0
    return (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / span)


def _gray(values: npt.NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8)).convert("RGB")
