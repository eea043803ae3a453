"""What the page "Watch" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.blocks.backends import BFLOAT16, FASTEST, FLOAT32, SPEED
from engines.core.params import Choice, looked, setting
from engines.core.protocol import Event, Frame
from engines.vit.asking import DRAW, OfRollout, OfToken
from engines.vit.events import Floats, Prediction

ATTENTION, ROLLOUT, SIMILARITY, PCA = "Attention", "Rollout", "Patch similarity", "PCA colors"


@dataclass(frozen=True)
class WatchParams(OfToken, OfRollout):
    """What the engine of the page is asked with.

    Attributes
    ----------
    hovered : int, optional
        The token under the pointer, where its attention in all heads is not in the window's hands; it goes before
        the pinned one.
    """

    hovered: int | None = looked(None, passing=True)
    overlay: str = setting(
        ATTENTION,
        Choice(
            (ATTENTION, ROLLOUT, SIMILARITY, PCA),
            "Overlay",
            group=DRAW,
            tip="What is overlaid on the photo: this head, attention through all layers, or the tokens themselves.",
        ),
    )
    compute: str = setting(
        FASTEST,
        Choice(
            (FASTEST, FLOAT32, BFLOAT16),
            "Backend of the layers",
            group=SPEED,
            tip="What computes the linear layers of a real model. Fastest: the quickest on this machine with the same "
            "output. Softmax and norms stay in float32.",
        ),
    )


@dataclass(frozen=True)
class HeadMaps(Event):
    """The chosen layer: one token's attention in each head.

    Attributes
    ----------
    layer, token : int
    attends_to : ndarray (H, N)
        Its row of the weights; sums to 1. A head that is switched off still attends, only its say is gone.
    attended_by : ndarray (H, N)
        Its column.
    entropy : ndarray (H,)
        Bits, mean over all queries: 0 attends to one token, log2(N) to all alike.
    distance : ndarray (H,)
        Mean distance between a patch and what it attends to, in patches (Dosovitskiy 2021, figure 7).
    off : ndarray of bool (H,)
        Heads that are switched off.
    """

    layer: int
    token: int
    attends_to: Floats = field(repr=False)
    attended_by: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    off: npt.NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True)
class LayerWeights(Event):
    """Whole weight matrices of the chosen layer, so that hovering needs no question to the engine.

    All heads while that stays under `WEIGHTS_BUDGET` numbers, otherwise the chosen head alone.

    Attributes
    ----------
    layer : int
    heads : tuple of int
        Which heads ``weights`` holds, counted from 1.
    weights : ndarray (len(heads), N, N)
        Query by key; rows sum to 1.
    """

    layer: int
    heads: tuple[int, ...]
    weights: Floats = field(repr=False)


WEIGHTS_BUDGET = 4_000_000  #: numbers (16 MB) that `LayerWeights` may hold before only the chosen head is sent


@dataclass(frozen=True)
class ClassTokenMaps(Event):
    """Where the class token attends, in all layers and heads.

    Attributes
    ----------
    weights : ndarray (L, H, N)
        Rows sum to 1.
    entropy : ndarray (L, H)
        Bits, of that row.
    distance : ndarray (L, H)
        Since the class token has no place: mean distance, in patches, of what it attends to from the middle of
        that (small: one spot).
    off : ndarray of bool (L, H)
        Heads that are switched off.
    """

    weights: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    off: npt.NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True)
class Overlay(Event):
    """What lies on the photo instead of one head's attention.

    Attributes
    ----------
    mode : str
        `ROLLOUT`, `SIMILARITY` or `PCA`.
    layer : int
        Layer whose output is compared or colored; the last one for rollout.
    matrix : ndarray (N, N), optional
        Rollout: rows sum to 1. Similarity: cosine of two tokens, −1 to 1. None for PCA.
    rgb : ndarray (rows, cols, 3), optional
        PCA only: the first three principal components of the patch tokens, each stretched to 0–1.
    explained : ndarray (3,), optional
        PCA only: their share of the variance.
    """

    mode: str
    layer: int
    matrix: Floats | None = field(default=None, repr=False)
    rgb: Floats | None = field(default=None, repr=False)
    explained: Floats | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer(Frame):
    """All that is to be drawn for one setting.

    Attributes
    ----------
    head : int
        The chosen head, counted from 1, as the model has it.
    heads : HeadMaps
        The pinned token in each head of the chosen layer.
    weights : LayerWeights
        Whole weights of the chosen layer.
    classes : ClassTokenMaps
        The class token in all layers and heads.
    prediction : Prediction
    overlay : Overlay, optional
        None where plain attention is to lie on the photo.
    """

    head: int
    heads: HeadMaps
    weights: LayerWeights
    classes: ClassTokenMaps
    prediction: Prediction
    overlay: Overlay | None = None

    @property
    def parts(self) -> tuple[Event, ...]:
        """All that it holds, for a tab that handles one kind after the other."""
        held = (self.heads, self.weights, self.classes, self.prediction, self.overlay)
        return tuple(part for part in held if part is not None)
