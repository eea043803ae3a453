"""What the pages' engines are asked about: a state of a model, and an input for it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Params, looked, setting
from engines.core.training import Weights
from engines.data.sequences import REVERSE


@dataclass(frozen=True)
class OfModel(Params):
    """A model.

    Attributes
    ----------
    task : str
        What it has learned.
    weights : Weights, optional
        A state of a run; without it, or where it has learned another task, the bundled ones.
    """

    task: str = setting(REVERSE)
    weights: Weights | None = looked(None, passing=True)


@dataclass(frozen=True)
class OfInput(OfModel):
    """A model on one input.

    Attributes
    ----------
    read : str
        An input that the task can read; empty for its sample.
    """

    read: str = setting("")
