"""Writes the bundled palette, the corners of the color cube: ``python -m engines.toy.train``. Nothing is learned."""

from __future__ import annotations

import torch

from engines.checkpoints.bundling import write_bundled
from engines.toy.load import BUNDLED

CORNERS = {
    "K": (0, 0, 0), "R": (1, 0, 0), "G": (0, 1, 0), "B": (0, 0, 1),
    "C": (0, 1, 1), "M": (1, 0, 1), "Y": (1, 1, 0), "W": (1, 1, 1),
}  # fmt: skip
CARD = {
    "topic": "toy",
    "title": "Toy colors",
    "note": "The eight corners of the color cube.",
    "labels": list(CORNERS),
    "training": {"command": "python -m engines.toy.train"},
    "license": "MIT",
}

if __name__ == "__main__":
    print(write_bundled(BUNDLED, {"colors": torch.tensor(list(CORNERS.values()), dtype=torch.float32)}, CARD))
