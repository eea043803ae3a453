"""The engine behind the page One step: a few steps from the start, the last one taken apart."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.data.sequences import Batch
from engines.data.vocabulary import PAD
from engines.transformer.checkpoint import build
from engines.transformer.one_step.spec import NEW, Apart, StepParams
from engines.transformer.one_step.stepping import Stepper, Taken, cell_numbers, rate_at
from engines.transformer.recipe import Floats, Shape
from engines.transformer.showing import array
from engines.transformer.spec import PAUSE
from engines.transformer.subject import Collection
from engines.transformer.switches import UNTOUCHED
from engines.transformer.training.trainer import BETAS, EPS

SHOWN = 200  #: steps of the schedule that is drawn


@dataclass(eq=False)
class Known:
    """A step that was taken apart; the stepper stands behind it.

    Attributes
    ----------
    taken : Taken
    batch : Batch
    after : float, optional
        Loss of its batch afterwards, once somebody had the time.
    """

    taken: Taken
    batch: Batch
    after: float | None = None


class Engine:
    """Takes `StepParams` and yields `Apart`: at once without the loss afterwards, then with it."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._steppers: Memo[Stepper] = Memo()  # of one start, whatever the learning rate
        self._going: object = None  # the run that the stepper is on, which a later step goes on
        self._key: object = None
        self._known: Known | None = None

    def run(self, job: Job[StepParams]) -> Iterator[Event]:
        """All steps up to the one that is looked at, unless it is known already; then its numbers."""
        params = job.params
        start = params.task, params.weights, params.step_from, params.step_batch
        stepper = self._steppers.get(start, lambda: self._stepper(params))
        run = *start, params.step_rate, params.step_warmup
        known = self._known
        if known is None or self._key != (run, params.step_number):
            self._known = None
            if self._going != run or stepper.step >= params.step_number:
                stepper.rewind()
                self._going = run
            known = yield from self._taken(params, stepper)
            self._key, self._known = (run, params.step_number), known
        told = self._apart(params, known, stepper)
        if known.after is None:
            yield told
            with torch.no_grad():
                known.after = float(stepper.loss(known.batch))
        yield replace(told, after=known.after)

    @staticmethod
    def _taken(params: StepParams, stepper: Stepper) -> Generator[Event, None, Known]:
        yield PAUSE
        for step in range(stepper.step + 1, params.step_number):
            stepper.advance(rate_at(step, params.step_rate, params.step_warmup))
            yield PAUSE
        batch = stepper.draw()
        rate = rate_at(params.step_number, params.step_rate, params.step_warmup)
        return Known(stepper.take_apart(rate, batch), batch)

    def _stepper(self, params: StepParams) -> Stepper:
        specimen = self._collection.specimen(params.task, "", params.weights)
        if params.step_from == NEW:
            model = build(Shape(params.task), torch.Generator().manual_seed(0))
            return Stepper(specimen.task, model, UNTOUCHED, params.step_batch)
        return Stepper(specimen.task, deepcopy(specimen.model), specimen.plain, params.step_batch)

    @staticmethod
    def _apart(params: StepParams, known: Known, stepper: Stepper) -> Apart:
        taken = known.taken
        tokens = int((known.batch.target[:, 1:] != PAD).sum())
        named = [
            (i, name, value) for i, (name, value) in enumerate(stepper.model.named_parameters()) if value.dim() == 2
        ]
        places = [i for i, _, _ in named]
        norms = sizes([taken.gradients[i] for i in places])
        at = params.step_matrix if 0 <= params.step_matrix < len(named) else int(norms.argmax())
        index, _, value = named[at]
        cell = min(params.step_cell[0], value.shape[0] - 1), min(params.step_cell[1], value.shape[1] - 1)
        schedule = [[rate_at(s, params.step_rate, warm) for s in range(1, SHOWN + 1)] for warm in (True, False)]
        return Apart(
            params.step_from != NEW, params.step_number, params.step_batch, tokens, taken.loss, known.after, taken.rate,
            BETAS, EPS, tuple(name for _, name, _ in named), tuple((v.shape[0], v.shape[1]) for _, _, v in named),
            norms,
            sizes([taken.old[i] for i in places]),
            sizes([taken.new[i] - taken.old[i] for i in places]),
            at, cell, array(taken.gradients[index]), array(taken.new[index] - taken.old[index]),
            cell_numbers(taken, index, cell), np.array(schedule, np.float32),
        )  # fmt: skip


def sizes(tensors: list[Tensor]) -> Floats:
    """Norm of each tensor, of any shapes: (n,)."""
    return array(torch.stack(list(torch._foreach_norm(tensors))))
