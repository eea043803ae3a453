"""The formula of a page at the foot of its dock, with the numbers of now in it, and the paper that it is from."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent

from app import words
from app.equation import Equation
from app.sections import Section
from app.theme import CAPTION, DOCK, S1, S4
from app.topic.page import Page
from app.views.formula import FormulaView, Line
from app.widgets import col, quiet

LETTERS = 14.0  #: px, where the dock has room for it
ROOM = DOCK - 2 * S4 - 4  #: px of a line
TITLE = "Formula"


class Formula(Section):
    """A section of the dock.

    Parameters
    ----------
    page : Page
        Whose settings and answers are put in.
    equation : Equation
    """

    def __init__(self, page: Page, equation: Equation) -> None:
        self.view = FormulaView(TITLE, LETTERS)
        self.source = quiet("", CAPTION, wrap=True)
        words.say(self.source, "setText", equation.source)
        if not equation.lines:
            self.view.hide()
        super().__init__(TITLE, col(self.view, self.source, gap=S1))
        self._page, self._equation = page, equation
        page.state.changed.connect(self._changed)
        if page.feed is not None:
            page.feed.heard.connect(self._changed)
        self.title.toggled.connect(self._folded)
        self.renew()

    def _changed(self, _what: object) -> None:
        if self.view.isVisible():
            self.renew()

    def _folded(self, opened: bool) -> None:
        if opened:  # it has heard nothing while it was folded
            self.renew()

    def renew(self) -> None:
        """Put the numbers of now in."""
        page = self._page
        told = {} if page.feed is None else {kind.__name__: event for kind, event in page.feed.frames.items()}
        values = self._equation.numbers(page.params, told)
        self.view.set_lines([Line(tex, values) for tex in self._equation.lines])
        self.view.setFixedHeight(self.view.height_at(ROOM, LETTERS))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.renew()
