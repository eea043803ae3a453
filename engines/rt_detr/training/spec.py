"""What the page "Training" can set and what a run tells. Imports no torch.

A run yields `Progress` while pictures are read, `RunBegan`, then for each step a `TrainStep`, on a schedule a
`Measured` with the `Kept` state that it belongs to, and a few times a second a `Now`. Boxes are xyxy shares (0..1) of
their picture; queries, classes, objects, locations and pictures count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Range, Switch, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams
from engines.data.detector_training import (
    AS_THEY_LOOK,
    AT_ONCE,
    MOST_QUERIES,
    NEW_RUN,
    SCENES,
    UP_TO_3,
    VOC_BOXES,
    WATCHED_SCENE,
    Example,
    fitting,
)
from engines.rt_detr.config import RtDetrConfig
from engines.rt_detr.noising import BOX_NOISE, LABEL_NOISE, box_noise_of, label_noise_of

RANDOM, BACKBONE, BUNDLED = "Random weights", "Pretrained backbone", "Bundled weights"
SMALL, TOY = "Small", "Toy RT-DETR"
ONE, IOU = "1", "IoU (varifocal)"
MOST_TRAINING_STEPS = 20_000
MOST_GROUPS = 8
BUNDLED_QUERIES = 24
GENTLE = 1e-4  # learning rate for weights that are good already


def config_of(model: str, classes: int, queries: int) -> RtDetrConfig:
    """The sizes of a kind of model; the backbone is that of the bundled one."""
    if model == TOY:
        return RtDetrConfig(num_classes=classes, num_queries=queries)
    return RtDetrConfig(
        num_classes=classes, num_queries=queries, encoder_dim=64, dim=64, decoder_layers=2, encoder_ffn=128,
        decoder_ffn=128,
    )  # fmt: skip


def size_of(model: str) -> int:
    """Side in pixels of what a kind of model sees."""
    return 96 if model == TOY else 64


@dataclass(frozen=True)
class RtDetrTraining(TrainingParams):
    """Settings of a training run.

    Attributes without a rule
    -------------------------
    folder : str
        Pictures with boxes in COCO, Pascal VOC, YOLO or labelme format or a CSV table; empty for drawn scenes.
    """

    folder: str = ""

    learning_rate: float = setting(
        1e-3,
        Range(1e-5, 1e-2, 1e-5, "Learning rate", log=True, live=True, group=AT_ONCE,
              tip="Of AdamW, after 50 steps of warm-up. RT-DETR: 0.0001."),
    )  # fmt: skip
    scene: int = setting(0, WATCHED_SCENE)
    begin: str = setting(
        BACKBONE,
        Choice((RANDOM, BACKBONE, BUNDLED), "Initialization", group=NEW_RUN,
               tip="Pretrained backbone: the first three of the five bundled stages, frozen; all else is random. "
                   "RT-DETR starts from a ResNet trained on ImageNet."),
    )  # fmt: skip
    model: str = setting(
        SMALL,
        Choice((SMALL, TOY), "Model", group=NEW_RUN,
               tip="Small: width 64, 2 decoder layers, pictures of 64 pixels, 84 locations. Toy RT-DETR: width 96, 3 "
                   "decoder layers, 96 pixels, 189 locations, slower; the bundled weights are of this size."),
    )  # fmt: skip
    scenes: str = setting(UP_TO_3, SCENES)
    first_pixel: str = setting(AS_THEY_LOOK, VOC_BOXES)
    queries: int = setting(
        12,
        Range(2, MOST_QUERIES, 1, "Queries", group=NEW_RUN,
              tip="Locations that become queries. With fewer queries than objects, some objects can't be found."),
    )  # fmt: skip
    fit_queries: bool = setting(
        True,
        Switch("Queries follow the data", group=NEW_RUN,
               tip="A run on your own pictures gets a quarter more queries than the largest number of objects in one "
                   "of them, if that is more than is set here."),
    )  # fmt: skip
    batch: int = setting(
        16, Range(2, 32, 1, "Batch size", group=NEW_RUN, tip="Pictures per step. Larger: slower, less noisy steps.")
    )
    target: str = setting(
        ONE,
        Choice((ONE, IOU), "Class target", group=NEW_RUN,
               tip="What the class of a matched object is asked for: 1, or the IoU of its box, as RT-DETR's varifocal "
                   "loss does."),
    )  # fmt: skip
    groups: int = setting(
        2,
        Range(0, MOST_GROUPS, 1, "Denoising groups", group=NEW_RUN,
              tip="Each holds two noised copies of every object; 0: no denoising queries. There are as many as 200 "
                  "queries a picture have room for, and one where a picture has more than 100 objects, as in "
                  "RT-DETR's own code."),
    )  # fmt: skip
    box_noise: float = setting(BOX_NOISE, box_noise_of(NEW_RUN))
    label_noise: float = setting(LABEL_NOISE, label_noise_of(NEW_RUN))
    averaged: bool = setting(
        True,
        Switch("Averaged weights", group=NEW_RUN,
               tip="What is measured and kept is a moving average of the weights, as RT-DETR does. Off: the weights "
                   "as they are after each step."),
    )  # fmt: skip
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN))

    def following(self, before: RtDetrTraining) -> RtDetrTraining:
        """Settings that go together: the bundled weights are the toy RT-DETR's, with 24 queries and gentle steps."""
        plain = RtDetrTraining()
        if self.begin == BUNDLED and before.begin != BUNDLED:
            return replace(self, model=TOY, queries=BUNDLED_QUERIES, learning_rate=GENTLE)
        if before.begin == BUNDLED and self.begin != BUNDLED:
            return replace(self, model=plain.model, queries=plain.queries, learning_rate=plain.learning_rate)
        if self.begin == BUNDLED and self.model != TOY:
            return replace(self, begin=BACKBONE)
        return self

    @property
    def size(self) -> int:
        """Side in pixels of what the model sees."""
        return size_of(self.model)

    def fitted(self, largest: int) -> RtDetrTraining:
        """With enough queries for pictures of up to ``largest`` objects, where they are to follow the data."""
        return replace(self, queries=fitting(self.queries, largest)) if self.fit_queries else self

    def config(self, classes: int) -> RtDetrConfig:
        """The model's sizes."""
        return config_of(self.model, classes, self.queries)


@dataclass(frozen=True, eq=False)
class Made:
    """What a state of a run was made of, so that it can be built again.

    Attributes
    ----------
    config : RtDetrConfig
    classes : tuple of str
    drawn : bool
        The classes are those of the drawn shapes.
    size : int
        Side in pixels of what the model sees.
    frozen : dict of str to ndarray
        Parameters and buffers that the run does not change.
    folder : str
        What it was trained on; empty for drawn scenes.
    """

    config: RtDetrConfig
    classes: tuple[str, ...]
    drawn: bool
    size: int
    frozen: dict[str, npt.NDArray[np.generic]] = field(repr=False)
    folder: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """What the model says of one picture.

    Attributes
    ----------
    boxes : ndarray float32 (Q, 4)
    labels : ndarray int64 (Q,)
        Best class.
    scores : ndarray float32 (Q,)
        Its probability.
    owners : ndarray int64 (N,)
        The query matched with each object; -1 where there are more objects than queries.
    places : ndarray int64 (Q,)
        The location of the pyramid that became each query; best first.
    """

    boxes: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    owners: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64] = field(repr=False)

    @property
    def owned_places(self) -> npt.NDArray[np.int64]:
        """The location of the query that is matched with each object (N,); −1 for none."""
        return np.where(self.owners >= 0, self.places[self.owners], -1)


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """What a run is.

    Attributes
    ----------
    params : RtDetrTraining
    classes : tuple of str
        English keys for drawn shapes, else as the annotations name them.
    drawn : bool
    parameters, learned : int
        Of the model, and how many of them the run changes.
    shapes : tuple of (rows, columns)
        Of the levels.
    examples : tuple of Example
        Validation pictures that can be watched.
    validation, objects : int
        Validation pictures, objects on them.
    pictures : int
        To train on; 0 where they are drawn as it goes.
    skipped, crowds : int
        Annotations that could not be used, and those of crowds, which are left out on purpose.
    faults : tuple of Message
        Why they could not, the first ones.
    unused : int
        Pictures beyond those that fit into memory.
    notes : tuple of Message
        What else has to be said of how they were read.
    largest, missed : int
        Objects in the fullest picture; objects of all pictures for which there is no query.
    format : str
        Of the annotations; empty for drawn scenes.
    """

    params: RtDetrTraining
    classes: tuple[str, ...]
    drawn: bool
    parameters: int
    learned: int
    shapes: tuple[tuple[int, int], ...]
    examples: tuple[Example, ...] = field(repr=False)
    validation: int
    objects: int
    pictures: int = 0
    skipped: int = 0
    crowds: int = 0
    faults: tuple[Message, ...] = ()
    unused: int = 0
    notes: tuple[Message, ...] = ()
    largest: int = 0
    missed: int = 0
    format: str = ""


@dataclass(frozen=True)
class TrainStep(Stepped):
    """The losses of one step, on its batch, each with its weight (1, 5, 2) and per decoder layer.

    Attributes
    ----------
    ce, l1, giou : float
        Class, L1 and GIoU of the queries.
    decoder, encoder, denoising : float
        Sums of the three: of the queries, of the chosen locations' own boxes, of the denoising queries.
    """

    ce: float
    l1: float
    giou: float
    decoder: float
    encoder: float
    denoising: float


@dataclass(frozen=True, eq=False)
class Measured(Record):
    """How the model does on the validation pictures.

    Attributes
    ----------
    step : int
    ap, ap50 : float
        Average precision of the last layer as COCO measures it, 0..1.
    ap50_encoder : float
        AP50 of the chosen locations' own boxes.
    switched : float
        Share of the objects whose query lies at another location than at the measurement before; -1 at the first one.
        (The instability of Li et al. 2022, "DN-DETR", as a share.)
    correlation, both : float
        Of score and IoU over the chosen locations; their share with both above 0.5.
    found : tuple of Found
        One for each example.
    scores, ious : ndarray float32 (N,)
        Score of each chosen location of all pictures, and IoU of its own box with the object it covers best.
    """

    step: int
    ap: float
    ap50: float
    ap50_encoder: float
    switched: float
    correlation: float
    both: float
    found: tuple[Found, ...] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    ious: npt.NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Now(Frame):
    """The newest answer on the example that is watched: ``step``, ``scene``, ``found``."""

    step: int
    scene: int
    found: Found = field(repr=False)
