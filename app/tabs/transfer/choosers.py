"""The buttons in the header that choose the backbone and the set of pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMenu

from app import words
from app.choosers import Chooser, ModelChooser
from app.header import entry
from app.lastfolder import OPENED, keep, start_in
from engines.checkpoints import backbones, catalog

if TYPE_CHECKING:
    from app.tabs.transfer.tab import TransferTab

DIGITS = "Digits"


class BackboneChooser(ModelChooser):
    """All models whose features can be used, of whatever topic."""

    def fill(self, menu: QMenu) -> None:
        listed = backbones.available()
        for model in listed:
            self._line(menu, model)
        names = {model.name for model in listed}
        recent = [catalog.describe(s) for s in self._tab.shell.settings.recent_models if s not in names]
        here = [model for model in recent if model.topic in ("", *backbones.topics())]
        if here:
            menu.addSeparator()
        for model in here:
            self._line(menu, model)
        menu.addSeparator()
        entry(menu, "Open a model folder", self._tab.shell.open_folder)


class SetChooser(Chooser):
    """The digits, or class folders."""

    def __init__(self, tab: TransferTab) -> None:
        super().__init__(tab, DIGITS, "Pictures: {name}")
        self._owner = tab

    def fill(self, menu: QMenu) -> None:
        tab = self._owner
        entry(menu, DIGITS, lambda: tab.take_set(()), checked=not tab.params.folders)
        for folders in tab.recent_sets:
            name = words.plain(set_name(folders))
            line = entry(menu, name, partial(tab.take_set, folders), checked=folders == tab.params.folders)
            line.setToolTip("\n".join(folders[:8]))
        menu.addSeparator()
        entry(menu, "Open class folders", self.ask)

    def ask(self) -> None:
        """Ask for a folder of class folders."""
        title = words.tr("A folder with one folder per class")
        start = self._owner.params.folders[0] if self._owner.params.folders else str(start_in(self._owner, OPENED))
        chosen = QFileDialog.getExistingDirectory(self._owner, title, start)
        if chosen:
            keep(self._owner, OPENED, chosen, folder=True)
            self._owner.take_set((chosen,))


def set_name(folders: tuple[str, ...]) -> str:
    """What class folders are called."""
    first = Path(folders[0])
    return (first if len(folders) == 1 else first.parent).name or str(first)
