"""Pictures for the scale study: scikit-learn's digits, CIFAR-10 as it is usually kept on disk, or class folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.errors import LabError, Message
from engines.core.protocol import Progress
from engines.core.reading import is_ordinary, mapped
from engines.data import cifar, cifar_files
from engines.data import class_folders as folders
from engines.data import digits as handwritten
from engines.vit.scale_study.spec import COUNTS, SIZES

TESTED = 2000  #: test pictures at most
MOST = 60_000  #: pictures of a folder at most: 184 MB at 32 pixels
SHIFT = 8  # side / SHIFT: pixels a picture is shifted at most

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size in classes, those to learn from and those to be tested with.

    Attributes
    ----------
    name : str
    names : tuple of str
        Classes.
    images, test : ndarray uint8 (n, s, s, 3)
    labels, test_labels : ndarray int64 (n,)
    mirrored : bool
        Whether a mirrored picture still shows the same (a digit does not).
    notes : tuple of Message
        What was passed over.
    fingerprint : str
        Of the files, where others may come to stand under the same path.
    sizes : tuple of str
        Of the networks that are trained on them.
    counts : tuple of int
        Numbers of pictures that the study goes through.
    grid : int
        Patches of a side that the ViT cuts them into.
    sees : int
        Pictures that a training sees, each of its own as often as that needs, 30 times at most; 0 where the number of
        steps grows with the square root of that of the pictures.
    """

    name: str
    names: tuple[str, ...]
    images: Bytes
    labels: Labels
    test: Bytes
    test_labels: Labels
    mirrored: bool = True
    notes: tuple[Message, ...] = ()
    fingerprint: str = ""
    sizes: tuple[str, ...] = SIZES
    counts: tuple[int, ...] = COUNTS
    grid: int = 8
    sees: int = 0

    @property
    def available(self) -> int:
        """How many there are to learn from."""
        return len(self.labels)

    @property
    def mark(self) -> str:
        """Tells the pictures from others, see `engines.vit.spec.Table`."""
        return self.fingerprint or self.name

    @property
    def side(self) -> int:
        """Pixels of a side."""
        return int(self.images.shape[1])

    @property
    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation of the training pixels, in 0..1."""
        some = self.images[:5000].astype(np.float32) / 255
        return float(some.mean()), float(some.std()) + 1e-6

    def chosen(self, count: int, random: torch.Generator) -> Labels:
        """Indices of ``count`` training pictures, as many of each class as can be; fewer are the first of more."""
        order = torch.randperm(len(self.labels), generator=random).numpy()
        labels = self.labels[order]
        turn = np.empty(len(labels), np.int64)  # how many of its class come before
        for label in range(len(self.names)):
            mine = labels == label
            turn[mine] = np.arange(mine.sum())
        found: Labels = order[np.argsort(turn, kind="stable")][:count]
        return found

    def learned(self, count: int, most: int, random: torch.Generator) -> tuple[Bytes, Labels]:
        """At most ``most`` of the ``count`` pictures that a training with such a generator learns from."""
        chosen = self.chosen(count, random)[:most]
        return self.images[chosen], self.labels[chosen]

    def ready(self, images: Bytes) -> Tensor:
        """Pixels (n, 3, s, s), float32 of mean 0 and standard deviation 1 over the set."""
        mean, deviation = self.spread
        return ((torch.from_numpy(images).float() / 255 - mean) / deviation).permute(0, 3, 1, 2).contiguous()

    def batches(self, count: int, size: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches of ``size`` of the chosen pictures, shifted and, where that changes nothing, mirrored.

        Yields
        ------
        (Tensor, Tensor)
            Pixels (B, 3, s, s) as of `ready`, labels int64 (B,).
        """
        chosen = self.chosen(count, random)
        pad = max(1, self.side // SHIFT)
        pixels = F.pad(self.ready(self.images[chosen]), (pad,) * 4, mode="reflect")
        labels = torch.from_numpy(self.labels[chosen])
        left = torch.empty(0, dtype=torch.int64)
        span = torch.arange(self.side)
        while True:
            while len(left) < size:
                left = torch.cat([left, torch.randperm(len(labels), generator=random)])
            at, left = left[:size], left[size:]
            corner = torch.randint(0, 2 * pad + 1, (2, size), generator=random)
            ys, xs = corner[:, :, None] + span  # (B, s) each
            if self.mirrored:
                xs = torch.where(torch.rand(size, 1, generator=random) < 0.5, xs.flip(1), xs)
            channel = torch.arange(3)[:, None, None]
            yield pixels[at[:, None, None, None], channel, ys[:, None, :, None], xs[:, None, None]], labels[at]


def digits() -> Pictures:
    """scikit-learn's 1,797 handwritten digits of 8 × 8 pixels; every fifth one is a test picture."""
    images, labels = handwritten.load()
    test = np.arange(len(labels)) % 5 == 0
    names = handwritten.NAMES
    return Pictures("Digits", names, images[~test], labels[~test], images[test], labels[test], mirrored=False)


def cifar10(folder: str) -> Generator[Progress, None, Pictures]:
    """CIFAR-10 from the folder of its python or binary version, or packed.

    Raises
    ------
    LabError
        If the folder holds neither, or a file is not what it should be.
    """
    place = Path(folder)
    training = [f"data_batch_{n}" for n in range(1, 6)]
    for inner in (place, place / "cifar-10-batches-py", place / "cifar-10-batches-bin"):
        if is_ordinary(inner / training[0]):
            files = [inner / name for name in (*training, "test_batch")]
            break
        if is_ordinary(inner / f"{training[0]}.bin"):
            files = [inner / f"{name}.bin" for name in (*training, "test_batch")]
            break
        if is_ordinary(inner / "train.npz") and is_ordinary(inner / "test.npz"):
            files = [inner / "train.npz", inner / "test.npz"]
            break
    else:
        raise LabError("{name}: CIFAR-10 is not here. Looked for data_batch_1 to data_batch_5.", name=folder or "…")
    parts: list[tuple[Bytes, Bytes]] = []
    for at, file in enumerate(files):
        parts.append((yield from _one_of_cifar(file, at, len(files))))
    images, labels = (np.concatenate(both) for both in zip(*parts[:-1], strict=True))
    test, test_labels = (part[:TESTED] for part in parts[-1])
    return Pictures("CIFAR-10", cifar.NAMES, images, labels.astype(np.int64), test, test_labels.astype(np.int64))


def _one_of_cifar(file: Path, at: int, total: int) -> Generator[Progress, None, tuple[Bytes, Bytes]]:
    said = Progress(at, total, Message("Reading {name}", {"name": file.name}))
    steps = cifar_files.reading(file, TESTED if at == total - 1 else None)
    return (yield from mapped(steps, lambda _: said))


def class_folders(folder: str, side: int = 32) -> Generator[Progress, None, Pictures]:
    """Pictures in class folders, cut to squares of ``side`` pixels; every fifth one of a class is a test picture.

    Raises
    ------
    LabError
        If there are no class folders, or only one class.
    """
    refusals, looking = folders.Refusals(), Message("Scanning the folders")
    found = yield from mapped(folders.scanning([folder]), lambda seen: Progress(seen, 0, looking))
    total = min(sum(found.counts), MOST)
    share = total / sum(found.counts)
    notes, done = list(found.notes), 0
    images: list[Bytes] = []
    labels: list[int] = []
    stamps = hashlib.sha256()
    for label, files in enumerate(found.files):
        for at, rgb in folders.stream(files[: max(1, round(len(files) * share))], side, refusals):
            if rgb is not None:
                stamps.update(_stamp(files[at], folder))
                images.append(rgb)
                labels.append(label)
                done += 1
            yield Progress(done, total, Message("Reading {name}", {"name": found.name}))
    if refusals.count:
        reason = refusals.reasons[0]
        notes.append(Message("Pictures that can't be read: {n}. {reason}", {"n": refusals.count, "reason": reason}))
    if share < 1:
        notes.append(Message("Only {n} pictures are used.", {"n": total}))
    every, kept = np.array(labels, np.int64), np.array(images, np.uint8).reshape(-1, side, side, 3)
    turn = np.concatenate([np.arange((every == label).sum()) for label in range(len(found.names))])
    test = turn % 5 == 4
    return Pictures(
        found.name,
        found.names,
        kept[~test],
        every[~test],
        kept[test][:TESTED],
        every[test][:TESTED],
        notes=tuple(notes),
        fingerprint=stamps.hexdigest(),
    )


def _stamp(file: str, root: str) -> bytes:
    """Name below the root, size and time of the last change of a file: another picture has another stamp."""
    try:
        now = os.stat(file)
    except OSError:  # it went away since it was read
        return os.fsencode(os.path.relpath(file, root))
    return os.fsencode(f"{os.path.relpath(file, root)}\0{now.st_size}\0{now.st_mtime_ns}\n")


def checked(pictures: Pictures) -> Pictures:
    """The same pictures.

    Raises
    ------
    LabError
        If there are too few of them to learn and to test.
    """
    if len(pictures.names) < 2:
        raise LabError("{name}: one class only. At least two are needed.", name=pictures.name)
    if not len(pictures.test) or len(set(pictures.labels.tolist())) < len(pictures.names):
        raise LabError("{name}: too few pictures to train and test on.", name=pictures.name)
    return pictures
