"""COCO ground truth and results from JSON files; what is wrong with one is told by file and entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.blocks.detections import Boxes
from engines.core.errors import LabError, Message
from engines.core.reading import mapped
from engines.mean_ap.cases import Cases, Image, Photo
from engines.mean_ap.photos import Photos, compared
from engines.mean_ap.pieces import Reading, read_json
from engines.mean_ap.spec import RESULTS_ALONE

FAR = 1e7  # pixels: larger coordinates than any picture has
LARGEST = 1e300  # a whole number may be larger than any that a processor calculates with
EACH = 20_000  # entries between two places to stop


@dataclass(frozen=True, eq=False)
class Truth:
    """A ground truth file: ``columns`` are image, label, crowd, area (N,) and xywh (N, 4), image after image.

    The images stand in the order of their ids, as in pycocotools: among equal scores it says which counts first.
    """

    path: Path
    classes: tuple[str, ...]
    categories: dict[int, int]
    images: tuple[Image, ...]
    image_of: dict[int | str, int]
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
        """All rows, by rising first column; those that agree in it as they came."""
        columns = self._parts[0].shape[1]
        table = np.concatenate([*self._parts, np.array(self._rows, float).reshape(-1, columns)])
        return table[np.argsort(table[:, 0], kind="stable")]


def kind_of(content: Any, name: str) -> str:
    """``truth`` or ``results``; LabError for neither."""
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        if not isinstance(content.get("images"), list) or not isinstance(content.get("categories"), list):
            raise LabError(
                '{name}: COCO ground truth needs the lists "images", "categories", "annotations".', name=name
            )
        return "truth"
    if isinstance(content, list) and (not content or (isinstance(content[0], dict) and "score" in content[0])):
        return "results"
    raise LabError("{name}: neither COCO ground truth nor COCO results.", name=name)


def read_truth(content: dict[str, Any], path: Path) -> Reading[Truth]:
    """Check and take over a ground truth; annotations without a box (keypoints of nobody, say) are errors too."""
    name = path.name
    categories: dict[int, int] = {}
    classes: list[str] = []
    for n, entry in enumerate(content["categories"]):
        ident = _integer(entry, "id", name, "categories", n)
        if ident in categories:
            raise _wrong(name, "categories", n, Message("id {id} comes twice", {"id": ident}))
        categories[ident] = len(classes)
        classes.append(_line(entry.get("name")) or str(ident))
    images: list[Image] = []
    names: list[str] = []
    image_of: dict[int | str, int] = {}
    for n, entry in enumerate(content["images"]):
        if n % EACH == 0:
            yield n, len(content["images"])
        image_id = _ident(entry, "id", name, "images", n)
        if image_id in image_of:
            raise _wrong(name, "images", n, Message("id {id} comes twice", {"id": image_id}))
        image_of[image_id] = n
        file_name = entry.get("file_name") if isinstance(entry.get("file_name"), str) else ""
        size = [entry.get(key) for key in ("width", "height")]
        width, height = (int(v) if isinstance(v, int | float) and 0 < v < FAR else 0 for v in size)
        shown = _line(Path(file_name).name) or _line(image_id)
        images.append(Image(shown, width, height))
        names.append(file_name)
    texts = any(isinstance(one, str) for one in image_of)
    order = sorted(image_of, key=str if texts else int)
    images, names = [images[image_of[one]] for one in order], [names[image_of[one]] for one in order]
    image_of = {one: n for n, one in enumerate(order)}
    rows = Rows(8)
    for n, entry in enumerate(content["annotations"]):
        if n % EACH == 0:
            yield n, len(content["annotations"])
        image_id = _ident(entry, "image_id", name, "annotations", n)
        category = _integer(entry, "category_id", name, "annotations", n)
        box = _box(entry, name, "annotations", n)
        area = entry.get("area", box[2] * box[3])
        if not _is_number(area) or area < 0:
            raise _wrong(name, "annotations", n, Message("area must be a number of at least 0"))
        rows.add((_known(image_of, image_id, "image_id", name, "annotations", n),
                  _known(categories, category, "category_id", name, "annotations", n),
                  bool(entry.get("iscrowd", 0)), float(area), *box))  # fmt: skip
        content["annotations"][n] = None  # let go one by one: to free a million at once takes long
    table = rows.table()
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
    return Truth(path, tuple(classes), categories, sized, image_of, columns, tuple(notes))


def read_results(content: list[Any], path: Path, truth: Truth) -> Reading[tuple[tuple[np.ndarray, ...], list[Message]]]:
    """Image, label, score (M,) and xywh (M, 4), image after image; results of images or classes that the ground truth
    does not name are left out and counted."""
    name, rows, strange = path.name, Rows(7), 0
    for n, entry in enumerate(content):
        if n % EACH == 0:
            yield n, len(content)
        ident = _ident(entry, "image_id", name, "", n)
        category = _integer(entry, "category_id", name, "", n)
        box, score = _box(entry, name, "", n), entry.get("score")
        if not _is_number(score):
            raise _wrong(name, "", n, Message("score must be a number"))
        if ident in truth.image_of and category in truth.categories:
            rows.add((truth.image_of[ident], truth.categories[category], float(score), *box))
        else:
            strange += 1
        content[n] = None
    table = rows.table()
    notes = []
    if strange:
        text = "{name}: {n} results are of images or classes that the ground truth does not name."
        text = text if strange > 1 else "{name}: 1 result is of an image or class that the ground truth does not name."
        notes.append(Message(text, {"name": name, "n": strange}))
    return (table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], table[:, 3:]), notes


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
    truth_file: tuple[Path, Any] | None = None
    results_file: tuple[Path, Any] | None = None
    for path in paths:
        yield 0, 0
        content = yield from read_json(path)
        if kind_of(content, path.name) == "truth":
            truth_file = path, content
        else:
            results_file = path, content
    if truth_file is None:
        assert results_file is not None
        raise LabError(RESULTS_ALONE, name=results_file[0].name)
    truth = yield from read_truth(truth_file[1], truth_file[0])
    if not truth.images:
        raise LabError("{name}: names no image.", name=truth.path.name)
    notes: list[Message] = []
    found: tuple[np.ndarray, ...] = (np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros((0, 4)))
    title = truth.path.name
    if results_file is None:
        notes.append(Message("{name}: ground truth alone. Drop the results too.", {"name": truth.path.name}))
    else:
        found, notes = yield from read_results(results_file[1], results_file[0], truth)
        title = results_file[0].name
    image, label, score, boxes = found
    truth_image, truth_label, crowd, area, truths = truth.columns
    every = Boxes(len(truth.images), image, label, score, boxes, truth_image, truth_label, crowd, area, truths)
    return Cases.of(title, truth.classes, truth.images, every, notes=(*notes, *truth.notes))


# -- one value of one entry
def _wrong(name: str, part: str, n: int, reason: Message) -> LabError:
    if part:
        return LabError("{name}, {part}, entry {n}: {reason}.", name=name, part=part, n=n + 1, reason=reason)
    return LabError("{name}, entry {n}: {reason}.", name=name, n=n + 1, reason=reason)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _line(value: object) -> str:
    """Words in one line, so that they fit a label; none for what is no text or number."""
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _value(entry: object, key: str, name: str, part: str, n: int) -> Any:
    if not isinstance(entry, dict):
        raise _wrong(name, part, n, Message("not an object"))
    if key not in entry:
        raise _wrong(name, part, n, Message("{key} is missing", {"key": key}))
    return entry[key]


def _integer(entry: Any, key: str, name: str, part: str, n: int) -> int:
    value = _value(entry, key, name, part, n)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, part, n, Message("{key} must be a whole number", {"key": key}))
    return value


def _ident(entry: Any, key: str, name: str, part: str, n: int) -> int | str:
    value = _value(entry, key, name, part, n)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong(name, part, n, Message("{key} must be a whole number or a text", {"key": key}))
    return value


def _box(entry: Any, name: str, part: str, n: int) -> tuple[float, ...]:
    box = _value(entry, "bbox", name, part, n)
    if not isinstance(box, tuple) or len(box) != 4 or not all(_is_number(v) and abs(v) < FAR for v in box):
        raise _wrong(name, part, n, Message("bbox must be four numbers: x, y, width, height"))
    if box[2] < 0 or box[3] < 0:
        raise _wrong(name, part, n, Message("bbox has a negative width or height"))
    return tuple(float(v) for v in box)


def _known(among: dict[Any, int], ident: object, key: str, name: str, part: str, n: int) -> int:
    if ident not in among:
        raise _wrong(name, part, n, Message("{key} {id} is not in the file", {"key": key, "id": ident}))
    return among[ident]
