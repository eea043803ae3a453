"""Hears of widgets that open as windows of their own, though nobody asked for a window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget


class Strays(QObject):
    """Notes each widget but ``window`` that is shown without a parent around it; `close` ends it.

    Attributes
    ----------
    found : list of str
        Their kinds, in the order in which they were shown.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._window = window
        self.found: list[str] = []
        QApplication.instance().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        shown = event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow()
        if shown and watched is not self._window:
            inside = [part.accessibleName() or type(part).__name__ for part in watched.findChildren(QWidget)]
            self.found.append(f"{type(watched).__name__} {watched.accessibleName()!r} with {inside[:3]}")
        return False

    def close(self) -> None:
        QApplication.instance().removeEventFilter(self)
