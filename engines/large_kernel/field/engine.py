"""Answers the page "Field": gradients of one place of a net's map to the pixels.

Stages, each kept until its own input changes: net, what enters and leaves its layers for a photo, the field.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engines.blocks.backbone import Backbone
from engines.checkpoints import backbones, catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import NOT_FINITE, LabError, Message
from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job, Progress
from engines.data.samples import sample
from engines.large_kernel import receptive_field as measures
from engines.large_kernel.backbone import ConvNeXtBackbone
from engines.large_kernel.field.spec import (
    SHARES,
    SQUARES,
    DepthsFrame,
    FieldFrame,
    NetInfo,
    OfNet,
    PhotoSeen,
    WeightsInfo,
)
from engines.large_kernel.field.stack import SIDE, Stack

MOST = 224  # pixels a side that a photo is squeezed into


@dataclass(frozen=True, eq=False)
class Loaded:
    """A net on its device, and what there is to say about it.

    Attributes
    ----------
    net : Backbone or Stack
    title : str
    weights : WeightsInfo, optional
        Of a net with weights of somebody's.
    """

    net: Backbone | Stack
    title: str
    weights: WeightsInfo | None = None

    @property
    def side(self) -> int:
        """Pixels a side of the square that a photo is squeezed into."""
        return SIDE if isinstance(self.net, Stack) else self.net.nearest(MOST)

    def law(self, depth: int) -> float:
        """Radius by the law after so many layers; 0 where it says nothing."""
        net = self.net
        return measures.law(net.kernel, depth) if isinstance(net, Stack) and not net.skip else 0.0

    def theoretical(self, depth: int) -> int:
        """The side that nothing can reach beyond; 0 where the net is none of kernels alone."""
        if isinstance(self.net, Stack):
            return measures.theoretical_field([self.net.kernel] * depth)
        if isinstance(self.net, ConvNeXtBackbone):
            kernels, strides = zip(*self.net.net.config.convolutions(depth), strict=True)
            return measures.theoretical_field(kernels, strides)
        return 0


@dataclass(frozen=True, eq=False)
class Passed:
    """A photo that has gone through a net.

    Attributes
    ----------
    pixels : Tensor (1, 3, side, side)
        That gradients are taken to.
    maps : list of Tensor (1, F, h, w)
        What left each layer.
    """

    pixels: Tensor
    maps: list[Tensor]

    def cell(self, depth: int, at: tuple[float, float]) -> tuple[int, int]:
        """The place of a layer's map, counted from 1, at shares of height and width."""
        rows, cols = self.maps[depth - 1].shape[2:]
        return min(rows - 1, int(at[0] * rows)), min(cols - 1, int(at[1] * cols))

    def middle(self, depth: int, cell: tuple[int, int]) -> tuple[float, float]:
        """Where the middle of a place of a map lies, in pixels (row, col) counted from the middle of the first one."""
        rows, cols = self.maps[depth - 1].shape[2:]
        high, wide = self.pixels.shape[2:]
        return (cell[0] + 0.5) * high / rows - 0.5, (cell[1] + 0.5) * wide / cols - 0.5

    def field(self, depth: int, cell: tuple[int, int], measure: str) -> Tensor:
        """What each pixel has of the field of a place, (side, side)."""
        asked = self.maps[depth - 1][:, :, cell[0], cell[1]].sum()
        (found,) = torch.autograd.grad(asked, self.pixels, retain_graph=True)
        return measures.shares(found, measure).cpu()


class Engine:
    """Yields what `engines.large_kernel.field.spec` says."""

    def __init__(self) -> None:
        self._nets: Memo[Loaded] = Memo()
        self._photos: Memo[PhotoSeen] = Memo()
        self._samples: Memo[Picture] = Memo()
        self._passed: Memo[Passed] = Memo()
        self._infos: Memo[NetInfo] = Memo()
        self._radii: Memo[dict[int, float]] = Memo()

    def run(self, job: Job[OfNet]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        params, device = job.params, resolve(job.device)
        key = key_of(params, device)
        loaded = yield from self._nets.get_in_steps(key, lambda: self._load(params, device))
        picture = params.picture or self._samples.get(None, sample)
        passed = yield from self._passed.get_in_steps((key, picture), lambda: through(loaded, picture, device))
        yield self._infos.get(key, lambda: describe(loaded, params, len(passed.maps)))
        if loaded.weights is not None:
            yield loaded.weights
        yield self._photos.get(picture, lambda: PhotoSeen(picture.name, picture.rgb))
        depth = min(params.depth, len(passed.maps)) if params.model else len(passed.maps)
        measure = measures.SQUARES if params.measure == SQUARES else measures.POSITIVE
        found = frame(loaded, passed, depth, params.at, measure)
        radii = self._radii.get((key, picture, params.at, measure), dict)
        radii[depth] = found.radius
        yield found
        yield from depths(loaded, passed, params.at, measure, radii)

    def _load(self, params: OfNet, device: torch.device) -> Generator[Event, None, Loaded]:
        self._passed.clear()  # so that there is memory for another
        source = params.model
        if not source:
            return Loaded(Stack(params.kernel, params.layers, params.skip, params.seed).to(device), "")
        title = catalog.describe(source).title
        yield Progress(0, 0, Message("Loading {name}", {"name": title}))
        with hashed(source) as sha256:
            net = backbones.load(source, backbones.LAYERS)
            if params.random:
                net = net.fresh(params.seed).eval().requires_grad_(False)
            return Loaded(net.to(device), title, WeightsInfo(source, title, sha256.result()))


def key_of(params: OfNet, device: torch.device) -> object:
    """What a net hangs on."""
    if not params.model:
        return params.kernel, params.layers, params.skip, params.seed, device
    return params.model, params.random and params.seed + 1, device


def describe(loaded: Loaded, params: OfNet, layers: int) -> NetInfo:
    """What there is to say about a net."""
    random = not params.model or params.random
    return NetInfo(params.model, loaded.title, layers, loaded.side, random)


def through(loaded: Loaded, picture: Picture, device: torch.device) -> Generator[Event, None, Passed]:
    """Send a photo through a net, with a place to stop after each layer."""
    side = loaded.side
    seen = np.asarray(Image.fromarray(picture.rgb).resize((side, side), Image.Resampling.BICUBIC))
    batch = torch.from_numpy(seen.copy())[None].to(device)
    pixels = normalized(loaded.net, batch).requires_grad_(True)
    maps: list[Tensor] = []
    for made in loaded.net.maps(pixels):
        if not made.isfinite().all():
            raise LabError(NOT_FINITE, n=len(maps) + 1)
        maps.append(made)
        yield Progress(len(maps), 0, Message("Layer {n}", {"n": len(maps)}))
    if not maps:
        raise LabError("The model makes no map of cells, so that there is no field to draw.")
    return Passed(pixels, maps)


def normalized(net: Backbone | Stack, batch: Tensor) -> Tensor:
    """Pictures uint8 (B, side, side, 3) -> pixels (B, 3, side, side) as the net wants them."""
    if isinstance(net, Stack):
        return (batch.float() / 127.5 - 1).permute(0, 3, 1, 2).contiguous()
    return net.normalize(batch)


def frame(loaded: Loaded, passed: Passed, depth: int, at: tuple[float, float], measure: str) -> FieldFrame:
    """The field of a place and its figures."""
    cell = passed.cell(depth, at)
    found = passed.field(depth, cell, measure)
    row, col = passed.middle(depth, cell)
    within = measures.within_squares(found, (round(row), round(col)))
    sides = [measures.side_of(within, share) for share in SHARES]
    return FieldFrame(
        depth,
        cell,
        (passed.maps[depth - 1].shape[2], passed.maps[depth - 1].shape[3]),
        found.numpy(),
        (sides[0], sides[1]),
        within.float().numpy(),
        measures.rms_radius(found, (row, col)),
        extent(found),
        loaded.law(depth),
        loaded.theoretical(depth),
    )


def extent(field: Tensor) -> tuple[int, int]:
    """Rows and columns of the rectangle beyond which a field (H, W) is exactly 0."""
    spans = [(field > 0).any(axis).nonzero().flatten() for axis in (1, 0)]
    found = [int(span[-1] - span[0]) + 1 if len(span) else 0 for span in spans]
    return found[0], found[1]


def depths(
    loaded: Loaded, passed: Passed, at: tuple[float, float], measure: str, radii: dict[int, float]
) -> Iterator[Event]:
    """The radius layer by layer; what is in ``radii`` is known, what is found is put there."""
    count = len(passed.maps)
    law = [loaded.law(depth) for depth in range(1, count + 1)]
    for depth in range(1, count + 1):
        if depth not in radii:
            cell = passed.cell(depth, at)
            radii[depth] = measures.rms_radius(passed.field(depth, cell, measure), passed.middle(depth, cell))
            if depth < count:
                yield depths_frame(radii, law, depth)
    yield depths_frame(radii, law, count)


def depths_frame(radii: dict[int, float], law: list[float], count: int) -> DepthsFrame:
    """What is known of the first layers."""
    known = [radii[depth] for depth in range(1, count + 1)]
    return DepthsFrame(np.array(known, np.float32), np.array(law[:count], np.float32))
