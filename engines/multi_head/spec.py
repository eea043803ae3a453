"""What the tab "Multi-head" can ask for and what it is told. Imports no torch.

`MultiHeadParams` serve two engines. `engines.multi_head.engine.Engine` answers the page "Heads" with a `HeadsFrame`.
`engines.multi_head.training.Trainer` is the guest of the lane behind "Training": `RunBegan` (once a run), then for
each step a `TrainStep`, for some of them a state to keep (see `kept`), and a `Now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Kept, Stepped, TrainingParams, Weights

Floats: TypeAlias = npt.NDArray[np.float32]
Cells: TypeAlias = tuple[tuple[int, int], ...]

GROUPS, POSITIONS, NOISE = "Groups", "Positions", "Noise"
INPUTS = (GROUPS, POSITIONS, NOISE)
BOTH, LEFT = "Both neighbors", "Left neighbor"
TASKS = (BOTH, LEFT)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 8  #: tokens of a training sequence
MOST_STEPS = 3000  #: steps of a training run
SAMPLES = 4  #: sequences of the fixed sample that is shown while training
LOOK, MODEL, INPUT = "Heads", "Layer", "Input"
AT_ONCE, NEW_RUN = "Changes at once", "Starts a new run"


@dataclass(frozen=True)
class MultiHeadParams(TrainingParams):
    """Settings of the tab, and of its training run.

    Attributes without a slider
    ---------------------------
    heads_off : tuple of int
        Heads whose output is set to 0, counted from 0.
    blocked : tuple of (query, key)
        Pairs that must not attend, counted from 0, sorted; those beyond the sequence do not count.
    head : int
        The head that is marked, from 0.
    """

    heads_off: tuple[int, ...] = ()
    blocked: Cells = ()
    head: int = 0

    heads: int = setting(
        4,
        Range(
            1,
            16,
            1,
            "Heads h",
            log=True,
            group=LOOK,
            tip="Splits the width into h slices of d = width / h that attend apart. No parameter is added. "
            "(Vaswani 2017, 3.2.2)",
        ),
    )
    temperature: float = setting(
        0.5,
        Range(
            0.1,
            10,
            0.01,
            "Temperature",
            log=True,
            group=LOOK,
            tip="Divides the scaled scores before the softmax. Small: each query picks one key; large: all keys alike.",
        ),
    )
    width: int = setting(
        64,
        Range(
            16,
            128,
            1,
            "Width d_model",
            log=True,
            group=MODEL,
            tip="Size of each token's vector. The four matrices have 4 d² + 4 d parameters, whatever h is.",
        ),
    )
    weight_seed: int = setting(
        0,
        Range(0, 999, 1, "Seed of the weights", group=MODEL, tip="The layer is not trained: its weights are random."),
    )
    kind: str = setting(
        GROUPS,
        Choice(
            INPUTS,
            "Tokens",
            group=INPUT,
            tip="Three groups of tokens that resemble each other, sine and cosine codes of positions, or noise.",
        ),
    )
    batch: int = setting(
        1, Range(1, 8, 1, "Batch B", group=INPUT, tip="Sequences computed at once; the first one is shown.")
    )
    tokens: int = setting(12, Range(1, 48, 1, "Tokens N", log=True, group=INPUT, tip="Length of the sequence."))
    seed: int = setting(0, Range(0, 999, 1, "Seed of the input", group=INPUT, tip="Another seed draws other tokens."))

    learning_rate: float = setting(
        3e-3,
        Range(
            1e-4,
            0.1,
            1e-4,
            "Learning rate",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="Step size of Adam, for both models. (Kingma & Ba 2015)",
        ),
    )
    pace: int = setting(
        30,
        Range(1, 200, 1, "Steps per second", log=True, live=True, group=AT_ONCE, tip="At most; slow enough to watch."),
    )
    task: str = setting(
        BOTH,
        Choice(
            TASKS,
            "Task",
            group=NEW_RUN,
            tip="Each token names the letters to its left and right, in a ring. The left one alone is the control: one "
            "head can do it.",
        ),
    )
    train_width: int = setting(
        32, Range(16, 64, 1, "Width of both models", log=True, group=NEW_RUN, tip="The same for one head and for two.")
    )
    train_seed: int = setting(
        0, Range(0, 999, 1, "Seed of the run", group=NEW_RUN, tip="Weights and sequences; the same for both models.")
    )


def nearest_power(value: float) -> int:
    """The power of two that is next in ratio."""
    return int(2 ** round(float(np.log2(max(1.0, value)))))


def fitting(params: MultiHeadParams) -> MultiHeadParams:
    """Sizes that divide each other (powers of two), and only heads and pairs that exist."""
    heads = nearest_power(params.heads)
    return replace(
        params,
        heads=heads,
        width=nearest_power(params.width),
        train_width=nearest_power(params.train_width),
        heads_off=tuple(i for i in params.heads_off if i < heads),
        head=min(params.head, heads - 1),
    )


def same_heads(a: MultiHeadParams, b: MultiHeadParams) -> bool:
    """Whether the page "Heads" computes the same."""
    names = ("heads_off", "blocked", "heads", "temperature", "width", "weight_seed", "kind", "batch", "tokens", "seed")
    return all(getattr(a, name) == getattr(b, name) for name in names)


OF_RUN = ("learning_rate", "task", "train_width", "train_seed")  #: fields that a training run is made of


def run_params(params: MultiHeadParams) -> MultiHeadParams:
    """What a training run is made of: the fields of the page "Training", all others untouched."""
    return MultiHeadParams(**of_run(vars(params)))


def of_run(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a run among others."""
    return {name: found[name] for name in OF_RUN}


def causal(tokens: int) -> Cells:
    """Pairs to block so that no query sees a later key."""
    return tuple((q, k) for q in range(tokens) for k in range(q + 1, tokens))


@dataclass(frozen=True, eq=False)
class HeadsFrame(Frame):
    """One input through all heads. Sizes: B batch, H heads, N tokens, E width, d = E / H.

    Arrays are of the first sequence of the batch.

    Attributes
    ----------
    batch, heads, tokens, width : int
        The sizes; ``parameters`` counts weights and biases of all four linear maps.
    names : tuple of str
        Of the tokens.
    x : ndarray float32 (N, E)
    queries, keys, values : ndarray float32 (H, N, d)
    may_attend : ndarray bool (N, N)
        Queries × keys.
    empty : tuple of int
        Queries that have nothing to attend to; their weights and head outputs are 0.
    weights : ndarray float32 (H, N, N)
        Rows sum to 1, empty ones to 0.
    entropy : ndarray float32 (H,)
        Of the weights, in bit, mean over queries that are not empty.
    head_outputs : ndarray float32 (H, N, d)
        Before heads are switched off.
    joined : ndarray float32 (N, E)
        The heads side by side, 0 where one is off.
    out_weight : ndarray float32 (E, E)
        W_o, rows = inputs: row block i belongs to head i.
    output, untouched : ndarray float32 (N, E)
        With the heads that are on, and with all.
    contribution : ndarray float32 (H,)
        Share of each head in the output: norm of its part over the sum of the norms of all parts.
    change : float
        ‖output − untouched‖ / ‖untouched‖.
    off : tuple of int
    map_agreement, output_agreement : ndarray float32 (H, H)
        See `engines.multi_head.measures`.
    """

    batch: int
    heads: int
    tokens: int
    width: int
    parameters: int
    names: tuple[str, ...]
    x: Floats = field(repr=False)
    queries: Floats = field(repr=False)
    keys: Floats = field(repr=False)
    values: Floats = field(repr=False)
    may_attend: npt.NDArray[np.bool_] = field(repr=False)
    empty: tuple[int, ...]
    weights: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    head_outputs: Floats = field(repr=False)
    joined: Floats = field(repr=False)
    out_weight: Floats = field(repr=False)
    output: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    contribution: Floats = field(repr=False)
    change: float
    off: tuple[int, ...]
    map_agreement: Floats = field(repr=False)
    output_agreement: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A training run stands at its beginning.

    Attributes
    ----------
    params : MultiHeadParams
        What the run is made of.
    parameters : tuple of int
        Of the model with one head and of that with two: the same number.
    average : float
        The loss of a model that knows both letters but not which is which: ln 2; 0 if only one letter is asked for.
    letters : ndarray int64 (S, N)
        The sequences on which both are shown.
    targets : ndarray int64 (S, N, 2)
        Letters each token has to name.
    """

    params: MultiHeadParams = field(repr=False)
    parameters: tuple[int, int]
    average: float
    letters: npt.NDArray[np.int64] = field(repr=False)
    targets: npt.NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class TrainStep(Stepped):
    """One step.

    Attributes
    ----------
    loss, accuracy : tuple of float
        Of one head and of two on the step's batch: mean cross-entropy in nat, share of letters that are right.
    agreement : float
        Of the two heads' maps, 1 = the same.
    """

    loss: tuple[float, float]
    accuracy: tuple[float, float]
    agreement: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """How both models attend and answer at a step.

    Attributes
    ----------
    weights : ndarray float32 (3, N, N)
        Of the one head, and of the two; the same for all sequences; rows sum to 1.
    probabilities : ndarray float32 (S, 2, N, 2, V)
        Of one head and of two: for each token and each of its two places, over the letters.
    """

    step: int
    weights: Floats = field(repr=False)
    probabilities: Floats = field(repr=False)


def kept(shown: Snapshot) -> Kept:
    """A snapshot as a state to look back at."""
    return Kept(Weights(shown.step, {"weights": shown.weights, "probabilities": shown.probabilities}))


def snapshot(state: Weights) -> Snapshot:
    """What `kept` kept."""
    return Snapshot(state.step, state.arrays["weights"], state.arrays["probabilities"])


@dataclass(frozen=True, eq=False)
class Now(Frame):
    """The newest step."""

    shown: Snapshot = field(repr=False)
