"""Steps of a training, each cut into pieces of a few samples whose gradients add up: it can be stopped in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from engines.blocks.optimizers import Adam, clipped
from engines.blocks.states import as_arrays, copied, tensors

MAX_NORM = 5.0

Sample = TypeVar("Sample")


class Pieces(Generic[Sample]):
    """Makes the steps of a model.

    Parameters
    ----------
    model : Module
        Its buffers are brought back where a step is given up half way.
    values : sequence of Tensor
        What is learned.
    rng : numpy.random.Generator
        What the samples are drawn with.
    weight_decay : float

    Attributes
    ----------
    step : int
        Steps made.
    terms : ndarray (n,)
        Of the newest step.
    stopped : bool
        The numbers left the finite: no further step can be made.
    """

    def __init__(
        self,
        model: nn.Module,
        values: Sequence[Tensor],
        rng: np.random.Generator,
        weight_decay: float = 1e-4,
    ) -> None:
        self._model, self._values, self._rng = model, list(values), rng
        self._adam = Adam(self._values, weight_decay=weight_decay)
        self._batch: list[Sample] = []
        self._before: Any = rng.bit_generator.state  # as the batch in hand was drawn
        self._buffers: dict[str, Tensor] = {}  # of the model then: running statistics move in the middle of a step
        self.step = 0
        self.terms = np.zeros(0)
        self.stopped = False

    @property
    def in_hand(self) -> bool:
        """A step was given up half way; the next is that one, made anew."""
        return bool(self._batch)

    def parts(
        self,
        size: int,
        learning_rate: float,
        draw: Callable[[], list[Sample]],
        loss_of: Callable[[list[Sample]], tuple[Tensor | None, np.ndarray]],
    ) -> Iterator[None]:
        """One step, with places to stop in it. One that is given up half way is made anew with the same samples.

        Parameters
        ----------
        size : int
            Samples of a piece.
        learning_rate : float
        draw : callable
            The samples of the next step.
        loss_of : callable
            Of some of them: the loss, None where it is not finite, and terms to tell (n,).
        """
        if not self._batch:
            self._before = self._rng.bit_generator.state
            self._batch = draw()
            self._buffers = {name: value.clone() for name, value in self._model.named_buffers()}
        else:
            self._model.load_state_dict(self._buffers, strict=False)
        gradients: list[Tensor] | None = None
        terms: np.ndarray | float = 0.0
        for at in range(0, len(self._batch), size):
            piece = self._batch[at : at + size]
            share = len(piece) / len(self._batch)
            loss, told = loss_of(piece)
            if loss is None:
                self.stopped = True
                return
            terms = terms + share * told
            yield
            found = torch.autograd.grad(loss * share, self._values, materialize_grads=True)
            if gradients is None:
                gradients = list(found)
            else:
                torch._foreach_add_(gradients, list(found))
            del loss, found
            yield
        gradients, length = clipped(gradients or [], MAX_NORM)
        if not np.isfinite([*np.atleast_1d(terms), length]).all():
            self.stopped = True
            return
        self._adam.step(gradients, learning_rate)
        self._batch = []
        self.step += 1
        self.terms = np.asarray(terms)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on, as copies; the model as it was when the step in hand began."""
        return {
            "step": self.step,
            "model": copied(self._model.state_dict()) | (copied(self._buffers) if self._batch else {}),
            "adam": as_arrays(self._adam.state()),
            "random": self._before if self._batch else self._rng.bit_generator.state,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._model.load_state_dict(tensors(state["model"]))
        self._adam.load(tensors(state["adam"]))
        self._rng.bit_generator.state = state["random"]
        self.step = state["step"]
