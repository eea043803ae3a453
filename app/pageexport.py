"""Ctrl+S: all that is on screen as one file. A picture of the cards, or the numbers behind every view of the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QFileDialog, QWidget

from app import export, words
from app.export import Exportable, settings_of, settings_text
from app.saving import Filling

if TYPE_CHECKING:
    from app.window import Window


class Shown:
    """The views of a page as one thing to save.

    Parameters
    ----------
    centre : QWidget
        The cards of the page.
    name : str
        What the file is called.
    """

    def __init__(self, centre: QWidget, name: str) -> None:
        self.centre, self.export_name = centre, name
        self.views = [view for view in centre.findChildren(QWidget) if isinstance(view, Exportable) and seen(view)]
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
    return Shown(page.centre, "-".join((window.tab.topic.name, *page.title.lower().split())))


def taken(what: Shown, kind: str) -> Filling:
    """A copy of all that is on screen, as a kind of file (.png, .svg, .npz, .csv)."""
    return export.TAKERS[kind](what.centre if kind in (".png", ".svg") else what)


def ask(window: Window) -> None:
    """Ask for a place without holding the window up; the file holds what is on screen now."""
    if window.tab is None:
        return
    what = shown(window)
    kinds = [kind for kind in export.TAKERS if kind in (".png", ".svg") or what.views]
    fills = {kind: taken(what, kind) for kind in kinds}
    dialog = QFileDialog(window, words.tr("Save what is on screen"))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([f"*{kind}" for kind in kinds])
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(chosen.removeprefix("*.")))
    dialog.setDefaultSuffix(kinds[0].removeprefix("."))
    dialog.selectFile(what.export_name + kinds[0])

    def save(path: str) -> None:
        typed = Path(path).suffix.lower()
        kind = typed if typed in fills else dialog.selectedNameFilter().removeprefix("*")
        export.save_as(window, path, kind, lambda place: window.saving.write(place, fills[kind]))

    dialog.fileSelected.connect(save)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
