"""COCO ground truth and results from JSON files; what is wrong with one is told by file and entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.blocks.box_forms import CORNERS, doubted
from engines.blocks.detections import Boxes
from engines.core.errors import LabError, Message
from engines.core.reading import mapped
from engines.data.coco_values import FAR, XYWH, Ident, as_number, box_of, is_set, number_of, plain
from engines.data.split_words import folded
from engines.mean_ap.cases import Cases, Image, Photo
from engines.mean_ap.idents import Idents, of_list, of_whole
from engines.mean_ap.photos import Photos, compared
from engines.mean_ap.pieces import MADE, Reading, read_json
from engines.mean_ap.spec import RESULTS_ALONE

RESULT_KEYS = ("results", "predictions", "detections")  # where results lie in an object
WHOLE = "{key} must be an integer or a string"
BBOX = "bbox must be four numbers: x, y, width, height"
ASIDE = "{name} is no longer used: {other} was opened after it."
LEFT_OUT = "{name}: entries that can't be used: {n}. First: {first}."
MOSTLY = 0.5  # share of the boxes that makes one doubt how they are written
EACH = 20_000  # entries between two places to stop


@dataclass(frozen=True, eq=False)
class Truth:
    """A ground truth file: ``columns`` are image, label, crowd, area (N,) and xywh (N, 4), image after image.

    The images stand in the order of their ids, as in pycocotools: among equal scores it says which counts first.
    """

    path: Path
    classes: tuple[str, ...]
    categories: dict[Ident, int]
    images: tuple[Image, ...]
    image_of: dict[Ident, int]
    columns: tuple[np.ndarray, ...]
    notes: tuple[Message, ...] = ()


class Rows:
    """A table of numbers (N, columns) that grows row by row, kept in a few arrays."""

    def __init__(self, columns: int) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._parts = [np.zeros((0, columns))]

    def add(self, row: tuple[float, ...]) -> None:
        """Append a row."""
        self._rows.append(row)
        if len(self._rows) == EACH:
            self._parts.append(np.array(self._rows, float))
            self._rows.clear()

    def table(self) -> np.ndarray:
        """All rows (N, columns), by rising first column; those that agree in it as they came."""
        columns = self._parts[0].shape[1]
        table = np.concatenate([*self._parts, np.array(self._rows, float).reshape(-1, columns)])
        return table[np.argsort(table[:, 0], kind="stable")]


class OddError(Exception):
    """An entry that can't be used, and why."""

    def __init__(self, part: str, n: int, text: str, **values: object) -> None:
        told = {"part": part, "n": n + 1, "reason": Message(text, values)}
        self.message = Message("{part}, entry {n}: {reason}" if part else "entry {n}: {reason}", told)
        super().__init__(str(self.message))


class Odd:
    """Entries of a file that can't be used: counted, the first one named; what else has to be said of how it was read.

    Parameters
    ----------
    name : str
        What to call the file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = 0
        self._first: Message | None = None
        self._noted: dict[str, int] = {}

    def add(self, error: OddError) -> None:
        """One more."""
        self._count += 1
        self._first = self._first or error.message

    def note(self, text: str) -> None:
        """Something that can be used was read in another way than it stands there."""
        self._noted[text] = self._noted.get(text, 0) + 1

    def check(self, used: object) -> None:
        """Raise the first reason where nothing at all can be used."""
        if self._first is not None and not used:
            raise LabError("{name}, {told}.", name=self.name, told=self._first)

    def notes(self) -> list[Message]:
        """In words."""
        told = [Message(text, {"name": self.name, "n": count}) for text, count in self._noted.items()]
        if self._first is None:
            return told
        return [Message(LEFT_OUT, {"name": self.name, "n": self._count, "first": self._first}), *told]


def kind_of(content: Any, name: str) -> tuple[str, list[Any]]:
    """``truth`` or ``results``, and the list of its annotations; LabError for neither."""
    lists = [content] if isinstance(content, list) else []
    if isinstance(content, dict):
        lists = [content[key] for key in ("annotations", *RESULT_KEYS) if isinstance(content.get(key), list)]
    for entries in lists:
        scored = sum(isinstance(entry, dict) and "score" in entry for entry in entries)
        if 2 * scored > len(entries) or (entries is content and (scored or not entries)):
            return "results", entries
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        if not isinstance(content.get("images"), list) or not isinstance(content.get("categories"), list):
            raise LabError(
                '{name}: COCO ground truth needs the lists "images", "categories", "annotations".', name=name
            )
        return "truth", content["annotations"]
    raise LabError("{name}: neither COCO ground truth nor COCO results.", name=name)


def read_truth(content: dict[str, Any], path: Path) -> Reading[Truth]:
    """Check and take over a ground truth; entries that can't be used are left out and counted.

    Raises
    ------
    LabError
        Naming the first one, if none can be used.
    """
    odd = Odd(path.name)
    categories, classes = _categories(content["categories"], odd)
    images, names, image_of = yield from _images(content["images"], odd)
    numbers = {as_number(ident): place for ident, place in image_of.items()}
    labels = {as_number(ident): place for ident, place in categories.items()}
    entries, rows = content["annotations"], Rows(8)
    for n, entry in enumerate(entries):
        if n % EACH == 0:
            yield n, len(entries)
        try:
            where = _value(entry, "image_id", "annotations", n), _value(entry, "category_id", "annotations", n)
            image = _known(image_of, numbers, where[0], "image_id", "annotations", n)
            label = _known(categories, labels, where[1], "category_id", "annotations", n)
            box = _box(entry, "annotations", n, odd)
        except OddError as error:
            odd.add(error)
            continue
        area = number_of(entry.get("area"))
        if area is None or area < 0:
            if "area" in entry:
                odd.note("{name}: areas that are not numbers, replaced by width × height: {n}.")
            area = box[2] * box[3]
        rows.add((image, label, is_set(entry.get("iscrowd")), area, *box))
        entries[n] = None  # let go one by one: to free a million at once takes long
    table = rows.table()
    odd.check(len(images) and (len(table) or not entries))
    columns = (table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2] > 0, table[:, 3], table[:, 4:])
    reach = np.zeros((len(images), 2))
    np.maximum.at(reach, columns[0], table[:, 4:6] + table[:, 6:8])
    photos, sizes = Photos(path, names), [(one.width, one.height) for one in images]
    yield from mapped(photos.looking(), lambda seen: (seen, 0))
    notes = yield from mapped(compared(photos, names, sizes, reach), lambda at: (at, len(names)))
    sized = tuple(
        replace(one, photo=Photo(photos, name, size, (far[0], far[1])) if name else None).reaching(*far)
        for one, name, size, far in zip(images, names, sizes, reach.tolist(), strict=True)
    )
    return Truth(path, tuple(classes), categories, sized, image_of, columns, (*odd.notes(), *notes))


def _categories(entries: list[Any], odd: Odd) -> tuple[dict[Ident, int], list[str]]:
    categories: dict[Ident, int] = {}
    classes: list[str] = []
    for n, entry in enumerate(entries):
        try:
            ident = _new(entry, categories, "categories", n)
        except OddError as error:
            odd.add(error)
            continue
        categories[ident] = len(classes)
        classes.append(_line(entry.get("name")) or str(ident))
    return categories, classes


def _images(entries: list[Any], odd: Odd) -> Reading[tuple[list[Image], list[str], dict[Ident, int]]]:
    """Images in the order of their ids, their file names, their places."""
    images: list[Image] = []
    names: list[str] = []
    image_of: dict[Ident, int] = {}
    for n, entry in enumerate(entries):
        if n % EACH == 0:
            yield n, len(entries)
        try:
            image_id = _new(entry, image_of, "images", n)
        except OddError as error:
            odd.add(error)
            continue
        image_of[image_id] = len(images)
        file_name = entry.get("file_name") if isinstance(entry.get("file_name"), str) else ""
        width, height = (number_of(entry.get(key)) or 0 for key in ("width", "height"))
        size = (int(width), int(height)) if min(width, height) > 0 and max(width, height) < FAR else (0, 0)
        shown = _line(Path(file_name.replace("\\", "/")).name) or _line(image_id)
        images.append(Image(shown, *size))
        names.append(file_name)
    texts = any(isinstance(one, str) for one in image_of)
    order = sorted(image_of, key=str if texts else int)
    places = [image_of[one] for one in order]
    found = {one: n for n, one in enumerate(order)}
    return [images[at] for at in places], [names[at] for at in places], found


def read_results(
    content: Any, entries: list[Any], path: Path, truth: Truth
) -> Reading[tuple[tuple[np.ndarray, ...], list[Message]]]:
    """Image, label, score (M,) and xywh (M, 4), image after image.

    Results that can't be used, and those of images or classes that the ground truth does not name, are left out and
    counted.
    """
    name, rows, strange, odd = path.name, Rows(7), 0, Odd(path.name)
    finds = _idents(content, entries, name, truth)
    for n, entry in enumerate(entries):
        if n % EACH == 0:
            yield n, len(entries)
        try:
            image = finds.image(_value(entry, "image_id", "", n))
            label = finds.label(_value(entry, "category_id", "", n))
            score = number_of(_value(entry, "score", "", n))
            if score is None:
                raise OddError("", n, "score must be a number")
            box = _box(entry, "", n, odd)
        except OddError as error:
            odd.add(error)
            continue
        if image is not None and label is not None:
            rows.add((image, label, score, *box))
        else:
            strange += 1
        entries[n] = None
    table = rows.table()
    odd.check(len(table) or strange or not entries)
    notes = [*finds.notes, *odd.notes()]
    if strange:
        text = (
            "{name}: {n} {n:result is of an image or class|results are of images or classes} not in the ground truth."
        )
        notes.append(Message(text, {"name": name, "n": strange}))
    notes += _doubts(name, table, truth)
    return (table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], table[:, 3:]), notes


def _idents(content: Any, entries: list[Any], name: str, truth: Truth) -> Idents:
    """How results name images and classes."""
    files = {at: one.photo.name for at, one in enumerate(truth.images) if one.photo is not None}
    classes = {folded(one): at for at, one in enumerate(truth.classes)}
    whole = [entry for entry in entries if isinstance(entry, dict)]
    asked, said = (
        {value for entry in whole if isinstance(value := entry.get(key), int | float | str)}
        for key in ("image_id", "category_id")
    )
    found = of_list(name, truth.image_of, files, truth.categories, classes, asked, said)
    if not isinstance(content, dict):
        return found
    own = [
        {
            plain(entry.get("id")): entry[key]
            for entry in content.get(part) or ()
            if isinstance(entry, dict) and isinstance(entry.get(key), str)
        }
        for part, key in (("images", "file_name"), ("categories", "name"))
    ]
    return of_whole(name, own[0], own[1], files, classes, found)


def _doubts(name: str, table: np.ndarray, truth: Truth) -> list[Message]:
    """What looks as if boxes were written in another way than COCO's."""
    if not len(table):
        return []
    boxes = table[:, 3:]
    size = np.array([(one.width, one.height) for one in truth.images])[table[:, 0].astype(int)]
    if boxes.max() <= 1 and size.min() > 1:
        return [Message("{name}: its boxes look normalized to 0..1. COCO uses pixels.", {"name": name})]
    beyond = ((boxes[:, :2] + boxes[:, 2:] > size + 1).any(axis=1) & (boxes[:, 2:] <= size + 1).all(axis=1)).mean()
    grows = (boxes[:, 2:] > boxes[:, :2]).all(axis=1).mean()
    image, label, crowd, area, places = truth.columns
    both = Boxes(len(truth.images), table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], boxes,
                 image, label, crowd, area, places)  # fmt: skip
    if min(beyond, grows) > MOSTLY or doubted(both, CORNERS) == "detections":
        return [Message("{name}: its boxes look like corners. COCO uses x, y, width, height.", {"name": name})]
    return []


def read_cases(paths: Sequence[Path]) -> Cases:
    """Read at once what `reading` reads piece by piece."""
    pieces = reading(paths)
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            cases: Cases = done.value
            return cases


def reading(paths: Sequence[Path]) -> Reading[Cases]:
    """The last ground truth among some files, with the last results; yields how far a list is (done, total).

    Raises
    ------
    LabError
        Says which file and which entry, counted from 1, can't be used, and why.
    """
    truths: list[tuple[int, Path, Any]] = []
    results: list[tuple[int, Path, Any]] = []
    for turn, path in enumerate(paths):
        yield 0, 0
        content = yield from read_json(path)
        (truths if kind_of(content, path.name)[0] == "truth" else results).append((turn, path, content))
    if not truths:
        raise LabError(RESULTS_ALONE, name=results[-1][1].name)
    notes = [Message(ASIDE, {"name": path.name, "other": truths[-1][1].name}) for _, path, _ in truths[:-1]]
    turn, path, content = truths[-1]
    if len(truths) > 1:  # results that came for the one before
        gone = [one for one in results if one[0] < turn]
        notes += [Message(ASIDE, {"name": one[1].name, "other": path.name}) for one in gone]
        results = [one for one in results if one[0] > turn]
    notes += [Message(ASIDE, {"name": one[1].name, "other": results[-1][1].name}) for one in results[:-1]]
    truth = yield from read_truth(content, path)
    if not truth.images:
        raise LabError("{name}: lists no images.", name=truth.path.name)
    found: tuple[np.ndarray, ...] = (np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros((0, 4)))
    title = truth.path.name
    if not results:
        notes.append(Message("{name}: ground truth only. Drop the results too.", {"name": truth.path.name}))
    else:
        _, path, content = results[-1]
        found, told = yield from read_results(content, kind_of(content, path.name)[1], path, truth)
        title = path.name
        notes += told
    image, label, score, boxes = found
    truth_image, truth_label, crowd, area, truth_boxes = truth.columns
    every = Boxes(len(truth.images), image, label, score, boxes, truth_image, truth_label, crowd, area, truth_boxes)
    return Cases.of(title, truth.classes, truth.images, every, notes=(*notes, *truth.notes))


# -- one value of one entry
def _line(value: object) -> str:
    """Words in one line, so that they fit a label; none for what is no text or number."""
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _value(entry: object, key: str, part: str, n: int) -> Any:
    if not isinstance(entry, dict):
        raise OddError(part, n, "not an object")
    if key not in entry:
        raise OddError(part, n, "{key} is missing", key=key)
    return entry[key]


def _new(entry: Any, known: dict[Ident, int], part: str, n: int) -> Ident:
    """The id of an image or a class."""
    ident = plain(_value(entry, "id", part, n))
    if ident is None:
        raise OddError(part, n, WHOLE, key="id")
    if ident in known:
        raise OddError(part, n, "id {id} appears twice", id=ident)
    return ident


def _box(entry: dict[str, Any], part: str, n: int, odd: Odd) -> XYWH:
    box, _ = box_of(entry)
    if box is None:
        missing = entry.get("bbox") in (None, [], ())
        raise OddError(part, n, "bbox is missing" if missing else BBOX)
    if box[2] < 0 or box[3] < 0:
        raise OddError(part, n, "bbox has a negative width or height")
    if entry.get(MADE):
        odd.note("{name}: boxes derived from masks, polygons or keypoints: {n}.")
    return box


def _known(among: dict[Ident, int], numbers: dict[Any, int], ident: Any, key: str, part: str, n: int) -> int:
    """A place by id; a text that is a number stands for it where the exact one fails."""
    if plain(ident) is None:
        raise OddError(part, n, WHOLE, key=key)
    found = among.get(ident, numbers.get(as_number(ident)))
    if found is None:
        raise OddError(part, n, "{key} {id} is not in the file", key=key, id=ident)
    return found
