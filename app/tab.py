"""What every tab is made of: header, error bar, film strip, pages with their dock, a stream, undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget, QWidget

from app import theme
from app.cards import Card, ErrorBar
from app.header import Header
from app.history import History
from app.params_form import ParamsForm
from app.regions import bring
from app.room import Room
from app.shell import Shell
from app.stream import Stream
from app.topic.dock import Dock as Dock
from app.topic.feed import make_engine
from app.topic.tab import Tab
from app.topics import Topic
from app.widgets import col, row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event, Frame, Progress, Started

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Page:
    """One page of a tab: its name in the header, the cards in the centre, the dock beside them."""

    title: str
    centre: QWidget
    dock: Dock


class TopicTab(QWidget):
    """Base of all tabs. A subclass builds its pages and answers its engine's events.

    Class attributes
    ----------------
    params_type : type
        The topic's Params.
    intervenes : tuple of str
        Fields that change the model; they are counted in the dock, and Reset brings them back.
    takes_pictures, takes_models : bool
        What may be dropped on the tab.
    file_kinds, file_title : tuple of str, str
        Endings of other files that it opens (``.json``), and what the open dialog calls them; see also `takes_path`.

    Signals
    -------
    answered
        A frame came: a drag that is served this way is no long work.
    rested : bool
        The first result, or the result of the last change, is complete; False if it ended in an error.
    """

    params_type: ClassVar[type[Params]]
    intervenes: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[tuple[str, ...]] = ()  # fields without a rule that settings remember
    takes_pictures: ClassVar[bool] = False
    takes_models: ClassVar[bool] = False
    file_kinds: ClassVar[tuple[str, ...]] = ()
    file_title: ClassVar[str] = ""

    rested = Signal(bool)
    busy = Signal(bool)
    answered = Signal()
    progressed = Signal(object)
    noted = Signal(object)
    built = Signal(object)  # never told: all pages are there from the start

    def __init__(self, topic: Topic, shell: Shell) -> None:
        super().__init__()
        self.topic, self.shell = topic, shell
        self.params: Any = shell.settings.restored(topic.name, self.params_type())
        self.note: Message | None = None
        self.progress: Progress | None = None
        self.history = History(self)
        self.stream = Stream(shell.lane, lambda: make_engine(topic.engine), parent=self)
        self.stream.device = shell.settings.device
        self.stream.arrived.connect(self._arrived)
        self.stream.busy.connect(self._busy)
        self.error = ErrorBar()
        self.above = col(gap=0)  # where a tab may put a film strip
        self.pages = self.build()
        self.header = Header(topic.title, [p.title for p in self.pages] if len(self.pages) > 1 else (), self.choosers())
        self._stack = QStackedWidget()
        # from the top down: with a style sheet each further parent polishes all that is below it again
        self.setLayout(col(self.header, self.error, self.above, (self._stack, 1), gap=0))
        self.forms: list[ParamsForm] = []
        for page in self.pages:
            holder = QWidget()
            self._stack.addWidget(holder)
            holder.setLayout(row((Room(page.centre), 1), page.dock, gap=0))
            page.dock.reset.connect(self.reset_changes)
            self.forms += page.dock.findChildren(ParamsForm)
        for form in self.forms:
            form.changed.connect(lambda name, value: self.change(**{name: value}))
            form.settled.connect(lambda _name: self.history.seal())
        self.header.paged.connect(self.show_page)
        self.header.undo.connect(self.undo)
        self.header.redo.connect(self.redo)
        self.header.copied.connect(self.copy_picture)
        self.header.fitted.connect(self.fit)
        self.history.changed.connect(lambda: self.header.set_steps(self.history.can_undo, self.history.can_redo))
        self.failed = False
        self._started = False
        self._lines = False
        self._long = QTimer(self, singleShot=True, interval=theme.BUSY_MS)
        self._long.timeout.connect(lambda: self._run_lines(True))
        self._cut = self._given_up = False  # ended by another tab's question; by the hand
        self.show_params()

    # -- for subclasses
    def build(self) -> Sequence[Page]:
        """Make the pages."""
        raise LookupError(f"{type(self).__name__} builds no pages")

    def choosers(self) -> Sequence[QWidget]:
        """The buttons of the header that choose model and picture."""
        return ()

    def on(self, event: Event) -> None:
        """Draw what the engine tells."""

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        """The changes to the settings that show this picture."""
        return {"picture": picture}

    def model_chosen(self, source: str) -> dict[str, Any]:
        """The changes to the settings that use this model."""
        return {"source": source}

    def show_params(self) -> None:
        """Bring all controls in line with the settings."""
        for form in self.forms:
            form.show_params(self.params)
        for page in self.pages:
            page.dock.set_changes(self.changes())

    def escape(self) -> None:
        """Esc: take a pin back."""

    # -- changing
    def change(self, undoable: bool = True, **fields: Any) -> None:
        """Set some fields, ask the engine for what follows, and remember the step."""
        new = replace(self.params, **fields)
        if new == self.params:
            return
        if undoable:
            self.history.record(self.params, ",".join(sorted(fields)))
        self._use(new)

    def _use(self, params: Params) -> None:
        self.params = params
        self.show_params()
        self.shell.settings.keep(self.topic.name, params, self.kept)
        if self.isVisible() or self._started:
            self.ask()

    def ask(self, again: bool = False) -> None:
        """Ask the engine what the settings ask for; ``again`` even if that was the last question."""
        self._given_up = False
        self.stream.request(self.params, again=again)

    def untouched(self) -> Params:
        """The settings with every change to the model taken back."""
        plain = self.params_type()
        back: Params = replace(self.params, **{name: getattr(plain, name) for name in self.intervenes})
        return back

    def changes(self) -> int:
        """How many changes to the model there are; a tuple counts once for each of its members."""
        plain, count = self.params_type(), 0
        for name in self.intervenes:
            value = getattr(self.params, name)
            count += len(value) if isinstance(value, tuple) else value != getattr(plain, name)
        return count

    def reset_changes(self) -> None:
        """Bring the untouched model back, as one step."""
        new = self.untouched()
        if new != self.params:
            self.history.seal()
            self.history.record(self.params, "")
            self._use(new)

    def undo(self) -> None:
        """One step back."""
        if (params := self.history.undo(self.params)) is not None:
            self._use(params)

    def redo(self) -> None:
        """One step forward."""
        if (params := self.history.redo(self.params)) is not None:
            self._use(params)

    # -- pictures and models
    def take_picture(self, picture: Picture) -> None:
        """Show a picture; the steps of the one before are forgotten."""
        self.error.dismiss()
        self.change(undoable=False, **self.picture_chosen(picture))
        self.history.clear()

    def takes_path(self, path: Path) -> bool:
        """Whether a file or folder dropped while this tab is on screen is for it; asked before pictures and models."""
        return path.suffix.lower() in self.file_kinds

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Use files and folders that `takes_path` said yes to; all that were dropped at once."""

    def paste(self, data: QMimeData) -> bool:
        """Whether the tab could use what the clipboard holds."""
        return False

    def claims_model(self, source: str) -> bool:
        """Whether a model chosen while this tab is on screen is for it, though it belongs to another topic."""
        return False

    def take_model(self, source: str) -> None:
        """Use a model that is on this machine; changes to the old one do not carry over."""
        self.error.dismiss()
        new = replace(self.untouched(), **self.model_chosen(source))
        if new != self.params or self.failed:  # the same model again is another try after a failure
            self._use(new)
        self.history.clear()

    # -- pages
    def show_page(self, index: int) -> None:
        """Turn to a page."""
        part = self._stack.widget(index)
        assert part is not None
        bring(self._stack, part, self.pages[index].centre)
        self.header.set_page(index)
        self.shell.settings.set_page(self.topic.name, index)

    @property
    def page(self) -> int:
        """The page on screen."""
        return self._stack.currentIndex()

    def copy_picture(self) -> None:
        """Copy the cards on screen."""
        QGuiApplication.clipboard().setPixmap(self.pages[self.page].centre.grab())
        self.tell(Message("Copied as a picture."))

    def fit(self) -> None:
        """Bring every view of the page back to the whole."""
        for view in self.pages[self.page].centre.findChildren(QWidget):
            whole = getattr(view, "fit", None)
            if callable(whole):
                whole()

    # -- running
    def shown(self) -> None:
        """The tab came to the front. What another tab's question cut short is asked again."""
        if not self._started or self.failed or (self._cut and not self.stream.is_busy):
            self._started = True
            self.ask()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is on its way."""
        return self.stream.is_busy

    def set_device(self, device: str) -> None:
        """Compute elsewhere from now on."""
        self.stream.device = device
        if self._started:
            self.ask(again=True)

    def cancel(self) -> None:
        """End what is being computed; what is on screen stays."""
        self._given_up = True
        self.stream.stop()

    def tell(self, note: Message | None) -> None:
        """Say something in the status bar."""
        self.note = note
        self.noted.emit(note)

    def complain(self, reason: Text, action: Text = "", act: Any = None, word: Text = "Error") -> None:
        """Say what went wrong, under the header."""
        self.error.tell(reason, word=word, action=action, act=act)

    def _busy(self, busy: bool) -> None:
        if busy:
            self._long.start()
        else:
            self._long.stop()
            self._given_up = False
            self.progress = None
            self._run_lines(False)
        self.busy.emit(busy)
        if not busy:
            self.rested.emit(not self.failed)

    def _run_lines(self, on: bool) -> None:
        """The cards say that nothing has come for a second; answers that come all the time, as in a drag, end that."""
        if on != self._lines:
            self._lines = on
            for card in self.findChildren(Card):
                card.set_busy(on)

    def _arrived(self, event: Event) -> None:
        if isinstance(event, Ended):
            if event.error is not None and self.stream.is_busy:  # nobody asks for that any more
                self.shell.log(event)
                event = replace(event, error=None, memory=False, cancelled=True)
            self._cut = event.cancelled and not self._given_up
        match event:
            case Started():
                self.failed = False
            case Progress():
                self.progress = event
                self.progressed.emit(event)
                return
            case Ended() if event.error is not None:
                self.failed = True
                if event.memory:
                    self.complain(event.error, "Use the CPU", lambda: self.shell.choose_device("cpu"))
                else:
                    self.complain(event.error, "Try again", lambda: self.ask(again=True))
                self.shell.log(event)
            case Frame():
                if self._long.isActive() or self._lines:
                    self._long.start()
                    self._run_lines(False)
                self.answered.emit()
        self.on(event)


AnyTab: TypeAlias = TopicTab | Tab  #: of either dialect
