"""The data set that the pages show: files that come, and the way back from those that are refused or given up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.shell import Host
from app.topic.feed import Feed
from app.topic.state import State
from engines.core.errors import Message, joined
from engines.core.protocol import Ended, Event
from engines.mean_ap.spec import OF_DATA, RESULTS_ALONE, DataShown, MeanApParams

MOST_FILES = 4


class DataSet(QObject):
    """What is measured.

    Parameters
    ----------
    host : Host
        Says what was odd or refused.
    state : State
    feed : Feed
        Of all pages.

    Attributes
    ----------
    shown : DataShown or None
        The data on screen.

    Signals
    -------
    named : str
        Other data are on screen.
    """

    named = Signal(str)

    def __init__(self, host: Host, state: State, feed: Feed) -> None:
        super().__init__(feed)
        self._host, self._state, self._feed = host, state, feed
        self.shown: DataShown | None = None
        self._waiting: tuple[str, ...] = ()  # results that came before their ground truth
        self._home: MeanApParams | None = None  # how the data on screen were looked at before others were asked for
        feed.heard.connect(self._heard)

    def take(self, paths: Sequence[Path]) -> None:
        """COCO files: ground truth, results, or both; what is missing stays as it is."""
        mine = (*self._state.params.files, *self._waiting, *(str(path) for path in paths))
        self.measure(tuple(dict.fromkeys(reversed(mine)))[:MOST_FILES][::-1])

    def measure(self, files: tuple[str, ...]) -> None:
        """Measure these files, () for what is bundled; the same again are read again."""
        before: MeanApParams = self._state.params
        self._waiting = ()
        if self.shown is not None and before.files == self.shown.files:
            self._home = before
        self._state.put(**vars(before.measuring(files)))
        if files == before.files:
            self._feed.ask(again=True)

    def _heard(self, event: Event) -> None:
        match event:
            case DataShown() if event is not self.shown:
                self.shown = event
                self.named.emit(event.name)
                if event.notes:
                    self._host.complain(joined(event.notes), word="Note")
            case Ended() if event.error is not None:
                self._went_wrong(event.error, event.misplaced)
            case Ended() if event.cancelled and self._feed.given_up:
                self._go_home()

    def _went_wrong(self, reason: Message, misplaced: bool) -> None:
        """Files that were refused are not asked for again, unless by hand."""
        new = self._go_home()
        if reason.text == RESULTS_ALONE:
            self._waiting = new
            self._host.complain(reason, "Open COCO files", self._host.shell.open_files, word="Note")
        elif new and not misplaced:
            self._host.complain(reason, "Try again", lambda: self.take([Path(name) for name in new]))

    def _go_home(self) -> tuple[str, ...]:
        """Files that were refused or given up leave the data on screen as they are; without any, to the sample."""
        good = self.shown.files if self.shown is not None else ()
        asked = self._state.params.files
        if asked == good:
            return ()
        home = self._home or MeanApParams()
        self._state.put(**{name: getattr(home, name) for name in OF_DATA})
        return tuple(name for name in asked if name not in good)
