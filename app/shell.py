"""What a tab may ask of the window around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from app.saving import Saving
from app.settings import Settings
from app.words import Text
from engines.core.errors import Message
from engines.core.lane import Lane
from engines.core.pictures import Picture
from engines.core.protocol import Ended


class Sessions(Protocol):
    """What was kept of the tabs, or opened, for those that are built."""

    def page_of(self, tab: str, names: list[str]) -> int | None:
        """The place among ``names`` of the page that is to be shown; None where nothing is said of it."""

    def restore(self, state: Any, complain: Callable[[Message], object]) -> bool:
        """Give an `app.topic.state.State` its settings, once; whether there are any."""

    def restore_page(self, topic: str, page: Any) -> None:
        """Give an `app.topic.page.Page` its run and its folded sections, once, if there are any."""


class Desk(Protocol):
    """The studies of a window."""

    def of_page(self, page: Any) -> object:
        """Make runs that differ in a setting of a page, see `app.studies.subject.Studied`."""


class Shell(Protocol):
    """The window, as its tabs see it."""

    lane: Lane
    settings: Settings
    saving: Saving

    @property
    def studies(self) -> Desk:
        """Runs that differ in a setting."""

    @property
    def session(self) -> Sessions:
        """What was kept, or opened."""

    def choose_device(self, name: str) -> None:
        """Compute on ``auto``, ``cpu``, ``cuda`` or ``mps`` from now on, or on a cluster."""

    def open_files(self) -> None:
        """Ask for pictures or a model folder."""

    def open_folder(self) -> None:
        """Ask for a folder with a model or with pictures."""

    def paste(self) -> None:
        """Take a picture from the clipboard."""

    def take_sample(self, name: str) -> None:
        """Show one of the sample photos."""

    def take_shown(self, picture: Picture) -> None:
        """Show a picture that another tab shows."""

    def used_elsewhere(self, topic: str) -> list[tuple[str, Picture]]:
        """The pictures that other topics were last given, with the names of these topics."""

    def read_again(self, topic: str, file: str, act: Callable[[Picture | None], None]) -> None:
        """Read the photo that a topic showed the last time; ``act`` gets it, or None where it can't be read."""

    def take_paths(self, paths: list[str]) -> None:
        """Take files and folders as if they were dropped on the window."""

    def send(self, kind: str, value: object) -> None:
        """Hand something to the topic that takes its kind (`app.topics.Topic.takes`), and bring that to the front."""

    def download(self, source: str) -> None:
        """Fetch a model from the hub, off the compute lane, then use it."""

    def log(self, ended: Ended) -> None:
        """Keep the traceback of a failed run for a bug report."""


class Host(Protocol):
    """A page, or a tab, as what works for it sees it: a training, an offer of kept runs."""

    shell: Shell

    def tell(self, note: Message | None) -> None:
        """Say something in the status bar."""

    def complain(self, reason: Text, action: Text = "", act: Any = None, word: Text = "Error") -> None:
        """Say what went wrong, under the header."""
