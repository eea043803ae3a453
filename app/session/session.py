"""The session of a window: kept once a second, so that a kill loses no more, saved and opened as a file, or as text.

What is kept is gathered on the window's thread, which costs nothing, for settings never change; packing, reading and
writing happen on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.session import text
from app.session.content import (
    Content,
    Hashes,
    Photo,
    as_params,
    check,
    photo_in,
    told,
    understood,
)
from app.session.file import Packed, filled, read, refused
from app.session.photos import Photos
from app.topic.state import State
from app.topics import topics
from engines.core import files
from engines.core.claim import Claim
from engines.core.errors import LabError, Message
from engines.core.pictures import Picture
from engines.data.samples import samples

if TYPE_CHECKING:
    from app.topic.page import Page
    from app.window import Window

FOLDER, MOST = "sessions", 9  #: windows at once whose sessions are kept


class Session(QObject):
    """What all tabs of a window are set to.

    Call `close` before the object goes.

    Parameters
    ----------
    window : Window

    Attributes
    ----------
    pins : dict of str to Pin
        Views that were pinned as A.

    Signals
    -------
    told : Message
    refused : Message
    saved : Path
    """

    told = Signal(object)
    refused = Signal(object)
    saved = Signal(object)
    _done = Signal(object, object)  # from the thread to the window's

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._pool = ThreadPoolExecutor(1, "session")
        self._closed = False
        self._done.connect(self._over)
        self._claim = Claim()
        self._place = self._slot(window.settings.folder)
        self._photos = Photos(None if self._place is None else self._place.parent / self._place.stem)
        self._hashes = Hashes()
        self._store = Content()  # what was opened, as far as its tabs are not built
        self._own = True  # it is of the last time, not of a file
        self._kept: Content | None = None
        self._writing: Future[None] | None = None
        self._failed: Message | None = None
        self._awaits = 0
        self._read_kept()
        self.pins = dict(self._store.pins)

    def _slot(self, folder: Path | None) -> Path | None:
        """The file that this window alone keeps its session in."""
        for number in range(1, MOST + 1) if folder is not None else ():
            assert folder is not None
            place = folder / FOLDER / f"last-{number}.attnlab"
            try:
                if self._claim.hold(place):
                    return place
            except files.WriteError:  # the settings say so
                return None
        return None

    # -- what there is
    def content(self, beat: bool = False) -> Content:
        """All of it, as it is now; at a ``beat`` without the curves of runs that go on, which are others each time."""
        window = self._window
        settings, runs, pages = dict(self._store.settings), dict(self._store.runs), dict(self._store.pages)
        folds = dict(self._store.folds)
        for name, tab in window.tabs.items():
            for state in tab.states:
                settings[state.place] = state.params
            for page in tab.pages.made:
                place = f"{name}.{page.name()}"
                if (run := page.run_now()) is not None:
                    runs[place] = replace(run, curves=()) if beat and page.trains else run
                if folded := page.folds():
                    folds[place] = folded
            pages[name] = tab.now.name()
        tab_now = window.tab.topic.name if window.tab is not None else self._store.tab
        return replace(
            self._store, tab=tab_now, pages=pages, settings=settings, runs=runs, folds=folds, pins=dict(self.pins)
        )

    def _photo(self, picture: Picture) -> Photo:
        """What is told of a picture."""
        sample = next((one.name for one in samples() if str(one.path) == picture.source), "")
        return Photo(picture.name, "" if sample else picture.source, sample)

    # -- kept
    def _read_kept(self) -> None:
        """What was kept the last time; one that can't be read is left where it is, under another name."""
        if self._place is None or not self._place.is_file():
            return
        try:
            found = read(self._place)
            self._store = understood(found.said, found.parts)
        except LabError:
            try:
                files.put_aside(self._place, "broken")
            except files.WriteError as error:
                self._failed = error.message

    def beat(self) -> None:
        """Keep what has changed, if anything, on the thread."""
        if self._place is None or self._closed or (self._writing is not None and not self._writing.done()):
            return
        self._keep_changed(self.content(beat=True))

    def _keep_changed(self, now: Content) -> None:
        if self._kept is None or not _same(now, self._kept):
            self._kept = now
            self._writing = self._pool.submit(self._keep, now)

    def keep(self) -> None:
        """The same with the curves of all runs, and wait until it is on the disk."""
        if self._place is None or self._closed:
            return
        if self._writing is not None:
            self._writing.result()
        self._keep_changed(self.content())
        if self._writing is not None:
            self._writing.result()

    def _keep(self, content: Content) -> None:
        assert self._place is not None
        said, parts = told(content, self._hashes, self._photo)
        photos = {sha256: Photo(**one) for sha256, one in said["photos"].items()}
        self._photos.remember({each: sha256 for sha256, each in parts.pictures.items()})
        try:
            self._photos.keep(photos, parts.pictures)
            files.write(self._place, filled(said, parts, {}), private=True)
            self._failed = None
        except files.WriteError as error:
            if error.message != self._failed:
                self._failed = error.message
                self.refused.emit(error.message)

    def close(self) -> None:
        """Keep what there is, end the thread, and let the file go."""
        if self._closed:
            return
        self.keep()
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._claim.release()

    # -- given back
    def page_of(self, tab: str, names: list[str]) -> int | None:
        """The page that a session has of a tab that is built now; None where it says nothing."""
        page = self._store.pages.get(tab, "")
        return names.index(page) if page in names else None

    def restore(self, state: State, complain: Callable[[Message], object]) -> bool:
        """Give a state its settings of the session; whether there are any."""
        found = self._store.settings.get(state.place)
        if found is None:
            return False
        params, sha256 = as_params(found, state.plain, state.place), photo_in(found, state.plain)
        self._store = replace(self._store, settings=_without(self._store.settings, state.place))
        state.bring(params, sha256, self._own)
        if not sha256:
            return True
        if (seen := self._photos.seen(sha256)) is not None:
            state.photo_read(seen)
            return True
        photo = self._store.photos.get(sha256, Photo("?"))

        def refused(reason: Message) -> None:
            state.photo_read(None)
            complain(reason)

        self._later(lambda: self._photos.find(sha256, photo), state.photo_read, refused)
        return True

    def restore_page(self, topic: str, page: Page) -> None:
        """Give a page its run and its folded sections, if there are any."""
        place, store = f"{topic}.{page.name()}", self._store
        run, folds = store.runs.get(place), store.folds.get(place)
        self._store = replace(store, runs=_without(store.runs, place), folds=_without(store.folds, place))
        if run is not None:
            page.bring_run(run, self._own)
        if folds is not None:
            page.bring_folds(folds)

    # -- files
    def save(self, place: Path) -> None:
        """Write all of it to a file that can be opened on another machine: pictures come along, paths do not."""
        now = self.content()

        def write() -> None:
            said, parts = told(now, self._hashes, self._photo)
            photos = {sha256: Photo(**one) for sha256, one in said["photos"].items()}
            pngs = self._photos.packed(photos, parts.pictures)
            said["photos"] = {sha256: vars(replace(one, file="")) for sha256, one in photos.items()}
            files.write(place, filled(said, parts, pngs), folder=False)

        def over(_done: None) -> None:
            self._window.settings.add_session(str(place))
            self.told.emit(Message("Saved: {name}", {"name": place.name}))
            self.saved.emit(place)

        self._later(write, over)

    def open(self, place: Path) -> None:
        """Open a file; where it is refused, nothing changes."""

        def load() -> tuple[Content, Packed]:
            return self._checked(read(place), place.name)

        def over(found: tuple[Content, Packed]) -> None:
            self._window.settings.add_session(str(place))
            self._take(*found)
            self.told.emit(Message("Opened: {name}", {"name": place.name}))

        self._later(load, over)

    def copied(self) -> str:
        """The settings of the page on screen as text."""
        tab = self._window.tab
        assert tab is not None
        state = tab.now.state
        return text.written(
            Content(tab.topic.name, {tab.topic.name: tab.now.name()}, {state.place: state.params}),
            state.plain,
            self._photo,
        )

    def paste(self, written: str) -> bool:
        """Whether a text is settings; then they are taken."""
        if not text.is_one(written):
            return False
        self._later(lambda: self._checked(text.read(written), Message(text.NAME)), lambda found: self._take(*found))
        return True

    def _checked(self, packed: Packed, name: str | Message) -> tuple[Content, Packed]:
        try:
            content = understood(packed.said, packed.parts)
            check(content, [one.name for one in topics()])
        except LabError as error:
            raise refused(name, error.message) from error
        return content, packed

    def _take(self, content: Content, packed: Packed) -> None:
        """Show a session that was read."""
        old = self._store
        self._photos.pngs |= packed.pngs
        self._own = False
        self.pins |= content.pins
        self._store = replace(
            content, settings={**old.settings, **content.settings}, runs={**old.runs, **content.runs},
            photos={**old.photos, **content.photos}, pages={**old.pages, **content.pages},
            folds={**old.folds, **content.folds},
        )  # fmt: skip
        for name, tab in self._window.tabs.items():
            tab.take_session()
            at = self.page_of(name, [kind.name() for kind in tab.pages.kinds])
            if at is not None:
                tab.show_page(at)
        if content.tab:
            self._window.show_topic(content.tab)

    # -- the thread
    def _later(
        self, work: Callable[[], Any], act: Callable[[Any], object], refused: Callable[[Message], object] | None = None
    ) -> None:
        """Do something on the thread; what it gives, or what it refuses, comes back to the window's."""
        if self._closed:
            return
        self._awaits += 1
        task = self._pool.submit(work)
        task.add_done_callback(lambda done: self._done.emit((act, refused or self.refused.emit), done))

    @property
    def busy(self) -> bool:
        """Whether something is being read or written that was asked for."""
        return self._awaits > 0

    def _over(self, acts: tuple[Callable[[Any], object], Callable[[Message], object]], done: Future[Any]) -> None:
        self._awaits -= 1
        if self._closed or done.cancelled():
            return
        try:
            found = done.result()
        except LabError as error:
            acts[1](error.message)
        else:
            acts[0](found)


def _same(one: Content, other: Content) -> bool:
    """Whether nothing has changed: settings are the same objects."""
    return (
        (one.tab, one.pages, one.folds, one.pins) == (other.tab, other.pages, other.folds, other.pins)
        and _steps(one) == _steps(other)
        and one.settings.keys() == other.settings.keys()
        and all(one.settings[place] is other.settings[place] for place in one.settings)
    )


def _steps(content: Content) -> list[tuple[str, int, int | None, bool]]:
    return [(place, run.step, run.at, bool(run.curves)) for place, run in content.runs.items()]


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
