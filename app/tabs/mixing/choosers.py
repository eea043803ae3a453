"""The two buttons in the header that choose the nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from app.choosers import ModelChooser
from app.header import entry
from engines.blocks.mixers import KIND
from engines.checkpoints import backbones, catalog

if TYPE_CHECKING:
    from app.tabs.mixing.tab import MixingTab


class NetChooser(ModelChooser):
    """All nets that a topic offers for this, on one of the two sides.

    Parameters
    ----------
    tab : MixingTab
    side : str
        Name of the setting that it chooses: ``model`` or ``other``.
    """

    def __init__(self, tab: MixingTab, side: str) -> None:
        super().__init__(tab)
        self._owner, self._side = tab, side

    def fill(self, menu: QMenu) -> None:
        self._owner.side = self._side  # what is downloaded or opened from here is for this side
        shell, listed = self._owner.shell, backbones.available(KIND)
        for model in listed:
            self._line(menu, model)
        names = {model.name for model in listed}
        recent = [catalog.describe(source) for source in shell.settings.recent_models if source not in names]
        here = [model for model in recent if backbones.usable(model.name, KIND)]
        if here:
            menu.addSeparator()
        for model in here:
            self._line(menu, model)
        menu.addSeparator()
        entry(menu, "Open a model folder", shell.open_folder)

    def _take(self, source: str) -> None:
        self._owner.side = self._side
        super()._take(source)
