"""The titled groups of a dock, which fold to their titles where there is too little room for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QMargins, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QHideEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme, words
from app.rings import RingedToolButton
from app.theme import S1, S2, S3, SMALL
from app.widgets import Item, col
from app.words import Text

TARGET = 24  #: least height of what is clicked, px
UNPLANNED = "unplanned"  #: property of what comes and goes under the hand: sections are not folded for it
LOOK = 1000  #: ms between two looks at what folded controls need
ARROW = 4  #: half the width of the arrow in a title, px


class Title(RingedToolButton):
    """The title of a section: a click folds or opens it. Its arrow shows where it is folded or pointed at."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.setProperty("kind", "section")
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.set_font(self, SMALL, bold=True)
        words.say(self, "setText", text)
        words.say(self, "setAccessibleName", text)
        words.say(self, "setToolTip", "Collapse or expand")

    def sizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.text().replace("&&", "&"))
        return QSize(wide + S2 + 2 * ARROW, max(TARGET, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self.font())
            painter.setPen(theme.color("accent" if self.rings else "text2"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self.text().replace("&&", "&"))
            if not self.isChecked() or self.underMouse() or self.rings:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(painter.pen().color(), 1.5))
                painter.translate(self.width() - ARROW - 1, self.height() / 2)
                painter.rotate(0 if self.isChecked() else -90)  # down: open
                painter.drawPolyline([QPointF(-ARROW, -ARROW / 2), QPointF(0, ARROW / 2), QPointF(ARROW, -ARROW / 2)])
                painter.resetTransform()
            if self.rings:
                painter.setPen(QPen(theme.color("accent"), 1, Qt.PenStyle.DashLine))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)


class Section(QWidget):
    """A title with controls below it.

    Attributes
    ----------
    by_hand : bool
        The hand has folded or opened it: it stays so.

    Signals
    -------
    toggled
        The hand folded or opened it.
    """

    toggled = Signal()

    def __init__(self, title: Text, *items: Item) -> None:
        super().__init__()
        self.by_hand = False
        self.title, self.body = Title(title), QWidget()
        self._inside = col(*items, gap=S3)
        self.body.setLayout(self._inside)
        self._outside = col(self.title, self.body, gap=S1)
        self.setLayout(self._outside)
        self.title.clicked.connect(self._clicked)

    @property
    def folded(self) -> bool:
        """Whether only the title is to be seen."""
        return not self.title.isChecked()

    def fold(self, folded: bool) -> None:
        """Show the title only, or all."""
        self.title.setChecked(not folded)
        self.body.setVisible(not folded)

    def open(self) -> None:
        """Open it as if by the hand."""
        self.title.click()

    def room(self, width: int, known: dict[tuple[QLayout, int], int] | None = None) -> int:
        """Height that folding it gives back, or that opening it takes, in px; ``known`` as in `height`."""
        return height(self._inside, width, planned=True, known=known) + self._outside.spacing()

    def _clicked(self) -> None:
        self.by_hand = True
        self.body.setVisible(self.title.isChecked())
        self.toggled.emit()


def section(title: Text, *items: Item) -> QVBoxLayout:
    """A titled group of the dock."""
    return col(Section(title, *items))


def reveal(widget: QWidget, against_hand: bool = True) -> None:
    """Open the sections that hide a widget which has something to say; on request not those that the hand folded."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, Section) and above.folded and (against_hand or not above.by_hand):
            above.open()
        above = above.parentWidget()


def height(
    layout: QLayout, width: int, planned: bool = False, known: dict[tuple[QLayout, int], int] | None = None
) -> int:
    """Height that a layout asks for at a width, in px; on request without what is `UNPLANNED`.

    Qt's own hints of what is nested are of before until its events have gone through all the parents.

    Parameters
    ----------
    known : dict, optional
        Heights of layouts at widths, found at this moment and for the same ``planned``: none is asked for twice.
    """
    if known is not None and (layout, width) in known:
        return known[layout, width]
    if not isinstance(layout, QVBoxLayout):
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
    margins = layout.contentsMargins()
    inner = width - margins.left() - margins.right()
    found = margins.top() + margins.bottom()
    shown = 0
    for i in range(layout.count()):
        item = layout.itemAt(i)
        if item is None or (planned and _is_unplanned(item.widget())):
            continue
        empty = item.isEmpty()  # as all spacers are
        shown += not empty
        if not empty or item.spacerItem() is not None:
            found += _item_height(item, inner, planned, known)
    found += max(0, shown - 1) * layout.spacing()
    if known is not None:
        known[layout, width] = found
    return found


def _is_unplanned(widget: QWidget | None) -> bool:
    return widget is not None and bool(widget.property(UNPLANNED))


def _item_height(item: QLayoutItem, width: int, planned: bool, known: dict[tuple[QLayout, int], int] | None) -> int:
    widget = item.widget()
    inner = item.layout() if widget is None else widget.layout()
    if inner is not None and (widget is None or isinstance(inner, QVBoxLayout)):
        return height(inner, width, planned, known)
    return item.heightForWidth(width) if item.hasHeightForWidth() else item.sizeHint().height()


def sections(layout: QLayout) -> Iterator[Section]:
    """The innermost sections that are to be seen in a layout, from above."""
    for i in range(layout.count()):
        item = layout.itemAt(i)
        widget = None if item is None else item.widget()
        inner = None if item is None else item.layout()
        if widget is not None and not widget.isHidden():
            inner = widget.body.layout() if isinstance(widget, Section) else widget.layout()
        within = [] if inner is None else list(sections(inner))
        yield from within
        if isinstance(widget, Section) and not within and not widget.isHidden():
            yield widget


class Foldable(QScrollArea):
    """Controls in sections. Where they need more height than there is, their gaps shrink, then the last ones fold.

    A low section behind a high one that folds stays open where it fits. What the hand folded or opened stays so; the
    others make room for it. Only where that is not enough does it scroll.

    Parameters
    ----------
    inside : QVBoxLayout
        The controls.
    """

    def __init__(self, inside: QVBoxLayout) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._holder = QFrame()
        self._holder.setProperty("kind", "scroll")
        self._inside, self._margins = inside, inside.contentsMargins()
        self._dense = False
        self._fitted: tuple[object, ...] = ()
        self._rooms: list[int] = []  # of the folded sections, when it was fitted last
        self._looks = QTimer(self, interval=LOOK)
        self._looks.timeout.connect(self._look)
        self.setWidget(self._holder)  # which makes this hear the holder's events
        self._holder.setLayout(inside)  # after it: what is in an area is polished, and again with each further parent
        for part in self._holder.findChildren(Section):
            self.take(part)

    def take(self, part: Section) -> None:
        """Hear of a section that the hand folds or opens."""
        part.toggled.connect(self.fit)

    def _look(self) -> None:
        """What is open tells its parents itself."""
        if self._rooms_of_folded() != self._rooms:
            self._fit()

    def _rooms_of_folded(self) -> list[int]:
        return [self._room(part) for part in sections(self._inside) if part.folded]

    def fit(self) -> None:
        """Fold and open sections so that as many as possible are to be seen."""
        self._fitted = ()
        self._fit()

    def _fit(self) -> None:
        room = self.viewport().height()
        now = (room, self._dense, *self._measured())
        if now == self._fitted:
            self._hold()
            return
        self._set_dense(False)
        found = list(sections(self._inside))
        if self._need() + sum(self._room(part) for part in found if part.folded and not part.by_hand) > room:
            self._set_dense(True)
        for part, folded in self._plan(found, room).items():
            if part.folded != folded:
                part.fold(folded)
        self._hold()
        self._fitted = (room, self._dense, *self._measured())

    def _measured(self) -> list[object]:
        """What the plan follows from; what folded sections need is kept."""
        known: dict[tuple[QLayout, int], int] = {}  # a section's is a part of the whole
        need = height(self._inside, self.viewport().width(), planned=True, known=known)
        parts = [(self._room(part, known), part.folded) for part in sections(self._inside)]
        self._rooms = [room for room, folded in parts if folded]
        return [need, *parts]

    def _hold(self) -> None:
        """Rows are not squeezed: before that it scrolls."""
        self._holder.setMinimumHeight(height(self._inside, self.viewport().width()))

    def _need(self) -> int:
        return height(self._inside, self.viewport().width(), planned=True)

    def _room(self, part: Section, known: dict[tuple[QLayout, int], int] | None = None) -> int:
        margins = self._inside.contentsMargins()
        return part.room(self.viewport().width() - margins.left() - margins.right(), known)

    def _plan(self, found: list[Section], room: int) -> dict[Section, bool]:
        """Which of the sections that the hand left alone are folded; the first one stays open."""
        free = [part for part in found[1:] if not part.by_hand]
        need = self._need() + sum(self._room(part) for part in free if part.folded)
        plan = dict.fromkeys(free, False)
        for part in reversed(free):
            if need <= room:
                break
            plan[part] = True
            need -= self._room(part)
        for part in free:  # a high one that folds may leave room for a low one behind it
            if plan[part] and need + self._room(part) <= room:
                plan[part] = False
                need += self._room(part)
        return plan

    def _set_dense(self, dense: bool) -> None:
        if dense == self._dense:
            return
        self._dense = dense
        old, new = (S3, S2) if dense else (S2, S3)
        for layout in self._holder.findChildren(QVBoxLayout):
            if dense and layout.spacing() == old:
                layout.setProperty("dense", True)
                layout.setSpacing(new)
            elif not dense and layout.property("dense"):
                layout.setProperty("dense", False)
                layout.setSpacing(new)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A bar that comes stands in the margin: the controls stay as wide as they are."""
        super().resizeEvent(event)
        margins = QMargins(self._margins)
        margins.setRight(max(0, margins.right() - self.width() + self.viewport().width()))
        self._inside.setContentsMargins(margins)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """Nobody is told of what controls in folded sections need: that is asked, now and while it is seen."""
        super().showEvent(event)
        self._fit()
        self._looks.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """What is not seen is not asked."""
        super().hideEvent(event)
        self._looks.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Controls may have come or gone."""
        if watched is self._holder and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)
