"""Shows a file in the desktop's own file manager."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices


def show_in_folder(path: Path) -> bool:
    """Open the folder of a file, with the file marked where the desktop can do that; False if it could not."""
    program, arguments = command(path, sys.platform)
    if program:
        return QProcess.startDetached(program, arguments)[0]
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def command(path: Path, platform: str) -> tuple[str, list[str]]:
    """The program that marks a file, and its arguments; an empty name where there is none for all desktops."""
    if platform == "win32":
        return "explorer", ["/select,", str(path)]
    if platform == "darwin":
        return "open", ["-R", str(path)]
    return "", []
