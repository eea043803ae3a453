"""The place of a page's cards: all of it is theirs, and where they need more they scroll."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.theme import HEADER, S3

BESIDE = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.RightToLeft


def least_height(layout: QLayout, width: int) -> int:
    """Height in px, at a width, down to which a layout can be squeezed with nothing in it below its least size.

    Where words wrap, Qt takes the height that a widget with a layout would like for the least that it needs, and so
    asks for up to half more than that. Rows that get less than they ask for are made smaller by Qt from the highest on,
    until they are as high as each other; so each is given the height of the one that needs most.
    """
    margins = layout.contentsMargins()
    inner = width - margins.left() - margins.right()
    around = margins.top() + margins.bottom()
    items = [item for i in range(layout.count()) if (item := layout.itemAt(i)) is not None and not item.isEmpty()]
    beside = layout.direction() in BESIDE if isinstance(layout, QBoxLayout) else isinstance(layout, QStackedLayout)
    if beside:
        whole = isinstance(layout, QStackedLayout)
        return around + max((_need(item, inner if whole else item.geometry().width())[0] for item in items), default=0)
    if isinstance(layout, QGridLayout):
        rows: dict[int, list[tuple[int, int]]] = {}
        for i in range(layout.count()):
            item, place = layout.itemAt(i), cast(tuple[int, int, int, int], layout.getItemPosition(i))
            if item is not None and not item.isEmpty():
                rows.setdefault(place[0], []).append(_need(item, item.geometry().width()))
        found = [(max(one[0] for one in row), max(one[1] for one in row)) for row in rows.values()]
        gap = layout.verticalSpacing()
    elif isinstance(layout, QBoxLayout):
        found, gap = [_need(item, inner) for item in items], layout.spacing()
    else:
        return layout.totalMinimumHeightForWidth(width)
    level = max((need for need, _ in found), default=0)
    return around + max(0, len(found) - 1) * gap + sum(max(need, min(asked, level)) for need, asked in found)


def _need(item: QLayoutItem, width: int) -> tuple[int, int]:
    """The height that an item needs at a width, and the height that Qt takes for it."""
    if not item.hasHeightForWidth():
        least = item.minimumSize().height()
        return least, least
    widget, asked = item.widget(), item.minimumHeightForWidth(width)
    inner = item.layout() if widget is None else widget.layout()
    if inner is None:
        return asked, asked
    return max(0 if widget is None else widget.minimumHeight(), least_height(inner, width)), asked


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
        self._holder = holder = QWidget()
        holder.setProperty("kind", "scroll")
        self._inside = QVBoxLayout(holder)
        self._inside.setContentsMargins(S3, S3, S3, S3)
        self.setWidget(holder)
        self._inside.addWidget(centre)  # after it: what is in an area is polished, and again with each further parent

    @property
    def cramped(self) -> bool:
        """Whether its width is too little for the cards."""
        return self.horizontalScrollBar().maximum() > 0

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
            need = self._need(left)
            bars = QSize(
                self.verticalScrollBar().sizeHint().width() if need.height() > left.height() else 0,
                self.horizontalScrollBar().sizeHint().height() if need.width() > left.width() else 0,
            )
        left = room - bars
        self._holder.resize(left.expandedTo(self._need(left)))

    def _need(self, left: QSize) -> QSize:
        """The same, looked at closely where there is less room than Qt asks for."""
        need = self.least(left.width())
        if need.height() > left.height() and self._inside.hasHeightForWidth():
            self._inside.activate()  # tells how wide each part is
            need.setHeight(least_height(self._inside, max(left.width(), need.width())))
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
