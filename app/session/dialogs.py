"""What a hand asks of the session: open and save it as a file, and copy the settings of a page as text."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from app import export, words
from app.drops import SESSION
from app.header import entry
from app.lastfolder import follow
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

NAME = "attention-lab"  #: of a file that is saved, until its person calls it otherwise


def ask_to_open(window: Window) -> None:
    """Ask for a session file, without holding the window up."""
    dialog = _dialog(window, words.tr("Open a session"))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: window.session.open(Path(path)))
    dialog.open()


def ask_to_save(window: Window) -> None:
    """Ask where the session is to be saved."""
    dialog = _dialog(window, words.tr("Save the session"))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(SESSION[1:])
    dialog.selectFile(NAME + SESSION)
    dialog.fileSelected.connect(lambda path: export.save_as(window, path, SESSION, window.session.save))
    dialog.open()


def _dialog(window: Window, title: str) -> QFileDialog:
    dialog = QFileDialog(window, title)
    dialog.setNameFilter(f"*{SESSION}")
    follow(dialog)
    dialog.finished.connect(dialog.deleteLater)
    return dialog


def add_recent(window: Window, menu: QMenu) -> None:
    """A menu of the sessions that were opened or saved last."""
    recent = [Path(path) for path in window.settings.recent_sessions]
    inner = QMenu(words.tr("Recent sessions"), menu)
    inner.setEnabled(bool(recent))
    inner.setToolTipsVisible(True)
    for path in recent:
        entry(inner, words.plain(path.name), partial(window.session.open, path)).setToolTip(str(path))
    menu.addMenu(inner)


def copy_settings(window: Window) -> None:
    """Put the settings of the page on the clipboard, to be pasted into another window or a letter."""
    if window.tab is not None:
        QGuiApplication.clipboard().setText(window.session.copied())
        window.tab.tell(Message("Copied the settings of the page. They can be pasted into any window (Ctrl+V)."))
