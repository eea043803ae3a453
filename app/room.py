"""The place of a page's cards: all of it is theirs; they fold where they are too wide, and scroll where too high."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.folds import ABOVE, BELOW, Folds
from app.rows import Rows
from app.squeezed import least_height
from app.theme import BROKEN, HEADER, S3

LOW = 700  #: px: most pages scroll down in less, and so have a bar at their right


class Room(QScrollArea):
    """Shows a widget in the size of its place, or in its least size where that is larger.

    A scroll area that resizes its widget itself gives it the height it would like, and so scrolls where nothing need.

    Parameters
    ----------
    centre : QWidget
        Cards; a margin is put around them.

    Attributes
    ----------
    lost : int
        Height in px that stands above it beside the header: a bar that says something, a film strip.
    """

    def __init__(self, centre: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to what is in it, and that is brought into sight
        self.lost = 0
        self._centre = centre
        self._leads: QBoxLayout | None = None
        self._folds: Folds | None = None  # read where there is too little width for the first time
        self._holder = holder = QWidget()
        holder.setProperty("kind", "scroll")
        self._inside = QVBoxLayout(holder)
        self._inside.setContentsMargins(S3, S3, S3, S3)
        self.setWidget(holder)
        self._inside.addWidget(centre)  # after it: what is in an area is polished, and again with each further parent

    @property
    def cramped(self) -> bool:
        """Whether its width is too little for the cards as they stand where there is room."""
        broken = any(len(one.lines) > one.rows for one in self._holder.findChildren(Rows))
        return broken or bool(self._folds) or self.horizontalScrollBar().maximum() > 0

    def least(self, width: int) -> QSize:
        """What the cards need at a width."""
        need = self._inside.minimumSize()
        if self._inside.hasHeightForWidth():
            high = self._inside.minimumHeightForWidth(max(width, need.width()))
            need.setHeight(max(need.height(), high))
        return need

    def lead(self) -> None:
        """What stands last in the column of the centre stands first in a low window: what starts a run is in sight."""
        layout = self._centre.layout()
        assert isinstance(layout, QBoxLayout)
        self._leads = layout

    def _fit(self) -> None:
        if self._leads is not None:
            low = self.maximumViewportSize().height() + self.lost < LOW
            self._leads.setDirection(ABOVE if low else BELOW)  # which tells nobody where it is so already
        room, bars = self.maximumViewportSize(), QSize(0, 0)
        self._fold(room.width())
        for _ in range(2):  # a bar takes room, which may need the other bar
            left = room - bars
            need = self._need(left)
            bars = QSize(
                self.verticalScrollBar().sizeHint().width() if need.height() > left.height() else 0,
                self.horizontalScrollBar().sizeHint().height() if need.width() > left.width() else 0,
            )
        left = room - bars
        self._holder.resize(left.expandedTo(self._need(left)))

    def _fold(self, width: int) -> None:
        """Put cards below each other that are too wide; which, follows from the size of the room alone."""
        bar = self.verticalScrollBar().sizeHint().width()
        if self.maximumViewportSize().height() < LOW:
            width, bar = width - bar, 0
        if self._folds is None and self._inside.minimumSize().width() > width:
            self._folds = Folds(self._centre)
        if self._folds is not None and self._folds.fit(width - 2 * S3, bar):
            self._inside.activate()

    def _need(self, left: QSize) -> QSize:
        """The same, looked at closely where there is less room than Qt asks for."""
        need, low = self.least(left.width()), 0
        if self._folds:
            low = self._folds.lines * BROKEN
            need.setHeight(max(need.height(), low))
        if need.height() > left.height() and self._inside.hasHeightForWidth():
            self._inside.activate()  # tells how wide each part is
            high = least_height(self._inside, max(left.width(), need.width()))
            need.setHeight(max(high, low))
        return need

    def _look_above(self) -> None:
        """A photo takes its share of the height that there is: it is asked anew where that is another one."""
        lost = max(0, self.mapTo(self.window(), QPoint(0, 0)).y() - HEADER)
        if lost != self.lost:
            self.lost = lost
            for part in self._holder.findChildren(QWidget):
                if part.hasHeightForWidth() and part.layout() is None:
                    part.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._look_above()
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The cards may need more or less than before."""
        if watched is self._holder and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def retranslated(self) -> None:
        """Other words may need another width."""
        if self._folds is not None:
            self._folds.forget()

    restyled = retranslated
