"""Where pictures and models come in: dropped, opened, pasted, sampled, named on the command line, downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app import words
from app.again import Again
from app.downloads import Download, progress_text
from app.drops import STAYS, Drop, sort_drop, sort_paths
from app.dropzone import Foreseen, foreseen, kinds
from app.images import PictureReader
from app.lastfolder import OPENED, keep, start_in
from app.network import Network
from app.strip import PictureStrip
from app.topics import topics
from engines.checkpoints import catalog
from engines.checkpoints.advice import advised
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.pictures import SUFFIXES, Picture
from engines.core.protocol import Ended

if TYPE_CHECKING:
    from app.topic.tab import Tab
    from app.window import Window


NAMED = 2  #: refusals that are told one by one
LISTED = 12  #: names of files that stand in a sentence
PASTED = "Pasted picture"  #: its name, said in the language in use wherever it stands
SOON = 150  #: ms in which refusals of thumbnails are told together


class Intake(QObject):
    """Takes what the user brings, reads it off the GUI thread, and hands it to the tab on screen.

    Attributes
    ----------
    reading : bool
        A picture is being read.
    network : Network
        Where models come from.
    again : Again
        Brings back what the tabs showed the last time.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.network = Network(window.settings)
        self.again = Again(window.settings, self)
        self._download: Download | None = None
        self._target: Tab | None = None  # the tab that the picture being read is for, see `_expect`
        self._paths: list[Path] = []  # it and the pictures that came with it
        self._further: list[Path] = []  # those of them to be read if it can't be
        self._reads: Path | None = None  # the file that is being read
        self._unread: list[Message] = []  # what else came with it and could not be taken
        self._bad: dict[Path, Message] = {}  # pictures that came with it, or before, and can't be read
        self._strip_tab: Tab | None = None  # whose strip was filled last
        self._used: dict[str, Picture] = {}  # by topic, what a hand has brought there last
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._tell_bad)
        self.reading = False
        self._strips: list[PictureStrip] = []
        self.reader = PictureReader(self)
        self.reader.opened.connect(self._opened)
        self.reader.refused.connect(self._refused)
        self.reader.busy.connect(self._busy)
        self.reader.thumbnail.connect(self._thumbnail)
        self.reader.unreadable.connect(self._no_thumbnail)

    # -- coming in
    def ask_files(self) -> None:
        """Ask for pictures, one or several, or for what else the tab on screen opens."""
        tab, title = self._window.tab, words.tr("Open pictures")
        kinds = [f"{words.tr('Pictures')} ({_patterns(SUFFIXES)})"]
        if tab is not None and tab.file_kinds:
            kinds.insert(0, f"{words.tr(tab.file_title)} ({_patterns(tab.file_kinds)})")
            title = words.tr("Open files")
        names, _ = QFileDialog.getOpenFileNames(self._window, title, self._last_folder(), ";;".join(kinds))
        if names:
            keep(self._window, OPENED, names[0])
            self.paths(names)

    def ask_folder(self) -> None:
        """Ask for a folder with a model or with pictures."""
        title = words.tr("A folder with a model or with pictures")
        name = QFileDialog.getExistingDirectory(self._window, title, self._last_folder())
        if name:
            keep(self._window, OPENED, name, folder=True)
            self.paths([name])

    def paste(self) -> None:
        """Take what the clipboard holds."""
        data = QGuiApplication.clipboard().mimeData() or QMimeData()  # None where its owner has just ended
        if self._window.session.paste(data.text()):
            return
        if self._window.tab is None or not self._window.tab.paste(data):
            self.dropped(data)

    def dropped(self, data: QMimeData) -> None:
        """Take what was dropped."""
        self._take(sort_drop(data, self._is_wanted))

    def paths(self, paths: Iterable[str]) -> None:
        """Take files and folders."""
        self._take(sort_paths(paths, self._is_wanted))

    def sample(self, name: str) -> None:
        """Show a sample photo."""
        tab = self._picture_tab()
        if tab is not None:
            self._expect(tab)
            self.reader.open_sample(name)

    def foresee(self, data: QMimeData) -> Foreseen:
        """What a drop of this will do, told while it is dragged; no file is opened for it."""
        tab = self._window.tab
        found, here = kinds(data, self._is_wanted), tab.topic.title if tab is not None else ""
        if tab is not None and tab.takes_pictures:
            return foreseen(found, here, here)
        first = next((each for each in topics() if each.pictures), None)
        return foreseen(found, here, first.title, first.name) if first is not None else foreseen(found, here, "")

    def _last_folder(self) -> str:
        settings = self._window.settings
        if settings.folders.get(OPENED) or not settings.recent_pictures:
            return str(start_in(self._window, OPENED))
        return str(Path(settings.recent_pictures[0]).parent)

    # -- sorting
    def _is_wanted(self, path: Path) -> bool:
        return self._window.tab is not None and self._window.tab.takes_path(path)

    def _take(self, drop: Drop) -> None:
        for session in drop.sessions[-1:]:
            self._window.session.open(session)
        for study in drop.studies[-1:]:
            self._window.studies.open(study)
        if drop.files and self._window.tab is not None:
            self._window.tab.error.dismiss()  # of what was dropped before
            self._window.tab.take_paths(drop.files)
        for source in drop.models[-1:]:
            self.use_model(source)
        tab = self._window.tab or (self._picture_tab() if drop.pictures or drop.image is not None else None)
        if tab is None:
            return
        self._expect(tab if tab.takes_pictures else None, drop.pictures, drop.errors)
        if drop.image is not None:
            self.reader.open_image(drop.image, PASTED)
        elif drop.pictures:
            self._bad.clear()
            if self._target is not None:
                self.fill_strip(self._target, drop.pictures)
            self._open(drop.pictures[0])
        if drop.refusal is not None and tab.takes_pictures:
            tab.complain(drop.refusal, word="Refused")
        elif drop.errors:
            tab.complain(_together(drop.errors), word="Refused")

    def _expect(self, tab: Tab | None, paths: Sequence[Path] = (), unread: Iterable[Message] = ()) -> None:
        """A picture is about to be read for this tab; if it can't be, those after it are tried.

        None is the first tab that takes pictures: nobody is taken there before there is one to be seen.
        """
        self._target, self._paths, self._further, self._unread = tab, list(paths), list(paths[1:]), list(unread)

    def _picture_tab(self) -> Tab | None:
        """The tab on screen if it takes pictures, else the first that does."""
        tab = self._window.tab
        if tab is not None and tab.takes_pictures:
            return tab
        found = next((t for t in topics() if t.pictures), None)
        return self._window.show_topic(found.name) if found is not None else None

    def fill_strip(self, tab: Tab, paths: list[Path]) -> None:
        """Show pictures that came in together in a tab's strip; one that came alone stands in none."""
        strip = tab.findChild(PictureStrip)
        if len(paths) < 2:
            if strip is not None and paths[0] in strip.paths:
                strip.mark(paths[0])
            elif strip is not None:
                strip.hide()
                self._window.settings.keep_strip(tab.topic.name, [])
            return
        if strip is None:
            strip = PictureStrip()
            self._strips.append(strip)
            strip.chosen.connect(lambda path, t=tab: self._choose(t, path))
            tab.above.add(strip)
        self._strip_tab = tab
        strip.fill(paths)
        strip.show()
        self._window.settings.keep_strip(tab.topic.name, [str(path) for path in paths])
        self.reader.make_thumbnails(paths)

    def _choose(self, tab: Tab, path: Path) -> None:
        self._expect(tab)
        self._open(path)

    def _open(self, path: Path) -> None:
        self._reads = path
        self.reader.open(path)

    def hand_over(self, picture: Picture) -> None:
        """Show a picture that another tab shows, or showed."""
        tab = self._picture_tab()
        if tab is not None:
            self._expect(tab)
            self._show(tab, picture)

    def used_elsewhere(self, topic: str) -> list[tuple[str, Picture]]:
        """The pictures that other topics were last given, each with the topic's name, the newest first."""
        used = {name: one for name, one in self.again.found.items() if name not in self._used} | self._used
        mine = used.get(topic)
        return [(name, one) for name, one in reversed(used.items()) if name != topic and one is not mine]

    def _show(self, tab: Tab, picture: Picture) -> None:
        self._used.pop(tab.topic.name, None)
        self._used[tab.topic.name] = picture
        tab.take_picture(picture)
        self.mark(tab, Path(picture.source) if picture.source else None)

    # -- the reader's answers
    def _busy(self, busy: bool) -> None:
        self.reading = busy
        self._window.status.set_busy(busy or (self._window.tab is not None and self._window.tab.is_busy))

    def _opened(self, picture: Picture) -> None:
        if picture.source:
            self._window.settings.add_picture(picture.source)
        tab, paths, unread = self._target, self._paths, self._unread
        if tab is None and (tab := self._picture_tab()) is not None and paths:
            self.fill_strip(tab, [path for path in paths if path not in self._bad])
        if tab is not None:
            self._expect(tab)
            self._show(tab, picture)
            unread = [*unread, *self._bad.values()] if paths else unread
            if unread:  # said now, since another picture takes what was said before away
                tab.complain(_together(unread), word="Refused")
            elif picture.note is not None:
                tab.complain(picture.note, word="Note")

    def _refused(self, reason: Message) -> None:
        """Of several pictures the first good one is shown; the broken ones before it are named."""
        inner = reason.values.get("refusal")
        why = inner if isinstance(inner, Message) else reason
        if self._reads is not None and self._paths:
            self._leave_out(self._reads, why)
        else:
            self._unread.append(why)
        said = [*self._unread, *self._bad.values()] if self._paths else self._unread
        if self._further:
            path = self._further.pop(0)
            if self._target is not None:
                self.mark(self._target, path)
            self._open(path)
        elif self._target is not None:
            self._target.complain(Message(STAYS, {"refusal": _together(said)}), word="Refused")
        else:
            self._window.complain(_together(said), word="Refused")

    @staticmethod
    def mark(tab: Tab, path: Path | None) -> None:
        """Show in a tab's strip which of its pictures is read, or shown."""
        strip = tab.findChild(PictureStrip)
        if strip is not None:
            strip.mark(path)

    def _thumbnail(self, path: Path, image: object) -> None:
        for strip in self._strips:  # not searched for: they come by the dozen, and a tab has a thousand objects
            strip.put(path, image)

    def _no_thumbnail(self, path: Path, why: Message) -> None:
        if path not in self._bad:
            self._leave_out(path, why)
            self._soon.start()

    def _leave_out(self, path: Path, why: Message) -> None:
        """A picture can't be read: it leaves the strip."""
        self._bad[path] = why
        if path in self._further:
            self._further.remove(path)
        for strip in self._strips:
            strip.remove(path)

    def _tell_bad(self) -> None:
        """Name the pictures of the strip that can't be read, as soon as some are known."""
        if self.reading:
            self._soon.start()  # what is read now may be refused, too, or takes away what was said
        elif self._strip_tab is not None and self._bad:
            self._strip_tab.complain(_together(list(self._bad.values())), word="Refused")

    # -- models
    def use_model(self, source: str) -> None:
        """Hand a model that is on this machine to the topic it belongs to."""
        known = catalog.describe(source)
        name = catalog.topic_of(source)
        tab = self._window.tab
        if any(t.name == name for t in topics()) and (tab is None or not tab.claims_model(source)):
            tab = self._window.show_topic(name)
        if tab is None or not tab.takes_models:
            self._window.complain(Message("{name}: no topic here can use this model.", {"name": known.title}))
            return
        self._remember_if_good(tab, source)
        tab.take_model(source)

    def _remember_if_good(self, tab: Tab, source: str) -> None:
        """Put a model among the recent ones once it has answered; one that is refused is not offered again."""

        def answered(good: bool) -> None:
            tab.rested.disconnect(answered)
            if good and source in vars(tab.params).values():
                self._window.settings.add_model(source)

        tab.rested.connect(answered)

    # -- downloads
    @property
    def downloading(self) -> bool:
        """Whether a download is under way."""
        return self._download is not None and self._download.running

    def download(self, source: str) -> None:
        """Fetch a model from the hub; one at a time."""
        if self.downloading:
            self._window.complain("A download is under way. Cancel it first, or wait.", word="Note")
            return
        for former in self.findChildren(Download):
            former.close()
            former.deleteLater()
        title = catalog.describe(source).title
        job = self._download = Download(source, self, self.network.reach())
        job.progress.connect(lambda *numbers: self._window.status.set_progress(
            progress_text(title, *numbers), numbers[0], numbers[1]))  # fmt: skip
        job.finished.connect(lambda _folder: self._fetched(source))
        job.failed.connect(lambda reason: self._failed(reason, source, job.details))
        job.cancelled.connect(self._rest)
        self._window.status.set_progress(Message("Looking up {name} on the hub", {"name": title}), 0, 0)
        self._window.status.set_busy(True)
        job.start()

    def _fetched(self, source: str) -> None:
        self._rest()
        self.use_model(source)

    def _failed(self, reason: Message, source: str, details: str) -> None:
        self._rest()
        if details:
            self._window.log(Ended(Params(), error=reason, details=details))
        self._window.complain(advised(reason), "Try again", lambda: self.download(source), word="Download")
        if self._window.tab is not None:
            self._window.tab.error.offer("Network and models", self._window.tools.show_network)

    def _rest(self) -> None:
        tab = self._window.tab
        self._window.status.set_busy(tab is not None and tab.is_busy)

    def cancel(self) -> bool:
        """Give the download up; False if there is none."""
        if self._download is None or not self._download.running:
            return False
        self._download.cancel()
        return True

    def close(self) -> None:
        """End every thread."""
        self.reader.close()
        self.again.close()
        for job in self.findChildren(Download):  # a cancelled one may still be ending
            job.close()


def _patterns(suffixes: Iterable[str]) -> str:
    """As a file dialog wants them."""
    return " ".join(f"*{suffix}" for suffix in suffixes)


def _together(errors: list[Message]) -> Message:
    """The first refusals, and the names in those after them."""
    told, rest = errors[0], errors[NAMED:]
    for error in errors[1:NAMED]:
        told = Message("{first} {second}", {"first": told, "second": error})
    if not rest:
        return told
    names = ", ".join(str(error.values.get("name", "")) for error in rest[:LISTED])
    names += ", …" if len(rest) > LISTED else ""
    return Message("{first} And {n} more: {names}.", {"first": told, "n": len(rest), "names": names})
