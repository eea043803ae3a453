"""Values that are no bytes: shown as the file means them, said where it does not say, refused where they can't be."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engines.core.errors import LabError
from engines.data.pictures import decode, read_picture
from tests import corpus, tiffs
from tests.corpus import HIGH, WIDE, save
from tests.tiffs import tiff

WAYS = [{"order": order, "packed": packed} for order in "<>" for packed in (False, True)]


def way(one):
    return f"{'big' if one['order'] == '>' else 'little'}{'-packed' * one['packed']}"


ways = pytest.mark.parametrize("how", WAYS, ids=way)


def ramp(low, high, kind):
    return np.tile(np.linspace(low, high, WIDE), (HIGH, 1)).astype(kind)


def levels(values, low, high):
    """What is to come out, from the definition."""
    return 255 * (values.astype(float) - low) / (high - low)


def off(found, wanted):
    """Levels between a gray picture and what it should be."""
    assert (found == found[..., :1]).all()
    return np.abs(found[..., 0] - wanted).max()


def read_or_refuse(data):
    """The picture, or what is said instead."""
    try:
        return read_picture(data, "deep.tif")
    except LabError as error:
        return str(error)


@ways
@pytest.mark.parametrize("planar", [False, True], ids=["together", "planes"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_colors_in_any_order_of_bytes_and_planes(kind, planar, how):
    rgb = corpus.scene().astype(kind) * (257 if kind == "u2" else 1)
    assert np.array_equal(decode(tiff(rgb, planar=planar, **how), "scene"), corpus.scene())
    clear = np.dstack([rgb, np.full((HIGH, WIDE), np.iinfo(kind).max, kind)])
    clear[: HIGH // 2, : WIDE // 2, 3] = 0
    found = decode(tiff(clear, planar=planar, **how), "clear")
    assert (found[: HIGH // 2, : WIDE // 2] == 255).all()
    assert np.array_equal(found[HIGH // 2 :], corpus.scene()[HIGH // 2 :])


def test_sixteen_bits_a_channel_lose_less_than_a_level():
    values = np.random.default_rng(0).integers(0, 65536, (HIGH, WIDE, 3), np.uint16)
    for planar in (False, True):
        assert np.abs(decode(tiff(values, planar=planar), "noise") - values / 257).max() < 1


@ways
@pytest.mark.parametrize("kind", ["u2", "u4"])
def test_unsigned_values(kind, how):
    top = np.iinfo(kind).max
    values = ramp(0, top, kind)
    picture = read_or_refuse(tiff(values, **how))
    if (kind, how["order"]) == ("u4", ">") and isinstance(picture, str):  # no Pillow knows these so far
        assert "a TIFF of 1 × 32 bits can't be read. Save it as RGB or gray" in picture
        return
    assert off(picture.rgb, levels(values, 0, top)) < 1
    assert (picture.note is None) == (kind == "u2")


@ways
@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "f4"])
def test_values_with_signs_go_from_least_to_greatest_and_that_is_said(kind, how):
    low, high = (-0.5, 7.5) if kind == "f4" else (np.iinfo(kind).min // 2, np.iinfo(kind).max // 4)
    values = ramp(low, high, kind)
    picture = read_picture(tiff(values, **how), "signed.tif")
    assert off(picture.rgb, levels(values, values.min(), values.max())) < 1
    assert str(picture.note).startswith("signed.tif: values from \N{MINUS SIGN}")
    assert str(picture.note).endswith("are shown from black to white.")


@pytest.mark.parametrize(
    ("kind", "top", "white"),
    [("i4", 255, 255), ("i4", 200, 255), ("i4", 300, 65535), ("i2", 30_000, 65535), ("f4", 0.8, 1), ("f4", 200, 255)],
)
def test_white_where_the_file_does_not_say(kind, top, white):
    values = ramp(0, top, kind)
    picture = read_picture(tiff(values), "a.tif")
    assert off(picture.rgb, levels(values, 0, white)) < 1
    assert str(picture.note) == f"a.tif: values from 0 to {white:.4g} are shown from black to white."


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_few_bits_fill_the_whole_range(bits):
    values = ramp(0, 2**bits - 1, int)
    picture = read_picture(tiffs.few_bits(values, bits) if bits < 16 else tiff(values.astype("u2")), "few.tif")
    assert off(picture.rgb, levels(values, 0, 2**bits - 1)) < 1
    assert picture.note is None


@ways
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_white_may_be_zero(kind, how):
    top = 1 if kind == "f4" else np.iinfo(kind).max
    values = ramp(0, top, kind)
    picture = read_or_refuse(tiff(values, t262=0, **how))
    if (kind, how["order"]) == ("u2", ">") and isinstance(picture, str):  # only newer Pillows know these
        assert "a TIFF of 1 × 16 bits can't be read" in picture
        return
    assert off(picture.rgb, 255 - levels(values, 0, top)) < 1


@pytest.mark.parametrize("top", [40, 255, 256, 65535])
def test_a_dark_picture_of_sixteen_bits_stays_dark(top):
    values = ramp(0, top, np.uint16)
    wanted = levels(values, 0, 65535)
    png = read_picture(save(Image.fromarray(values), "PNG"), "dark.png")
    assert off(png.rgb, wanted) < 1
    assert png.note is None
    assert off(decode(b"P5 %d %d 65535\n" % (WIDE, HIGH) + values.astype(">u2").tobytes(), "dark"), wanted) < 1
    assert off(decode(save(Image.fromarray(values), "JPEG2000"), "dark"), wanted) < 1


def test_a_clear_value_of_sixteen_bits():
    rows = b"".join(b"\0" + row.tobytes() for row in ramp(0, 65535, ">u2"))
    data = corpus.png(WIDE, HIGH, 16, 0, rows, corpus.png_chunk(b"tRNS", b"\0\0"))
    found = decode(data, "clear")
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[0, 1].tolist() == [7, 7, 7]


REFUSED = {
    "1 × 64 bits": tiff(ramp(0, 9, "u8")),
    "1 × 64 bits, signed": tiff(ramp(0, 9, "i8")),
    "1 × 16 bits, floating point": tiff(ramp(0, 1, "f2")),
    "1 × 64 bits, floating point": tiff(ramp(0, 1, "f8")),
    "3 × 32 bits": tiff(corpus.scene().astype("u4")),
    "3 × 16 bits, signed": tiff(corpus.scene().astype("i2")),
    "3 × 32 bits, floating point": tiff(corpus.scene().astype("f4")),
    "2 × 16 bits": tiff(np.dstack([ramp(0, 9, "u2")] * 2)),
    "1 × 10 bits": tiffs.few_bits(ramp(0, 1023, int), 10),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_not_be_read_is_named(what):
    with pytest.raises(LabError) as caught:
        read_picture(REFUSED[what], "odd.tif")
    wanted = f"odd.tif: a TIFF of {what} can't be read. Save it as RGB or gray with 8 or 16 bits."
    assert str(caught.value) == wanted


def test_what_would_be_taken_wrongly_is_refused():
    square = np.resize(corpus.scene().astype("u2") * 257, (16, 16, 3))
    with pytest.raises(LabError, match=r"^tiles.tif: a tiled, planar TIFF with 16 bits can't be read\.$"):
        read_picture(tiff(square, planar=True, tiles=True), "tiles.tif")
    halved = tiff(corpus.scene(), t262=6, t530=[2, 2])
    with pytest.raises(LabError, match=r"^halved.tif: an uncompressed TIFF with subsampled chroma can't be read\.$"):
        read_picture(halved, "halved.tif")


@pytest.mark.parametrize("planar", [False, True])
def test_a_cut_in_deep_values_is_noticed(planar):
    whole = tiff(corpus.scene().astype("u2") * 257, planar=planar)
    for missing in (1, 500, len(whole) // 2):
        with pytest.raises(LabError, match=r"^cut: the file is truncated\.$"):
            decode(whole[:-missing], "cut")


def test_deep_values_need_little_more_room_than_they_take(monkeypatch):
    """They are looked at some rows at a time, and what comes out is the same."""
    values = ramp(-5, 5, "f4")
    whole = decode(tiff(values), "whole")
    seen = []
    crop = Image.Image.crop
    monkeypatch.setattr(Image.Image, "crop", lambda self, box: seen.append(box) or crop(self, box))
    monkeypatch.setattr("engines.data.picture_values._BAND", 5 * WIDE)
    assert np.array_equal(decode(tiff(values), "banded"), whole)
    assert max(bottom - top for _, top, _, bottom in seen) == 5
