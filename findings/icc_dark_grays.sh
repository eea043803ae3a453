#!/usr/bin/env bash
# Pillow 13.0.0 with LittleCMS 2.19: a linear gray picture comes out too dark in its shadows.
#
# Expected: ImageCms to sRGB is exact to about half a level of 255; flags are for speed.
# Instead:  for an 8-bit gray picture the whole conversion is replaced by a table with straight lines between its nodes.
#           The first node lies near level 8 (as with 33 of them), and below it the curve to sRGB is bent most: level 2
#           should be 22 and is 12. HIGHRESPRECALC has more nodes and the same error further down; NOOPTIMIZE is right.
# Matters:  microscopes and renderers write linear gray, and the careful ones say so in a profile. What a model sees in
#           the shadows of such a picture is not what was recorded.
# Do:       flags=ImageCms.Flags.NOOPTIMIZE for gray, or 256 values through the curve oneself.
#
# Seen (levels 0 to 8 of the source, and the largest error over all 256):
#   by the formula   0  13  22  28  34  38  42  46  50
#   default          0   6  12  19  25  31  37  43  50   9.7
#   HIGHRESPRECALC   0   7  15  22  30  37  42  45  49   6.7
#   NOOPTIMIZE       0  13  22  28  34  38  42  46  50   0.5
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check pillow==13.0.0
"$tmp/venv/bin/python" -I - <<'PY'
import io
import struct
import sys

from PIL import Image, ImageCms, features

D50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)


def linear_gray():
    """An ICC 2.4 gray profile with the four tags that one must have; its curve is the identity (curv, count 0)."""
    name = b"linear gray\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + D50,
        b"kTRC": b"curv" + bytes(4) + struct.pack(">I", 0),
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">2I", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI", start + len(body), 0x02400000) + b"mntrGRAYXYZ "
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + D50
    return head.ljust(128, b"\0") + table + body


def srgb(light):
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
wanted = [srgb(level / 255) for level in range(256)]
source, target = ImageCms.ImageCmsProfile(io.BytesIO(linear_gray())), ImageCms.createProfile("sRGB")


def row(levels):
    return "".join(f"{round(level):4}" for level in levels[:9])


lcms = features.version("littlecms2")
print(f"Pillow 13.0.0 with LittleCMS {lcms}: linear gray to sRGB, levels 0 to 8 and the largest error")
print(f"  {'by the formula':15}{row(wanted)}")
seen = {}
for name, flags in {
    "default": ImageCms.Flags.NONE,
    "HIGHRESPRECALC": ImageCms.Flags.HIGHRESPRECALC,
    "NOOPTIMIZE": ImageCms.Flags.NOOPTIMIZE,
}.items():
    change = ImageCms.buildTransform(source, target, "L", "RGB", flags=flags)
    got = list(ImageCms.applyTransform(ramp, change).getchannel("G").tobytes())
    seen[name] = round(max(abs(a - b) for a, b in zip(got, wanted, strict=True)), 1)
    print(f"  {name:15}{row(got)}   {seen[name]}")
if (lcms, seen) != ("2.19", {"default": 9.7, "HIGHRESPRECALC": 6.7, "NOOPTIMIZE": 0.5}):
    sys.exit("this is not what was seen with 13.0.0 and 2.19")
PY
