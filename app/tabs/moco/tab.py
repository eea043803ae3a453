"""The tab "MoCo": its pages learn from the pictures that are chosen in the header, and two of them show one run."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.shell import Shell
from app.tabs.moco.pages import RunPage
from app.tabs.moco.run import MocoRun
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from app.topics import Topic
from app.widgets import MenuButton, button
from app.words import say
from engines.moco.saved import bundled
from engines.moco.settings import DATA, FOLDER
from engines.moco.spec import BUNDLED, RANDOM, THIS_RUN, learning_from


class MocoTab(Tab):
    """Chooses the pictures for all pages, and owns the run."""

    def __init__(self, topic: Topic, shell: Shell) -> None:
        self.run: MocoRun | None = None
        super().__init__(topic, shell)
        self._state = self.now.state
        if self._state.params.encoder != RANDOM:  # a run that settings remember went with its window
            self._state.put(encoder=BUNDLED if bundled() else THIS_RUN)
        self._state.changed.connect(lambda _before: self._show_data())
        self._show_data()

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if not issubclass(kind, RunPage):
            return super().make_page(kind, state, feed)
        if self.run is None:
            self.run = MocoRun(self, state)
        return kind(state, feed, self.shell, self.run)

    def choosers(self) -> Sequence[QWidget]:
        self.data = MenuButton(DATA, 0, "Pictures: {value}")
        say(self.data, "setToolTip", "The training pictures. A folder of pictures can be dropped here.")
        self.data.chosen.connect(lambda i: self.use_data(DATA[i]))
        self.folder = button("Choose folder", "folder", "boxed", clicked=self.shell.open_folder)
        return self.data, self.folder

    def use_data(self, data: str) -> None:
        """Learn from other pictures, with views that fit them."""
        if data == FOLDER and not self._state.params.paths:
            self.shell.open_folder()
            self._show_data()
        else:
            self._state.step(**learning_from(data))

    def _show_data(self) -> None:
        self.data.set_at(DATA.index(self._state.params.data))
