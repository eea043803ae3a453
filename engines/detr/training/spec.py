"""What the page "Training" can set and what a run tells. Imports no torch.

A run yields `Progress` while pictures are read, `RunBegan`, then for each step a `TrainStep`, on a schedule a
`Measured` with the `Kept` state that it belongs to, and a few times a second a `Now`. Boxes are xyxy shares (0..1) of
their picture; queries, classes, objects and pictures count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Range, Switch, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams
from engines.data.boxes_folder import is_boxes_folder
from engines.data.detector_training import (
    AS_THEY_LOOK,
    AT_ONCE,
    DATA,
    FIRST_PIXEL,
    MOST_QUERIES,
    NEW_RUN,
    SCENES,
    UP_TO_3,
    UP_TO_8,
    VOC_BOXES,
    WATCHED_SCENE,
    Example,
    fitting,
    measured_after,
)
from engines.detr.config import BackboneConfig, DetrConfig

__all__ = [
    "BACKBONE",
    "BUNDLED",
    "BUNDLED_QUERIES",
    "DATA",
    "FIRST_PIXEL",
    "MOST_TRAINING_STEPS",
    "NEW_RUN",
    "ON_VIT",
    "RANDOM",
    "SMALL",
    "TOY",
    "UP_TO_3",
    "UP_TO_8",
    "DetrTraining",
    "Example",
    "Found",
    "Made",
    "Measured",
    "Now",
    "RunBegan",
    "TrainStep",
    "is_boxes_folder",
    "measured_after",
]

RANDOM, BACKBONE, BUNDLED = "Random weights", "Pretrained backbone", "Bundled weights"
SMALL, TOY, ON_VIT = "Small", "Toy DETR", "DETR on a ViT"
MOST_TRAINING_STEPS = 20_000
BUNDLED_QUERIES = 16
GENTLE = 1e-4  # learning rate for weights that are good already
ON_FEATURES = 5e-4  # of a DETR on a ViT


@dataclass(frozen=True)
class DetrTraining(TrainingParams):
    """Settings of a training run.

    Attributes without a rule
    -------------------------
    folder : str
        Pictures with boxes in COCO, Pascal VOC, YOLO or labelme format or a CSV table; empty for drawn scenes.
    vit : str
        Source of the ViT that a DETR on a ViT learns on; empty for the best one that is here.
    """

    folder: str = ""
    vit: str = setting("", kept=True)

    learning_rate: float = setting(
        1e-3,
        Range(1e-5, 1e-2, 1e-5, "Learning rate", log=True, live=True, group=AT_ONCE,
              tip="Of AdamW, after 50 steps of warm-up. DETR: 0.0001. (Carion et al. 2020, A.4)"),
        former="rate",
    )  # fmt: skip
    no_object: float = setting(
        0.1,
        Range(0.01, 1, 0.01, "No-object weight", live=True, group=AT_ONCE,
              tip="Weight of \"no object\" in the cross-entropy: most queries find none. (Carion et al. 2020, 3.1)"),
    )  # fmt: skip
    scene: int = setting(0, WATCHED_SCENE)
    begin: str = setting(
        BACKBONE,
        Choice((RANDOM, BACKBONE, BUNDLED), "Initialization", group=NEW_RUN,
               tip="Pretrained backbone: the bundled convolutions, frozen; all else is random. DETR starts from a "
                   "ResNet trained on ImageNet. (Carion et al. 2020, 4)",
               former=(("Random numbers", RANDOM), ("Trained backbone", BACKBONE))),
    )  # fmt: skip
    model: str = setting(
        SMALL,
        Choice((SMALL, TOY, ON_VIT), "Model", group=NEW_RUN,
               tip="Small: width 64, 1 + 2 layers, pictures of 64 pixels. Toy DETR: width 128, 3 + 3 layers, 96 "
                   "pixels, many times slower; the bundled weights are of this size. DETR on a ViT: learns on the "
                   "features of a frozen ViT, which sees photos; they are computed once for each photo."),
    )  # fmt: skip
    scenes: str = setting(UP_TO_3, SCENES)
    first_pixel: str = setting(AS_THEY_LOOK, VOC_BOXES)
    queries: int = setting(
        8,
        Range(2, MOST_QUERIES, 1, "Object queries", group=NEW_RUN,
              tip="Predictions per picture. With fewer queries than objects, some objects can't be found."),
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
    auxiliary_losses: bool = setting(
        True,
        Switch("Auxiliary losses", group=NEW_RUN,
               tip="The predictions after every decoder layer are matched and enter the loss, not only the last "
                   "ones. (Carion et al. 2020, 3.2)"),
        former="auxiliary",
    )  # fmt: skip
    backbone: bool = setting(
        False,
        Switch("Train the backbone", group=NEW_RUN,
               tip="Off: a pretrained backbone is frozen, and a step takes a third of the time. A random one is "
                   "always trained."),
    )  # fmt: skip
    auxiliary_queries: bool = setting(
        False,
        Switch("Auxiliary tasks", group=NEW_RUN,
               tip="Three more groups of queries (Chen et al. 2022, Group DETR) and a prediction from each encoder "
                   "token. They help when all weights start random."),
        former="aids",
    )  # fmt: skip
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN))

    def following(self, before: DetrTraining) -> DetrTraining:
        """Settings that go together: the bundled weights are the toy DETR's, have 16 queries, and need gentle steps."""
        plain = DetrTraining()
        if self.begin == BUNDLED and before.begin != BUNDLED:
            return replace(self, model=TOY, queries=BUNDLED_QUERIES, learning_rate=GENTLE)
        if before.begin == BUNDLED and self.begin != BUNDLED:
            return replace(self, model=plain.model, queries=plain.queries, learning_rate=plain.learning_rate)
        if self.begin == BUNDLED and self.model != TOY:
            return replace(self, begin=BACKBONE)
        if self.model == ON_VIT and before.model != ON_VIT:
            return replace(self, auxiliary_queries=True, learning_rate=ON_FEATURES)
        if before.model == ON_VIT and self.model != ON_VIT:
            return replace(self, auxiliary_queries=plain.auxiliary_queries, learning_rate=plain.learning_rate)
        return self

    @property
    def size(self) -> int:
        """Side in pixels of what the model sees; on a ViT it is the ViT that says it."""
        return 96 if self.model == TOY else 64

    def fitted(self, largest: int) -> DetrTraining:
        """With enough queries for pictures of up to ``largest`` objects, where they are to follow the data."""
        return replace(self, queries=fitting(self.queries, largest)) if self.fit_queries else self

    def config(self, classes: int, features: BackboneConfig | None = None) -> DetrConfig:
        """The model's sizes; the backbone is that of the bundled model unless it is the ``features`` of a ViT."""
        if features is not None:
            return DetrConfig(classes, self.queries, 128, 1, 3, 4, 4, 384, 384, backbone=features)
        if self.model == TOY:
            return DetrConfig(num_classes=classes, num_queries=self.queries)
        return DetrConfig(classes, self.queries, 64, 1, 2, 4, 4, 128, 128)


@dataclass(frozen=True, eq=False)
class Made:
    """What a state of a run was made of, so that it can be built again.

    Attributes
    ----------
    config : DetrConfig
    classes : tuple of str
    drawn : bool
        The classes are those of the drawn shapes.
    size : int
        Side in pixels of what the model sees.
    frozen : dict of str to ndarray
        Parameters and buffers that the run does not change.
    folder : str
        What it was trained on; empty for drawn scenes.
    mark : str
        Tells these pictures wherever the folder lies.
    """

    config: DetrConfig
    classes: tuple[str, ...]
    drawn: bool
    size: int
    frozen: dict[str, npt.NDArray[np.generic]] = field(repr=False)
    folder: str = ""
    mark: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """What the model says of one picture.

    Attributes
    ----------
    boxes : ndarray float32 (Q, 4)
    labels : ndarray int64 (Q,)
        Best real class.
    scores, no_object : ndarray float32 (Q,)
        Probability of that class and of "no object".
    owners : ndarray int64 (N,)
        The query matched with each object; -1 where there are more objects than queries.
    """

    boxes: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    no_object: npt.NDArray[np.float32] = field(repr=False)
    owners: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """What a run is.

    Attributes
    ----------
    params : DetrTraining
    classes : tuple of str
        English keys for drawn shapes, else as the annotations name them.
    drawn : bool
    parameters, learned : int
        Of the model, and how many of them the run changes.
    grid : (int, int)
        Rows and columns of the feature map.
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
    vit : str
        Name of the ViT whose features the model learns on; empty for none.
    format : str
        Of the annotations; empty for drawn scenes.
    """

    params: DetrTraining
    classes: tuple[str, ...]
    drawn: bool
    parameters: int
    learned: int
    grid: tuple[int, int]
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
    vit: str = ""
    format: str = ""


@dataclass(frozen=True)
class TrainStep(Stepped):
    """The losses of one step, on its batch.

    Attributes
    ----------
    ce, l1, giou : float
        Of the last decoder layer, each with its weight (1, 5, 2).
    cardinality : float
        How far the number of predicted objects is off, in objects for each picture.
    """

    ce: float
    l1: float
    giou: float
    cardinality: float


@dataclass(frozen=True, eq=False)
class Measured(Record):
    """How the model does on the validation pictures.

    Attributes
    ----------
    step : int
    ap, ap50 : float
        Average precision as COCO measures it, 0..1.
    cardinality : float
        As in `TrainStep`.
    switched : float
        Share of the objects that another query owns than at the measurement before; -1 at the first one.
        (The instability of Li et al. 2022, "DN-DETR", as a share.)
    found : tuple of Found
        One for each example.
    attention : ndarray float32 (Q, h, w)
        Where each query looks: cross-attention of the last layer, mean over heads and pictures; each map sums to 1.
    centers : ndarray float32 (Q, h, w)
        Where the middles of its boxes lie, as shares of the pictures; each map sums to 1.
    """

    step: int
    ap: float
    ap50: float
    cardinality: float
    switched: float
    found: tuple[Found, ...] = field(repr=False)
    attention: npt.NDArray[np.float32] = field(repr=False)
    centers: npt.NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Now(Frame):
    """The newest answer on the example that is watched.

    Attributes
    ----------
    step, scene : int
    found : Found
    attention : ndarray float32 (Q, h, w)
        Where each query looks on it: cross-attention of the last layer, mean over heads; each map sums to 1.
    """

    step: int
    scene: int
    found: Found = field(repr=False)
    attention: npt.NDArray[np.float32] = field(repr=False)
