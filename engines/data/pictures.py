"""Files to pictures: every common kind of image becomes upright RGB, everything else is refused in words.

Only decoders for pictures are used, never one that runs a program (PostScript, say). The size is looked at before
anything is decoded, so that a small file can't unfold into all memory.
"""

from __future__ import annotations

import importlib
import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError, features

from engines.core import limits, reading
from engines.core.errors import LabError, Message
from engines.core.pictures import Picture
from engines.data import tiff
from engines.data.picture_colors import in_srgb, jp2_profile
from engines.data.picture_kinds import check_readable
from engines.data.picture_values import is_deep, to_gray

PIXEL_LIMIT, KEPT_PIXELS, FILE_LIMIT = limits.PICTURE_PIXELS, limits.KEPT_PIXELS, limits.PICTURE_FILE

_PARTS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}  # of Pillow, that not every one was built with
# Pillow begins with five usual decoders; asked for another one it imports all forty, which takes longer than a photo
_DECODERS = {"AVIF": "Avif", "JPEG2000": "Jpeg2K", "TIFF": "Tiff", "WEBP": "WebP"}
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
_ON_SIDE = (5, 6, 7, 8)  # orientations whose width and height are exchanged
_ORIENTATION = 0x0112  # the EXIF tag

# Pillow would warn at 89 million pixels and refuse at twice as many; the limit above is checked here instead
Image.MAX_IMAGE_PIXELS = None
# text behind a picture, such as how it was generated: some programs write megabytes, and none of it is used
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = limits.PICTURE_TEXT
# catch_warnings changes state that all threads share, so one picture is decoded at a time
_one_at_a_time = threading.Lock()


def read_picture(source: Path | str | bytes, name: str = "", keep: int = KEPT_PIXELS, upright: bool = True) -> Picture:
    """Read a picture file, or the bytes of one; every picture of the program is decoded here.

    Parameters
    ----------
    source : path or bytes
        PNG, JPEG, WebP, BMP, TIFF, GIF (first frame), PPM, AVIF, JPEG 2000, or HEIC if pillow-heif is there.
    name : str
        What to call it; the file's name if not given.
    keep : int
        Largest number of pixels; a larger picture is averaged down.
    upright : bool
        Turn it as its camera was held; False leaves it as it is stored.

    Returns
    -------
    Picture
        uint8 sRGB, at most ``keep`` pixels; transparent parts on white.

    Raises
    ------
    LabError
        Naming the picture and the reason.
    """
    if isinstance(source, bytes):
        rgb, note = _decoded(source, name, keep, upright)
        return Picture(name, rgb, note=note)
    path = Path(source)
    name = name or path.name or str(path)
    rgb, note = _decoded(read_bytes(path, name), name, keep, upright)
    return Picture(name, rgb, str(path), note)


def read_bytes(path: Path, name: str) -> bytes:
    """The content of an ordinary file; raises LabError for anything else."""
    if reading.is_folder(path):
        raise LabError("{name}: a folder, not a picture.", name=name)
    return reading.read_bytes(path, FILE_LIMIT, name)


def decode(data: bytes, name: str, keep: int = KEPT_PIXELS) -> npt.NDArray[np.uint8]:
    """Bytes of a picture file to upright sRGB (H, W, 3); raises LabError as `read_picture` does."""
    return _decoded(data, name, keep, upright=True)[0]


def stored_size(path: Path) -> tuple[int, int] | None:
    """Width and height from a picture's head, before it is turned upright; None if it can't be read."""
    head = stored_head(path)
    return head[0] if head is not None else None


def stored_head(path: Path) -> tuple[tuple[int, int], bool] | None:
    """The same, and whether its camera was held upright: width and height are exchanged where it is shown so."""
    try:
        with reading.open_ordinary(path) as file, _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = check_readable(file.read(4096), path.name)
            _need_decoder(kind, path.name)
            file.seek(0)
            with Image.open(file, formats=(kind,)) as image:
                told = kind != "PNG" or "exif" in image.info  # else all of it would be decoded to look behind it
                return image.size, told and _orientation(image) in _ON_SIDE
    except (LabError, *_DAMAGE):
        return None


def _decoded(data: bytes, name: str, keep: int, upright: bool) -> tuple[npt.NDArray[np.uint8], Message | None]:
    if not data:
        raise LabError("{name}: the file is empty.", name=name)
    kind = check_readable(data, name)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata of no interest here
        _need_decoder(kind, name)
        try:
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:  # that decoder alone
                return _pixels(image, data, kind, name, keep, upright)
        except MemoryError as error:
            raise LabError("{name}: there is not enough memory for this picture.", name=name) from error
        except _DAMAGE as error:
            if cut_short(data, kind):
                raise LabError("{name}: the file is truncated.", name=name) from error
            if kind == "TIFF" and isinstance(error, UnidentifiedImageError) and (said := tiff.refusal(data, name)):
                raise said from error
            raise LabError(
                "{name}: the file is damaged, or a variant of {kind} that can't be read.", name=name, kind=kind
            ) from error


def _need_decoder(kind: str, name: str) -> None:
    """Import the decoder of this kind; raise LabError, saying what to install, where it is missing."""
    if kind == "HEIF":
        try:
            importlib.import_module("pillow_heif").register_heif_opener()
        except ImportError as error:
            raise LabError("{name}: HEIC pictures need pillow-heif (pip install pillow-heif).", name=name) from error
    elif kind in _PARTS and not features.check(_PARTS[kind]):
        raise LabError(
            "{name}: {kind} pictures need a newer Pillow (pip install --upgrade Pillow).",
            name=name,
            kind=kind,
        )
    if kind in _DECODERS:
        importlib.import_module(f"PIL.{_DECODERS[kind]}ImagePlugin")


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
        return tiff.cut_short(data)
    return False


def _pixels(
    image: Image.Image, data: bytes, kind: str, name: str, keep: int, upright: bool
) -> tuple[npt.NDArray[np.uint8], Message | None]:
    width, height = image.size
    _check_size(width, height, name)
    if width * height > keep:  # a JPEG can be decoded at half or a quarter of its size
        share = (keep / (width * height)) ** 0.5
        image.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
    if kind == "TIFF":
        tiff.mend(image, name)
    if tiff.is_deep_planar(image):
        loaded = tiff.planes(image, data)
    else:
        image.load()
        loaded = image
    gray = loaded.mode[:1] in "1LIF" and loaded.mode != "LAB"
    plain, note = _plain(loaded, kind, name)
    profile = image.info.get("icc_profile") or (jp2_profile(data) if kind == "JPEG2000" else b"")
    flat, good = in_srgb(_reduced(plain, keep), profile, gray)
    if not good:
        note = note or Message("{name}: its color profile can't be used; its colors are taken as sRGB.", {"name": name})
    if flat.mode == "RGBA":
        flat = _on_white(flat)
    turn = _UPRIGHT.get(_orientation(image)) if upright else None
    return np.array(flat if turn is None else flat.transpose(turn)), note  # (H, W, 3), a copy of its own


def _plain(image: Image.Image, kind: str, name: str) -> tuple[Image.Image, Message | None]:
    """One of the modes L, LA, RGB, RGBA, CMYK and LAB, and what has to be said of it."""
    if is_deep(image, kind):
        return to_gray(image, kind, name)
    if image.mode in ("CMYK", "LAB", "LA", "RGBA"):
        return image, None
    if image.has_transparency_data:
        return image.convert("LA" if image.mode == "La" else "RGBA"), None
    return image.convert("L" if image.mode == "1" else image.mode if image.mode == "L" else "RGB"), None


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


def _on_white(rgba: Image.Image) -> Image.Image:
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")
