"""The page: one set of cards with their dock, over one state and the answers of one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.params_form import ParamsForm
from app.room import Room
from app.sections import Section
from app.session.content import Run
from app.shell import Shell
from app.topic.dock import Dock
from app.topic.feed import Feed
from app.topic.state import State
from app.widgets import row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import Params, rules
from engines.core.pictures import Picture
from engines.core.protocol import Event, Frame, Subject

LEFT = "{n} {n:change|changes} to the model {n:is|are} still in effect from the last session."


@dataclass(frozen=True)
class Complaint:
    """What goes wrong, for the bar under the header, and what can be done about it."""

    reason: Text
    action: Text = ""
    act: Callable[[], object] | None = None
    word: Text = "Error"
    kind: str = ""


class Page(QWidget):
    """Base of all pages. A subclass builds its cards and hands them to `lay` in its constructor.

    It knows neither its tab nor other pages: what it sets goes through `change` and `step`, what it has to say
    through `tell` and `complain`, and what concerns it comes in through the methods under *The contract*.

    Class attributes
    ----------------
    title : str
        Its name in the header.
    params_type : type
        Its settings; the roles of their fields say what is a step and what an engine sees (`engines.core.params`).
        Pages of one tab with the same Params share them.
    engine : str
        ``module:Class`` of what answers it; empty where nobody has to. Pages with the same Params and engine share
        the answers.
    asks : type or None
        What of the settings the engine is asked with, where it is not all of them: Params whose fields they have.
        Pages that share an engine may ask it with different ones.
    drawn_with : tuple of str
        Settings beside these and those of the dock that its views follow: where pages share settings, a caption names
        no others.
    former : str
        What its settings were remembered under before the page had a place of its own; the topic's by default.
    takes_pictures, takes_models : bool
        Whether pictures and model folders may be dropped on it; see `picture_chosen` and `model_chosen`.
    file_kinds, file_title : tuple of str, str
        Endings of other files that it opens (``.json``), and what the open dialog calls them.

    Parameters
    ----------
    state : State
    feed : Feed or None
        None where ``engine`` is empty.
    shell : Shell
        Lane, settings and the dialogs of the window.

    Signals
    -------
    noted : Message or None
    complained : Complaint or None
        None takes back what was said.
    """

    title: ClassVar[str]
    params_type: ClassVar[type[Params]]
    engine: ClassVar[str] = ""
    asks: ClassVar[type[Params] | None] = None
    drawn_with: ClassVar[tuple[str, ...]] = ()
    former: ClassVar[str] = ""
    takes_pictures: ClassVar[bool] = False
    takes_models: ClassVar[bool] = False
    file_kinds: ClassVar[tuple[str, ...]] = ()
    file_title: ClassVar[str] = ""

    noted = Signal(object)
    complained = Signal(object)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__()
        self.state, self.feed, self.shell = state, feed, shell
        self.on_screen = False
        self.last_note: Message | None = None
        self._shown: Params | None = None  # the settings that the controls stand at
        self._given: dict[type[Event], Event] = {}  # the frames that are drawn, and what they are about
        state.changed.connect(self._changed)
        if feed is not None:
            feed.heard.connect(self._heard)

    def lay(self, centre: QWidget, *dock: QWidget, resets: bool = True) -> None:
        """Put the cards in the middle and the controls at the right; forms are wired to the settings.

        Parameters
        ----------
        centre : QWidget
        *dock : QWidget
            The sections of the dock, from above.
        resets : bool
            The dock counts changes to the model and can take them back.
        """
        self.centre, self.dock = centre, Dock(*dock, resets=resets)
        self.forms = self.dock.findChildren(ParamsForm)
        self.dock.reset.connect(self._take_back)
        for form in self.forms:
            form.changed.connect(lambda name, value: self.change(**{name: value}))
            form.settled.connect(lambda _name: self.settle())
        self.room = Room(centre)
        self.setLayout(row((self.room, 1), self.dock, gap=0))

    @classmethod
    def name(cls) -> str:
        """The page's folder in tabs and engines, and its place in the settings: its title, as a name."""
        return cls.title.lower().replace(" ", "_")

    @classmethod
    def plain(cls) -> Params:
        """The settings of the very first start; of pages that share them the first one says it."""
        return cls.params_type()

    # -- the contract: what a subclass says
    def on(self, event: Event) -> None:
        """Draw what the engine tells.

        Frames, and the `Subject` they are about, come while the page is on screen, at the latest when it gets there.
        """

    def show_params(self, params: Any) -> None:
        """Bring what the page has of its own in line with the settings; the forms of the dock are so already."""

    def answerable(self) -> bool:
        """Whether the engine can be asked; where not, the page says why, and what is on screen stays."""
        return True

    def activated(self) -> None:
        """The page came to the front."""

    def deactivated(self) -> None:
        """Another page came to the front."""

    def key(self, event: QKeyEvent) -> bool:
        """Use a key that no control wanted; whether it was of use."""
        return False

    def escape(self) -> None:
        """Esc: take a pin back."""

    def undo(self) -> None:
        """One step back."""
        self.state.undo()

    @property
    def can_undo(self) -> bool:
        """Whether there is one."""
        return self.state.history.can_undo

    @classmethod
    def accepts(cls, path: Path) -> bool:
        """Whether a dropped file or folder is for this page; asked before pictures and models."""
        return path.suffix.lower() in cls.file_kinds

    def take(self, paths: Sequence[Path]) -> None:
        """Use the files and folders that `accepts` said yes to; all that were dropped at once."""

    def paste(self, data: QMimeData) -> bool:
        """Use what the clipboard holds; whether it was of use."""
        return False

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        """The changes to the settings that show this picture."""
        return {"picture": picture}

    def model_chosen(self, source: str) -> dict[str, Any]:
        """The changes to the settings that use this model; changes to the old one are taken back before."""
        return {"source": source}

    def device_changed(self, device: str) -> None:
        """Compute elsewhere from now on what the page computes beside its feed."""

    def at_stake(self) -> Message | None:
        """What would be lost if the window closed now, as a sentence; None if nothing would."""
        return None

    @property
    def trains(self) -> bool:
        """Whether a training goes on."""
        return False

    def run_now(self) -> Run | None:
        """Where the run of the page stands; None where there is none."""
        return None

    def bring_run(self, run: Run, offered: bool) -> None:
        """Bring a run of a session back, unless it is ``offered`` where it is kept."""

    def folds(self) -> dict[str, bool]:
        """The sections of the dock that the hand folded (True) or opened, by their place from above."""
        found = enumerate(self.dock.findChildren(Section))
        return {str(at): one.folded for at, one in found if one.by_hand}

    def bring_folds(self, folds: Mapping[str, bool]) -> None:
        """Fold and open them as a session says."""
        for at, one in enumerate(self.dock.findChildren(Section)):
            if str(at) in folds:
                one.fold(folds[str(at)])
                one.by_hand = True

    def exported(self) -> dict[str, object]:
        """The settings that go into every file exported from this page."""
        return {f.name: getattr(self.params, f.name) for f in fields(self.params)}

    def captioned(self) -> list[str]:
        """The settings that a caption of this page's figures names, in the order of the settings.

        Of settings that several pages share only its own: what its engine is asked with, what its dock has a control
        for, and ``drawn_with``; never what is of no use for the model and the mode at hand.
        """
        controls = {name: used for form in self.forms for name, used in form.fields().items()}
        every = list(rules(self.params))
        own = every if self.asks is None else [f.name for f in fields(self.asks)]
        return [n for n in every if controls.get(n, n in own or n in self.drawn_with)]

    def caption(self) -> Iterable[Text]:
        """What such a caption says beside: what is pinned, and what was done to the model without a slider."""
        return ()

    # -- what a subclass has
    @property
    def params(self) -> Any:
        """The settings."""
        return self.state.params

    def change(self, **values: Any) -> None:
        """Set some fields; all changes of a drag are one step, which `settle` ends."""
        self.state.change(**values)

    def settle(self) -> None:
        """The hand let go."""
        self.state.settle()

    def step(self, **values: Any) -> None:
        """Set some fields as one step of its own."""
        self.state.step(**values)

    def ask(self, again: bool = False) -> None:
        """Ask the engine; ``again`` even if it has answered this."""
        if self.feed is not None and self.answerable():
            self.feed.asks = self.asks
            self.feed.ask(again)

    def tell(self, note: Message | None) -> None:
        """Say something in the status bar."""
        self.last_note = note
        self.noted.emit(note)

    def complain(self, reason: Text, action: Text = "", act: Any = None, word: Text = "Error", kind: str = "") -> None:
        """Say what went wrong, under the header."""
        self.complained.emit(Complaint(reason, action, act, word, kind))

    def dismiss(self) -> None:
        """Take back what was said under the header."""
        self.complained.emit(None)

    def fit(self) -> None:
        """Bring every view back to the whole."""
        for view in self.centre.findChildren(QWidget):
            whole = getattr(view, "fit", None)
            if callable(whole):
                whole()

    # -- what the tab does with it
    def bring(self) -> None:
        """It is on screen from now on."""
        self.on_screen = True
        self.refresh()
        if count := self.state.take_restored():
            left = Message(LEFT, {"n": count})
            self.complain(left, "Reset the model", self.state.reset, word="Note", kind="warning")
        self.activated()
        if self.feed is not None and self.answerable():
            self.feed.asks = self.asks
            self.feed.shown()

    def leave(self) -> None:
        """It is on screen no more."""
        self.on_screen = False
        self.deactivated()

    def refresh(self) -> None:
        """Show what has changed since it was last on screen."""
        if self._shown is not self.params:
            self._shown = self.params
            for form in self.forms:
                form.show_params(self.params)
            self.dock.set_changes(self.params.changes(), len(self.state.differing(self._docked())))
            self.show_params(self.params)
        for kind, event in () if self.feed is None else tuple(self.feed.frames.items()):
            if self._given.get(kind) is not event:
                self._given[kind] = event
                self.on(event)

    def _take_back(self) -> None:
        """Everything as at first; what was said of it is over."""
        self.tell(None)
        self.state.reset(self._docked())

    def _docked(self) -> list[str]:
        """What the dock has a control for."""
        return [name for form in self.forms for name in form.fields()]

    def retranslated(self) -> None:
        """Some texts are made when something comes: make them anew, now or when the page is on screen."""
        self._shown = None
        self._given.clear()
        if self.on_screen:
            self.refresh()

    def _changed(self, _before: Params) -> None:
        if self.on_screen:
            self.refresh()
            if self.isVisible() or not self.window().isVisible():  # behind another topic only a run changes anything
                self.ask()

    def _heard(self, event: Event) -> None:
        if not isinstance(event, Frame | Subject):
            self.on(event)
        elif self.on_screen and not (isinstance(event, Subject) and self._given.get(type(event)) is event):
            self._given[type(event)] = event
            self.on(event)
