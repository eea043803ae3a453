"""Detections matched with objects as COCO does it, for all images at once, in numpy alone.

Source: Lin et al. 2014, "Microsoft COCO", and its evaluation of boxes.

How it is quick: all boxes of all images lie in one table, sorted by class and image. Only pairs of a detection and an
object of the same class and image whose IoU reaches the lowest threshold are kept. The greedy matching goes detection
by detection within one image and class, but all images and classes go their n-th step at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

FORMATS = ("xyxy", "xywh")
MOST = 100  # best detections of a class in an image that are looked at

Images = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Boxes:
    """The boxes of all images, image after image.

    Attributes
    ----------
    images : int
    image, label, score : ndarray (D,)
        Of each detection.
    boxes : ndarray (D, 4)
        x, y, width, height of each.
    truth_image, truth_label, crowd, truth_area : ndarray (G,)
        Of each object.
    truths : ndarray (G, 4)
        x, y, width, height.
    """

    images: int
    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    boxes: np.ndarray
    truth_image: np.ndarray
    truth_label: np.ndarray
    crowd: np.ndarray
    truth_area: np.ndarray
    truths: np.ndarray

    @property
    def area(self) -> np.ndarray:
        """Of each detection (D,), in pixels²."""
        return self.boxes[:, 2] * self.boxes[:, 3]


@dataclass(frozen=True)
class Table:
    """The same sorted by class, then image; detections then by falling score, ties as they came.

    Attributes
    ----------
    labels : ndarray (K,)
        The classes of either, sorted; ``class_of`` and ``truth_class`` are indices into it.
    index, class_of, image, rank, score, area : ndarray (D,)
        Of each detection: its place in the `Boxes` it comes from, and in ``rank`` that among those of its class in its
        image.
    boxes : ndarray (D, 4)
    truth_index, truth_class, truth_image, crowd, truth_area : ndarray (G,)
        Of each object.
    truths : ndarray (G, 4)
    """

    labels: np.ndarray
    index: np.ndarray
    class_of: np.ndarray
    image: np.ndarray
    rank: np.ndarray
    score: np.ndarray
    area: np.ndarray
    boxes: np.ndarray
    truth_index: np.ndarray
    truth_class: np.ndarray
    truth_image: np.ndarray
    crowd: np.ndarray
    truth_area: np.ndarray
    truths: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """Detections and objects (P,) of one class and image that overlap enough, in the order of the matching.

    That is by the detection's turn in its group, then by detection, then by rising IoU, of equal ones the later object
    last.
    """

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray
    turn: np.ndarray


def flatten(ground_truth: Images, detections: Images, box_format: str = "xyxy", difficult: bool = False) -> Boxes:
    """Put the boxes of all images into one place; `engines.blocks.average_precision.evaluate` says what they hold."""
    if len(ground_truth) != len(detections):
        raise ValueError(f"{len(ground_truth)} images in the ground truth, {len(detections)} in the detections")
    if any("scores" in one for one in ground_truth) and not any("scores" in one for one in detections):
        raise ValueError("the ground truth has scores and the detections have none: the ground truth comes first")
    truths, truth_image = _boxes(ground_truth, "ground truth", box_format)
    boxes, image = _boxes(detections, "detections", box_format)
    score = _column(detections, "scores", image, "detections").astype(float)
    if not np.isfinite(score).all():
        raise ValueError(f"detections of image {image[~np.isfinite(score)][0]}: a score is not a finite number")
    name, none = "ground truth", np.zeros(len(truths), bool)
    crowd = _column(ground_truth, "iscrowd", truth_image, name, default=none).astype(bool)
    if difficult:
        crowd |= _column(ground_truth, "difficult", truth_image, name, default=none).astype(bool)
    area = _column(ground_truth, "area", truth_image, name, default=truths[:, 2] * truths[:, 3]).astype(float)
    label = _column(detections, "labels", image, "detections")
    truth_label = _column(ground_truth, "labels", truth_image, name)
    return Boxes(len(detections), image, label, score, boxes, truth_image, truth_label, crowd, area, truths)


def tabulate(these: Boxes, most: int = MOST) -> Table:
    """Sort boxes; of each class in an image the ``most`` best detections stay."""
    parts = [part for part in (these.truth_label, these.label) if len(part)]
    labels = np.unique(np.concatenate(parts or [these.label]))
    truth_class, class_of = np.searchsorted(labels, these.truth_label), np.searchsorted(labels, these.label)
    first = np.lexsort((these.truth_image, truth_class))
    order = np.lexsort((-these.score, these.image, class_of))
    group = class_of[order] * these.images + these.image[order]
    rank = np.arange(len(order)) - np.searchsorted(group, group)
    order, rank = order[rank < most], rank[rank < most]
    return Table(
        labels, order, class_of[order], these.image[order], rank, these.score[order], these.area[order],
        these.boxes[order], first, truth_class[first], these.truth_image[first], these.crowd[first],
        these.truth_area[first], these.truths[first],
    )  # fmt: skip


def _array(values: Any) -> np.ndarray:
    """A numpy array of whatever was handed in: a list, an array, a tensor on any device."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _said(image: Mapping[str, Any], key: str, name: str, index: int) -> Any:
    if image.get(key) is None:
        raise ValueError(f"{name} of image {index}: {key} are missing")
    return image[key]


def _boxes(images: Images, name: str, box_format: str) -> tuple[np.ndarray, np.ndarray]:
    """x, y, width, height (N, 4) of all boxes, and the image of each."""
    if box_format not in FORMATS:
        raise ValueError(f"box_format={box_format!r} is none of {FORMATS}")
    parts = []
    for index, found in enumerate(images):
        part = _array(_said(found, "boxes", name, index)).astype(float)
        if part.size % 4 or (part.ndim != 2 and part.size) or not np.isfinite(part).all():
            raise ValueError(f"{name} of image {index}: boxes must be (N, 4) finite numbers")
        parts.append(part.reshape(-1, 4))
    counts = np.array([len(part) for part in parts], int)
    corners, image = np.concatenate(parts) if parts else np.zeros((0, 4)), np.repeat(np.arange(len(images)), counts)
    if box_format == "xywh":
        return corners, image
    if len(corners) and 2 * (corners[:, 2:] < corners[:, :2]).any(axis=1).sum() > len(corners):
        warnings.warn(f"{name}: most boxes end before they begin. Are they x, y, width, height (xywh)?", stacklevel=4)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1), image


def _column(images: Images, key: str, image: np.ndarray, name: str, default: np.ndarray | None = None) -> np.ndarray:
    """One value (N,) for each box of all images; of images without this key the default's."""
    counts = np.bincount(image, minlength=len(images))
    ends = np.cumsum(counts)
    parts = []
    for index, found in enumerate(images):
        if default is not None and found.get(key) is None:
            parts.append(default[ends[index] - counts[index] : ends[index]])
            continue
        part = _array(_said(found, key, name, index)).reshape(-1)
        if len(part) != counts[index]:
            raise ValueError(f"{name} of image {index}: {counts[index]} boxes but {len(part)} {key}")
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
    inside = (table.area >= area[0]) & (table.area <= area[1])
    counted = np.where(found >= 0, ~aside[found] if len(aside) else False, inside)
    return found, counted


def matched_voc(
    table: Table, thresholds: np.ndarray, aside: np.ndarray, area: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Matching of VOC's development kit.

    Each detection goes to the object of its class that it overlaps most, and is wrong if a better one has that object
    already, whatever else is near.

    Source: Everingham et al. 2010, section 4.2, and VOCevaldet of the development kit.

    Parameters and results as `matched`, (T, D) for thresholds (T,); objects ``aside`` (G,), difficult ones and crowds,
    are neither found nor wrong.
    """
    plain = replace(table, crowd=np.zeros(len(table.crowd), bool))
    pairs = overlapping(plain, float(thresholds.min()))
    order = np.lexsort((-pairs.truth, pairs.iou, pairs.detection))  # of equal ones the first object counts
    last = np.flatnonzero(np.diff(pairs.detection[order], append=-1))
    detection, truth, iou = (one[order][last] for one in (pairs.detection, pairs.truth, pairs.iou))
    found = np.full((len(thresholds), len(table.score)), -1)
    inside = (table.area >= area[0]) & (table.area <= area[1])
    counted = np.tile(inside, (len(thresholds), 1))
    for line, least in enumerate(thresholds):
        near = iou >= min(least, 1 - 1e-10)
        who, what = detection[near], truth[near]
        counted[line, who] = ~aside[what]
        _, first = np.unique(what, return_index=True)  # detections of one image and class stand best first
        found[line, who[first]] = what[first]
    return found, counted
