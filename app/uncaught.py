"""Exceptions that nobody caught, of any thread: printed as ever, kept for the diagnostics, and said in the window."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from app import diagnostics
from app.window import Window
from engines.core.errors import LabError, Message


class Uncaught(QObject):
    """Stands in for Python's hooks as long as the window lives.

    Parameters
    ----------
    window : Window
        Where they are said.
    """

    _heard = Signal(object)  # from any thread to the window's

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self._of_main
        threading.excepthook = self._of_thread
        self._heard.connect(self._say)

    def close(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._before

    def _of_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._before[0](kind, error, trace)
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            self._keep(error)

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        self._before[1](args)
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            self._keep(args.exc_value)

    def _keep(self, error: BaseException) -> None:
        diagnostics.remember("".join(traceback.format_exception(error)))
        if isinstance(error, LabError):
            words = error.message
        else:
            words = Message("Unexpected {kind}: {text}", {"kind": type(error).__name__, "text": str(error)})
        self._heard.emit(words)

    def _say(self, words: Message) -> None:
        self._window.complain(words)
