"""The button that chooses the ViT whose features a DETR learns on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QSizePolicy

from app import words
from app.choosers import IN_MENU, LONGEST, known, shortened
from app.header import DropDown, entry
from app.shell import Shell
from app.words import tr
from engines.checkpoints import catalog
from engines.checkpoints.catalog import KnownModel
from engines.core.errors import Message
from engines.detr import vits

TIP = (
    "Its frozen features are computed once for each photo; the DETR learns on them. Model folders opened before are "
    "listed, too."
)


class VitChooser(DropDown):
    """Those at hand are chosen at once, those of the hub are fetched on a click.

    Signals
    -------
    chosen : str
        The source.
    """

    chosen = Signal(str)

    def __init__(self, shell: Shell) -> None:
        super().__init__("ViT", TIP, self._fill)
        self._shell, self._source = shell, ""
        self._asked: str | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_source(self, source: str) -> None:
        """Say which one it is; empty for the best one here."""
        if source != self._asked:
            self._asked, self._source = source, source or vits.best()
            self.retranslated()

    def retranslated(self) -> None:
        """Shorten the name anew."""
        if self._source:
            title = known(catalog.describe(self._source).title)
            self.set_text(words.plain(shortened(tr(title), LONGEST)))

    def _fill(self, menu: QMenu) -> None:
        for model in vits.known(self._shell.settings.recent_models):
            self._line(menu, model)

    def _line(self, menu: QMenu, model: KnownModel) -> None:
        title = words.plain(shortened(tr(known(model.title)), IN_MENU))
        fetch = model.kind == "hub" and not model.ready
        offer = Message("{name}: download, {size} MB", {"name": title, "size": words.number(model.size_mb)})

        def act() -> None:
            if fetch:
                self._shell.download(model.name)
            else:
                self.chosen.emit(model.name)

        line = entry(menu, offer if fetch else title, act, checked=model.name == self._source)
        line.setToolTip(tr(model.note) if model.note else model.name)
