"""What the tab "Average precision" can ask for and what it is told. Imports no torch.

`engines.mean_ap.engine.Engine` answers with `DataShown`, `PictureSeen`, `CurveSeen`, `ConfusionSeen`, `NumbersSeen` and
`StripSeen`.
What a setting does not touch comes again as the same object. Sizes: I images, C classes, D detections of a class in
all images, n detections and g objects of one image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.protocol import Frame, Subject

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Corners: TypeAlias = tuple[float, float, float, float]

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check

COCO, VOC07, VOC10 = "COCO", "VOC 07", "VOC 10"
STYLES = {COCO: "coco", VOC07: "voc07", VOC10: "voc10"}  #: what the dock says -> what `evaluate` is told
SIZES = {"All": "all", "Small": "small", "Medium": "medium", "Large": "large"}
RIGHT, DUPLICATE, WRONG_CLASS, LOW_IOU, BACKGROUND, ASIDE, BOTH = range(7)  #: verdicts on a detection
FIRST = -1  #: in the place of a class: the first one that has both objects and detections
USUAL_IOU = 0.5  #: what Pascal VOC asks for, and the least that COCO does
RESULTS_ALONE = "{name}: results only. Drop the ground truth too."
NEAR = 0.1  #: a box that overlaps nothing by at least this much lies on the background (Bolya et al. 2020, TIDE)
TWELVE = (
    ("ap", "AP", "IoU 0.50 to 0.95"),
    ("ap50", "AP50", "IoU 0.50"),
    ("ap75", "AP75", "IoU 0.75"),
    ("ap_small", "AP small", "up to 32² px"),
    ("ap_medium", "AP medium", "32² to 96² px"),
    ("ap_large", "AP large", "from 96² px"),
    ("ar1", "AR 1", "top 1"),
    ("ar10", "AR 10", "top 10"),
    ("ar100", "AR 100", "top 100"),
    ("ar_small", "AR small", "up to 32² px"),
    ("ar_medium", "AR medium", "32² to 96² px"),
    ("ar_large", "AR large", "from 96² px"),
)  #: attribute of the result, what to call it, what it is


@dataclass(frozen=True)
class Moved:
    """A box that the hand moved: an object's (``truth``) or a detection's, the ``index``-th of its image as given."""

    image: int
    truth: bool
    index: int
    box: Corners


@dataclass(frozen=True)
class MeanApParams(Params):
    """Settings of the tab.

    Attributes without a slider
    ---------------------------
    files : tuple of str
        COCO files in the order in which they came; the last ground truth and the last results count. None: the sample.
    moved : tuple of Moved
        Boxes that lie elsewhere than they did.
    label : int
        The class whose curve is shown; or `FIRST`.
    chosen : (image, detection), optional
        The detection that is looked at; None: the first wrong one, or where there is none the first missed object.
    missed : (image, object), optional
        A missed object that is looked at instead.
    picture : int
        The image on screen; −1: that of the detection or object.
    cell : (true class, said class), optional
        The cell of the confusion matrix whose pictures are offered; C stands for "nothing".
    """

    files: tuple[str, ...] = looked(())
    moved: tuple[Moved, ...] = setting((), changes_model=True)
    label: int = looked(0)
    chosen: tuple[int, int] | None = looked(None)
    missed: tuple[int, int] | None = looked(None)
    picture: int = looked(-1)
    cell: tuple[int, int] | None = looked(None)

    style: str = setting(
        COCO,
        Choice(
            tuple(STYLES),
            "Style",
            group="Measure",
            tip="How the curve becomes a number: 101 recalls and ten IoUs, 11 recalls, or the whole area. In VOC a "
            "detection whose nearest object is taken is wrong, in COCO it may take another. "
            "(Lin 2014, Everingham 2010)",
        ),
    )
    iou: float = setting(
        USUAL_IOU,
        Range(
            0.05,
            0.95,
            0.05,
            "IoU",
            group="Measure",
            tip="Minimum overlap of a detection with its object: intersection over union.",
        ),
    )
    size: str = setting(
        "All",
        Choice(
            tuple(SIZES),
            "Objects",
            group="Measure",
            tip="Small: up to 32² pixels. Large: from 96². Others are ignored.",
        ),
    )
    threshold: float = setting(
        0.5,
        Range(
            0,
            1,
            0.01,
            "Score threshold",
            group="Operating point",
            tip="Detections above it are drawn and counted in the confusion matrix. The curve covers all thresholds.",
        ),
    )
    hide_empty: bool = drawn(
        True,
        Switch(
            "Hide empty classes",
            group="Confusion",
            tip="Leaves the classes without any count out of the confusion matrix, so that many classes can be read.",
        ),
    )

    def measuring(self, files: tuple[str, ...]) -> MeanApParams:
        """These settings for other data: nothing of the old ones is looked at or moved any more."""
        plain = {name: getattr(MeanApParams(), name) for name in OF_DATA}
        return replace(self, **plain | {"files": files, "label": FIRST if files else 0})


OF_DATA = ("files", "moved", "label", "chosen", "missed", "picture", "cell")  #: mean something in one data set alone


@dataclass(frozen=True)
class DataShown(Subject):
    """What is measured: names of classes and pictures, and how much there is of each; ``notes`` say what was odd."""

    name: str
    sample: bool
    classes: tuple[str, ...]
    pictures: tuple[str, ...]
    objects: int
    detections: int
    files: tuple[str, ...]
    notes: tuple[Message, ...]


@dataclass(frozen=True)
class PictureSeen(Frame):
    """One image with all its boxes, at the IoU of the settings.

    Attributes
    ----------
    index : int
    rgb : ndarray uint8 (H, W, 3)
        Pixels; plain paper where the file is not at hand (``blank``).
    note : Message, optional
        Why it is not, or what else has to be said of the picture.
    width, height : int
        In pixels of the boxes.
    truths, boxes : ndarray (g, 4), (n, 4)
        xyxy in pixels.
    truth_labels, labels : ndarray (g,), (n,)
    crowd, aside, found : ndarray bool (g,)
        Whether it is a crowd; whether it need not be found (a crowd, or of another size than asked for); whether a
        detection that passes the threshold took it.
    scores, overlap : ndarray (n,)
        Score; IoU with ``partner``.
    verdicts, partner : ndarray (n,)
        RIGHT … BOTH; the object that the verdict is about, −1 for none.
    """

    index: int
    rgb: npt.NDArray[np.uint8]
    blank: bool
    width: int
    height: int
    truths: Floats
    truth_labels: Ints
    crowd: Bools
    aside: Bools
    found: Bools
    boxes: Floats
    labels: Ints
    scores: Floats
    verdicts: Ints
    partner: Ints
    overlap: Floats
    note: Message | None = None


@dataclass(frozen=True)
class CurveSeen(Frame):
    """The curve of one class at the IoU of the settings, detection by detection, best score first.

    Attributes
    ----------
    label, objects : int
        The class, and how many of it there are to find.
    image, index : ndarray (D,)
        Where each detection is: image, and place in the image's list.
    scores, overlap : ndarray (D,)
    verdicts, partner_label : ndarray (D,)
        RIGHT … BOTH; the class of the object that the verdict is about, −1 for none.
    recall, precision, envelope : ndarray (D,)
        After each detection; ``envelope`` is the best precision from there on.
    grid, sampled : ndarray (R,)
        Recalls at which the style reads the envelope, and what it reads; empty for the whole area.
    iou, value : float
        Least IoU; average precision of the class at it, −1 where there is nothing to find.
    at : int
        The detection that is looked at; −1 for none.
    passing : int
        How many pass the score threshold.
    before_recall, before_envelope : ndarray
        The same before the hand changed anything: with all boxes where they were, or at the usual IoU if none was
        moved; empty where nothing is another.
    before_value : float
    before_iou : float
        The IoU of that curve where it is another one; else −1.
    changed : ndarray bool (D,)
        Detections whose verdict is another one than before.
    missed_image, missed_index : ndarray (F,)
        Objects of the class that no detection takes that passes the threshold: image, and place in its list.
    missed_by, missed_overlap : ndarray (F,)
        Place (0 .. D − 1) of the detection below the threshold that would take it, −1 for none; best IoU of a
        detection of its class, 0 for none.
    missed_at : int
        The one of these that is looked at; −1 for none.
    """

    label: int
    objects: int
    image: Ints
    index: Ints
    scores: Floats
    overlap: Floats
    verdicts: Ints
    partner_label: Ints
    recall: Floats
    precision: Floats
    envelope: Floats
    grid: Floats
    sampled: Floats
    iou: float
    value: float
    at: int
    passing: int
    before_recall: Floats
    before_envelope: Floats
    before_value: float
    before_iou: float
    changed: Bools
    missed_image: Ints
    missed_index: Ints
    missed_by: Ints
    missed_overlap: Floats
    missed_at: int


@dataclass(frozen=True)
class ConfusionSeen(Frame):
    """Who was taken for whom, with the detections that pass the threshold, and the pictures of the chosen cell.

    Attributes
    ----------
    counts : ndarray (C + 1, C + 1)
        True class (rows; last: nothing there) by said class (columns; last: missed). (0, 0) for too many classes.
    pictures : tuple of int
        Images that the chosen cell counts something in, the most first; all of them without one.
    """

    counts: Ints
    pictures: tuple[int, ...]


@dataclass(frozen=True)
class StripSeen(Frame):
    """Small pictures, uint8 (h, w, 3) each, of the first of the images that the confusion matrix offers."""

    pictures: tuple[int, ...]
    thumbnails: tuple[npt.NDArray[np.uint8], ...]


@dataclass(frozen=True)
class NumbersSeen(Frame):
    """The twelve numbers (12,) of the style and those of each class (C,), now and with all boxes where they were.

    ``precision`` (10, R) is the mean over classes at each IoU and each of the ``recalls`` (R,).
    """

    style: str

    twelve: Floats
    before: Floats
    per_class: Floats
    per_class50: Floats
    objects: Ints
    detections: Ints
    recalls: Floats
    precision: Floats
