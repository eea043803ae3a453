#!/usr/bin/env bash
# Pillow 13.0.0: two kinds of valid TIFF are opened without a word and have other pixels than the file.
#
# Expected: a TIFF that Image.open takes has the right pixels, at most fewer bits of them; what Pillow can't read is
#           an UnidentifiedImageError.
# Instead:  uncompressed 16-bit RGB in planes (PlanarConfiguration 2) is read as if its planes had 8 bits: two pixels
#           are made of each, and half of the picture is lost. The same picture pixel by pixel is right.
#           Big-endian float32 and int32 with deflate come out with their bytes swapped. Without compression, or
#           little-endian, they are right.
# Matters:  pictures of science are often in planes, 16 bits deep or big-endian. What comes is stripes and noise in the
#           right size and mode, and a model still answers.
# Do:       look at tags 258, 284 and 259 (bits, planes, compression) and the first two bytes (byte order), and
#           refuse these two kinds or read them with tifffile.
#
# Seen (first pixels; "file" is the high byte of what tifffile wrote and reads):
#   RGB 16 bit in planes, file:    [1, 101, 201] [2, 102, 202] [3, 103, 203] [4, 104, 204]
#   Pillow, mode RGB:              [128, 128, 128] [1, 101, 201] [128, 128, 128] [2, 102, 202]
#   RGB 16 bit by pixel, Pillow:   the file's
#   big-endian float32: plain the file's, deflate swapped; big-endian int32: plain the file's, deflate swapped
#   little-endian float32: plain the file's, deflate the file's; little-endian int32: the same
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$tmp"
venv/bin/python -I - <<'PY'
import sys

import numpy as np
import tifffile
from PIL import Image


def pixels(file, wanted, **how):
    """What Pillow reads of the array ``wanted`` once tifffile has written it, and has read it right."""
    tifffile.imwrite(file, wanted, **how)
    assert np.array_equal(tifffile.imread(file), wanted)
    with Image.open(file) as picture:
        return np.asarray(picture)


def told(levels):
    return " ".join(str(pixel.tolist()) for pixel in levels[0, :4])


print("Pillow 13.0.0 reads what tifffile 2026.3.3 wrote")
# Little-endian words whose low byte is always 128, so that one sees which byte is shown.
high = np.stack([np.arange(1, 33).reshape(4, 8) + shift for shift in (0, 100, 200)], axis=-1)
color = (high * 256 + 128).astype("uint16")  # (4, 8, 3)
planes = pixels("planes.tif", color.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", byteorder="<")
mixed = pixels("mixed.tif", color, photometric="rgb", byteorder="<")
print("  RGB 16 bit in planes, file:  ", told(high))
print("  RGB 16 bit in planes, Pillow:", told(planes))
print("  RGB 16 bit by pixel, Pillow: ", told(mixed))
halves = np.stack([np.full_like(high, 128), high], axis=2).reshape(4, 16, 3)  # low byte, high byte, low byte, ...
as_seen = planes.shape == high.shape and np.array_equal(planes.reshape(-1, 3), halves.reshape(-1, 3)[: high.size // 3])
as_seen &= np.array_equal(mixed, high)

for order, name in (("<", "little-endian"), (">", "big-endian")):
    for kind in ("float32", "int32"):
        numbers = np.arange(1, 33).reshape(4, 8).astype(kind)
        results = []
        for compression in (None, "zlib"):
            got = pixels("one.tif", numbers, photometric="minisblack", byteorder=order, compression=compression)
            same, swapped = np.array_equal(got, numbers), np.array_equal(got.astype(kind).byteswap(), numbers)
            results.append("the file's" if same else "swapped" if swapped else "something else")
        print(f"  {name} {kind}: plain {results[0]}, deflate {results[1]}")
        as_seen &= results == ["the file's", "swapped" if order == ">" else "the file's"]
if not as_seen:
    sys.exit("this is not what was seen with 13.0.0")
PY
