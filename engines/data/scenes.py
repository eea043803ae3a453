"""Drawn scenes: shapes on a background, with the box of each shape, for a detector to train on and to play with.

Everything is numpy and Pillow, so that the scene editor draws exactly what the model was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from engines.core.assets import assets
from engines.data.pictures import read_picture
from engines.data.shapes import KINDS, TEXTURES, Canvas, Shape, box_of, contains, corners_of

__all__ = [
    "BACKGROUNDS",
    "DEFAULT_SCENE",
    "KINDS",
    "LARGEST",
    "MOST",
    "SMALLEST",
    "TEXTURES",
    "Drawing",
    "Scene",
    "Shape",
    "box_of",
    "contains",
    "corners_of",
    "draw_background",
    "random_background",
    "random_drawing",
    "random_scene",
    "render",
    "sample_photos",
]

BACKGROUNDS = ("plain", "gradient", "noisy", "photo")

SMALLEST, LARGEST = 0.17, 0.52  # size of the shapes of a random scene
MOST = 8  # shapes in a random scene
MAX_IOU = 0.7  # of the boxes of two shapes
MIN_CONTRAST = 70.0  # distance in RGB between a shape's color and what lies under it


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    Attributes
    ----------
    rgb : ndarray uint8 (S, S, 3)
    boxes : ndarray float32 (N, 4)
        xyxy in 0..1, of each shape before occlusion.
    labels : ndarray int64 (N,)
        Index in ``KINDS``.
    owner : ndarray int8 (S, S)
        Topmost shape of each pixel, or -1.
    """

    shapes: tuple[Shape, ...]
    rgb: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    owner: np.ndarray


#: Of ``assets/photos``, for backgrounds; the scenes that are held out are drawn on them in this order
SAMPLE_PHOTOS = (
    *("astronaut.webp", "brick.webp", "chelsea.webp", "coffee.webp", "grass.webp", "gravel.webp"),
    *("hubble_deep_field.jpg", "ihc.webp", "coins.webp", "rocket.jpg", "retina.webp", "camera.webp"),
    *("china.jpg", "flower.jpg"),
)


@cache
def sample_photos(side: int = 320) -> tuple[np.ndarray, ...]:
    """Photos uint8 (H, W, 3) for backgrounds, made to fit a square of ``side`` pixels; each is read once."""
    photos = []
    for name in SAMPLE_PHOTOS:
        picture = Image.fromarray(read_picture(assets("photos") / name).rgb)
        picture.thumbnail((side, side))
        photos.append(np.asarray(picture))
        photos[-1].setflags(write=False)
    return tuple(photos)


@dataclass(frozen=True)
class Drawing:
    """A scene as the editor keeps it: small, immutable, comparable.

    Parameters
    ----------
    shapes : tuple of Shape
        The last lies on top.
    background : str
        One of ``BACKGROUNDS``; a dropped photo takes its place.
    seed : int
        Of the background.
    """

    shapes: tuple[Shape, ...] = ()
    background: str = "gradient"
    seed: int = 0


def render(shapes: Sequence[Shape], background: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw shapes in order on a background.

    Parameters
    ----------
    shapes : sequence of Shape
        The last lies on top.
    background : ndarray uint8 (H, W, 3) or (3,)
        A picture, of which the middle square is used, or one color.
    size : int
        Side S of the scene in pixels.

    Returns
    -------
    rgb : ndarray uint8 (S, S, 3)
    boxes : ndarray float32 (N, 4)
        Tight xyxy boxes in pixels, of each shape before occlusion.
    """
    canvas = Canvas(square_background(background, size))
    for shape in shapes:
        canvas.add(shape)
    boxes = np.array([box_of(shape) for shape in shapes], np.float32).reshape(-1, 4) * size
    return canvas.picture(), boxes


def square_background(background: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a picture, or a plain color, as uint8 (size, size, 3)."""
    background = np.asarray(background, np.uint8)
    if background.ndim == 1:
        return np.broadcast_to(background, (size, size, 3))
    height, width = background.shape[:2]
    if height == width == size:
        return background
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = Image.fromarray(np.ascontiguousarray(background[top : top + side, left : left + side]))
    return np.asarray(middle.resize((size, size), Image.Resampling.BILINEAR))


def random_background(
    rng: np.random.Generator, size: int, photos: Sequence[np.ndarray] = (), kind: str | None = None
) -> np.ndarray:
    """A background uint8 (size, size, 3): plain, gradient, noisy, or photo-like (crops of photos, or clouds)."""
    kind = kind or BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    first = rng.uniform(0, 255, 3).astype(np.float32)
    if kind == "plain":
        return np.broadcast_to(first.astype(np.uint8), (size, size, 3))
    if kind == "gradient":
        angle, second = rng.uniform(0, 2 * math.pi), rng.uniform(0, 255, 3).astype(np.float32)
        line = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        ramp = (math.cos(angle) * line[None] + math.sin(angle) * line[:, None]) / 1.415 + 0.5
        return (first + (second - first) * ramp[..., None]).astype(np.uint8)
    if kind == "noisy":
        noise = rng.standard_normal((size, size, 3), np.float32) * np.float32(rng.uniform(5, 35))
        return (first + noise).clip(0, 255).astype(np.uint8)
    if photos and rng.random() < 0.7:
        return photo_crop(rng, size, photos[int(rng.integers(len(photos)))])
    total = np.full((size, size, 3), first, np.float32)
    strength = 90.0
    for cells in (3, 6, 12, 24):  # clouds: octaves of smooth noise
        coarse = rng.uniform(-1, 1, (cells, cells, 3)).astype(np.float32) * strength
        octave = Image.fromarray((coarse + 128).clip(0, 255).astype(np.uint8)).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        total += np.asarray(octave, np.float32) - 128
        strength *= 0.55
    return total.clip(0, 255).astype(np.uint8)


def photo_crop(rng: np.random.Generator, size: int, photo: np.ndarray) -> np.ndarray:
    """A random square of a photo (H, W, 3), flipped at random: (size, size, 3)."""
    height, width = photo.shape[:2]
    side = int(rng.uniform(min(size, height, width), min(height, width)))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    crop = photo[top : top + side, left : left + side, :]
    crop = crop[:, ::-1] if rng.random() < 0.5 else crop
    picture = Image.fromarray(np.ascontiguousarray(crop))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def box_iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU (N,) of one xyxy box with others (N, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inner = (high - low).clip(0).prod(-1)
    return inner / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(-1) - inner)


def random_shape(rng: np.random.Generator, canvas: Canvas, near: Shape | None = None) -> Shape:
    """A shape that lies inside the scene and stands out from what is under its center."""
    size = SMALLEST * (LARGEST / SMALLEST) ** rng.random()
    margin = size / 2
    x, y = rng.uniform(margin, 1 - margin, 2)
    if near is not None:  # so that overlaps are as common as in crowded photos
        x, y = (np.array([near.x, near.y]) + rng.normal(0, near.size / 3, 2)).clip(margin, 1 - margin)
    under = canvas.rgb[int(y * canvas.size), int(x * canvas.size)]
    color = rng.integers(0, 256, 3)
    while np.linalg.norm(color - under) < MIN_CONTRAST:
        color = rng.integers(0, 256, 3)
    red, green, blue = color.tolist()
    texture = "plain" if rng.random() < 0.5 else TEXTURES[rng.integers(1, len(TEXTURES))]
    kind = KINDS[rng.integers(len(KINDS))]
    return Shape(kind, float(x), float(y), float(size), float(rng.uniform(0, 360)), (red, green, blue), texture)


def add_shapes(rng: np.random.Generator, canvas: Canvas, count: int) -> list[Shape]:
    """Draw up to ``count`` random shapes that overlap by at most IoU 0.7 and leave half of each other to be seen."""
    shapes: list[Shape] = []
    boxes = np.zeros((0, 4), np.float32)
    for _ in range(count):
        for _attempt in range(6):
            near = shapes[rng.integers(len(shapes))] if shapes and rng.random() < 0.2 else None
            shape = random_shape(rng, canvas, near)
            box = box_of(shape)
            if len(boxes) and box_iou(box, boxes).max() > MAX_IOU:
                continue
            if canvas.add(shape, careful=True):
                shapes.append(shape)
                boxes = np.concatenate([boxes, box[None]])
                break
    return shapes


def random_scene(rng: np.random.Generator, size: int = 96, photos: Sequence[np.ndarray] = ()) -> Scene:
    """A scene of 0 to 8 shapes on a random background."""
    canvas = Canvas(random_background(rng, size, photos))
    shapes = add_shapes(rng, canvas, int(rng.integers(0, MOST + 1)))
    boxes = np.array([box_of(shape) for shape in shapes], np.float32).reshape(-1, 4)
    labels = np.array([KINDS.index(shape.kind) for shape in shapes], np.int64)
    return Scene(tuple(shapes), canvas.picture(), boxes, labels, canvas.owner)


def draw_background(drawing: Drawing, size: int) -> np.ndarray:
    """The background of a drawing, uint8 (size, size, 3)."""
    return random_background(np.random.default_rng(drawing.seed), size, kind=drawing.background)


def random_drawing(seed: int) -> Drawing:
    """A drawing like those that the toy model was trained on."""
    rng = np.random.default_rng(seed)
    kind = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    canvas = Canvas(random_background(np.random.default_rng(seed), 96, kind=kind))
    return Drawing(tuple(add_shapes(rng, canvas, int(rng.integers(2, MOST)))), kind, seed)


DEFAULT_SCENE = Drawing(
    shapes=(
        Shape("circle", 0.34, 0.36, 0.38, 20.0, (72, 148, 222), "stripes"),
        Shape("star", 0.50, 0.46, 0.34, 12.0, (246, 190, 60)),
        Shape("ring", 0.76, 0.27, 0.28, 0.0, (226, 82, 96)),
        Shape("square", 0.25, 0.76, 0.26, 30.0, (88, 176, 120), "checks"),
        Shape("triangle", 0.74, 0.70, 0.34, -10.0, (150, 104, 200)),
        Shape("cross", 0.52, 0.80, 0.20, 40.0, (238, 238, 230)),
    ),
    background="gradient",
    seed=3,
)
