"""Detecting in a whole folder: the files that the tab "Average precision" opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app import words
from app.folders import show_in_folder
from app.lastfolder import OPENED, SAVED, keep, start_in
from app.shell import Host
from app.transport import training_stream
from app.widgets import WideButton
from engines.core import files
from engines.core.errors import Message
from engines.core.protocol import Ended, Progress
from engines.detr.results.spec import ResultsParams, Written
from engines.detr.spec import DetrParams, ModelInfo

DETECTOR = "engines.detr.results.detector:FolderDetector"
TIP = (
    "Every picture of a folder goes through this model. The boxes are written as COCO results, the folder's own boxes "
    "as ground truth beside them: both open in Average precision."
)


class FolderDetection(QObject):
    """A button, and the job behind it: a guest of the lane, like a training.

    Parameters
    ----------
    host : Host
        Says how it goes.
    params : callable
        The settings of the page: which model.
    """

    def __init__(self, host: Host, params: Callable[[], DetrParams]) -> None:
        super().__init__(host if isinstance(host, QObject) else None)
        self._host, self._params, self._number = host, params, 0
        self.stream = training_stream(host.shell.lane, DETECTOR, self)
        self.stream.device = host.shell.settings.device
        self.stream.arrived.connect(self._arrived)
        self.stream.busy.connect(self._busy)
        self.button = WideButton("Detect in a folder", "folder", tip=TIP)
        self.button.hide()  # until a model is known that sees photos
        self.button.clicked.connect(lambda _checked=False: self._clicked())

    def show_model(self, info: ModelInfo) -> None:
        """Offer it for a model that sees photos."""
        self.button.setVisible(not info.toy)

    def _busy(self, busy: bool) -> None:
        words.say(self.button, "setText", "Cancel" if busy else "Detect in a folder")

    def _clicked(self) -> None:
        if self.stream.is_busy:
            self.stream.stop()
            return
        title = words.tr("A folder with pictures")
        folder = QFileDialog.getExistingDirectory(self.button, title, str(start_in(self.button, OPENED)))
        if not folder:
            return
        keep(self.button, OPENED, folder, folder=True)
        start = files.free(start_in(self.button, SAVED, f"{Path(folder).name}-detections.json"))
        title = words.tr("Save the detections")
        place, _ = QFileDialog.getSaveFileName(
            self.button, title, str(start), "*.json", "", QFileDialog.Option.DontConfirmOverwrite
        )
        if place:
            keep(self.button, SAVED, place)
            self.detect(Path(folder), files.free(Path(place).with_suffix(".json")))

    def detect(self, folder: Path, place: Path) -> None:
        """Look at every picture of a folder, and write what is found to a file that is not there yet."""
        self._number += 1
        params = self._params()
        asked = ResultsParams(params.source, params.weights, str(folder), str(place), self._number)
        self.stream.request(asked)

    def _arrived(self, event: Any) -> None:
        match event:
            case Progress():
                self._host.tell(event.text)
            case Written():
                self._host.tell(Message("Saved: {name}", {"name": Path(event.place).name}))
                place = Path(event.place)
                self._host.complain(_said(event), "Show in folder", lambda: show_in_folder(place), word="Note")
            case Ended() if event.error is not None:
                self._host.complain(event.error)
                self._host.shell.log(event)
            case Ended() if event.cancelled:
                self._host.tell(Message("Nothing was written."))


def _said(written: Written) -> Message:
    values = {
        "n": words.number(written.pictures), "boxes": words.number(written.boxes), "name": Path(written.place).name,
        "truth": Path(written.truth).name, "images": Path(written.images).name,
    }  # fmt: skip
    text = Message("{n} {n:picture|pictures}, {boxes} boxes: {name}.", values)
    if written.truth:
        text = Message("{told} Drop it with {truth} on the tab Average precision.", {**values, "told": text})
    if written.images:
        text = Message("{told} {images} names its images and classes.", {**values, "told": text})
    if written.held_back:
        text = Message("{told} Only validation pictures, since the model was trained on the others.", {"told": text})
    if written.skipped:
        left = {"told": text, "k": words.number(written.skipped), "first": written.first}
        text = Message("{told} Pictures that can't be read: {k}. {first}", left)
    return text
