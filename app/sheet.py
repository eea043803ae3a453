"""A window of things to read: titled groups, which scroll where the screen is low."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLineEdit, QScrollArea, QWidget

from app import words
from app.theme import BODY, HEAD, S2, S3, S4
from app.widgets import WideButton, box, col, label, quiet, row
from app.words import Text

HIGH = 640  #: px, at most


class Sheet(QDialog):
    """Not modal, and opened once: asked for again it comes to the front.

    Parameters
    ----------
    parent : QWidget
    title : str or Message
    wide : int
        px
    """

    def __init__(self, parent: QWidget, title: Text, wide: int) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words.say(self, "setWindowTitle", title)
        self.inside = col(gap=S3, pad=(0, 0, S3, 0))
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.close_button = WideButton("Close")
        self.close_button.clicked.connect(lambda _checked=False: self.close())
        self.setLayout(col((self._area, 1), row(1, self.close_button, 1), gap=S3, pad=(S4, S4, S2, S4)))
        QShortcut(QKeySequence("Esc"), self).activated.connect(self.close)
        self._wide, self.least = wide, 0
        self.first: QWidget | None = None  # has the keys when it is opened

    def heading(self, text: Text) -> None:
        """Begin a group."""
        self.inside.addWidget(label(text, HEAD, bold=True))

    def line(self, text: Text) -> None:
        """A sentence that wraps."""
        self.inside.addWidget(label(text, BODY, wrap=True))

    def pairs(self, pairs: list[tuple[Text, Text]], first: int) -> None:
        """Two columns, the first ``first`` px wide."""
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(S3)
        grid.setVerticalSpacing(S2)
        grid.setColumnMinimumWidth(0, first)
        grid.setColumnStretch(1, 1)
        for at, (left, right) in enumerate(pairs):
            name, what = label(left, BODY, wrap=True), quiet(right, BODY, wrap=True)
            name.setFixedWidth(first)
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(name, at, 0, top)
            grid.addWidget(what, at, 1, top)
        self.inside.addLayout(grid)

    def open(self) -> None:
        """Show it, as high as it needs and the screen allows."""
        self.inside.addStretch(1)
        held = box(self.inside, "scroll")
        self._area.setWidget(held)
        if held.findChild(QLineEdit) is not None:
            self.close_button.setAutoDefault(False)  # Enter is for the line, and for what is said of it
        if self.first is not None:
            self.first.setFocus()  # not before: what has no parent yet keeps no focus
        around = 5 * S4 + self.close_button.sizeHint().height()
        high = held.heightForWidth(self._wide - 2 * S4)
        need = (high if high > 0 else held.sizeHint().height()) + around
        self.resize(self._wide, min(max(need, self.least), HIGH, self.screen().availableGeometry().height() - 80))
        self.show()


def bring_or_open(parent: QWidget, kind: type[Sheet]) -> Sheet:
    """The sheet of this kind that is open, in front; else a new one. A subclass is made from its parent alone."""
    every = parent.findChildren(kind, options=Qt.FindChildOption.FindDirectChildrenOnly)
    found = next((sheet for sheet in every if sheet.isVisible()), None)  # one that was closed is still there for a turn
    if found is None:
        found = kind(parent)  # type: ignore[call-arg]
        found.open()
    found.raise_()
    found.activateWindow()
    return found
