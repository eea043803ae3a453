"""The page "Positions": the code as a heat map, as curves per column, and its dot products over the offset."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.plots.axes import round_numbers
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.theme import S2, S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.base import CENTER, RIGHT, PixelView, text_width, write
from app.views.colorbar import ColorBar
from app.views.grid import GridView
from app.widgets import box, col, label, row
from app.words import Text
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.self_attention.positions.spec import PositionsFrame
from engines.self_attention.spec import KINDS, LEARNED, ROTARY, SelfAttentionParams

UNDER, BESIDE, BAR = 18, 10, 150  # px
TOKENS = ("cat0", "cat1", "cat2", "cat3")
NOTES = ("added to X", "here seeded random", "a vector turned by position")


class CodeMap(GridView):
    """Signed numbers of a grid whose rows and columns count from 0, zero in the middle of the scale."""

    def __init__(self, export_name: str, square: bool) -> None:
        super().__init__("diff", (24, 24), square)
        self.setMinimumSize(160, 120)
        self.export_name = export_name

    def show_values(self, values: np.ndarray) -> float:
        """Show (rows, cols) on a scale of ± the largest, which is returned."""
        top = float(np.abs(values).max()) or 1.0
        self.set_values(values, top=top, low=-top)
        return top

    def report(self) -> str:
        cell = self._hover or self._at
        if cell is None or not self._inside(cell, self._values.shape):
            return ""
        return f"{cell[0]}, {cell[1]}: {self.written(float(self._values[cell]))}"

    def arrange(self, width: int, height: int) -> None:
        wide = round(text_width(str(max(1, len(self._values) - 1)))) + BESIDE
        super().arrange(width - wide, height - UNDER)
        self._corner = (self._corner[0] + wide, self._corner[1])

    def draw_cells(self, painter: QPainter) -> None:
        whole = self.cell_rect((-1, -1))
        rows, cols = self._values.shape
        for i in ticks_of(rows):
            middle = self.cell_rect((i, 0)).center().y()
            write(painter, QRectF(0, middle - 8, whole.left() - 6, 16), str(i), align=RIGHT)
        for j in ticks_of(cols):
            middle = self.cell_rect((0, j)).center().x()
            write(painter, QRectF(middle - 30, whole.bottom() + 2, 60, 16), str(j), align=CENTER)


def ticks_of(count: int) -> list[int]:
    """Round indices of ``count`` rows or columns."""
    if count < 2:
        return [0]
    return sorted({round(v) for v, _ in round_numbers(0, count - 1)})


class PositionsPage(Page):
    """Views of the page, linked by their cursor."""

    title = "Positions"
    params_type = SelfAttentionParams
    engine = "engines.self_attention.positions.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.frame: PositionsFrame | None = None
        self._column = 0
        self.map, self.map_bar = CodeMap("position-code", square=False), ColorBar("", "diff")
        self.dots, self.dots_bar = CodeMap("dot-products", square=True), ColorBar("", "diff")
        for bar, view in ((self.map_bar, self.map), (self.dots_bar, self.dots)):
            bar.setFixedWidth(BAR)
            bar.drive(view)
        self.curves = Curves(zero=False, widest="−0.00")
        self.curves.export_name = "position-columns"
        self.offset = Curves(zero=True, widest="−0.00")
        self.offset.export_name = "dot-product-over-offset"
        words.say(self.offset, "setAccessibleName", "Dot products")
        self.map_card = card("Position code", self.map, tools=[self.map_bar])
        self.curves_card = card("Columns over position", self.curves, foot=self.curves.key)
        self.dots_card = card("Dot products", self.dots, "position by position", tools=[self.dots_bar])
        self.spread = label("", kind="quiet", wrap=True)
        self.offset_card = card(
            "Dot product over offset", col((self.offset, 1), gap=0), foot=col(self.offset.key, self.spread, gap=S2)
        )
        left = col((self.map_card, 1), (self.dots_card, 1), gap=S3)
        right = col((self.curves_card, 1), (self.offset_card, 1), gap=S3)
        for waiting in self.cards:
            waiting.set_empty("Reading the sentence")
        self.form = ParamsForm(self.params, ("kind", "length", "column", "dim", "seed"))
        self.map.hovered.connect(lambda cell: self._at_position(None if cell is None else float(cell[0])))
        self.curves.pointed.connect(self._at_position)
        self.dots.hovered.connect(lambda cell: self._at_offset(None if cell is None else float(cell[1] - cell[0])))
        self.offset.pointed.connect(self._at_offset)
        self.lay(box(row((left, 1), (right, 1), gap=S3)), self.form)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.map_card, self.curves_card, self.dots_card, self.offset_card

    @property
    def views(self) -> tuple[PixelView, ...]:
        """What can be exported."""
        return self.map, self.dots, self.map_bar, self.dots_bar

    def show_params(self, params: SelfAttentionParams) -> None:
        self.form.set_limits("column", 0, max(0, params.dim - 4))
        if params.column != self._column:
            self._column = params.column
            self._draw_curves()

    def on(self, event: Event) -> None:
        match event:
            case PositionsFrame():
                self._show_answer(event)
            case Ended() if event.error is not None and self.frame is None:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def _show_answer(self, shown: PositionsFrame) -> None:
        self.frame = shown
        for ready in self.cards:
            ready.set_empty(None)
        at = KINDS.index(shown.kind)
        top = self.map.show_values(shown.code)
        self.map_bar.set_range(-top, top)
        self.map_card.set_note(NOTES[at])
        top = self.dots.show_values(shown.dots)
        self.dots_bar.set_range(-top, top)
        self._draw_curves()
        self._draw_offset(shown)

    def _draw_curves(self) -> None:
        shown = self.frame
        if shown is None:
            return
        dim = shown.code.shape[1]
        first = max(0, min(self._column, dim - 4))
        x = np.arange(len(shown.code), dtype=float)
        columns = range(first, min(dim, first + 4))
        curves = [Curve(f"{j}", x, shown.code[:, j], TOKENS[i], dashed=bool(j % 2)) for i, j in enumerate(columns)]
        self.curves.set_curves(curves)
        learned = shown.kind == LEARNED
        self.curves_card.set_note("no structure before training" if learned else "even: solid, odd: dashed")

    def _draw_offset(self, shown: PositionsFrame) -> None:
        x = shown.offsets.astype(float)
        curves = [
            Curve(
                Message(kind),
                x,
                shown.mean[i],
                TOKENS[i],
                low=shown.low[i] if shown.spread[i] > 1e-4 else None,
                high=shown.high[i] if shown.spread[i] > 1e-4 else None,
                dashed=kind == ROTARY,
            )
            for i, kind in enumerate(KINDS)
        ]
        self.offset.set_curves(curves)
        values: dict[str, Text] = {f"v{i}": words.number(float(spread), 2) for i, spread in enumerate(shown.spread)}
        text = (
            "Spread over pairs of the same offset: {v0} sine and cosine, {v1} learned, {v2} rotary. 0: only the "
            "offset matters."
        )
        words.say(self.spread, "setText", Message(text, values))

    # -- the cursor
    def _at_position(self, x: float | None) -> None:
        rows = 0 if self.frame is None else len(self.frame.code)
        at = None if x is None or not rows else int(np.clip(round(x), 0, rows - 1))
        self.curves.set_cursor(None if at is None else float(at))
        self.map.set_lit(None if at is None else (at, -1))
        self.dots.set_lit(None if at is None else (at, -1))

    def _at_offset(self, x: float | None) -> None:
        self.offset.set_cursor(None if x is None else float(round(x)))
