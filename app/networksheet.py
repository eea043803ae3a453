"""Network and models: the hub's address, the token, the proxy, and what was downloaded, with a way to remove it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMessageBox, QWidget

from app import words
from app.folders import show_in_folder
from app.sheet import Sheet
from app.theme import BODY, S2
from app.widgets import MenuButton, button, col, label, quiet, row
from app.words import Text
from engines.checkpoints import hub, shelf
from engines.checkpoints.reach import MIRROR, OFFICIAL, is_address, proxy
from engines.checkpoints.shelf import Kept
from engines.core.errors import LabError, Message

if TYPE_CHECKING:
    from app.network import Network
    from app.window import Window

WIDE, LEAST = 600, 560
OWN, CHINA, OTHER = range(3)
HUBS: tuple[Text, ...] = (
    words.plain("huggingface.co"),
    Message("hf-mirror.com, a mirror for China"),
    "Another address",
)
SECRET = (
    "Only gated and private models need one. It is sent to the address above and stored in a file that only you "
    "can read; it never appears in logs, exports or diagnostics."
)


class Clerk(QObject):
    """Looks through the cache on a thread of its own: it may lie on a slow disk.

    Signals
    -------
    told : object
        A list of `Kept`, a str (the proxy), or a Message (why something did not work).
    """

    told = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, "cache")

    def ask(self, work: Callable[[], object]) -> None:
        """Do something there; what it returns is told, and the LabError it raises."""
        self._pool.submit(self._work, work)

    def _work(self, work: Callable[[], object]) -> None:
        try:
            self.told.emit(work())
        except LabError as error:
            self.told.emit(error.message)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class NetworkSheet(Sheet):
    """What is set here counts at once and for the next time."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Network and models", WIDE)
        self._window = cast("Window", parent)
        self._network: Network = self._window.intake.network
        self.refusal = label("", BODY, kind="danger", wrap=True)
        self.refusal.hide()
        self._hub()
        self._secret()
        self.heading("Proxy")
        self.proxy = quiet("Reading the system settings", BODY, wrap=True)
        self.inside.addWidget(self.proxy)
        self._models()
        self.inside.addWidget(self.refusal)
        self.clerk = Clerk(self)
        self.clerk.told.connect(self._told)
        self.clerk.ask(proxy)
        self.clerk.ask(shelf.kept)
        self._show_folder()
        self.least = LEAST  # the list comes later

    # -- the hub
    def _hub(self) -> None:
        self.heading("Address of the hub")
        now = self._network.address
        at = {"": OWN, OFFICIAL: OWN, MIRROR: CHINA}.get(now, OTHER)
        self.hubs = MenuButton(HUBS, at)
        self.hubs.chosen.connect(self._choose_hub)
        self.address = QLineEdit(now if at == OTHER else "")
        self.address.setPlaceholderText(hub.endpoint())
        words.say(self.address, "setAccessibleName", "Address of the hub")
        self.address.editingFinished.connect(self._take_address)
        self.address.setEnabled(at == OTHER)
        self.inside.addLayout(row(self.hubs, (self.address, 1)))

    def _choose_hub(self, at: int) -> None:
        self.address.setEnabled(at == OTHER)
        if at == OTHER:
            self.address.setFocus()
            self._take_address()
        else:
            self._network.set_address("" if at == OWN else MIRROR)
            self._refuse(None)

    def _take_address(self) -> None:
        text = self.address.text().strip()
        if self.hubs.at() != OTHER:
            return
        if text and not is_address(text):
            self._refuse(Message("{address}: not a web address.", {"address": text}))
            return
        self._refuse(None)
        self._network.set_address(text)

    # -- the token
    def _secret(self) -> None:
        self.heading("Token")
        self.token = QLineEdit(self._network.token)
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("hf_...")
        words.say(self.token, "setAccessibleName", "Token")
        self.token.editingFinished.connect(self._take_token)
        self.inside.addWidget(self.token)
        self.inside.addWidget(quiet(SECRET, BODY, wrap=True))

    def _take_token(self) -> None:
        if self.token.text().strip() == self._network.token:
            return
        try:
            self._network.set_token(self.token.text())
        except LabError as error:
            self._refuse(error.message)
        else:
            self._refuse(None)

    # -- the models
    def _models(self) -> None:
        self.heading("Downloaded models")
        self.folder = label("", BODY, wrap=True)
        self.folder.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.total = quiet("Scanning the folder", BODY)
        self.back = button("Shared by all programs", kind="boxed", clicked=lambda: self._use(""))
        self.rows = col(gap=S2)
        self.inside.addWidget(self.folder)
        show = button("Show in folder", "folder", "boxed", clicked=lambda: show_in_folder(hub.cache_folder() / "x"))
        other = button("Another folder", kind="boxed", clicked=self._ask_folder)
        self.inside.addLayout(row(show, other, self.back, 1))
        self.inside.addWidget(self.total)
        self.inside.addLayout(self.rows)

    def _show_folder(self) -> None:
        words.say(self.folder, "setText", words.plain(str(hub.cache_folder())))
        self.back.setVisible(bool(self._window.settings.cache))

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, words.tr("A folder for downloaded models"), str(hub.cache_folder()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._use)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _use(self, folder: str) -> None:
        self._network.set_cache(str(Path(folder).absolute()) if folder else "")
        self._show_folder()
        self.clerk.ask(shelf.kept)

    def _list(self, found: list[Kept]) -> None:
        while (old := self.rows.takeAt(0)) is not None:
            if (part := old.widget()) is not None:
                part.hide()
                part.deleteLater()
        size = Message("{size} MB", {"size": words.number(sum(one.size for one in found) / 1e6)})
        words.say(self.total, "setText", Message("{n} {n:model|models}, {size}", {"n": len(found), "size": size}))
        for one in found:
            line = QWidget()
            remove = button("Remove", "trash", "boxed", clicked=partial(self._ask_removal, one))
            remove.setEnabled(not self._window.intake.downloading)
            mega = quiet(Message("{size} MB", {"size": words.number(one.size / 1e6)}), BODY)
            line.setLayout(row(label(words.plain(one.name)), 1, mega, remove))
            self.rows.addWidget(line)

    def _ask_removal(self, one: Kept) -> None:
        question = QMessageBox(self)
        question.setText(
            words.tr("Remove {name}? Every program that uses it will have to download it again.", name=one.name)
        )
        yes = question.addButton(words.tr("Remove"), QMessageBox.ButtonRole.AcceptRole)
        question.addButton(words.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        yes.clicked.connect(lambda: self.remove(one.name))
        question.finished.connect(question.deleteLater)
        question.open()

    def remove(self, name: str) -> None:
        """Take a model away and list what is left."""
        self.clerk.ask(lambda: shelf.remove(name))
        self.clerk.ask(shelf.kept)

    # -- what is told
    def _told(self, what: object) -> None:
        if isinstance(what, list):
            self._list(what)
        elif isinstance(what, Message):
            self._refuse(what)
        elif isinstance(what, str):
            known = Message("{address}, from the system settings", {"address": what})
            words.say(self.proxy, "setText", known if what else "None in the system settings.")

    def _refuse(self, reason: Message | None) -> None:
        self.refusal.setVisible(reason is not None)
        if reason is not None:
            words.say(self.refusal, "setText", reason)

    def done(self, result: int) -> None:
        """Closed: what was typed and not yet taken is taken."""
        self._take_address()
        self._take_token()
        self.clerk.close()
        super().done(result)
