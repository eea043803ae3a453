"""Endless pictures for the scale study, drawn here: in one task the answer is local, in the other a relation.

- `TEXTURE`: which way does the grain run? Every patch tells, a little; the picture is the sum of what its patches tell.
- `SAME`: two of sixteen colored cells have a dot; are they of the same color? No part of the picture tells: both must
  be found and compared, and they never touch. The grid of cells is shifted against that of the patches, so that nothing
  falls into place by itself.

Picture i of a stream is always the same one, so that fewer pictures are the first of more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.vit.scale_study.data import TESTED, Bytes, Labels, Pictures
from engines.vit.scale_study.spec import DRAWN_COUNTS, MOST_DRAWN, SAME, TEXTURE

SIDE, GRID = 32, 4
BLOCK = 500  # pictures drawn at once
TEST, SAMPLE = 0, 1  # streams; those of the trainings are `torch.Generator`'s seeds, from 1000 on
GRAIN = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns to the pixel that a pixel of a grain is like
GRAIN_NAMES = ("horizontal", "vertical", "falling", "rising")
CONTRAST, GRAIN_NOISE = 10.0, 25.0  # of 255
CELLS, CELL, DOT = 4, 8, slice(2, 6)  # cells of a side, their pixels, those of a dot
COLORS = np.array([(200, 70, 60), (70, 160, 80), (70, 90, 200), (210, 180, 70)], np.float32) * 0.7 + 30
WHITE, CELL_NOISE = 240.0, 20.0


def _apart() -> npt.NDArray[np.int64]:
    """All pairs of cells that lie two apart along a side, counted around the edge, too: (P, 2)."""
    cells = np.stack(np.divmod(np.arange(CELLS**2), CELLS), 1)
    return np.argwhere(np.abs(cells[:, None] - cells).max(-1) == CELLS // 2)  # three apart touch around the edge


def _grains(random: np.random.Generator, n: int) -> tuple[np.ndarray, Labels]:
    labels = random.integers(0, len(GRAIN), n)
    dy, dx = np.array(GRAIN)[labels].T[..., None, None]  # (n, 1, 1) each
    noise = random.standard_normal((n, SIDE + 2, SIDE + 2), np.float32)
    at, rows, columns = np.arange(n)[:, None, None], np.arange(1, SIDE + 1)[:, None], np.arange(1, SIDE + 1)
    grain = noise[at, rows, columns] + noise[at, rows + dy, columns + dx]  # neighbors along the grain are alike
    color = random.integers(60, 190, (n, 1, 1, 3))
    fresh = random.standard_normal((n, SIDE, SIDE, 3), np.float32)
    return color + CONTRAST / 2**0.5 * grain[..., None] + GRAIN_NOISE * fresh, labels


def _pairs(random: np.random.Generator, n: int) -> tuple[np.ndarray, Labels]:
    labels = random.integers(0, 2, n)
    colors = random.integers(0, len(COLORS), (n, CELLS**2))
    apart, each = _apart(), np.arange(n)
    first, second = apart[random.integers(0, len(apart), n)].T
    other = (colors[each, first] + random.integers(1, len(COLORS), n)) % len(COLORS)
    colors[each, second] = np.where(labels == 1, colors[each, first], other)
    pixels = COLORS[colors.reshape(n, CELLS, CELLS)].repeat(CELL, 1).repeat(CELL, 2)
    cells = pixels.reshape(n, CELLS, CELL, CELLS, CELL, 3)  # a view
    for marked in (first, second):
        cells[each, marked // CELLS, DOT, marked % CELLS, DOT] = WHITE
    shift = random.integers(0, CELL, (n, 2, 1))
    rows, columns = ((np.arange(SIDE) + shift[:, side]) % SIDE for side in (0, 1))  # (n, SIDE) each
    pixels = pixels[each[:, None, None], rows[:, :, None], columns[:, None]]
    return pixels + CELL_NOISE * random.standard_normal(pixels.shape, np.float32), labels


_Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, Labels]]
_TASKS: dict[str, tuple[_Draw, tuple[str, ...]]] = {
    TEXTURE: (_grains, GRAIN_NAMES),
    SAME: (_pairs, ("different", "same")),
}


def classes(task: str) -> int:
    """How many classes a task has."""
    return len(_TASKS[task][1])


def block(task: str, stream: int, number: int) -> tuple[Bytes, Labels]:
    """Block ``number`` of a stream: `BLOCK` pictures uint8 (n, 32, 32, 3) and their classes int64 (n,)."""
    pixels, labels = _TASKS[task][0](np.random.default_rng([stream, number]), BLOCK)
    return pixels.clip(0, 255).astype(np.uint8), labels


def drawn(task: str, stream: int, count: int) -> tuple[Bytes, Labels]:
    """The first ``count`` pictures of a stream, uint8 (n, 32, 32, 3), and their classes, int64 (n,)."""
    images, labels = zip(*(block(task, stream, i) for i in range(-(-count // BLOCK))), strict=True)
    return np.concatenate(images)[:count], np.concatenate(labels)[:count]


@dataclass(frozen=True, eq=False)
class Drawn(Pictures):
    """A task whose pictures never end. ``images`` are a sample: each training draws its own.

    The largest training sees each of its pictures once; those of fewer see theirs as often as that needs.
    """

    @property
    def available(self) -> int:
        """As many as any training wants."""
        return MOST_DRAWN

    def learned(self, count: int, most: int, random: torch.Generator) -> tuple[Bytes, Labels]:
        """See `Pictures.learned`: the generator's seed names the stream."""
        return drawn(self.name, random.initial_seed(), min(count, most))

    def batches(self, count: int, size: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches as of `Pictures.batches`, the first time in the order they are drawn in, then mixed."""
        stream = random.initial_seed()
        images, labels = np.empty((count, SIDE, SIDE, 3), np.uint8), np.empty(count, np.int64)
        done, left = 0, torch.arange(count)
        while True:
            while len(left) < size:
                left = torch.cat([left, torch.randperm(count, generator=random)])
            at, left = left[:size].numpy(), left[size:]
            while done < count and at.max() >= done:
                part = slice(done, min(count, done + BLOCK))
                made = block(self.name, stream, done // BLOCK)
                images[part], labels[part] = (one[: part.stop - done] for one in made)
                done = part.stop
            yield self.ready(images[at]), torch.from_numpy(labels[at])


def pictures(task: str) -> Drawn:
    """One of the two tasks."""
    images, labels = drawn(task, SAMPLE, 2 * BLOCK)
    test, test_labels = drawn(task, TEST, TESTED)
    return Drawn(
        task,
        _TASKS[task][1],
        images,
        labels,
        test,
        test_labels,
        sizes=("S",),
        counts=DRAWN_COUNTS,
        grid=GRID,
        sees=MOST_DRAWN,
    )
