"""The two cards of one net: a token's row on the photo, and the matrix that it is a row of."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app import words
from app.cards import Card
from app.steady import Steady
from app.tabs.mixing.views import MatrixView, RowView, end_of
from app.views.colorbar import ColorBar
from app.views.grid import Pair
from app.views.photomap import CLASS_TOKEN, Cell
from app.widgets import col
from app.words import Text
from engines.blocks.mixers import Grid
from engines.core.errors import Message
from engines.mixing.spec import NOWHERE, Floats, Line, MixingParams, Net, Place, Side


def place_of(grid: Grid, token: int) -> Place:
    """Where a token lies on the photo."""
    if token < grid.prefix:
        return NOWHERE
    row, across = divmod(token - grid.prefix, grid.cols)
    return (row + 0.5) / grid.rows, (across + 0.5) / grid.cols


def token_at(grid: Grid, place: Place | None) -> int:
    """The token at a place of the photo; that of the middle for None."""
    return grid.token_at(None if place == NOWHERE else place or (0.5, 0.5))


def about(share: float) -> str:
    """An error as it is said: ``± 4.1 %``; a question mark where nobody knows it yet."""
    return "0" if share == 0 else f"± {words.percent(share, 1)}" if share > 0 else "± ?"


class NetCards(QObject):
    """The cards of one net.

    Parameters
    ----------
    place : str or Message
        What they are called before the net's name is known.

    Signals
    -------
    pointed, pinned : (down, across) or None
        The place of the token under the pointer, and of the one that was clicked.
    """

    pointed = Signal(object)
    pinned = Signal(object)

    def __init__(self, place: Text) -> None:
        super().__init__()
        self.side: Side | None = None
        self._apart: bool | None = None  # how the matrix is drawn
        self._lines: dict[int, Line] = {}  # rows that were found for themselves, of what `_of` says
        self._of: tuple[object, ...] = ()
        self.view, self.matrix = RowView(), MatrixView()
        self.row_bar, self.bar = ColorBar(least=90), ColorBar(least=90)
        self.row_bar.drive(self.view)
        self.bar.drive(self.matrix)
        words.say(
            self.matrix, "setToolTip",
            "Down: tokens that leave the blocks; across: tokens that enter. Gray: a token itself. No color: exactly 0.",
        )  # fmt: skip
        self.said = Steady()
        self.photo_card = Card(place, self.view, foot=col(self.said, self.row_bar, gap=4))
        self.matrix_card = Card(place, self.matrix, foot=self.bar)
        self.view.hovered.connect(lambda cell: self.pointed.emit(self._place(cell)))
        self.view.clicked.connect(lambda cell: self.pinned.emit(self._place(cell)))
        self.matrix.hovered.connect(self._pointed_in_matrix)
        self.matrix.clicked.connect(lambda cell: self.pinned.emit(self._row_place(cell)))

    # -- the hand
    def _place(self, cell: Cell | None) -> Place | None:
        if cell is None:
            return None
        return NOWHERE if cell == CLASS_TOKEN else self.view.place_of(cell)

    def _row_place(self, cell: Pair | None) -> Place | None:
        return None if cell is None or self.side is None else place_of(self.side.matrix.after, cell[0])

    def _pointed_in_matrix(self, cell: Pair | None) -> None:
        self.pointed.emit(self._row_place(cell))
        self.view.set_hover(None)
        if cell is not None and self.side is not None:  # the token that enters, on the photo
            before = self.side.matrix.before
            inner = cell[1] - before.prefix
            self.view.set_hover(divmod(inner, before.cols) if inner >= 0 else CLASS_TOKEN)

    # -- drawing
    def show_photo(self, photo: np.ndarray) -> None:
        """Another photo."""
        self.view.set_photo(photo)
        self._lines.clear()

    def show_side(self, side: Side, net: Net, params: MixingParams) -> None:
        """Another answer, or another way to draw it."""
        matrix, before = side.matrix, self.side
        self.side = side
        of = net.source, matrix.first, matrix.last, matrix.skip
        if of != self._of:
            self._of = of
            self._lines.clear()
        if side.line.found:
            self._lines[side.line.token] = side.line
        if before is None or before.matrix is not matrix or self._apart != params.apart:
            self._apart = params.apart
            top = self.matrix.set_matrix(matrix, params.apart)
            self.bar.set_range(0, top, name=Message("Influence"))
        self.photo_card.set_title(words.known(net.title))
        blocks = {"first": matrix.first, "last": matrix.last, "total": net.blocks}
        one = matrix.first == matrix.last
        self.photo_card.set_note("block {last} of {total}" if one else "blocks {first} to {last} of {total}", **blocks)
        rows, cols = matrix.values.shape
        self.matrix_card.set_title("{rows} × {cols}", rows=words.number(rows), cols=words.number(cols))
        self.matrix_card.set_note("{n} {n:probe|probes}", n=matrix.probes)
        for card in (self.photo_card, self.matrix_card):
            card.set_empty(None)

    def show_row(self, place: Place | None, pinned: Place | None, params: MixingParams) -> None:
        """The row of the token at a place, exactly where that is known, on the photo and in the matrix."""
        side = self.side
        if side is None:
            return
        matrix = side.matrix
        token = token_at(matrix.after, place)
        line = self._lines.get(token)
        values = matrix.values[token] if line is None else line.values
        error = matrix.error if line is None else line.error
        self._draw_row(values, matrix.own[token], token, params)
        self.matrix.set_lit((token, -1) if place != pinned else None)
        self.matrix.set_at(None if pinned is None else (token_at(matrix.after, pinned), -1))
        pin = None
        if pinned is not None:
            inner = token_at(matrix.before, pinned) - matrix.before.prefix
            pin = divmod(inner, matrix.before.cols) if inner >= 0 else CLASS_TOKEN
        self.view.set_pin(pin)
        grid = matrix.after
        row, col_ = divmod(token - grid.prefix, grid.cols)
        named = {"row": row + 1, "col": col_ + 1, "error": about(error)}
        if token < grid.prefix:
            text = "Class token: exact" if error == 0 else "Class token: {error}"
        else:
            text = "Token {row}, {col}: exact" if error == 0 else "Token {row}, {col}: {error}"
        words.say(self.said, "setText", Message(text, named))

    def _draw_row(self, values: Floats, own: np.ndarray, token: int, params: MixingParams) -> None:
        assert self.side is not None
        before, after = self.side.matrix.before, self.side.matrix.after
        shown = np.where(own, 0, values) if params.apart else values
        top = end_of(shown)
        self.view.set_opacity(params.opacity)
        self.view.set_grid(before.rows, before.cols, class_token=before.prefix > 0)
        first = float(values[0]) if before.prefix else None
        self.view.set_map(shown[before.prefix :].reshape(before.rows, before.cols), top, class_value=first)
        self.view.set_token(after, token)
        self.row_bar.set_range(0, top, bool(before.prefix and values[0] > top * (1 + 1e-6)), Message("Influence"))
