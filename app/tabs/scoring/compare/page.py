"""The page "Compare": three scoring functions side by side, the mask, and the additive score as one MLP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel

from app import theme, words
from app.cards import Card, card
from app.guess import GuessFirst, pick_score
from app.params_form import ParamsForm
from app.rows import Rows
from app.shell import Shell
from app.tabs.scoring.compare.mlp import MlpStrips, scientific
from app.tabs.scoring.pairs import SHARED, connect, names, show_mask, within
from app.theme import BODY, S1, S2, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.guesssheet import CellSheet
from app.views.scoregrid import MaskGrid, ScoreGrid
from app.widgets import box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.scoring.compare.spec import Compared
from engines.scoring.spec import ADDITIVE, FUNCTIONS, SCALED, ScoringParams, may_attend, valid_length

FORMULAS = ("w · tanh(W_q q + W_k k)", "q · k", "q · k / √d")
NAMES = ("Scores", "Weights", "Output")


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
        self.grids = tuple(ScoreGrid(ramp, readable=True) for ramp in ("diff", "ember", "diff"))
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
        self._weights, self._query = np.zeros((0, 0)), 0
        sheet = CellSheet(self.grids[1], lambda: [(self._query, k) for k in range(self._weights.shape[1])])
        task = "Which key weighs most for the chosen query? Click it in its row."
        self.guess = GuessFirst(self, sheet, task, self._judge, (self.grids[2], self.bars[1]))
        self.card: Card = card(FUNCTIONS[index], body, tools=[self.guess.button])
        for grid, bar in zip(self.grids, self.bars, strict=True):
            bar.drive(grid)
        for grid in self.grids[:2]:
            grid.hovered.connect(self.pointed)
            grid.clicked.connect(self.chosen)
        self.grids[2].hovered.connect(lambda cell: self.pointed.emit(None if cell is None else (cell[0], -1)))

    def show_answer(self, seen: Compared, top: float) -> None:
        """Draw; ``top`` ends the scale of all weights."""
        self.guess.settings_changed()
        f = self.index
        if not seen.possible[f]:
            self.card.set_empty(
                Message(
                    "A dot product needs equal lengths: queries have {dq} numbers, keys {dk}.",
                    {"dq": seen.queries.shape[1], "dk": seen.keys.shape[1]},
                ),
                "Use equal lengths",
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

    def _judge(self) -> tuple[float, Message]:
        """How much the key that was picked weighs."""
        sheet = self.guess.sheet
        assert isinstance(sheet, CellSheet)
        row_, key = self._weights[self._query], sheet.picks[0][1]
        score, rank = pick_score(row_, key)
        told = {
            "mine": words.number(float(row_[key]), 3), "rank": rank, "n": len(row_),
            "name": f"k{int(row_.argmax()) + 1}", "top": words.number(float(row_.max()), 3),
        }  # fmt: skip
        return score, Message("Yours has {mine}, place {rank} of {n}; the most has {name}: {top}.", told)

    def show_cell(self, seen: Compared, cell: tuple[int, int]) -> None:
        """Write the chosen pair's numbers."""
        f = self.index
        self._weights, self._query = seen.weights[f], cell[0]
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
        words.say(self.heads[1], "setText", "Weights, {query}: {bits} bits", query=f"q{cell[0] + 1}", bits=bits)

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


class ComparePage(Page):
    """The cards of the page."""

    title = "Compare"
    params_type = ScoringParams
    engine = "engines.scoring.compare.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.functions = [FunctionCard(f, lambda: self.step(same_length=True)) for f in range(len(FUNCTIONS))]
        self.grid = MaskGrid()
        self.clear = button(
            "Allow all",
            kind="boxed",
            px=SMALL,
            tip="All queries may attend to all keys.",
            clicked=lambda: self.step(valid_lens=(), masked=()),
        )
        self.as_graph = button(
            "As a graph",
            kind="boxed",
            px=SMALL,
            tip="Carries the mask over to the topic Graphs: an edge from each key to each query that may attend to it.",
            clicked=lambda: shell.send("mask", may_attend(self.params)),
        )
        self.mlp = MlpStrips()
        self.empty = label("", SMALL, kind="warn", wrap=True)
        self.empty.hide()
        mask = card("Mask", col((self.grid, 1), self.empty, gap=S1), "valid lengths, painted cells",
                    tools=[self.as_graph, self.clear])  # fmt: skip
        self._mlp = card("The additive score as one MLP", self.mlp)
        for one in self.functions:
            one.pointed.connect(self._pointed)
            one.guess.told.connect(self.tell)
            one.chosen.connect(lambda cell: self.change(cell=cell))
        self.grid.hovered.connect(self._pointed)
        connect(self, self.grid)
        self._seen: Compared | None = None
        self._cell = (0, 0)
        self.form = ParamsForm(self.params, ("dim", "same_length", "query_dim", *SHARED))
        cards = Rows([[(one.card, 1) for one in self.functions], [(mask, 4), (self._mlp, 5)]], (11, 3))
        self.lay(cards, self.form)

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
        self.form.set_shown("query_dim", not params.same_length)
        lens = [valid_length(params, i) for i in range(params.num_queries)]
        self.clear.setEnabled(any(n < params.num_keys for n in lens) or bool(params.masked))
        show_mask(self.grid, params)
        self._show_cell()

    def on(self, event: Event) -> None:
        if isinstance(event, Compared):
            self._show(event)

    def _show(self, seen: Compared) -> None:
        self._seen = seen
        top = float(seen.weights.max(initial=0.0)) or 1.0
        for one in self.functions:
            one.show_answer(seen, top)
        self._mlp.set_note("all pairs: at most {value} apart", value=scientific(seen.difference))
        gone = [f"q{i + 1}" for i in np.flatnonzero(~seen.allowed.any(1))]
        self.empty.setVisible(bool(gone))
        if gone:
            text = "{queries}: no key left, so all weights and the output are 0."
            words.say(self.empty, "setText", text, queries=", ".join(gone))
        self._show_cell()

    def _show_cell(self) -> None:
        """Write the numbers of the chosen pair, within the answer at hand."""
        if self._seen is None:
            return
        self._cell = within(self.params.cell, *self._seen.allowed.shape)
        for one in self.functions:
            one.show_cell(self._seen, self._cell)
            one.set_at(self._cell)
        self.mlp.show_pair(self._seen, self._cell)


assert FUNCTIONS[0] == ADDITIVE  # whose lengths may differ
