"""Controls that look the same on every platform: check box and grid of chips."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QWidget

from app import theme, words
from app.rings import Ringed
from app.theme import BODY, S1, S2, SMALL
from app.widgets import Button, col, label, quiet, row
from app.words import Text


class Check(Ringed, QCheckBox):
    """A check box that looks the same on every platform."""

    def __init__(self, text: Text, on: bool = False, tip: Text = "") -> None:
        super().__init__()
        theme.set_font(self, BODY)
        words.say(self, "setText", text)
        words.say(self, "setAccessibleName", text)
        if tip:
            words.say(self, "setToolTip", tip)
        self.setChecked(on)

    def sizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.text().replace("&&", "&"))
        return QSize(16 + S2 + wide + 4, 24)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, pos: object) -> bool:
        """The whole row answers, not the platform's idea of the box."""
        return True

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            top, on, focus = self.height() / 2 - 8, self.isChecked(), self.rings
            painter.setPen(QPen(theme.color("accent" if on or focus else "control"), 1))
            painter.setBrush(theme.color("accent" if on else "sunken"))
            painter.drawRoundedRect(QRectF(1.5, top + 0.5, 15, 15), 3, 3)
            if focus:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(theme.color("accent"), 1.5))
                painter.drawRoundedRect(QRectF(-0.25 + 1, top - 1.25 - 0.5, 17, 19), 4, 4)
            if on:
                painter.setPen(
                    QPen(
                        theme.color("on_accent"),
                        2,
                        Qt.PenStyle.SolidLine,
                        Qt.PenCapStyle.RoundCap,
                        Qt.PenJoinStyle.RoundJoin,
                    )
                )
                painter.drawPolyline([QPointF(5, top + 8.5), QPointF(8, top + 11.5), QPointF(13, top + 5)])
            painter.setPen(theme.color("text" if self.isEnabled() else "control"))
            painter.setFont(self.font())
            place = QRectF(17 + S2, 0, self.width(), self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self.text().replace("&&", "&"))


class Chips(QWidget):
    """A grid of numbers to switch on and off; off is dashed and struck.

    Signals
    -------
    changed : tuple of int
        The indices (from 0) that are off.

    Attributes
    ----------
    chips : list of Button
    """

    changed = Signal(tuple)

    def __init__(self, count: int, across: int = 6, tip: Text = "") -> None:
        super().__init__()
        self._across, self._tip = across, tip
        self.chips: list[Button] = []
        self._grid = QGridLayout(self)
        self._grid.setSpacing(S1)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.set_count(count)

    def set_count(self, count: int) -> None:
        """Another number of chips, all on."""
        if count == len(self.chips):
            return
        for old in self.chips:
            self._grid.removeWidget(old)
            old.hide()  # it goes when the event loop comes round
            old.deleteLater()
        self.chips = []
        for i in range(count):
            chip = Button(words.plain(str(i + 1)), kind="chip", px=SMALL)
            if self._tip:
                words.say(chip, "setToolTip", self._tip)
            chip.setCheckable(True)
            chip.setChecked(True)
            chip.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            chip.clicked.connect(self._clicked)
            self.chips.append(chip)
            self._grid.addWidget(chip, i // self._across, i % self._across)

    def off(self) -> tuple[int, ...]:
        """Indices (from 0) that are off."""
        return tuple(i for i, chip in enumerate(self.chips) if not chip.isChecked())

    def set_off(self, off: Sequence[int]) -> None:
        """Switch without telling anybody."""
        for i, chip in enumerate(self.chips):
            chip.setChecked(i not in off)
            theme.set_font(chip, SMALL, strike=i in off)

    def _clicked(self) -> None:
        self.set_off(self.off())
        self.changed.emit(self.off())


class HeadChips(QWidget):
    """Which heads take part, named, with a count of those that do.

    Parameters
    ----------
    name : str
        What stands above the chips.

    Signals
    -------
    changed : tuple of int
        Heads that are off, counted from 0.
    """

    changed = Signal(tuple)

    def __init__(self, name: Text) -> None:
        super().__init__()
        self._count = quiet("")
        self.chips = Chips(1, tip="Switches this head on or off; off, its output is 0. (Michel 2019)")
        self.chips.changed.connect(self.changed)
        self.setLayout(col(row(label(name), 1, self._count), self.chips))

    def show_heads(self, count: int, off: Sequence[int]) -> None:
        """So many heads, of which these (from 0) are off."""
        self.chips.set_count(count)
        self.chips.set_off(off)
        words.say(self._count, "setText", "{on} of {count} on", on=count - len(off), count=count)
