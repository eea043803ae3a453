#!/usr/bin/env bash
# torch 2.13.0, CPU: a depthwise convolution takes ten times as long once its kernel is 14 cells wide.
#
# Expected: time that grows with the cells of the kernel: 15 x 15 has a third more than 13 x 13.
# Instead:  for contiguous tensors (channels first) there is a step between 13 and 14 cells of width, whatever the
#           height; for the same tensors with channels last there is none. The results are the same.
# Matters:  nets with large kernels (RepLKNet, SLaK, UniRepLKNet) look unusable on a CPU, in training even more so.
# Do:       from 14 cells on, `x.contiguous(memory_format=torch.channels_last)` before the call. Both gradients of a
#           depthwise convolution are such convolutions, too, and profit as much (engines/large_kernel/convolution.py).
#
# Seen: the table that it prints; the last column is what channels last saves.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check "torch==2.13.0" "numpy==2.4.6"
"$tmp/venv/bin/python" -I - <<'PY'
import sys
import time

import torch
from torch.nn import functional as F

torch.set_num_threads(1)
C, SIDE = 64, 56


def best(work, runs=4):
    spent = []
    for _ in range(runs):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return 1000 * min(spent)


x = torch.randn(1, C, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
last = x.contiguous(memory_format=torch.channels_last)
times = {}
print("kernel    first     last  ms")
with torch.inference_mode():
    for rows, cols in ((11, 11), (13, 13), (31, 13), (13, 14), (13, 15), (15, 15), (31, 31)):
        kernel = torch.randn(C, 1, rows, cols, generator=torch.Generator().manual_seed(1))
        padding = rows // 2, cols // 2
        first = best(lambda: F.conv2d(x, kernel, padding=padding, groups=C))
        other = best(lambda: F.conv2d(last, kernel, padding=padding, groups=C))
        times[rows, cols] = first
        print(f"{rows:2} x {cols:2}  {first:7.2f}  {other:7.2f}  {first / other:5.1f} x")
sys.exit(0 if times[15, 15] > 5 * times[13, 13] else "no longer so")
PY
