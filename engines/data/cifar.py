"""CIFAR-10 (Krizhevsky 2009) for training: 60,000 pictures of 32 × 32 pixels in ten classes.

Read from two packed files, ``train.npz`` and ``test.npz``, that hold ``jpeg`` (uint8, all pictures one after another),
``offsets`` (int64, n + 1) and ``labels`` (uint8). They are decoded once; the pixels are kept in a cache folder.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Generator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.reading import finish, mapped
from engines.data import packed as packed_arrays

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the training pictures, in 0..1
SIDE = 32

EACH = 500  #: pictures between two places to stop
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error, zlib.error)

Bytes = npt.NDArray[np.uint8]


def decode(packed: Path, count: int | None = None) -> tuple[Bytes, Bytes]:
    """Decode at once what `decoding` does with places to stop: pictures (n, 32, 32, 3) uint8, labels (n,)."""
    return finish(decoding(packed, count))


def decoding(packed: Path, count: int | None = None) -> Generator[int, None, tuple[Bytes, Bytes]]:
    """Pictures (n, 32, 32, 3) and labels (n,) of a packed file, or the first ``count`` of them.

    Yields how many are decoded.

    Raises
    ------
    LabError
        If the file is not what it should be, by picture, or by label.
    """
    refused = LabError("{name}: not a file of CIFAR-10.", name=packed.name)
    names = ("jpeg", "offsets", "labels")
    arrays = yield from mapped(packed_arrays.reading(packed, names), lambda _: 0)
    jpeg, offsets, labels = (arrays[name] for name in names)
    flat = all(array.ndim == 1 and array.dtype.kind in "iu" for array in (jpeg, offsets, labels))
    if not flat or jpeg.dtype != np.uint8 or len(offsets) != len(labels) + 1 or len(labels) == 0:
        raise refused
    lengths = np.diff(offsets.astype(np.int64))
    if offsets[0] < 0 or lengths.min() < 0 or offsets[-1] > len(jpeg) or lengths.max() > limits.PACKED_PICTURE:
        raise refused
    labels = checked_labels(labels[:count], packed.name)
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for index in range(len(labels)):
        raw = jpeg[int(offsets[index]) : int(offsets[index + 1])].tobytes()
        try:
            with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG")) as image:
                if image.size != (SIDE, SIDE):
                    raise refused
                pictures[index] = np.asarray(image.convert("RGB"))
        except DAMAGE as error:
            raise LabError("{name}: picture {n} is damaged.", name=packed.name, n=index) from error
        if index % EACH == 0:
            yield index
    return pictures, labels


def checked_labels(labels: np.ndarray, name: str) -> Bytes:
    """The labels (n,) as uint8; raises LabError if one is none of the ten classes."""
    wrong = (labels < 0) | (labels >= len(NAMES))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise LabError(
            "{name}: picture {n} has the label {label}. There are ten classes, 0 to 9.",
            name=name, n=at, label=int(labels[at]),
        )  # fmt: skip
    found: Bytes = labels.astype(np.uint8)
    return found


def load(data: Path, cache: Path, part: str) -> tuple[Bytes, Bytes]:
    """Pictures (n, 32, 32, 3) uint8, labels (n,) of the part ``train`` or ``test``; the second time from the cache."""
    images, labels = cache / f"{part}-images.npy", cache / f"{part}-labels.npy"
    if not (images.is_file() and labels.is_file()):
        for file, array in zip((images, labels), decode(data / f"{part}.npz"), strict=True):
            files.write(file, partial(np.save, arr=array))
    return np.load(images), np.load(labels)


def normalize(pixels: Tensor) -> Tensor:
    """(..., 3) uint8 -> float32 of about mean 0 and standard deviation 1."""
    return (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)


class Batches:
    """Endless shuffled batches of windows, shifted by a few pixels and mirrored.

    Parameters
    ----------
    images : ndarray uint8 (n, 32, 32, 3)
    labels : ndarray uint8 (n,)
    patch : int
        Side of a patch; windows lie on the patch grid.
    shift : int
        Largest shift in pixels, in each direction; what comes in from outside is mirrored at the edge.
    seed : int
    """

    def __init__(self, images: Bytes, labels: Bytes, patch: int, shift: int, seed: int) -> None:
        self.pad = patch
        if shift > patch:
            raise ValueError(f"shift {shift} is larger than the padding {patch}")
        edges = ((0, 0), (patch, patch), (patch, patch), (0, 0))
        self.images = torch.from_numpy(np.pad(images, edges, mode="reflect"))
        self.labels = torch.from_numpy(labels.astype(np.int64))
        self.patch, self.shift = patch, shift
        self.generator = torch.Generator().manual_seed(seed)
        self.order = torch.empty(0, dtype=torch.int64)  # what is left of this epoch

    def draw(self, size: int, window: int) -> tuple[Tensor, Tensor, Tensor]:
        """Normalized pixels (B, w, w, 3), places (B, window²) of its patches in the whole grid, labels (B,).

        Parameters
        ----------
        size : int
            B.
        window : int
            Side of the window in patches; w is that times the side of a patch.
        """
        g, grid = self.generator, SIDE // self.patch
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(len(self.labels), generator=g)])
        index, self.order = self.order[:size], self.order[size:]
        corner = torch.randint(0, grid - window + 1, (2, size), generator=g)  # row and column, in patches
        moved = torch.randint(-self.shift, self.shift + 1, (2, size), generator=g)
        ys, xs = (corner * self.patch + moved + self.pad)[:, :, None] + torch.arange(window * self.patch)
        mirrored = torch.rand(size, generator=g) < 0.5
        xs = torch.where(mirrored[:, None], xs.flip(1), xs)
        column = torch.where(mirrored, grid - window - corner[1], corner[1])
        pixels = self.images[index[:, None, None], ys[:, :, None], xs[:, None, :]]
        span = torch.arange(window)
        places = (corner[0][:, None, None] + span[:, None]) * grid + column[:, None, None] + span
        return normalize(pixels), places.flatten(1), self.labels[index]
