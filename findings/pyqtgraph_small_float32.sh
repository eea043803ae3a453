#!/usr/bin/env bash
# pyqtgraph 0.14.0: float32 values that span less than about 1e-36 are all drawn as the highest one.
#
# Expected: levels are taken to the two ends of the color table, whatever they are; float32 holds steps down to 1e-45.
# Instead:  the factor (steps of the table) / (highest level - lowest level) is cast to the type of the data. In float32
#           it becomes infinite, and every value above the lowest level gets the last color. All that is said is
#           numpy's RuntimeWarning "overflow encountered in cast".
# Matters:  attention weights are float32, and a row of a cold softmax falls below 1e-36 some 80 logits from its
#           maximum. A map scaled to what it shows, far from the peak, is a plain area where there is a gradient.
# Do:       give such data as float64, or divide them by their span first.
#
# Seen: five values evenly spaced from 0 to the top, drawn in grays between levels 0 and the top
#   top 1e-36  float32 0 63 127 191 255   float64 0 63 127 191 255
#   top 1e-37  float32 0 255 255 255 255  float64 0 63 127 191 255
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check pyqtgraph==0.14.0 numpy==2.4.6 PySide6-Essentials==6.11.3
QT_QPA_PLATFORM=offscreen "$tmp/venv/bin/python" -I - <<'PY'
import sys
import warnings

import numpy as np
from pyqtgraph import makeARGB

seen = {}
print("pyqtgraph 0.14.0, five values evenly spaced from 0 to the top")
for top in (1e-36, 1e-37):
    for kind in (np.float32, np.float64):
        values = (np.linspace(0, 1, 5) * top).astype(kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawn, _ = makeARGB(values[None], levels=(float(values.min()), float(values.max())))
        seen[top, kind] = [int(gray) // 16 for gray in drawn[0, :, 0]]
        print(f"  top {top:g} {kind.__name__}", *drawn[0, :, 0])
even, last = [0, 3, 7, 11, 15], [0, 15, 15, 15, 15]
wanted = {(1e-36, np.float32): even, (1e-36, np.float64): even, (1e-37, np.float32): last, (1e-37, np.float64): even}
if seen != wanted:
    sys.exit("this is not what was seen with 0.14.0")
PY
