"""What a file is by its first bytes: a kind of picture that can be read, or another thing that has a name."""

from __future__ import annotations

from pathlib import PurePath

from engines.core.errors import LabError, Message
from engines.core.reading import check_pointer
from engines.data import tiff

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
}
# the brands of the ISO base media format (ISO/IEC 14496-12, 23008-12)
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

_VIDEO = Message("a video")
_PACKED = Message("an archive")
_RAW = Message("a camera's raw picture")
_OTHERS: tuple[tuple[int, bytes, Message], ...] = (  # where the mark stands, the mark, what it is
    (0, b"PK\3\4", _PACKED),
    (0, b"\x1f\x8b\x08", _PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", _PACKED),
    (0, b"Rar!\x1a\x07", _PACKED),
    (0, b"\xfd7zXZ\0", _PACKED),
    (257, b"ustar", _PACKED),
    (0, b"icns", Message("an icon (ICNS)")),
    (0, b"8BPS", Message("a Photoshop file (PSD)")),
    (0, b"gimp xcf", Message("a GIMP file (XCF)")),
    (0, b"%PDF-", Message("a PDF document")),
    (0, b"%!PS", Message("a PostScript file")),
    (0, b"\xc5\xd0\xd3\xc6", Message("a PostScript file")),
    (0, b"\xff\x0a", Message("a JPEG XL picture")),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", Message("a JPEG XL picture")),
    (0, b"II\xbc", Message("a JPEG XR picture")),
    (0, b"v/1\1", Message("an OpenEXR picture")),
    (0, b"#?R", Message("a Radiance picture (HDR)")),
    (0, b"DDS ", Message("a texture (DDS)")),
    (0, b"\x0a\x05\x01\x08", Message("a PCX picture")),
    (128, b"DICM", Message("a DICOM file")),
    (40, b" EMF", Message("a drawing (EMF)")),
    (0, b"\xd7\xcd\xc6\x9a", Message("a drawing (WMF)")),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"IIRS", _RAW),
    (0, b"MMOR", _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"FOVb", _RAW),
    (0, b"\0MRM", _RAW),
    (6, b"HEAPCCDR", _RAW),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),  # Matroska, WebM
    (8, b"AVI ", _VIDEO),
    (0, b"\0\0\1\xba", _VIDEO),
    (0, b"\0\0\1\xb3", _VIDEO),
    (0, b"FLV\1", _VIDEO),
    (0, b"OggS", _VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO),  # Windows Media
    (4, b"moov", _VIDEO),
    (4, b"mdat", _VIDEO),
)
#: Raw pictures that are TIFF files as well: what a decoder of TIFF finds in them is a thumbnail.
_RAW_SUFFIXES = {
    ".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".nef", ".nrw",
    ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
}  # fmt: skip
_DNG_VERSION = 50706  # the tag


def kind_of(data: bytes) -> str:
    """Format by the first bytes, as Pillow calls it; empty if it is none that can be read."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if brands := _brands(data):
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIC else ""
    if data[:1] == b"P" and data[1:2] in b"123456fF" and data[2:3].isspace():
        return "PPM"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")


def check_readable(data: bytes, name: str) -> str:
    """Format of a picture file, as `kind_of`.

    Raises
    ------
    LabError
        If it is another thing, saying what as far as that can be told.
    """
    check_pointer(data, name)
    kind = kind_of(data)
    raw = kind == "TIFF" and _is_raw(data, name)
    if kind and not raw:
        return kind
    other = _RAW if raw else _other(data, name)
    if other is None:
        raise LabError("{name}: not an image.", name=name)
    if other is _VIDEO:
        raise LabError("{name}: {kind}. Save one of its frames as PNG or JPEG.", name=name, kind=other)
    if other is _PACKED:
        raise LabError("{name}: {kind}. Unpack it and drop its contents.", name=name, kind=other)
    raise LabError("{name}: {kind}. Save it as PNG or JPEG.", name=name, kind=other)


def _brands(data: bytes) -> set[bytes]:
    """The brands of an ISO media file, the first among them; none for other files."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def _is_raw(data: bytes, name: str) -> bool:
    """Whether a TIFF file holds what a camera's sensor saw; its first picture is then a thumbnail."""
    if PurePath(name).suffix.lower() in _RAW_SUFFIXES or data[8:10] == b"CR":
        return True
    return _DNG_VERSION in tiff.fields(data)


def _other(data: bytes, name: str) -> Message | None:
    """What a file is that is no picture to be read here; None if nobody can tell."""
    suffix = PurePath(name).suffix.lower()
    if brands := _brands(data):
        return _RAW if b"crx " in brands else _VIDEO
    if suffix in _RAW_SUFFIXES and not data[:1].isspace() and not data[:64].isascii():
        return _RAW
    if data[-18:-1] == b"TRUEVISION-XFILE." or (suffix in (".tga", ".targa") and _looks_like_tga(data)):
        return Message("a TGA picture")
    if data[:4] in (b"\0\0\1\0", b"\0\0\2\0") and data[4:6] != b"\0\0":
        return Message("an icon (ICO)")  # or a mouse pointer
    for at, mark, kind in _OTHERS:
        if data.startswith(mark, at):
            return kind
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in data[:4096].lower():
        return Message("an SVG drawing")
    if start.startswith((b"<!doctype html", b"<html")):
        return Message("a web page")
    return None


def _looks_like_tga(data: bytes) -> bool:
    """By its head alone, since older ones carry no mark."""
    return len(data) > 18 and data[1] in (0, 1) and data[2] in (1, 2, 3, 9, 10, 11) and data[16] in (8, 15, 16, 24, 32)
