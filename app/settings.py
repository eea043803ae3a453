"""What the app remembers between two runs: one JSON file, written as things change, read with distrust.

A file that cannot be read becomes the defaults and a note; it is kept aside, so that nothing is lost. A single value
that does not fit (a slider that no longer exists, a number out of range) is passed over alone.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QStandardPaths
from PySide6.QtWidgets import QWidget

from app.settingsfile import LISTS, RECENT, SettingsFile, UnreadableError, Values
from engines.checkpoints.reach import is_address
from engines.core.errors import LabError, Message
from engines.core.params import Params, renamed

HOME_VARIABLE = "ATTENTION_LAB_HOME"  #: folder to keep everything in, instead of the system's places
VERSION = 1
ZOOMS = (100, 125, 150, 175, 200)  #: percent
BARE, LIGHT, MAXIMIZED = PRESENTED = "bare", "light", "maximized"  #: without side and dock, pointer lit, before F11

P = TypeVar("P", bound=Params)


def config_folder() -> Path:
    """Where the settings file lies."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    return (
        Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)) / "attention-lab"
    )


class Settings:
    """Remembered choices; attributes are read and written directly, `save` and `save_changes` put them on disk.

    Attributes
    ----------
    device, theme, language, tab : str
        Empty theme and language follow the system; an empty tab is the first one.
    hub, cache : str
        Address of the hub, folder of the downloaded models; empty for those of the environment.
    threads : int
        That torch computes with; 0: as many as the window leaves it.
    zoom : int
        Size of everything in percent, one of `ZOOMS`.
    rail, reduce_motion : bool
        Icons only at the side; no animations.
    recent_pictures, recent_models, recent_sessions : list of str
        Paths and sources, newest first.
    folders : dict of str to str
        Where a file dialog was used last, by its purpose.
    lesson : str
        The topic of the lesson that was last in hand.
    cluster : str
        Address of the cluster that pages are computed on; empty for this computer. No file holds it.
    lesson_at : int
        Its step beside the tab; -1 while no lesson is open.
    presents : list of str
        How the window presented that closed to be opened again at once, of `PRESENTED`; each start takes it, once.
    note : Message, optional
        What happened to a settings file that could not be read or written, until `take_note`.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = None if file is None else SettingsFile(file)  # None: nothing is written
        self._writing: threading.Thread | None = None
        self._failed: Message | None = None  # why the last saving came to nothing
        self.device, self.theme, self.language, self.tab, self.lesson = "auto", "", "", "", ""
        self.hub = self.cache = ""
        self.cluster = ""  # never kept: each start computes here until its person types the address anew
        self.lesson_at = -1
        self.rail = self.reduce_motion = False
        self.threads, self.zoom = 0, ZOOMS[0]
        self.recent_pictures: list[str] = []
        self.recent_models: list[str] = []
        self.recent_sessions: list[str] = []
        self.folders: dict[str, str] = {}
        self.presents: list[str] = []
        self.note: Message | None = None
        self._geometry = ""
        self._topics: dict[str, dict[str, Any]] = {}
        self._photos: dict[str, dict[str, Any]] = {}
        self._strips: dict[str, list[str]] = {}
        self._pages: dict[str, int] = {}
        self._steps: dict[str, list[int]] = {}  # done, of each lesson
        self._on_disk: Values = {}  # what the file was last known to hold of ours

    # -- file
    @classmethod
    def load(cls, temporary: bool = False) -> Settings:
        """Read the file; a ``temporary`` object neither reads nor writes anything."""
        if temporary:
            return cls()
        made = cls(config_folder() / "settings.json")
        found = made._read()
        made._on_disk = {**made._values(), **{name: found[name] for name in LISTS if isinstance(found.get(name), list)}}
        return made

    @property
    def folder(self) -> Path | None:
        """Where a tab may keep files of its own; None if nothing is to be written."""
        return None if self._file is None else self._file.path.parent

    def _read(self) -> Values:
        assert self._file is not None
        try:
            found = self._file.read()
        except UnreadableError as error:
            self.note = error.message
            return {}
        self._take(found)
        return found

    def take_note(self) -> Message | None:
        """The note, once."""
        note, self.note = self.note, None
        return note

    def _take(self, found: dict[str, Any]) -> None:
        choices = {
            "device": ("auto", "cpu", "cuda", "mps"),
            "theme": ("", "light", "dark"),
            "language": ("", "en", "zh"),
        }
        for name, allowed in choices.items():
            if found.get(name) in allowed:
                setattr(self, name, found[name])
        for name, kind in (("tab", str), ("lesson", str), ("rail", bool), ("reduce_motion", bool)):
            if isinstance(found.get(name), kind):
                setattr(self, name, found[name])
        if type(found.get("lesson_at")) is int and found["lesson_at"] >= 0:
            self.lesson_at = found["lesson_at"]
        if type(found.get("threads")) is int and found["threads"] >= 0:
            self.threads = found["threads"]
        if type(found.get("zoom")) is int and found["zoom"] in ZOOMS:
            self.zoom = found["zoom"]
        if isinstance(found.get("hub"), str) and is_address(found["hub"]):
            self.hub = found["hub"]
        if isinstance(found.get("cache"), str) and os.path.isabs(found["cache"]):
            self.cache = found["cache"]
        for name in LISTS:
            listed = found.get(name)
            if isinstance(listed, list):
                setattr(self, name, [item for item in listed if isinstance(item, str)][:RECENT])
        self.recent_pictures = [path for path in self.recent_pictures if os.path.lexists(path)]  # the rest vanished
        self.recent_sessions = [path for path in self.recent_sessions if os.path.lexists(path)]
        if isinstance(found.get("presents"), list):
            self.presents = [one for one in PRESENTED if one in found["presents"]]
        if isinstance(found.get("geometry"), str):
            self._geometry = found["geometry"]
        self.folders |= {name: folder for name, folder in _items(found.get("folders")) if isinstance(folder, str)}
        for name, values in _items(found.get("topics")):
            if isinstance(values, dict):
                self._topics[name] = values
        for name, photo in _items(found.get("photos")):
            if isinstance(photo, dict):
                self._photos[name] = photo
        for name, paths in _items(found.get("strips")):
            if isinstance(paths, list):
                self._strips[name] = [path for path in paths if isinstance(path, str)]
        for name, steps in _items(found.get("steps")):
            if isinstance(steps, list):
                self._steps[name] = sorted({step for step in steps if type(step) is int and step >= 0})
        for name, page in _items(found.get("pages")):
            if isinstance(page, int) and page >= 0:
                self._pages[name] = page

    def _values(self) -> Values:
        """Everything as it stands in the file."""
        found: Values = json.loads(json.dumps({
            "version": VERSION, "device": self.device, "theme": self.theme, "language": self.language,
            "tab": self.tab, "rail": self.rail, "reduce_motion": self.reduce_motion, "hub": self.hub,
            "cache": self.cache, "threads": self.threads, "zoom": self.zoom, "geometry": self._geometry,
            "recent_pictures": self.recent_pictures, "recent_models": self.recent_models,
            "recent_sessions": self.recent_sessions,
            "topics": self._topics, "pages": self._pages, "photos": self._photos, "strips": self._strips,
            "folders": self.folders, "lesson": self.lesson, "lesson_at": self.lesson_at,
            "steps": self._steps, "presents": self.presents,
        }))  # fmt: skip
        return found

    def save(self) -> None:
        """Write what has changed. A full or read-only disk is no reason to stop the app."""
        if self._file is not None:
            self.join()
            self._failed = None  # said again: it may be the last word
            self._write(self._file, self._values())

    def save_changes(self) -> None:
        """Write what has changed, if anything, on a thread of its own: a slow disk does not hold the window up."""
        if self._file is None or (self._writing is not None and self._writing.is_alive()):
            return
        now = self._values()
        if now != self._on_disk:
            self._writing = threading.Thread(target=self._write, args=(self._file, now), name="settings")
            self._writing.start()

    def join(self) -> None:
        """Wait until what `save_changes` began is on the disk."""
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    def _write(self, file: SettingsFile, now: Values) -> None:
        """One at a time: `save_changes` begins none while another goes on, `save` waits for it."""
        try:
            file.save(self._on_disk, now)
        except LabError as error:
            if error.message != self._failed:  # said once, until it went well again
                self.note = self._failed = error.message
            return
        self._on_disk, self._failed = now, None

    # -- topics
    def restored(self, topic: str, params: P) -> P:
        """The remembered values put into ``params``; each one that does not fit is passed over."""
        known = {f.name for f in fields(params)}
        for name, value in renamed(params, self._topics.get(topic, {})).items():
            if name not in known or type(value) is not type(getattr(params, name)):
                continue
            try:
                params = replace(params, **{name: value})
            except ValueError:
                continue
        return params

    def keep_fields(self, place: str, params: Params, names: tuple[str, ...]) -> None:
        """Remember these fields."""
        self._topics[place] = {name: getattr(params, name) for name in names}

    def remembers(self, place: str) -> bool:
        """Whether anything is remembered under that name."""
        return place in self._topics

    def keep_photo(self, place: str, file: str, pins: dict[str, Any], model: list[Any]) -> None:
        """Remember the file of the photo that is looked at, what is pinned on it, and in which model."""
        self._photos[place] = {"file": file, "pins": [[*pin] for pin in pins.items()], "model": model}

    def photo(self, place: str) -> tuple[str, dict[str, Any], list[Any]]:
        """The same; ("", {}, []) where nothing is remembered, or nothing that can be told."""
        match self._photos.get(place):
            case {"file": str(file), "pins": list(pins), "model": list(model)}:
                known = {pin[0]: pin[1] for pin in pins if isinstance(pin, list) and len(pin) == 2}
                return file, {name: value for name, value in known.items() if isinstance(name, str)}, model
        return "", {}, []

    def keep_strip(self, topic: str, paths: list[str]) -> None:
        """Remember the pictures of a topic's film strip; none where it is hidden."""
        self._strips[topic] = paths

    def strip(self, topic: str) -> list[str]:
        """Those of them that are still there."""
        return [path for path in self._strips.get(topic, []) if os.path.isfile(path)]

    def page(self, topic: str) -> int:
        """The page of a topic that was last on screen."""
        return self._pages.get(topic, 0)

    def visited(self, topic: str) -> bool:
        """Whether a topic was ever on screen."""
        return topic in self._pages

    def set_page(self, topic: str, page: int) -> None:
        """Remember the page of a topic."""
        self._pages[topic] = page

    def steps_done(self, lesson: str) -> frozenset[int]:
        """The steps of a lesson that are done."""
        return frozenset(self._steps.get(lesson, ()))

    def do_step(self, lesson: str, step: int) -> None:
        """Remember that a step is done."""
        self._steps[lesson] = sorted({*self._steps.get(lesson, ()), step})

    def forget_steps(self) -> None:
        """No step of any lesson is done."""
        self._steps.clear()

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

    def add_session(self, path: str) -> None:
        """Put a session file first among the recent ones."""
        self.recent_sessions = _first(path, self.recent_sessions)

    def add_model(self, source: str) -> None:
        """Put a model first among the recent ones."""
        self.recent_models = _first(source, self.recent_models)


def _items(found: object) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in found.items() if isinstance(k, str)] if isinstance(found, dict) else []


def _first(item: str, old: list[str]) -> list[str]:
    return [item, *(other for other in old if other != item)][:RECENT]
