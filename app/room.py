"""The place of a page's cards: all of it is theirs, and where they need more they scroll."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.theme import S3


class Room(QScrollArea):
    """Shows a widget in the size of its place, or in its least size where that is larger.

    A scroll area that resizes its widget itself gives it the height it would like, and so scrolls where nothing need.

    Parameters
    ----------
    centre : QWidget
        Cards; a margin is put around them.
    """

    def __init__(self, centre: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to what is in it, and that is brought into sight
        self._holder = holder = QWidget()
        holder.setProperty("kind", "scroll")
        self._inside = QVBoxLayout(holder)
        self._inside.setContentsMargins(S3, S3, S3, S3)
        self.setWidget(holder)
        self._inside.addWidget(centre)  # after it: what is in an area is polished, and again with each further parent

    def least(self, width: int) -> QSize:
        """What the cards need at a width."""
        need = self._inside.minimumSize()
        if self._inside.hasHeightForWidth():
            high = self._inside.minimumHeightForWidth(max(width, need.width()))
            need.setHeight(max(need.height(), high))
        return need

    def _fit(self) -> None:
        room, bars = self.maximumViewportSize(), QSize(0, 0)
        for _ in range(2):  # a bar takes room, which may need the other bar
            left = room - bars
            need = self.least(left.width())
            bars = QSize(
                self.verticalScrollBar().sizeHint().width() if need.height() > left.height() else 0,
                self.horizontalScrollBar().sizeHint().height() if need.width() > left.width() else 0,
            )
        left = room - bars
        self._holder.resize(left.expandedTo(self.least(left.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The cards may need more or less than before."""
        if watched is self._holder and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)
