"""Bars that leave out what they have no room for."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame


class FittingBar(QFrame):
    """Asks anew what to show whenever its width or something said in it changes."""

    def fit_parts(self) -> None:
        """Show what there is room for, and hide the rest."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_parts()

    def event(self, event: QEvent) -> bool:
        """A text may need more room than before, as in another language."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.fit_parts()
        return super().event(event)
