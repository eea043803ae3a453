"""Asks how a view is to stand in a paper, and where to save it."""

from __future__ import annotations

from typing import cast

from PySide6.QtWidgets import QDialog, QFileDialog, QWidget
from shiboken6 import isValid

from app import theme, words
from app.controls import Check
from app.export import Desk, save_as
from app.figure import COARSEST, FINEST, KINDS, NARROWEST, WIDEST, Figure, bars_of, caption_of, pixels, taken
from app.lastfolder import follow
from app.plots.view import View
from app.resting import rest
from app.sliders import ParamRow, Scale
from app.theme import S3, S4
from app.widgets import Segments, WideButton, box, col, label, quiet, row
from engines.core.errors import Message

KIND, LOOKS = 0, ("Light", "Dark")
SHAPES = (0.0, 1 / 2, 2 / 3, 1.0)  #: height over width; 0 is that on screen
_last = Figure()  # what was asked for last stays asked for
ROOM = 320  #: px, width of the dialog


class FigureDialog(QDialog):
    """Width, resolution, theme and kind of a figure, with what it will be as a picture.

    Parameters
    ----------
    view : QWidget
        What is drawn.
    """

    def __init__(self, view: QWidget) -> None:
        super().__init__(view.window())
        rest(view)  # it was pointed at to open this
        self._view = view
        words.say(self, "setWindowTitle", "Figure for a paper")
        self.setFixedWidth(ROOM)
        self.width_ = ParamRow("Width", Scale(NARROWEST, WIDEST, 1, 0, "mm"), _last.width, 85.0,
                               "85 mm is a column of most journals, 174 mm a page.")  # fmt: skip
        self.kind = Segments([words.plain(kind[1:].upper()) for kind in KINDS])
        self.dpi = ParamRow("Resolution", Scale(COARSEST, FINEST, 1, 0, "dpi", log=True), _last.dpi, 300)
        shapes = (Message("As shown"), *(words.plain(text) for text in ("2:1", "3:2", "1:1")))
        self.shape = Segments(shapes, SHAPES.index(_last.aspect))
        self.look = Segments(LOOKS, theme.THEMES.index(_last.look))
        self.bars = Check("With the color bar", _last.bars)
        self.bars.setVisible(bool(bars_of(view)))
        self.caption = Check("With the settings as a caption", _last.caption)
        self.caption.setVisible(bool(caption_of(view)))
        self.said = quiet("")
        save, leave = WideButton("Save", kind="primary"), WideButton("Cancel")
        save.setDefault(True)
        save.clicked.connect(lambda _checked=False: self._ask())
        leave.clicked.connect(lambda _checked=False: self.reject())
        kinds = row(label("File"), 1, self.kind)
        themes = row(label("Theme"), 1, self.look)
        self.shaped = box(row(label("Shape"), 1, self.shape))
        self.shaped.setVisible(isinstance(view, View) and not view.is_list)
        parts = (
            self.width_,
            self.shaped,
            kinds,
            self.dpi,
            themes,
            self.bars,
            self.caption,
            self.said,
            row(save, leave, gap=S3),
        )
        self.setLayout(col(*parts, gap=S3, pad=(S4, S4, S4, S4)))
        chosen = self.kind.chosen, self.shape.chosen, self.bars.toggled, self.caption.toggled
        for moved in (self.width_.changed, self.dpi.changed, *chosen):
            moved.connect(lambda *_: self._say())
        view.destroyed.connect(self.reject)  # a page may build its cards anew meanwhile
        self._say()

    @property
    def figure(self) -> Figure:
        """What is asked for."""
        return Figure(
            self.width_.number(), round(self.dpi.number()), theme.THEMES[self.look.at()], self.caption.isChecked(),
            self.bars.isChecked(), SHAPES[self.shape.at()],
        )  # fmt: skip

    def _say(self) -> None:
        if not isValid(self._view):  # a field that is typed in tells its number as the dialog goes with the view
            return
        raster = KINDS[self.kind.at()] == ".png"
        self.dpi.setVisible(raster)
        size = pixels(self._view, self.figure)
        if raster:
            words.say(self.said, "setText", "{width} × {height} pixels", width=size.width(), height=size.height())
        else:
            words.say(self.said, "setText", "Vector graphics: sharp at any size.")
        self.adjustSize()

    def _ask(self) -> None:
        """Ask for a place; then the figure is as it was on screen when it was asked for."""
        global _last
        _last, kind = self.figure, KINDS[self.kind.at()]
        fill, window, view = taken(self._view, _last, kind), cast(Desk, self._view.window()), self._view
        dialog = QFileDialog(view.window(), words.tr("Save as {kind}", kind=kind[1:].upper()))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"*{kind}")
        dialog.setDefaultSuffix(kind[1:])
        follow(dialog)
        dialog.selectFile(f"{getattr(view, 'export_name', 'figure')}{kind}")
        dialog.fileSelected.connect(
            lambda path: save_as(view, path, kind, lambda place: window.saving.write(place, fill))
        )
        dialog.finished.connect(dialog.deleteLater)
        self.accept()
        dialog.open()
