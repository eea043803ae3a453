#!/usr/bin/env bash
# torch 2.13.0, CPU: an `nn.Embedding` on the meta device brings torch's compiler into the process; other layers do not.
#
# Expected: `with torch.device("meta"):` is the cheap way to a module without weights: shapes are noted, nothing computed.
# Instead:  an embedding is filled by `normal_`, and a normal distribution on meta goes through a decomposition in Python
#           whose first call imports `torch._dynamo`, some 800 modules and seconds. `nn.Linear`, convolutions and norms
#           import nothing. `torch.nn.utils.skip_init`, there to leave the filling out, goes the same way.
# Matters:  a program that makes its nets on meta to be quick (to count parameters, to read a checkpoint into them) pays
#           more for its first embedding than the numbers of a small net would have cost.
# Do:       under a `TorchFunctionMode`, return the tensor of `normal_` as it is (engines/blocks/unfilled.py).
#
# Seen: the table that it prints, each line from a process of its own.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check "torch==2.13.0" "numpy==2.4.6"
for made in "nn.Linear(768, 768)" "nn.Conv2d(3, 768, 16)" "nn.LayerNorm(768)" "nn.Embedding(1000, 768)" \
    "torch.nn.utils.skip_init(nn.Embedding, 1000, 768)" "unfilled(nn.Embedding, 1000, 768)"; do
    "$tmp/venv/bin/python" -I - "$made" <<'PY'
import sys
import time

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class LeaveOut(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (nn.init.normal_, torch.Tensor.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def unfilled(kind, *args):
    with LeaveOut():
        return kind(*args)


made, before, start = sys.argv[1], len(sys.modules), time.perf_counter()
with torch.device("meta"):
    layer = eval(made)
spent, more = time.perf_counter() - start, len(sys.modules) - before
assert next(layer.parameters()).is_meta or "skip_init" in made
print(f"{made:50} {1000 * spent:8.1f} ms  {more:4} modules  torch._dynamo {'torch._dynamo' in sys.modules}")
surprise = "Embedding" in made and not made.startswith("unfilled")
sys.exit(0 if ("torch._dynamo" in sys.modules) == surprise else "no longer so")
PY
done
