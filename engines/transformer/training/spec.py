"""What the page "Training" asks and is told, by its engine and by its run. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from engines.core.params import Params, Range, looked, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams, Weights
from engines.data.sequences import REVERSE
from engines.transformer.recipe import MOST_STEPS, Floats, Recipe


@dataclass(frozen=True)
class LookParams(Params):
    """What the page asks of its engine.

    Attributes
    ----------
    task : str
        Whose bundled model is told.
    look : Weights, optional
        A state of a run, of whichever task, whose maps of the fixed example are asked for; without it the bundled one.
    """

    task: str = setting(REVERSE)
    look: Weights | None = looked(None, passing=True)


@dataclass(frozen=True)
class TrainingSettings(Recipe, TrainingParams):
    """A run of the `engines.transformer.training.Trainer`."""

    until: int = setting(0, Range(0, MOST_STEPS, 1, "Steps", live=True))


def settings_of(recipe: Recipe) -> TrainingSettings:
    """The recipe's fields as settings of a run not yet begun."""
    names = Recipe.__dataclass_fields__
    return TrainingSettings(**{name: getattr(recipe, name) for name in names})


def same_run(a: TrainingSettings, b: TrainingSettings) -> bool:
    """Whether both belong to one run: all that is not live is the same."""
    return _fixed(a) == _fixed(b)


def _fixed(settings: TrainingSettings) -> TrainingSettings:
    plain = TrainingSettings()
    live: dict[str, Any] = {
        name: getattr(plain, name)
        for name, one in TrainingSettings.__dataclass_fields__.items()
        if getattr(one.metadata.get("rule"), "live", False)
    }
    return replace(settings, **live)


@dataclass(frozen=True, eq=False)
class Example:
    """The fixed example that is shown while training.

    Attributes
    ----------
    source : tuple of str
        S tokens, with the end token.
    target : tuple of str
        T tokens that the decoder reads: the start token, then the right answer.
    wanted : tuple of str
        T tokens that it should say: the right answer, then the end token.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    wanted: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Bundled(Frame):
    """The bundled model of the task and how it was trained.

    Attributes
    ----------
    task : str
    parameters, steps, minutes, accuracy : number
        Size, steps, training time and sequence accuracy on held-out examples, 0..1.
    curves : ndarray float32 (n, 7)
        Step; loss, token and sequence accuracy of the batches; the same of held-out examples.
    """

    task: str
    parameters: int
    steps: int
    minutes: float
    accuracy: float
    curves: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Fixed(Frame):
    """The fixed example, each place given the right tokens before it.

    Attributes
    ----------
    task : str
    step : int
        Of the state; −1 for the bundled one.
    example : Example
    weights : dict of str to ndarray float32
        ``encoder`` (L, H, S, S), ``decoder`` (L, H, T, T), ``cross`` (L, H, T, S); rows sum to 1.
    probabilities : ndarray float32 (T, V)
    said : tuple of str
        The likeliest token at each place.
    """

    task: str
    step: int
    example: Example
    weights: dict[str, Floats] = field(repr=False)
    probabilities: Floats = field(repr=False)
    said: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    settings : TrainingSettings
        What it is made of.
    parameters : int
        Numbers that are learned.
    guessing : float
        Loss of a model that gives all tokens the same probability: ln V.
    parts : tuple of str
        Parts whose gradient norms are told: ``embeddings``, ``encoder 1``, …, ``decoder 1``, …, ``output``.
    example : Example
    """

    settings: TrainingSettings = field(repr=False)
    parameters: int
    guessing: float
    parts: tuple[str, ...]
    example: Example = field(repr=False)


@dataclass(frozen=True)
class StepDone(Stepped):
    """One step more.

    Attributes
    ----------
    loss : float
        Mean over the batch's tokens, nat, with label smoothing as set.
    token_accuracy, sequence_accuracy : float
        Shares of the batch, each place given the right tokens before it.
    learning_rate : float
        Used for this step.
    gradients : tuple of float
        L2 norm of the gradient of each part.
    """

    loss: float
    token_accuracy: float
    sequence_accuracy: float
    learning_rate: float
    gradients: tuple[float, ...]


@dataclass(frozen=True)
class HeldOut(Record):
    """How a state does on examples that no batch ever has.

    Attributes
    ----------
    step : int
    loss, token_accuracy, sequence_accuracy : float
        As in `StepDone`, without label smoothing and dropout.
    """

    step: int
    loss: float
    token_accuracy: float
    sequence_accuracy: float


@dataclass(frozen=True, eq=False)
class Now(Frame):
    """Where the newest state looks, on the fixed example. L layers, H heads.

    Attributes
    ----------
    step : int
    weights : dict of str to ndarray float32
        ``encoder`` (L, H, S, S), ``decoder`` (L, H, T, T), ``cross`` (L, H, T, S); rows sum to 1.
    probabilities : ndarray float32 (T, V)
        Of the next token at each place.
    """

    step: int
    weights: dict[str, Floats] = field(repr=False)
    probabilities: Floats = field(repr=False)


@dataclass(frozen=True)
class Working(Frame):
    """A part of a large batch is done: nothing to show, but a place to stop."""
