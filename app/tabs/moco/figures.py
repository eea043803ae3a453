"""Lines of a name and a number, for what a formula is made of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.theme import BODY, S1, S3
from app.widgets import label, quiet
from app.words import Text, say


class Figures(QWidget):
    """Rows of name and value; values are in the mono font and end in one column.

    Parameters
    ----------
    names : sequence of str or Message
    strong : sequence of int
        Rows whose value is bold.
    """

    def __init__(self, names: Sequence[Text], strong: Sequence[int] = ()) -> None:
        super().__init__()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(S3)
        grid.setVerticalSpacing(S1)
        self.names: list[QLabel] = []
        self.values: list[QLabel] = []
        for i, name in enumerate(names):
            said, value = quiet(name), label("", BODY, i in strong)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(said, i, 0)
            grid.addWidget(value, i, 1)
            self.names.append(said)
            self.values.append(value)
        grid.setColumnStretch(1, 1)
        self.setLayout(grid)

    def set_values(self, values: Sequence[str]) -> None:
        """Write the numbers, in the order of the names."""
        for line, text in zip(self.values, values, strict=True):
            if line.text() != text:
                line.setText(text)

    def set_name(self, row: int, name: Text) -> None:
        """Another name for a row."""
        say(self.names[row], "setText", name)
