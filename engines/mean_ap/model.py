"""Average precision taken apart: a verdict on each detection, the curve step by step, who was taken for whom.

Sources: Everingham et al. 2010 (precision-recall curves of detections); Lin et al. 2014 (matching); Bolya et al. 2020,
"TIDE" (kinds of mistakes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engines.blocks.average_precision import AREAS, RECALLS, RECALLS_VOC07, Curve
from engines.blocks.detections import Boxes, matched, matched_voc, overlapping, tabulate
from engines.mean_ap.spec import ASIDE, BACKGROUND, BOTH, DUPLICATE, LOW_IOU, NEAR, RIGHT, WRONG_CLASS


@dataclass(frozen=True)
class Matching:
    """What each detection (D,) and each object (G,) is at one IoU, in the order of the `Boxes`.

    Attributes
    ----------
    verdicts : ndarray (D,)
        RIGHT … BOTH.
    partner : ndarray (D,)
        The object that it takes, or that the verdict is about; −1 for none.
    overlap : ndarray (D,)
        IoU with it.
    taken_by : ndarray (G,)
        The detection that takes it (the best one, of a crowd); −1 for none.
    aside : ndarray bool (G,)
        Need not be found: a crowd, or of another size than asked for.
    nearest : ndarray (G,)
        IoU of the nearest detection of its class among the best 100; 0 if it is less than `NEAR`.
    """

    verdicts: np.ndarray
    partner: np.ndarray
    overlap: np.ndarray
    taken_by: np.ndarray
    aside: np.ndarray
    nearest: np.ndarray


def match_detections(boxes: Boxes, iou: float, size: str = "all", style: str = "coco") -> Matching:
    """Match class by class as COCO does, or in VOC's styles as its development kit, and say of each wrong one why.

    A wrong one is, in this order: a duplicate (its object is taken by a better one), of the wrong class (it
    lies on an object of another one), too far off (it overlaps an object of its class by at least 0.1), both (it
    overlaps one of another class by so much), or on the background.
    """
    low, high = AREAS[size]
    outside = boxes.crowd | (boxes.truth_area < low) | (boxes.truth_area > high)
    if style == "coco":
        table = tabulate(boxes)
        pairs = overlapping(table, iou)
        found, counted = matched(table, pairs, np.array([iou]), outside[table.truth_index], (low, high))
    else:
        table = tabulate(boxes, most=max(1, len(boxes.score)))
        found, counted = matched_voc(table, np.array([iou]), outside[table.truth_index], (low, high))
    took = np.full(len(boxes.score), -1)
    taker = np.full(len(boxes.crowd), -1)
    right = found[0] >= 0
    took[table.index[right]] = table.truth_index[found[0, right]]
    rising = np.flatnonzero(right)[np.argsort(table.score[right], kind="stable")]
    taker[table.truth_index[found[0, rising]]] = table.index[rising]  # of several, the last one written stays
    aside = np.ones(len(boxes.score), bool)  # past the best 100 as well
    aside[table.index] = ~counted[0]

    verdicts, partner, overlap = np.full(len(took), BACKGROUND), took.copy(), np.zeros(len(took))
    everything = replace(boxes, label=np.zeros_like(boxes.image), truth_label=np.zeros_like(boxes.truth_image))
    agnostic = tabulate(everything, most=max(1, len(took)))
    near = overlapping(agnostic, min(NEAR, iou))
    detection, truth = agnostic.index[near.detection], agnostic.truth_index[near.truth]
    same = boxes.label[detection] == boxes.truth_label[truth]
    single = ~boxes.crowd[truth]
    for verdict, which in (  # the strongest reason last, so that it stays
        (BOTH, ~same & single & (near.iou >= NEAR)),
        (LOW_IOU, same & single & (near.iou >= NEAR)),
        (WRONG_CLASS, ~same & single & (near.iou >= iou)),
        (DUPLICATE, same & single & (near.iou >= iou) & (taker[truth] >= 0)),
    ):
        order = np.flatnonzero(which)[np.argsort(near.iou[which], kind="stable")]
        verdicts[detection[order]], partner[detection[order]], overlap[detection[order]] = (
            verdict, truth[order], near.iou[order]
        )  # fmt: skip
    verdicts[took >= 0], partner[took >= 0] = RIGHT, took[took >= 0]
    taking = took[detection] == truth
    overlap[detection[taking]] = near.iou[taking]
    verdicts[aside] = ASIDE
    nearest, ranked = np.zeros(len(taker)), np.zeros(len(took), bool)
    ranked[table.index] = True
    same &= ranked[detection]
    np.maximum.at(nearest, truth[same], near.iou[same])
    return Matching(verdicts, partner, overlap, taker, outside, nearest)


def match_again(
    before: Matching, boxes: Boxes, images: set[int], iou: float, size: str = "all", style: str = "coco"
) -> Matching:
    """The same after boxes of some images were moved: what happens in one image does not depend on the others."""
    mine = np.flatnonzero(np.isin(boxes.image, list(images)))
    truths = np.flatnonzero(np.isin(boxes.truth_image, list(images)))
    part = match_detections(
        Boxes(boxes.images, boxes.image[mine], boxes.label[mine], boxes.score[mine], boxes.boxes[mine],
              boxes.truth_image[truths], boxes.truth_label[truths], boxes.crowd[truths], boxes.truth_area[truths],
              boxes.truths[truths]),
        iou, size, style,
    )  # fmt: skip
    new = {name: values.copy() for name, values in vars(before).items()}
    for name in ("verdicts", "overlap"):
        new[name][mine] = getattr(part, name)
    for name in ("aside", "nearest"):
        new[name][truths] = getattr(part, name)
    new["partner"][mine] = np.append(truths, -1)[part.partner]
    new["taken_by"][truths] = np.append(mine, -1)[part.taken_by]
    return Matching(**new)


@dataclass(frozen=True)
class Steps:
    """The curve of one class: its detections (D,) in the order of their scores, and the curve after each of them."""

    detections: np.ndarray
    objects: int
    recall: np.ndarray
    precision: np.ndarray
    envelope: np.ndarray
    grid: np.ndarray
    sampled: np.ndarray
    value: float


def steps(boxes: Boxes, matching: Matching, label: int, style: str) -> Steps:
    """Follow one class from its best detection to its last; those set aside move nothing and are left in place."""
    mine = np.flatnonzero(boxes.label == label)
    mine = mine[np.argsort(-boxes.score[mine], kind="stable")]
    objects = int(((boxes.truth_label == label) & ~matching.aside).sum())
    right = (matching.verdicts[mine] == RIGHT)[None]
    wrong = ((matching.verdicts[mine] != RIGHT) & (matching.verdicts[mine] != ASIDE))[None]
    curve = Curve.of(right, wrong, max(1, objects))
    grid = {"coco": RECALLS, "voc07": RECALLS_VOC07}.get(style, np.zeros(0))
    if len(mine):
        sampled = curve.at(grid)[0]
        value = float(sampled.mean()) if len(grid) else float(curve.area()[0])
    else:
        sampled, value = np.zeros(len(grid)), 0.0
    if not objects:
        value = -1.0
    return Steps(mine, objects, curve.recall[0], curve.precision[0], curve.envelope[0], grid, sampled, value)


def confusion(boxes: Boxes, matching: Matching, threshold: float, iou: float, classes: int) -> np.ndarray:
    """Pairs (P, 3) of image, true class and said class; ``classes`` stands for "nothing there" and for "missed".

    Right detections stand on the diagonal. What is left of objects and detections that pass the threshold is matched
    without regard to the class, best score first; the rest was seen where nothing is, or missed. What is set aside
    is in no cell.
    """
    passes = (boxes.score >= threshold) & (matching.verdicts != ASIDE)
    right = passes & (matching.verdicts == RIGHT)
    taken = np.zeros(len(boxes.crowd), bool)
    taken[matching.partner[right]] = True
    left, open_ = np.flatnonzero(passes & ~right), np.flatnonzero(~taken & ~matching.aside)
    others = replace(
        boxes, image=boxes.image[left], label=np.zeros(len(left), int), score=boxes.score[left],
        boxes=boxes.boxes[left], truth_image=boxes.truth_image[open_], truth_label=np.zeros(len(open_), int),
        crowd=boxes.crowd[open_], truth_area=boxes.truth_area[open_], truths=boxes.truths[open_],
    )  # fmt: skip
    table = tabulate(others, most=max(1, len(left)))
    found, _ = matched(table, overlapping(table, iou), np.array([iou]), table.crowd, AREAS["all"])
    said, true = np.full(len(open_), classes), np.full(len(left), classes)
    hit = found[0] >= 0
    who, what = table.index[hit], table.truth_index[found[0, hit]]
    said[what], true[who] = boxes.label[left[who]], boxes.truth_label[open_[what]]
    parts = (
        np.stack([boxes.image[right], boxes.label[right], boxes.label[right]], axis=1),
        np.stack([boxes.truth_image[open_], boxes.truth_label[open_], said], axis=1),
        np.stack([boxes.image[left], true, boxes.label[left]], axis=1)[true == classes],
    )
    return np.concatenate(parts).astype(int)
