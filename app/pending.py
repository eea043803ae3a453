"""What a training dock says of settings that wait for the next run."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.sections import UNPLANNED, reveal
from app.theme import S3
from app.widgets import WideButton, col, quiet
from app.words import say


class Pending(QWidget):
    """How many settings wait, above the button that begins a run with them; in sight only while some do.

    It comes while a slider is in the hand, so it stands below those that it counts, and nothing folds for it.

    Parameters
    ----------
    anew : WideButton, optional
        The button, where it has to say something else than "Restart".
    """

    def __init__(self, anew: WideButton | None = None) -> None:
        super().__init__()
        self.said = quiet("", wrap=True)
        self.anew = anew or WideButton("Restart", "reset")
        layout = col(self.said, self.anew, gap=S3)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)
        self.setProperty(UNPLANNED, True)
        self.show_count(0)

    def show_count(self, count: int) -> None:
        """Say how many settings wait."""
        say(self.said, "setText", "{n} {n:change|changes} since the run began", n=count)
        self.setVisible(count > 0)
        if count:
            reveal(self)
