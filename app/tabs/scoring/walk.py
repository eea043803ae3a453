"""The page "Step through": scores, scale, mask, softmax, weighted sum, one at a time."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QWidget

from app import theme, words
from app.cards import card
from app.tabs.scoring.compare import chosen_cell, names
from app.tabs.scoring.stages import MASK, STEPS, SUM, Step, Table, formula, results, steps
from app.theme import FORMULA, S2, S3, TITLE
from app.views.colorbar import ColorBar
from app.views.scoregrid import MaskGrid, ScoreGrid
from app.views.stagestrip import Small, StageStrip
from app.widgets import box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.scoring.spec import FUNCTIONS, Compared, ScoringParams, valid_length

Cell = tuple[int, int]
LARGEST = (96, 64)  #: px, a cell


class Operand(QWidget):
    """A named table with its scale."""

    def __init__(self) -> None:
        super().__init__()
        self.head = quiet("")
        self.grid = ScoreGrid("diff", LARGEST)
        words.say(self.grid, "setAccessibleName", "Nothing to show yet.")
        self.bars = {ramp: ColorBar("", ramp, 76) for ramp in ("diff", "ember")}
        self.setLayout(col(row(self.head, *((bar, 1) for bar in self.bars.values()), gap=S2), (self.grid, 1), gap=0))
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


class WalkPage(QObject):
    """The cards of the page.

    Signals
    -------
    chosen : (query, key)
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.strip = StageStrip("Steps")
        self.back = button("Back", "left", "boxed", tip="One step back: comma", clicked=lambda: self.go(self.step - 1))
        self.forward = button(
            "Forward", "right", "boxed", tip="One step on: point", clicked=lambda: self.go(self.step + 1), after=True
        )
        self.left, self.right, self.result = Operand(), Operand(), Operand()
        self.mask = MaskGrid(LARGEST)
        self.mask_box = box(col(quiet("Mask"), (self.mask, 1), gap=0))
        self.signs = [label("", TITLE, True, "quiet"), label(words.plain("="), TITLE, True, "quiet")]
        self.lines = [label("", FORMULA) for _ in range(3)]
        for line in self.lines:
            theme.set_font(line, FORMULA, mono=True)
        self._top = card("Five steps", self.strip, tools=[self.back, self.forward])
        tables = row(
            (self.left, 5), self.signs[0], (self.right, 5), (self.mask_box, 5), self.signs[1], (self.result, 5), gap=S3
        )
        self._middle = card("Scores", tables)
        self._bottom = card("This cell", col(*self.lines, 1, gap=S2))
        self.centre: QWidget = box(col((self._top, 4), (self._middle, 8), (self._bottom, 3), gap=S3))
        self.step = 0
        self._seen: Compared | None = None
        self._f = 0
        self._cell: Cell = (0, 0)
        self._steps: tuple[Step, ...] = ()
        self._show_tail: QLabel = self.lines[2]
        self.strip.chosen.connect(self.go)
        self.mask.clicked.connect(self.chosen)
        self.mask.hovered.connect(self._pointed)
        self.result.grid.hovered.connect(self._pointed)
        self.result.grid.clicked.connect(self._clicked)
        for keys, by in ((",", -1), (".", 1), ("PgUp", -1), ("PgDown", 1)):
            self._shortcut(keys, lambda by=by: self.go(self.step + by))
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
        if step != self.step:
            self.step = step
            self._draw()

    def _pointed(self, cell: Cell | None) -> None:
        self._show_cell(self._here() if cell is None else cell)

    def _clicked(self, cell: Cell) -> None:
        if self.step == SUM:
            self._column = cell[1]
            self.chosen.emit((cell[0], self._cell[1]))
            self._show_cell(cell)
        else:
            self.chosen.emit(cell)

    _column = 0  # of the output whose sum is shown

    def _here(self) -> Cell:
        return (self._cell[0], self._column) if self.step == SUM else self._cell

    # -- showing
    def show_params(self, params: ScoringParams) -> None:
        """Bring mask and chosen cell in line."""
        lens = [valid_length(params, i) for i in range(params.num_queries)]
        self.mask.set_mask(lens, params.masked, params.num_keys)
        self.mask.set_names(names("q", params.num_queries), names("k", params.num_keys))
        self._cell = chosen_cell(params)
        self._f = FUNCTIONS.index(params.function)
        self.mask.set_at(self._cell)

    def show_answer(self, seen: Compared, cell: Cell, function: str) -> None:
        """Draw the steps of a scoring function."""
        self._seen, self._f, self._cell = seen, FUNCTIONS.index(function), cell
        if not seen.possible[self._f]:
            text = Message(
                "A dot product multiplies number by number: queries of {dq} and keys of {dk} numbers leave some over.",
                {"dq": seen.queries.shape[1], "dk": seen.keys.shape[1]},
            )
            self._middle.set_empty(text, "Use additive scoring", lambda: self.use_additive.emit())
            self._top.set_empty("No steps to show.")
            self._bottom.set_empty("No steps to show.")
            return
        for one in (self._top, self._middle, self._bottom):
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

    use_additive = Signal()

    def _draw(self) -> None:
        if not self._steps:
            return
        now = self._steps[self.step]
        self.strip.set_at(self.step)
        self.back.setEnabled(self.step > 0)
        self.forward.setEnabled(self.step < len(STEPS) - 1)
        self._middle.set_title(now.title)
        self._middle.set_note(now.note)
        self.left.show_table(now.left)
        self.right.setVisible(now.right is not None)
        self.mask_box.setVisible(self.step == MASK)
        if now.right is not None:
            self.right.show_table(now.right)
        words.say(self.signs[0], "setText", words.plain(now.sign))
        self.result.show_table(now.result)
        self.result.grid.set_at(self._here())
        self._show_cell(self._here())

    def _show_cell(self, cell: Cell) -> None:
        seen = self._seen
        if seen is None or not self._steps:
            return
        queries, keys = seen.allowed.shape
        cell = (min(cell[0], queries - 1), min(cell[1], (seen.values.shape[1] if self.step == SUM else keys) - 1))
        for one in (self.left, self.right):
            one.set_cross(cell)
        said = formula(seen, self._f, self.step, cell)
        for line, text in zip(self.lines, (*said, "", "")[:3], strict=True):
            words.say(line, "setText", text if isinstance(text, Message) else words.plain(text))
        column = Message("number {n}", {"n": cell[1] + 1}) if self.step == SUM else words.plain(f"k{cell[1] + 1}")
        self._bottom.set_note("{query}, {key}", query=f"q{cell[0] + 1}", key=column)
