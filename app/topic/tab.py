"""A tab: header, error bar, film strip, and pages of which each is built when it is first shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app import theme
from app.cards import Card, ErrorBar
from app.collecting import stays
from app.equation import equations
from app.header import Header
from app.regions import bring
from app.remedy import remedy
from app.resting import at_rest
from app.shell import Shell
from app.topic.above import Above
from app.topic.doors import Doors
from app.topic.feed import Feed
from app.topic.owning import adopt
from app.topic.page import Complaint, Page
from app.topic.pages import Pages
from app.topic.state import State
from app.topics import Topic
from app.widgets import col
from app.words import Text
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event, Frame, Progress


class Tab(QWidget):
    """One topic. It turns pages and says for them what they have to say; it knows nothing of what they show.

    A topic that only has pages needs no class of its own. One that chooses models or pictures in the header gives a
    subclass with `choosers`.

    Signals
    -------
    answered
        A frame came: a drag that is served this way is no long work.
    rested : bool
        The first result, or the result of the last change, is complete; False if it ended in an error.
    busy : bool
    progressed : Progress
    noted : Message or None
    built : QWidget
        A page was made.
    """

    rested = Signal(bool)
    busy = Signal(bool)
    answered = Signal()
    progressed = Signal(object)
    noted = Signal(object)
    built = Signal(object)

    def __init__(self, topic: Topic, shell: Shell) -> None:
        super().__init__()
        self.topic, self.shell = topic, shell
        self.note: Message | None = None
        self.progress: Progress | None = None
        self.error = ErrorBar()
        self.above = Above(self.error)
        self._states: dict[type, State] = {}
        self._feeds: dict[tuple[type, str], Feed] = {}
        self._started = self._lines = False
        self._is_new = not shell.settings.visited(topic.name)
        self._long = QTimer(self, singleShot=True, interval=theme.BUSY_MS)
        self._long.timeout.connect(lambda: self._run_lines(True))
        self.pages = Pages(topic.page_classes(), self._make)
        titles = [kind.title for kind in self.pages.kinds]
        self.stack = QStackedWidget()
        self.above.keep_still(self.stack)
        self.doors = Doors(self.stack, topic.architecture, self._turn_to_name) if topic.architecture else None
        door = () if self.doors is None else (self.doors.door,)
        self.header = Header(topic.title, titles if len(titles) > 1 else (), (*self.choosers(), *door))
        self.header.paged.connect(self.show_page)
        self.header.undo.connect(self.undo)
        self.header.redo.connect(self.redo)
        self.header.copied.connect(self.copy_picture)
        self.header.fitted.connect(self.fit)
        self.setLayout(col(self.header, self.above, (self.stack, 1), gap=0))
        last = shell.session.page_of(topic.name, [kind.name() for kind in self.pages.kinds])
        last = shell.settings.page(topic.name) if last is None else last
        self.show_page(last if last < len(self.pages) else 0)

    def greet(self) -> None:
        """The hand opens the topic: the first time with its architecture, for a model is met before its parts."""
        if self._is_new and self.doors is not None:
            self.doors.open_up()
        self._is_new = False

    def _turn_to_name(self, name: str) -> None:
        self.show_page(next(i for i, kind in enumerate(self.pages.kinds) if kind.name() == name))

    def choosers(self) -> Sequence[QWidget]:
        """The buttons of the header that choose model and picture."""
        return ()

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        """A page of this kind.

        A tab whose pages share more than settings and answers, a run say, hands it to them here: a page asks its tab
        for nothing.
        """
        return kind(state, feed, self.shell)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.above.fit(self.height())

    # -- pages
    def _make(self, kind: type[Page]) -> Page:
        """A page with its state and feed, in the stack."""
        state = self._state_of(kind)
        page = self.make_page(kind, state, self._feed_of(kind, state))
        page.noted.connect(self.tell)
        page.complained.connect(self._complained)
        if page.last_note is not None:  # said while it was built
            self.tell(page.last_note)
        if (equation := equations(self.topic.name).get(kind.name())) is not None and equation.source:
            from app.topic.formula import Formula  # it brings pyqtgraph, as each page does, for which no start waits

            page.dock.add(Formula(page, equation))
        adopt(page)
        self.stack.addWidget(page)
        self.shell.session.restore_page(self.topic.name, page)
        self.built.emit(page)
        stays()
        return page

    def _state_of(self, kind: type[Page]) -> State:
        if kind.params_type not in self._states:
            first = next(k for k in self.pages.kinds if k.params_type is kind.params_type)
            place = f"{self.topic.name}.{first.name()}"
            made = State(place, first.plain(), self.shell.settings, first.former or self.topic.name, self)
            made.stepped.connect(self._show_steps)
            self._states[kind.params_type] = made
            if not self.shell.session.restore(made, self.complain) and made.awaited:
                self.shell.read_again(self.topic.name, made.awaited, made.photo_read)
        return self._states[kind.params_type]

    @property
    def states(self) -> Iterator[State]:
        """The settings of the pages that have been looked at."""
        return iter(tuple(self._states.values()))

    def take_session(self) -> None:
        """Take what the session that was opened says of pages that have been looked at."""
        for state in self.states:
            self.shell.session.restore(state, self.complain)
        for page in self.pages.made:
            self.shell.session.restore_page(self.topic.name, page)

    def awaited(self) -> list[str]:
        """The photos of the last time that are still being read."""
        return [state.awaited for state in self._states.values() if state.awaited]

    def _feed_of(self, kind: type[Page], state: State) -> Feed | None:
        key = kind.params_type, kind.engine
        if kind.engine and key not in self._feeds:
            feed = self._feeds[key] = Feed(state, kind.engine, self.shell, self, kind.asks)
            feed.busy.connect(lambda busy, f=feed: self._busy(f, busy))
            feed.progressed.connect(lambda event, f=feed: self._progressed(f, event))
            feed.heard.connect(lambda event, f=feed: self._heard(f, event))
        return self._feeds.get(key)

    @property
    def now(self) -> Page:
        """The page on screen."""
        page = self.stack.currentWidget()
        assert isinstance(page, Page)
        return page

    @property
    def page(self) -> int:
        """The place of the page on screen."""
        return self.pages.index_of(self.now)

    def show_page(self, index: int) -> None:
        """Turn to a page."""
        before, page = self.stack.currentWidget(), self.pages[index]
        if self.doors is not None:
            self.doors.close_up()
        if isinstance(before, Page) and before is not page and before.on_screen:
            before.leave()
        self._run_lines(False)
        bring(self.stack, page, page.centre)
        self.header.set_page(index)
        self.shell.settings.set_page(self.topic.name, index)
        page.refresh()
        self._show_steps()
        if self._started and not page.on_screen:
            page.bring()
        self._busy(page.feed, self.is_busy, ended=False)

    def shown(self) -> None:
        """The tab came to the front. What another tab's question cut short is asked again."""
        self._started = True
        self.now.bring()

    # -- what the window asks
    @property
    def is_busy(self) -> bool:
        """Whether the page on screen waits for an answer."""
        return self.now.feed is not None and self.now.feed.is_busy

    @property
    def failed(self) -> bool:
        """Whether the last question of the page on screen ended in an error."""
        return self.now.feed is not None and self.now.feed.failed

    @property
    def params(self) -> Any:
        """The settings of the page on screen."""
        return self.now.params

    def undo(self) -> None:
        """One step back, of the page on screen; what was said of it is over."""
        self.now.tell(None)
        self.now.undo()

    def redo(self) -> None:
        """One step forward."""
        self.now.tell(None)
        self.now.state.redo()

    def fit(self) -> None:
        """Bring every view of the page back to the whole."""
        self.now.fit()

    def escape(self) -> None:
        """Esc."""
        self.now.escape()

    def copy_picture(self) -> None:
        """Copy the cards on screen, with nothing pointed at."""
        at_rest(self.now.centre, self._copy)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.now.centre.grab())
        self.tell(Message("Copied as a picture."))

    def set_device(self, device: str) -> None:
        """Compute elsewhere from now on."""
        for feed in self._feeds.values():
            feed.move()
        for page in self.pages.made:
            page.device_changed(device)
        if self._started:
            self.now.ask(again=True)

    @property
    def trains(self) -> bool:
        """Whether a training of one of its pages goes on."""
        return any(page.trains for page in self.pages.made)

    def at_stake(self) -> list[Message]:
        """What would be lost if the window closed now."""
        return [lost for page in self.pages.made if (lost := page.at_stake()) is not None]

    def cancel(self) -> None:
        """End what is being computed; what is on screen stays."""
        if self.now.feed is not None:
            self.now.feed.cancel()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.now.key(event):
            super().keyPressEvent(event)

    # -- what is dropped
    @property
    def takes_pictures(self) -> bool:
        """Whether any page shows pictures."""
        return any(kind.takes_pictures for kind in self.pages.kinds)

    @property
    def takes_models(self) -> bool:
        """Whether any page uses models."""
        return any(kind.takes_models for kind in self.pages.kinds)

    @property
    def file_kinds(self) -> tuple[str, ...]:
        """Endings of the other files that its pages open."""
        return tuple(dict.fromkeys(ending for kind in self.pages.kinds for ending in kind.file_kinds))

    @property
    def file_title(self) -> str:
        """What the open dialog calls them."""
        return next((kind.file_title for kind in self.pages.kinds if kind.file_title), "")

    def takes_path(self, path: Path) -> bool:
        """Whether a file or folder is for one of the pages."""
        return any(kind.accepts(path) for kind in self.pages.kinds)

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Give files to the page on screen, and what it does not accept to the others, turning to them."""
        at = self.page
        for i in [at, *(i for i in range(len(self.pages)) if i != at)]:
            mine = [path for path in paths if self.pages.kinds[i].accepts(path)]
            if mine:
                self.show_page(i)
                self.now.take(mine)
                paths = [path for path in paths if path not in mine]

    def paste(self, data: QMimeData) -> bool:
        """Whether the page on screen could use what the clipboard holds."""
        return self.now.paste(data)

    def take_picture(self, picture: Picture) -> None:
        """Show a picture; the steps of the one before are forgotten."""
        self.error.dismiss()
        page = self._turn_to(lambda kind: kind.takes_pictures)
        page.state.put(**page.picture_chosen(picture))

    def claims_model(self, source: str) -> bool:
        """Whether a model chosen while this tab is on screen is for it, though it belongs to another topic."""
        return False

    def take_model(self, source: str) -> None:
        """Use a model that is on this machine; the same again is another try after a failure."""
        self.error.dismiss()
        page, failed = self._turn_to(lambda kind: kind.takes_models), self.failed
        before = page.params
        page.state.put(**vars(before.untouched()) | page.model_chosen(source))
        if failed and (page.params == before or not self.is_busy):  # what else changed may be no part of the question
            page.ask(again=True)

    def model_in(self, params: Params) -> str:
        """The model that settings ask for; empty where they name none."""
        return str(getattr(params, "model", ""))

    def take(self, kind: str, value: object) -> None:
        """Use what another topic hands over, of a kind that the topic says it takes."""

    def _turn_to(self, fits: Callable[[type[Page]], bool]) -> Page:
        """The page on screen if it fits, else the first that does."""
        if not fits(type(self.now)):
            self.show_page(next(i for i, kind in enumerate(self.pages.kinds) if fits(kind)))
        return self.now

    # -- what is said
    def tell(self, note: Message | None) -> None:
        """Say something in the status bar."""
        self.note = note
        self.noted.emit(note)

    def complain(self, reason: Text, action: Text = "", act: Any = None, word: Text = "Error") -> None:
        """Say what went wrong, under the header."""
        self.error.tell(reason, word=word, action=action, act=act)

    def _complained(self, complaint: Complaint | None) -> None:
        if complaint is None:
            self.error.dismiss()
        else:
            self.error.tell(
                complaint.reason, word=complaint.word, action=complaint.action, act=complaint.act, kind=complaint.kind
            )

    def _show_steps(self) -> None:
        if self.stack.currentWidget() is None:  # settings are mended before there is a page
            return
        self.header.set_steps(self.now.can_undo, self.now.state.history.can_redo)

    # -- what is computed
    def _heard(self, feed: Feed, event: Event) -> None:
        if isinstance(event, Frame) and feed is self.now.feed:
            if self._long.isActive() or self._lines:
                self._long.start()
                self._run_lines(False)
            self.answered.emit()
        elif isinstance(event, Ended) and event.error is not None:
            self.complain(
                event.error, *remedy(event, self.shell, "Try again", lambda: self._try_again(feed, event.params))
            )

    def _try_again(self, feed: Feed, failed: Params) -> None:
        """Ask once more what failed. A page may have gone back to the model before: then the refused one is taken."""
        model = self.model_in(failed)
        if model and model != self.model_in(feed.params):
            self.take_model(model)
        else:
            feed.ask(again=True)

    def _progressed(self, feed: Feed, progress: Progress) -> None:
        if feed is self.now.feed:
            self.progress = progress
            self.progressed.emit(progress)

    def _busy(self, feed: Feed | None, busy: bool, ended: bool = True) -> None:
        if feed is not self.now.feed:
            return
        if busy:
            self._long.start()
        else:
            self._long.stop()
            self.progress = None
            self._run_lines(False)
        self.busy.emit(busy)
        if not busy and ended:
            self.rested.emit(not self.failed)

    def _run_lines(self, on: bool) -> None:
        """The cards say that nothing has come for a second; answers that come all the time, as in a drag, end that."""
        if on != self._lines:
            self._lines = on
            for card in self.now.findChildren(Card):
                card.set_busy(on)
