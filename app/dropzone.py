"""While something is dragged over the window: where it will land, and what will be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QDragEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QWidget

from app import theme, words
from app.drops import MANY, SESSION, WEIGHTS, nobodys, paths_in, pictures_in
from app.theme import HEAD, R2, S2, S3, S4
from engines.checkpoints import catalog, layout
from engines.core.errors import LabError, Message
from engines.studies.book import FILE, is_study

LOOKED_AT = 60  #: of the dropped things; that many tell what the drop is about
VEIL = 215  #: alpha of the paper over what will make way


@dataclass(frozen=True)
class Foreseen:
    """What a drop will do.

    Attributes
    ----------
    text : Message
    topic : str
        Whose tab it will land on; empty for the one on screen.
    good : bool
        Something can be used.
    """

    text: Message
    topic: str = ""
    good: bool = True


@dataclass
class Kinds:
    """What is dragged, by names alone: no file is opened."""

    pictures: int = 0
    first: str = ""
    models: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    session: str = ""
    study: str = ""
    web: bool = False


def kinds(data: QMimeData, wanted: Callable[[Path], bool] = nobodys) -> Kinds:
    """Sort what is dragged; ``wanted`` says what the tab on screen would take itself."""
    found = Kinds()
    local = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if local:
        _sort(local, wanted, found)
    elif data.hasImage():
        found.pictures = 1
    elif data.urls():
        found.web = True
    else:
        _sort(map(Path, paths_in(data.text())), wanted, found)
    return found


def means_files(data: QMimeData) -> bool:
    """Whether something is dragged that is to be opened; a word that is moved about is not."""
    return data.hasUrls() or data.hasImage() or bool(paths_in(data.text()))


def _sort(paths: Iterable[Path], wanted: Callable[[Path], bool], found: Kinds) -> None:
    for path in islice(paths, MANY):
        if path.suffix.lower() == SESSION:
            found.session = path.name
        elif is_study(path):
            found.study = path.parent.name if path.name == FILE else path.name
        elif wanted(path):
            found.files += (path,)
        elif path.suffix.lower() in WEIGHTS:
            found.models += (str(path.parent),)
        elif not path.is_dir():
            found.pictures += 1
            found.first = found.first or path.name
        elif layout.is_model_folder(path):
            found.models += (str(path),)
        else:
            try:
                inside = pictures_in(path)
            except LabError:
                continue
            found.pictures += len(inside)
            found.first = found.first or (inside[0].name if inside else "")


def foreseen(found: Kinds, here: str, shows: str, elsewhere: str = "") -> Foreseen:
    """What will be done with it.

    Parameters
    ----------
    found : Kinds
    here : str
        Title of the tab on screen.
    shows : str
        Title of the tab that pictures go to: it or, where it takes none, the first that does; empty for none.
    elsewhere : str
        Name of that topic, where it is not the one on screen.
    """
    if found.session:
        return Foreseen(Message("Open the session {name}", {"name": words.plain(found.session)}))
    if found.study:
        return Foreseen(Message("Open the study {name}", {"name": words.plain(found.study)}))
    if found.files:
        several = Message("{n} {n:file|files}", {"n": len(found.files)})
        name = several if len(found.files) > 1 else words.plain(found.files[0].name)
        return Foreseen(Message("Open {name} in {topic}", {"name": name, "topic": Message(here)}))
    if found.models:
        source = found.models[-1]
        topic, title = catalog.topic_of(source), layout.folder_name(Path(source))
        return Foreseen(Message("Use the model {name}", {"name": title}), topic)
    if not found.pictures or not shows:
        if found.web:
            return Foreseen(Message("A web address can't be used: save the picture and drop the file."), good=False)
        return Foreseen(Message("It contains neither a picture nor a model."), good=False)
    on: dict[str, object] = {"topic": Message(shows)}
    if found.pictures == 1:
        one = words.plain(found.first) if found.first else Message("the picture")
        return Foreseen(Message("Show {name} in {topic}", {"name": one, **on}), elsewhere)
    many = Message("Show {n} pictures in {topic}, in a strip to choose from", {"n": found.pictures, **on})
    return Foreseen(many, elsewhere)


class DropZone(QWidget):
    """Lies over the tab while something is dragged, and lets the drag through to the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._over = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._what = Foreseen(Message(""))
        self._further: QRect | None = None
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return words.tr(self._what.text)

    def show_over(self, place: QWidget, what: Foreseen, further: QWidget | None = None) -> None:
        """Cover ``place`` and say what will be done; ``further`` is the topic that it will land on, if not this one."""
        self._what = what
        self.setGeometry(self._window.rect())
        self._over = self._place(place)
        self._further = None if further is None else self._place(further)
        self.setAccessibleName(self.text)
        self.raise_()
        self.show()
        self.update()

    def _place(self, part: QWidget) -> QRect:
        return QRect(part.mapTo(self._window, QPoint(0, 0)), part.size())

    def paintEvent(self, _event: QPaintEvent) -> None:
        token = "accent" if self._what.good else "danger"
        with QPainter(self) as painter:
            painter.fillRect(self._over, theme.color("surface", VEIL))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(token), 2, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(QRectF(self._over).adjusted(S3, S3, -S3, -S3), R2, R2)
            if self._further is not None:
                painter.drawRoundedRect(QRectF(self._further).adjusted(-1, -1, 1, 1), R2, R2)
            painter.setFont(theme.font(HEAD, bold=True))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            room = self._over.adjusted(S4 * 2, S4, -S4 * 2, -S4)
            need = painter.boundingRect(room, flags, self.text).adjusted(-S4, -S2, S4, S2)
            painter.setPen(QPen(theme.color(token), 1))
            painter.setBrush(theme.color("surface"))
            painter.drawRoundedRect(need, R2, R2)
            painter.setPen(theme.color("text"))
            painter.drawText(room, flags, self.text)


class Passing(QObject):
    """Files are for the window wherever they are dropped: a text field would take their names, a plot nothing."""

    def let_through(self, part: QWidget) -> None:
        """Let them fall through all that is in a part of the window."""
        for each in part.findChildren(QWidget):
            if isinstance(each, QLineEdit):
                each.installEventFilter(self)  # text it may have
            elif each.acceptDrops():
                each.setAcceptDrops(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let files fall past a text field."""
        if isinstance(event, QDragEnterEvent) and event.mimeData().hasUrls():
            event.ignore()  # Qt asks what lies below next, up to the window
            return True
        return super().eventFilter(watched, event)
