"""Reads pictures for the window on a thread of its own, so that a large photo never makes it wait.

The newest request wins: what is still being decoded when another picture is asked for is not shown any more.
Thumbnails of the film strip are made in the time between. Pillow is imported on that thread, too: the functions
below that need it import it themselves, since importing it with this module would delay the first paint.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColorSpace, QImage

from app.drops import STAYS
from engines.core.errors import LabError, Message
from engines.core.pictures import Picture

THUMBNAIL = 96  # pixels of the longer side


class PictureReader(QObject):
    """The reading thread and its answers, which arrive on the GUI thread.

    Call `close` before the object goes: it ends and joins the thread.

    Signals
    -------
    opened : Picture
    refused : Message
        Names the picture and the reason, and says that the old one stays.
    thumbnail : Path, QImage
        File and small picture.
    unreadable : Path, Message
        In place of a thumbnail: why there is none.
    busy : bool
    """

    opened = Signal(object)
    refused = Signal(object)
    thumbnail = Signal(object, QImage)
    unreadable = Signal(object, object)
    busy = Signal(bool)
    _done = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._ticket = 0  # counts requests; answers to older ones are dropped
        self._wanted: tuple[int, Callable[[], Picture]] | None = None
        self._small: deque[Path] = deque()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._done.connect(self._answer)

    def open(self, path: str | Path) -> None:
        """Read a file; `opened` or `refused` follows, unless another request comes first."""
        self._ask(lambda: _read(Path(path)))

    def open_sample(self, name: str = "") -> None:
        """Read a sample photo; without a name the first there is."""
        self._ask(lambda: _sample(name))

    def open_image(self, image: QImage, name: str) -> None:
        """Take a picture that came without a file; transparent parts become white."""
        copy = image.copy()  # what the clipboard holds may change
        self._ask(lambda: from_qimage(copy, name))

    def make_thumbnails(self, paths: Sequence[Path]) -> None:
        """Make small pictures of these files, in this order; replaces an older list."""
        with self._wake:
            self._small = deque(paths)
            self._start()
            self._wake.notify()

    def close(self) -> None:
        """End the thread; a picture just being decoded is waited for."""
        with self._wake:
            self._closing = True
            self._wanted = None
            self._small.clear()
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _ask(self, read: Callable[[], Picture]) -> None:
        with self._wake:
            if self._closing:
                return
            self._ticket += 1
            self._wanted = (self._ticket, read)
            self._start()
            self._wake.notify()
        self.busy.emit(True)

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
            self._thread.start()

    def _answer(self, ticket: int, found: Picture | LabError) -> None:
        """On the GUI thread; a newer request may have been made since the answer was sent."""
        if ticket != self._ticket or self._closing:
            return
        self.busy.emit(False)
        if isinstance(found, Picture):
            self.opened.emit(found)
        else:
            self.refused.emit(Message(STAYS, {"refusal": found.message}))

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._wanted or self._small)
                if self._closing:
                    return
                wanted, self._wanted = self._wanted, None
                path = self._small.popleft() if wanted is None else None
            if wanted is not None:
                ticket, read = wanted
                self._done.emit(ticket, _tried(read))
            elif path is not None:
                self._tell_small(path)

    def _tell_small(self, path: Path) -> None:
        try:
            image = _thumbnail(path)
        except LabError as error:
            self.unreadable.emit(path, error.message)
        else:
            self.thumbnail.emit(path, image)


def from_qimage(image: QImage, name: str) -> Picture:
    """A picture from Qt's own, on white; raises LabError if it is empty or too large."""
    from engines.data.pictures import from_rgba

    if image.isNull():
        raise LabError("{name}: not an image.", name=Message(name))
    flat, space = image.convertToFormat(QImage.Format.Format_RGBA8888), image.colorSpace()
    if space.isValid() and space != QColorSpace(QColorSpace.NamedColorSpace.SRgb):
        meant = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb), flat.format())
        flat = flat if meant.isNull() else meant  # none: a space for other colors than these
    lines = np.frombuffer(flat.constBits(), np.uint8).reshape(flat.height(), flat.bytesPerLine())
    return from_rgba(lines[:, : 4 * flat.width()].reshape(flat.height(), flat.width(), 4), name)  # lines are padded


def to_qimage(rgb: npt.NDArray[np.uint8]) -> QImage:
    """Qt's own picture from uint8 (H, W, 3)."""
    rgb = np.ascontiguousarray(rgb)
    high, wide = rgb.shape[:2]
    return QImage(rgb.data, wide, high, 3 * wide, QImage.Format.Format_RGB888).copy()


def _read(path: Path) -> Picture:
    from engines.data.pictures import read_picture

    return read_picture(path)


def _sample(name: str) -> Picture:
    from engines.data.samples import sample

    return sample(name)


def _tried(read: Callable[[], Picture]) -> Picture | LabError:
    try:
        return read()
    except LabError as error:
        return error


def _thumbnail(path: Path) -> QImage:
    from engines.data.pictures import read_picture

    image = to_qimage(read_picture(path, keep=THUMBNAIL * THUMBNAIL * 4).rgb)
    size = QSize(THUMBNAIL, THUMBNAIL)
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
