"""The tab "Average precision": its pages show one data set, which is chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from app.choosers import Chooser
from app.header import entry
from app.shell import Shell
from app.tabs.mean_ap.data import DataSet
from app.topic.tab import Tab
from app.topics import Topic
from app.words import known
from engines.core.errors import Message


class DataChooser(Chooser):
    """What is measured: the sample, or files."""

    def __init__(self, tab: MeanApTab) -> None:
        super().__init__(tab, "Sample", "Data: {name}")
        self._owner = tab

    def fill(self, menu: QMenu) -> None:
        owner = self._owner
        entry(menu, "Toy DETR, 40 scenes", lambda: owner.data.measure(()), checked=not owner.params.files)
        menu.addSeparator()
        text = Message("{text}\t{keys}", {"text": Message("Open COCO files"), "keys": "Ctrl+O"})
        entry(menu, text, owner.shell.open_files)


class MeanApTab(Tab):
    """Both pages show the same data."""

    def __init__(self, topic: Topic, shell: Shell) -> None:
        super().__init__(topic, shell)
        feed = self.now.feed
        assert feed is not None
        self.data = DataSet(self, self.now.state, feed)
        self.data.named.connect(lambda name: self._chooser.show_name(known(name)))

    def choosers(self) -> Sequence[QWidget]:
        self._chooser = DataChooser(self)
        return (self._chooser,)

    def take_paths(self, paths: Sequence[Path]) -> None:
        """COCO files, on whichever page they are dropped."""
        self.error.dismiss()
        self.data.take(paths)
