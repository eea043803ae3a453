"""Where a file dialog opens: in the folder that was chosen the last time for the same purpose, also after a restart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QFileDialog, QWidget

SAVED, OPENED = "saved", "opened"  #: purposes


@runtime_checkable
class Remembering(Protocol):
    """The settings of a window, as far as they are of use here."""

    folders: dict[str, str]


def start_in(parent: QWidget, purpose: str, name: str = "") -> Path:
    """The folder of the last time, else that of the person; with ``name`` the place of a file there.

    Parameters
    ----------
    parent : QWidget
        In the window whose settings know it.
    purpose : str
        `SAVED` or `OPENED`.
    name : str
    """
    settings = _settings_of(parent)
    last = settings.folders.get(purpose, "") if settings is not None else ""
    folder = Path(last) if os.path.isdir(last) else Path.home()
    return folder / name if name else folder


def keep(parent: QWidget, purpose: str, chosen: str | Path, folder: bool = False) -> None:
    """Remember where a file lies that was chosen, or the ``folder`` itself that was."""
    settings = _settings_of(parent)
    if settings is not None and str(chosen):
        settings.folders[purpose] = str(Path(chosen) if folder else Path(chosen).parent)


def follow(dialog: QFileDialog, purpose: str = SAVED) -> None:
    """The same for a dialog that is still to be opened; before its file is chosen, since a folder takes it back."""
    dialog.setDirectory(str(start_in(dialog, purpose)))
    dialog.fileSelected.connect(lambda path: keep(dialog, purpose, path))


def _settings_of(part: QWidget) -> Remembering | None:
    window: QWidget | None = part.window()
    while window is not None:
        found = getattr(window, "settings", None)
        if isinstance(found, Remembering):
            return found
        above = window.parentWidget()
        window = above.window() if above is not None else None
    return None
