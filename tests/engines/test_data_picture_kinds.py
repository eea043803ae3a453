"""What is no picture to be read here is called by its name, and what another package reads is read by it."""

from __future__ import annotations

import io
import re
import struct
import sys
import types

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from engines.core.errors import LabError
from engines.data.pictures import read_picture, stored_size
from tests import corpus
from tests.corpus import HIGH, PNG, WIDE, save
from tests.tiffs import tiff


def media(*brands: bytes) -> bytes:
    """The start of an ISO media file of these brands."""
    size = 16 + 4 * (len(brands) - 1)
    return struct.pack(">I", size) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:]) + b"\0\0\0\x08mdat"


DNG = tiff(corpus.scene(), t50706=1)
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
NAMED = {
    "favicon.ico": (save(corpus.rgb(), "ICO"), "an icon (ICO)"),
    "pointer.cur": (b"\0\0\2\0\1\0" + bytes(40), "an icon (ICO)"),
    "app.icns": (b"icns" + bytes(40), "an icon (ICNS)"),
    "old.tga": (save(corpus.rgb(), "TGA"), "a TGA picture"),
    "older.tga": (save(corpus.rgb(), "TGA").replace(b"TRUEVISION-XFILE.", b""), "a TGA picture"),
    "disguised.png": (save(corpus.rgb(), "TGA"), "a TGA picture"),
    "paper.pdf": (b"%PDF-1.7\n", "a PDF document"),
    "layers.psd": (b"8BPS\0\1" + bytes(40), "a Photoshop file (PSD)"),
    "drawing.svg": (SVG, "an SVG drawing"),
    "saved.jpg": (b"\n <!DOCTYPE html><p>404", "a web page"),
    "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file"),
    "new.jxl": (b"\xff\x0a" + bytes(40), "a JPEG XL picture"),
    "boxed.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL picture"),
    "light.exr": (b"v/1\1" + bytes(40), "an OpenEXR picture"),
    "light.hdr": (b"#?RADIANCE\n", "a Radiance picture (HDR)"),
    "bones.dcm": (bytes(128) + b"DICM", "a DICOM file"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "a camera's raw picture"),
    "a.cr3": (media(b"crx ", b"isom"), "a camera's raw picture"),
    "a.nef": (tiff(corpus.scene()), "a camera's raw picture"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "a camera's raw picture"),
    "a.rw2": (b"IIU\0" + bytes(40), "a camera's raw picture"),
    "renamed.tif": (DNG, "a camera's raw picture"),
}
VIDEOS = {
    "film.mp4": media(b"isom", b"avc1"),
    "film.mov": media(b"qt  "),
    "film.mkv": b"\x1a\x45\xdf\xa3" + bytes(40),
    "film.avi": b"RIFF" + bytes(4) + b"AVI " + bytes(40),
    "film.mpg": b"\0\0\1\xba" + bytes(40),
    "film.wmv": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(40),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_can_not_be_read_is_called_by_its_name(name):
    data, kind = NAMED[name]
    with pytest.raises(LabError) as caught:
        read_picture(data, name)
    assert str(caught.value) == f"{name}: {kind}. Save it as PNG or JPEG."


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_called_one(name):
    with pytest.raises(LabError) as caught:
        read_picture(VIDEOS[name], name)
    assert str(caught.value) == f"{name}: a video. Save one of its frames as PNG or JPEG."


@pytest.mark.parametrize("name", ["notes.txt", "notes.raw", "notes.tga", "notes.nef"])
def test_a_name_alone_makes_nothing_a_picture(name):
    with pytest.raises(LabError, match=rf"^{name}: not an image\.$"):
        read_picture(b"Nothing of this kind is in here.\n" * 9, name)


HEIC = [media(b"heic", b"mif1", b"heic"), media(b"mif1", b"heic"), media(b"heix"), media(b"msf1", b"hevc")]


@pytest.mark.parametrize("data", HEIC)
def test_a_heic_picture_says_what_reads_it(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    wanted = "holiday.heic: HEIC pictures need pillow-heif (pip install pillow-heif)."
    with pytest.raises(LabError, match=f"^{re.escape(wanted)}$"):
        read_picture(data, "holiday.heic")


class Heif(ImageFile.ImageFile):
    """Stands for the reader of pillow-heif: what lies behind the first box is a PNG."""

    format = "HEIF"

    def _open(self):
        data = self.fp.read()
        self.inner = Image.open(io.BytesIO(data[data.index(b"\x89PNG") :]))
        self._size, self._mode = self.inner.size, self.inner.mode
        self.info["icc_profile"] = self.inner.info.get("icc_profile")

    def load(self):
        self._im = self.im = self.inner.copy().im
        return Image.Image.load(self)


@pytest.fixture
def heif(monkeypatch):
    """A package like pillow-heif."""
    found = types.ModuleType("pillow_heif")
    found.register_heif_opener = lambda: Image.register_open("HEIF", Heif, lambda start: start[4:8] == b"ftyp")
    monkeypatch.setitem(sys.modules, "pillow_heif", found)
    yield
    Image.OPEN.pop("HEIF", None)
    Image.ID.remove("HEIF")


def test_a_heic_picture_is_read_where_its_package_is(heif, tmp_path):
    picture = read_picture(media(b"heic", b"mif1") + PNG, "holiday.heic")
    assert np.array_equal(picture.rgb, corpus.scene())
    (tmp_path / "holiday.heic").write_bytes(media(b"heic", b"mif1") + PNG)
    assert stored_size(tmp_path / "holiday.heic") == (WIDE, HIGH)


@pytest.mark.parametrize(("kind", "part"), [("AVIF", "avif"), ("JPEG2000", "jpg_2000")])
def test_newer_kinds_are_read_where_pillow_can(kind, part, monkeypatch):
    if features.check(part):
        found = read_picture(
            save(corpus.rgb(), kind, quality=95) if kind == "AVIF" else save(corpus.rgb(), kind), "new"
        )
        assert np.abs(found.rgb[4, 4].astype(int) - corpus.CORNERS[0]).max() < 14
    monkeypatch.setattr(features, "check", lambda name: False)
    data = media(b"avif", b"mif1") if kind == "AVIF" else b"\xff\x4f\xff\x51" + bytes(40)
    with pytest.raises(LabError, match=rf"^new: {kind} pictures need a newer Pillow"):
        read_picture(data, "new")


def test_the_size_of_what_is_no_picture_is_none(tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    assert stored_size(tmp_path / "a.png") == (WIDE, HIGH)
    (tmp_path / "turned.jpg").write_bytes(corpus.upright("JPEG", 6))
    assert stored_size(tmp_path / "turned.jpg") == (HIGH, WIDE)
    (tmp_path / "b.png").write_bytes(b"nothing")
    (tmp_path / "half.png").write_bytes(PNG[:20])
    for path, _ in corpus.write_oddities(tmp_path).values():  # a pipe among them, which would wait for ever
        assert stored_size(path) is None
    for name in ("b.png", "half.png"):
        assert stored_size(tmp_path / name) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\3\4" + bytes(60), "an archive. Unpack it"),
        (b"\x1f\x8b\x08" + bytes(60), "an archive. Unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer"),
    ],
)
def test_archives_and_pointers_are_named(data, words):
    with pytest.raises(LabError, match=words):
        read_picture(data, "photo.png")
