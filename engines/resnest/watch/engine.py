"""Answers the page "Watch": every part of the answer is kept until what it follows from changes."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.data.samples import sample, samples
from engines.resnest.events import Floats, Prediction
from engines.resnest.measures import entropy, over_channels, over_photos
from engines.resnest.preprocess import prepare
from engines.resnest.split_attention import Inside
from engines.resnest.stream import Stream
from engines.resnest.subject import Collection, Loaded, Specimen, array
from engines.resnest.watch.spec import Answer, Spread, WatchParams


class Engine:
    """See `engines.resnest.watch.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._answers: Memo[Answer] = self._collection.memo()
        self._spreads: Memo[Spread] = Memo()

    def run(self, job: Job[WatchParams]) -> Iterator[Event]:
        """Look into the block that ``job.params`` ask for."""
        one = yield from self._collection.specimen(job.params, job.device)
        said = self._collection.prediction(one)
        yield self._answers.get((one.changed, one.block), lambda: answer(one, said))
        source = one.loaded.info.source, str(one.loaded.net.device)
        yield (yield from self._spreads.get_in_steps(source, lambda: spread(one.loaded)))


@torch.inference_mode()
def inside(stream: Stream, block: int) -> tuple[Inside, Tensor]:
    """A block's split attention, number by number, and what enters it, (1, C, h, w)."""
    bottleneck = stream.net.block(block)
    entered = bottleneck.enter(stream.hidden[block])
    return bottleneck.conv2.inside(entered, stream.changes.get(block)), entered


@torch.inference_mode()
def answer(one: Specimen, said: Prediction) -> Answer:
    """All that is to be drawn of the chosen block."""
    found, entered = inside(one.stream, one.block)
    split_attention = one.loaded.net.block(one.block).conv2
    kernel = split_attention.conv.weight.shape
    return Answer(
        block=one.block + 1,
        entered=(entered.shape[1], entered.shape[2], entered.shape[3]),
        kernel=(kernel[0], kernel[1], kernel[2], kernel[3]),
        splits=array(found.splits[0]),
        pooled=array(found.pooled[0]),
        hidden=array(found.hidden[0]),
        scores=array(found.scores[0]),
        own=array(found.own[0]),
        weights=array(found.weights[0].T),
        blended=array(found.out[0]),
        entropy=entropies(one.stream),
        untouched=entropies(one.plain),
        prediction=said,
    )


def entropies(stream: Stream) -> Floats:
    """Bits of every block's weights, (blocks,)."""
    return np.array([float(entropy(each)) for each in stream.weights], np.float32)


def spread(loaded: Loaded) -> Generator[Event, None, Spread]:
    """Weights of the bundled photos in the untouched model."""
    weights: list[list[Tensor]] = [[] for _ in range(loaded.net.config.blocks)]
    every = samples()
    for number, each in enumerate(every):
        yield Progress(number, len(every), Message("Weights of other photos"))
        with torch.inference_mode():
            photo = prepare(sample(each.name).rgb, loaded.net.config, loaded.net.config.image_size)
            trace = loaded.net.trace(photo.pixels.to(loaded.net.device))
        for block, found in enumerate(trace.weights):
            weights[block].append(found)
    stacked = [torch.cat(each) for each in weights]
    return Spread(
        loaded.info.source,
        len(every),
        np.array([over_photos(each) for each in stacked], np.float32),
        np.array([over_channels(each) for each in stacked], np.float32),
    )
