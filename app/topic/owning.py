"""Who owns the objects that are no widgets."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget


def adopt(owner: QObject) -> None:
    """Own the objects that a tab and its pages hold, so that they end with it.

    What hears a signal of an object without an owner is kept by Qt: with a slot that knows the tab, the whole tab.
    """
    for value in list(vars(owner).values()):
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, QObject) and not isinstance(part, QWidget):
                if part.parent() is None:
                    part.setParent(owner)
                if part.parent() is owner:
                    adopt(part)
