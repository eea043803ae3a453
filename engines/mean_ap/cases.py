"""What is measured: images with their objects and detections, and the sample that is always at hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from engines.blocks.detections import Boxes
from engines.core.errors import LabError, Message
from engines.data.annotated_size import Size
from engines.data.evaluation_pictures import RESULTS, EvaluationPicture, evaluation_pictures
from engines.data.scenes import KINDS
from engines.mean_ap.photos import Photos
from engines.mean_ap.spec import Moved

PAPER = 236  # gray of a picture that is not at hand
SHARP = 1200  # pixels of the longer side of a picture on screen
DRAWN = 384  # the same for a drawn one


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture on screen.

    Attributes
    ----------
    rgb : ndarray uint8 (H, W, 3)
    blank : bool
        It is paper, since there is no picture.
    size : (int, int)
        Pixels that boxes on it are measured in.
    note : Message or None
        What has to be said of it.
    """

    rgb: np.ndarray
    blank: bool
    size: Size
    note: Message | None = None


@dataclass(frozen=True)
class Photo:
    """The picture that a COCO file names, with the size that it gives, (0, 0) for none, and how far its boxes reach."""

    photos: Photos
    name: str
    declared: Size
    reach: tuple[float, float]

    def shown(self, side: int, size: Size) -> Shown:
        """The picture, its longer side at most ``side``; ``size`` is its own where the file that it lies in is broken.

        Raises
        ------
        LabError
            If it can't be had.
        """
        fit = self.photos.fit(self.name, self.declared, self.reach)
        rgb = self.photos.pixels(self.name, side, fit)
        if fit is None:
            return Shown(rgb, False, size)
        values = {"real": "{} × {}".format(*fit.real), "said": "{} × {}".format(*self.declared)}
        note = Message("The picture has {real} pixels, its annotations say {said}.", values) if fit.differs else None
        return Shown(rgb, False, fit.size, note)


@dataclass(frozen=True)
class Image:
    """One image: what to call it, its size in pixels, and how to get at its pixels.

    A drawing's are told how many the longer side needs at most, a photo lies in a file. Neither: not at hand.
    """

    name: str
    width: int
    height: int
    pixels: Callable[[int], np.ndarray] | None = None
    photo: Photo | None = None

    def shown(self, side: int = SHARP) -> Shown:
        """The picture as far as it is at hand."""
        note, size = None, (self.width, self.height)
        if self.pixels is not None:
            return Shown(self.pixels(side), False, size)
        if self.photo is not None:
            try:
                return self.photo.shown(side, size)
            except LabError as error:  # a file that is gone or broken: its boxes can be looked at all the same
                note = error.message
        scale = min(1.0, side / max(1, self.width, self.height))
        paper = max(1, round(self.height * scale)), max(1, round(self.width * scale))
        return Shown(np.full((*paper, 3), PAPER, np.uint8), True, size, note)

    def rgb(self, side: int = SHARP) -> tuple[np.ndarray, bool]:
        """Pixels, uint8 (H, W, 3), and whether they are blank paper since there is no picture."""
        shown = self.shown(side)
        return shown.rgb, shown.blank

    def reaching(self, width: float, height: float) -> Image:
        """The same, with a size that boxes reaching this far need if the file gave none."""
        if self.width and self.height:
            return self
        return replace(self, width=max(1, math.ceil(width)), height=max(1, math.ceil(height)))


@dataclass(frozen=True, eq=False)
class Cases:
    """A whole data set; labels are indices into ``classes``. Compared by identity.

    Attributes
    ----------
    truth_start, start : ndarray (I + 1,)
        Where the objects and detections of each image begin in ``boxes``.
    """

    name: str
    classes: tuple[str, ...]
    images: tuple[Image, ...]
    boxes: Boxes
    truth_start: np.ndarray
    start: np.ndarray
    sample: bool = False
    notes: tuple[Message, ...] = ()

    @classmethod
    def of(cls, name: str, classes: Sequence[str], images: Sequence[Image], boxes: Boxes, **more: object) -> Cases:
        """Put together; boxes must lie image after image."""
        ends = np.arange(boxes.images + 1)
        starts = np.searchsorted(boxes.truth_image, ends), np.searchsorted(boxes.image, ends)
        return cls(name, tuple(classes), tuple(images), boxes, *starts, **more)  # type: ignore[arg-type]  # see fields


def with_moved(boxes: Boxes, cases: Cases, moved: Sequence[Moved]) -> Boxes:
    """The boxes with those that the hand moved elsewhere; an object's area follows its box."""
    if not moved:
        return boxes
    truths, areas, found = boxes.truths.copy(), boxes.truth_area.copy(), boxes.boxes.copy()
    for one in moved:
        starts = cases.truth_start if one.truth else cases.start
        if not 0 <= one.image < boxes.images or not 0 <= one.index < starts[one.image + 1] - starts[one.image]:
            continue  # of another data set
        x0, y0, x1, y1 = one.box
        place, box = int(starts[one.image]) + one.index, (x0, y0, x1 - x0, y1 - y0)
        if one.truth:
            old, new = truths[place, 2] * truths[place, 3], box[2] * box[3]
            areas[place] = areas[place] * new / old if old > 0 else new  # a mask's area keeps its share of the box
            truths[place] = box
        else:
            found[place] = box
    return replace(boxes, truths=truths, truth_area=areas, boxes=found)


@cache
def sample() -> Cases:
    """What the toy DETR finds in 40 drawn pictures, half of them harder than those it was trained on."""
    pictures = evaluation_pictures()
    objects = [one.objects() for one in pictures]
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    truth_image = np.repeat(np.arange(len(pictures)), [len(one["labels"]) for one in objects])
    corners = np.concatenate([one["boxes"] for one in objects])
    truths = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    boxes = Boxes(
        images=len(pictures),
        image=np.array([entry["image_id"] for entry in results]),
        label=np.array([entry["category_id"] for entry in results]),
        score=np.array([entry["score"] for entry in results], float),
        boxes=np.array([entry["bbox"] for entry in results], float),
        truth_image=truth_image,
        truth_label=np.concatenate([one["labels"] for one in objects]),
        crowd=np.concatenate([one["iscrowd"] for one in objects]),
        truth_area=truths[:, 2] * truths[:, 3],
        truths=truths,
    )
    images = [Image(f"#{one.index + 1}", one.side, one.side, _drawn(one)) for one in pictures]
    return Cases.of("Toy DETR, 40 scenes", KINDS, images, boxes, sample=True)


def _drawn(one: EvaluationPicture) -> Callable[[int], np.ndarray]:
    return lambda side: one.picture(min(side, DRAWN))
