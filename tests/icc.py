"""Color profiles made by hand (ICC.1:2001-04), and what they mean, computed from the definition alone."""

from __future__ import annotations

import struct

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

#: Corners of a space in xy: red, green, blue; its white; its curve (None: sRGB's)
SRGB = (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), D65, None)
DISPLAY_P3 = (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65, None)
ADOBE_RGB = (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, 563 / 256)
PROPHOTO = (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 461 / 256)
SWAPPED = (SRGB[0][::-1], D65, None)  # red is blue

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def xyz(xy):
    return np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])


def to_d50(space):
    """Linear RGB to XYZ under D50 (3, 3), by Bradford."""
    corners, white, _ = space
    columns = np.stack([xyz(corner) for corner in corners], 1)
    matrix = columns * np.linalg.solve(columns, xyz(white))
    scale = (BRADFORD @ D50) / (BRADFORD @ xyz(white))
    return np.linalg.inv(BRADFORD) @ np.diag(scale) @ BRADFORD @ matrix


def linear(values, curve):
    """Levels 0..255 to light 0..1."""
    values = np.asarray(values, float) / 255
    if curve is not None:
        return values**curve
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def levels(light):
    """Light 0..1 to levels of sRGB."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def meant(rgb, space):
    """The sRGB levels (…, 3) that levels in another space stand for; what sRGB lacks is clipped."""
    light = linear(rgb, space[2]) @ to_d50(space).T
    return levels(light @ np.linalg.inv(to_d50(SRGB)).T)


def lab_meant(lab):
    """The sRGB levels (…, 3) of CIE L*a*b* under D50."""
    lab = np.asarray(lab, float)
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], -1)
    ratio = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return levels((ratio * D50) @ np.linalg.inv(to_d50(SRGB)).T)


# ------------------------------------------------------------------ bytes
def fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def curve_tag(curve):
    if curve is None:
        return b"para\0\0\0\0\0\3\0\0" + fixed(*SRGB_CURVE)
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(curve * 256)) + b"\0\0"


def profile(kind, colors, pcs, tags):
    """A whole profile: its class, color space, connection space and tags."""
    name = b"desc\0\0\0\0\0\0\0\5test\0" + bytes(78)
    tags = {b"desc": name + bytes(-len(name) % 4), b"cprt": b"text\0\0\0\0none\0\0\0\0", **tags}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(*D50)
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(content))
        body += content
    head = struct.pack(">I", at + len(body)) + b"lcms\2\x40\0\0" + kind + colors + pcs
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def of_colors(space):
    """A profile of a screen with three lights."""
    tags = {}
    for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_d50(space).T, strict=True):
        tags[tag] = b"XYZ \0\0\0\0" + fixed(*column)
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        tags[tag] = curve_tag(space[2])
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def of_gray(curve):
    """A profile of gray values."""
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve_tag(curve)})


def of_inks(lab):
    """A profile of a press (CMYK): what each of the 16 mixtures of none and all of an ink looks like, (16, 3) L*a*b*,
    black changing fastest."""
    lab = np.asarray(lab, float)
    nodes = np.stack([lab[:, 0] * 255 / 100, lab[:, 1] + 128, lab[:, 2] + 128], 1).round().astype(np.uint8)
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0\4\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + straight * 4 + nodes.tobytes() + straight * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})
