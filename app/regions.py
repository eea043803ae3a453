"""F6: from one region of the window to the next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def focus_next(regions: Sequence[QWidget]) -> None:
    """Give the focus to the first control of the next region that has one, and round again."""
    focus = QApplication.focusWidget()
    at = next((i for i, region in enumerate(regions) if focus is not None and region.isAncestorOf(focus)), -1)
    for step in range(1, len(regions) + 1):
        target = _first(regions[(at + step) % len(regions)])
        if target is not None:
            target.setFocus(Qt.FocusReason.TabFocusReason)
            return


def _first(region: QWidget) -> QWidget | None:
    for part in region.findChildren(QWidget):
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.isVisible() and part.isEnabled():
            return part
    return None
