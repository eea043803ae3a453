"""Average precision of detections as COCO and Pascal VOC measure it, in numpy alone.

Sources: Lin et al. 2014, "Microsoft COCO", and its evaluation (of boxes; equal to pycocotools, with crowds, ties, areas
and limits); Everingham et al. 2010 and 2015, "The Pascal Visual Object Classes Challenge".
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.blocks.detections import MOST, Boxes, Images, flatten, matched, overlapping, tabulate

STYLES = ("coco", "voc07", "voc10")
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
RECALLS_VOC07 = np.arange(0.0, 1.1, 0.1)  # as the challenge's own program counts them
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # pixels²
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
    """

    style: str
    labels: tuple[Any, ...]
    average: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def _first(self) -> slice:
        """The IoU thresholds that the numbers are means over."""
        return slice(None) if self.style == "coco" else slice(0, 1)

    def _ap(self, area: int = 0, iou: int | None = None) -> float:
        return mean_of(self.average[self._first if iou is None else slice(iou, iou + 1), :, area, -1])

    def _ar(self, area: int = 0, limit: int = -1) -> float:
        return mean_of(self.recall[self._first, :, area, limit])

    @property
    def ap(self) -> float:
        """Mean over classes, and for COCO over IoU 0.50 to 0.95."""
        return self._ap()

    @property
    def ap50(self) -> float:
        """At IoU 0.5."""
        return self._ap(iou=0)

    @property
    def ap75(self) -> float:
        """At IoU 0.75."""
        return self._ap(iou=5)

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
        return self._ar(limit=0)

    @property
    def ar10(self) -> float:
        """With the best 10."""
        return self._ar(limit=1)

    @property
    def ar100(self) -> float:
        """With the best 100."""
        return self._ar()

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
    """The mean of those that are there; −1 if none is."""
    there = values[values > -1]
    return float(there.mean()) if there.size else -1.0


def evaluate(ground_truth: Images, detections: Images, style: str = "coco") -> Evaluation:
    """Measure detections against the ground truth.

    Parameters
    ----------
    ground_truth : sequence of dict
        One for each image: ``boxes`` (N, 4) xyxy in pixels, ``labels`` (N,), optionally ``iscrowd`` (N,) (a region that
        detections may lie in without being counted) and ``area`` (N,) in pixels², else width × height.
    detections : sequence of dict
        One for each image: ``boxes`` (M, 4) xyxy, ``labels`` (M,), ``scores`` (M,). Arrays or tensors.
    style : str
        ``coco`` (101 recalls, ten IoU thresholds), ``voc07`` (11 recalls, IoU 0.5) or ``voc10`` (the whole area under
        the curve, IoU 0.5). The matching is COCO's in all three.

    Raises
    ------
    ValueError
        For lists that do not belong together, and for boxes or scores that are no finite numbers.
    """
    return measure(flatten(ground_truth, detections), style)


def measure(boxes: Boxes, style: str = "coco") -> Evaluation:
    """As `evaluate`, for boxes that lie in one place already."""
    pieces = measuring(boxes, style)
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            found: Evaluation = done.value
            return found


def measuring(boxes: Boxes, style: str = "coco") -> Generator[None, None, Evaluation]:
    """The same piece by piece, for those who may want to stop."""
    if style not in STYLES:
        raise ValueError(f"style={style!r} is none of {STYLES}")
    table = tabulate(boxes)
    yield
    pairs = overlapping(table, IOU_THRESHOLDS[0])
    recalls = RECALLS_VOC07 if style == "voc07" else RECALLS
    shape = (len(IOU_THRESHOLDS), len(table.labels), len(AREAS), len(MAX_DETECTIONS))
    average, recall = -np.ones(shape), -np.ones(shape)
    precision = -np.ones((shape[0], len(recalls), *shape[1:]))
    ordered = np.lexsort((-table.score, table.class_of))  # by class, best first; stable, so ties stay image by image
    ends = np.searchsorted(table.class_of[ordered], np.arange(len(table.labels) + 1))
    for a, (low, high) in enumerate(AREAS.values()):
        yield
        aside = table.crowd | (table.truth_area < low) | (table.truth_area > high)  # (G,) neither to find nor wrong
        found, counted = matched(table, pairs, IOU_THRESHOLDS, aside, (low, high))
        objects = np.bincount(table.truth_class[~aside], minlength=len(table.labels))
        for k in np.flatnonzero(objects):
            mine = ordered[ends[k] : ends[k + 1]]
            for m, most in enumerate(MAX_DETECTIONS):
                best = mine[table.rank[mine] < most]
                right = (found[:, best] >= 0) & counted[:, best]
                wrong = (found[:, best] < 0) & counted[:, best]
                curve = Curve.of(right, wrong, int(objects[k]))
                recall[:, k, a, m] = curve.recall[:, -1] if len(best) else 0.0
                precision[:, :, k, a, m] = curve.at(recalls)
                average[:, k, a, m] = curve.area() if style == "voc10" else precision[:, :, k, a, m].mean(axis=1)
    return Evaluation(style, tuple(table.labels.tolist()), average, precision, recall)


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
