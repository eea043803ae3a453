"""Folders of pictures with boxes as people have them: in COCO's, Pascal VOC's, YOLO's or labelme's format, or in CSV.

Every annotation that can't be used is named by its file and line, left out and counted; only a folder without a
single usable one is refused. Sources: Lin et al. 2014 (cocodataset.org/#format-data), Everingham et al. 2010.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import finish, is_folder, mapped
from engines.data import coco_boxes, csv_boxes, labelme_boxes, voc_boxes, yolo_boxes
from engines.data.annotated_size import SLACK, fit_of, pixels_of, shown_size
from engines.data.box_claims import Claim, settled
from engines.data.box_faults import Faults, Raw
from engines.data.boxes_listing import Listing, is_boxes_folder, listing
from engines.data.finder import ELSEWHERE
from engines.data.split_words import TRAIN, split_of
from engines.data.voc_origin import COUNTED, Origin, counted_from

__all__ = ["Annotated", "BoxesFolder", "is_boxes_folder", "read_boxes_folder", "reading"]

MARK = 32  # digits of a hash
EACH = 200  # pictures between two places to stop
READ = "COCO, Pascal VOC, YOLO, labelme, CSV"
OTHERS = "Read in {used} format. Files with annotations in {other} format, not read: {n}."
NONE_HELD_BACK = (
    "AP is measured on the training pictures: {n} {n:picture is|pictures are} too few to keep any for validation."
)
FEW_WITH_BOXES = (
    "AP is measured on the training pictures: {n} of {all} {n:has|have} boxes, too few to keep any for validation."
)
VALIDATION_BARE = (
    "AP is measured on the training pictures: of the {n} {n:picture|pictures} for validation none has a box."
)
TRAINING_BARE = (
    "Trained and measured on the pictures for validation: of the {n} {n:picture|pictures} for training none has a box."
)
OTHER_SIZE = "Pictures whose size differs from their annotations: {n} (first: {name}, {real} instead of {said})."

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Annotated:
    """A picture with its boxes.

    Attributes
    ----------
    path : Path
    boxes : ndarray float32 (N, 4)
        xyxy, as shares (0..1) of the picture.
    labels : ndarray int64 (N,)
    size : (int, int)
        Width and height that the boxes were measured in; (0, 0) for a picture without boxes of which none is given.
    ident : int or None
        Its number in the folder's table (COCO).
    """

    path: Path
    boxes: np.ndarray
    labels: np.ndarray
    size: tuple[int, int]
    ident: int | None = None

    def pixels(self, keep: int) -> np.ndarray:
        """The picture, uint8 (H, W, 3), turned as its annotation means it, of at most ``keep`` pixels.

        Raises
        ------
        LabError
            If it can't be read.
        """
        right, down = (self.boxes[:, 2:].max(axis=0, initial=0.0) * self.size).tolist()
        fit = fit_of(self.path, self.size, (right, down))
        return pixels_of(self.path, fit is not None and fit.upright, keep)


@dataclass(frozen=True)
class BoxesFolder:
    """What was found.

    Attributes
    ----------
    classes : tuple of str
    training, validation : tuple of Annotated
        The folder's own split, or else every fifth picture to validate on, of those with boxes and of those without.
    skipped, crowds : int
        Annotations that could not be used; those of crowds (COCO) or hard to tell (VOC), left out on purpose.
    faults : tuple of Message
        Why, the first ones: file, line, reason.
    notes : tuple of Message
        What else a person should know of how it was read.
    numbers : tuple of int
        Of the classes, as the folder's table (COCO) has them; empty where they are not numbered one by one.
    format : str
        Of the annotations, one of `READ`.
    mark : str
        Tells the same pictures in the same split, wherever the folder lies.
    """

    classes: tuple[str, ...]
    training: tuple[Annotated, ...]
    validation: tuple[Annotated, ...]
    skipped: int
    crowds: int
    faults: tuple[Message, ...]
    notes: tuple[Message, ...] = ()
    numbers: tuple[int, ...] = ()
    format: str = ""
    mark: str = ""


def read_boxes_folder(path: Path, first_pixel: int | None = None) -> BoxesFolder:
    """Read at once what `reading` reads piece by piece."""
    return finish(reading(path, first_pixel))


def reading(path: Path, first_pixel: int | None = None) -> Generator[tuple[int, int], None, BoxesFolder]:
    """Read a folder; yields how far it is (done, total; 0 = not known), returns what was found.

    Parameters
    ----------
    path : Path
    first_pixel : int, optional
        Where boxes in Pascal VOC's format count from, 0 or 1; None: as the data set looks.

    Raises
    ------
    LabError
        If there is no annotation in either format, or none that can be used.
    """
    if not is_folder(path):
        raise LabError("{name}: the folder is missing.", name=path.name or str(path))
    files = yield from _at(0, 0, listing(path))
    faults = Faults()
    kinds = files.kinds()
    if not kinds:
        text = "{name}: there are no annotations in a format that is read ({kinds})."
        raise LabError(text, name=path.name, kinds=READ)
    used = next(iter(kinds))
    for other in list(kinds)[1:]:
        faults.note(OTHERS, len(kinds[other]), used=used, other=other)
    raws = yield from _raws(used, files, first_pixel, faults)
    classes = _classes(raws)
    if len(classes) > limits.CLASSES:
        raise LabError(
            "{name}: {n} classes. At most {most} are read.", name=path.name, n=len(classes), most=limits.CLASSES
        )
    numbers = {name: number for number, name in enumerate(classes)}
    claims: list[Claim] = []
    for done, raw in enumerate(raws):
        claim = _claim(raw, files, faults)
        raw.split = raw.split or _split_said(raw, path)
        if claim is not None:
            claims.append(claim)
        if done % EACH == 0:
            yield done, len(raws)
    owned = settled(claims, faults)
    if used == "YOLO":
        claimed = [(one.raw, one.found.path) for one in claims if one.found.path is not None]
        empty = yolo_boxes.background(files.pictures, files.labels, claimed, voc_boxes.SplitLists(files.lists))
        if empty:
            faults.note(yolo_boxes.BACKGROUND, len(empty))
        owned += empty
    every = -(-len(owned) // limits.SIZES_COMPARED) or 1
    kept: list[tuple[Raw, Annotated]] = []
    for done, (raw, picture) in enumerate(owned):
        made = _annotated(raw, picture, numbers, faults, look=done % every == 0)
        if made is not None:
            kept.append((raw, made))
        if done % EACH == 0:
            yield done, len(owned)
    if not any(len(made.labels) for _, made in kept):
        first = faults.first()
        if first is None and faults.crowds:
            text = "{name}: all its boxes ({n}) are crowd or difficult ones, which are not used for training."
            raise LabError(text, name=path.name, n=faults.crowds)
        if first is None:
            raise LabError("{name}: it has no usable box.", name=path.name)
        raise LabError("{name}: it has no usable box. {first}", name=path.name, first=first)
    training, validation = _split(kept, path, faults)
    return BoxesFolder(
        tuple(classes), training, validation, faults.count, faults.crowds, tuple(faults.told), tuple(faults.notes()),
        _numbers(raws, classes) if used == "COCO" else (), used, _mark(training, validation, path),
    )  # fmt: skip


def _mark(training: Iterable[Annotated], validation: Iterable[Annotated], root: Path) -> str:
    parts = ((part, sorted(one.path.relative_to(root).as_posix() for one in group))
             for part, group in (("training", training), ("validation", validation)))  # fmt: skip
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:MARK]


def _raws(
    used: str, files: Listing, first_pixel: int | None, faults: Faults
) -> Generator[tuple[int, int], None, list[Raw]]:
    """What the annotations of one format say."""
    raws: list[Raw] = []
    if used == "Pascal VOC":
        return (yield from _sheets(files, first_pixel, faults))
    if used in ("COCO", "CSV"):
        for table in files.kinds()[used]:
            raws += yield from coco_boxes.read(table, faults) if used == "COCO" else csv_boxes.read(table, faults)
        return raws
    lists, naming = voc_boxes.SplitLists(files.lists), yolo_boxes.naming(files.names, faults)
    every = files.kinds()[used]
    for done, file in enumerate(every):
        if done % EACH == 0:
            yield done, len(every)
        yolo = used == "YOLO"
        raw = yolo_boxes.read(file, faults) if yolo else labelme_boxes.read(file, faults)
        if raw is not None:
            raw.split = lists.of(file)
            raw.folders = naming.folders if yolo else []
            raws.append(raw)
    if used == "YOLO":
        yolo_boxes.name(raws, naming.names, faults)
    return raws


def _sheets(files: Listing, first_pixel: int | None, faults: Faults) -> Generator[tuple[int, int], None, list[Raw]]:
    """What all sheets say, with boxes counted from where the data set's are."""
    splits, origin = voc_boxes.SplitLists(files.lists), Origin()
    raws: list[Raw] = []
    for done, sheet in enumerate(files.sheets):
        raw = yield from _at(done, len(files.sheets), voc_boxes.read(sheet, faults, origin))
        if raw is not None:
            raw.split = splits.of(sheet)
            raws.append(raw)
    first, why = origin.first_pixel()
    if first_pixel is not None:
        first, why = first_pixel, Message("that was chosen")
    if origin.boxes:
        faults.note(COUNTED[first], why=why)
    for raw in raws:
        counted_from(raw, first, faults)
    return raws


def _at(done: int, total: int, steps: Generator[object, None, T]) -> Generator[tuple[int, int], None, T]:
    """The same steps, told as one place."""
    yield done, total
    return (yield from mapped(steps, lambda _: (done, total)))


def _classes(raws: Iterable[Raw]) -> list[str]:
    """Names that boxes carry: in COCO's order by number, else by name."""
    order: dict[str, tuple[Any, str]] = {}
    for raw in raws:
        for box in raw.boxes:
            order.setdefault(box.name, (box.number, box.name))
    return sorted(order, key=lambda name: order[name])


def _numbers(raws: Iterable[Raw], classes: list[str]) -> tuple[int, ...]:
    """Of the classes; none unless each name has one number, and no other name the same."""
    pairs = {(box.name, box.number) for raw in raws for box in raw.boxes}
    number = {name: int(said) for name, said in pairs}
    return tuple(number[name] for name in classes) if len(pairs) == len(set(number.values())) else ()


def _claim(raw: Raw, files: Listing, faults: Faults) -> Claim | None:
    """Which picture an annotation means; None if there is none, or several that it could be."""
    is_table, tied, elsewhere = not raw.own, 0, False
    for name in filter(None, (raw.own, raw.picture, *raw.others)):
        found = files.pictures.find(name, raw.file, is_table)
        if found.path is not None and found.sure > (0, ELSEWHERE):
            return Claim(raw, found)
        tied, elsewhere = tied or found.tied, elsewhere or found.path is not None
    if tied:
        reason = Message("{n} pictures have the name {picture}", {"n": tied, "picture": raw.picture})
    elif elsewhere:
        reason = Message(
            "the picture {picture} is missing, one of its name lies in another folder", {"picture": raw.picture}
        )
    else:
        reason = Message("the picture {picture} is missing", {"picture": raw.picture})
    faults.add(raw.file, raw.line, reason, count=max(1, len(raw.boxes)), entry=raw.entry)
    return None


def _annotated(raw: Raw, path: Path, numbers: dict[str, int], faults: Faults, look: bool) -> Annotated | None:
    """The picture with the boxes that lie in it; None if it can't be read and no size is given."""
    if raw.shares:
        return _of_shares(raw, path, numbers, faults)
    width, height = raw.size
    reach = tuple(max((box.xyxy[side] for box in raw.boxes), default=0.0) for side in (2, 3))
    outside = reach[0] > width + SLACK or reach[1] > height + SLACK
    if raw.boxes and (look or outside):
        fit = fit_of(path, raw.size, (reach[0], reach[1]))
        if fit is not None:
            width, height = fit.size
        elif min(raw.size) <= 0:
            reason = Message("the picture {picture} can't be read", {"picture": path.name})
            faults.add(raw.file, raw.line, reason, count=len(raw.boxes), entry=raw.entry)
            return None
        if fit is not None and fit.differs:
            faults.note(OTHER_SIZE, name=path.name, said=_size(raw.size), real=_size(fit.real))
    return _made(raw, path, numbers, faults, (width, height), (width, height))


def _of_shares(raw: Raw, path: Path, numbers: dict[str, int], faults: Faults) -> Annotated | None:
    """Boxes that are shares of the picture as it is shown; its size only tells how that is."""
    size = shown_size(path)
    if size is None:
        reason = Message("the picture {picture} can't be read", {"picture": path.name})
        faults.add(raw.file, raw.line, reason, count=max(1, len(raw.boxes)))
        return None
    return _made(raw, path, numbers, faults, (1, 1), size)


def _made(
    raw: Raw, path: Path, numbers: dict[str, int], faults: Faults, unit: tuple[int, int], size: tuple[int, int]
) -> Annotated:
    """The boxes that lie in a picture, measured in some unit."""
    boxes, labels = [], []
    for box in raw.boxes:
        inside = np.clip(np.array(box.xyxy) / (*unit, *unit), 0, 1)
        if (inside[2:] - inside[:2]).min() <= 0:
            faults.add(raw.file, box.line, Message("the box lies outside its picture"), entry=box.entry)
            continue
        boxes.append(inside)
        labels.append(numbers[box.name])
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Annotated(path, table, np.array(labels, np.int64), size, raw.ident)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _split(
    kept: list[tuple[Raw, Annotated]], root: Path, faults: Faults
) -> tuple[tuple[Annotated, ...], tuple[Annotated, ...]]:
    """Training and validation: as the folder has them, or every fifth picture to validate on.

    Where one of them would have no box, the other one serves for both, and why is noted.
    """
    held = [_held_back(raw, made, root) for raw, made in kept]
    everything = [made for _, made in kept]
    own = any(held) and not all(held)
    if not own:
        counts = [0, 0]  # of pictures without boxes and with some: both kinds are held back alike
        held = []
        for made in everything:
            kind = bool(len(made.labels))
            counts[kind] += 1
            held.append(counts[kind] % 5 == 0)
        if len(everything) > 4 and 1 < counts[True] < 5:  # one of the few that have boxes
            held[max(at for at, made in enumerate(everything) if len(made.labels))] = True
    training = tuple(made for made, back in zip(everything, held, strict=True) if not back)
    validation = tuple(made for made, back in zip(everything, held, strict=True) if back)
    with_boxes = [sum(bool(len(made.labels)) for made in group) for group in (training, validation)]
    if not with_boxes[1]:
        few = FEW_WITH_BOXES if with_boxes[0] < len(training) else NONE_HELD_BACK
        note, count = (VALIDATION_BARE, len(validation)) if own and validation else (few, with_boxes[0])
        faults.note(note, count, all=len(everything))
        validation = training
    elif not with_boxes[0]:
        faults.note(TRAINING_BARE, len(training))
        training = validation
    return training, validation


def _split_said(raw: Raw, root: Path) -> str:
    """The split that the annotation's name or folder says."""
    words = [] if raw.own else [raw.file.stem]
    words += reversed(raw.file.relative_to(root).parts[:-1])
    return next(filter(None, map(split_of, words)), "")


def _held_back(raw: Raw, made: Annotated, root: Path) -> bool:
    """Whether a picture is one to validate or test on: as its annotation says, else its own folder."""
    folders = reversed(made.path.relative_to(root).parts[:-1])
    said = raw.split or yolo_boxes.split_in(raw.folders, made.path) or next(filter(None, map(split_of, folders)), "")
    return said not in ("", TRAIN)
