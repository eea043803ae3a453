"""Pin a view as A, and see A, the view as it is now, and the signed difference side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QDialog, QLabel, QStackedLayout, QWidget
from shiboken6 import isValid

from app import export, words
from app.export import Exportable
from app.figure import caption_of
from app.images import to_qimage
from app.plots.curves import Curve, Curves
from app.resting import at_rest, page_of, rest
from app.session.pin import Pin, as_maps, curves_in, differences
from app.theme import S3, S4
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.widgets import MenuButton, WideButton, box, col, label, quiet, row
from engines.core import limits
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

LOOK = 400  #: ms between two looks at whether the view has changed
MOST = 144  #: maps that are shown of a difference
MAP = 3  #: numbers of an array at least to be looked at by itself: fewer are the ends of a color bar, a setting
SIZE = QSize(1000, 460)
BOTH = "A dashed, now solid"


def place_of(view: QWidget) -> str:
    """What a view's pin is kept under: topic, page, and the view among those of the page."""
    window, page = cast("Window", view.window()), page_of(view)
    # of its own kind alone: what a plain widget lacks PySide looks for in vain, a fifth of a second for a whole page
    alike = [one for one in page.findChildren(type(view)) if _name(one) == _name(view)]
    tab = window.tab
    where = f"{tab.topic.name}.{tab.now.name()}" if tab is not None else ""
    return f"{where}/{_name(view)}/{alike.index(view) if view in alike else 0}"


def _name(view: QWidget) -> str:
    return str(getattr(view, "export_name", "view"))


def taken(view: QWidget) -> Pin:
    """A view as it is, with nothing pointed at."""
    rest(view)
    return Pin(caption_of(view), rgb_of(export.picture(view, 1)), numbers_of(view))


def numbers_of(view: QWidget) -> dict[str, np.ndarray]:
    """Copies of the numbers behind a view."""
    found = view.numbers() if isinstance(view, Exportable) else {}
    return {name: np.array(array) for name, array in found.items() if np.asarray(array).dtype.kind in "biuf"}


def rgb_of(image: QImage) -> np.ndarray:
    """The pixels of a picture, uint8 (h, w, 3)."""
    made = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(made.constBits(), np.uint8).reshape(made.height(), made.bytesPerLine())
    return lines[:, : 3 * made.width()].reshape(made.height(), made.width(), 3).copy()


def pin(view: QWidget) -> None:
    """Keep a view as A."""
    window = cast("Window", view.window())
    pins, place = window.session.pins, place_of(view)
    pins.pop(place, None)  # the newest stands last
    pins[place] = taken(view)
    while len(pins) > limits.SESSION_PINS:
        del pins[next(iter(pins))]
    if window.tab is not None:
        window.tab.tell(Message("Pinned as A. Change something, then compare it with A."))


def pinned(view: QWidget) -> Pin | None:
    """What a view was pinned as; None where it was not, or stands in no window of tabs."""
    session = getattr(view.window(), "session", None)
    return None if session is None else session.pins.get(place_of(view))


def compare(view: QWidget) -> None:
    """Open the comparison of a view with its A, with nothing pointed at: the menu was opened by pointing."""
    if (before := pinned(view)) is not None:
        at_rest(view, lambda: Comparison(view, before).show())


class Scaled(QLabel):
    """A picture as large as there is room, never larger than it is."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(160, 120)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._whole = QPixmap()

    def set_picture(self, rgb: np.ndarray) -> None:
        """Show uint8 (h, w, 3)."""
        self._whole = QPixmap.fromImage(to_qimage(rgb))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._whole.isNull():
            room = self.size().boundedTo(self._whole.size())
            smooth = Qt.TransformationMode.SmoothTransformation
            self.setPixmap(self._whole.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, smooth))


class Comparison(QDialog):
    """A, now, and now minus A; what is shown now follows the view.

    Parameters
    ----------
    view : QWidget
    before : Pin
    """

    def __init__(self, view: QWidget, before: Pin) -> None:
        super().__init__(view.window())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words.say(self, "setWindowTitle", "Compare with A")
        self._view, self._before = view, before
        self._of_curves = isinstance(view, Curves) or bool(getattr(view, "is_history", False))
        self._seen: dict[str, np.ndarray] | None = None
        self.found: dict[str, np.ndarray] = {}
        self.old, self.now = Scaled(), Scaled()
        self.maps, self.bar = Mosaic(captions=False), ColorBar(Message("Difference"), "diff")
        self.bar.drive(self.maps)
        self.curves = Curves(zero=False)
        self.none = quiet("The numbers of A and of now have other shapes: there is no difference to show.", wrap=True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.which = MenuButton()
        self.which.chosen.connect(lambda _at: self._draw())
        self._pages = QStackedLayout()
        for page in (box(col((self.maps, 1), self.bar)), box(col((self.curves, 1), self.curves.key)), self.none):
            self._pages.addWidget(page)
        self.said, self.says = quiet(words.plain(before.caption), wrap=True), quiet("", wrap=True)
        third = col((self._pages, 1))
        columns = (
            col(label(words.plain("A"), bold=True), (self.old, 1), self.said),
            col(label("Now", bold=True), (self.now, 1), self.says),
            col(row(label(BOTH if self._of_curves else "Now − A", bold=True), 1, self.which), (third, 1)),
        )
        again, close = WideButton("Pin what is shown now as A"), WideButton("Close")
        again.clicked.connect(lambda _checked=False: self._pin())
        close.clicked.connect(lambda _checked=False: self.close())
        inside = row(*((one, 1) for one in columns), gap=S4)
        self.setLayout(col((inside, 1), row(1, again, close), gap=S3, pad=(S4, S4, S4, S4)))
        self.resize(SIZE.boundedTo(view.window().size()))
        self.old.set_picture(before.shown)
        self._timer = QTimer(self, interval=LOOK)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        view.destroyed.connect(self.reject)
        self.look()

    def look(self) -> None:
        """Show the view as it is, if it is another than before."""
        if not isValid(self._view) or not self._view.isVisible():
            return
        numbers = numbers_of(self._view)
        if self._seen is not None and _same(self._seen, numbers):
            return
        self._seen = numbers
        self.now.set_picture(rgb_of(export.picture(self._view, 1)))
        words.say(self.says, "setText", words.plain(caption_of(self._view)))
        chosen = dict(enumerate(self.found)).get(self.which.at(), "")
        self.found = telling(differences(self._before.arrays, numbers))
        if self._of_curves:
            self.which.hide()
        else:
            names = list(self.found)
            at = names.index(chosen) if chosen in names else 0
            self.which.set_options([_titled(name, array) for name, array in self.found.items()], at)
            self.which.setVisible(len(names) > 1)
        self._draw()

    def _draw(self) -> None:
        if self._of_curves:
            self._draw_curves()
            return
        names = list(self.found)
        if not names:
            self._pages.setCurrentIndex(2)
            return
        at = max(0, min(self.which.at(), len(names) - 1))
        maps = as_maps(self.found[names[at]])[:MOST].astype(np.float32)
        end = float(np.abs(maps[np.isfinite(maps)]).max(initial=0.0)) or 1.0
        self.maps.set_maps(np.nan_to_num(maps, nan=0.0, posinf=end, neginf=-end), end, -end, "diff")
        self.bar.set_range(-end, end)
        self._pages.setCurrentIndex(0)

    def _draw_curves(self) -> None:
        """The curves of A, dashed, under those of now."""
        assert self._seen is not None
        drawn: list[Curve] = []
        for arrays, mark, dashed in ((self._before.arrays, "A: {name}", True), (self._seen, "{name}", False)):
            for at, (name, (x, y)) in enumerate(curves_in(arrays).items()):
                text = Message(mark, {"name": words.plain(name)})
                drawn.append(Curve(text, np.asarray(x, float), np.asarray(y, float), f"cat{at % 6}", dashed=dashed))
        self.curves.set_curves(drawn)
        self._pages.setCurrentIndex(1)

    def _pin(self) -> None:
        pin(self._view)
        found = pinned(self._view)
        if found is not None:
            self._before, self._seen = found, None
            self.old.set_picture(found.shown)
            words.say(self.said, "setText", words.plain(found.caption))
            self.look()


def telling(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Differences by name, without the ends of a color bar and the like, where there are others."""
    return {name: array for name, array in found.items() if array.size >= MAP} or found


def _titled(name: str, array: np.ndarray) -> Message:
    """What an array is called, as in a file of the numbers, and its shape."""
    title = words.known(name.replace("_", " ").capitalize())
    said = title if isinstance(title, Message) else Message(title)
    return Message("{name} ({shape})", {"name": said, "shape": " × ".join(map(str, array.shape))})


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
