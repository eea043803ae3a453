"""The photo in a model that the page's engine looks at: what a setting does not touch is not computed again.

Stages, each kept until its own input changes: model, photo, untouched stream, changed stream (branched off at the
first changed block).
"""

from __future__ import annotations

import math
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
from engines.resnest.asking import ALL, ALL_BLOCKS, OfPhoto
from engines.resnest.events import Floats, ModelInfo, Photo, Prediction
from engines.resnest.interventions import Equal, Held, Intervention, Swapped, plan
from engines.resnest.load import load_checkpoint
from engines.resnest.model import ResNeSt
from engines.resnest.preprocess import Prepared, prepare, side_of
from engines.resnest.stream import Stream

BUNDLED = "mini-resnest"
KEPT = 2  # models kept in memory, so that going back to the last one is instant
TOP = 5  # classes shown


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, and what there is to say about it."""

    net: ResNeSt
    info: ModelInfo


@dataclass(frozen=True, eq=False)
class Specimen:
    """One photo in one model, untouched and as it is set now.

    Attributes
    ----------
    loaded : Loaded
    plain, stream : Stream
        Untouched and as it is set now, both complete; the same one where nothing is changed.
    changed : object
        What the changed stream was computed for: a key of what follows from it.
    block : int
        The chosen one, counted from 0, within what the model has.
    """

    loaded: Loaded
    plain: Stream
    stream: Stream
    changed: object
    block: int


class Collection:
    """What the engine keeps between two runs."""

    def __init__(self) -> None:
        self._memos: list[Memo[Any]] = []
        self._models: Memo[Loaded] = Memo(KEPT)
        self._samples: Memo[Any] = Memo()
        self._photos: Memo[Prepared] = self.memo()
        self._subjects: Memo[Photo] = self.memo()
        self._plain: Memo[Stream] = self.memo()
        self._changed: Memo[Stream] = self.memo()
        self._predictions: Memo[Prediction] = self.memo()

    def memo(self) -> Memo[Any]:
        """The newest result of a stage, until another model is read."""
        made: Memo[Any] = Memo()
        self._memos.append(made)
        return made

    def specimen(self, params: OfPhoto, device: str) -> Generator[Event, None, Specimen]:
        """The photo in the model, as the settings change it; tells the model and the photo."""
        loaded, place = yield from self._load(params.model or BUNDLED, str(resolve(device)))
        yield loaded.info
        net, config = loaded.net, loaded.net.config
        picture = params.picture or self._samples.get(None, sample)
        side = side_of(config, params.resolution)
        key = (place, picture, side, torch.get_num_threads())  # more threads share a convolution's sums out otherwise
        photo = self._photos.get(key, lambda: prepare(picture.rgb, config, side))
        yield self._subjects.get(key, lambda: Photo(picture.name, picture.rgb, photo.seen))
        plain = self._plain.get(key, lambda: Stream.of(net, photo.pixels.to(net.device)))
        yield from advance(plain)
        changes = plan(interventions(params, net), config.radix)
        changed, stream = (key, tuple(sorted(changes.items(), key=lambda pair: pair[0]))), plain
        if changes:
            stream = self._changed.get(changed, lambda: plain.branch(changes))
            yield from advance(stream)
        return Specimen(loaded, plain, stream, changed, min(params.block, config.blocks) - 1)

    def prediction(self, one: Specimen) -> Prediction:
        """What the model says, beside the untouched one."""
        labels = one.loaded.info.labels
        return self._predictions.get(one.changed, lambda: prediction(one.plain, one.stream, labels))

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


def describe(source: str, net: ResNeSt, sha256: str = "") -> ModelInfo:
    """What there is to say about a model."""
    config = net.config
    return ModelInfo(
        source=source,
        title=catalog.describe(source).title,
        depths=config.depths,
        radix=config.radix,
        groups=config.groups,
        channels=tuple(config.channels_of(index) for index in range(config.blocks)),
        labels=tuple(config.labels.values()),
        parameters=sum(p.numel() for p in net.parameters()),
        sha256=sha256,
        cuts=config.processor is not None and config.processor.crop is not None,
    )


def interventions(params: OfPhoto, net: ResNeSt) -> tuple[Intervention, ...]:
    """Settings to interventions; () where they leave the model as it is."""
    config, made = net.config, list[Intervention]()
    chosen = min(params.block, config.blocks) - 1
    for block in range(config.blocks) if params.scope == ALL_BLOCKS else (chosen,):
        if params.swapped:
            made.append(Swapped(block))
        if params.equal:
            made.append(Equal(block))
    for at, channel, split, share in params.held:
        if 1 <= at <= config.blocks and 1 <= split <= config.radix and channel <= config.channels_of(at - 1):
            made.append(Held(at - 1, share, split - 1, None if channel == ALL else channel - 1))
    return tuple(made)


def advance(stream: Stream) -> Iterator[Event]:
    """Compute all blocks that are left, with a place to stop after each."""
    while not stream.complete:
        stream.advance()
        if not math.isfinite(float(stream.hidden[-1].sum())) and not torch.isfinite(stream.hidden[-1]).all():
            raise LabError(NOT_FINITE, n=stream.reached)
        yield Progress(stream.reached, stream.net.config.blocks, Message("Block by block"))


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
