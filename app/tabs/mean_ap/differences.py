"""What is counted otherwise here than by pycocotools, VOC's development kit and TIDE, as a sheet to read.

The same table, with where each line is tested, is assets/differences-from-pycocotools.md.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.sheet import Sheet
from app.words import Text
from engines.core.errors import Message

WIDE, FIRST = 760, 250
TITLE = Message("What differs from pycocotools")
PEER = "pycocotools 2.0.11"
SAME = (
    "Average precision in COCO's style is the number that pycocotools 2.0.11 gives, to the last digits of a float, for "
    "files that keep to the format. Where a file does not, or where pycocotools counts what nobody means, this is what "
    "is done here."
)
VOC = (
    "Pascal VOC's styles follow the challenge's development kit and not COCO's matching: a detection whose nearest "
    "object is taken is wrong, even if another object of its class is near; all detections count, not the best 100; "
    "difficult objects and crowds are neither found nor wrong."
)
TIDE = (
    'TIDE 1.0 (Bolya et al. 2020) names six kinds of mistakes. "Both" is here, as there, another class\'s object at an '
    "IoU of 0.1 or more and below the threshold. Duplicates come first here, before the wrong class."
)
LEFT_OUT = Message("left out, counted, the first one named")
FAILS = Message("ends with an error")
NOT_FOUND = Message("an object that nobody can find")

#: What a file holds, what pycocotools makes of it, what is made of it here.
ROWS: tuple[tuple[Message, Message, Message], ...] = (
    (Message("an annotation with the id 0, found exactly"),
     Message('AP 0.0: 0 stands for "no match" in its tables'), Message("AP 1.0")),
    (Message("annotations with equal ids"),
     Message("the last box counts as often as there are annotations of that id"), Message("each box counts once")),
    (Message('iscrowd as text, "0"'), Message("a crowd"), Message('not a crowd; "1" and "true" are')),
    (Message("an annotation whose box is not a number (NaN)"),
     Message("found by whatever detection comes: comparisons with NaN are false"), LEFT_OUT),
    (Message("an annotation of negative width"), NOT_FOUND, LEFT_OUT),
    (Message("an area that is negative"),
     Message("in no range of sizes, so never counted; who finds it is not counted either"),
     Message("width × height")),
    (Message("an area or iscrowd that is missing or null"), FAILS, Message("width × height; not a crowd")),
    (Message("annotations without bbox"), FAILS, Message("the box of the mask, the polygons or the keypoints")),
    (Message("annotations of images or classes that are not in the file"), Message("not seen"), LEFT_OUT),
    (Message("results of images that the ground truth does not name"), FAILS,
     Message("left out and counted; found by file name if none is known by id")),
    (Message("results with a score that is not a number"), Message("sorted last, counted as wrong"), LEFT_OUT),
    (Message("results inside an object (annotations with scores)"), FAILS,
     Message("results, found by the names of images and classes")),
    (Message("results that are masks alone"),
     Message("the area of the mask decides the range of sizes of a detection"),
     Message("the area of its box does")),
    (Message("results as JSON Lines"), FAILS, Message("read as the list of them")),
)  # fmt: skip


class Differences(Sheet):
    """A table of three columns: what a file holds, and what is made of it there and here."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, TITLE, WIDE)
        self.line(Message(SAME))
        pairs: list[tuple[Text, Text]] = [
            (what, Message("{peer}: {theirs}. Here: {here}.", {"peer": PEER, "theirs": theirs, "here": here}))
            for what, theirs, here in ROWS
        ]
        self.pairs(pairs, FIRST)
        self.heading(words.plain("Pascal VOC, TIDE"))
        self.line(Message(VOC))
        self.line(Message(TIDE))
