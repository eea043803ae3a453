"""What a Transformer is made of here, and how it is trained. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, setting
from engines.data.sequences import REVERSE, TASKS

Floats: TypeAlias = npt.NDArray[np.float32]

LAYER_NORM, BATCH_NORM = "LayerNorm", "BatchNorm"
POST, PRE = "After (post-norm)", "Before (pre-norm)"
WIDTHS, HEADS = ("32", "64", "128"), ("1", "2", "4", "8")
AT_ONCE, NEW_RUN = "Applies immediately", "Requires a new run"
MOST_STEPS = 20_000  #: steps of a run
PREFIX: Final = "transformer-"  #: of the bundled files
FFN: Final = 4  #: width inside the feed-forward networks over the width of the model


@dataclass(frozen=True)
class Shape:
    """Everything a model is built from; with `Weights` as their ``made_of``.

    Attributes
    ----------
    task : str
        Whose vocabularies and lengths it has.
    width, heads, layers, ffn : int
        E, H, layers of each stack, width inside the feed-forward networks.
    norm : str
        ``layer`` or ``batch``.
    norm_first, final_norm, positions : bool
        See `engines.transformer.model.Transformer` and `engines.transformer.switches.Switches`.
    """

    task: str
    width: int = 64
    heads: int = 4
    layers: int = 2
    ffn: int = 256
    norm: str = "layer"
    norm_first: bool = False
    final_norm: bool = False
    positions: bool = True


@dataclass(frozen=True)
class Recipe(Params):
    """What a run is made of, and what can be turned while it goes on."""

    task: str = setting(
        REVERSE, Choice(TASKS, "Task", group=NEW_RUN, tip="The task: one sequence in, another one out.")
    )
    learning_rate: float = setting(
        3e-3,
        Range(
            1e-5,
            1.0,
            1e-5,
            "Learning rate",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="Peak value, at the end of the warm-up. The paper's is 1 / √(width · warm-up steps).",
        ),
    )
    warmup: int = setting(
        200,
        Range(
            1,
            4000,
            1,
            "Warm-up steps",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="The learning rate rises with the step, then falls with 1 / √step. (Vaswani 2017, equation 3)",
        ),
    )
    batch: int = setting(
        64, Range(1, 256, 1, "Batch size", log=True, live=True, group=AT_ONCE, tip="Examples in each step.")
    )
    dropout: float = setting(
        0.0,
        Range(
            0.0,
            0.5,
            0.01,
            "Dropout",
            live=True,
            percent=True,
            group=AT_ONCE,
            tip="Fraction of activations set to 0 in training, on embeddings and sublayers. (Vaswani 2017, 5.4)",
        ),
    )
    smoothing: float = setting(
        0.0,
        Range(
            0.0,
            0.3,
            0.01,
            "Label smoothing",
            live=True,
            percent=True,
            group=AT_ONCE,
            tip="Fraction of the target probability that is spread over all tokens: the loss can't reach 0. "
            "(Vaswani 2017, 5.4)",
        ),
    )
    layers: int = setting(2, Range(1, 4, 1, "Layers", group=NEW_RUN, tip="In the encoder, and as many in the decoder."))
    heads: str = setting("4", Choice(HEADS, "Heads", group=NEW_RUN, tip="Each head has its own slice of the width."))
    width: str = setting("64", Choice(WIDTHS, "Width", group=NEW_RUN, tip="Size of each token's vector, d_model."))
    norm: str = setting(
        LAYER_NORM,
        Choice(
            (LAYER_NORM, BATCH_NORM),
            "Normalization",
            group=NEW_RUN,
            tip="Over the features of each token, or over all tokens of the batch (of each part of a large one).",
        ),
    )
    order: str = setting(
        POST,
        Choice(
            (POST, PRE),
            "Normalized",
            group=NEW_RUN,
            tip="After each sublayer, as in the paper, or before it. (Xiong 2020)",
        ),
    )
    positions: bool = setting(
        True, Switch("Positions", group=NEW_RUN, tip="Without them the encoder sees a bag of tokens.")
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip="Seeds weights, examples and dropout: same seed, same curve.")
    )


def shape_of(recipe: Recipe) -> Shape:
    """The model a recipe asks for."""
    return Shape(
        task=recipe.task,
        width=int(recipe.width),
        heads=int(recipe.heads),
        layers=recipe.layers,
        ffn=FFN * int(recipe.width),
        norm="batch" if recipe.norm == BATCH_NORM else "layer",
        norm_first=recipe.order == PRE,
        final_norm=recipe.order == PRE,  # without it the sum of a pre-norm model goes to the logits as it is
        positions=recipe.positions,
    )


def lr_at(step: int, peak: float, warmup: int) -> float:
    """The learning rate of a step (from 1) by the paper's schedule, scaled to its peak (equation 3).

    ``peak · min(step / warmup, √(warmup / step))``; with peak = 1 / √(width · warmup) it is the paper's.
    """
    return float(peak * min(step / warmup, (warmup / step) ** 0.5))
