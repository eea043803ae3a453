"""What the ViT tab can set and what the engine answers. No torch: importing this is instant.

Counting: *layers and heads are counted from 1*, in settings and in events (layer 1 reads the embeddings), because
that is what a person reads; array axes start at 0 as ever. *Tokens are counted from 0*: 0 is the class token,
``PhotoGrid.prefix + row * cols + col`` a patch.

A run yields, in this order: `Progress` while something takes long, `ModelInfo`, `PhotoGrid`, and at its end one
`Answer`, which holds all that is to be drawn. (One frame, not several: a run that a newer setting displaces may still
show one, so that in a drag of a slider the maps, the class token and the prediction move together.) Objects that did
not change are the very same ones as in the run before: ``new.weights is old.weights`` saves drawing them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture
from engines.core.protocol import Event, Frame, Record

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

LOOKS_AT, LOOKED_AT_BY = "Looks at", "Looked at by"
THIS_HEAD, WHOLE_LAYER = "This head", "Whole layer"
ATTENTION, ROLLOUT, SIMILARITY, PCA = "Attention", "Rollout", "Patch similarity", "PCA colors"
MEAN, MAX, MIN = "Mean", "Max", "Min"
SHARED, PER_HEAD, ABSOLUTE = "Shared", "Per head", "Absolute (0–1)"
BY_NUMBER, BY_ENTROPY, BY_DISTANCE = "By number", "By entropy", "By distance"

LOOK, CHANGE, DRAW = "Where to look", "What changes the model", "How it is drawn"


@dataclass(frozen=True)
class ViTParams(Params):
    """Settings of the ViT tab.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for the best one that is here at once.
    pinned : int, optional
        The token whose attention is shown; None stands for the class token.
    heads_off : tuple of (layer, head)
        Heads that contribute nothing, in any layer, counted from 1.
    layer, head : int
        What is looked at; numbers past the model's last are taken as its last.
    temperature : float
        Of the chosen head or the whole chosen layer, see ``scope``; 1 is the untouched model bit for bit.
    """

    picture: Picture | None = None
    model: str = ""
    pinned: int | None = None
    heads_off: tuple[tuple[int, int], ...] = ()

    layer: int = setting(
        12,
        Range(1, 24, 1, "Layer", group=LOOK, tip="Layer whose attention is shown; layer 1 reads the embedded patches."),
    )
    head: int = setting(
        1,
        Range(1, 16, 1, "Head", group=LOOK, tip="One of the attentions side by side in a layer. (Vaswani 2017)"),
    )
    direction: str = setting(
        LOOKS_AT,
        Choice(
            (LOOKS_AT, LOOKED_AT_BY),
            "Direction",
            group=LOOK,
            tip="A row of the weights (whom the patch looks at) or a column (who looks at it).",
        ),
    )
    resolution: int = setting(
        224,
        Range(
            224,
            518,
            14,
            "Resolution",
            "px",
            group=LOOK,
            tip="Side of a square with the area the model sees; positions are interpolated. (DINOv2)",
        ),
    )
    temperature: float = setting(
        1.0,
        Range(
            0.1,
            10.0,
            0.05,
            "Temperature",
            log=True,
            group=CHANGE,
            decimals=2,
            tip="Divides the scores before the softmax. 1 = untouched. (Hinton 2015)",
        ),
    )
    scope: str = setting(
        THIS_HEAD,
        Choice((THIS_HEAD, WHOLE_LAYER), "Applies to", group=CHANGE, tip="What the temperature changes."),
    )
    overlay: str = setting(
        ATTENTION,
        Choice(
            (ATTENTION, ROLLOUT, SIMILARITY, PCA),
            "Overlay",
            group=DRAW,
            tip="What lies on the photo: this head, attention through all layers, or the tokens themselves.",
        ),
    )
    fusion: str = setting(
        MEAN,
        Choice((MEAN, MAX, MIN), "Head fusion", group=DRAW, tip="How rollout joins the heads. (Abnar & Zuidema 2020)"),
    )
    discard: float = setting(
        0.0,
        Range(
            0.0,
            0.95,
            0.05,
            "Discard ratio",
            group=DRAW,
            percent=True,
            tip="Share of the smallest weights that rollout sets to 0; never the class token's.",
        ),
    )
    start_layer: int = setting(
        1,
        Range(1, 24, 1, "Start layer", group=DRAW, tip="First layer that rollout takes into account."),
    )
    opacity: float = setting(
        0.8,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="How strongly the overlay covers the photo."),
    )
    outline: float = setting(
        0.5,
        Range(
            0.0,
            1.0,
            0.05,
            "Top share outlined",
            group=DRAW,
            percent=True,
            tip="Fewest patches that together hold this share of the attention. (Caron 2021)",
        ),
    )
    grid: bool = setting(True, Switch("Patch grid", group=DRAW, tip="Lines between the patches."))
    scale: str = setting(
        SHARED,
        Choice(
            (SHARED, PER_HEAD, ABSOLUTE),
            "Color scale",
            group=DRAW,
            tip="One end of the scale for all maps, one for each, or 0 to 1.",
        ),
    )
    order: str = setting(
        BY_NUMBER,
        Choice((BY_NUMBER, BY_ENTROPY, BY_DISTANCE), "Sort heads", group=DRAW, tip="Order of the maps of a layer."),
    )


#: Settings that only change how things are drawn: the window need not ask the engine again.
VIEW_ONLY = frozenset({"direction", "opacity", "outline", "grid", "scale", "order"})


def same_computation(old: ViTParams, new: ViTParams) -> bool:
    """Whether the engine would answer the same for both."""
    return replace(old, **{name: getattr(new, name) for name in VIEW_ONLY}) == new


def untouched(params: ViTParams) -> ViTParams:
    """The same settings with temperature, scope and head mask back at the untouched model."""
    return replace(params, temperature=1.0, scope=THIS_HEAD, heads_off=())


def top_mass(weights: Floats, share: float) -> npt.NDArray[np.bool_]:
    """The fewest entries that together hold ``share`` of the sum.

    Parameters
    ----------
    weights : ndarray, any shape
        Not negative.
    share : float
        0 marks nothing, 1 everything that is above 0.

    Returns
    -------
    ndarray of bool, the same shape
    """
    flat = weights.ravel().astype(np.float64)
    order = np.argsort(-flat, kind="stable")
    before = np.cumsum(flat[order]) - flat[order]  # mass held by the larger ones
    total = flat.sum()
    mask = np.zeros(flat.shape, dtype=bool)
    mask[order] = (before < (share - 1e-6) * total) & (flat[order] > 0)
    return mask.reshape(weights.shape)


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
