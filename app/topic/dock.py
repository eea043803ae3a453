"""The controls at the right of a page."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app import icons, theme
from app.rings import RingedPushButton
from app.sections import Foldable, Section
from app.theme import DOCK, S2, S3, S4
from app.widgets import col, quiet, rule
from app.words import say


class Dock(QWidget):
    """The controls at the right: they fold, then scroll, while the number of changes and Reset stay in sight.

    Signals
    -------
    reset
        "Reset all changes" was pressed.
    """

    reset = Signal()

    def __init__(self, *parts: QWidget, resets: bool = True) -> None:
        super().__init__()
        self.setProperty("kind", "dock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(DOCK)
        inside = col(gap=S3, pad=(S4, S3, S4, S3))
        for i, part in enumerate(parts):
            if i:
                inside.addWidget(rule())
            inside.addWidget(part)
        inside.addStretch(1)
        self._inside, self._foldable = inside, Foldable(inside)
        layout = col((self._foldable, 1), gap=0)
        self.said = quiet("")
        self.reset_button = RingedPushButton()  # a push button centers its text
        self.reset_button.setProperty("kind", "boxed")
        self.reset_button.clicked.connect(lambda _checked=False: self.reset.emit())
        icons.put(self.reset_button, "reset")
        theme.set_font(self.reset_button)
        say(self.reset_button, "setText", "Reset all changes")
        if resets:
            layout.addWidget(rule())
            layout.addLayout(col(self.said, self.reset_button, gap=S2, pad=(S4, S2, S4, S3)))
        else:  # nobody else would delete them
            for part in (self.said, self.reset_button):
                part.setParent(self)
                part.hide()
        self.setLayout(layout)
        self._changes = (-1, -1)
        self.set_changes(0)

    def add(self, section: Section) -> None:
        """Put a section below the others."""
        at = self._inside.count() - 1  # above the stretch
        if at:
            self._inside.insertWidget(at, rule())
        self._inside.insertWidget(self._inside.count() - 1, section)
        self._foldable.take(section)

    def set_changes(self, count: int, others: int = 0) -> None:
        """Say how many changes to the model there are, and how many other settings are not as at first."""
        if (count, others) == self._changes:
            return
        self._changes = count, others
        text = "Nothing is changed"
        if count or others:
            text = "{n} {n:change|changes}" if others else "{n} {n:change|changes} to the model"
        say(self.said, "setText", text, n=count + others)
        self.reset_button.setEnabled(bool(count or others))
