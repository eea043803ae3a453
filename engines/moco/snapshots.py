"""What is shown of a run: its dictionary, a map of vectors, how good the features are. Changes nothing in the run."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.protocol import Event, Frame
from engines.moco.measures import Probe, knn_accuracy
from engines.moco.model import Encoder
from engines.moco.parts import encode
from engines.moco.run import Run
from engines.moco.spec import MapFrame, Measured, QueueFrame

SAMPLE = 96  # keys whose staleness is measured
MAPPED, MAPPED_KEYS = 192, 160  # test pictures and keys on the map
MEMORY, TESTED = 768, 512  # pictures that vote and that are tested while training
PIECE = 128  # pictures encoded between two yields
PROBE_STEPS = 120


class Budget:
    """Keeps what costs time to a share of it."""

    def __init__(self, every: float, share: float) -> None:
        self._every, self._share = every, share
        self._next = self._began = 0.0

    def due(self, now: bool = False) -> bool:
        """Whether it is time again, or is to be done ``now`` in any case; the clock of its cost starts."""
        self._began = time.monotonic()
        return now or self._began >= self._next

    def paid(self) -> None:
        """It is done."""
        now = time.monotonic()
        self._next = now + max(self._every, (now - self._began) / self._share)


class Pulse(Frame):
    """A place to stop, told as a frame so that it takes no room; nobody draws it."""


@torch.no_grad()
def staleness(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Ages (S,) and cosines (S,) of some keys with the same views encoded now."""
    held = run.dictionary
    known = (held.ages >= 0).nonzero()[:, 0]
    if len(known) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    chosen = known[torch.linspace(0, len(known) - 1, min(SAMPLE, len(known))).round().long()]
    now = encode(run.moco.encoder_k, held.views[chosen], head=True)  # type: ignore[arg-type]  # a copied Encoder
    cosines = (now * held.keys[chosen]).sum(1).clamp(-1, 1)
    return held.ages[chosen].numpy().astype(np.int64), cosines.numpy().astype(np.float32)


def queue_frame(run: Run, sample: tuple[np.ndarray, np.ndarray]) -> QueueFrame:
    """The dictionary as it is; ``sample``: ages (S,) and cosines (S,) from `staleness`."""
    held, told = run.dictionary, run.update
    ages = held.ages.numpy().astype(np.int64).copy()
    batch = min(run.params.batch, len(ages))
    return QueueFrame(run.step, ages, held.pointer, batch, *sample, run.own, *told)


@torch.no_grad()
def map_frame(run: Run, before: np.ndarray | None = None) -> tuple[MapFrame, np.ndarray]:
    """Test pictures and keys on the two main axes; the axes (dim, 2) are turned to fit those of the map before."""
    held = run.dictionary
    vectors = encode(run.moco.encoder_k, run.test[:MAPPED], head=True).numpy().astype(np.float64)  # type: ignore[arg-type]
    middle = vectors.mean(0)
    away = vectors - middle
    values, axes = np.linalg.eigh(away.T @ away / max(1, len(away) - 1))
    plane = axes[:, -2:][:, ::-1]  # (dim, 2)
    if before is not None:  # the rotation or mirroring that fits best (Procrustes), so that the map does not jump
        left, _, right = np.linalg.svd(plane.T @ before)
        plane = plane @ left @ right
    share = float(values[-2:].sum() / max(values.sum(), 1e-12))
    chosen = torch.linspace(0, len(held.keys) - 1, min(MAPPED_KEYS, len(held.keys))).round().long()
    keys = (held.keys[chosen].numpy() - middle) @ plane
    labels = np.full(len(vectors), -1) if run.test_labels is None else run.test_labels[: len(vectors)]
    frame = MapFrame(
        run.step,
        (away @ plane).astype(np.float32),
        labels.astype(np.int64),
        keys.astype(np.float32),
        held.ages[chosen].numpy().astype(np.int64),
        share,
    )
    return frame, plane


def _features(encoder: Encoder, pixels: Tensor) -> Generator[Event, None, Tensor]:
    """Features (n, d), in pieces; returned."""
    found = []
    for first in range(0, len(pixels), PIECE):
        found.append(encode(encoder, pixels[first : first + PIECE], head=False))
        yield Pulse()
    return torch.cat(found)


def measured(run: Run) -> Iterator[Event]:
    """Measure kNN and probe accuracy of the run and its supervised baseline; the last event says them."""
    if run.labels is None or run.test_labels is None:
        return
    step, told = run.step, []
    encoders: list[Encoder] = [run.moco.encoder_k]  # type: ignore[list-item]  # a copied Encoder
    if run.twin is not None:
        encoders.append(run.twin.encoder)
    for encoder in encoders:
        train = yield from _features(encoder, run.pixels[:MEMORY])
        test = yield from _features(encoder, run.test[:TESTED])
        labels, truth = run.labels[:MEMORY], run.test_labels[:TESTED]
        told.append(knn_accuracy(train, labels, test, truth))
        yield Pulse()
        probe = Probe(train, labels, PROBE_STEPS)
        while probe.done < probe.steps:
            probe.advance(30)
            yield Pulse()
        told.append(probe.accuracy(test, truth))
    yield Measured(step, *told)
