"""The model that the pages Experiments and Maths look at, with the input it is looked at on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError
from engines.core.training import Weights
from engines.data.sequences import BOS, Task, task
from engines.transformer import checkpoint
from engines.transformer.model import Transformer
from engines.transformer.proofs import greedy
from engines.transformer.recipe import Shape

HELD_OUT_SEED = 7


@dataclass(frozen=True, eq=False)
class Specimen:
    """A model with one input.

    Attributes
    ----------
    task : Task
    model : Transformer
        In evaluation mode.
    source : Tensor int64 (S,)
        Ends with the end token.
    target : Tensor int64 (T,)
        What goes into the decoder: the start token and the model's own greedy answer.
    trained : bool
        False where there were no weights.
    positions : bool
        Whether it was trained with positions.
    """

    task: Task
    model: Transformer
    source: Tensor
    target: Tensor
    trained: bool
    positions: bool = True


class Collection:
    """The last model and the last specimen, so that a change of the input alone reads no weights."""

    def __init__(self) -> None:
        self._model: tuple[object, Transformer, bool, bool] | None = None
        self._found: tuple[object, Specimen] | None = None

    def specimen(self, name: str, text: str, weights: Weights | None) -> Specimen:
        """The model of a task (of kept weights, if given) on a text; the task's own sample if the text is empty.

        A text that the task can't read gives way to its sample: the page Decode says what is wrong with it.
        """
        key = (name, text, weights)
        if self._found is None or self._found[0] != key:
            self._found = (key, self._make(name, text, weights))
        return self._found[1]

    def _make(self, name: str, text: str, weights: Weights | None) -> Specimen:
        model, trained, positions = self._model_of(name, weights)
        kind = task(name)
        try:
            ids, _ = kind.read(text or kind.sample)
        except LabError:
            ids, _ = kind.read(kind.sample)
        source = torch.tensor(ids)
        answer = greedy(model, source, kind.most_target - 1)
        return Specimen(kind, model, source, torch.tensor([BOS, *answer[:-1]]), trained, positions)

    def _model_of(self, name: str, weights: Weights | None) -> tuple[Transformer, bool, bool]:
        key = (name, weights)
        if self._model is None or self._model[0] != key:
            self._model = (key, *self._read(name, weights))
        return self._model[1:]

    @staticmethod
    def _read(name: str, weights: Weights | None) -> tuple[Transformer, bool, bool]:
        if weights is not None and isinstance(weights.made_of, Shape) and weights.made_of.task == name:
            return checkpoint.load(weights), True, weights.made_of.positions
        try:
            bundled, _ = checkpoint.bundled(name)
        except LabError:
            return checkpoint.build(Shape(name)).eval().requires_grad_(False), False, True
        shape = bundled.made_of
        assert isinstance(shape, Shape)
        return checkpoint.load(bundled), True, shape.positions


def held_out(kind: Task, count: int, seed: int = HELD_OUT_SEED) -> tuple[Tensor, Tensor, Tensor]:
    """Held-out examples: source (B, S), its lengths (B,), target (B, T) with start and end token."""
    batch = kind.batch(count, np.random.default_rng(seed), held_out=True)
    return torch.from_numpy(batch.source), torch.from_numpy(batch.source_lens), torch.from_numpy(batch.target)
