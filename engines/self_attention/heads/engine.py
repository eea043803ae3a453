"""Answers the page "Heads": of each layer only what is new is computed, and its maps are kept no longer than needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.self_attention.heads.spec import ENDS, SMALL, HeadsAnswer, HeadsParams
from engines.self_attention.language.changes import chosen, plan_of
from engines.self_attention.language.events import Floats, Ints
from engines.self_attention.language.measures import added_lengths, block_max, carried, of_heads
from engines.self_attention.language.stream import Stream
from engines.self_attention.language.subject import Collection, array, shared, written
from engines.self_attention.language.text import Tokens

LAYERS = 128  # of which measures and small maps are kept: 12 heads of 48 × 48 have 110 kB


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a layer: measures (3, H), small maps (H, r, c)."""

    measures: Floats
    maps: Floats
    block: int


class Engine:
    """Yields one `HeadsAnswer`.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._seen: Memo[Seen] = self._collection.memo(LAYERS)

    def run(self, job: Job[HeadsParams]) -> Iterator[Event]:
        """Attend as ``job.params`` ask for.

        Raises
        ------
        LabError
            No model is here, or there is nothing to show.
        """
        params, here = job.params, self._collection
        loaded = yield from here.load(params.model, job.device)
        config = loaded.trained.net.config
        tokens = here.tokens(loaded, params.first, params.second)
        rows, cols = shown(tokens, params)
        plan = plan_of(params, config)
        layer, head = chosen(params, config)
        plain, key = here.plain(loaded, tokens)
        first = config.layers if plan.first is None else plan.first
        seen, view = list[Seen](), (params.part, params.special)
        stream = plain
        for at in range(config.layers):
            if at == first:  # all before it is as in the untouched model
                stream = here.changed(plain, key, plan)
            origin = (key, plan if at >= first else None, at, view)
            while stream.reached < at:  # what leaves the last layer is not shown
                stream.advance()
            if origin not in self._seen and at + 1 < config.layers:
                yield Progress(at + 1, config.layers, Message("Layer by layer"))
            seen.append(self._seen.get(origin, partial(look, stream, at, tokens, rows, cols)))
        yield self._answer(params, tokens, stream, seen, (layer, head), (rows, cols), plan.first is not None)

    @torch.inference_mode()
    def _answer(
        self, params: HeadsParams, tokens: Tokens, stream: Stream, seen: list[Seen], at: tuple[int, int],
        shown: tuple[Ints, Ints], changed: bool,
    ) -> HeadsAnswer:  # fmt: skip
        (layer, head), net = at, stream.net
        weights = stream.weights(layer)[head]
        made = net.layer(layer)
        (values,) = made.asked_for(stream.entering[layer], made.v_proj)
        special = special_of(tokens, weights)
        off = np.zeros((net.config.layers, net.config.heads), bool)
        for one, other in stream.plan.off:
            off[one, other] = True
        measures = np.stack([each.measures for each in seen], 1)  # (3, L, H)
        return HeadsAnswer(
            text=written(tokens),
            layer=layer + 1,
            head=head + 1,
            weights=array(weights),
            rows=shown[0],
            cols=shown[1],
            maps=np.concatenate([each.maps for each in seen]),
            block=seen[0].block,
            entropy=measures[0],
            distance=measures[1],
            parked=measures[2],
            carried=carried(weights, added_lengths(net, layer, head, values[0]), special),
            off=off,
            changed=changed,
        )


def shown(tokens: Tokens, params: HeadsParams) -> tuple[Ints, Ints]:
    """Queries (R,) and keys (C,) that are shown.

    Raises
    ------
    LabError
        There are none.
    """
    at = np.array(tokens.sentence)
    keep = np.ones(len(at), bool) if params.special else at >= 0
    rows, cols = keep.copy(), keep.copy()
    if params.part in ENDS:
        rows, cols = (at == end for end in ENDS[params.part])
    if not rows.any() or not cols.any():
        raise LabError("One of the two sentences is empty: there is nothing between them.")
    return np.flatnonzero(rows), np.flatnonzero(cols)


@torch.inference_mode()
def look(stream: Stream, layer: int, tokens: Tokens, rows: Ints, cols: Ints) -> Seen:
    """Measures and small maps of a layer, of the queries (R,) and keys (C,) that are shown."""
    weights = stream.weights(layer)  # (H, N, N)
    measures = of_heads(weights, special_of(tokens, weights))
    if len(rows) < len(tokens) or len(cols) < len(tokens):
        weights = weights[:, torch.from_numpy(rows)][:, :, torch.from_numpy(cols)]
    maps, block = block_max(weights, SMALL)
    return Seen(array(measures), array(maps).copy(), block)


def special_of(tokens: Tokens, like: Tensor) -> Tensor:
    """Which tokens the model has put in itself, bool (N,), where ``like`` (of any shape) lies."""
    return torch.tensor(tokens.special, device=like.device)
