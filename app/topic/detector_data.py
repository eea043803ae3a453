"""What the page "Training" says of its data and of the model in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.theme import BODY, S2, SMALL
from app.widgets import button, col, label, quiet
from app.words import say
from engines.core.errors import Message

LISTED = 12  # faults in the tooltip
FOLDER_TIP = (
    "Pictures with boxes in COCO, Pascal VOC, YOLO or labelme format or a CSV table; dropping the folder does the same."
)

DRAW_TIP = "Photos without boxes: draw them here. They are saved in COCO format beside the photos."
DRAW = "Draw boxes on photos"


class DataBox(QWidget):
    """What is trained on, and the buttons that choose it.

    Parameters
    ----------
    draws : bool
        Boxes can be drawn on photos that have none.

    Signals
    -------
    opened, drawn_again, drawing
        A folder is to be chosen; drawn scenes are to be trained on again; boxes are to be drawn on photos.
    """

    opened = Signal()
    drawn_again = Signal()
    drawing = Signal()

    def __init__(self, draws: bool = False) -> None:
        super().__init__()
        self.name, self.note = label("Drawn scenes", BODY), quiet("", wrap=True)
        self.open = button("Open a folder", "folder", "boxed", FOLDER_TIP, SMALL, clicked=self.opened.emit)
        self.drawn = button("Drawn scenes", "shapes", "boxed", px=SMALL, clicked=self.drawn_again.emit)
        self.draw = button(DRAW, "add", "boxed", DRAW_TIP, SMALL, clicked=self.drawing.emit)
        for one in (self.open, self.draw, self.drawn):
            one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setLayout(col(self.name, self.note, self.open, self.draw, self.drawn, gap=S2))
        self.drawn.hide()
        if not draws:
            self.draw.hide()

    def show_run(self, began: Any) -> None:
        """Say what a run is trained on."""
        held = {"n": words.number(began.validation), "objects": words.number(began.objects)}
        if began.drawn:
            say(self.name, "setText", "Drawn scenes")
            say(
                self.note,
                "setText",
                Message("New scenes at each step; {n} for validation, with {objects} {objects:object|objects}", held),
            )
            self.note.setToolTip("")
            return
        say(self.name, "setText", words.plain(Path(began.params.folder).name))
        parts = {**held, "pictures": words.number(began.pictures), "classes": len(began.classes)}
        parts["most"] = words.number(began.largest)
        text = Message(
            "{classes} {classes:class|classes}; {pictures} {pictures:picture|pictures} for training, {n} with "
            "{objects} {objects:object|objects} for validation; up to {most} {most:object|objects} in a picture",
            parts,
        )
        if began.skipped:
            left = {"told": text, "skipped": words.number(began.skipped)}
            text = Message("{told}; annotations left out: {skipped}", left)
        if began.crowds:
            text = Message(
                "{told}; crowds and difficult ones left out: {n}", {"told": text, "n": words.number(began.crowds)}
            )
        if began.unused:
            text = Message("{told}; {n} further pictures are not used", {"told": text, "n": words.number(began.unused)})
        say(self.note, "setText", text)
        self.note.setToolTip("\n".join(words.tr(fault) for fault in began.faults[:LISTED]))


def sizes(began: Any) -> Message:
    """How much of the model learns."""
    figures = {"n": words.number(began.learned), "all": words.number(began.parameters)}
    text = (
        "{n} of {all} parameters are trained" if began.learned < began.parameters else "{all} parameters, all trained"
    )
    return Message(text, figures)
