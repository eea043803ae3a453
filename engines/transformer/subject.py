"""The model that the pages Experiments and Maths look at, with the input it is looked at on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.training import Weights
from engines.data.sequences import Task, task
from engines.data.vocabulary import BOS
from engines.transformer import checkpoint
from engines.transformer.decoding import greedy
from engines.transformer.model import Transformer
from engines.transformer.recipe import Shape
from engines.transformer.switches import UNTOUCHED, Switches

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
        What goes into the decoder: the start token and the model's own greedy answer, as on the page Decode.
    trained : bool
        False where there were no weights.
    plain : Switches
        What the model was trained without, which stays off.
    step : int
        Of the state; −1 for weights that came from a file.
    """

    task: Task
    model: Transformer
    source: Tensor
    target: Tensor
    trained: bool
    plain: Switches = UNTOUCHED
    step: int = checkpoint.FROM_FILE


class Collection:
    """The last model and the last specimen, so that a change of the input alone reads no weights."""

    def __init__(self) -> None:
        self._models: Memo[tuple[Transformer, bool, Switches]] = Memo()
        self._found: Memo[Specimen] = Memo()

    def specimen(self, name: str, text: str, weights: Weights | None) -> Specimen:
        """The model of a task (of kept weights, if given) on a text; the task's own sample if the text is empty.

        A text that the task can't read gives way to its sample: the page Decode says what is wrong with it.
        """
        return self._found.get((name, text, weights), lambda: self._make(name, text, weights))

    def _make(self, name: str, text: str, weights: Weights | None) -> Specimen:
        model, trained, plain = self._model_of(name, weights)
        kind = task(name)
        try:
            ids, _ = kind.read(text or kind.sample)
        except LabError:
            ids, _ = kind.read(kind.sample)
        source = torch.tensor(ids)
        answer = greedy(model, source[None], kind.max_target_len - 1, plain)
        step = weights.step if weights is not None and learned(weights, name) else checkpoint.FROM_FILE
        return Specimen(kind, model, source, torch.tensor([BOS, *answer[:-1]]), trained, plain, step)

    def _model_of(self, name: str, weights: Weights | None) -> tuple[Transformer, bool, Switches]:
        return self._models.get((name, weights), lambda: self._read(name, weights))

    @staticmethod
    def _read(name: str, weights: Weights | None) -> tuple[Transformer, bool, Switches]:
        if weights is not None and learned(weights, name):
            return checkpoint.load(weights), True, checkpoint.switches(weights.made_of)
        try:
            bundled, _ = checkpoint.bundled(name)
        except LabError:
            return checkpoint.build(Shape(name)).eval().requires_grad_(False), False, UNTOUCHED
        shape = bundled.made_of
        assert isinstance(shape, Shape)
        return checkpoint.load(bundled), True, checkpoint.switches(shape)


def learned(weights: Weights, name: str) -> bool:
    """Whether weights know a task."""
    return isinstance(weights.made_of, Shape) and weights.made_of.task == name


def held_out(kind: Task, count: int, seed: int = HELD_OUT_SEED) -> tuple[Tensor, Tensor, Tensor]:
    """Held-out examples: source (B, S), its lengths (B,), target (B, T) with start and end token."""
    batch = kind.batch(count, np.random.default_rng(seed), held_out=True)
    return torch.from_numpy(batch.source), torch.from_numpy(batch.source_lens), torch.from_numpy(batch.target)
