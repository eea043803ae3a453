"""Average precision of detections as COCO and Pascal VOC measure it, in numpy alone.

Sources: Lin et al. 2014, "Microsoft COCO", and its evaluation (of boxes; equal to pycocotools, with crowds, ties, areas
and limits); Everingham et al. 2010 and 2015, "The Pascal Visual Object Classes Challenge".
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engines.blocks.box_forms import CORNERS, SIZES, doubted
from engines.blocks.detections import (
    FORMATS,
    MOST,
    Boxes,
    Images,
    flatten,
    matched,
    matched_voc,
    overlapping,
    tabulate,
)

STYLES = ("coco", "voc07", "voc10")
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
RECALLS_VOC07 = np.arange(0.0, 1.1, 0.1)  # as the challenge's own program counts them
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # pixels²
DOUBTFUL = 0.1  # an average precision below it makes one look how the boxes are written
MAX_DETECTIONS = (1, 10, MOST)  # best scores of each class in each image


@dataclass(frozen=True)
class Evaluation:
    """The twelve numbers of COCO and what they are means of; −1 where there is nothing to find.

    In the VOC styles everything but ``ap75`` is taken at IoU 0.5, and ``ap`` is the mean over classes there.

    Attributes
    ----------
    style : str
    labels : tuple
        The classes, in the order of the class axis.
    average : ndarray (IoU, class, area, max detections)
        Average precision of each.
    precision : ndarray (IoU, recall, class, area, max detections)
        Best precision at this recall or a higher one.
    recall : ndarray (IoU, class, area, max detections)
        Share of the objects found at all.
    iou_thresholds : tuple of float
    max_detections : tuple of int
        Rising.
    """

    style: str
    labels: tuple[Any, ...]
    average: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    iou_thresholds: tuple[float, ...] = tuple(IOU_THRESHOLDS.tolist())
    max_detections: tuple[int, ...] = MAX_DETECTIONS

    @property
    def _first(self) -> slice:
        """The IoU thresholds that the numbers are means over."""
        return slice(None) if self.style == "coco" else slice(0, 1)

    def _ap(self, area: int = 0, iou: float | None = None) -> float:
        which = self._first if iou is None else np.isclose(self.iou_thresholds, iou)
        return mean_of(self.average[which, :, area, -1])

    def _ar(self, area: int = 0, limit: int | None = None) -> float:
        """With the best ``limit``; −1 for one that was not asked for."""
        if limit is not None and limit not in self.max_detections:
            return -1.0
        at = -1 if limit is None else self.max_detections.index(limit)
        return mean_of(self.recall[self._first, :, area, at])

    @property
    def ap(self) -> float:
        """Mean over classes, and for COCO over IoU 0.50 to 0.95."""
        return self._ap()

    @property
    def ap50(self) -> float:
        """At IoU 0.5; −1 where that is none of the thresholds."""
        return self._ap(iou=0.5)

    @property
    def ap75(self) -> float:
        """At IoU 0.75; −1 where that is none of the thresholds."""
        return self._ap(iou=0.75)

    @property
    def ap_small(self) -> float:
        """Of objects up to 32² pixels."""
        return self._ap(1)

    @property
    def ap_medium(self) -> float:
        """Of objects of 32² to 96² pixels."""
        return self._ap(2)

    @property
    def ap_large(self) -> float:
        """Of objects from 96² pixels on."""
        return self._ap(3)

    @property
    def ar1(self) -> float:
        """Average recall with the best detection of each class and image."""
        return self._ar(limit=1)

    @property
    def ar10(self) -> float:
        """With the best 10."""
        return self._ar(limit=10)

    @property
    def ar100(self) -> float:
        """With the best 100."""
        return self._ar(limit=100)

    @property
    def ar(self) -> dict[int, float]:
        """Average recall by the number of best detections that are looked at."""
        return {limit: self._ar(limit=limit) for limit in self.max_detections}

    @property
    def ar_per_class(self) -> dict[Any, float]:
        """Average recall of each class, with the most detections; −1 for one that is in no ground truth."""
        return {label: mean_of(self.recall[self._first, k, 0, -1]) for k, label in enumerate(self.labels)}

    @property
    def ar_small(self) -> float:
        """Of objects up to 32² pixels."""
        return self._ar(1)

    @property
    def ar_medium(self) -> float:
        """Of objects of 32² to 96² pixels."""
        return self._ar(2)

    @property
    def ar_large(self) -> float:
        """Of objects from 96² pixels on."""
        return self._ar(3)

    @property
    def per_class(self) -> dict[Any, float]:
        """Average precision of each class; −1 for one that is in no ground truth."""
        return {label: mean_of(self.average[self._first, k, 0, -1]) for k, label in enumerate(self.labels)}


def mean_of(values: np.ndarray) -> float:
    """The mean of an array of any shape without its −1, which stand for what is missing; −1 if all is."""
    there = values[values > -1]
    return float(there.mean()) if there.size else -1.0


def evaluate(
    ground_truth: Images,
    detections: Images,
    style: str = "coco",
    *,
    iou_thresholds: Sequence[float] | None = None,
    max_detections: Sequence[int] = MAX_DETECTIONS,
    box_format: str = "xyxy",
    plus_one: bool = False,
) -> Evaluation:
    """Measure detections against the ground truth.

    Parameters
    ----------
    ground_truth : sequence of dict
        One for each image: ``boxes`` (N, 4) xyxy in pixels, ``labels`` (N,), optionally ``iscrowd`` (N,) (a region that
        detections may lie in without being counted), ``area`` (N,) in pixels², else width × height, and in the VOC
        styles ``difficult`` (N,) (objects that need not be found).
    detections : sequence of dict
        One for each image: ``boxes`` (M, 4) xyxy, ``labels`` (M,), ``scores`` (M,). Arrays or tensors.
    style : str
        ``coco`` (101 recalls, ten IoU thresholds, matched as pycocotools does), ``voc07`` (11 recalls, IoU 0.5) or
        ``voc10`` (the whole area under the curve, IoU 0.5). Both VOC styles match as the challenge's development kit: a
        detection whose nearest object is taken is wrong, and all detections count.
    iou_thresholds : sequence of float, optional
        In place of 0.5, 0.55, …, 0.95; the VOC styles take their mean over classes at the first one.
    max_detections : sequence of int
        Best detections of each class and image, for COCO.
    box_format : str
        ``xyxy`` or ``xywh``, of both lists.
    plus_one : bool
        Count the last pixel to a box, so that it is a pixel wider and higher, as VOC's development kit does.

    Notes
    -----
    Among equal scores the order of the images, and in them that of the detections, decides.

    Warns
    -----
    UserWarning
        Where boxes look as if they were written in the other format.

    Raises
    ------
    ValueError
        For lists that do not belong together, what is missing in an image, and boxes or scores that are no finite
        numbers.
    """
    boxes = flatten(ground_truth, detections, box_format, difficult=style != "coco")
    if plus_one:
        wider = np.array([0, 0, 1, 1])
        boxes = replace(boxes, boxes=boxes.boxes + wider, truths=boxes.truths + wider)
    found = measure(boxes, style, iou_thresholds, max_detections)
    if found.ap < DOUBTFUL:
        name = doubted(boxes, SIZES if box_format == "xyxy" else CORNERS)
        if name:
            other = next(one for one in FORMATS if one != box_format)
            warnings.warn(f"{name}: the boxes look like {other}, and were read as {box_format}.", stacklevel=2)
    return found


def measure(
    boxes: Boxes,
    style: str = "coco",
    iou_thresholds: Sequence[float] | None = None,
    max_detections: Sequence[int] = MAX_DETECTIONS,
) -> Evaluation:
    """As `evaluate`, for boxes that lie in one place already."""
    pieces = measuring(boxes, style, iou_thresholds, max_detections)
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            found: Evaluation = done.value
            return found


def measuring(
    boxes: Boxes,
    style: str = "coco",
    iou_thresholds: Sequence[float] | None = None,
    max_detections: Sequence[int] = MAX_DETECTIONS,
) -> Generator[None, None, Evaluation]:
    """The same piece by piece, for those who may want to stop."""
    if style not in STYLES:
        raise ValueError(f"style={style!r} is none of {STYLES}")
    thresholds = IOU_THRESHOLDS if iou_thresholds is None else np.array(iou_thresholds, float)
    limits = tuple(sorted(int(most) for most in max_detections))
    if not len(thresholds) or not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise ValueError(f"iou_thresholds={iou_thresholds!r} are not numbers in 0..1")
    if not limits or limits[0] < 1:
        raise ValueError(f"max_detections={max_detections!r} are not whole numbers above 0")
    coco = style == "coco"
    table = tabulate(boxes, limits[-1] if coco else max(1, len(boxes.score)))
    yield
    pairs = overlapping(table, float(thresholds.min())) if coco else None
    recalls = RECALLS_VOC07 if style == "voc07" else RECALLS
    shape = (len(thresholds), len(table.labels), len(AREAS), len(limits))
    average, recall = -np.ones(shape), -np.ones(shape)
    precision = -np.ones((shape[0], len(recalls), *shape[1:]))
    ordered = np.lexsort((-table.score, table.class_of))  # by class, best first; stable, so ties stay image by image
    ends = np.searchsorted(table.class_of[ordered], np.arange(len(table.labels) + 1))
    for a, (low, high) in enumerate(AREAS.values()):
        yield
        aside = table.crowd | (table.truth_area < low) | (table.truth_area > high)  # (G,) neither to find nor wrong
        if pairs is None:
            found, counted = matched_voc(table, thresholds, aside, (low, high))
        else:
            found, counted = matched(table, pairs, thresholds, aside, (low, high))
        objects = np.bincount(table.truth_class[~aside], minlength=len(table.labels))
        for k in np.flatnonzero(objects):
            mine = ordered[ends[k] : ends[k + 1]]
            for m, most in enumerate(limits):
                best = mine[table.rank[mine] < most] if coco or m < len(limits) - 1 else mine
                right = (found[:, best] >= 0) & counted[:, best]
                wrong = (found[:, best] < 0) & counted[:, best]
                curve = Curve.of(right, wrong, int(objects[k]))
                recall[:, k, a, m] = curve.recall[:, -1] if len(best) else 0.0
                precision[:, :, k, a, m] = curve.at(recalls)
                average[:, k, a, m] = curve.area() if style == "voc10" else precision[:, :, k, a, m].mean(axis=1)
    labels = tuple(table.labels.tolist())
    return Evaluation(style, labels, average, precision, recall, tuple(thresholds.tolist()), limits)


@dataclass(frozen=True)
class Curve:
    """Recall and precision (T, n) after each detection, best first; ``envelope``: the best precision from there on."""

    recall: np.ndarray
    precision: np.ndarray
    envelope: np.ndarray

    @classmethod
    def of(cls, right: np.ndarray, wrong: np.ndarray, objects: int) -> Curve:
        """From what each detection (T, n) is at each threshold, and the number of objects (at least 1)."""
        hits, misses = np.cumsum(right, axis=1, dtype=float), np.cumsum(wrong, axis=1, dtype=float)
        precision = hits / (hits + misses + np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return cls(hits / objects, precision, envelope)

    def at(self, recalls: np.ndarray) -> np.ndarray:
        """Envelope (T, R) where each recall (R,) is first reached; 0 for one that never is."""
        padded = np.pad(self.envelope, ((0, 0), (0, 1)))
        return np.stack([best[np.searchsorted(line, recalls)] for line, best in zip(self.recall, padded, strict=True)])

    def area(self) -> np.ndarray:
        """Area (T,) under the envelope: each step of the recall times the best precision from there on."""
        return (np.diff(self.recall, axis=1, prepend=0.0) * self.envelope).sum(axis=1)
