"""The formula of a page at the foot of its dock, with the numbers of now in it, and the paper that it is from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QWidget

from app import words
from app.equation import Equation
from app.sections import Section
from app.theme import CAPTION, DOCK, S1, S2, S4
from app.topic.page import Page
from app.views.formula import FormulaView, Line
from app.widgets import col, quiet

LETTERS = 14.0  #: px, where the dock has room for it
ROOM = DOCK - 2 * S4 - 4  #: px of a line
TITLE = "Formula"


class Glance(QFrame):
    """The formula over the dock, while the hand points at its title and it is folded."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setProperty("kind", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.view, self.source = FormulaView(TITLE, LETTERS), quiet("", CAPTION, wrap=True)
        self._inside = col(self.view, self.source, gap=S1, pad=(S2, S2, S2, S2))
        self.setLayout(self._inside)
        self.hide()

    def show_over(self, title: QWidget, lines: Sequence[Line]) -> None:
        """Show formulas above a title, within the window."""
        self.view.set_lines(lines)
        self.view.setFixedHeight(self.view.height_at(ROOM, LETTERS))
        self.setFixedWidth(ROOM + 2 * S2 + 4)
        self.setFixedHeight(self._inside.totalHeightForWidth(self.width()))
        window = title.window()
        at = title.mapTo(window, QPoint(-S2, 0))
        self.move(max(0, min(at.x(), window.width() - self.width())), max(0, at.y() - self.height()))
        self.show()
        self.raise_()


class Formula(Section):
    """A section of the dock. Folded, it shows what it holds where its title is pointed at.

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
        self._glance: Glance | None = None
        self.title.installEventFilter(self)
        self.renew()

    def _changed(self, _what: object) -> None:
        if self.view.isVisible():
            self.renew()

    @property
    def glance(self) -> Glance | None:
        """What is shown at a glance; None before it was asked for."""
        return self._glance

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Enter and self.folded and self._equation.lines:
            if self._glance is None:
                self._glance = Glance(self.window())
                words.say(self._glance.source, "setText", self._equation.source)
            self.renew()
            self._glance.show_over(self.title, self.view.lines())
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.MouseButtonPress) and self._glance is not None:
            self._glance.hide()
        return super().eventFilter(watched, event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._glance is not None:
            self._glance.hide()

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
