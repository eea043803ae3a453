"""The bar at the foot of the window: device, memory, what is being done with progress and Cancel, frames per second."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QMenu, QProgressBar, QWidget

from app import words
from app.fitting import FittingBar
from app.header import DropDown, entry
from app.onepaint import paint_at_once
from app.steady import Steady, room
from app.theme import S3, S4, SMALL, STATUS
from app.widgets import button, quiet, row
from app.words import Text
from engines.core.device import CHOICES, RAY, has_ray
from engines.core.errors import Message

PATIENCE = 200  #: ms under which work does not announce itself
NAMES = {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA GPU", "mps": "Apple GPU"}


class Status(FittingBar):
    """One line that never changes its height.

    Parameters
    ----------
    further : callable, optional
        Adds to the menu of devices.

    Signals
    -------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps`` was chosen, or `RAY`: a cluster whose address is to be asked for.
    cancelled
        Cancel was pressed.
    sought : Path
        "Show in folder" was pressed.
    """

    device = Signal(str)
    cancelled = Signal()
    sought = Signal(object)

    def __init__(self, further: Callable[[QMenu], None] | None = None) -> None:
        super().__init__()
        self._further = further
        self.setProperty("kind", "status")
        self.setFixedHeight(STATUS)
        self._choice = "auto"
        self.devices = DropDown("CPU", "Where the models run", self._fill)
        self.devices.set_icon("chip")
        self.devices.setProperty("kind", "")
        self.devices.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.memory = Steady(kind="quiet")
        self.text = Steady()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(140, 8)
        self.cancel = button("Cancel", px=SMALL, clicked=self.cancelled.emit)
        self._saved: Path | None = None  # what the note says was saved
        self.in_folder = button("Show in folder", "folder", px=SMALL, clicked=lambda: self.sought.emit(self._saved))
        self.in_folder.hide()
        self.fps = quiet()
        self.fps.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._note: Message | None = None
        self._busy = self._told = False
        self._pending: Text = "Computing"
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(PATIENCE)
        self._wait.timeout.connect(self._announce)
        self.setLayout(
            row(self.devices, self.memory, 1, self.text, self.in_folder, self.bar, self.cancel, 1, self.fps, gap=S3,
                pad=(S3, 0, S4, 0))
        )  # fmt: skip
        self._rest()
        self.retranslated()

    def _fill(self, menu: QMenu) -> None:
        for name in CHOICES:
            entry(menu, NAMES[name], partial(self.device.emit, name), checked=name == self._choice)
        if has_ray():
            entry(menu, words.plain("Ray"), partial(self.device.emit, RAY), checked=self._choice == RAY)
        if self._further is not None:
            menu.addSeparator()
            self._further(menu)

    def set_device(self, choice: str, text: Text) -> None:
        """Show which device was chosen and what it turned out to be, such as "CPU, 1 thread"."""
        self._choice = choice
        self.devices.set_text(text)

    def set_memory(self, used: int) -> None:
        """Show the bytes in use."""
        self.memory.setText(f"{used / 1e6:,.0f} MB" if used < 1e9 else f"{used / 1e9:.2f} GB")

    def set_rate(self, frames: float) -> None:
        """Show frames per second; at rest there are none."""
        if frames >= 0.5:
            words.say(self.fps, "setText", "{n} fps", n=f"{frames:.0f}")
        else:
            words.say(self.fps, "setText", "Idle")

    def set_busy(self, busy: bool) -> None:
        """Work began or ended; it is announced only if it lasts."""
        self._busy = busy
        if not busy:
            self._wait.stop()
            self._rest()
        elif not self._wait.isActive() and not self._told:
            words.say(self.text, "setText", self._note or "")
            self._wait.start()

    def answered(self) -> None:
        """Something was just shown: work that answers all the time, as in a drag, is not announced."""
        if self._busy:
            self._rest()
            self._wait.start()

    def set_progress(self, text: Text, done: float, total: float) -> None:
        """How far the work is; ``total`` 0 means that nobody knows."""
        self.bar.setRange(0, 1000 if total > 0 else 0)
        if total > 0:
            self.bar.setValue(round(1000 * min(1.0, done / total)))
        self._pending = text
        if self._told:
            words.say(self.text, "setText", text)

    def set_note(self, note: Message | None) -> None:
        """What stands there while nothing is being done, such as the time of the last computation."""
        self._note = note
        self._saved = None
        self.in_folder.hide()
        if not self._told:
            words.say(self.text, "setText", note or "")

    def set_saved(self, place: Path) -> None:
        """The note says that this file was saved: offer to show where, until there is another note."""
        self._saved = place
        self.in_folder.show()
        self.fit_parts()

    def set_dressing(self, busy: bool, text: Text = "Switching the theme") -> None:
        """The whole window is about to change its look, or has done so. It stands still meanwhile: painted at once."""
        if busy:
            words.say(self.text, "setText", text)
        else:
            words.say(self.text, "setText", self._pending if self.bar.isVisible() else self._note or "")
        layout = self.layout()
        if busy and layout is not None:
            layout.activate()  # the text's place, else laid out with the next event
            paint_at_once(self)

    def _announce(self) -> None:
        if self._busy:
            words.say(self.text, "setText", self._pending)
            self.text.setProperty("kind", "")
            self._told = True
            self.cancel.show()
            self.fit_parts()

    def _rest(self) -> None:
        self._pending = "Computing"
        self.bar.setRange(0, 0)
        self._told = False
        self.cancel.hide()
        words.say(self.text, "setText", self._note or "")
        self.fit_parts()

    def fit_parts(self) -> None:
        """What may be left out of a narrow bar: first the frames per second, then the memory, then the moving bar."""
        wanted: list[tuple[QWidget, bool]] = [(self.bar, self._told), (self.memory, True), (self.fps, True)]
        always = [self.devices, self.text, *([self.cancel] if self._told else [])]
        always += [self.in_folder] if self._saved else []
        left = self.width() - S3 - S4 - sum(one.minimumSizeHint().width() + S3 for one in always)
        for part, on in wanted:
            wide = part.minimumWidth() + S3
            part.setVisible(on and wide <= left)
            left -= wide if on else 0

    def retranslated(self) -> None:
        """Keep the column of the frames as wide as its longest text."""
        self.fps.setFixedSize(room(self.fps.fontMetrics(), words.tr("{n} fps", n="000"), words.tr("Idle")))

    restyled = retranslated
