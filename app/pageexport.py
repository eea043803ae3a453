"""Ctrl+S: all that is on screen as one file.

A picture of the cards, a sheet to print, or the numbers behind every view of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QWidget

from app import export, words
from app.export import Exportable, settings_of, settings_text
from app.lastfolder import follow
from app.resting import at_rest
from app.saving import Filling

if TYPE_CHECKING:
    from app.window import Window

PICTURES, PAPER = (".png", ".svg"), ".pdf"


class Shown:
    """The views of a page as one thing to save.

    Parameters
    ----------
    centre : QWidget
        The cards of the page.
    name : str
        What the file is called.
    title : str
        What stands above a sheet of it.
    """

    def __init__(self, centre: QWidget, name: str, title: str = "") -> None:
        self.centre, self.export_name, self.title = centre, name, title
        self.views = [view for view in centre.findChildren(QWidget) if seen(view) and isinstance(view, Exportable)]
        self.settings = dict(settings_of(centre))

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays of all views, each under ``view.array``, and what a view is set to of its own."""
        found: dict[str, np.ndarray] = {}
        for name, view in zip(self._names(), self.views, strict=True):
            found |= {f"{name}.{key}": np.asarray(array) for key, array in view.numbers().items()}
            own = settings_of(view)
            if dict(own) != self.settings:
                found[f"{name}.settings"] = np.array(settings_text(own))
        return found

    def _names(self) -> list[str]:
        """What the views are called, with a number where two have one name."""
        names: list[str] = []
        for view in self.views:
            name, count = view.export_name, 2
            while name in names:
                name, count = f"{view.export_name}-{count}", count + 1
            names.append(name)
        return names

    def fit(self) -> None:
        """A page is always whole."""


def seen(view: QWidget) -> bool:
    """Whether a view stands on screen."""
    return view.isVisible() and not view.size().isEmpty()


def shown(window: Window) -> Shown:
    """What is on screen."""
    assert window.tab is not None
    page = window.tab.pages[window.tab.page]
    title = f"{words.tr(window.tab.topic.title)} · {words.tr(page.title)}"
    return Shown(page.centre, "-".join((window.tab.topic.name, *page.title.lower().split())), title)


def taken(what: Shown, kind: str) -> Filling:
    """A copy of all that is on screen, as a kind of file (.png, .svg, .pdf, .npz, .csv)."""
    if kind == PAPER:
        from app import printing  # with the plots, which the window opens without

        return printing.sheet(what.centre, what.title)
    return export.TAKERS[kind](what.centre if kind in PICTURES else what)


class Copies(QObject):
    """Copies of what is on screen, one for each kind of file, made one a turn: all at once would hold the window up.

    Parameters
    ----------
    what : Shown
    parent : QObject
    """

    def __init__(self, what: Shown, parent: QObject) -> None:
        super().__init__(parent)
        self._what, self._fills = what, dict[str, Filling]()
        numbers = [kind for kind in export.TAKERS if kind not in PICTURES] if what.views else []
        self.kinds = [*PICTURES, PAPER, *numbers]
        self._turns = QTimer(self, interval=0)
        self._turns.timeout.connect(self._go_on)
        self._turns.start()

    def of(self, kind: str) -> Filling:
        """The copy of a kind, made now where its turn has not come."""
        if kind not in self._fills:
            self._fills[kind] = taken(self._what, kind)
        return self._fills[kind]

    def _go_on(self) -> None:
        missing = [kind for kind in self.kinds if kind not in self._fills]
        if missing:
            self.of(missing[0])
        else:
            self._turns.stop()


def ask(window: Window) -> None:
    """Ask for a place without holding the window up.

    The file holds what is on screen as the dialog opens, with nothing pointed at.
    """
    if window.tab is not None:
        at_rest(window.tab.pages[window.tab.page].centre, lambda: _ask(window))


def _ask(window: Window) -> None:
    what = shown(window)
    copies = Copies(what, window)

    def save(path: str, chosen: str) -> None:
        typed = Path(path).suffix.lower()
        kind = typed if typed in copies.kinds else chosen
        fill = copies.of(kind)  # now: whether to overwrite may still be asked
        export.save_as(window, path, kind, lambda place: window.saving.write(place, fill))

    _choose(window, what.export_name, copies, save)


def _choose(window: QWidget, name: str, copies: Copies, save: Callable[[str, str], object]) -> None:
    """Open the dialog; ``save`` gets the place and the kind that it was told."""
    dialog = QFileDialog(window, words.tr("Save what is on screen"))
    copies.setParent(dialog)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([f"*{kind}" for kind in copies.kinds])
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(chosen.removeprefix("*.")))
    dialog.setDefaultSuffix(copies.kinds[0].removeprefix("."))
    follow(dialog)
    dialog.selectFile(name + copies.kinds[0])
    dialog.fileSelected.connect(lambda path: save(path, dialog.selectedNameFilter().removeprefix("*")))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
