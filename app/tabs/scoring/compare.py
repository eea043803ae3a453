"""The page "Compare": three scoring functions side by side, the mask, and the additive score as one MLP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app import theme, words
from app.cards import Card, card
from app.tabs.scoring.mlp import MlpStrips, scientific
from app.theme import BODY, S1, S2, S3, SMALL
from app.views.colorbar import ColorBar
from app.views.scoregrid import MaskGrid, ScoreGrid
from app.widgets import box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.scoring.spec import ADDITIVE, FUNCTIONS, SCALED, Compared, ScoringParams, valid_length

FORMULAS = ("w · tanh(W_q q + W_k k)", "q · k", "q · k / √d")
NAMES = ("Scores", "Weights", "Output")


def names(letter: str, count: int) -> list[str]:
    """q1, q2, q3."""
    return [f"{letter}{n + 1}" for n in range(count)]


class FunctionCard(QObject):
    """Scores, weights and output of one scoring function.

    Signals
    -------
    pointed : (query, key) or None
    chosen : (query, key)
    """

    pointed = Signal(object)
    chosen = Signal(object)

    def __init__(self, index: int, make_equal: Callable[[], object]) -> None:
        super().__init__()
        self.index, self._make_equal = index, make_equal
        self.formula = label(words.plain(FORMULAS[index]), BODY)
        theme.set_font(self.formula, BODY, mono=True)
        self.live = label("", BODY, kind="quiet")
        theme.set_font(self.live, BODY, mono=True)
        self.grids = (ScoreGrid("diff"), ScoreGrid("ember"), ScoreGrid("diff"))
        self.bars = (ColorBar("", "diff", 76), ColorBar("", "ember", 76), ColorBar("", "diff", 76))
        self.heads: list[QLabel] = []
        blocks = []
        for name, grid, bar in zip(NAMES, self.grids, self.bars, strict=True):
            head = quiet(name)
            self.heads.append(head)
            words.say(grid, "setAccessibleName", name)
            grid.export_name = f"{name.lower()}-{FUNCTIONS[index].lower().replace(' ', '-')}"
            blocks.append((box(col(row(head, (bar, 1), gap=S2), (grid, 1), gap=0)), 1))
        body = col(col(self.formula, self.live, gap=2), *blocks, gap=S2)
        self.card: Card = card(FUNCTIONS[index], body)
        for grid in self.grids[:2]:
            grid.hovered.connect(self.pointed)
            grid.clicked.connect(self.chosen)
        self.grids[2].hovered.connect(lambda cell: self.pointed.emit(None if cell is None else (cell[0], -1)))

    def show_answer(self, seen: Compared, top: float) -> None:
        """Draw; ``top`` ends the scale of all weights."""
        f = self.index
        if not seen.possible[f]:
            self.card.set_empty(
                Message(
                    "A dot product multiplies number by number: queries of {dq} and keys of {dk} numbers leave some "
                    "over.",
                    {"dq": seen.queries.shape[1], "dk": seen.keys.shape[1]},
                ),
                "Make them equally long",
                self._make_equal,
            )
            return
        self.card.set_empty(None)
        queries, keys = seen.allowed.shape
        tables = (seen.scores[f], seen.weights[f], seen.output[f])
        columns = (names("k", keys), names("k", keys), names("", seen.values.shape[1]))
        for grid, bar, table, named in zip(self.grids, self.bars, tables, columns, strict=True):
            weights = table is tables[1]
            end = top if weights else float(np.abs(table).max(initial=0.0)) or 1.0
            grid.set_table(table, end)
            grid.set_names(names("q", queries), named)
            bar.set_range(0.0 if weights else -end, end)
        for grid, text in zip(self.grids[:2], ("−∞", "0"), strict=True):
            grid.set_off(~seen.allowed, text)

    def show_cell(self, seen: Compared, cell: tuple[int, int]) -> None:
        """Write the chosen pair's numbers."""
        f = self.index
        if not seen.possible[f]:
            return
        value = words.number(float(seen.scores[f][cell]), 2)
        pair = f"q{cell[0] + 1}, k{cell[1] + 1}"
        if FUNCTIONS[f] == SCALED:
            raw, root = words.number(float(seen.raw[f][cell]), 2), words.number(float(seen.scale[f]), 2)
            said = f"{pair}: {raw} / {root} = {value}"
        else:
            said = f"{pair}: {value}"
        words.say(self.live, "setText", words.plain(said))
        bits = words.number(float(seen.entropy[f][cell[0]]), 2)
        words.say(self.heads[1], "setText", "Weights, {query}: {bits} bit", query=f"q{cell[0] + 1}", bits=bits)

    def set_at(self, cell: tuple[int, int]) -> None:
        """Mark the chosen pair."""
        for grid in self.grids[:2]:
            grid.set_at(cell)
        self.grids[2].set_at((cell[0], -1))

    def set_cross(self, cell: tuple[int, int] | None) -> None:
        """Frame the pair that is pointed at elsewhere."""
        for grid in self.grids[:2]:
            grid.set_cross(cell)
        self.grids[2].set_cross(None if cell is None else (cell[0], -1))


class ComparePage(QObject):
    """The cards of the page; the hand's acts come out as signals.

    Signals
    -------
    chosen : (query, key)
    """

    chosen = Signal(object)

    def __init__(self, make_equal: Callable[[], object], clear: Callable[[], object]) -> None:
        super().__init__()
        self.functions = [FunctionCard(f, make_equal) for f in range(len(FUNCTIONS))]
        self.mask = MaskGrid()
        self.clear = button(
            "Allow all", kind="boxed", px=SMALL, tip="All queries may attend to all keys.", clicked=clear
        )
        self.mlp = MlpStrips()
        self.empty = label("", SMALL, kind="warn", wrap=True)
        self.empty.hide()
        mask = card("Mask", col((self.mask, 1), self.empty, gap=S1), "valid lengths, painted cells", tools=[self.clear])
        self._mlp = card("The additive score as one MLP", self.mlp)
        self.centre: QWidget = box(
            col(
                (row(*((one.card, 1) for one in self.functions), gap=S3), 11),
                (row((mask, 4), (self._mlp, 5), gap=S3), 3),
                gap=S3,
            )
        )
        for one in self.functions:
            one.pointed.connect(self._pointed)
            one.chosen.connect(self.chosen)
        self.mask.hovered.connect(self._pointed)
        self.mask.clicked.connect(self.chosen)
        self._seen: Compared | None = None
        self._cell = (0, 0)

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        for one in self.functions:
            one.set_cross(cell)
        if self._seen is None:
            return
        shown = self._cell if cell is None or cell[1] < 0 else cell
        for one in self.functions:
            one.show_cell(self._seen, shown)
        self.mlp.show_pair(self._seen, shown)

    def show_params(self, params: ScoringParams) -> None:
        """Bring the mask in line."""
        lens = [valid_length(params, i) for i in range(params.num_queries)]
        self.mask.set_mask(lens, params.masked, params.num_keys)
        self.mask.set_names(names("q", params.num_queries), names("k", params.num_keys))
        self.clear.setEnabled(any(n < params.num_keys for n in lens) or bool(params.masked))
        cell = chosen_cell(params)
        self.mask.set_at(cell)

    def show_answer(self, seen: Compared, cell: tuple[int, int]) -> None:
        """Draw everything."""
        self._seen, self._cell = seen, cell
        top = float(seen.weights.max(initial=0.0)) or 1.0
        for one in self.functions:
            one.show_answer(seen, top)
            one.show_cell(seen, cell)
            one.set_at(cell)
        self.mlp.show_pair(seen, cell)
        self._mlp.set_note("all pairs: at most {value} apart", value=scientific(seen.difference))
        gone = [f"q{i + 1}" for i in np.flatnonzero(~seen.allowed.any(1))]
        self.empty.setVisible(bool(gone))
        if gone:
            text = "{queries}: no key left, so all weights and the output are 0."
            words.say(self.empty, "setText", text, queries=", ".join(gone))


def chosen_cell(params: ScoringParams) -> tuple[int, int]:
    """The pair whose formula is shown, within what there is."""
    return min(params.cell[0], params.num_queries - 1), min(params.cell[1], params.num_keys - 1)


assert FUNCTIONS[0] == ADDITIVE  # whose lengths may differ
