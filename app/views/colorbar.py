"""The scale of a map: name, both end values, a tick at the value under the pointer; its ends can be dragged."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Protocol

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QImage, QMouseEvent, QPainter, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme, words
from app.plots.typed import GraphicsView
from app.steady import ROOM, settle_later
from app.theme import S1, S2
from app.views.base import LEFT, PixelView, text_width, write
from app.words import Text


def scale_end(value: float) -> str:
    """An end of a scale in two digits: ``0``, ``0.027``, ``1``, ``12.5``."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = int(np.clip(1 - np.floor(np.log10(size)), 0, 6)) if size < 100 else 0
    text = words.number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


STUB = 16  # px, the least of a bar that still shows its ramp
THICK = 8  # px
FINE = 1000  # parts of the scale that a drag of an end is rounded to


def menu_of(item: pg.PlotItem) -> Iterator[QWidget]:
    """The widgets of pyqtgraph's own menu, which is never shown: some fifty for each plot."""
    roots = {part.window() for part in vars(item.ctrl).values() if isinstance(part, QWidget)}
    for root in {item.ctrlMenu, *roots}:
        yield root
        yield from root.findChildren(QWidget)


class Stretches(Protocol):
    """A view whose scale can be given other ends.

    Attributes
    ----------
    color_bars : tuple of QWidget
        The bars that belong to it; they go into a figure with it.
    """

    color_bars: tuple[QWidget, ...]

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color from the first end to the second; None: from end to end of the values."""


class ColorBar(PixelView):
    """A bar 8 px thick in a line of 16 px, as wide as there is room.

    Where it is ``turned``, the ramp's first color stands for the largest value.

    Its ends are dragged by the handles that show under the pointer; a double click puts them back. Of a scale with
    zero in its middle both ends move, so that it stays there.

    Signals
    -------
    stretched : (float, float) or None
        Ends of the whole ramp, as the hand has chosen; None when they are put back. See `drive`.
    """

    is_list = True

    stretched = Signal(object)
    item: pg.ColorBarItem | None = None
    _name: Text = ""
    _drives = False

    def __init__(self, name: Text = "", ramp: str = "ember", least: int = 110, turned: bool = False) -> None:
        super().__init__((least, 16))
        self.setFixedHeight(16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.export_name = "color-bar"
        self._name, self._ramp, self._turned = name, ramp, turned
        self._low, self._high = 0.0, 1.0
        self._below = self._above = False
        self._mark: float | None = None
        self._least = least
        self._hand: tuple[float, float] | None = None  # ends that were dragged
        self.item = None  # see `ready`
        self._colored: np.ndarray | None = None  # what the bar was colored with
        self._place = QRectF()
        self._say_name()
        self._hold()

    def retranslated(self) -> None:
        """Say what the bar is, in the language of now."""
        self._say_name()
        super().retranslated()
        self._hold()
        self.updateGeometry()

    def restyled(self) -> None:
        """Theme or fonts changed."""
        super().restyled()
        self._color()
        self._hold()
        self.updateGeometry()

    def _say_name(self) -> None:
        self.setAccessibleName(words.drawn(self._name) or words.tr("Color scale"))

    def set_range(
        self, low: float, high: float, clipped: bool = False, name: Text | None = None, clipped_low: bool = False
    ) -> None:
        """Write both ends; a clipped end is written ``≥ 0.032``."""
        ends = low, high, clipped, clipped_low
        if ends == (self._low, self._high, self._above, self._below) and name in (None, self._name):
            return
        self._low, self._high, self._above, self._below = ends
        if name is not None and name != self._name:
            self._name = name
            self.put_back()  # it measures something else
        self._say_name()
        self._level()
        self.renew()
        self._hold()

    def drive(self, *views: Stretches) -> None:
        """Let these views follow when an end is dragged; without any, there is nothing to drag."""
        self._drives = True
        for view in views:
            view.color_bars = (*view.color_bars, self)
            self.stretched.connect(view.stretch)

    def for_maps(self, low: float, high: float) -> tuple[float, float]:
        """Where the whole ramp begins and ends while the bar runs from ``low`` to ``high``."""
        return low, high

    def setVisible(self, visible: bool) -> None:
        """Come or go; a bar that goes takes the ends that were dragged with it."""
        super().setVisible(visible)
        if not visible:
            self.put_back()

    def put_back(self) -> None:
        """The scale is again what the values make it."""
        if self._hand is not None:
            self._hand = None
            self._level()
            self.renew()
            self.stretched.emit(None)

    @property
    def shown(self) -> tuple[float, float]:
        """The ends of the scale: those of the hand, else those of the values."""
        return self._hand or (self._low, self._high)

    def mark(self) -> float | None:
        """Where the tick stands, 0..1."""
        return self._mark

    def set_mark(self, share: float | None) -> None:
        """Put the tick at a share 0..1 of the bar, or take it away."""
        if share != self._mark:
            self._mark = share
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"scale": np.array(self.shown), "colors": self._colors()}

    def _colors(self) -> np.ndarray:
        """From the least to the largest value, uint8 (256, 3)."""
        colors = theme.ramp(self._ramp)
        return np.ascontiguousarray(colors[::-1]) if self._turned else colors

    def ends(self) -> tuple[str, str]:
        """Both end values as they are written; where values lie beyond one, it says so."""
        low, high = (scale_end(end) for end in self.shown)
        below, above = self._below or self.shown[0] > self._low, self._above or self.shown[1] < self._high
        return (f"≤ {low}" if below else low), (f"≥ {high}" if above else high)

    def _need(self, bar: int) -> int:
        """Width of the texts with a bar of ``bar`` px between them."""
        low, high = self.ends()
        name = words.drawn(self._name)
        return ceil(sum(text_width(t) for t in (name, low, high)) + 2 * (S1 + 2) + (S2 if name else 0)) + bar

    def _hold(self) -> None:
        """Never narrower than the texts with a stub of the bar between them.

        Each new least width lays the whole window out, so while it changes one of about the same length keeps the one
        before.
        """
        if self.minimumWidth() == self.maximumWidth():
            return  # somebody has fixed it
        need, has = max(self._least, self._need(STUB)), self.minimumWidth()
        if not ROOM * has <= need <= has:
            self.setMinimumWidth(min(need, self.maximumWidth()))
        elif need != has:
            settle_later(self)

    def settle(self) -> None:
        """Take just the room of what is written."""
        if self.minimumWidth() != self.maximumWidth():
            need = min(max(self._least, self._need(STUB)), self.maximumWidth())
            if need != self.minimumWidth():
                self.setMinimumWidth(need)

    def sizeHint(self) -> QSize:
        return QSize(max(self.minimumWidth(), self._need(60)), 16)

    def report(self) -> str:
        low, high = self.ends()
        return f"{words.drawn(self._name)} {low} … {high}".replace("…", "–").strip()

    # -- the bar
    def showEvent(self, event: QShowEvent) -> None:
        self._lay()
        super().showEvent(event)

    def ready(self) -> None:
        """Make the handles, as the pointer does when it first comes to a bar that drives something.

        Each such item takes 10 ms and has some fifty widgets of a menu that is never shown. Until then the ramp is
        painted as the item would.
        """
        if self.item is None:
            self.item = self._make()
        self._lay()

    def resized(self) -> None:
        self._lay()

    def renew(self) -> None:
        self._lay()
        super().renew()

    def _lay(self) -> None:
        """Put the bar between its texts."""
        low, high = self.ends()
        name = words.drawn(self._name)
        left = sum(text_width(text) + gap for text, gap in ((name, S2), (low, S1 + 2)) if text)
        wide = self.width() - left - text_width(high) - S1 - 2
        self._place = QRectF(round(left), (self.height() - THICK) // 2, max(THICK, round(wide)), THICK)
        if self.item is not None:
            self.item.setGeometry(self._place)
            self.item.layout.activate()

    def _make(self) -> pg.ColorBarItem:
        made = pg.ColorBarItem(self.shown, THICK, orientation="horizontal", colorMapMenu=False)
        for side in ("left", "right", "top", "bottom"):
            made.hideAxis(side)  # the ends are written beside it
        made.layout.setContentsMargins(0, 0, 0, 0)
        made.setZValue(1)
        made.region.hide()
        made.sigLevelsChanged.connect(self._dragged)
        made.sigLevelsChangeFinished.connect(self._level)
        for widget in menu_of(made):  # such widgets cost nothing when the style sheet changes
            widget.setAttribute(Qt.WidgetAttribute.WA_WState_Polished, False)
            widget.setAttribute(Qt.WidgetAttribute.WA_SetStyle)
            QCoreApplication.removePostedEvents(widget, QEvent.Type.PolishRequest)
        self.scene().addItem(made)
        self.item = made
        self._color()
        self._level()
        return made

    def _color(self) -> None:
        if self.item is None:
            return
        colors = self._colors()
        if self._colored is None or not np.array_equal(colors, self._colored):
            self._colored = colors
            self.item.setColorMap(pg.ColorMap(None, colors))
        for line in self.item.region.lines:
            line.setPen(theme.color("control"))
            line.setHoverPen(theme.color("accent"))

    def _level(self, *_: object) -> None:
        if self.item is not None:
            low, high = self.shown
            self.item.rounding = max(abs(high - low), 1e-30) / FINE
            with pg.SignalBlock(self.item.sigLevelsChanged, self._dragged):
                self.item.setLevels((low, high))

    def _dragged(self, item: pg.ColorBarItem) -> None:
        low, high = (float(end) for end in item.levels())
        if self._low == -self._high:  # zero stays in the middle, whichever end the hand has taken
            by = max(high - item.hi_prv, item.lo_prv - low, key=abs)
            low, high = -item.hi_prv - by, item.hi_prv + by
        if high > low:
            self._hand = low, high
            self.renew()
            self.stretched.emit(self.for_maps(*self._hand))

    # -- hand
    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        if self._drives:
            self.ready()
        if self.item is not None and self._drives:
            self.item.region.show()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self.item is not None:
            self.item.region.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._drives:
            self.ready()  # a finger comes without entering
        GraphicsView.mousePressEvent(self, event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        GraphicsView.mouseMoveEvent(self, event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        GraphicsView.mouseReleaseEvent(self, event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.put_back()

    def fit(self) -> None:
        self.put_back()

    # -- painting
    def draw(self, painter: QPainter) -> None:
        (low, high), name, x = self.ends(), words.drawn(self._name), 0.0
        for text, gap in ((name, S2), (low, S1 + 2)):
            if text:
                write(painter, QRectF(x, 0, 200, 16), text, align=LEFT)
                x += text_width(text) + gap
        if self.item is None:
            colors = self._colors()
            ramp = QImage(colors.data, len(colors), 1, 3 * len(colors), QImage.Format.Format_RGB888)
            painter.drawImage(self._place, ramp)
        if self._mark is not None:
            at = round(self._place.x() + min(1.0, max(0.0, self._mark)) * (self._place.width() - 1))
            painter.fillRect(QRectF(at - 1, 1, 2, 14), theme.color("text"))
        write(painter, QRectF(self._place.right() + S1 + 2, 0, 200, 16), high, align=LEFT)
