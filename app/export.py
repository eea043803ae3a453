"""Takes what a view shows out of the app: picture to the clipboard, PNG, SVG, and the numbers behind it.

Every file carries the settings that made it: PNG as text chunk, SVG as description, NPZ as entry ``settings``
(JSON), CSV as its first line.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol, cast, runtime_checkable

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QWidget

from app import __version__, theme, words
from app.lastfolder import follow
from app.outlines import outlined
from app.resting import at_rest, rest
from app.saving import Filling, Saving
from engines.core.files import WriteError, reason, write

CELLS = 4096  #: numbers of a table that are made to text in one go
PROGRAM = f"Attention Lab {__version__}"
SCALE = 2  # pixels per logical pixel of an exported picture


@runtime_checkable
class Exportable(Protocol):
    """What a view offers beside its picture."""

    export_name: str
    settings: dict[str, object]

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays on screen, by name."""

    def fit(self) -> None:
        """Show everything again."""


def settings_of(view: object) -> Mapping[str, object]:
    """The settings that go into a view's file: its own, where it shows a run, else those of its page."""
    own: Mapping[str, object] = getattr(view, "settings", {})
    above = view.parentWidget() if isinstance(view, QWidget) else None
    while not own and above is not None:
        of_page = getattr(above, "exported", None)
        if callable(of_page):
            own = of_page()
        above = above.parentWidget()
    return own


class Desk(Protocol):
    """The window around a view, as far as it is known here."""

    saving: Saving


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as JSON, with the version of the program; what JSON does not know is written as text."""
    return json.dumps({"program": PROGRAM, **settings}, ensure_ascii=False, default=_builtin)


def _builtin(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def picture(view: QWidget, scale: int = SCALE) -> QImage:
    """The view as it stands, RGB with ``scale`` pixels per logical pixel."""
    image = QImage(view.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(theme.color("surface"))
    QWidget.render(view, image, QPoint(0, 0))  # not the view's own: a graphics view's means its scene
    image.setText("settings", settings_text(settings_of(view)))
    return image


def copy_picture(view: QWidget) -> None:
    """Put the view's picture on the clipboard."""
    at_rest(view, lambda: QApplication.clipboard().setImage(picture(view)))


def png(image: QImage) -> bytes:
    """A picture as the content of a PNG file."""
    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes, Qt takes str
    return bytes(store.data())


# ------------------------------------------------------------------ contents: copied here, made on any thread
def _png(view: QWidget) -> Filling:
    image = picture(view)
    return lambda out: out.write(png(image))


def _svg(view: QWidget) -> Filling:
    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(view.width(), view.height()))
    generator.setViewBox(QRect(0, 0, view.width(), view.height()))
    generator.setTitle(getattr(view, "export_name", "Attention Lab"))
    generator.setDescription(settings_text(settings_of(view)))
    with QPainter(generator) as painter:
        painter.fillRect(QRect(0, 0, view.width(), view.height()), theme.color("surface"))
        QWidget.render(view, painter, QPoint(0, 0))
    painted = bytes(store.data())
    return lambda out: out.write(outlined(painted))


def _npz(view: Exportable) -> Filling:
    arrays = {"settings": np.array(settings_text(settings_of(view))), **_copied(view)}
    return lambda out: np.savez_compressed(out, allow_pickle=False, **arrays)


def _csv(view: Exportable) -> Filling:
    settings, arrays = settings_text(settings_of(view)), _copied(view)

    def fill(out: BinaryIO) -> None:
        out.write(f"\ufeff# settings {settings}\n".encode())
        for piece in _tables(arrays):
            out.write(piece.encode())

    return fill


def _copied(view: Exportable) -> dict[str, np.ndarray]:
    """The arrays on screen, as they are now."""
    return {name: np.array(array) for name, array in view.numbers().items()}


def _tables(arrays: Mapping[str, np.ndarray]) -> Iterator[str]:
    """One block per array: a comment with name and shape, then rows; leading axes of deep arrays are named."""
    for name, array in arrays.items():
        yield f"# {name} {' x '.join(map(str, array.shape)) or 'scalar'}\n"
        flat = np.atleast_2d(array)
        for at in np.ndindex(flat.shape[:-2]):
            if at:
                yield f"# {name}[{', '.join(map(str, at))}]\n"
            yield from _table(flat[at])


def _table(block: np.ndarray) -> Iterator[str]:
    """The lines of one table in pieces, so that other threads have their turns."""
    rows, columns = block.shape
    if columns > CELLS:
        for row in range(rows):
            for at in range(0, columns, CELLS):
                yield ("," if at else "") + _rows(block[row : row + 1, at : at + CELLS])[0]
            yield "\n"
        return
    step = CELLS // max(1, columns)
    for at in range(0, rows, step):
        yield "".join(f"{line}\n" for line in _rows(block[at : at + step]))


def _rows(block: np.ndarray) -> list[str]:
    """The lines of one table; a row of numbers is written in one go, for pictures have a hundred thousand of them."""
    rows = block.tolist()
    if block.dtype.kind == "f":
        line = ",".join(["%.9g"] * block.shape[1])
        return [line % tuple(row) for row in rows]
    return [",".join(map(str if block.dtype.kind in "iub" else _cell, row)) for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, np.floating | float):
        return f"{float(value):.9g}"
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


TAKERS: dict[str, Callable[..., Filling]] = {".png": _png, ".svg": _svg, ".npz": _npz, ".csv": _csv}


def taken(view: QWidget, path: Path) -> Filling:
    """A copy of what a view shows, as the ending of ``path`` says (.png, .svg, .npz, .csv).

    Returns
    -------
    callable
        Writes it into the file that it is given, on any thread.

    Raises
    ------
    WriteError
        If the path has no such ending.
    """
    take = TAKERS.get(path.suffix.lower())  # none: a folder, or no name at all before the ending
    if take is None:
        raise WriteError(path, reason(IsADirectoryError(errno.EISDIR, "")))
    return take(view)


def save(view: QWidget, path: str | Path) -> None:
    """Write a view to ``path`` at once, with nothing pointed at. A failure leaves no half file.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    rest(view)
    write(path, taken(view, Path(path)), folder=False)


def menu(view: QWidget) -> QMenu:
    """The context menu of a view: copy, save, reset. The window's ``saving`` writes what is saved."""
    made = QMenu(view)
    made.addAction(words.tr("Copy picture"), lambda: copy_picture(view))
    made.addSeparator()
    made.addAction(words.tr("Save as PNG"), lambda: _ask(view, ".png"))
    made.addAction(words.tr("Save as SVG"), lambda: _ask(view, ".svg"))
    made.addAction(words.tr("Figure for a paper"), lambda: ask_for_figure(view))
    if isinstance(view, Exportable):
        made.addAction(words.tr("Save numbers (NPZ)"), lambda: _ask(view, ".npz"))
        made.addAction(words.tr("Save numbers (CSV)"), lambda: _ask(view, ".csv"))
        made.addSeparator()
        add_comparing(made, view)
        made.addAction(words.tr("Reset view"), view.fit)
    return made


class Compares(Protocol):
    """What a window has that can compare a view with how it was; see `app.pinning.Pinning`."""

    def is_pinned(self, view: QWidget) -> bool:
        """Whether there is an A of this view."""

    def pin(self, view: QWidget) -> None:
        """Keep a view as A."""

    def compare(self, view: QWidget) -> None:
        """Show both."""


def add_comparing(made: QMenu, view: QWidget) -> None:
    """Pin the view as A; where it is pinned, compare it with that."""
    pinning: Compares | None = getattr(view.window(), "pinning", None)
    if pinning is not None:
        made.addAction(words.tr("Pin as A"), lambda: pinning.pin(view))
        if pinning.is_pinned(view):
            made.addAction(words.tr("Compare with A"), lambda: pinning.compare(view))


def open_menu(view: QWidget, at: QPoint) -> None:
    """Open the context menu at a global position; it is deleted when it closes."""
    made = menu(view)
    made.aboutToHide.connect(made.deleteLater)
    made.popup(at)


def ask_for_figure(view: QWidget) -> None:
    """Ask how a view is to stand in a paper, without holding the window up."""
    from app.figuredialog import FigureDialog  # which saves by this module

    dialog = FigureDialog(view)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def _ask(view: QWidget, ending: str) -> None:
    """Ask for a place without holding the window up."""
    dialog = QFileDialog(view.window(), words.tr("Save as {kind}", kind=ending[1:].upper()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter(f"*{ending}")
    dialog.setDefaultSuffix(ending[1:])
    follow(dialog)
    dialog.selectFile(f"{getattr(view, 'export_name', 'view')}{ending}")
    dialog.fileSelected.connect(lambda path: save_as(view, path, ending, lambda place: save_aside(view, place)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def save_as(parent: QWidget, asked: str, ending: str, act: Callable[[Path], object]) -> None:
    """Write where a dialog was told to.

    The dialog asks before a file is overwritten, but of the name as it was typed. Where the ending that is added makes
    it that of a file which is there, this asks.

    Parameters
    ----------
    parent : QWidget
        Whose window the question belongs to.
    asked : str
        The place as the dialog told it.
    ending : str
        That it has to have, with its point.
    act : callable
        Writes; gets the place.
    """
    place = Path(asked if Path(asked).suffix.lower() == ending else asked + ending)
    if str(place) == str(Path(asked)) or not place.exists():
        act(place)
        return
    question = QMessageBox(parent.window())
    question.setText(words.tr("{name} already exists. Overwrite it?", name=place.name))
    overwrite = question.addButton(words.tr("Overwrite"), QMessageBox.ButtonRole.AcceptRole)
    question.addButton(words.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    overwrite.clicked.connect(lambda: act(place))
    question.finished.connect(question.deleteLater)
    question.open()


def save_aside(view: QWidget, place: Path) -> None:
    """Write a view without holding its window up, which says how it went."""
    at_rest(view, lambda: _save_now(view, place))


def _save_now(view: QWidget, place: Path) -> None:
    saving = cast(Desk, view.window()).saving
    try:
        fill = taken(view, place)
    except WriteError as error:
        saving.refused.emit(error.message)
    else:
        saving.write(place, fill)
