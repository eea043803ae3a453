"""Measures a data set as often as the hand moves something; numpy alone, so that the tab is there at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engines.blocks.average_precision import IOU_THRESHOLDS, RECALLS, RECALLS_VOC07, Evaluation, mean_of, measuring
from engines.blocks.detections import Boxes
from engines.core.aside import aside
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.mean_ap import cases as data
from engines.mean_ap.cases import Cases, Shown
from engines.mean_ap.files import reading
from engines.mean_ap.model import Matching, Steps, confusion, match_again, match_detections, steps
from engines.mean_ap.spec import (
    ASIDE,
    RIGHT,
    SIZES,
    STYLES,
    TWELVE,
    USUAL_IOU,
    ConfusionSeen,
    CurveSeen,
    DataShown,
    MeanApParams,
    NumbersSeen,
    PictureSeen,
    StripSeen,
)

T = TypeVar("T")
FEW = 6  # answers of each kind that are remembered: those of a large data set take megabytes
KEPT = {"thumbnail": 64}
STRIP = 40  # small pictures
THUMB = 96  # pixels of their longer side
CROWDED = 1_500  # classes of a matrix: LVIS has 1,203; more take long to draw and are points that nobody can tell apart
HAIR = 1e-9  # IoUs that differ by less are one
PATIENCE = 0.3  # seconds after which those that are ready are shown


class Engine:
    """Answers with the record and the frames of the spec; what stays the same comes again as the same object."""

    def __init__(self) -> None:
        self._read: tuple[object, Cases | None] = (None, None)
        self._begun: tuple[object, Iterator[tuple[int, int]]] = (None, iter(()))
        self._made: dict[str, Memo[Any]] = {}

    def run(self, job: Job[MeanApParams]) -> Iterator[Event]:
        """Picture and curve first, since a dragged box waits for them; then what takes longer."""
        params = replace(job.params, iou=measured_at(job.params.iou))
        cases = yield from self._cases(params.files)
        yield self._once("data", (id(cases),), lambda: shown(cases, params.files))
        label = label_of(params.label, cases)
        style = STYLES[params.style]
        now = (id(cases), params.moved, params.iou, params.size, style)
        boxes = self._boxes(cases, params)
        matching = self._matching(cases, params)
        line = self._once("steps", (*now, label), lambda: steps(boxes, matching, label, style))
        classes = len(cases.classes)
        pairs = self._once("pairs", (*now, params.threshold),
                           lambda: confusion(boxes, matching, params.threshold, params.iou, classes))  # fmt: skip
        table = self._once("confusion", (*now, params.threshold, params.cell),
                           lambda: counted(pairs, cases, params.cell))  # fmt: skip
        missing = self._once("missed", (*now, label, params.threshold),
                             lambda: missed(boxes, matching, label, params.threshold))  # fmt: skip
        asked = picture_of(params, boxes, table)
        places = looked_at(params, asked, boxes, matching, line, missing, cases)
        image = asked if asked >= 0 else image_of(places, boxes, line, missing)
        if job.cancelled.is_set():
            return
        yield self._once("picture", (*now, image, params.threshold),
                         lambda: self._picture(cases, boxes, matching, image, params.threshold))  # fmt: skip
        before = self._before(cases, params, label, style)
        yield self._once(
            "curve",
            (*now, label, style, places, params.threshold),
            lambda: curve(cases, boxes, matching, line, label, places, params, before, missing),
        )
        yield table
        if job.cancelled.is_set():
            return
        yield from self._numbers(cases, params, boxes, style, job)
        yield from self._strips(cases, table.pictures[:STRIP], job)

    # -- what is remembered
    def _once(self, kind: str, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """Make it, or hand out what was made for the same key."""
        made: T = self._made.setdefault(kind, Memo(KEPT.get(kind, FEW))).get(key, make)
        return made

    @staticmethod
    def _key(files: tuple[str, ...]) -> object:
        """Changes when a file does."""
        return tuple((name, Path(name).stat().st_mtime_ns if Path(name).is_file() else 0) for name in files)

    def _cases(self, files: tuple[str, ...]) -> Generator[Progress, None, Cases]:
        """The data, read where they are others than before."""
        key = self._key(files)
        if self._read[0] == key and self._read[1] is not None:
            self._begun = (None, iter(()))  # one that was given up is let go
            return self._read[1]
        cases = data.sample() if not files else None
        if self._begun[0] != key:  # one that was displaced goes on
            self._begun = (key, aside(reading([Path(name) for name in files]), (0, 0)))
        while cases is None:
            try:
                place = next(self._begun[1])
            except StopIteration as done:
                cases = done.value
            except LabError:
                self._begun = (None, iter(()))
                raise
            else:
                yield Progress(*place, Message("Reading {name}", {"name": Path(files[-1]).name}))
        self._begun = (None, iter(()))
        self._made.clear()  # ids of the old one may come again
        self._read = (key, cases)
        return cases

    def _boxes(self, cases: Cases, params: MeanApParams) -> Boxes:
        return self._once("boxes", (id(cases), params.moved), lambda: data.with_moved(cases.boxes, cases, params.moved))

    def _matching(self, cases: Cases, params: MeanApParams) -> Matching:
        style = STYLES[params.style]
        plain = self._once("matching", (id(cases), (), params.iou, params.size, style),
                           lambda: match_detections(cases.boxes, params.iou, SIZES[params.size], style))  # fmt: skip
        if not params.moved:
            return plain
        boxes, images = self._boxes(cases, params), {one.image for one in params.moved}
        return self._once("matching", (id(cases), params.moved, params.iou, params.size, style),
                          lambda: match_again(plain, boxes, images, params.iou, SIZES[params.size], style))  # fmt: skip

    def _before(self, cases: Cases, params: MeanApParams, label: int, style: str) -> Before | None:
        """The same with all boxes where they were; if none was moved, at the usual IoU; None if that is the one."""
        iou = params.iou if params.moved else USUAL_IOU
        if not params.moved and params.iou == iou:
            return None
        key = (id(cases), (), iou, params.size, style)
        matching = self._once("matching", key, lambda: match_detections(cases.boxes, iou, SIZES[params.size], style))
        line = self._once("steps", (*key, label), lambda: steps(cases.boxes, matching, label, style))
        return Before(matching, line, -1.0 if params.moved else iou)

    def _numbers(
        self, cases: Cases, params: MeanApParams, boxes: Boxes, style: str, job: Job[MeanApParams]
    ) -> Iterator[NumbersSeen]:
        """The whole evaluation, given up between its pieces where somebody waits."""
        found = []
        for which, moved in ((boxes, params.moved), (cases.boxes, ())):
            key = (id(cases), moved, style)
            try:
                found.append(self._once("measured", key, partial(evaluation, which, style, job)))
            except GivenUpError:
                return
        yield self._once("numbers", (id(cases), params.moved, style), lambda: numbers(cases, boxes, *found))

    def _picture(self, cases: Cases, boxes: Boxes, matching: Matching, index: int, threshold: float) -> PictureSeen:
        shown = self._once("pixels", (id(cases), index), cases.images[index].shown)
        return picture(cases, boxes, matching, index, threshold, shown)

    def _strips(self, cases: Cases, pictures: tuple[int, ...], job: Job[MeanApParams]) -> Iterator[StripSeen]:
        """The small pictures, a few at a time where they have to be made."""
        began = time.monotonic()
        for count, index in enumerate(pictures):
            if time.monotonic() - began > PATIENCE:
                yield StripSeen(pictures[:count], self._thumbnails(cases, pictures[:count]))
                began = time.monotonic()
            if job.cancelled.is_set():
                return
            self._thumbnails(cases, (index,))
        yield self._once("strip", (id(cases), pictures), lambda: StripSeen(pictures, self._thumbnails(cases, pictures)))

    def _thumbnails(self, cases: Cases, pictures: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        def make(index: int) -> Callable[[], np.ndarray]:
            return lambda: thumbnail(cases.images[index].rgb(THUMB)[0])

        return tuple(self._once("thumbnail", (id(cases), index), make(index)) for index in pictures)


class GivenUpError(Exception):
    """Another question waits: nothing was measured."""


def evaluation(boxes: Boxes, style: str, job: Job[MeanApParams]) -> Evaluation:
    """The whole evaluation of some boxes.

    Raises
    ------
    GivenUpError
        Between two pieces, if the job was cancelled.
    """
    pieces = measuring(boxes, style)
    while not job.cancelled.is_set():
        try:
            next(pieces)
        except StopIteration as done:
            found: Evaluation = done.value
            return found
    raise GivenUpError


class Before(NamedTuple):
    """Verdicts and curve before the hand changed anything, and their IoU if it is another one; else −1."""

    matching: Matching
    line: Steps
    iou: float


def measured_at(iou: float) -> float:
    """The threshold of the evaluation that a slider means: 0.90 is a hair less there (Lin 2014 counts in steps)."""
    nearest = float(IOU_THRESHOLDS[np.abs(IOU_THRESHOLDS - iou).argmin()])
    return nearest if abs(nearest - iou) < HAIR else iou


# -- the frames
def shown(cases: Cases, files: tuple[str, ...]) -> DataShown:
    """What is measured."""
    names = tuple(image.name for image in cases.images)
    objects, detections = len(cases.boxes.crowd), len(cases.boxes.score)
    return DataShown(cases.name, cases.sample, cases.classes, names, objects, detections, files, cases.notes)


def picture_of(params: MeanApParams, boxes: Boxes, table: ConfusionSeen) -> int:
    """The image that was asked for: by itself, by what lies in it, or by a cell; −1 where none was."""
    asked = (params.picture, *(one[0] for one in (params.missed, params.chosen) if one is not None))
    for image in (*asked, *(table.pictures[:1] if params.cell is not None else ())):
        if 0 <= image < boxes.images:
            return image
    return -1


def label_of(asked: int, cases: Cases) -> int:
    """The class that was asked for; for `FIRST` the first that something can be seen of."""
    most = len(cases.classes)
    if asked >= 0 or not most:
        return min(max(0, asked), max(0, most - 1))
    objects, found = (np.bincount(n, minlength=most) > 0 for n in (cases.boxes.truth_label, cases.boxes.label))
    return int(np.argmax(2 * (objects & found) + (objects | found)))


def image_of(places: tuple[int, int], boxes: Boxes, line: Steps, missing: np.ndarray) -> int:
    """Image of the detection or of the missed object, one of ``missing`` (M,), that is selected; else the first."""
    if places[0] >= 0:
        return int(boxes.image[line.detections[places[0]]])
    return int(boxes.truth_image[missing[places[1]]]) if places[1] >= 0 else 0


def missed(boxes: Boxes, matching: Matching, label: int, threshold: float) -> np.ndarray:
    """Indices (M,) of the objects of a class that have to be found and that no detection above the threshold takes."""
    scores = np.append(boxes.score, -1.0)[matching.taken_by]
    return np.flatnonzero((boxes.truth_label == label) & ~matching.aside & ~(scores >= threshold))


def looked_at(
    params: MeanApParams, image: int, boxes: Boxes, matching: Matching, line: Steps, missing: np.ndarray, cases: Cases
) -> tuple[int, int]:
    """Places of the detection in the line and in ``missing`` (M,) of the object that is selected; −1 for the other one.

    The chosen one, else (of the image that was asked for, if one was) the first wrong one, the first, the first missed.
    """
    mine = line.detections
    if (lost := place_in(missing, params.missed, cases.truth_start)) >= 0:
        return -1, lost
    if (found := place_in(mine, params.chosen, cases.start)) >= 0:
        return found, -1
    here = np.arange(len(mine))
    if image >= 0:
        here = here[boxes.image[mine] == image]
    wrong = here[(matching.verdicts[mine[here]] != RIGHT) & (matching.verdicts[mine[here]] != ASIDE)]
    first = wrong if len(wrong) else here
    if len(first):
        return int(first[0]), -1
    never = np.flatnonzero(boxes.truth_image[missing] == image) if image >= 0 else np.arange(len(missing))
    return -1, (int(never[0]) if len(never) else -1)


def place_in(among: np.ndarray, asked: tuple[int, int] | None, starts: np.ndarray) -> int:
    """Where the n-th box of an image stands in a list of boxes (M,); −1 if it does not."""
    if asked is None or not 0 <= asked[0] < len(starts) - 1:
        return -1
    hit = np.flatnonzero(among == starts[asked[0]] + asked[1])
    return int(hit[0]) if len(hit) else -1


def corners(boxes: np.ndarray) -> np.ndarray:
    """x, y, width, height (N, 4) -> xyxy."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def picture(cases: Cases, boxes: Boxes, matching: Matching, index: int, threshold: float, shown: Shown) -> PictureSeen:
    """One image with all its boxes."""
    first, last = int(cases.truth_start[index]), int(cases.truth_start[index + 1])
    mine = slice(int(cases.start[index]), int(cases.start[index + 1]))
    truths = slice(first, last)
    taker = matching.taken_by[truths]
    found = (taker >= 0) & (boxes.score[taker] >= threshold) if len(boxes.score) else taker >= 0
    partner = matching.partner[mine]
    return PictureSeen(
        index=index, rgb=shown.rgb, blank=shown.blank, note=shown.note, width=shown.size[0], height=shown.size[1],
        truths=corners(boxes.truths[truths]), truth_labels=boxes.truth_label[truths], crowd=boxes.crowd[truths],
        aside=matching.aside[truths],
        found=found, boxes=corners(boxes.boxes[mine]), labels=boxes.label[mine], scores=boxes.score[mine],
        verdicts=matching.verdicts[mine], partner=np.where(partner >= 0, partner - first, -1),
        overlap=matching.overlap[mine],
    )  # fmt: skip


def curve(
    cases: Cases, boxes: Boxes, matching: Matching, line: Steps, label: int, places: tuple[int, int],
    params: MeanApParams, before: Before | None, missing: np.ndarray,
) -> CurveSeen:  # fmt: skip
    """The curve of one class, with its missed objects (M,), beside what it was before the hand changed anything."""
    mine, none = line.detections, np.zeros(0)
    image = boxes.image[mine]
    old = None if before is None else before.matching.verdicts[mine]
    place = np.full(len(boxes.score) + 1, -1)  # the last one stands for none
    place[mine] = np.arange(len(mine))
    return CurveSeen(
        label=label, objects=line.objects, image=image, index=mine - cases.start[image],
        scores=boxes.score[mine], overlap=matching.overlap[mine], verdicts=matching.verdicts[mine],
        partner_label=np.append(boxes.truth_label, -1)[matching.partner[mine]],
        recall=line.recall, precision=line.precision, envelope=line.envelope, grid=line.grid, sampled=line.sampled,
        iou=params.iou, value=line.value, at=places[0], passing=int((boxes.score[mine] >= params.threshold).sum()),
        before_recall=none if before is None else before.line.recall,
        before_envelope=none if before is None else before.line.envelope,
        before_value=line.value if before is None else before.line.value,
        before_iou=-1.0 if before is None else before.iou,
        changed=np.zeros(len(mine), bool) if old is None else old != matching.verdicts[mine],
        missed_image=boxes.truth_image[missing], missed_index=missing - cases.truth_start[boxes.truth_image[missing]],
        missed_by=place[matching.taken_by[missing]], missed_overlap=matching.nearest[missing],
        missed_at=places[1],
    )  # fmt: skip


def counted(pairs: np.ndarray, cases: Cases, cell: tuple[int, int] | None) -> ConfusionSeen:
    """The confusion matrix of pairs (P, 3), which are image, true and detected class, and the pictures of a cell.

    Those with most of the cell come first; without a cell, they are all.
    """
    side = len(cases.classes) + 1
    if side > CROWDED:
        return ConfusionSeen(np.zeros((0, 0), int), tuple(range(len(cases.images))))
    counts = np.bincount(pairs[:, 1] * side + pairs[:, 2], minlength=side * side).reshape(side, side)
    every = len(cases.images)
    if cell is None:
        return ConfusionSeen(counts, tuple(range(every)))
    inside = pairs[(pairs[:, 1] == cell[0]) & (pairs[:, 2] == cell[1]), 0]
    often = np.bincount(inside, minlength=every)
    order = np.argsort(-often, kind="stable")[: int((often > 0).sum())]
    return ConfusionSeen(counts, tuple(order.tolist()))


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    """Every n-th pixel of (H, W, 3), the longer side at most twice `THUMB`."""
    every = max(1, max(rgb.shape[:2]) // THUMB)
    return np.ascontiguousarray(rgb[::every, ::every])


def numbers(cases: Cases, boxes: Boxes, found: Evaluation, before: Evaluation) -> NumbersSeen:
    """The twelve numbers and those of each class, in the order of the classes."""
    count = len(cases.classes)
    whole, at50 = np.full(count, -1.0), np.full(count, -1.0)
    for k, label in enumerate(found.labels):
        whole[label] = found.per_class[label]
        at50[label] = mean_of(found.average[0, k, 0, -1])
    objects = np.bincount(boxes.truth_label[~boxes.crowd], minlength=count)
    detections = np.bincount(boxes.label, minlength=count)
    twelve, old = (np.array([getattr(one, name) for name, _, _ in TWELVE]) for one in (found, before))
    recalls = RECALLS_VOC07 if found.style == "voc07" else RECALLS
    there = found.precision[:, 0, :, 0, -1].max(axis=0, initial=-1) > -1  # classes that have something to find
    mean = found.precision[:, :, there, 0, -1].mean(axis=2) if there.any() else np.zeros((10, len(recalls)))
    return NumbersSeen(found.style, twelve, old, whole, at50, objects, detections, recalls, mean)
