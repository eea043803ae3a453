"""Average precision of detections as COCO and Pascal VOC measure it, in numpy alone.

Sources: Lin et al. 2014, "Microsoft COCO", and its evaluation (of boxes; equal to pycocotools, with crowds, ties, areas
and limits); Everingham et al. 2010 and 2015, "The Pascal Visual Object Classes Challenge".

How it is quick: all boxes of all images lie in one table, sorted by class and image. Only pairs of a detection and an
object of the same class and image whose IoU reaches the lowest threshold are kept. The greedy matching goes detection
by detection within one image and class, but all images and classes go their n-th step at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

STYLES = ("coco", "voc07", "voc10")
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
RECALLS_VOC07 = np.arange(0.0, 1.1, 0.1)  # as the challenge's own program counts them
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # pixels²
MAX_DETECTIONS = (1, 10, 100)  # best scores of each class in each image

Images = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
    """The boxes of all images, sorted by class, then image; detections then by falling score, ties as they came.

    Attributes
    ----------
    labels : ndarray (K,)
        The classes of either, sorted; ``class_of`` and ``truth_class`` are indices into it.
    class_of, image, rank, row, score : ndarray (D,)
        Of each detection; ``rank`` is its place among those of its class in its image, ``row`` its place in the
        list of its image as it was given.
    boxes : ndarray (D, 4)
        x, y, width, height.
    truth_class, truth_image, truth_row, crowd, truth_area : ndarray (G,)
        Of each object.
    truths : ndarray (G, 4)
        x, y, width, height.
    """

    labels: np.ndarray
    class_of: np.ndarray
    image: np.ndarray
    rank: np.ndarray
    row: np.ndarray
    score: np.ndarray
    boxes: np.ndarray
    truth_class: np.ndarray
    truth_image: np.ndarray
    truth_row: np.ndarray
    crowd: np.ndarray
    truth_area: np.ndarray
    truths: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """Detections and objects (P,) of one class and image that overlap enough, in the order of the matching: by the
    detection's turn in its group, then by detection, then by rising IoU, of equal ones the later object last."""

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray
    turn: np.ndarray


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
    if style not in STYLES:
        raise ValueError(f"style={style!r} is none of {STYLES}")
    table = tabulate(ground_truth, detections)
    pairs = overlapping(table, IOU_THRESHOLDS[0])
    recalls = RECALLS_VOC07 if style == "voc07" else RECALLS
    shape = (len(IOU_THRESHOLDS), len(table.labels), len(AREAS), len(MAX_DETECTIONS))
    average, recall = -np.ones(shape), -np.ones(shape)
    precision = -np.ones((shape[0], len(recalls), *shape[1:]))
    ordered = np.lexsort((-table.score, table.class_of))  # by class, best first; stable, so ties stay image by image
    ends = np.searchsorted(table.class_of[ordered], np.arange(len(table.labels) + 1))
    for a, (low, high) in enumerate(AREAS.values()):
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


def tabulate(ground_truth: Images, detections: Images) -> Table:
    """Put the boxes of all images into one sorted table, of each class in an image the best 100 detections."""
    if len(ground_truth) != len(detections):
        raise ValueError(f"{len(ground_truth)} images in the ground truth, {len(detections)} in the detections")
    truths, truth_image, truth_row = _boxes(ground_truth, "ground truth")
    boxes, image, row = _boxes(detections, "detections")
    truth_label, label = _column(ground_truth, "labels", truth_image), _column(detections, "labels", image)
    score = _column(detections, "scores", image).astype(float)
    if not np.isfinite(score).all():
        raise ValueError(f"detections of image {image[~np.isfinite(score)][0]}: a score is not a finite number")
    labels = np.unique(np.concatenate([part for part in (truth_label, label) if len(part)] or [truth_label]))
    crowd = _column(ground_truth, "iscrowd", truth_image, default=np.zeros(len(truths), bool)).astype(bool)
    area = _column(ground_truth, "area", truth_image, default=truths[:, 2] * truths[:, 3]).astype(float)
    truth_class, class_of = np.searchsorted(labels, truth_label), np.searchsorted(labels, label)

    first = np.lexsort((truth_image, truth_class))
    order = np.lexsort((-score, image, class_of))
    group = class_of[order] * len(detections) + image[order]
    rank = np.arange(len(order)) - np.searchsorted(group, group)
    order, rank = order[rank < MAX_DETECTIONS[-1]], rank[rank < MAX_DETECTIONS[-1]]
    return Table(
        labels, class_of[order], image[order], rank, row[order], score[order], boxes[order],
        truth_class[first], truth_image[first], truth_row[first], crowd[first], area[first], truths[first],
    )  # fmt: skip


def _array(values: Any) -> np.ndarray:
    """A numpy array of whatever was handed in: a list, an array, a tensor on any device."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _boxes(images: Images, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y, width, height (N, 4) of all boxes, the image of each and its place there."""
    parts = []
    for index, found in enumerate(images):
        part = _array(found["boxes"]).astype(float)
        if part.size % 4 or (part.ndim != 2 and part.size) or not np.isfinite(part).all():
            raise ValueError(f"{name} of image {index}: boxes must be (N, 4) finite numbers")
        parts.append(part.reshape(-1, 4))
    counts = np.array([len(part) for part in parts], int)
    corners = np.concatenate(parts) if parts else np.zeros((0, 4))
    row = np.arange(len(corners)) - np.repeat(np.cumsum(counts) - counts, counts)
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return boxes, np.repeat(np.arange(len(images)), counts), row


def _column(images: Images, key: str, image: np.ndarray, default: np.ndarray | None = None) -> np.ndarray:
    """One value (N,) for each box of all images; of images without this key the default's."""
    counts = np.bincount(image, minlength=len(images))
    ends = np.cumsum(counts)
    parts = []
    for index, found in enumerate(images):
        if default is not None and found.get(key) is None:
            parts.append(default[ends[index] - counts[index] : ends[index]])
            continue
        part = _array(found[key]).reshape(-1)
        if len(part) != counts[index]:
            raise ValueError(f"image {index}: {counts[index]} boxes but {len(part)} {key}")
        parts.append(part)
    parts = [part for part in parts if len(part)]  # an empty list has no type of its own
    return np.concatenate(parts) if parts else np.zeros(0, int)


def pair_iou(boxes: np.ndarray, truths: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """IoU (P,) of boxes (P, 4) and objects (P, 4), all x, y, width, height; of a crowd, the share of the box in it."""
    sides = np.minimum(boxes[:, :2] + boxes[:, 2:], truths[:, :2] + truths[:, 2:])
    sides -= np.maximum(boxes[:, :2], truths[:, :2])
    inner = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], 0.0)
    area, other = boxes[:, 2] * boxes[:, 3], truths[:, 2] * truths[:, 3]
    union = np.where(crowd, area, area + other - inner)
    return np.divide(inner, union, out=np.zeros_like(inner), where=inner > 0)


def overlapping(table: Table, least: float) -> Pairs:
    """Pairs of a detection and an object of its class and image with an IoU of at least ``least``."""
    images = 1 + int(max(table.image.max(initial=0), table.truth_image.max(initial=0)))
    group, truth_group = table.class_of * images + table.image, table.truth_class * images + table.truth_image
    start = np.searchsorted(truth_group, group)
    count = np.searchsorted(truth_group, group, side="right") - start
    detection = np.repeat(np.arange(len(group)), count)
    truth = np.arange(len(detection)) - np.repeat(np.cumsum(count) - count - start, count)
    iou = pair_iou(table.boxes[detection], table.truths[truth], table.crowd[truth])
    near = iou >= min(least, 1 - 1e-10)
    detection, truth, iou = detection[near], truth[near], iou[near]
    among = np.unique(detection)  # those that have somebody to choose, counted anew in each group
    turn = (np.arange(len(among)) - np.searchsorted(group[among], group[among]))[np.searchsorted(among, detection)]
    order = np.lexsort((truth, iou, detection, turn))
    return Pairs(detection[order], truth[order], iou[order], turn[order])


def matched(
    table: Table, pairs: Pairs, thresholds: np.ndarray, aside: np.ndarray, area: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Greedy matching: each detection, best score first, takes the object of its class with the highest IoU.

    Parameters
    ----------
    thresholds : ndarray (T,)
        Least IoU.
    aside : ndarray bool (G,)
        Objects that need not be found; a detection takes one only if no other is left to it, and a crowd can be taken
        more than once.
    area : (float, float)
        A detection that takes nothing is counted only if its own area lies in here.

    Returns
    -------
    found : ndarray (T, D)
        The object that each detection takes; −1 for none.
    counted : ndarray bool (T, D)
        Whether the detection is right or wrong; else it is left out.
    """
    count, total = len(table.score), len(pairs.iou)
    found = np.full((len(thresholds), count), -1)
    taken = np.zeros((len(thresholds), len(table.crowd)), bool)
    enough = pairs.iou >= np.minimum(thresholds, 1 - 1e-10)[:, None]  # (T, P)
    choice = np.arange(total) + total * ~aside[pairs.truth]  # the higher the better: what is to be found, then by IoU
    turns = np.searchsorted(pairs.turn, np.arange(pairs.turn.max(initial=-1) + 2))
    for begin, end in pairwise(turns):
        who, what = pairs.detection[begin:end], pairs.truth[begin:end]
        free = enough[:, begin:end] & (~taken[:, what] | table.crowd[what])
        starts = np.flatnonzero(np.diff(who, prepend=-1))
        best = np.maximum.reduceat(np.where(free, choice[begin:end], -1), starts, axis=1)  # (T, detections)
        line, place = np.nonzero(best >= 0)
        truth = pairs.truth[best[line, place] % total]
        found[line, who[starts][place]] = truth
        taken[line, truth] = True
    own = table.boxes[:, 2] * table.boxes[:, 3]
    counted = np.where(found >= 0, ~aside[found] if len(aside) else False, (own >= area[0]) & (own <= area[1]))
    return found, counted
