"""What Qt says on stderr: lines that are known and mean nothing are left out, and its last words become a sentence."""

from __future__ import annotations

import os
import re
import sys

from PySide6.QtCore import QMessageLogContext, QtMsgType, qFormatLogMessage, qInstallMessageHandler

from app import display

QUIET = re.compile(
    r"This plugin does not support (propagateSizeHints\(\)|raise\(\)|setting window (opacity|masks))"  # offscreen
    r"|QStandardPaths: XDG_RUNTIME_DIR not set, defaulting to '.*'"  # a shell without a login session
    r"|(Qt: )?Session management error: .*"  # no session manager to say goodbye to
)
"""Lines of Qt that tell nothing that anybody could put right; each is matched whole."""


def leave_out_noise() -> None:
    """Leave out `QUIET` from here on, where somebody else makes the application object."""
    with Starting():
        pass


class Starting:
    """Keeps what Qt says while the application object is made, for it may end in an abort.

    Used as a context manager; afterwards the handler stays and only leaves out `QUIET`.
    """

    def __init__(self) -> None:
        self._said: list[str] | None = []

    def __enter__(self) -> None:
        qInstallMessageHandler(self.heard)

    def __exit__(self, *_: object) -> None:
        said, self._said = self._said or [], None
        for line in said:
            print(line, file=sys.stderr)

    def heard(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        """One message of Qt, from any thread. After a fatal one Qt aborts, so the process leaves first."""
        if QUIET.fullmatch(text):
            return
        if self._said is None:
            print(qFormatLogMessage(kind, context, text), file=sys.stderr)
        elif kind == QtMsgType.QtFatalMsg:
            print(f"No window can open. {' '.join(self._reason(text))}", display.WAYS_ON, sep="\n", file=sys.stderr)
            sys.stderr.flush()
            os._exit(2)
        else:
            self._said.append(qFormatLogMessage(kind, context, text))

    def _reason(self, last: str) -> list[str]:
        """Qt's own lines, without the one that always comes and without the names of its logging categories."""
        said = [re.sub(r"^qt\.[\w.]+: ", "", line).strip() for line in self._said or []]
        plugins = re.search(r"Available platform plugins are: .*", last)
        return ["Qt says:", *(said or [last]), *([plugins[0]] if plugins else [])]
