"""Small tools of the scene editor: palette of shapes, row of backgrounds, color swatches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QStyle, QStyleOptionToolButton, QStylePainter, QToolButton

from app import icons, theme, words
from app.theme import CAPTION, S1, S2
from app.views.base import CENTER, PixelView, outline, pen, text_width, write
from app.views.filmstrip import FilmStrip
from app.widgets import Button

SWATCH = 26  #: px
ICON = 28  #: px


class PaletteButton(Button):
    """A kind of shape: a click adds one, a drag puts it where the hand lets go.

    Signals
    -------
    held : (kind, point)
        It is dragged over a point of the screen.
    dropped
        It was let go.
    """

    held = Signal(str, QPointF)
    dropped = Signal()

    def __init__(self, kind: str) -> None:
        super().__init__(kind, kind, "boxed", "Click to add, or drag onto the scene", CAPTION)
        self.kind = kind
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(58)
        self.setMaximumHeight(120)
        self._from: QPointF | None = None
        self._dragging = False

    def setText(self, text: str) -> None:
        """Below the icon no gap is wanted."""
        QToolButton.setText(self, text)

    def minimumSizeHint(self) -> QSize:
        """Room for icon and word."""
        return QSize(round(text_width(self.text(), CAPTION)) + 6, 58)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The style's panel, with icon and word together in the middle."""
        option = QStyleOptionToolButton()
        painter = QStylePainter(self)
        with painter:
            self.initStyleOption(option)
            option.text, option.icon = "", QIcon()
            painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
            on = self.isEnabled()
            top = (self.height() - ICON - 20) // 2
            shape = icons.pixmap(self.kind, "text" if on else "control", ICON)
            painter.drawPixmap(QPointF((self.width() - ICON) / 2, top), shape)
            word = QRectF(0, top + ICON + 4, self.width(), 16)
            write(painter, word, self.text(), theme.color("text" if on else "control"), CAPTION, align=CENTER)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._from, self._dragging = event.position(), False
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is not None and event.buttons() & Qt.MouseButton.LeftButton:
            far = (event.position() - self._from).manhattanLength() >= QApplication.startDragDistance()
            if self._dragging or far:
                self._dragging = True
                self.setDown(False)
                self.held.emit(self.kind, event.globalPosition())
                return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragged, self._dragging, self._from = self._dragging, False, None
        if dragged:
            self.setDown(False)
            self.dropped.emit()
            return
        super().mouseReleaseEvent(event)


class BackgroundStrip(FilmStrip):
    """The backgrounds to choose from, as they would look."""

    def __init__(self) -> None:
        super().__init__(height=82)
        self.export_name = "backgrounds"
        words.say(self, "setAccessibleName", "Background")


class Swatches(PixelView):
    """Colors to choose from; arrows walk.

    Signals
    -------
    chosen : int
    """

    is_list = True

    chosen = Signal(int)

    def __init__(self, colors: Sequence[tuple[int, int, int]], across: int = 6) -> None:
        lines = -(-len(colors) // across)
        super().__init__((across * (SWATCH + S2) - S2, lines * (SWATCH + S2) - S2 + 2))
        self.setFixedHeight(lines * (SWATCH + S2) - S2 + 2)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "colors"
        self._colors, self._across = tuple(colors), across
        self._at = self._hover = -1
        words.say(self, "setAccessibleName", "Color")

    def set_at(self, index: int) -> None:
        """Mark a color without telling anybody; −1 for none."""
        if index != self._at:
            self._at = index
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"colors": np.array(self._colors, np.uint8)}

    def report(self) -> str:
        return f"{self._at + 1} / {len(self._colors)}" if self._at >= 0 else ""

    def place(self, index: int) -> QRectF:
        """Where a color stands."""
        line, col = divmod(index, self._across)
        pitch = (self.width() - 2) / self._across
        return QRectF(round(1 + col * pitch), 1 + line * (SWATCH + S2), round(pitch - S2), SWATCH)

    def _index_at(self, point: QPointF) -> int:
        return next((i for i in range(len(self._colors)) if self.place(i).contains(point)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self._index_at(event.position()) if self.isEnabled() else -1
        if hover != self._hover:
            self._hover = hover
            self.update()

    def leaveEvent(self, _event: object) -> None:
        self._hover = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._choose(index)

    def walk(self, rows: int, cols: int) -> bool:
        new = min(len(self._colors) - 1, max(0, self._at + cols + rows * self._across))
        if new != self._at:
            self._choose(new)
        return True

    def _choose(self, index: int) -> None:
        self.set_at(index)
        self.tell()
        self.chosen.emit(index)

    def draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i, rgb in enumerate(self._colors):
            place = self.place(i)
            painter.setPen(pen(theme.color("control" if i != self._hover else "text"), 1, square=False))
            painter.setBrush(theme.from_rgb(*rgb))
            painter.setOpacity(1.0 if self.isEnabled() else 0.35)
            painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), S1, S1)
            painter.setOpacity(1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if 0 <= self._at < len(self._colors) and self.isEnabled():
            outline(painter, self.place(self._at), theme.color("accent"), 2, theme.color("surface"))
