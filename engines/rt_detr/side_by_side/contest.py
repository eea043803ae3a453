"""Several detectors on the same pictures with known boxes: average precision as it grows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines.blocks.average_precision import measure
from engines.blocks.detections import flatten
from engines.blocks.detectors import Found
from engines.core import limits
from engines.core.aside import aside
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Progress
from engines.core.reading import finish, mapped
from engines.data.boxes_folder import Annotated, reading
from engines.data.scene_sets import VALIDATION, scenes
from engines.data.scenes import KINDS, Scene
from engines.rt_detr.side_by_side.spec import Compared

SCENES = 40
OFTEN = 10  # pictures between two tellings, at first


def to_look_at(training: Sequence[Annotated], validation: Sequence[Annotated]) -> list[Annotated]:
    """Those to validate on where the folder itself keeps them apart, else all, by their places."""
    apart = {one.path.parent for one in training}.isdisjoint(one.path.parent for one in validation)
    every = validation if apart and validation else dict.fromkeys((*training, *validation))
    return sorted(every, key=lambda one: one.path)


Look = Callable[[np.ndarray], Generator[Event, None, list[tuple[Found, tuple[str, ...]]]]]


class Contest:
    """What all have found so far; a run that was cut short goes on.

    Parameters
    ----------
    names : sequence of str
        Of the detectors.
    folder : str
        With boxes; empty: drawn scenes.
    """

    def __init__(self, names: Sequence[str], folder: str) -> None:
        self.names, self.folder = tuple(names), folder
        self._pictures: list[Annotated] | list[Scene] = []
        self._classes: tuple[str, ...] = ()
        self._truth: list[dict[str, np.ndarray]] = []
        self._found: list[list[dict[str, np.ndarray]]] = [[] for _ in names]
        self._spent = np.zeros(len(self.names))
        self._next, self._skipped = 0, 0
        self._left_out = 0
        self._first: Message | None = None
        self._told: Compared | None = None

    def said(self) -> Message:
        """How far it is."""
        return Message("{n} of {total} pictures", {"n": self._next, "total": len(self._pictures)})

    def run(self, look: Look) -> Generator[Event, None, None]:
        """Look at all pictures that are left, and tell."""
        if not self._pictures:
            yield from self._read()
        while self._next < len(self._pictures):
            yield Progress(self._next, len(self._pictures), self.said())
            one = self._pictures[self._next]
            try:
                rgb = one.rgb if isinstance(one, Scene) else one.pixels(limits.KEPT_PIXELS)
            except LabError:
                self._skipped += 1
                self._next += 1
                continue
            found = finish(look(rgb)) if isinstance(one, Scene) else (yield from look(rgb))  # those take no time
            self._add(one, rgb.shape[:2], found)
            self._next += 1
            if self._next < len(self._pictures) and self._next % max(OFTEN, self._next // 10 // OFTEN * OFTEN) == 0:
                yield self._tell()
        yield self._told if self._told is not None and self._told.pictures == self._next else self._tell()

    def _read(self) -> Generator[Event, None, None]:
        if not self.folder:
            self._pictures, self._classes = scenes(VALIDATION, SCENES), KINDS
            return
        folder = Path(self.folder)
        begun = Progress(0, 0, Message("Reading annotations in {name}", {"name": folder.name}))
        there: Any = yield from aside(mapped(reading(folder), lambda _: begun), begun)
        self._pictures, self._classes = to_look_at(there.training, there.validation), there.classes
        self._left_out, self._first = there.skipped, next(iter(there.faults), None)

    def _add(
        self, one: Annotated | Scene, size: tuple[int, int], found: Sequence[tuple[Found, tuple[str, ...]]]
    ) -> None:
        """One picture of ``size`` (height, width): boxes in pixels, classes by name."""
        if not isinstance(one, Scene) and min(one.size) > 0:
            size = one.size[1], one.size[0]  # small objects are those of so few pixels of the picture as it lies there
        scale = np.array([size[1], size[0], size[1], size[0]], np.float32)
        number = {name.casefold(): index for index, name in enumerate(self._classes)}
        self._truth.append({"boxes": np.asarray(one.boxes, np.float32) * scale, "labels": np.asarray(one.labels)})
        for way, (each, classes) in enumerate(found):
            labels = np.array([number.get(classes[label].casefold(), -1) for label in each.labels.tolist()], np.int64)
            known = labels >= 0  # a class that the folder does not know is not held against anybody
            middle, half = each.boxes[:, :2], each.boxes[:, 2:] / 2
            corners = np.concatenate([middle - half, middle + half], 1) * scale
            self._found[way].append({"boxes": corners[known], "labels": labels[known], "scores": each.scores[known]})
            self._spent[way] += each.milliseconds

    def _tell(self) -> Compared:
        every = [measure(flatten(self._truth, found)) for found in self._found] if self._truth else []
        done = max(1, len(self._truth))
        self._told = Compared(
            self.names,
            np.array([one.ap for one in every], np.float32),
            np.array([one.ap50 for one in every], np.float32),
            tuple((self._spent / done).tolist()),
            self._next,
            len(self._pictures),
            self._skipped,
            Path(self.folder).name if self.folder else "",
            self._left_out,
            self._first,
        )
        return self._told
