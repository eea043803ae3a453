"""Has Qt's own dialogs, buttons and menus speak the chosen language, by the translations that come with Qt."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator

FILES = {"zh": "qtbase_zh_CN"}  #: English is what Qt is written in


class _State:
    """The translation that is in use, and those that were read."""

    def __init__(self) -> None:
        self.used: QTranslator | None = None
        self.read: dict[str, QTranslator] = {}


_state = _State()


def speak(language: str) -> None:
    """Say what is Qt's own in this language from now on; a Qt without it goes on in English."""
    app = QCoreApplication.instance()
    if app is None:
        return
    wanted = _translator(language)
    if wanted is _state.used:
        return
    if _state.used is not None:
        app.removeTranslator(_state.used)
    if wanted is not None:
        app.installTranslator(wanted)
    _state.used = wanted


def _translator(language: str) -> QTranslator | None:
    name = FILES.get(language)
    if name is None:
        return None
    if name not in _state.read:
        _state.read[name] = QTranslator()
        _state.read[name].load(name, QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    return _state.read[name]
