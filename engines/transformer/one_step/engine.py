"""The engine behind the page One step: a few steps from the start, the last one taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import torch

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.data.vocabulary import PAD
from engines.transformer.checkpoint import build
from engines.transformer.one_step.spec import NEW, Apart, StepParams
from engines.transformer.one_step.stepping import Stepper, Taken, cell_numbers, rate_at
from engines.transformer.recipe import Shape
from engines.transformer.showing import array
from engines.transformer.spec import PAUSE
from engines.transformer.subject import Collection
from engines.transformer.switches import UNTOUCHED
from engines.transformer.training.trainer import BETAS, EPS

SHOWN = 200  #: steps of the schedule that is drawn


class Engine:
    """Takes `StepParams` and yields `Apart`."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._known: Memo[tuple[Taken, Stepper, float, int]] = Memo()
        self._key: object = None
        self._going: tuple[object, Stepper] | None = None  # the run that was looked at, which a later step goes on

    def run(self, job: Job[StepParams]) -> Iterator[Event]:
        """All steps up to the one that is looked at, unless it is known already; then its numbers."""
        params = job.params
        key = (params.task, params.weights, params.step_from, params.step_number, params.step_batch, params.step_rate,
               params.step_warmup)  # fmt: skip
        if key != self._key:
            run = (*key[:3], *key[4:])
            if self._going is None or self._going[0] != run or self._going[1].step >= params.step_number:
                self._going = run, self._stepper(params)
            stepper = self._going[1]
            yield PAUSE
            for step in range(stepper.step + 1, params.step_number):
                stepper.advance(rate_at(step, params.step_rate, params.step_warmup))
                yield PAUSE
            batch = stepper.draw()
            rate = rate_at(params.step_number, params.step_rate, params.step_warmup)
            taken = stepper.take_apart(rate, batch)
            with torch.no_grad():
                after = float(stepper.loss(batch))
            tokens = int((batch.target[:, 1:] != PAD).sum())
            self._key = key
            self._known.get(key, lambda: (taken, stepper, after, tokens))
        taken, stepper, after, tokens = self._known.get(key, lambda: (taken, stepper, after, tokens))
        yield self._apart(params, taken, stepper, after, tokens)

    def _stepper(self, params: StepParams) -> Stepper:
        specimen = self._collection.specimen(params.task, "", params.weights)
        if params.step_from == NEW:
            model = build(Shape(params.task), torch.Generator().manual_seed(0))
            return Stepper(specimen.task, model, UNTOUCHED, params.step_batch)
        return Stepper(specimen.task, deepcopy(specimen.model), specimen.plain, params.step_batch)

    @staticmethod
    def _apart(params: StepParams, taken: Taken, stepper: Stepper, after: float, tokens: int) -> Apart:
        named = [
            (i, name, value) for i, (name, value) in enumerate(stepper.model.named_parameters()) if value.dim() == 2
        ]
        norms = np.array([float(taken.gradients[i].norm()) for i, _, _ in named], np.float32)
        at = params.step_matrix if 0 <= params.step_matrix < len(named) else int(norms.argmax())
        index, _, value = named[at]
        cell = min(params.step_cell[0], value.shape[0] - 1), min(params.step_cell[1], value.shape[1] - 1)
        schedule = [[rate_at(s, params.step_rate, warm) for s in range(1, SHOWN + 1)] for warm in (True, False)]
        return Apart(
            params.step_from != NEW, params.step_number, params.step_batch, tokens, taken.loss, after, taken.rate,
            BETAS, EPS, tuple(name for _, name, _ in named), tuple((v.shape[0], v.shape[1]) for _, _, v in named),
            norms,
            np.array([float(taken.old[i].norm()) for i, _, _ in named], np.float32),
            np.array([float((taken.new[i] - taken.old[i]).norm()) for i, _, _ in named], np.float32),
            at, cell, array(taken.gradients[index]), array(taken.new[index] - taken.old[index]),
            cell_numbers(taken, index, cell), np.array(schedule, np.float32),
        )  # fmt: skip
