"""What the app remembers between two runs: one JSON file, written atomically, read with distrust.

A file that cannot be read becomes the defaults and a note; it is kept aside, so that nothing is lost. A single value
that does not fit (a slider that no longer exists, a number out of range) is passed over alone.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QStandardPaths
from PySide6.QtWidgets import QWidget

from engines.core.errors import Message
from engines.core.params import Params, rules

HOME_VARIABLE = "ATTENTION_LAB_HOME"  #: folder to keep everything in, instead of the system's places
VERSION = 1
RECENT = 10  #: pictures and models remembered

P = TypeVar("P", bound=Params)


def config_folder() -> Path:
    """Where the settings file lies."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    return (
        Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)) / "attention-lab"
    )


class Settings:
    """Remembered choices; attributes are read and written directly, `save` puts them on disk.

    Attributes
    ----------
    device, theme, language, tab : str
        Empty theme and language follow the system; an empty tab is the first one.
    rail, reduce_motion : bool
        Icons only at the side; no animations.
    recent_pictures, recent_models : list of str
        Paths and sources, newest first.
    note : Message, optional
        What happened to a settings file that could not be read.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file  # None: nothing is written
        self.device, self.theme, self.language, self.tab = "auto", "", "", ""
        self.rail = self.reduce_motion = False
        self.recent_pictures: list[str] = []
        self.recent_models: list[str] = []
        self.note: Message | None = None
        self._geometry = ""
        self._topics: dict[str, dict[str, Any]] = {}
        self._pages: dict[str, int] = {}

    # -- file
    @classmethod
    def load(cls, temporary: bool = False) -> Settings:
        """Read the file; a ``temporary`` object neither reads nor writes anything."""
        if temporary:
            return cls()
        made = cls(config_folder() / "settings.json")
        made._read()
        return made

    @property
    def folder(self) -> Path | None:
        """Where a tab may keep files of its own; None if nothing is to be written."""
        return None if self._file is None else self._file.parent

    def _read(self) -> None:
        assert self._file is not None
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError("not an object")
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            self._put_aside(error)
            return
        self._take(found)

    def _put_aside(self, error: Exception) -> None:
        assert self._file is not None
        broken = self._file.with_suffix(".broken.json")
        text = "The settings file could not be read ({reason}). Defaults are used; the old file is kept as {name}."
        reason = getattr(error, "strerror", None) or type(error).__name__
        try:
            self._file.replace(broken)
        except OSError:
            text = "The settings file could not be read ({reason}). Defaults are used."
        self.note = Message(text, {"reason": str(reason), "name": broken.name})

    def _take(self, found: dict[str, Any]) -> None:
        choices = {
            "device": ("auto", "cpu", "cuda", "mps"),
            "theme": ("", "light", "dark"),
            "language": ("", "en", "zh"),
        }
        for name, allowed in choices.items():
            if found.get(name) in allowed:
                setattr(self, name, found[name])
        for name, kind in (("tab", str), ("rail", bool), ("reduce_motion", bool)):
            if isinstance(found.get(name), kind):
                setattr(self, name, found[name])
        for name in ("recent_pictures", "recent_models"):
            listed = found.get(name)
            if isinstance(listed, list):
                setattr(self, name, [item for item in listed if isinstance(item, str)][:RECENT])
        self.recent_pictures = [path for path in self.recent_pictures if os.path.lexists(path)]  # the rest vanished
        if isinstance(found.get("geometry"), str):
            self._geometry = found["geometry"]
        for name, values in _items(found.get("topics")):
            if isinstance(values, dict):
                self._topics[name] = values
        for name, page in _items(found.get("pages")):
            if isinstance(page, int) and page >= 0:
                self._pages[name] = page

    def save(self) -> None:
        """Write the file, whole or not at all. A full or read-only disk is no reason to stop the app."""
        if self._file is None:
            return
        text = json.dumps(
            {
                "version": VERSION, "device": self.device, "theme": self.theme, "language": self.language,
                "tab": self.tab, "rail": self.rail, "reduce_motion": self.reduce_motion, "geometry": self._geometry,
                "recent_pictures": self.recent_pictures, "recent_models": self.recent_models,
                "topics": self._topics, "pages": self._pages,
            }, indent=1,
        )  # fmt: skip
        draft = self._file.with_suffix(f".{os.getpid()}.draft")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._file)
        except OSError as error:
            self.note = Message("The settings could not be saved: {reason}", {"reason": str(error.strerror)})

    # -- topics
    def restored(self, topic: str, params: P) -> P:
        """The remembered values put into ``params``; each one that does not fit is passed over."""
        known = {f.name for f in fields(params)}
        for name, value in self._topics.get(topic, {}).items():
            if name not in known or type(value) is not type(getattr(params, name)):
                continue
            try:
                params = replace(params, **{name: value})
            except ValueError:
                continue
        return params

    def keep(self, topic: str, params: Params, extra: tuple[str, ...] = ()) -> None:
        """Remember the fields that have a rule, and the ``extra`` ones."""
        self._topics[topic] = {name: getattr(params, name) for name in (*rules(params), *extra)}

    def page(self, topic: str) -> int:
        """The page of a topic that was last on screen."""
        return self._pages.get(topic, 0)

    def set_page(self, topic: str, page: int) -> None:
        """Remember the page of a topic."""
        self._pages[topic] = page

    # -- window and lists
    def place(self, window: QWidget) -> bool:
        """Put the window where it was; False if that is not known."""
        data = QByteArray.fromBase64(QByteArray(self._geometry.encode("ascii", "ignore")))
        return not data.isEmpty() and window.restoreGeometry(data)

    def remember(self, window: QWidget) -> None:
        """Remember where the window is."""
        self._geometry = window.saveGeometry().toBase64().toStdString()

    def add_picture(self, path: str) -> None:
        """Put a picture first among the recent ones."""
        self.recent_pictures = _first(path, self.recent_pictures)

    def add_model(self, source: str) -> None:
        """Put a model first among the recent ones."""
        self.recent_models = _first(source, self.recent_models)


def _items(found: object) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in found.items() if isinstance(k, str)] if isinstance(found, dict) else []


def _first(item: str, old: list[str]) -> list[str]:
    return [item, *(other for other in old if other != item)][:RECENT]
