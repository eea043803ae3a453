"""The photo in a model that all pages' engines look at: what a setting does not touch is not computed again.

Stages, each kept until its own input changes: model, photo, untouched stream, changed stream (branched off at the
first changed block). What an engine makes of them it keeps in memos from here: all are let go when another model is
read, so that there is memory for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import NOT_FINITE, LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Progress
from engines.data.samples import sample
from engines.swin.asking import WHOLE_BLOCK, OfPhoto
from engines.swin.events import Cut, Floats, ModelInfo, PhotoGrid, Prediction
from engines.swin.interventions import (
    BiasMoved,
    BiasScaled,
    HeadsOff,
    Intervention,
    KeysRemoved,
    MaskOff,
    Temperature,
    plan,
)
from engines.swin.layouts import AS_TRANSFORMERS, MASKED, Layout
from engines.swin.load import load_checkpoint
from engines.swin.model import Swin
from engines.swin.preprocess import Prepared, prepare, side_of
from engines.swin.stream import Stream

BUNDLED = "mini-swin"
KEPT = 2  # models kept in memory, so that going back to the last one is instant
TOP = 5  # classes shown


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, and what there is to say about it."""

    net: Swin
    info: ModelInfo


@dataclass(frozen=True, eq=False)
class Specimen:
    """One photo in one model, untouched and as it is set now.

    Attributes
    ----------
    labels : tuple of str
        The model's classes.
    photo : Prepared
    plain, stream : Stream
        Untouched and as it is set now, both complete; the same one where nothing is changed.
    untouched, changed : object
        What the one and the other were computed for: keys of what follows from them.
    block, head : int
        Chosen ones, counted from 0, within what the model has.
    """

    labels: tuple[str, ...]
    photo: Prepared
    plain: Stream
    stream: Stream
    untouched: object
    changed: object
    block: int
    head: int


class Collection:
    """What the engines of all pages share."""

    def __init__(self) -> None:
        self._memos: list[Memo[Any]] = []
        self._models: Memo[Loaded] = Memo(KEPT)
        self._samples: Memo[Any] = Memo()
        self._photos: Memo[Prepared] = self.memo()
        self._grids: Memo[PhotoGrid] = self.memo()
        self._plain: Memo[Stream] = self.memo()
        self._changed: Memo[Stream] = self.memo()
        self._predictions: Memo[Prediction] = self.memo()

    def memo(self) -> Memo[Any]:
        """The newest result of a stage, until another model is read."""
        made: Memo[Any] = Memo()
        self._memos.append(made)
        return made

    def specimen(self, params: OfPhoto, device: str) -> Generator[Event, None, Specimen]:
        """The photo in the model, as the settings change it; tells the model and how its patches lie on the photo."""
        loaded, place = yield from self._load(params.model or BUNDLED, str(resolve(device)))
        yield loaded.info
        net, config = loaded.net, loaded.net.config
        picture = params.picture or self._samples.get(None, sample)
        side = side_of(config, params.resolution)
        key = (place, picture, side)
        photo = self._photos.get(key, lambda: prepare(picture.rgb, config, side))
        patches = side // config.patch_size
        yield self._grids.get(key, lambda: PhotoGrid(picture.name, picture.rgb, patches, patches, photo.seen))
        padding = MASKED if params.mask_padding else AS_TRANSFORMERS

        plain = self._plain.get(key, lambda: Stream.of(net, photo.pixels.to(net.device), MASKED))
        yield from advance(plain)
        changes = interventions(params, net, (patches, patches))
        changed, stream = (key, padding, changes), plain
        if padding != MASKED and any(plain.layout(index).padded for index in range(config.blocks)):
            other = (*changed, "padding")
            stream = self._changed.get(other, lambda: Stream.of(net, photo.pixels.to(net.device), padding))
        elif padding != MASKED:
            padding = MASKED  # nothing is padded
        if changes:
            planned = plan(changes, config.heads_of_blocks, config.windows_of_blocks, net.device)
            base = stream
            if base is not plain:
                yield from advance(base)
            stream = self._changed.get(changed, lambda: base.branch(planned))
        yield from advance(stream)
        block = min(params.block, config.blocks) - 1
        head = min(params.head, config.heads_of_blocks[block]) - 1
        return Specimen(loaded.info.labels, photo, plain, stream, key, changed, block, head)

    def prediction(self, one: Specimen) -> Prediction:
        """What the model says, beside the untouched one."""
        return self._predictions.get(one.changed, lambda: prediction(one.plain, one.stream, one.labels))

    def _load(self, source: str, device: str) -> Generator[Event, None, tuple[Loaded, object]]:
        def read() -> Generator[Event, None, Loaded]:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(source).title}))
            for memo in self._memos:
                memo.clear()
            with hashed(source) as sha256:
                net = load_checkpoint(source).to(torch.device(device))
                return Loaded(net, describe(source, net, sha256.result()))

        place = source, device
        return (yield from self._models.get_in_steps(place, read)), place


_here = threading.local()


def shared() -> Collection:
    """The collection of this thread: the engines of all pages live on the compute thread and look at the same."""
    if not hasattr(_here, "collection"):
        _here.collection = Collection()
    found: Collection = _here.collection
    return found


def describe(source: str, net: Swin, sha256: str = "") -> ModelInfo:
    """What there is to say about a model."""
    config = net.config
    return ModelInfo(
        source=source,
        title=catalog.describe(source).title,
        depths=config.depths,
        heads=config.heads,
        width=config.width,
        window=config.window,
        patch_size=config.patch_size,
        labels=tuple(config.labels.values()),
        parameters=sum(p.numel() for p in net.parameters()),
        sha256=sha256,
        cuts=config.processor is not None and config.processor.crop is not None,
    )


def interventions(params: OfPhoto, net: Swin, patches: tuple[int, int]) -> tuple[Intervention, ...]:
    """Settings to interventions; () where they leave the model as it is. ``patches`` is the grid of the first stage."""
    config, made = net.config, list[Intervention]()
    heads = config.heads_of_blocks
    block = min(params.block, config.blocks) - 1
    chosen = None if params.scope == WHOLE_BLOCK else (min(params.head, heads[block]) - 1,)
    if params.temperature != 1:
        made.append(Temperature(block, params.temperature, chosen))
    if params.bias != 1:
        made.append(BiasScaled(block, params.bias, chosen))
    for at, head in params.heads_off:
        if 1 <= at <= config.blocks and 1 <= head <= heads[at - 1]:
            made.append(HeadsOff(at - 1, (head - 1,)))
    cells = [(2 * window - 1) ** 2 for window in config.windows_of_blocks]
    for at, head, cell, amount in params.cells:
        if 1 <= at <= config.blocks and 1 <= head <= heads[at - 1] and 0 <= cell < cells[at - 1] and amount:
            made.append(BiasMoved(at - 1, head - 1, ((cell, amount),)))
    if params.removed:
        gone = np.zeros(patches, bool)
        for row, col in params.removed:
            if 0 <= row < patches[0] and 0 <= col < patches[1]:
                gone[row, col] = True
        for at in range(config.blocks):
            tokens = _removed(gone, config.stage_of(at)[0])
            if tokens:
                made.append(KeysRemoved(at, tokens))
    if not params.masked:
        made += [MaskOff(at) for at in range(config.blocks) if net.block(at).shift]
    return tuple(made)


def _removed(gone: np.ndarray, stage: int) -> tuple[int, ...]:
    """Tokens of a stage whose patches are all removed."""
    for _ in range(stage):
        rows, cols = gone.shape
        gone = np.pad(gone, ((0, rows % 2), (0, cols % 2)), constant_values=True)
        gone = gone[::2, ::2] & gone[1::2, ::2] & gone[::2, 1::2] & gone[1::2, 1::2]
    return tuple(np.flatnonzero(gone).tolist())


def advance(stream: Stream) -> Iterator[Event]:
    """Compute all blocks that are left, with a place to stop after each."""
    while not stream.complete:
        stream.advance()
        if not math.isfinite(float(stream.hidden[-1].sum())) and not torch.isfinite(stream.hidden[-1]).all():
            raise LabError(NOT_FINITE, n=stream.reached)
        yield Progress(stream.reached, stream.net.config.blocks, Message("Block by block"))


def cut_of(layout: Layout, patches: int) -> Cut:
    """How a block cuts its grid, for the window; ``patches`` are the rows of the first stage's grid."""
    scale = 1
    while -(-patches // scale) > layout.height:
        scale *= 2
    return Cut(
        layout.height, layout.width, layout.window, layout.shift, scale, layout.place.numpy(), layout.region.numpy(),
        layout.may_attend is not None,
    )  # fmt: skip


def array(tensor: Tensor) -> Floats:
    """The same shape as float32 on the CPU; it may share memory with the tensor, so nobody writes into either."""
    found: Floats = tensor.float().contiguous().cpu().numpy()
    return found


@torch.inference_mode()
def prediction(plain: Stream, stream: Stream, labels: tuple[str, ...]) -> Prediction:
    """Likeliest classes beside the untouched model's."""
    (before, untouched), (now, present) = plain.conclusion(), stream.conclusion()
    alike = 1.0 if stream is plain else float(F.cosine_similarity(before, now, dim=0).clamp(-1, 1))
    if untouched is None or present is None:
        none = np.zeros(0, np.float32)
        return Prediction(stream is not plain, (), none, none, alike)
    untouched, present = untouched.softmax(-1), present.softmax(-1)
    order = present.topk(min(TOP, len(present))).indices
    return Prediction(
        stream is not plain,
        tuple(labels[index] for index in order.tolist()),
        array(present[order]),
        array(untouched[order]),
        alike,
    )
