"""What the ViT engine tells its tab: arrays of numpy and words. No torch.

Part of `engines.vit.spec`, which is where to import from; see there for how layers, heads and tokens are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Frame, Record

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ModelInfo(Record):
    """The model that answers.

    Attributes
    ----------
    source : str
        What it was loaded from (the engine's choice, where ``ViTParams.model`` is empty).
    title : str
        Name to show.
    family : str
        ``vit``, ``deit``, ``dino``, ``dinov2``…
    layers, heads, width, patch_size : int
        ``patch_size`` in pixels of the model's input.
    resolutions : (low, high, step)
        What the resolution slider may be set to, in pixels; low = high for a model of fixed size. Settings beyond
        are taken as the nearest end.
    labels : tuple of str
        Class names; empty for a model without a head.
    parameters : int
        Numbers learned.
    """

    source: str
    title: str
    family: str
    layers: int
    heads: int
    width: int
    patch_size: int
    resolutions: tuple[int, int, int]
    labels: tuple[str, ...]
    parameters: int

    @property
    def has_head(self) -> bool:
        """Whether the model names classes."""
        return bool(self.labels)


@dataclass(frozen=True)
class PhotoGrid(Record):
    """How the model's patches lie on the photo.

    Attributes
    ----------
    name : str
        The picture's name.
    photo : ndarray uint8 (height, width, 3)
        The picture itself (the engine's choice, where ``ViTParams.picture`` is None).
    rows, cols : int
        Patches; token ``prefix + row * cols + col``.
    prefix : int
        Tokens before the patches: 1, the class token; 2 for a distilled DeiT, whose token 1 is the distillation token.
    rectangle : (left, top, right, bottom)
        What the grid covers, in pixels of the photo (floats, edges, origin at the top left corner).
    seen : ndarray uint8 (h, w, 3)
        The picture as the model gets it, after resizing.
    """

    name: str
    photo: Bytes = field(repr=False)
    rows: int
    cols: int
    prefix: int
    rectangle: tuple[float, float, float, float]
    seen: Bytes = field(repr=False)

    @property
    def tokens(self) -> int:
        """Prefix tokens and patches."""
        return self.prefix + self.rows * self.cols


@dataclass(frozen=True)
class HeadMaps(Event):
    """The chosen layer: the pinned token's attention in each head.

    Attributes
    ----------
    layer, token : int
    looks_at : ndarray (H, N)
        Its row of the weights; sums to 1. A head that is switched off still attends, only its say is gone.
    looked_at_by : ndarray (H, N)
        Its column.
    entropy : ndarray (H,)
        Bits, mean over all queries: 0 looks at one token, log2(N) at all alike.
    distance : ndarray (H,)
        Mean distance between a patch and what it looks at, in patches (Dosovitskiy 2021, figure 7).
    off : ndarray of bool (H,)
        Heads that are switched off.
    """

    layer: int
    token: int
    looks_at: Floats = field(repr=False)
    looked_at_by: Floats = field(repr=False)
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
    """Whom the class token looks at, in all layers and heads.

    Attributes
    ----------
    weights : ndarray (L, H, N)
        Rows sum to 1.
    entropy : ndarray (L, H)
        Bits, of that row.
    distance : ndarray (L, H)
        Since the class token has no place: mean distance, in patches, of what it looks at from the middle of
        what it looks at (small: one spot).
    off : ndarray of bool (L, H)
        Heads that are switched off.
    """

    weights: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    off: npt.NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True)
class Prediction(Event):
    """What the model says, beside the untouched model.

    Attributes
    ----------
    changed : bool
        Whether temperature or head mask are in play.
    labels : tuple of str
        The (at most) five likeliest classes, likeliest first; empty for a model without a head.
    probabilities, untouched : ndarray (k,)
        Of these classes, from the model as it is set now and from the untouched one.
    untouched_label : str
        The untouched model's likeliest class.
    similarity : ndarray (L,)
        Cosine between the class token and that of the untouched model, after each layer; the last one after
        the final norm. All 1 while nothing is changed.
    """

    changed: bool
    labels: tuple[str, ...]
    probabilities: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    untouched_label: str
    similarity: Floats = field(repr=False)


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
