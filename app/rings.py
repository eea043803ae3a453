"""The focus ring belongs to the keyboard: what was clicked has none, until a key is pressed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QPushButton, QStyle, QToolButton, QWidget

BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)

if TYPE_CHECKING:
    _Widget = QWidget
else:
    _Widget = object  # a control names its own kind of widget beside this


class Ringed(_Widget):
    """What a control has that shows its ring only to the keyboard; goes before the Qt class among the bases.

    The focus that comes with a window, or back from a menu, leaves it as it was.
    """

    _by_key = False

    @property
    def rings(self) -> bool:
        """Whether the ring is to be drawn."""
        return self._by_key and self.hasFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        if event.reason() in BY_KEY:
            self._by_key = True
        elif event.reason() == Qt.FocusReason.MouseFocusReason:
            self._by_key = False
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._show_ring(False)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _MODIFIERS:
            self._show_ring(True)
        super().keyPressEvent(event)

    def _show_ring(self, by_key: bool) -> None:
        if by_key != self._by_key:
            self._by_key = by_key
            self.update()

    def initStyleOption(self, option: Any) -> None:
        """For what the style sheet draws: it knows a focus, and not how it came."""
        super().initStyleOption(option)  # type: ignore[misc]  # of the Qt class that comes after
        if not self._by_key:
            option.state &= ~QStyle.StateFlag.State_HasFocus


class RingedToolButton(Ringed, QToolButton):
    """A tool button."""


class RingedPushButton(Ringed, QPushButton):
    """A push button."""
