"""What the DETR tab can ask for and what it is told. Imports no torch.

Boxes of events are xyxy in pixels of the picture that the event `PictureShown` carries. Layers and heads count from 1
on the sliders (``layer``, ``head``) and from 0 in arrays and in `HeadOff`; queries and classes always count from 0.

The engine takes `DetrParams`, or `engines.detr.relevance.spec.RelevanceParams`, which ask for more.

A run yields, in this order: `Progress` while something takes long, `ModelInfo`, `PictureShown`, then `Detections`;
with a hovered pixel also `EncoderAttention`, which comes first if nothing but the pixel has changed; with
`RelevanceParams` then `QueryRelevance`. Last comes `Computed`: how long the picture took and how far from float32 it
is, which is found out once for each model and backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engines.blocks.backends import BACKENDS, FASTEST, Computed
from engines.core.errors import Message
from engines.core.params import PHOTO, PIN, Choice, Params, Range, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Subject
from engines.core.training import Weights
from engines.data.detector_training import TRAINED_HERE
from engines.data.scenes import (
    BACKGROUNDS,
    DEFAULT_SCENE,
    KINDS,
    LARGEST,
    MOST,
    SMALLEST,
    TEXTURES,
    Drawing,
    Shape,
    box_of,
    contains,
    corners_of,
    draw_background,
    random_drawing,
    render,
)
from engines.detr.interventions import ATTENTIONS, CROSS, DECODER_SELF, ENCODER_SELF, HeadOff

__all__ = [
    "ATTENTIONS",
    "BACKGROUNDS",
    "BEST_REAL_CLASS",
    "CROSS",
    "DECODER_SELF",
    "DEFAULT_SCENE",
    "DROP_NO_OBJECT",
    "ENCODER_SELF",
    "KINDS",
    "LARGEST",
    "MOST",
    "SMALLEST",
    "TEXTURES",
    "TRAINED_HERE",
    "Computed",
    "Detections",
    "DetrParams",
    "Drawing",
    "EncoderAttention",
    "HeadOff",
    "ModelInfo",
    "PictureShown",
    "Shape",
    "box_of",
    "contains",
    "corners_of",
    "draw_background",
    "random_drawing",
    "render",
]

Array = npt.NDArray[np.generic]

SHOWN = 384  #: side in pixels of a drawn scene as it is shown; the toy model sees it smaller
DROP_NO_OBJECT = "Drop the no-object argmax"
BEST_REAL_CLASS = "Best real class"
ONE_HEAD, ONE_LAYER, ALL_LAYERS = "Chosen head", "Chosen layer", "All layers"

#: Fields that hold attention weights; their last axis, or last two if it is a map, sums to 1
WEIGHTS_ARE_SHOWN_AS = ("Detections.self_attention", "Detections.cross", "EncoderAttention.maps")

DETECTIONS, ATTENTION, INTERVENTION = "Detections", "Attention", "Intervention"


@dataclass(frozen=True)
class DetrParams(Params):
    """What the model is asked.

    Attributes without a slider
    ---------------------------
    source : str
        Model: a bundled name, a folder, or the id of a hub model that has been downloaded.
    picture : Picture or None
        The photo. With the toy model its middle square becomes the background of the drawing.
    drawing : Drawing
        Shapes of the scene editor; looked at by the toy model, and by any model if there is no picture.
    query : int
        Object query looked at; -1: the one with the best score.
    pixel : (float, float) or None
        Hovered point x, y in pixels of the shown picture: where encoder self-attention starts.
    heads_off : tuple of HeadOff
    queries_off : tuple of int
        Queries masked as keys of decoder self-attention, their predictions removed.
    weights : Weights or None
        A state of a run on the page "Training"; it is the model where ``source`` is `TRAINED_HERE`.
    """

    source: str = looked("toy-detr", kept=True)
    picture: Picture | None = setting(None, remembered=PHOTO)
    drawing: Drawing = setting(DEFAULT_SCENE)
    query: int = looked(-1, remembered=PIN)
    pixel: tuple[float, float] | None = looked(None)
    heads_off: tuple[HeadOff, ...] = setting((), changes_model=True)
    queries_off: tuple[int, ...] = setting((), changes_model=True)
    weights: Weights | None = looked(None, passing=True)

    threshold: float = setting(
        0.5,
        Range(
            0,
            1,
            0.01,
            "Score threshold",
            live=True,
            group=DETECTIONS,
            tip="Boxes with a lower score are hidden. Score: softmax probability of the best class other than no "
            "object. DETR needs no non-maximum suppression. (Carion et al. 2020)",
        ),
    )
    rule: str = setting(
        DROP_NO_OBJECT,
        Choice(
            (DROP_NO_OBJECT, BEST_REAL_CLASS),
            "Decode rule",
            live=True,
            group=DETECTIONS,
            tip="Drop the no-object argmax: a query counts only if no class beats its best real one, 'no object' "
            "included. Best real class: 'no object' is ignored, the threshold alone decides (Carion et al. 2020, A.4).",
        ),
    )
    layer: int = setting(
        3,
        Range(
            1,
            6,
            1,
            "Layer",
            group=ATTENTION,
            tip="Layer whose attention is shown and modified. The toy model has 3, DETR has 6; a number beyond the "
            "last selects the last.",
        ),
    )
    head: int = setting(
        1,
        Range(
            1,
            8,
            1,
            "Head",
            group=ATTENTION,
            tip="Head whose attention is shown and modified. Each head has its own queries, keys and values "
            "(Vaswani et al. 2017, 3.2.2); a number beyond the last selects the last.",
        ),
    )
    opacity: float = drawn(
        0.6,
        Range(0, 1, 0.01, "Overlay opacity", percent=True, group=ATTENTION, tip="Of the map on the photo."),
    )
    attention: str = setting(
        CROSS,
        Choice(
            ATTENTIONS,
            "Attention to modify",
            group=INTERVENTION,
            tip="Cross-attention: queries attend to the picture. Decoder self-attention: queries attend to each "
            "other, which is how duplicates are suppressed. Encoder self-attention: positions of the picture "
            "attend to each other.",
        ),
    )
    temperature: float = setting(
        1.0,
        Range(
            0.05,
            20,
            0.01,
            "Temperature",
            log=True,
            group=INTERVENTION,
            tip="Divides the attention scores: softmax(q·k / (√d · T)). Below 1 sharper, above 1 flatter; 1 leaves "
            "the model unchanged.",
        ),
        changes_model=True,
    )
    scope: str = setting(
        ONE_LAYER,
        Choice(
            (ONE_HEAD, ONE_LAYER, ALL_LAYERS),
            "Temperature of",
            group=INTERVENTION,
            tip="Which heads the temperature acts on: the chosen one, all of the chosen layer, or all of all layers.",
        ),
    )

    compute: str = setting(
        FASTEST,
        Choice(
            (FASTEST, *BACKENDS),
            "Backbone backend",
            tip="What computes the backbone of a real model. Fastest: the quickest on this machine with the same "
            "output. The Transformer stays in float32, so its attention is exact.",
        ),
    )

    @property
    def touched(self) -> bool:
        """Whether anything keeps the model from being as it was trained."""
        return self.temperature != 1.0 or bool(self.heads_off) or bool(self.queries_off)

    def scene(self, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """The drawing on its background, or on the photo in its place.

        Returns
        -------
        rgb : ndarray uint8 (size, size, 3)
        boxes : ndarray (N, 4)
            Of its shapes, xyxy in pixels.
        """
        background = draw_background(self.drawing, 96) if self.picture is None else self.picture.rgb
        return render(self.drawing.shapes, background, size)


@dataclass(frozen=True)
class ModelInfo(Subject):
    """What the model is.

    Attributes
    ----------
    source, title : str
    labels : tuple of str
        Names of the real classes by index (English, keys of their translations).
    num_queries, encoder_layers, decoder_layers, encoder_heads, num_heads, parameters : int
        ``num_heads``: of each attention in the decoder.
    toy : bool
        The project's own model: it sees the drawing, with the photo as background.
    note : Message
        What the model knows, in a sentence.
    step : int
        Of the live run that it is a state of; -1 for any other model.
    sha256 : str
        Of its weights' file, see `engines.checkpoints.catalog.fingerprint`; empty where it is no file.
    """

    source: str
    title: str
    labels: tuple[str, ...]
    num_queries: int
    encoder_layers: int
    decoder_layers: int
    encoder_heads: int
    num_heads: int
    parameters: int
    toy: bool
    note: Message
    step: int = -1
    sha256: str = ""


@dataclass(frozen=True, eq=False)
class PictureShown(Subject):
    """The picture that boxes and maps lie on; comes before any computation.

    Attributes
    ----------
    rgb : ndarray uint8 (H, W, 3)
    true_boxes : ndarray float32 (N, 4), true_labels : ndarray int64 (N,)
        Of the drawn shapes, as indices in ``KINDS``; empty for a photo.
    """

    rgb: npt.NDArray[np.uint8] = field(repr=False)
    true_boxes: npt.NDArray[np.float32]
    true_labels: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Detections(Frame):
    """What the decoder says, and what it looked at. The same object comes again if nothing it shows has changed.

    Sizes: Q queries, C real classes, L decoder layers, H heads, h × w the feature map.

    Attributes
    ----------
    boxes : ndarray float32 (Q, 4)
    scores, no_object : ndarray float32 (Q,)
        Probability of the best real class and of "no object".
    labels : ndarray int64 (Q,)
        Best real class.
    passes, on : ndarray bool (Q,)
        Above the threshold by the decode rule; not switched off.
    plain_boxes, plain_scores, plain_labels, plain_passes : ndarray
        The same of the untouched model (the ghost); the very same arrays if nothing is touched.
    layer_boxes, layer_scores, layer_labels, layer_passes : ndarray (L, Q, ·)
        The heads applied after every decoder layer: how the boxes settle.
    query : int
        The query that was looked at.
    cross : ndarray float32 (L, H, h, w)
        Its cross-attention; each map sums to 1 (to 0 where the head is switched off).
    extent : (left, top, right, bottom)
        Where the feature map lies on the picture, in pixels; it may reach beyond the picture's border.
    self_attention : ndarray float32 (L, H, Q, Q)
        Decoder self-attention; rows sum to 1 (to 0 where the head is switched off).
    summary : Message
        For example "3 of 16 queries pass", or the best score if none does.
    touched : bool
        An intervention is active.
    probabilities : ndarray float32 (Q, C+1)
        Of all classes, "no object" last; (0, 0) if it was not asked for.
    """

    boxes: npt.NDArray[np.float32] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    no_object: npt.NDArray[np.float32] = field(repr=False)
    passes: npt.NDArray[np.bool_] = field(repr=False)
    on: npt.NDArray[np.bool_] = field(repr=False)
    plain_boxes: npt.NDArray[np.float32] = field(repr=False)
    plain_scores: npt.NDArray[np.float32] = field(repr=False)
    plain_labels: npt.NDArray[np.int64] = field(repr=False)
    plain_passes: npt.NDArray[np.bool_] = field(repr=False)
    layer_boxes: npt.NDArray[np.float32] = field(repr=False)
    layer_scores: npt.NDArray[np.float32] = field(repr=False)
    layer_labels: npt.NDArray[np.int64] = field(repr=False)
    layer_passes: npt.NDArray[np.bool_] = field(repr=False)
    query: int
    cross: npt.NDArray[np.float32] = field(repr=False)
    extent: tuple[float, float, float, float]
    self_attention: npt.NDArray[np.float32] = field(repr=False)
    summary: Message
    touched: bool
    probabilities: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)


@dataclass(frozen=True, eq=False)
class EncoderAttention(Frame):
    """Where one place of the picture attends in the encoder.

    Attributes
    ----------
    cell : (row, column)
        Of the feature map, under ``params.pixel``.
    maps : ndarray float32 (L, H, h, w)
        All encoder layers and heads; each map sums to 1 (to 0 where the head is switched off).
    extent : (left, top, right, bottom)
        As in `Detections`.
    """

    cell: tuple[int, int]
    maps: npt.NDArray[np.float32] = field(repr=False)
    extent: tuple[float, float, float, float]


D = TypeVar("D", bound=DetrParams)


def fitted(params: D, info: ModelInfo) -> D:
    """The settings without what this model does not have: a smaller one may follow while a run is looked at."""
    layers = max(info.encoder_layers, info.decoder_layers)
    heads = max(info.encoder_heads, info.num_heads)

    def has(off: HeadOff) -> bool:
        if off.attention == ENCODER_SELF:
            return off.layer < info.encoder_layers and off.head < info.encoder_heads
        return off.layer < info.decoder_layers and off.head < info.num_heads

    return replace(
        params,
        layer=min(params.layer, layers),
        head=min(params.head, heads),
        heads_off=tuple(filter(has, params.heads_off)),
        queries_off=tuple(query for query in params.queries_off if query < info.num_queries),
        query=params.query if params.query < info.num_queries else -1,
    )
