"""The page "Step through": scores, scale, mask, softmax, weighted sum, one at a time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QWidget

from app import theme, words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.stepping import BackAndForward
from app.tabs.scoring.pairs import SHARED, Cell, chosen_cell, connect, show_mask, within
from app.tabs.scoring.step_through.stages import (
    MASK,
    STEPS,
    SUM,
    Step,
    Table,
    by_unit,
    formula,
    results,
    steps,
    strongest_unit,
)
from app.theme import FORMULA, S2, S3, TITLE
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.scoregrid import MaskGrid, ScoreGrid
from app.views.stagestrip import Small, StageStrip
from app.widgets import box, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.scoring.compare.spec import Compared
from engines.scoring.spec import ADDITIVE, FUNCTIONS, ScoringParams

LARGEST = (96, 64)  #: px, a cell
UNITS, PARTS = 328, 460  #: px in which 8 hidden units have two digits, and 16 dimensions one; in less they are lines


class Operand(QWidget):
    """A named table with its scale."""

    def __init__(self) -> None:
        super().__init__()
        self.head = quiet("")
        self.grid = ScoreGrid("diff", LARGEST, readable=True)
        words.say(self.grid, "setAccessibleName", "Nothing to show yet.")
        self.bars = {ramp: ColorBar("", ramp, 76) for ramp in ("diff", "ember")}
        self.setLayout(col(row(self.head, *((bar, 1) for bar in self.bars.values()), gap=S2), (self.grid, 1), gap=0))
        for bar in self.bars.values():
            bar.drive(self.grid)
        self.table: Table | None = None

    def show_table(self, table: Table) -> None:
        """Draw a table."""
        self.table = table
        words.say(self.head, "setText", table.name)
        words.say(self.grid, "setAccessibleName", table.name)
        self.grid.set_table(table.values, table.limit, table.ramp)
        self.grid.set_off(table.off, table.off_text)
        self.grid.set_names(table.rows, table.cols)
        single = table.values.size == 1
        for ramp, bar in self.bars.items():
            bar.setVisible(ramp == table.ramp and not single)
            bar.set_range(0.0 if ramp == "ember" else -table.limit, table.limit)

    def set_cross(self, cell: Cell | None) -> None:
        """Light up what the chosen cell of the result is made from."""
        if cell is None or self.table is None:
            self.grid.set_cross(None)
            return
        spot = {"row": (cell[0], -1), "col": (cell[1], -1), "column": (-1, cell[1]), "cell": cell}
        self.grid.set_cross(spot.get(self.table.cross))


class StepPage(Page):
    """The cards of the page."""

    title = "Step through"
    params_type = ScoringParams
    engine = "engines.scoring.compare.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.strip = StageStrip("Stages")
        self.stepping = BackAndForward(lambda by: self.go(self.at + by))
        self.left, self.right, self.result = Operand(), Operand(), Operand()
        self.grid = MaskGrid(LARGEST)
        self.mask_box = box(col(quiet("Mask"), (self.grid, 1), gap=0))
        self.signs = [label("", TITLE, True, "quiet"), label(words.plain("="), TITLE, True, "quiet")]
        self.lines = [label("", FORMULA, wrap=True) for _ in range(3)]
        for line in self.lines:
            theme.set_font(line, FORMULA, mono=True)
        self._top = card("Five steps", self.strip, tools=[self.stepping])
        tables = row(
            (self.left, 5), self.signs[0], (self.right, 5), (self.mask_box, 5), self.signs[1], (self.result, 5), gap=S3
        )
        self.middle = card("Scores", tables)
        self.units, self.parts = (ScoreGrid("diff", (LARGEST[0], 28), readable=True) for _ in range(2))
        self.units_card, self.parts_card = card("Hidden units", self.units), card("Unit", self.parts)
        self.learned = box(row((self.units_card, 2), (self.parts_card, 3), gap=S3))
        for grid, least in ((self.units, UNITS), (self.parts, PARTS)):
            grid.setMinimumWidth(least)
        self._bottom = card("This cell", col(*self.lines, 1, gap=S2))
        form = ParamsForm(self.params, ("function", "dim", *SHARED))
        cards = col((self._top, 4), (self.middle, 8), (self.learned, 5), (self._bottom, 3), gap=S3)
        self.lay(box(cards), form)
        self.at = 0
        self._seen: Compared | None = None
        self._f = 0
        self._cell: Cell = (0, 0)
        self._unit: int | None = None  # of the MLP, as the hand chose it; by default the one that adds most
        self._steps: tuple[Step, ...] = ()
        self._show_tail: QLabel = self.lines[2]
        self.strip.chosen.connect(self.go)
        connect(self, self.grid)
        self.grid.hovered.connect(self._pointed)
        self.result.grid.hovered.connect(self._pointed)
        self.result.grid.clicked.connect(self._clicked)
        self.units.clicked.connect(lambda cell: self._choose_unit(cell[1]))
        for keys, by in ((",", -1), (".", 1), ("PgUp", -1), ("PgDown", 1)):
            self._shortcut(keys, lambda by=by: self.go(self.at + by))
        self._shortcut("Home", lambda: self.go(0))
        self._shortcut("End", lambda: self.go(len(STEPS) - 1))

    def _shortcut(self, keys: str, act: object) -> None:
        made = QShortcut(QKeySequence(keys), self.centre)
        made.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        made.activated.connect(act)

    # -- acts
    def go(self, step: int) -> None:
        """Show a step, within the five."""
        step = min(len(STEPS) - 1, max(0, step))
        if step != self.at:
            self.at = step
            self._draw()

    def _pointed(self, cell: Cell | None) -> None:
        self._show_cell(self._here() if cell is None else cell)

    def _clicked(self, cell: Cell) -> None:
        if self.at == SUM:
            self._column = cell[1]
            self.change(cell=(cell[0], self._cell[1]))
            self._show_cell(cell)
        else:
            self.change(cell=cell)

    def _choose_unit(self, unit: int) -> None:
        self._unit = unit
        self._show_cell(self._here())

    _column = 0  # of the output whose sum is shown

    def _here(self) -> Cell:
        return (self._cell[0], self._column) if self.at == SUM else self._cell

    # -- showing
    def activated(self) -> None:
        self.strip.setFocus()  # its keys work at once

    def show_params(self, params: ScoringParams) -> None:
        show_mask(self.grid, params)
        self._cell = chosen_cell(params)
        if self._seen is not None:
            self._show(self._seen)

    def on(self, event: Event) -> None:
        if isinstance(event, Compared):
            self._show(event)

    def _show(self, seen: Compared) -> None:
        """Draw the steps of the scoring function that is chosen."""
        self._seen, self._f = seen, FUNCTIONS.index(self.params.function)
        self._cell = within(self.params.cell, *seen.allowed.shape)
        if not seen.possible[self._f]:
            text = Message(
                "A dot product needs equal lengths: queries have {dq} numbers, keys {dk}.",
                {"dq": seen.queries.shape[1], "dk": seen.keys.shape[1]},
            )
            self.middle.set_empty(text, "Use additive scoring", lambda: self.step(function=ADDITIVE))
            self._top.set_empty("No steps to show.")
            self._bottom.set_empty("No steps to show.")
            self.learned.hide()
            return
        for one in (self._top, self.middle, self._bottom):
            one.set_empty(None)
        self._steps = steps(seen, self._f)
        self.strip.set_stages(
            [
                Small(
                    Message("{n} {name}", {"n": n + 1, "name": Message(name)}),
                    table.values,
                    table.ramp,
                    0.0 if table.ramp == "ember" else -table.limit,
                    table.limit,
                    table.off,
                )
                for n, (name, table) in enumerate(zip(STEPS, results(seen, self._f), strict=True))
            ]
        )
        self._draw()

    def _draw(self) -> None:
        if not self._steps:
            return
        now = self._steps[self.at]
        self.strip.set_at(self.at)
        self.stepping.set_ends(self.at == 0, self.at == len(STEPS) - 1)
        self.middle.set_title(now.title)
        self.middle.set_note(now.note)
        self.left.show_table(now.left)
        self.right.setVisible(now.right is not None)
        self.mask_box.setVisible(self.at == MASK)
        if now.right is not None:
            self.right.show_table(now.right)
        self.learned.setVisible(now.learned)
        words.say(self.signs[0], "setText", words.plain(now.sign))
        self.result.show_table(now.result)
        self.result.grid.set_at(self._here())
        self._show_cell(self._here())

    def _show_cell(self, cell: Cell) -> None:
        seen = self._seen
        if seen is None or not self._steps:
            return
        queries, keys = seen.allowed.shape
        cell = (min(cell[0], queries - 1), min(cell[1], (seen.values.shape[1] if self.at == SUM else keys) - 1))
        i, j = cell[0], min(cell[1], keys - 1)
        for one in (self.left, self.right):
            one.set_cross(cell)
        unit = self._unit if self._unit is not None and self._unit < len(seen.w_v) else strongest_unit(seen, i, j)
        if self._steps[self.at].learned:
            self._show_units(seen, cell, unit)
        said = formula(seen, self._f, self.at, cell, unit)
        for line, text in zip(self.lines, (*said, "", "")[:3], strict=True):
            words.say(line, "setText", text if isinstance(text, Message) else words.plain(text))
        column = Message("component {n}", {"n": cell[1] + 1}) if self.at == SUM else words.plain(f"k{cell[1] + 1}")
        self._bottom.set_note("{query}, {key}", query=f"q{cell[0] + 1}", key=column)

    def _show_units(self, seen: Compared, cell: Cell, unit: int) -> None:
        """The additive score of a pair by its hidden units, and one of these from the weights on."""
        values = {"query": f"q{cell[0] + 1}", "key": f"k{cell[1] + 1}", "h": len(seen.w_v)}
        for grid, table in zip((self.units, self.parts), by_unit(seen, *cell, unit), strict=True):
            grid.set_table(table.values, table.limit)
            grid.set_off(table.off, table.off_text)
            grid.set_names(table.rows, table.cols)
        self.units.set_at((-1, unit))
        self.units_card.set_note("{query}, {key}: the last row adds up to the score", **values)
        self.parts_card.set_title("Unit {n}", n=unit + 1)
        d = seen.w_q.shape[1], seen.w_k.shape[1]
        self.parts_card.set_note("of {h}; W_q: {h} × {q}, W_k: {h} × {k}", h=len(seen.w_v), q=d[0], k=d[1])
