"""The pictures a run learns from: drawn shapes, scikit-learn's digits, CIFAR-10 if it is on disk, a dropped folder.

Reading and drawing are generators that tell how far they are; nothing here is imported before it is needed.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.aside import aside
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.pictures import SUFFIXES
from engines.core.protocol import Progress
from engines.core.reading import mapped
from engines.data import class_folders, digits
from engines.data.class_folders import Refusals
from engines.data.scenes import random_background
from engines.data.shapes import KINDS, TEXTURES, Canvas, Shape
from engines.data.walking import Walk
from engines.moco.settings import CIFAR, DIGITS, FOLDER, SHAPES

SIDE = 32  #: pixels a side, of all pictures
DRAWN, HELD_OUT = 3072, 768  # shapes to learn from, and to be tested on
PHOTOS, TEST_PHOTOS = 10_000, 2_000  # of CIFAR-10
MOST = 50_000  #: pictures of a folder that are read
SHARE = 0.2  # of a folder's or the digits' pictures that are kept for the test
SLICE = 64  #: pictures read or drawn between two yields

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures to learn from and pictures to be tested on.

    Attributes
    ----------
    name : str
        What to call it; a key of the words for the sets of its own.
    pixels, test_pixels : ndarray uint8 (n, 32, 32, 3), (t, 32, 32, 3)
    labels, test_labels : ndarray int64 (n,), (t,), or None
        Used only to measure; None where nothing says what the pictures show.
    names : tuple of str
        Of the classes.
    notes : tuple of Message
        What was passed over.
    """

    name: str
    pixels: Bytes = field(repr=False)
    test_pixels: Bytes = field(repr=False)
    labels: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    test_labels: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()


#: tells how far it is, and returns the set
Making: TypeAlias = Generator[Progress, None, PictureSet]


class Wanted(NamedTuple):
    """Which set: its name, and the paths for a folder's."""

    data: str
    paths: tuple[str, ...] = ()


def kept(sets: Memo[PictureSet], wanted: Wanted) -> Making:
    """One of ``sets``; read or drawn, telling how far it is, unless it is there already."""
    return sets.get_in_steps(wanted, lambda: load(wanted))


_bundled: Memo[PictureSet] = Memo(2)  # the same for everybody: shapes and photos, which take a while


def load(wanted: Wanted) -> Making:
    """Read or draw a set, telling how far it is; returned is the `PictureSet`."""
    looking = Progress(0, 0, Message("Scanning the folders"))
    match wanted.data:
        case data if data == SHAPES:
            return (yield from _bundled.get_in_steps(data, drawn))
        case data if data == DIGITS:
            return handwritten()
        case data if data == CIFAR:
            return (yield from _bundled.get_in_steps(data, lambda: aside(photos(), looking)))
        case data if data == FOLDER:
            return (yield from aside(folder(wanted.paths), looking))
    raise LookupError(wanted.data)


# ------------------------------------------------------------------ shapes
def one_shape(rng: np.random.Generator, kind: str) -> Bytes:
    """One shape that fills a third to nine tenths of its picture (32, 32, 3), in any color, turned as it likes."""
    background = random_background(rng, SIDE, kind=("plain", "gradient", "noisy")[rng.integers(3)])
    canvas = Canvas(background)
    size = float(rng.uniform(0.55, 0.95))
    x, y = rng.uniform(size / 2, 1 - size / 2, 2).tolist()
    under = background[int(y * SIDE), int(x * SIDE)].astype(int)
    color = rng.integers(0, 256, 3)
    while np.linalg.norm(color - under) < 110:
        color = rng.integers(0, 256, 3)
    red, green, blue = color.tolist()
    texture = "plain" if rng.random() < 0.6 else TEXTURES[rng.integers(1, len(TEXTURES))]
    canvas.add(Shape(kind, x, y, size, float(rng.uniform(0, 360)), (red, green, blue), texture))
    return canvas.picture()


def drawn() -> Making:
    """The project's own shapes, drawn; six kinds, which are what is to be told apart."""
    rng, total = np.random.default_rng(0), DRAWN + HELD_OUT
    labels = rng.integers(0, len(KINDS), total)
    pixels = np.empty((total, SIDE, SIDE, 3), np.uint8)
    for i in range(total):
        pixels[i] = one_shape(rng, KINDS[labels[i]])
        if i % SLICE == SLICE - 1:
            yield Progress(i + 1, total, Message("Rendering shapes"))
    return PictureSet(SHAPES, pixels[:DRAWN], pixels[DRAWN:], labels[:DRAWN], labels[DRAWN:], names=KINDS)


# ------------------------------------------------------------------ digits, photos
def parted(name: str, pixels: Bytes, labels: npt.NDArray[np.int64] | None, names: tuple[str, ...] = ()) -> PictureSet:
    """Keep a fifth of pictures (n, 32, 32, 3) and labels (n,) for the test, the same whenever it is asked for."""
    order = np.random.default_rng(0).permutation(len(pixels))
    held = order[: max(1, round(SHARE * len(pixels)))]
    rest = order[len(held) :]
    if labels is None:
        return PictureSet(name, pixels[rest], pixels[held])
    return PictureSet(name, pixels[rest], pixels[held], labels[rest], labels[held], names)


@lru_cache(maxsize=1)
def handwritten() -> PictureSet:
    """Scikit-learn's digits, enlarged."""
    from PIL import Image

    small, labels = digits.load()
    large = [Image.fromarray(p).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for p in small]
    return parted(DIGITS, np.stack([np.asarray(p) for p in large]), labels, digits.NAMES)


def cifar_place() -> Path:
    """Where CIFAR-10 may lie, packed: beside the project, or where ``ATTENTION_LAB_CIFAR`` says."""
    own = os.environ.get("ATTENTION_LAB_CIFAR")
    return Path(own) if own else Path(__file__).parents[3] / "shared" / "data" / "cifar10"


def photos() -> Making:
    """The first 10,000 of CIFAR-10's training pictures, and 2,000 of its test pictures for the test.

    Raises
    ------
    LabError
        If CIFAR-10 is not on this disk.
    """
    from engines.data.cifar import NAMES, decoding

    packed = cifar_place()
    if not all((packed / f"{part}.npz").is_file() for part in ("train", "test")):
        raise LabError("CIFAR-10 was not found.")
    done, parts = 0, []
    for part, count in (("train", PHOTOS), ("test", TEST_PHOTOS)):
        pixels, told = yield from mapped(decoding(packed / f"{part}.npz", count), partial(_decoded, done))
        done += len(told)
        parts.append((pixels, told.astype(np.int64)))
    (train, labels), (test, truth) = parts
    return PictureSet(CIFAR, train, test, labels, truth, NAMES)


def _decoded(before: int, now: int) -> Progress:
    return Progress(before + now, PHOTOS + TEST_PHOTOS, Message("Reading {name}", {"name": CIFAR}))


# ------------------------------------------------------------------ a folder
Listed: TypeAlias = tuple[list[str], npt.NDArray[np.int64] | None, tuple[str, ...], str, tuple[Message, ...]]


def folder(paths: tuple[str, ...]) -> Making:
    """A dropped folder: with class folders their names are the labels, otherwise there are none.

    Raises
    ------
    LabError
        If there is no folder, or no picture in it that can be read.
    """
    if not paths:
        raise LabError("Drop a folder of pictures here, or choose one.")
    files, labels, names, name, notes = yield from _listed(paths)
    if len(files) > MOST:
        notes += (Message("Only the first {n} pictures are used.", {"n": MOST}),)
        step = np.linspace(0, len(files) - 1, MOST).astype(int)  # of all classes alike
        files, labels = [files[i] for i in step], None if labels is None else labels[step]
    refusals, found, kept = Refusals(), [], []
    for index, square in class_folders.stream(files, SIDE, refusals):
        if square is not None:
            found.append(square)
            kept.append(index)
        if index % SLICE == SLICE - 1:
            yield Progress(index + 1, len(files), Message("Reading {name}", {"name": name}))
    if refusals.count:
        notes += (Message("Pictures that can't be read: {n}.", {"n": refusals.count}),)
    if not found:
        raise LabError("{name}: no pictures that can be read.", name=name)
    made = parted(name, np.stack(found), None if labels is None else labels[kept], names)
    return PictureSet(name, made.pixels, made.test_pixels, made.labels, made.test_labels, made.names, notes)


def _listed(paths: tuple[str, ...]) -> Generator[Progress, None, Listed]:
    """Files, labels, class names, the name of it all, notes."""
    looking = Message("Scanning the folders")
    try:
        classes = yield from mapped(class_folders.scanning(paths), lambda seen: Progress(seen, 0, looking))
    except LabError:
        files: list[str] = []
        for root in paths:
            walk = Walk(Path(root))
            for seen in walk.steps():
                yield Progress(seen, 0, looking)
            files += [
                str(folder / name)
                for folder, inner in walk.found
                for name in inner
                if Path(name).suffix.lower() in SUFFIXES
            ]
        if not files:
            raise
        return files, None, (), Path(paths[0]).resolve().name, ()
    labels = np.concatenate([np.full(len(each), i, np.int64) for i, each in enumerate(classes.files)])
    return [f for each in classes.files for f in each], labels, classes.names, classes.name, classes.notes
