#!/usr/bin/env bash
# transformers 5.24.0: a Swin that has seen one picture smaller than a window takes no other picture any more.
#
# Expected: a picture that is too small is refused, or padded; the next one of the usual size is answered as before.
# Instead:  each block writes the smaller window, and a shift of 0, into itself when it sees a grid that one window
#           holds. The table of position biases keeps its size, so that this picture raises, and so does every later
#           one, of whatever size, until the model is loaded anew.
# Matters:  a service that catches the error of one bad upload answers nothing from then on.
# Do:       refuse grids of at most `window_size` tokens a side at any stage but the last before the call, or put
#           `window_size` and `shift_size` of all blocks back after it.
#
# Seen: 224 x 224 is answered; 64 x 64 raises RuntimeError (sizes 16 and 49 do not match); 224 x 224 now raises the same.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check "torch==2.13.0" "transformers==5.24.0" "numpy==2.4.6"
"$tmp/venv/bin/python" -I - <<'PY'
import sys

import torch
from transformers import SwinConfig, SwinModel

torch.manual_seed(0)
net = SwinModel(SwinConfig(embed_dim=24, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8])).eval()
usual, small = torch.randn(1, 3, 224, 224), torch.randn(1, 3, 64, 64)


@torch.no_grad()
def answer(picture):
    try:
        return f"answered, {tuple(net(picture, interpolate_pos_encoding=True).last_hidden_state.shape)}"
    except RuntimeError as error:
        return f"raises: {error}"


seen = []
for name, picture in (("224 x 224", usual), ("64 x 64", small), ("224 x 224", usual)):
    seen.append(answer(picture))
    print(f"{name:10} {seen[-1]}")
print("window, shift:", [(block.window_size, block.shift_size) for stage in net.encoder.layers for block in stage.blocks])
sys.exit(0 if [one.startswith("answered") for one in seen] == [True, False, False] else "no longer so")
PY
