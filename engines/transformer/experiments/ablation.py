"""The ablation behind the page Experiments: accuracy without each part, a guest of the lane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engines.core.protocol import Event, Job
from engines.transformer.experiments.measuring import drawn, measured
from engines.transformer.experiments.spec import Ablated, AblationParams
from engines.transformer.subject import Collection
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place, Switches


class Ablation:
    """Switches every head, attention, FFN and layer off in turn; one measurement between two yields."""

    def __init__(self) -> None:
        self._collection = Collection()

    def run(self, job: Job[AblationParams]) -> Iterator[Event]:
        """Yield what is measured so far after each measurement."""
        params = job.params
        specimen = self._collection.specimen(params.task, "", params.weights)
        model, plain = specimen.model, specimen.plain
        batches = yield from drawn(specimen.task, params.lab_examples)
        rows: list[Place] = [(ENCODER, i) for i in range(len(model.encoder))]
        rows += [(kind, i) for i in range(len(model.decoder)) for kind in (DECODER, CROSS)]
        heads = np.full((len(rows), model.num_heads), -1, np.float32)
        whole, ffns, layers = (np.full(len(rows), -1, np.float32) for _ in range(3))
        untouched, sequences = yield from measured(model, batches, plain)
        ends = [kind != DECODER for kind, _ in rows]  # the last attention of its layer
        total, done = heads.size + len(rows) + 2 * sum(ends), 0

        def so_far() -> Ablated:
            a, b, c, d = (part.copy() for part in (heads, whole, ffns, layers))
            return Ablated(tuple(rows), untouched, sequences, a, b, c, d, done, total, specimen.step)

        yield so_far()
        for at, (kind, i) in enumerate(rows):
            stack, ffn = (ENCODER, ENCODER_FFN) if kind == ENCODER else (DECODER, DECODER_FFN)
            tries: list[tuple[np.ndarray, int, Switches]] = [
                (heads[at], h, replace(plain, heads_off=frozenset({(kind, i, h)}))) for h in range(model.num_heads)
            ]
            tries.append((whole, at, replace(plain, sublayers_off=frozenset({(kind, i)}))))
            if ends[at]:
                tries.append((ffns, at, replace(plain, sublayers_off=frozenset({(ffn, i)}))))
                tries.append((layers, at, replace(plain, layers_off=frozenset({(stack, i)}))))
            for into, place, switches in tries:
                into[place], _ = yield from measured(model, batches, switches)
                done += 1
                yield so_far()
