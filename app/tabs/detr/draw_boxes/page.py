"""The page "Draw boxes": a folder of photos, boxes with names drawn on them, saved at each change."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QListWidget, QWidget

from app import words
from app.cards import card
from app.header import DropDown, entry
from app.lastfolder import OPENED, keep, start_in
from app.sections import section
from app.shell import Shell
from app.tabs.detr.draw_boxes.canvas import DrawCanvas
from app.theme import S2, S3, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.boxes import Box, detection
from app.widgets import WideButton, box, button, col, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.data.drawn_boxes import Album, DrawnBox, write_album
from engines.detr.draw_boxes.spec import AlbumOpened, DrawBoxesParams, PhotoShown

LIST = 190  #: px
NO_NAME = "object"  #: class of a box while none was typed
HINT = "Drag on the photo to draw a box. Drag a box or its corners to change it; Del deletes it."
NEW_TIP = "The next drag draws a box, also inside of another. (N)"


class DrawBoxesPage(Page):
    """A list of photos, the photo with its boxes, and what they are called.

    Signals
    -------
    train_wanted : str
        The folder shall be trained on.
    """

    title = "Draw boxes"
    params_type = DrawBoxesParams
    engine = "engines.detr.draw_boxes.engine:Engine"

    train_wanted = Signal(str)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.album: Album | None = None
        self._photo: PhotoShown | None = None
        self._opened: AlbumOpened | None = None
        self._written: tuple[DrawnBox, ...] = ()
        self._at, self._count = -1, 0  # the chosen box, among so many
        self.canvas, self.photos = DrawCanvas(), QListWidget()
        self.photos.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        say(self.photos, "setAccessibleName", "Photos")
        self.open = WideButton("Open a folder of photos", "folder")
        self.label = QLineEdit()
        self.label.setMaxLength(80)
        say(self.label, "setAccessibleName", "Class")
        self.known = DropDown("Classes", "Classes drawn so far", self._fill_known)
        self.train = WideButton("Train on these photos", kind="primary")
        self.count, self.saved = quiet("", wrap=True), quiet("", wrap=True)
        self.open.clicked.connect(lambda _checked=False: self.ask_folder())
        self.train.clicked.connect(lambda _checked=False: self.train_wanted.emit(self.params.folder))
        self.label.textEdited.connect(self._named)
        self.label.editingFinished.connect(self._name_typed)
        self.photos.currentRowChanged.connect(lambda at: self.change(at=max(0, at)))
        self._connect()
        tools = [
            button(icon="left", kind="boxed", tip="Previous photo", clicked=lambda: self.walk(-1)),
            button(icon="right", kind="boxed", tip="Next photo", clicked=lambda: self.walk(1)),
            button("Box", "add", "boxed", NEW_TIP, SMALL, clicked=lambda: self.canvas.set_mode(True)),
        ]
        self.list_card = card("Photos", self.photos, foot=self.count)
        self.list_card.setFixedWidth(LIST)
        self.photo_card = card("Photo", self.canvas, tools=tools, foot=quiet(HINT, wrap=True))
        centre = box(row(self.list_card, (self.photo_card, 1), gap=S3))
        self.lay(centre, self._dock(), resets=False)
        self.photo_card.set_empty("Open a folder of photos.")

    def _dock(self) -> QWidget:
        names = section("Class", col(self.label, self.known, gap=S2))
        return box(col(box(section("Photos", col(self.open, self.saved, gap=S2))), box(names), self.train, gap=S3))

    def _connect(self) -> None:
        canvas = self.canvas
        canvas.began.connect(lambda _i: self.settle())
        canvas.changed.connect(self._moved)
        canvas.finished.connect(lambda _i: self._let_go())
        canvas.drawn.connect(self._drawn)
        canvas.removed.connect(lambda index: self.remove(self._places()[index]))
        canvas.clicked.connect(self._clicked)

    # -- acts
    def ask_folder(self) -> None:
        """Ask for the photos."""
        start = self.params.folder or str(start_in(self, OPENED))
        name = QFileDialog.getExistingDirectory(self, words.tr("A folder of photos"), start)
        if name:
            keep(self, OPENED, name, folder=True)
            self.open_folder(name)

    def open_folder(self, folder: str) -> None:
        """Draw on the photos of a folder from now on."""
        self.dismiss()
        self.album = None  # first: nothing is written before the folder was read
        self.state.put(folder=folder, opening=self.params.opening + 1, at=0, boxes=())

    def walk(self, by: int) -> None:
        """To the next photo, or the one before."""
        if self.album is not None:
            self.change(at=(self.params.at + by) % len(self.album.sizes))

    def remove(self, at: int) -> None:
        """Delete a box."""
        boxes = self.params.boxes
        self._at = -1
        self.step(boxes=boxes[:at] + boxes[at + 1 :])

    # -- the hand
    def _places(self) -> list[int]:
        """Where the boxes of the photo on screen stand among all."""
        name = "" if self._photo is None else self._photo.name
        return [at for at, one in enumerate(self.params.boxes) if one.photo == name]

    def _drawn(self, place: Any) -> None:
        if self._photo is None or self.album is None:
            return
        new = DrawnBox(self._photo.name, self.params.label.strip() or NO_NAME, place)
        self.step(boxes=(*self.params.boxes, new))
        self._at = len(self.params.boxes) - 1
        self._draw()

    def _moved(self, index: int, moved: Box) -> None:
        places = self._places()
        if index < len(places):
            self._put(places[index], box=(moved.cx, moved.cy, moved.w, moved.h))

    def _put(self, at: int, **values: Any) -> None:
        boxes = self.params.boxes
        self.change(boxes=(*boxes[:at], replace(boxes[at], **values), *boxes[at + 1 :]))

    def _let_go(self) -> None:
        self.settle()
        self._save()

    def _clicked(self, index: object) -> None:
        places = self._places()
        self._at = places[index] if isinstance(index, int) and 0 <= index < len(places) else -1
        if self._at >= 0:
            self.label.setText(self.params.boxes[self._at].label)

    def _named(self, text: str) -> None:
        """The name that is typed is that of the chosen box, and of the boxes to come."""
        self.change(label=text)
        name = text.strip()
        if 0 <= self._at < len(self.params.boxes) and name:
            self._put(self._at, label=name)

    def _name_typed(self) -> None:
        self.settle()

    def _fill_known(self, menu: Any) -> None:
        for name in sorted({one.label for one in self.params.boxes}):
            entry(menu, words.plain(name), partial(self._choose_name, name))

    def _choose_name(self, name: str) -> None:
        self.label.setText(name)
        self._named(name)
        self.settle()

    # -- the contract
    def key(self, event: Any) -> bool:
        if event.key() == Qt.Key.Key_N:
            self.canvas.set_mode(True)
            return True
        return False

    def escape(self) -> None:
        self._at = -1
        self.canvas.set_mode(False)
        self.canvas.set_at(-1)

    def show_params(self, params: DrawBoxesParams) -> None:
        if self.label.text().strip() != params.label.strip() and not self.label.hasFocus() and self._at < 0:
            self.label.setText(params.label)
        if len(params.boxes) != self._count:  # what was chosen may be another one
            self._at, self._count = -1, len(params.boxes)
        self._draw()
        if not self.canvas.dragging():
            self._save()

    def on(self, event: Event) -> None:
        match event:
            case AlbumOpened() if event is not self._opened:
                self._opened, self.album, self._at = event, event.album, -1
                if event.album is not None:
                    self._written = event.album.boxes
                    self.state.put(boxes=event.album.boxes)
                    self._fill_list(event.album)
                self._draw()
            case Ended() if event.error is not None and self.album is None:
                self.state.put(folder="")  # trying again is no use before the folder is another one
            case PhotoShown() if event is not self._photo:
                self._photo, self._at = event, -1
                self.canvas.let_go()
                self.canvas.set_photo(event.rgb)
                self.photo_card.set_empty(None)
                self._draw()

    def _fill_list(self, album: Album) -> None:
        self.photos.blockSignals(True)
        self.photos.clear()
        self.photos.addItems(list(album.sizes))
        self.photos.setCurrentRow(min(self.params.at, len(album.sizes) - 1))
        self.photos.blockSignals(False)

    # -- drawing
    def _draw(self) -> None:
        album, params = self.album, self.params
        self.train.setEnabled(bool(params.boxes))
        self.known.setEnabled(bool(params.boxes))
        if album is None:
            return
        names, counts = list(album.sizes), dict.fromkeys(album.sizes, 0)
        for one in params.boxes:
            counts[one.photo] += 1
        for at, name in enumerate(names):
            text = f"{name}  ({counts[name]})" if counts[name] else name
            if self.photos.item(at) is not None and self.photos.item(at).text() != text:
                self.photos.item(at).setText(text)
        if self.photos.currentRow() != params.at:
            self.photos.blockSignals(True)
            self.photos.setCurrentRow(params.at)
            self.photos.blockSignals(False)
        done = {"n": sum(count > 0 for count in counts.values()), "all": len(names), "boxes": len(params.boxes)}
        say(self.count, "setText", Message("{boxes} {boxes:box|boxes} on {n} of {all} photos", done))
        say(
            self.saved,
            "setText",
            Message("{folder}: saved in {name}", {"folder": album.folder.name, "name": album.file.name}),
        )
        if self._photo is not None:
            self.photo_card.set_note(words.plain(self._photo.name))
            labels = sorted({one.label for one in params.boxes})
            places = self._places()
            drawn = [params.boxes[at] for at in places]
            self.canvas.set_boxes(
                [detection(one.box, words.plain(one.label), labels.index(one.label)) for one in drawn]
            )
            self.canvas.set_at(places.index(self._at) if self._at in places else -1)

    def _save(self) -> None:
        """Bring what is drawn to the disk, if it is something else than what is there."""
        album, boxes = self.album, self.params.boxes
        if album is None or boxes == self._written or str(album.folder) != self.params.folder:
            return
        self._written = boxes
        self.shell.saving.act(album.file, lambda: write_album(album, boxes))
