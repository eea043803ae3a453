"""Where the keys go: F6 from one region of the window to the next, into what comes to the front, and what stays."""

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


def keep_near(old: QWidget, now: QWidget | None) -> None:
    """Keep the focus in its place where the control that had it was hidden or switched off, by its own click say.

    Qt gives it to the next control in the order of Tab, which may be anywhere, and Space then presses that, or to
    nobody. What is left around the control gets it, from where Tab leads to its neighbors. For
    `QApplication.focusChanged`.
    """
    if now is not None and old.window() is not now.window():
        return
    if old.isVisible() and old.isEnabled():
        return  # a hand has taken it away
    around = old.parentWidget()
    while around is not None and not (around.isVisible() and around.isEnabled()):
        around = around.parentWidget()
    if around is not None and not around.isWindow():
        around.setFocus(Qt.FocusReason.OtherFocusReason)


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
