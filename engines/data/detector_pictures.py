"""What a live run trains on: scenes drawn as it goes, or a folder of pictures with boxes."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from engines.core.errors import LabError, Message
from engines.data.boxes_folder import Annotated, reading
from engines.data.detector_training import FIRST_PIXEL, UP_TO_3, Example
from engines.data.scenes import (
    KINDS,
    add_shapes,
    box_iou,
    box_of,
    random_background,
    random_scene,
    render,
    sample_photos,
)
from engines.data.shapes import Canvas

VALIDATION = 64  # pictures at most
WATCHED = 12  # validation pictures that can be watched
MOST_PICTURES = 3000  # of a folder; they stay in memory
MOST_PARTS = 1000  # pictures of which a step sees parts: kept larger for it; of more there is less need
FEW_OBJECTS = 10  # in a picture that is watched, if there are such
SHOWN = 384  # longer side in pixels of a picture that is watched
LEAST_PART = 0.6  # of the sides of a picture: what a step sees of it
LEAST_SEEN = 0.5  # of an object's box in that part
EACH = 8  # pictures read between two places to stop
FIRST = 1, 0  # first half of the seed of validation and training scenes: they never meet


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture as the model sees it.

    Attributes
    ----------
    rgb : ndarray uint8 (S, S, 3)
    owner : ndarray int16 (S, S)
        Object on each pixel, or -1.
    boxes : ndarray float32 (N, 4)
        xyxy in 0..1.
    labels : ndarray int64 (N,)
    features : tuple of ndarray float16 (F, h, w)
        What a frozen model makes of the picture, then of the mirrored one; empty where none was asked.
    large : ndarray uint8 (L, L, 3), optional
        The same picture larger, so that a part of it fills the model's size.
    """

    rgb: np.ndarray
    owner: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    features: tuple[np.ndarray, ...] = ()
    large: np.ndarray | None = None


class Asked(Protocol):
    """What of a run's settings says which folder is read, and how large its pictures become."""

    @property
    def folder(self) -> str:
        """Pictures with boxes."""

    @property
    def first_pixel(self) -> str:
        """One of the options of `FIRST_PIXEL`."""

    @property
    def size(self) -> int:
        """Side in pixels of what the model sees."""


class Data(Protocol):
    """Where a run's pictures come from; ``format`` and ``set_mark`` are as of `BoxesFolder`."""

    classes: tuple[str, ...]
    drawn: bool
    size: int
    validation: list[Sample]
    examples: tuple[Example, ...]
    skipped: int
    crowds: int
    faults: tuple[Message, ...]
    notes: tuple[Message, ...]
    unused: int
    format: str
    set_mark: str
    rng: np.random.Generator

    @property
    def pictures(self) -> int:
        """To train on; 0 where they are drawn as it goes."""
        ...

    @property
    def mark(self) -> int:
        """A number that tells whether the pictures are the same."""
        ...

    def batch(self, count: int) -> list[Sample]:
        """Pictures to train on next."""
        ...


@dataclass
class Drawn:
    """Scenes drawn as it goes.

    Parameters
    ----------
    scenes : str
        Which, one of the options of `engines.data.detector_training.SCENES`.
    size : int
        Side in pixels.
    rng : numpy.random.Generator
        Of the training scenes; those for validation are always the same.
    """

    scenes: str
    size: int
    rng: np.random.Generator
    classes: tuple[str, ...] = KINDS
    drawn: bool = True
    pictures: int = 0
    skipped: int = 0
    crowds: int = 0
    faults: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()
    unused: int = 0
    format: str = ""
    set_mark: str = ""
    validation: list[Sample] = field(default_factory=list)
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        validation, self.examples = held_out(self.scenes, self.size, VALIDATION, WATCHED)
        self.validation = list(validation)

    @property
    def mark(self) -> int:
        """They are made of the settings alone."""
        return 0

    def batch(self, count: int) -> list[Sample]:
        """New scenes, in an order that the seed decides."""
        return [draw(self.scenes, self.size, self.rng) for _ in range(count)]


def ground(scenes: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """What a scene is drawn on, uint8 (size, size, 3)."""
    plain = scenes == UP_TO_3
    return random_background(rng, size, () if plain else sample_photos(), "plain" if plain else None)


def draw(scenes: str, size: int, rng: np.random.Generator) -> Sample:
    """A new scene."""
    if scenes != UP_TO_3:
        scene = random_scene(rng, size, sample_photos())
        return Sample(scene.rgb, scene.owner.astype(np.int16), scene.boxes, scene.labels)
    canvas = Canvas(ground(scenes, size, rng))
    shapes = add_shapes(rng, canvas, int(rng.integers(1, 4)))
    boxes = np.array([box_of(shape) for shape in shapes], np.float32).reshape(-1, 4)
    labels = np.array([KINDS.index(shape.kind) for shape in shapes], np.int64)
    return Sample(canvas.picture(), canvas.owner.astype(np.int16), boxes, labels)


def enlarged(scenes: str, size: int, index: int) -> np.ndarray:
    """A scene for validation drawn larger, for the eye: uint8 (384, 384, 3)."""
    below = ground(scenes, size, np.random.default_rng((FIRST[0], index)))
    rng = np.random.default_rng((FIRST[0], index))
    if scenes == UP_TO_3:
        canvas = Canvas(ground(scenes, size, rng))
        shapes = tuple(add_shapes(rng, canvas, int(rng.integers(1, 4))))
    else:
        shapes = random_scene(rng, size, sample_photos()).shapes
    return render(shapes, below, SHOWN)[0]


@lru_cache(maxsize=2)  # runs side by side have the same ones
def held_out(scenes: str, size: int, count: int, watched: int) -> tuple[tuple[Sample, ...], tuple[Example, ...]]:
    """Scenes for validation, and those of them that can be watched, which share their boxes."""
    validation = tuple(draw(scenes, size, np.random.default_rng((FIRST[0], index))) for index in range(count))
    good = [index for index, sample in enumerate(validation) if 2 <= len(sample.labels) <= 6]
    chosen = sorted(good, key=lambda index: calmness(validation[index]))[:watched]
    return validation, tuple(
        Example(enlarged(scenes, size, index), validation[index].boxes, validation[index].labels) for index in chosen
    )


def calmness(sample: Sample) -> tuple[bool, bool, float]:
    """Sorts scenes for the eye: several objects apart from each other first, then those on a ground of little color."""
    ground = sample.rgb[sample.owner < 0].astype(float)
    crowded = any(box_iou(box, np.delete(sample.boxes, at, 0)).max() > 0.05 for at, box in enumerate(sample.boxes))
    return len(sample.labels) < 3, crowded, float(np.ptp(ground.mean(0))) if len(ground) else 0.0


@dataclass
class Own:
    """A person's own pictures, made square."""

    classes: tuple[str, ...]
    training: list[Sample]
    validation: list[Sample]
    examples: tuple[Example, ...]
    skipped: int
    crowds: int
    faults: tuple[Message, ...]
    rng: np.random.Generator
    unused: int = 0
    notes: tuple[Message, ...] = ()
    drawn: bool = False
    size: int = 0
    format: str = ""
    set_mark: str = ""

    @property
    def pictures(self) -> int:
        """To train on."""
        return len(self.training)

    @cached_property
    def mark(self) -> int:
        """A number that tells whether the pictures are the same."""
        found = zlib.crc32("\n".join(self.classes).encode())
        for sample in (*self.validation, *self.training):
            found = zlib.crc32(sample.rgb[::4].tobytes() + sample.boxes.tobytes() + sample.labels.tobytes(), found)
        return found

    def batch(self, count: int) -> list[Sample]:
        """Picked at random, half of them mirrored; of each a part, which with features is as large for all of them."""
        picks = self.rng.integers(0, len(self.training), count)
        mirrors = self.rng.random(count) < 0.5
        chosen = [self.training[int(at)] for at in picks]
        batch = [mirrored(one) if mirror else one for one, mirror in zip(chosen, mirrors, strict=True)]
        if not batch[0].features:
            return [part_of(one, self.rng) for one in batch]
        rows, cols = batch[0].features[0].shape[1:]
        part = (int(self.rng.integers(round(LEAST_PART * rows), rows + 1)),
                int(self.rng.integers(round(LEAST_PART * cols), cols + 1)))  # fmt: skip
        return [
            cropped(one, int(self.rng.integers(rows - part[0] + 1)), int(self.rng.integers(cols - part[1] + 1)), part)
            for one in batch
        ]


def mirrored(sample: Sample) -> Sample:
    """Left and right exchanged."""
    boxes = sample.boxes[:, [2, 1, 0, 3]].copy()
    boxes[:, [0, 2]] = 1 - boxes[:, [0, 2]]
    large = None if sample.large is None else sample.large[:, ::-1]
    return Sample(sample.rgb[:, ::-1], sample.owner[:, ::-1], boxes, sample.labels, sample.features[::-1], large)


def within(boxes: np.ndarray, corner: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes xyxy (N, 4) in a part of their picture, and which of them stay (K,): at least `LEAST_SEEN` of each is seen.

    ``corner`` and ``scale`` (4,) are that part's left, top, left, top, and how much larger it becomes, of each side.
    """
    moved = (boxes - corner) * scale
    inside = moved.clip(0, 1)
    area, seen = ((one[:, 2:] - one[:, :2]).clip(0).prod(-1) for one in (moved, inside))
    return inside, np.flatnonzero(seen >= LEAST_SEEN * np.maximum(area, 1e-9))


def part_of(sample: Sample, rng: np.random.Generator) -> Sample:
    """A part of a picture in the model's size, of any shape, at least `LEAST_PART` of each side.

    Without it a few hundred pictures are known by heart after a thousand steps. (Carion et al. 2020, A.4)
    """
    if sample.large is None:
        return sample
    side, size = len(sample.large), len(sample.rgb)
    wide, high = (int(rng.integers(round(LEAST_PART * side), side + 1)) for _ in range(2))
    left, top = (int(rng.integers(side - length + 1)) for length in (wide, high))
    corner = np.array([left / side, top / side] * 2, np.float32)
    inside, kept = within(sample.boxes, corner, np.array([side / wide, side / high] * 2, np.float32))
    part = Image.fromarray(sample.large[top : top + high, left : left + wide])
    rgb = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
    return Sample(rgb, owners(inside[kept], size), inside[kept], sample.labels[kept])


def cropped(sample: Sample, top: int, left: int, part: tuple[int, int]) -> Sample:
    """A part of a picture with features: so many rows and columns of its places, from ``top`` and ``left`` on.

    An object stays while at least `LEAST_SEEN` of its box is seen. Without it a few hundred photos show each object in
    two places only. DETR crops its pictures at random, too. (Carion et al. 2020, A.4)
    """
    rows, cols = sample.features[0].shape[1:]
    corner = np.array([left / cols, top / rows] * 2, np.float32)
    scale = np.array([cols / part[1], rows / part[0]] * 2, np.float32)
    inside, kept = within(sample.boxes, corner, scale)
    place = np.full(len(inside) + 1, -1, np.int16)  # of an object among those that stay; the last is that of none
    place[kept] = np.arange(len(kept))
    size = len(sample.rgb)
    up, down, here, there = (round(at) for at in (
        top * size / rows, (top + part[0]) * size / rows, left * size / cols, (left + part[1]) * size / cols
    ))  # fmt: skip
    features = tuple(one[:, top : top + part[0], left : left + part[1]] for one in sample.features[:1])
    return Sample(
        sample.rgb[up:down, here:there], place[sample.owner[up:down, here:there]], inside[kept], sample.labels[kept],
        features,
    )  # fmt: skip


def owners(boxes: np.ndarray, size: int) -> np.ndarray:
    """The smallest box over each pixel, int16 (size, size), -1 where there is none."""
    owner = np.full((size, size), -1, np.int16)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    for index in np.argsort(-area):
        x0, y0, x1, y1 = np.round(boxes[index] * size).astype(int)
        owner[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = index
    return owner


def opened(annotated: Annotated, size: int) -> Image.Image:
    """The picture, turned as its annotation means it.

    Raises
    ------
    LabError
        If it can't be read.
    """
    return Image.fromarray(annotated.pixels((2 * max(size, SHOWN)) ** 2))


def sampled(annotated: Annotated, picture: Image.Image, size: int, parts: bool = False) -> Sample:
    """The picture in the model's size; on request also so large that parts of it can be taken."""

    def scaled(side: int) -> np.ndarray:
        return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))

    large = scaled(round(size / LEAST_PART)) if parts else None
    return Sample(scaled(size), owners(annotated.boxes, size), annotated.boxes, annotated.labels, (), large)


def own_data(
    params: Asked, rng: np.random.Generator, side: int = 0, most: int = MOST_PICTURES
) -> Generator[tuple[float, float, Message], None, Own]:
    """Read a folder; yields how far it is, returns the data.

    Parameters
    ----------
    params : Asked
    rng : numpy.random.Generator
        Draws the pictures of each step.
    side : int
        Of what the model sees, in pixels, if it is not the one that the settings say.
    most : int
        Pictures to train on at most.

    Raises
    ------
    LabError
        If nothing in it can be used.
    """
    folder, size = Path(params.folder), side or params.size
    name = folder.name or params.folder
    steps = reading(folder, FIRST_PIXEL[params.first_pixel])
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            found = end.value
            break
        yield done, total, Message("Reading annotations in {name}", {"name": name})
    skipped, faults = found.skipped, list(found.faults)
    groups: list[list[Sample]] = []
    examples: list[Example] = []
    wanted = evenly(found.training, most), evenly(found.validation, VALIDATION)
    unused = max(0, len(found.training) - most)
    total, done = len(wanted[0]) + len(wanted[1]), 0
    broken: set[Path] = set()  # of few pictures the same ones are trained and validated on
    for held_back, chosen in enumerate(wanted):
        samples: list[Sample] = []
        for annotated in chosen:
            done += 1
            try:
                picture = opened(annotated, size)
            except LabError as error:
                if annotated.path not in broken:
                    broken.add(annotated.path)
                    skipped += max(1, len(annotated.labels))
                    faults.append(error.message)
                continue
            samples.append(
                sampled(annotated, picture, size, parts=not side and not held_back and len(chosen) <= MOST_PARTS)
            )
            if held_back and len(annotated.labels) > 0 and len(examples) < 3 * WATCHED:
                picture.thumbnail((SHOWN, SHOWN))
                shown = np.asarray(picture)
                examples.append(Example(shown, annotated.boxes, annotated.labels, annotated.path.name))
            if done % EACH == 0:
                yield done, total, Message("Reading pictures in {name}", {"name": name})
        groups.append(samples)
    training, validation = groups
    if not training or not examples:
        raise LabError("{name}: none of its pictures can be read.", name=name)
    examples = sorted(examples, key=lambda one: len(one.labels) > FEW_OBJECTS)[:WATCHED]  # what the eye can follow
    about = tuple(examples), skipped, found.crowds, tuple(faults)
    return Own(
        found.classes, training, validation, *about, rng, unused, found.notes, size=size, format=found.format,
        set_mark=found.mark,
    )  # fmt: skip


def evenly(chosen: Sequence[Annotated], most: int) -> list[Annotated]:
    """At most so many, spread over all."""
    places = np.unique(np.linspace(0, len(chosen) - 1, min(most, len(chosen))).round().astype(int))
    return [chosen[int(at)] for at in places]
