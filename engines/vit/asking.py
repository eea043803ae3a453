"""What the pages' engines are asked about: a photo in a model, as it is changed, and a class. Imports no torch.

Counting: *layers and heads are counted from 1*, in settings and in events (layer 1 reads the embeddings), because
that is what a person reads; array axes start at 0 as ever. *Tokens are counted from 0*: 0 is the class token,
``PhotoGrid.prefix + row * cols + col`` a patch.

A run of any of the engines yields, in this order: `Progress` while something takes long, `ModelInfo`, `PhotoGrid`, and
at its end one frame that holds all that is to be drawn (several times where it grows). Objects that did not change are
the very same ones as in the run before: ``new.weights is old.weights`` saves drawing them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import PHOTO, PIN, Choice, Params, Range, setting
from engines.core.pictures import Picture

THIS_HEAD, WHOLE_LAYER = "This head", "Whole layer"
MEAN, MAX, MIN = "Mean", "Max", "Min"
LOOK, CHANGE, DRAW = "Selection", "Interventions", "Display"  # sections of the docks
MEASURE = "How it is measured"


@dataclass(frozen=True)
class OfPhoto(Params):
    """A photo in a model, and what is changed in the model.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for the best one that is here at once.
    heads_off : tuple of (layer, head)
        Heads that contribute nothing, in any layer, counted from 1.
    masked_patches : tuple of int
        Patch tokens that no token attends to any more, in all layers; those the grid does not have are ignored.
    layer, head : int
        The chosen ones; numbers past the model's last are taken as its last.
    temperature : float
        Of the chosen head or the whole chosen layer, see ``scope``; 1 is the untouched model bit for bit.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    model: str = setting("", kept=True)
    heads_off: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    masked_patches: tuple[int, ...] = setting((), changes_model=True)
    layer: int = setting(
        12,
        Range(1, 24, 1, "Layer", group=LOOK, tip="Layer whose attention is shown; layer 1 reads the embedded patches."),
    )
    head: int = setting(
        1,
        Range(1, 16, 1, "Head", group=LOOK, tip="One of the parallel attentions of a layer. (Vaswani 2017)"),
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
            tip="Side of a square with the area of the input; position embeddings are interpolated. (DINOv2)",
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
        changes_model=True,
    )
    scope: str = setting(
        THIS_HEAD,
        Choice((THIS_HEAD, WHOLE_LAYER), "Applies to", group=CHANGE, tip="What the temperature changes."),
        changes_model=True,
    )


@dataclass(frozen=True)
class OfToken(OfPhoto):
    """The attention of one token.

    Attributes
    ----------
    pinned : int, optional
        The token whose attention is shown; None stands for the class token.
    """

    pinned: int | None = setting(None, remembered=PIN)


@dataclass(frozen=True)
class OfClass(OfPhoto):
    """What speaks for one class.

    Attributes
    ----------
    target : int
        The class asked about; −1, or one the model does not have, for the untouched model's likeliest.
    """

    target: int = setting(-1)


@dataclass(frozen=True)
class OfRollout(OfPhoto):
    """Attention through all layers (Abnar & Zuidema 2020)."""

    fusion: str = setting(
        MEAN,
        Choice((MEAN, MAX, MIN), "Head fusion", group=DRAW, tip="How rollout fuses the heads. (Abnar & Zuidema 2020)"),
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
            tip="Fraction of the weights, the smallest, that rollout sets to 0; never the class token's.",
        ),
    )
    start_layer: int = setting(
        1,
        Range(1, 24, 1, "Start layer", group=DRAW, tip="First layer that rollout takes into account."),
    )
