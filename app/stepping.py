"""Back and forward through the stages of a computation."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import S2
from app.widgets import Button, button, row

BESIDE, ALONE = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
ICON = 36  #: px of a button with its icon alone


class BackAndForward(QWidget):
    """Two buttons for the head of a card; where it lacks room for their words, the icons stand alone and tips say them.

    Parameters
    ----------
    go : callable
        Called with the number of stages to go on by, −1 or 1.
    """

    def __init__(self, go: Callable[[int], object]) -> None:
        super().__init__()
        self.back = button("Back", "left", "boxed", "One step back: comma", clicked=lambda: go(-1))
        self.forward = button(
            "Forward", "right", "boxed", "One step forward: period", after=True, clicked=lambda: go(1)
        )  # fmt: skip
        self._both = self.back, self.forward
        self._worded = [self._measured(one) for one in self._both]
        self.setLayout(row(1, self.back, self.forward, gap=S2))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_ends(self, first: bool, last: bool) -> None:
        """Whether this is the first stage, or the last one."""
        self.back.setEnabled(not first)
        self.forward.setEnabled(not last)

    def sizeHint(self) -> QSize:
        """With words, whether they are shown or not: the row that has the room again gives it."""
        return QSize(sum(self._worded) + S2, self.back.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """The icons alone."""
        return QSize(2 * ICON + S2, self.back.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def restyled(self) -> None:
        """Fonts or words are others: they need another width."""
        self._worded = [self._measured(one) for one in self._both]
        self.updateGeometry()
        self._fit()

    retranslated = restyled

    def event(self, event: QEvent) -> bool:
        """The style sheet comes with the first showing."""
        done = super().event(event)
        if event.type() == QEvent.Type.Polish:
            self.restyled()
        return done

    @staticmethod
    def _measured(one: Button) -> int:
        one.setToolButtonStyle(BESIDE)
        return one.sizeHint().width()

    def _fit(self) -> None:
        worded = self.width() >= self.sizeHint().width()
        for one, wide in zip(self._both, self._worded, strict=True):
            one.setToolButtonStyle(BESIDE if worded else ALONE)
            one.setFixedWidth(wide if worded else ICON)
