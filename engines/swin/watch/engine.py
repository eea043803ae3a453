"""Answers the page "Watch": every part of the answer is kept until what it follows from changes."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.swin.measures import mean_distance, mean_entropy, relevance, rollout
from engines.swin.subject import Collection, Specimen, array, cut_of, shared
from engines.swin.watch.spec import (
    ATTENTION,
    RELEVANCE,
    ROLLOUT,
    AllBlocks,
    Answer,
    BlockWeights,
    HeadMeasures,
    Overlay,
    WatchParams,
)

ROLLED = 4_096  # patches that rollout and relevance are computed for: a matrix of 67 MB


class Engine:
    """See `engines.swin.watch.spec` for what it takes and what it yields.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._weights: Memo[BlockWeights] = self._collection.memo()
        self._measures: Memo[HeadMeasures] = self._collection.memo()
        self._blocks: Memo[AllBlocks] = self._collection.memo()
        self._rolled: Memo[Tensor] = self._collection.memo()
        self._relevant: Memo[Overlay] = self._collection.memo()

    def run(self, job: Job[WatchParams]) -> Iterator[Event]:
        """Attend to the photo as ``job.params`` ask for."""
        params = job.params
        one = yield from self._collection.specimen(params, job.device)
        on_block = one.changed, one.block
        weights = self._weights.get(on_block, lambda: block_weights(one))
        measures = self._measures.get(on_block, lambda: head_measures(one, params))
        blocks = self._blocks.get((one.changed, one.head), lambda: all_blocks(one))
        overlay = yield from self._overlay(params, one)
        yield Answer(one.head + 1, weights, measures, blocks, self._collection.prediction(one), overlay)

    def _overlay(self, params: WatchParams, one: Specimen) -> Generator[Event, None, Overlay | None]:
        if params.overlay == ATTENTION:
            return None
        patches = one.stream.layout(0).tokens
        if patches > ROLLED:
            raise LabError("{n} patches are too many for this overlay. Lower the resolution.", n=patches)
        yield Progress(0, 0, Message(params.overlay))
        if params.overlay == ROLLOUT:
            rows = self._rolled.get((one.changed, one.block), lambda: rolled(one))
            return row_of(one, rows, params.pinned)
        return self._relevant.get((one.changed, params.target), lambda: relevant(one, params.target))


@torch.inference_mode()
def block_weights(one: Specimen) -> BlockWeights:
    """The chosen block's weights."""
    return BlockWeights(one.block + 1, array(one.stream.weights[one.block]))


@torch.inference_mode()
def head_measures(one: Specimen, params: WatchParams) -> HeadMeasures:
    """What is said about each head of the chosen block."""
    weights, cut = one.stream.weights[one.block], one.stream.layout(one.block)
    off = np.zeros(weights.shape[1], bool)
    for block, head in params.heads_off:
        if block == one.block + 1 and 1 <= head <= len(off):
            off[head - 1] = True
    return HeadMeasures(array(mean_entropy(weights, cut)), array(mean_distance(weights, cut)), off)


@torch.inference_mode()
def all_blocks(one: Specimen) -> AllBlocks:
    """One head in all blocks."""
    patches, stream = one.stream.layout(0).height, one.stream
    cuts = tuple(cut_of(stream.layout(index), patches) for index in range(stream.reached))
    return AllBlocks(cuts, tuple(array(each[:, min(one.head, each.shape[1] - 1)]) for each in stream.weights))


@torch.inference_mode()
def rolled(one: Specimen) -> Tensor:
    """Rollout up to the chosen block, (N, P)."""
    upto = one.block + 1
    return rollout(one.stream.weights[:upto], [one.stream.layout(index) for index in range(upto)])


@torch.inference_mode()
def row_of(one: Specimen, rows: Tensor, pinned: tuple[int, int] | None) -> Overlay:
    """The pinned token's row of a rollout (tokens, N), those of the last grid, or the mean of all."""
    first = one.stream.layout(0)
    if pinned is None:
        row = rows.mean(0)
    else:
        row = rows[cut_of(one.stream.layout(one.block), first.height).token_at(pinned)]
    return Overlay(ROLLOUT, array(row.view(first.height, first.width)))


def relevant(one: Specimen, target: int) -> Overlay:
    """What speaks for a class, or, without a head, for the picture's features as they are."""
    stream, net = one.stream, one.stream.net
    x = one.photo.pixels.to(net.device)
    with torch.enable_grad():
        x = net.embed(x).detach().requires_grad_(True)
        weights: list[Tensor] = []
        for step in net.steps(x, stream.size, stream.changes, stream.padding):
            weights.append(step.weights)
            after = step.after
        features, logits = net.conclude(after)
        if logits is None:
            score, label = (features * features.detach()).sum(), ""
        else:
            target = target if 0 <= target < logits.shape[1] else int(logits.argmax())
            score, label = logits[0, target], one.labels[target]
        gradients = torch.autograd.grad(score, weights)
    layouts = [stream.layout(index) for index in range(len(weights))]
    found = relevance([each.detach() for each in weights], gradients, layouts)
    return Overlay(RELEVANCE, array(found.view(layouts[0].height, layouts[0].width)), label)
