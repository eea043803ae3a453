"""The panel beside a tab: the step in hand of a lesson, with its formula and what there is to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QMenu, QScrollArea, QWidget

from app import icons, theme, words
from app.header import DropDown
from app.lessons.lesson import Lesson, Step
from app.theme import BODY, CAPTION, HEAD, HEADER, S1, S2, S3
from app.widgets import WideButton, box, button, col, label, quiet, row
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.views.formula import FormulaView

WIDE = 256  #: px; beside it a window of 1280 px has the room for its tab that one of 1024 px has
DOT, GAP = 9, 20  #: px, of a step in the row of all, and from one to the next


class Dots(QWidget):
    """All steps of a lesson in a row: done, in hand, still to come; a click turns to one.

    Signals
    -------
    chosen : int
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(2 * DOT)
        self._count, self._at, self._done = 0, 0, frozenset[int]()

    def show_steps(self, count: int, at: int, done: frozenset[int]) -> None:
        """Show ``count`` steps, the one in hand and those that are done."""
        self._count, self._at, self._done = count, at, done
        self.setFixedWidth(self.place(count - 1) + DOT)
        self.update()

    def place(self, step: int) -> int:
        """The middle of a step's dot, px from the left."""
        return DOT + step * GAP

    def mousePressEvent(self, event: object) -> None:
        x = event.position().x()  # type: ignore[attr-defined]
        found = next((n for n in range(self._count) if abs(x - self.place(n)) <= GAP / 2), None)
        if found is not None:
            self.chosen.emit(found)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for step in range(self._count):
                here, done = step == self._at, step in self._done
                painter.setPen(theme.color("accent" if here else "ok" if done else "control"))
                painter.setBrush(theme.color("accent" if here else "ok") if here or done else Qt.BrushStyle.NoBrush)
                wide = DOT if here else DOT - 2
                painter.drawEllipse(self.place(step) - wide // 2, DOT - wide // 2, wide, wide)


class Panel(QFrame):
    """What is on it; `app.lessons.guide.Guide` says when.

    Signals
    -------
    closed
    turned : int
        Another step of the lesson is wanted.
    shown
        What there is to do shall be done for the person.
    """

    closed = Signal()
    turned = Signal(int)
    shown = Signal()

    def __init__(self, fill: Callable[[QMenu], None]) -> None:
        """``fill`` puts the lessons into the menu."""
        super().__init__()
        self.setProperty("kind", "lesson")
        self.setFixedWidth(WIDE)
        words.say(self, "setAccessibleName", "Lesson")
        self._at = 0
        self.lessons = DropDown("Lessons", "Lessons", fill)
        close = button(icon="close", tip="Close the lesson", clicked=self.closed.emit)
        head = row(self.lessons, 1, close, gap=S1, pad=(S3, 0, S2, 0))
        head.addStrut(HEADER - 1)
        self.title = label("", HEAD, True, wrap=True)
        self.dots = Dots()
        self.dots.chosen.connect(self.turned)
        self.text = label("", BODY, wrap=True)
        self.count = quiet("", CAPTION)
        self.task = label("", BODY, True, wrap=True)
        self.mark = label("", BODY)
        self.mark.setFixedWidth(18)
        self.state = quiet("", CAPTION)
        self.show_me = button("Show me", tip="Set what this step asks for", clicked=self.shown.emit)
        self.back = WideButton("Back")
        self.next = WideButton("Next", kind="primary")
        self.back.clicked.connect(lambda _checked=False: self.turned.emit(self._at - 1))
        self.next.clicked.connect(lambda _checked=False: self.turned.emit(self._at + 1))
        todo = box(
            col(
                row(self.mark, (self.task, 1), gap=S1),
                row(self.state, 1, self.show_me, gap=S1),
                gap=S2,
                pad=(S2, S2, S2, S1),
            ),
            "card",
        )
        self.formula: FormulaView | None = None  # made for the first: views bring pyqtgraph, for which no start waits
        self._place = col(gap=0)
        inside = col(
            self.title, row(self.dots, self.count, gap=S2), self.text, self._place, todo, 1,
            gap=S3, pad=(S3, S3, S3, S3),
        )  # fmt: skip
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(box(inside, "scroll"))
        turns = row((self.back, 1), (self.next, 1), gap=S2, pad=(S3, S2, S3, S3))  # one place, however long a step is
        self.setLayout(col(box(head), (area, 1), box(turns), gap=0))
        self._area = area

    def show_step(self, lesson: Lesson, at: int, done: frozenset[int]) -> None:
        """Turn to a step; ``done`` has those of the lesson that were done before."""
        step: Step = lesson.steps[at]
        self._at = at
        words.say(self.title, "setText", lesson.title)
        words.say(self.text, "setText", step.text)
        words.say(self.task, "setText", step.task)
        self._show_formula(step.formula)
        words.say(self.count, "setText", Message("{n} of {total}", {"n": at + 1, "total": len(lesson.steps)}))
        self.back.setEnabled(at > 0)
        self.show_done(lesson, done)
        self._area.verticalScrollBar().setValue(0)

    def _show_formula(self, tex: str) -> None:
        from app.views.formula import FormulaView, Line

        if self.formula is None and tex:
            self.formula = FormulaView("Formula of the step", largest=18, least=44)
            self._place.addWidget(self.formula)
        if self.formula is not None:
            self.formula.setVisible(bool(tex))
            self.formula.set_lines([Line(tex)] if tex else [])

    def show_done(self, lesson: Lesson, done: frozenset[int]) -> None:
        """Which steps are done; the one in hand may be."""
        is_done = self._at in done
        self.dots.show_steps(len(lesson.steps), self._at, done)
        icon, token = ("check", "ok") if is_done else ("circle", "control")
        theme.dress(self.mark, "icon", lambda mark: mark.setPixmap(icons.pixmap(icon, token, 18)))
        words.say(self.state, "setText", "Done" if is_done else "To do")
        last = self._at == len(lesson.steps) - 1
        words.say(self.next, "setText", "Next lesson" if last else "Next")
