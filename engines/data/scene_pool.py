"""Training scenes: drawn as we go, each shown a few times under the symmetries of the square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engines.data.scene_sets import SIZE
from engines.data.scenes import MOST, random_scene


class Batch(NamedTuple):
    """Some scenes.

    Attributes
    ----------
    rgb : ndarray uint8 (B, S, S, 3)
    owner : ndarray int8 (B, S, S)
        Topmost shape of each pixel, or -1.
    boxes : ndarray float32 (B, 8, 4)
        xyxy in 0..1.
    labels : ndarray int64 (B, 8)
    counts : ndarray (B,)
        How many of the 8 there are.
    """

    rgb: np.ndarray
    owner: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    counts: np.ndarray


class ScenePool:
    """A ring of the newest scenes, from which batches are drawn.

    Parameters
    ----------
    rng : numpy.random.Generator
    photos : sequence of ndarray
        For backgrounds.
    capacity : int
        Scenes kept.
    reuse : int
        How often a scene is shown on average: drawing one costs about 1.7 ms.
    """

    def __init__(
        self, rng: np.random.Generator, photos: Sequence[np.ndarray] = (), capacity: int = 4096, reuse: int = 3
    ) -> None:
        self.rng, self.photos, self.capacity, self.reuse = rng, photos, capacity, reuse
        self.rgb = np.zeros((capacity, SIZE, SIZE, 3), np.uint8)
        self.owner = np.zeros((capacity, SIZE, SIZE), np.int8)
        self.boxes = np.full((capacity, MOST, 4), 0.5, np.float32)
        self.labels = np.zeros((capacity, MOST), np.int64)
        self.counts = np.zeros(capacity, np.int64)
        self.filled = self.at = 0

    def draw(self) -> None:
        """Put a new scene in the place of the oldest."""
        scene = random_scene(self.rng, SIZE, self.photos)
        at, count = self.at, len(scene.labels)
        self.rgb[at], self.owner[at], self.counts[at] = scene.rgb, scene.owner, count
        self.boxes[at, :count], self.labels[at, :count] = scene.boxes, scene.labels
        self.at = (at + 1) % self.capacity
        self.filled = min(self.filled + 1, self.capacity)

    def batch(self, size: int) -> Batch:
        """Scenes picked at random, each flipped, turned and with its color channels swapped at random."""
        for _ in range(size if self.filled < self.capacity else max(1, size // self.reuse)):
            self.draw()
        pick = self.rng.integers(0, self.filled, size)
        symmetries = self.rng.integers(0, 8, size)
        views = [
            turn(self.rgb[at], self.owner[at], self.boxes[at], int(symmetry))
            for at, symmetry in zip(pick, symmetries, strict=True)
        ]
        rgb, owner, boxes = (np.stack(part) for part in zip(*views, strict=True))
        channels = self.rng.permuted(np.tile(np.arange(3), (size, 1)), axis=1)
        rgb = np.take_along_axis(rgb, channels[:, None, None, :], axis=3)
        return Batch(rgb, owner, boxes, self.labels[pick], self.counts[pick])


def turn(
    rgb: np.ndarray, owner: np.ndarray, boxes: np.ndarray, symmetry: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One of the 8 symmetries of the square: mirrored in x (bit 0), in y (bit 1), axes swapped (bit 2).

    Takes and gives rgb (S, S, 3), owner (S, S) and boxes (N, 4) xyxy in 0..1.
    """
    if symmetry & 1:
        rgb, owner = rgb[:, ::-1], owner[:, ::-1]
        boxes = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=1)
    if symmetry & 2:
        rgb, owner = rgb[::-1], owner[::-1]
        boxes = np.stack([boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]], axis=1)
    if symmetry & 4:
        rgb, owner, boxes = rgb.transpose(1, 0, 2), owner.T, boxes[:, [1, 0, 3, 2]]
    return rgb, owner, boxes
