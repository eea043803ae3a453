"""Leads through the lessons: turns to a step's page, sees when it is done, and remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from app.header import entry
from app.lessons.lesson import Lesson, Step, lesson, lessons
from app.lessons.panel import Panel
from app.sections import reveal
from app.topic.page import Page
from app.topic.training_page import TrainingPage
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

LOOK = 250  #: ms between two looks at whether the step in hand is done


class Guide(QObject):
    """The lesson in hand.

    Parameters
    ----------
    window : Window
        Whose tabs the lessons are done in.

    Attributes
    ----------
    panel : Panel
        Beside the tab; hidden while no lesson is open.
    lesson : Lesson or None
    at : int
        Its step.
    cramped : bool
        A page beside the panel had too little width: it has that of the list's words until the lesson is put away.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.cramped = False
        self._window = window
        self.lesson: Lesson | None = None
        self.at = 0
        self._before: Any = None  # settings of the page when it was first seen in this step
        self.panel = Panel(self._fill)
        self.panel.hide()
        self.panel.closed.connect(self.close)
        self.panel.turned.connect(self.turn)
        self.panel.shown.connect(self.show_done)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self.look)
        self._timer.timeout.connect(self._make_room)

    # -- which lesson
    def start(self) -> None:
        """Open the lesson that was last in hand, else the first that is not done; close it if it is open."""
        if self.lesson is not None:
            self.close()
            return
        last = lesson(self._window.settings.lesson)
        unfinished = [one for one in lessons() if len(self.done(one)) < len(one.steps)]
        found = last if last in unfinished else next(iter(unfinished), lessons()[0])
        assert found is not None
        self.open(found)

    def begin(self, greets: bool) -> None:
        """The window has opened: the step that was beside the tab is there again, over whatever tab there is.

        Parameters
        ----------
        greets : bool
            Nothing was asked for. At the very first start, which remembers no tab, the first lesson opens.
        """
        settings = self._window.settings
        if settings.lesson_at >= 0 and (found := lesson(settings.lesson)) is not None:
            self._show(found)
            self.at, self._before = min(settings.lesson_at, len(found.steps) - 1), None
            self._show_step()
        elif greets:
            self.start()

    def open(self, found: Lesson, at: int | None = None) -> None:
        """Open a lesson at a step; at the first that is not done if none is given."""
        done = self.done(found)
        if at is None:
            at = next((n for n in range(len(found.steps)) if n not in done), 0)
        self._show(found)
        self.turn(at)

    def _show(self, found: Lesson) -> None:
        self.lesson = found
        self._window.settings.lesson = found.topic
        self.panel.show()
        self._timer.start()

    def close(self) -> None:
        """Put the lesson away; its done steps stay so."""
        self.lesson = None
        self._window.settings.lesson_at = -1
        self._timer.stop()
        self.panel.hide()
        self.cramped = False
        self._window.fit_side()

    def _make_room(self) -> None:
        """Once, and not while the pointer is on the list: what the hand does with it afterwards holds."""
        window, tab = self._window, self._window.tab
        if self.cramped or tab is None or window.side.rail or window.side.underMouse():
            return
        if tab.now.room.cramped:
            self.cramped = True
            window.fit_side()

    def done(self, found: Lesson) -> frozenset[int]:
        """The steps of a lesson that are done."""
        return frozenset(n for n in self._window.settings.steps_done(found.topic) if n < len(found.steps))

    def _fill(self, menu: QMenu) -> None:
        for number, one in enumerate(lessons(), 1):
            said = {"n": number, "title": Message(one.title), "done": len(self.done(one)), "all": len(one.steps)}
            entry(
                menu,
                Message("{n}. {title} ({done} of {all})", said),
                partial(self.open, one),
                checked=one is self.lesson,
            )

    # -- which step
    @property
    def step(self) -> Step | None:
        """The step in hand."""
        return None if self.lesson is None else self.lesson.steps[self.at]

    def turn(self, at: int) -> None:
        """Turn to a step and its page; past the last one the next lesson begins."""
        if self.lesson is None:
            return
        if at >= len(self.lesson.steps):
            self._next_lesson()
            return
        self.at = max(0, at)
        tab = self._window.show_topic(self.lesson.topic)
        tab.show_page(next(i for i, kind in enumerate(tab.pages.kinds) if kind.name() == self.step_now.page))
        self._before = tab.now.params
        self._show_step()

    def _show_step(self) -> None:
        """The step in hand, ticked where that is done."""
        assert self.lesson is not None
        self._window.settings.lesson_at = self.at
        self.panel.show_step(self.lesson, self.at, self.done(self.lesson))
        self.look()

    @property
    def step_now(self) -> Step:
        """The step in hand of an open lesson."""
        assert self.step is not None
        return self.step

    def _next_lesson(self) -> None:
        every = lessons()
        place = every.index(self.lesson) if self.lesson in every else 0
        self.open(every[(place + 1) % len(every)])

    def _page(self) -> Page | None:
        """The page of the step in hand, if it is on screen."""
        tab = self._window.tab
        if tab is None or self.lesson is None or tab.topic.name != self.lesson.topic:
            return None
        return tab.now if tab.now.name() == self.step_now.page else None

    def look(self) -> None:
        """Tick the step in hand if what it waits for has come."""
        page = self._page()
        if page is None or self.lesson is None:
            return
        self._open_sections(page)
        if self.at in self.done(self.lesson):
            return
        if self._before is None:
            self._before = page.params
        events = {} if page.feed is None else {kind.__name__: event for kind, event in page.feed.frames.items()}
        at, began = (page.training.step, page.run_began()) if isinstance(page, TrainingPage) else (0, None)
        runs = self._window.studies.made(page)
        if self.step_now.done.holds(page.params, self._before, events, at, runs, began):
            self._window.settings.do_step(self.lesson.topic, self.at)
            self.panel.show_done(self.lesson, self.done(self.lesson))
            if self._window.tab is not None:
                self._window.tab.tell(Message("Step done: {task}", {"task": Message(self.step_now.task)}))

    def _open_sections(self, page: Page) -> None:
        """What the step speaks of is in sight, as far as the page has it now."""
        for form in page.forms:
            for name, is_there in form.fields().items():
                if is_there and self.step_now.show is not None and name in self.step_now.show:
                    reveal(form.control(name), against_hand=False)

    def show_done(self) -> None:
        """Do for the person what the step asks for."""
        page = self._page()
        if page is None:
            self.turn(self.at)
            page = self._page()
        assert page is not None
        if self.step_now.show is not None:
            page.state.step(**self.step_now.show)
            if self.step_now.run and isinstance(page, TrainingPage):
                self._run(page, self.step_now.show)
        elif self.step_now.study:
            self._window.studies.begin(page)
        elif isinstance(page, TrainingPage):
            page.training.play()
        self.look()

    @staticmethod
    def _run(page: TrainingPage, wanted: Mapping[str, Any]) -> None:
        """Let a run go on that has begun with the settings wanted; begin one where it has not."""
        began = page.run_began()
        if began is None or any(getattr(began, name) != value for name, value in wanted.items()):
            page.training.begin_anew()
        page.training.play()
