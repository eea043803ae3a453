"""What the page "Experiments" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engines.core.params import Choice, Range, Switch, drawn, looked, setting
from engines.core.protocol import Frame, Subject
from engines.transformer.asking import OfInput, OfModel
from engines.transformer.recipe import Floats
from engines.transformer.switches import ENCODER_FFN, SUBLAYERS, Place

WEIGHTS_ARE_SHOWN_AS: Final = ("Placed.maps",)

CAUSAL, CROSSING = "Causal mask", "K and V from the encoder"
RESIDUALS, NORMS = "Residual connections", "Normalization"
POSITIONS, CONVOLUTIONS, ABLATION = "Positions", "FFN as convolutions", "Heads and layers"
EXPERIMENTS = (CAUSAL, CROSSING, RESIDUALS, NORMS, POSITIONS, CONVOLUTIONS, ABLATION)

TRAINED, RANDOM = "Trained", "Random"
LIVE, RUNNING = "Batch", "Running"
IN_SOURCE, IN_TARGET = "Source", "Target"
PARTS: Final = ("X", "Q", "K", "V", "A", "logits")  #: rows of `Crossed`: X is the encoder's output, A the weights
LAYER, BATCH = "layer", "batch"  #: the two normalizations, in the order of all pairs below

#: What the numbers have to be: without the mask an earlier logit moves by more, with it by less.
MOVES, RESTS = 1e-3, 1e-6
SAME = 1e-5  #: the two ways to compute the FFN differ by less

LAB = "Experiment"
DEEPEST = 8  #: layers of each stack of a fresh model
EVERYWHERE: tuple[Place, ...] = tuple((kind, i) for i in range(DEEPEST) for kind in SUBLAYERS)


@dataclass(frozen=True)
class LabParams(OfInput):
    """What the experiments are made with, all but the ablation.

    Attributes without a control
    ----------------------------
    experiment : str
        The one that is looked at.
    lab_layer : int
        The decoder layer whose cross-attention is shown, from 1; the last one where there are fewer.
    lab_residuals_off : tuple of (kind, layer)
        Sublayers without their residual connection; those that the model doesn't have don't count.
    lab_mates : int
        Which other samples share the batch.
    lab_ffn : (kind, layer)
        The FFN whose activations are shown.
    """

    lab_causal: bool = drawn(
        True,
        Switch("Causal mask", tip="A target token sees itself and what is before it. (Vaswani 2017, 3.2.3)", group=LAB),
    )
    lab_changed: str = drawn(
        IN_SOURCE,
        Choice(
            (IN_SOURCE, IN_TARGET),
            "Changed token",
            tip="One token is changed at a time, in the encoder's input or in the decoder's. (Vaswani 2017, 3.2.3)",
            group=LAB,
        ),
    )
    lab_positions: bool = drawn(
        True, Switch("Add positions", tip="Sines and cosines on the embeddings. (Vaswani 2017, 3.5)", group=LAB)
    )
    lab_from: str = setting(
        RANDOM,
        Choice(
            (TRAINED, RANDOM),
            "Weights",
            tip="Gradients of the trained model, or of a randomly initialized one.",
            group=LAB,
        ),
    )
    lab_depth: int = setting(4, Range(1, DEEPEST, 1, "Layers", tip="In each stack of the random model.", group=LAB))
    lab_norm_first: bool = setting(
        False, Switch("Pre-norm", tip="Normalize before each sublayer. (Xiong 2020)", group=LAB)
    )
    lab_batch: int = setting(8, Range(1, 32, 1, "Batch size", tip="Including the watched sample.", group=LAB))
    lab_padding: int = setting(0, Range(0, 12, 1, "Padding", "tokens", tip="Appended to every sample.", group=LAB))
    lab_count_padding: bool = setting(
        False,
        Switch(
            "Include padding",
            tip="Include padding in the batch statistics, as a careless implementation does.",
            group=LAB,
        ),
    )
    lab_mode: str = setting(
        LIVE,
        Choice((LIVE, RUNNING), "BatchNorm uses", group=LAB,
               tip="Statistics of this batch, as in training, or running ones, as in evaluation."),
    )  # fmt: skip
    lab_layer: int = looked(1, asked=False)
    lab_residuals_off: tuple[Place, ...] = setting(EVERYWHERE)
    lab_mates: int = setting(0)
    lab_ffn: Place = setting((ENCODER_FFN, 0))
    experiment: str = looked(CAUSAL)


@dataclass(frozen=True)
class AblationParams(OfModel):
    """What the ablation is made with."""

    lab_examples: int = setting(
        128, Range(32, 512, 32, "Examples", tip="Held-out examples for the accuracy.", group=LAB)
    )


# ------------------------------------------------------------------ events
@dataclass(frozen=True)
class Examined(Subject):
    """The model that is taken apart.

    Attributes
    ----------
    task : str
    source, target : tuple of str
        Tokens of the sample; ``target`` is what goes into the decoder, start token first.
    answer : tuple of str
        The token that the model says at each place of the target.
    heads, encoder_layers, decoder_layers, width, ffn : int
        Its sizes.
    accuracy : float
        Token accuracy on held-out examples, 0..1.
    trained : bool
        False where there were no weights for the task and it is a fresh one.
    step : int
        Of the run's state; −1 for the bundled weights.
    """

    task: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    answer: tuple[str, ...]
    heads: int
    encoder_layers: int
    decoder_layers: int
    width: int
    ffn: int
    accuracy: float
    trained: bool
    step: int


@dataclass(frozen=True)
class Causality(Frame):
    """What a changed target token changes.

    Attributes
    ----------
    target : tuple of str
        Tokens that go into the decoder.
    changed : tuple of str
        What each was changed to.
    moved : ndarray (2, T, T)
        Largest change of a logit, without [0] and with [1] the mask: row, the token that was changed; column, the
        place of the logits.
    earlier : tuple of float
        Largest change at a place before the changed token, without and with the mask.
    """

    target: tuple[str, ...]
    changed: tuple[str, ...]
    moved: Floats
    earlier: tuple[float, float]


@dataclass(frozen=True)
class Crossed(Frame):
    """What a changed token changes in the cross-attentions, and what they answer with another encoder output.

    Attributes
    ----------
    source, target : tuple of str
        Tokens of the encoder's input and of the decoder's.
    new_source, new_target : tuple of str
        What each was changed to.
    by_source, by_target : ndarray (L, 6, S), (L, 6, T)
        Largest change of a number of each of `PARTS` in a decoder layer: column, the token that was changed.
    other : tuple of str
        Another source, of the same length.
    answers : tuple of tuple of str
        What the decoder says with the encoder's output of its own source, of the other one, and with zeros.
    uneven : float
        With zeros: the largest distance of a weight from 1 / S.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    new_source: tuple[str, ...]
    new_target: tuple[str, ...]
    by_source: Floats
    by_target: Floats
    other: tuple[str, ...]
    answers: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    uneven: float


@dataclass(frozen=True)
class Gradients(Frame):
    """Norm of the loss's gradient with all residual connections and without some.

    Attributes
    ----------
    places : tuple of (kind, layer)
        The sublayers, in the order in which the model runs them.
    off : tuple of (kind, layer)
        Those without a residual connection.
    kept, cut : ndarray (P,)
        L2 norm over each sublayer's parameters, with all connections and without those.
    loss : tuple of float
        Of the batch, with and without.
    trained : bool
        Whether the weights are the trained ones.
    """

    places: tuple[Place, ...]
    off: tuple[Place, ...]
    kept: Floats
    cut: Floats
    loss: tuple[float, float]
    trained: bool


@dataclass(frozen=True)
class Normalized(Frame):
    """The same network with layer and with batch normalization, at its first normalization.

    Attributes
    ----------
    tokens : tuple of str
        Of the sample that is watched.
    alone, among : ndarray (2, N, E)
        Its output where it is the only one without padding, and in the batch as it is set; both with the statistics
        that are set.
    moved : tuple of float
        Largest difference of the two, layer and batch normalization.
    means, deviations : tuple of ndarray
        Statistics: layer normalization has one of each per token (N,), batch normalization one per number (E,).
    gap : tuple of float
        Largest difference of the sample's output between training and evaluation.
    positions : int
        Positions that batch normalization took its statistics over.
    samples : int
        Of the batch.
    """

    tokens: tuple[str, ...]
    alone: Floats
    among: Floats
    moved: tuple[float, float]
    means: tuple[Floats, Floats]
    deviations: tuple[Floats, Floats]
    gap: tuple[float, float]
    positions: int
    samples: int


@dataclass(frozen=True)
class Placed(Frame):
    """The model with and without positions.

    Attributes
    ----------
    tokens : tuple of str
        The source.
    order : tuple of int
        How it was shuffled for the proof.
    shuffled : tuple of float
        Largest difference between the memory of the shuffled source and the shuffled memory of the source, without
        and with positions.
    accuracy : tuple of float
        Token accuracy on held-out examples, without and with.
    answers : tuple of tuple of str
        Tokens that the model answers, without and with.
    maps : ndarray (2, H, S, S)
        Weights of the encoder's first layer, without and with.
    """

    tokens: tuple[str, ...]
    order: tuple[int, ...]
    shuffled: tuple[float, float]
    accuracy: tuple[float, float]
    answers: tuple[tuple[str, ...], tuple[str, ...]]
    maps: Floats


@dataclass(frozen=True)
class Convolved(Frame):
    """One FFN, as two linear maps and as two 1×1 convolutions with the same weights.

    Attributes
    ----------
    place : (kind, layer)
    tokens : tuple of str
    hidden : ndarray (2, N, F)
        Activations after the ReLU, of the linear maps and of the convolutions.
    output : ndarray (2, N, E)
        What they answer.
    apart : float
        Largest difference of the answers.
    active : float
        Share of activations that are not 0.
    """

    place: Place
    tokens: tuple[str, ...]
    hidden: Floats
    output: Floats
    apart: float
    active: float


@dataclass(frozen=True)
class Ablated(Frame):
    """Accuracy without single parts, as far as it is measured.

    Attributes
    ----------
    rows : tuple of (kind, layer)
        The attentions.
    untouched : float
        Token accuracy of the whole model, 0..1.
    untouched_sequences : float
        Sequences that are right throughout.
    heads : ndarray (rows, H)
        Token accuracy without one head; −1 where not measured yet.
    whole : ndarray (rows,)
        Without all heads of an attention.
    ffns : ndarray (rows,)
        Without the FFN of the row's layer, where the row is the last attention of its layer; else −1.
    layers : ndarray (rows,)
        Without the row's whole layer, where the row is the last attention of its layer; else −1.
    done, total : int
        Measurements.
    step : int
        Of the run's state; −1 for the bundled weights.
    """

    rows: tuple[Place, ...]
    untouched: float
    untouched_sequences: float
    heads: Floats
    whole: Floats
    ffns: Floats
    layers: Floats
    done: int
    total: int
    step: int = -1
