"""Answers the page "Kernel"."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job
from engines.data.samples import sample
from engines.large_kernel.convolution import depthwise
from engines.large_kernel.kernel.spec import (
    BLUR,
    EDGE,
    NOISE,
    RING,
    SHAPES,
    SPOT,
    Floats,
    KernelFrame,
    OfKernel,
    Seen,
)

SPECTRUM = 63  # frequencies a side; odd, so that the lowest has a middle
LONGEST = 160  # pixels a side of the photo that is answered to


class Engine:
    """Yields the photo, then one `KernelFrame`."""

    def __init__(self) -> None:
        self._samples: Memo[Picture] = Memo()
        self._photos: Memo[tuple[Seen, Tensor]] = Memo()
        self._shapes: Memo[Floats] = Memo()

    def run(self, job: Job[OfKernel]) -> Iterator[Event]:
        """Answer as ``job.params`` ask for."""
        params = job.params.following(job.params)
        picture = params.picture or self._samples.get(None, sample)
        photo, bright = self._photos.get(picture, lambda: (Seen(picture.name, picture.rgb), brightness(picture)))
        yield photo
        size = params.size
        shapes = self._shapes.get(size, lambda: np.stack([shaped(name, size) for name in SHAPES]))
        kernel = shapes[SHAPES.index(params.shape)]
        if params.cells:
            kernel = np.array(params.cells, np.float32).reshape(size, size)
        start = time.perf_counter()
        answer = answered(bright, kernel)
        spent = time.perf_counter() - start
        yield KernelFrame(kernel, shapes, answer, spectrum(kernel), spent)


@torch.inference_mode()
def answered(bright: Tensor, kernel: Floats) -> Floats:
    """Brightness (1, 1, h, w) under a kernel (k, k), over the sum of the kernel's sizes; all 0 for an empty one."""
    weights = torch.from_numpy(kernel / max(float(np.abs(kernel).sum()), 1e-12))[None, None]
    found: Floats = depthwise(bright, weights)[0, 0].numpy()
    return found


def spectrum(kernel: Floats) -> Floats:
    """How much of each frequency a kernel (k, k) lets through, (SPECTRUM, SPECTRUM), the lowest in the middle."""
    size = (SPECTRUM, SPECTRUM)
    passed = np.abs(np.fft.fftshift(np.fft.fft2(kernel, size))) / max(float(np.abs(kernel).sum()), 1e-12)
    return np.asarray(passed, np.float32)


def brightness(picture: Picture) -> Tensor:
    """A small gray copy of a picture, (1, 1, h, w), −1 to 1."""
    high, wide = picture.rgb.shape[:2]
    scale = min(1.0, LONGEST / max(high, wide))
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    gray = np.asarray(Image.fromarray(picture.rgb).convert("L").resize(size, Image.Resampling.BICUBIC))
    return torch.from_numpy(gray.astype(np.float32) / 127.5 - 1)[None, None]


def shaped(name: str, size: int) -> Floats:
    """A kernel to begin with, (size, size), its largest value 1 or −1."""
    at = np.linspace(-1, 1, size)
    down, right = at[:, None], at[None, :]
    far = np.hypot(down, right)
    match name:
        case _ if name == BLUR:
            made = np.exp(-4 * far**2)
        case _ if name == EDGE:
            made = right * np.exp(-3 * far**2)
        case _ if name == SPOT:
            made = np.exp(-8 * far**2) - np.exp(-3 * far**2) * np.exp(-8 * far**2).sum() / np.exp(-3 * far**2).sum()
        case _ if name == RING:
            made = np.exp(-((far - 0.7) ** 2) / 0.02)
        case _ if name == NOISE:
            made = np.random.default_rng(size).normal(size=(size, size))
        case _:
            made = np.cos(3 * np.pi * (right + down) / np.sqrt(2)) * np.exp(-2 * far**2)
    return np.asarray(made / max(np.abs(made).max(), 1e-12), np.float32)
