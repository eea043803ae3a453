"""What the page "One step" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Choice, Range, Switch, looked, setting
from engines.core.protocol import Frame
from engines.transformer.asking import OfModel
from engines.transformer.recipe import Floats

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nothing of attention
TRAINED, NEW = "Trained", "New"
A_STEP, WARMING, RUNS = "The step", "Warm-up", "Two runs"
DECAY: Final = 60  #: steps after which the learning rate falls with 1 / √step, as warm-up ends there
RACE: Final = 150  #: steps of each of the two runs


@dataclass(frozen=True)
class StepParams(OfModel):
    """What the page asks of its engine.

    Attributes without a control
    ----------------------------
    step_matrix : int
        The matrix that is looked at, of those of the model; the one with the largest gradient if −1.
    step_cell : (int, int)
    """

    step_matrix: int = looked(-1)
    step_cell: tuple[int, int] = looked((0, 0))
    step_from: str = setting(
        NEW,
        Choice((NEW, TRAINED), "Starts from", group=A_STEP, tip="New: random weights. Trained: the pages' own."),
    )
    step_number: int = setting(
        2, Range(1, 50, 1, "Step", log=True, group=A_STEP, tip="The step that is taken apart, counted from 1.")
    )
    step_batch: int = setting(
        8, Range(1, 64, 1, "Batch examples", log=True, group=A_STEP, tip="Of the batch whose loss is taken.")
    )
    step_rate: float = setting(
        3e-3, Range(1e-4, 0.1, 1e-4, "Peak rate", log=True, group=WARMING, tip="The largest learning rate, η.")
    )
    step_warmup: bool = setting(
        True, Switch("Warm-up", group=WARMING, tip="Off: the largest learning rate from the first step on.")
    )


@dataclass(frozen=True)
class RaceParams(OfModel):
    """What the two runs ask, which differ in the warm-up alone."""

    step_rate: float = setting(3e-3)
    race_layers: int = setting(
        4, Range(1, 6, 1, "Layers of both runs", group=RUNS, tip="In the encoder, and as many in the decoder.")
    )
    race_pre: bool = setting(
        False, Switch("Pre-norm in both runs", group=RUNS, tip="Normalize before each sublayer. (Xiong 2020)")
    )


@dataclass(frozen=True, eq=False)
class Apart(Frame):
    """One step. M matrices of the model.

    Attributes
    ----------
    trained : bool
    step, examples, tokens : int
        Which step it is, and how many examples and target tokens its batch has.
    loss : float
        Of the batch, before the step.
    after : float, optional
        And after it; None in the first answer.
    rate : float
        η of this step.
    betas, eps : (float, float), float
        Of Adam.
    names : tuple of str
        Of the matrices, as the model calls them.
    shapes : tuple of (int, int)
    gradients, sizes, updates : ndarray (M,)
        Norms: of the gradient, of the matrix, and of what is added to it.
    at : int
        The matrix that is looked at.
    cell : (int, int)
    gradient, update : ndarray (rows, cols)
        Of that matrix.
    numbers : dict of str to float
        Of the cell: ``w g m_before v_before m v m_hat v_hat delta w_after``.
    schedule : ndarray (2, n)
        η of the first steps, with warm-up and without.
    """

    trained: bool
    step: int
    examples: int
    tokens: int
    loss: float
    after: float | None
    rate: float
    betas: tuple[float, float]
    eps: float
    names: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    gradients: Floats
    sizes: Floats
    updates: Floats
    at: int
    cell: tuple[int, int]
    gradient: Floats = field(repr=False)
    update: Floats = field(repr=False)
    numbers: dict[str, float]
    schedule: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Raced(Frame):
    """Two runs with the same batches from the same weights, with warm-up and without.

    Attributes
    ----------
    warm, cold : ndarray (n,)
        Loss of each step; a run whose loss is no number ends there.
    guessing : float
        Loss of guessing, ln V.
    done, total : int
        Steps of both.
    layers, pre : int, bool
    rate : float
        Largest learning rate.
    """

    warm: Floats
    cold: Floats
    guessing: float
    done: int
    total: int
    layers: int
    pre: bool
    rate: float
