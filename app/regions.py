"""Where the keys go: F6 from one region of the window to the next, and into what comes to the front."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget


def bring(stack: QStackedWidget, part: QWidget, middle: QWidget) -> None:
    """Bring a part of a stack to the front, and the focus into it where what goes has held it, or nobody.

    What had it in the part before gets it again; else ``middle``, its container, from where Tab leads to the first
    control. Qt alone would take that control, or the first of the window, where Space and the arrows then act.
    """
    window = stack.window()
    held = window.focusWidget()
    follows = part is not stack.currentWidget() and (held is None or held is window or stack.isAncestorOf(held))
    last = part.focusWidget()
    stack.setCurrentWidget(part)
    if follows:
        (last if last is not None and last.isVisibleTo(part) and last.isEnabled() else middle).setFocus()


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
