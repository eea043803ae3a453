"""Answers the page "Sentence"; at the default size it takes a millisecond or two.

All of it runs on the CPU in double precision whatever the device: a few thousand numbers are not worth the way to
another one, and "the same rows" then means the same to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.self_attention.codes import added_code, array_of
from engines.self_attention.model import Attended, SelfAttention, embed, shuffled
from engines.self_attention.sentence.spec import AttentionFrame, tokens_of
from engines.self_attention.spec import IDENTITY, ROTARY, SelfAttentionParams

EMBEDDINGS = 4096  # tokens whose vectors are kept


class Engine:
    """Yields one `AttentionFrame`."""

    def __init__(self) -> None:
        self._embeddings: Memo[Tensor] = Memo(EMBEDDINGS)
        self._layer: Memo[SelfAttention] = Memo()

    def run(self, job: Job[SelfAttentionParams]) -> Iterator[Event]:
        """Attend as ``job.params`` ask for.

        Raises
        ------
        LabError
            The line can't be read.
        """
        yield self.attend(job.params)

    @torch.no_grad()
    def attend(self, params: SelfAttentionParams) -> AttentionFrame:
        """Attention over the sentence as shown, and over the sentence in order and shuffled for the comparison."""
        names, rows, left_out = tokens_of(params)
        x = self._inputs(names, rows, params)  # (N, d)
        order = shuffled(len(names), params.shuffle_seed)  # (N,)
        straight = self._attend(x, params, params.positions)
        mixed = self._attend(x[order], params, params.positions)
        other, other_mixed = (self._attend(rows_, params, not params.positions) for rows_ in (x, x[order]))
        restored = mixed.output[order.argsort()]  # (N, d)
        now = float((restored - straight.output).abs().max())
        then = float((other_mixed.output[order.argsort()] - other.output).abs().max())
        shown = mixed if params.shuffle else straight
        places = order.tolist() if params.shuffle else list(range(len(names)))
        return AttentionFrame(
            tokens=tuple(names[i] for i in places),
            order=tuple(places),
            left_out=left_out,
            inputs=array_of(shown.inputs),
            queries=array_of(shown.queries),
            keys=array_of(shown.keys),
            values=array_of(shown.values),
            scores=array_of(shown.scores),
            weights=array_of(shown.weights),
            output=array_of(shown.output),
            entropy=array_of(torch.special.entr(shown.weights).sum(-1) / math.log(2)),
            names=tuple(names),
            straight=array_of(straight.output),
            restored=array_of(restored),
            difference=now,
            without=then if params.positions else now,
            with_positions=now if params.positions else then,
        )

    def _attend(self, x: Tensor, params: SelfAttentionParams, positions: bool) -> Attended:
        added = None
        if positions and params.kind != ROTARY:
            added = added_code(params.kind, len(x), params.dim, params.seed)
        rotary = positions and params.kind == ROTARY
        return self.layer(params)(x, added, rotary, params.temperature)

    def layer(self, params: SelfAttentionParams) -> SelfAttention:
        """The layer with the weights asked for."""
        key = params.dim, None if params.weights == IDENTITY else params.seed
        return self._layer.get(key, lambda: SelfAttention(*key))

    def _inputs(self, names: list[str], rows: list[tuple[float, ...]] | None, params: SelfAttentionParams) -> Tensor:
        """Embeddings (N, d): of words from the seed, of numbers the numbers themselves, then zeros."""
        if rows is not None:
            x = torch.zeros(len(rows), params.dim, dtype=torch.float64)
            for i, row in enumerate(rows):
                x[i, : len(row)] = torch.tensor(row, dtype=torch.float64)
            return x
        keys = [(name, params.dim, params.seed) for name in names]
        return torch.stack([self._embeddings.get(key, partial(embed, *key)) for key in keys])
