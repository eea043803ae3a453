"""What the ViT tab can set and what the engine answers. No torch: importing this is instant.

Counting: *layers and heads are counted from 1*, in settings and in events (layer 1 reads the embeddings), because
that is what a person reads; array axes start at 0 as ever. *Tokens are counted from 0*: 0 is the class token,
``PhotoGrid.prefix + row * cols + col`` a patch.

A run yields, in this order: `Progress` while something takes long, `ModelInfo`, `PhotoGrid`, and at its end one
`Answer`, which holds all that is to be drawn (on the pages beside "Watch" their own frame instead, several times
where it grows). (One frame, not several: a run that a newer setting displaces may still
show one, so that in a drag of a slider the maps, the class token and the prediction move together.) Objects that did
not change are the very same ones as in the run before: ``new.weights is old.weights`` saves drawing them again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range, Switch, setting
from engines.core.pictures import Picture
from engines.vit.events import (
    WEIGHTS_BUDGET,
    Answer,
    Bytes,
    ClassTokenMaps,
    Floats,
    HeadMaps,
    LayerWeights,
    ModelInfo,
    Overlay,
    PhotoGrid,
    Prediction,
)
from engines.vit.insights import (
    CHEFER,
    CLASS_SPECIFIC,
    GRADIENT,
    METHODS,
    RANDOM_ORDERS,
    RAW,
    ROLLED,
    Ablation,
    HeadSteps,
    Insight,
    Lens,
    Relevance,
    area,
)
from engines.vit.scale_spec import STUDY, ScaleSettings

__all__ = [
    "ABSOLUTE",
    "ATTENTION",
    "BY_DISTANCE",
    "BY_ENTROPY",
    "BY_NUMBER",
    "CHANGE",
    "CHEFER",
    "CLASS_SPECIFIC",
    "DRAW",
    "GRADIENT",
    "INTERVENE",
    "LENS",
    "LOGIT",
    "LOOK",
    "LOOKED_AT_BY",
    "LOOKS_AT",
    "MAX",
    "MEAN",
    "MEASURE",
    "METHODS",
    "MIN",
    "PCA",
    "PER_HEAD",
    "PROBABILITY",
    "RANDOM_ORDERS",
    "RAW",
    "RELEVANCE",
    "ROLLED",
    "ROLLOUT",
    "SHARED",
    "SIMILARITY",
    "STEPS",
    "THIS_HEAD",
    "VIEW_ONLY",
    "WATCH",
    "WEIGHTS_BUDGET",
    "WHOLE_LAYER",
    "Ablation",
    "Answer",
    "Bytes",
    "ClassTokenMaps",
    "Floats",
    "HeadMaps",
    "HeadSteps",
    "Insight",
    "LayerWeights",
    "Lens",
    "ModelInfo",
    "Overlay",
    "PhotoGrid",
    "Prediction",
    "Relevance",
    "ViTParams",
    "area",
    "same_computation",
    "top_mass",
    "untouched",
]

LOOKS_AT, LOOKED_AT_BY = "Looks at", "Looked at by"
THIS_HEAD, WHOLE_LAYER = "This head", "Whole layer"
ATTENTION, ROLLOUT, SIMILARITY, PCA = "Attention", "Rollout", "Patch similarity", "PCA colors"
MEAN, MAX, MIN = "Mean", "Max", "Min"
SHARED, PER_HEAD, ABSOLUTE = "Shared", "Per head", "Absolute (0–1)"
BY_NUMBER, BY_ENTROPY, BY_DISTANCE = "By number", "By entropy", "By distance"
WATCH, RELEVANCE, INTERVENE, STEPS, LENS = "watch", "relevance", "intervene", "steps", "lens"  # pages
PROBABILITY, LOGIT = "Probability", "Logit"

LOOK, CHANGE, DRAW = "Where to look", "What changes the model", "How it is drawn"
MEASURE = "How it is measured"


@dataclass(frozen=True)
class ViTParams(ScaleSettings):
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
    painted : tuple of int
        Patch tokens that nobody looks at any more, in all layers; those the grid does not have are ignored.
    page : str
        What is answered: `WATCH` with `Answer`, `RELEVANCE` with `Relevance`, `INTERVENE` with `Ablation`, `STEPS`
        with `HeadSteps`, `LENS` with `Lens`.
    target : int
        The class asked about; −1, or one the model does not have, for the untouched model's likeliest.
    layer, head : int
        What is looked at; numbers past the model's last are taken as its last.
    temperature : float
        Of the chosen head or the whole chosen layer, see ``scope``; 1 is the untouched model bit for bit.
    """

    picture: Picture | None = None
    model: str = ""
    pinned: int | None = None
    heads_off: tuple[tuple[int, int], ...] = ()
    painted: tuple[int, ...] = ()
    page: str = WATCH
    target: int = -1

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
            tip="A row of the weights (where the patch attends) or a column (which patches attend to it).",
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
    points: int = setting(
        10,
        Range(
            4,
            25,
            1,
            "Points of a curve",
            group=MEASURE,
            tip="In how many steps all patches are covered or uncovered; more take longer. (Petsiuk 2018)",
        ),
    )
    effect: str = setting(
        PROBABILITY,
        Choice(
            (PROBABILITY, LOGIT),
            "Effect on",
            group=MEASURE,
            tip="What a head's loss is measured by. Where the model is sure, the logit tells more.",
        ),
    )


#: Settings that only change how things are drawn: the window need not ask the engine again.
VIEW_ONLY = frozenset({"direction", "opacity", "outline", "grid", "scale", "order", "effect"})


def same_computation(old: ViTParams, new: ViTParams) -> bool:
    """Whether the engine would answer the same for both."""
    return replace(old, **{name: getattr(new, name) for name in (*VIEW_ONLY, *STUDY)}) == new


def untouched(params: ViTParams) -> ViTParams:
    """The same settings with temperature, scope, head mask and paint back at the untouched model."""
    return replace(params, temperature=1.0, scope=THIS_HEAD, heads_off=(), painted=())


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
