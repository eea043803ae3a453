"""Runs a DETR over a folder and writes what it finds as COCO results: a list of scored boxes.

Images and classes have the numbers of the folder's own table where it is COCO's, else new ones. The ground truth, or
for pictures without boxes the bare images and categories, is written beside it; with either file pycocotools'
``loadRes`` takes the list. (Lin et al. 2014, cocodataset.org/#format-results)
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files, limits
from engines.core.aside import aside
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.core.protocol import Event, Job, Progress
from engines.core.reading import mapped
from engines.data.annotated_size import shown_size
from engines.data.boxes_folder import Annotated, is_boxes_folder, reading
from engines.data.walking import names_in
from engines.detr.checkpoint import from_weights, load_checkpoint
from engines.detr.engine import work
from engines.detr.interventions import UNTOUCHED
from engines.detr.model import Detr
from engines.detr.results.spec import ResultsParams, Written
from engines.detr.spec import TRAINED_HERE
from engines.detr.stages import Encoding, decode
from engines.detr.training.spec import Made

TRUTH = "-ground-truth"  #: what the name of the ground truth has in addition
IMAGES = "-images"  #: what that of the images and categories has, where there are no boxes
DIGITS = 2  # of a box, in pixels

Told = Generator[Event, None, Any]


@dataclass(frozen=True)
class Pictures:
    """What is looked at.

    Attributes
    ----------
    all : list of Annotated
    classes : tuple of str
        Of their boxes; empty where the folder has none.
    held_back : bool
    numbers : tuple of int
        Of the classes; empty where the folder does not number them.
    """

    all: list[Annotated]
    classes: tuple[str, ...]
    held_back: bool
    numbers: tuple[int, ...] = ()

    @property
    def idents(self) -> list[int]:
        """Numbers of the pictures: their own, if each has another, else from 1."""
        own = {one.ident for one in self.all if one.ident is not None}
        every = range(1, len(self.all) + 1)
        return [
            at if one.ident is None or len(own) < len(self.all) else one.ident
            for at, one in zip(every, self.all, strict=True)
        ]


class FolderDetector:
    """See `engines.detr.results.spec` for what it takes and what it yields."""

    def run(self, job: Job[ResultsParams]) -> Iterator[Event]:
        """Look at all pictures, one step of the model at a time, and write both files at the end."""
        params = job.params
        yield Progress(0, 0, Message("Loading the model"))
        device = resolve(job.device)
        model, trained_on = _model(params)
        if model.drawn:
            raise LabError("This model sees drawn scenes only; it finds nothing in photos.")
        model = model.to(device)
        pictures: Pictures = yield from _pictures(Path(params.folder), trained_on)
        labels = [model.labels.get(index, f"{index}") for index in range(model.config.num_classes)]
        table = Table(labels, pictures.classes, pictures.numbers, Path(params.place).parent)
        skipped, first, idents = 0, None, pictures.idents
        for done, one in enumerate(pictures.all):
            said = Message("{n} of {total} pictures", {"n": done + 1, "total": len(pictures.all)})
            yield Progress(done, len(pictures.all), said)
            try:
                rgb = one.pixels(limits.KEPT_PIXELS)
            except LabError as error:
                skipped, first = skipped + 1, first or error.message
                continue
            encoding = Encoding(model, model.preprocess(rgb).to(device))
            for _ in work(encoding, said):
                yield Progress(done, len(pictures.all), said)
            answer = decode(model, encoding.memory, UNTOUCHED)
            size = one.size if min(one.size) > 0 else shown_size(one.path) or (rgb.shape[1], rgb.shape[0])
            table.add(idents[done], one, size, answer.boxes[-1], answer.labels[-1], answer.scores[-1])
        if not table.images:
            raise LabError("{name}: none of its pictures can be read.", name=Path(params.folder).name)
        beside = table.write(Path(params.place))
        truth, images = (beside, "") if pictures.classes else ("", beside)
        yield Written(
            len(table.images), len(table.results), params.place, truth, pictures.held_back, skipped, first, images
        )  # fmt: skip


def _model(params: ResultsParams) -> tuple[Detr, str]:
    """The model, and what tells the pictures that it was trained on, if that is known."""
    if params.source == TRAINED_HERE and params.weights is not None:
        made = params.weights.made_of
        return from_weights(params.weights), made.mark or made.folder if isinstance(made, Made) else ""
    model = load_checkpoint(params.source)
    return model, model.trained_on


def _pictures(folder: Path, trained_on: str) -> Told:
    """All pictures of a folder; of the one that the model was trained on those that were held back."""
    begun = Progress(0, 0, Message("Reading annotations in {name}", {"name": folder.name}))
    if is_boxes_folder(folder):
        found = yield from aside(mapped(reading(folder), lambda _: begun), begun)
        own = trained_on in (found.mark, str(folder)) and found.validation is not found.training
        every = found.validation if own else dict.fromkeys((*found.training, *found.validation))
        return Pictures(sorted(every, key=lambda one: one.path), found.classes, own, found.numbers)
    names = sorted(name for name in names_in(folder, limits.FOLDER_FILES) if name.lower().endswith(SUFFIXES))
    if not names:
        raise LabError("{name}: there are no pictures in this folder.", name=folder.name)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), (0, 0)
    return Pictures([Annotated(folder / name, *nothing) for name in names], (), False)


class Table:
    """What is written.

    Parameters
    ----------
    labels : list of str
        Classes of the model.
    classes : tuple of str
        Those of the pictures' own boxes. A class of both has one number.
    numbers : tuple of int
        Of ``classes``; empty: new ones, from 1.
    home : Path
        The folder that file names start from.
    """

    def __init__(self, labels: list[str], classes: tuple[str, ...], numbers: tuple[int, ...], home: Path) -> None:
        self.numbers = dict(zip(classes, numbers or range(1, len(classes) + 1), strict=True))
        others = [name for name in dict.fromkeys(labels) if name not in self.numbers]
        self.numbers |= {name: number for number, name in enumerate(others, max(self.numbers.values(), default=0) + 1)}
        self.labels, self.classes, self._home = labels, classes, home
        self.images: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.truth: list[dict[str, Any]] = []

    def add(
        self, number: int, one: Annotated, size: tuple[int, int], boxes: np.ndarray, labels: np.ndarray,
        scores: np.ndarray,
    ) -> None:  # fmt: skip
        """One picture with its number: its own boxes, and those found (n, 4), both xyxy in shares of it."""
        name = os.path.relpath(one.path, self._home) if one.path.is_relative_to(self._home) else str(one.path)
        self.images.append({"id": number, "file_name": name.replace(os.sep, "/"), "width": size[0], "height": size[1]})
        for box, label, score in zip(boxes.tolist(), labels.tolist(), scores.tolist(), strict=True):
            found = self._entry(number, self.labels[label], box, size)
            self.results.append({**found, "score": round(score, 6)})
        for box, label in zip(one.boxes.tolist(), one.labels.tolist(), strict=True):
            entry = self._entry(number, self.classes[label], box, size)
            area = round(entry["bbox"][2] * entry["bbox"][3], 2)
            self.truth.append({"id": len(self.truth) + 1, **entry, "area": area, "iscrowd": 0})

    def _entry(self, image: int, name: str, box: list[float], size: tuple[int, int]) -> dict[str, Any]:
        x0, x1 = box[0] * size[0], box[2] * size[0]
        y0, y1 = box[1] * size[1], box[3] * size[1]
        bbox = [round(value, DIGITS) for value in (x0, y0, x1 - x0, y1 - y0)]
        return {"image_id": image, "category_id": self.numbers[name], "bbox": bbox}

    def write(self, place: Path) -> str:
        """Write the results and beside them the ground truth, or the images and categories alone; returns its place.

        Raises
        ------
        WriteError
            Naming file and reason.
        """
        names = [{"id": number, "name": name} for name, number in self.numbers.items()]
        head = {"images": self.images, "categories": names}
        beside = place.with_name(f"{place.stem}{TRUTH if self.classes else IMAGES}.json")
        for path in (place, beside):
            if os.path.lexists(path):
                raise files.WriteError(path, Message("a file of that name exists"))
        files.write(beside, json.dumps({**head, "annotations": self.truth}), folder=False)
        files.write(place, json.dumps(self.results), folder=False)
        return str(beside)
