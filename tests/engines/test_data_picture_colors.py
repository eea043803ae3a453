"""A color profile is honored, in every kind of picture and on every way in; a broken one is passed over."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from engines.data.boxes_folder import Annotated
from engines.data.class_folders import read_square
from engines.data.detector_pictures import opened
from engines.data.pictures import decode, read_picture
from tests import corpus, icc
from tests.corpus import CORNERS, HIGH, WIDE, save

SPACES = {"P3": icc.DISPLAY_P3, "Adobe": icc.ADOBE_RGB, "ProPhoto": icc.PROPHOTO, "swapped": icc.SWAPPED}
KINDS = ("PNG", "TIFF", "JPEG", "WEBP")
CLOSE = 1.6  # levels: what 8 bits in and out cost
MUTED = ((150, 60, 70), (70, 140, 90), (60, 70, 150), (200, 200, 190))  # inside sRGB, whatever the space


def colors(four=MUTED):
    """The scene in other colors."""
    rgb = corpus.scene()
    for old, new in zip(CORNERS, four, strict=True):
        rgb[(corpus.scene() == old).all(2)] = new
    return rgb


def corners(rgb):
    return [rgb[y, x].astype(float) for y in (2, HIGH - 3) for x in (2, WIDE - 3)]


def off(rgb, wanted):
    return np.abs(np.array(corners(rgb)) - wanted).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPACES)
def test_colors_are_those_that_the_profile_means(name, kind):
    exact = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    data = save(Image.fromarray(colors()), kind, icc_profile=icc.of_colors(SPACES[name]), **exact.get(kind, {}))
    wanted = icc.meant(MUTED, SPACES[name])
    assert np.abs(wanted - MUTED).max() > 5
    assert off(decode(data, name), wanted) < CLOSE + 2 * (kind == "JPEG")


def test_swapped_primaries_come_out_right():
    data = save(Image.fromarray(colors()[..., ::-1]), "PNG", icc_profile=icc.of_colors(icc.SWAPPED))
    assert off(decode(data, "swapped"), MUTED) < CLOSE


def test_what_is_outside_of_srgb_is_clipped():
    data = save(Image.new("RGB", (4, 4), (0, 255, 0)), "PNG", icc_profile=icc.of_colors(icc.DISPLAY_P3))
    assert decode(data, "green")[0, 0].tolist() == [0, 255, 0]


def test_a_profile_of_srgb_changes_nothing():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    data = save(Image.fromarray(noise), "PNG", icc_profile=icc.of_colors(icc.SRGB))
    assert np.array_equal(decode(data, "noise"), noise)


def test_alpha_and_palettes_have_profiles_too():
    rgba = np.dstack([colors(), np.full((HIGH, WIDE), 255, np.uint8)])
    rgba[: HIGH // 2, : WIDE // 2, 3] = 0
    wanted = icc.meant(MUTED, icc.ADOBE_RGB)
    wanted[0] = 255
    profile = icc.of_colors(icc.ADOBE_RGB)
    assert off(decode(save(Image.fromarray(rgba), "PNG", icc_profile=profile), "rgba"), wanted) < CLOSE
    few = Image.fromarray(rgba).quantize(8)
    assert off(decode(save(few, "PNG", icc_profile=profile), "palette"), wanted) < CLOSE + 3  # eight colors are few


def test_a_turned_picture_has_both():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(colors()).transpose(Image.Transpose.ROTATE_90)
    data = save(stored, "TIFF", exif=exif, icc_profile=icc.of_colors(icc.ADOBE_RGB))
    found = decode(data, "turned")
    assert found.shape == (HIGH, WIDE, 3)
    assert off(found, icc.meant(MUTED, icc.ADOBE_RGB)) < CLOSE


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("deep", [False, True])
def test_gray_values_have_profiles(kind, deep):
    ramp = np.tile(np.linspace(0, 255, WIDE).round(), (4, 1))
    image = Image.fromarray((ramp * 257).astype(np.uint16) if deep else ramp.astype(np.uint8))
    found = decode(save(image, kind, icc_profile=icc.of_gray(1.0)), "linear")
    wanted = icc.levels(ramp / 255)
    assert np.abs(found - wanted[..., None]).max() < CLOSE
    clear = Image.merge("LA", [Image.fromarray(ramp.astype(np.uint8)), Image.new("L", (WIDE, 4), 255)])
    found = decode(save(clear, kind, icc_profile=icc.of_gray(1.0)), "linear")
    assert np.abs(found - wanted[..., None]).max() < CLOSE


def test_gray_values_in_a_space_of_colors():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    found = decode(save(Image.fromarray(ramp), "PNG", icc_profile=icc.of_colors(icc.PROPHOTO)), "gray")
    wanted = icc.meant(np.repeat(ramp[..., None], 3, 2), icc.PROPHOTO)
    assert np.abs(found - wanted).max() < CLOSE


def inks():
    """A made-up press: CMYK none and all, black last."""
    paper = np.array([100, 0, 0])
    pull = np.array([[-40, -30, -45], [-45, 70, -5], [-8, -6, 85]])  # of cyan, magenta, yellow
    found = []
    for node in range(16):
        cyan, magenta, yellow, black = ((node >> shift) & 1 for shift in (3, 2, 1, 0))
        lab = paper + np.array([cyan, magenta, yellow]) @ pull
        found.append((0, 0, 0) if black else (max(lab[0], 0), *np.clip(lab[1:], -100, 100)))
    return np.array(found)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_have_profiles(kind):
    mixtures = (0b1000, 0b0100, 0b0010, 0b0000)
    cmyk = np.zeros((HIGH, WIDE, 4), np.uint8)
    half, middle = HIGH // 2, WIDE // 2
    places = np.s_[:half, :middle], np.s_[:half, middle:], np.s_[half:, :middle], np.s_[half:, middle:]
    for place, mixture in zip(places, mixtures, strict=True):
        cmyk[place] = [255 * (mixture >> shift & 1) for shift in (3, 2, 1, 0)]
    exact = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    image = Image.frombytes("CMYK", (WIDE, HIGH), cmyk.tobytes())
    found = decode(save(image, kind, icc_profile=icc.of_inks(inks()), **exact), "press")
    assert off(found, icc.lab_meant(inks()[list(mixtures)])) < 4
    plain = decode(save(image, kind, **exact), "without")
    assert off(plain, ((0, 255, 255), (255, 0, 255), (255, 255, 0), (255, 255, 255))) < 4


def test_lab_against_the_definition():
    lab = np.array([[60, 50, 30], [50, -40, 20], [40, 20, -50], [90, 0, 0]])
    # a TIFF holds L* as 0..255 and a*, b* with signs
    stored = np.stack([lab[:, 0] * 255 / 100, lab[:, 1], lab[:, 2]], 1).round().astype(int).astype(np.uint8)
    image = Image.frombytes("LAB", (4, 1), stored.tobytes())
    found = decode(save(image, "TIFF"), "lab")
    assert np.abs(found[0] - icc.lab_meant(lab)).max() < 3
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # Pillow writes it, of a class of its own
    named = read_picture(save(image, "TIFF", icc_profile=own), "lab.tif")
    assert np.array_equal(named.rgb, found)
    assert named.note is None  # its colors are no guess


BROKEN = {
    "empty": b"\0" * 200,
    "noise": np.random.default_rng(1).bytes(4000),
    "cut": icc.of_colors(icc.ADOBE_RGB)[:250],
    "no tags": icc.of_colors(icc.ADOBE_RGB)[:128] + bytes(4),
    "for inks": icc.of_inks(inks()),
    "for gray": icc.of_gray(1.0),
    "a link": icc.profile(b"link", b"RGB ", b"RGB ", {}),
    "names": icc.profile(b"nmcl", b"RGB ", b"XYZ ", {}),
    "seven inks": icc.profile(b"mntr", b"7CLR", b"Lab ", {}),
    "text": b"this is no profile",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_profile_is_passed_over_and_said(name):
    picture = read_picture(save(corpus.rgb(), "PNG", icc_profile=BROKEN[name]), "odd.png")
    assert np.array_equal(picture.rgb, corpus.scene())
    assert str(picture.note) == "odd.png: its color profile can't be used; its colors are taken as sRGB."


@pytest.mark.parametrize("seed", range(4))
def test_any_damage_to_a_profile_leaves_a_picture(seed):
    rng = np.random.default_rng(seed)
    for whole in (icc.of_colors(icc.ADOBE_RGB), icc.of_gray(2.2), icc.of_inks(inks())):
        for _ in range(12):
            damaged = np.frombuffer(whole, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), 5)] = rng.integers(0, 256, 5)
            mode = {b"GRAY": "L", b"CMYK": "CMYK"}.get(whole[16:20], "RGB")
            data = save(corpus.rgb().convert(mode), "TIFF", icc_profile=damaged.tobytes())
            assert decode(data, "damaged").shape == (HIGH, WIDE, 3)


def test_a_large_profile_is_passed_over(monkeypatch):
    monkeypatch.setattr("engines.data.picture_colors.PROFILE_LIMIT", 100)
    picture = read_picture(save(corpus.rgb(), "PNG", icc_profile=icc.of_colors(icc.ADOBE_RGB)), "large.png")
    assert picture.note is not None


def test_a_reduced_picture_is_converted_as_well():
    data = save(
        Image.fromarray(colors()).resize((360, 240)), "JPEG", quality=95, icc_profile=icc.of_colors(icc.PROPHOTO)
    )
    picture = read_picture(data, "large.jpg", keep=HIGH * WIDE)
    assert picture.rgb.shape == (HIGH, WIDE, 3)
    assert off(picture.rgb, icc.meant(MUTED, icc.PROPHOTO)) < 6


def test_training_squares_have_the_same_colors():
    data = save(Image.fromarray(colors()), "PNG", icc_profile=icc.of_colors(icc.SWAPPED))
    wanted = decode(data, "whole")[:, (WIDE - HIGH) // 2 : (WIDE + HIGH) // 2]
    assert np.array_equal(read_square(data, HIGH, "square"), wanted)


@pytest.mark.parametrize("meant", [(WIDE, HIGH), (HIGH, WIDE)], ids=["upright", "as stored"])
def test_training_pictures_with_boxes_have_the_same_colors(meant, tmp_path):
    """Turned only where the boxes were drawn on the turned picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(colors()[..., ::-1]).transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "a.png", exif=exif, icc_profile=icc.of_colors(icc.SWAPPED))
    boxed = Annotated(tmp_path / "a.png", np.zeros((0, 4), np.float32), np.zeros(0, np.int64), meant)
    found = np.asarray(opened(boxed, 64))
    wanted = colors() if meant == (WIDE, HIGH) else np.rot90(colors())
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).max() <= 1


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow reads no JPEG 2000")
def test_jpeg_2000_with_a_profile():
    data = save(Image.fromarray(colors()), "JPEG2000")
    profile = icc.of_colors(icc.ADOBE_RGB)
    at = data.index(b"colr") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    box = struct.pack(">I", 11 + len(profile)) + b"colr\2\0\0" + profile
    head = data.index(b"jp2h") - 4
    grown = int.from_bytes(data[head : head + 4], "big") + len(box) - size
    data = data[:head] + struct.pack(">I", grown) + data[head + 4 : at] + box + data[at + size :]
    assert off(decode(data, "space.jp2"), icc.meant(MUTED, icc.ADOBE_RGB)) < CLOSE
