"""Whether the boxes of a Pascal VOC data set count pixels from 1, as the challenge does, or from 0, as most tools do.

The format says that the first pixel is 1 and that the last one belongs to the box (Everingham et al. 2010, development
kit, "annotation format"). Of the programs that write it, supervision 0.31 does so; datumaro 1.13, globox 2.9, pylabel
0.1.55, Label Studio 2.1 and labelImg write the box's edges, counted from 0. No sheet says which was meant, so that a
data set is judged as a whole, by what can be seen in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from engines.core.errors import Message
from engines.data.box_faults import Faults, Raw

FRACTIONS = 0.2  #: share of the boxes; a few of the challenge's own have some (2011_003353)

#: what tools leave in a sheet's ``source/database`` or ``source/annotation``, and where they begin to count
_MARKS = {
    "roboflow.ai": 1,  # supervision
    "mydatabase": 0,  # Label Studio
    "unknown": 0,  # labelImg, datumaro, pylabel, CVAT
}
_CHALLENGE = "the voc"  # "The VOC2007 Database"

COUNTED = (
    "Pascal VOC boxes are read as 0-based: {why}.",
    "Pascal VOC boxes are read as 1-based: {why}.",
)


@dataclass
class Origin:
    """What was seen in the sheets of a data set.

    Attributes
    ----------
    boxes, zeros, ones, fractions, edges : int
        All boxes; those that begin at 0 or before; those that begin at 1; those with a fraction; those that end at
        the picture's width or height.
    marks : Counter of int
        Where the tools count from whose marks the sheets bear.
    challenge : int
        Sheets of the challenge itself.
    """

    boxes: int = 0
    zeros: int = 0
    ones: int = 0
    fractions: int = 0
    edges: int = 0
    marks: Counter[int] = field(default_factory=Counter)
    challenge: int = 0

    def see_source(self, database: str, annotation: str) -> None:
        """A sheet's marks."""
        if database.lower().startswith(_CHALLENGE) and annotation.upper().startswith("PASCAL VOC"):
            self.challenge += 1
        elif (first := _MARKS.get(database.lower())) is not None:
            self.marks[first] += 1

    def see_box(self, corners: tuple[float, ...], fraction: bool, size: tuple[int, int]) -> None:
        """A box as its sheet has it; ``fraction``: its numbers are written with a point."""
        self.boxes += 1
        self.zeros += min(corners[:2]) <= 0
        self.ones += 1 in corners[:2]
        self.fractions += fraction
        self.edges += size != (0, 0) and (corners[2] == size[0] or corners[3] == size[1])

    def first_pixel(self) -> tuple[int, Message]:
        """Where it counts from, 0 or 1, and why that is thought."""
        if self.zeros:
            return 0, Message("some begin at 0 ({n})", {"n": self.zeros})
        if self.challenge > sum(self.marks.values()):
            return 1, Message("the annotations are those of the VOC challenge")
        if self.fractions > FRACTIONS * self.boxes:
            return 0, Message("the coordinates have fractions")
        if self.marks and self.marks[0] != self.marks[1]:
            return int(self.marks[1] > self.marks[0]), Message("the tool that wrote the annotations counts so")
        if self.ones and self.edges:
            return 1, Message("some begin at 1 and some end at the edge, and none begins at 0")
        return 1, Message("this is the format's default, and nothing contradicts it")


def counted_from(raw: Raw, first: int, faults: Faults) -> None:
    """Turn boxes as sheets have them into edges in pixels, counted from 0; those without area are left out."""
    kept = []
    for box in raw.boxes:
        left, top, right, bottom = box.xyxy
        left, top = left - first, top - first  # the first pixel is 1, and the last one belongs to the box
        if right <= left or bottom <= top:
            faults.add(raw.file, box.line, Message("the box has no area"))
        else:
            kept.append(replace(box, xyxy=(left, top, right, bottom)))
    raw.boxes = kept
