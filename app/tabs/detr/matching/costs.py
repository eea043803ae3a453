"""The cost matrices as a sum: class, L1, GIoU and their weighted total, with the assignment outlined in each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import words
from app.theme import BODY, S1, TITLE
from app.views.colorbar import ColorBar
from app.views.matrix import LARGEST, Matrix
from app.widgets import col, label, row
from engines.core.errors import Message
from engines.detr.matching.spec import Matched
from engines.detr.objects import object_name

NAMES = ("class, × {weight} in the sum", "L1, × {weight} in the sum", "GIoU, × {weight} in the sum")
FOCAL = "focal class, × {weight} in the sum"
SIGNS = ("+", "+", "=")
MANY = 24  # predictions; more stand in columns, since a page is wider than high
TALL = (84, 200)  # px, largest cell where many predictions meet few objects
LEGIBLE, ABOVE = 11, 24  # px of a row whose name touches no other; px above the rows
Cell = tuple[int, int]


class CostTables(QWidget):
    """Four tables side by side, predictions by objects; `turned` where the predictions stand in columns.

    Signals
    -------
    chosen : int
        A prediction (row) was clicked.
    pointed_at : (prediction, object) or None
    """

    chosen = Signal(int)
    pointed_at = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tables = [Matrix() for _ in range(4)]
        self.bars = [ColorBar(ramp="tide", least=70) for _ in range(4)]
        self._titles = [label(" ", BODY, True) for _ in range(4)]
        line = row(gap=S1)
        for i, (title, table, bar) in enumerate(zip(self._titles, self.tables, self.bars, strict=True)):
            bar.drive(table)
            line.addLayout(col(title, (table, 1), bar, gap=S1), 1)
            if i < 3:
                line.addWidget(label(words.plain(SIGNS[i]), TITLE, kind="quiet"))
            table.hovered.connect(self._pointed(i))
            table.clicked.connect(lambda cell: self.chosen.emit(self._way(cell)[0]))
            words.say(table, "setAccessibleName", "Total cost")  # the weight is not known yet
            table.export_name = ("class-cost", "l1-cost", "giou-cost", "total-cost")[i]
        self.setLayout(line)
        self._shape = (0, 0)
        self._named: object = None
        self.turned = False
        self.hidden = False  # the assignment is guessed: nothing tells it

    def cells(self) -> list[Cell]:
        """All cells of the table of total costs, as (row, column) on the screen."""
        rows, cols = self._shape[::-1] if self.turned else self._shape
        return [(r, c) for r in range(rows) for c in range(cols)]

    def way(self, cell: Cell) -> Cell:
        """(row, column) on the screen to (prediction, object)."""
        return self._way(cell)

    def _way(self, cell: Cell) -> Cell:
        """(prediction, object) to (row, column), and back."""
        return (cell[1], cell[0]) if self.turned else cell

    def show_costs(self, event: Matched, greedy: bool) -> None:
        """Draw what was computed; ``greedy``: mark the greedy choice where it differs."""
        params = event.params
        self._shape = shape = (event.total.shape[0], event.total.shape[1])
        self.turned = shape[0] > MANY and shape[0] > shape[1]
        tight = self.turned and self.tables[0].height() - ABOVE < LEGIBLE * shape[1]
        key = shape, event.pairs[:, 0].tobytes(), tight, self.hidden
        fresh, self._named = key != self._named, key  # names and their colors
        terms = event.class_cost, event.bbox_cost, event.giou_cost
        pairs = [(int(r), int(c)) for r, c in event.pairs]
        greedy_ = [self._way((int(r), int(c))) for r, c in event.greedy]
        taken = {r for r, _ in pairs}
        rows, cols = [str(n + 1) for n in range(shape[0])], [object_name(n) for n in range(shape[1])]
        if tight:  # every second one
            cols = ["" if n % 2 else name for n, name in enumerate(cols)]
        tokens = ["pred" if i in taken and not self.hidden else "text2" for i in range(shape[0])]
        weights = params.class_cost, params.bbox_cost, params.giou_cost
        for i, (table, bar) in enumerate(zip(self.tables, self.bars, strict=True)):
            values = event.total if i == 3 else terms[i]
            low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
            table.set_values(values.T if self.turned else values, top=high, low=low)
            bar.set_range(round(low, 3), round(high, 3))
            sides = (rows, tokens), (cols, ["truth"] * shape[1])
            (down, down_tokens), (across, across_tokens) = sides[::-1] if self.turned else sides
            named = not self.turned or i == 0  # once is enough where there is little room
            table.setMinimumWidth(146 if not self.turned else 228 if named else 206)
            if fresh:
                table.set_largest(*(TALL if self.turned else LARGEST))
                table.set_names(down if named else (), across, down_tokens, across_tokens)
            if self.hidden:
                table.set_pairs((), ())
            else:
                table.set_pairs([self._way(pair) for pair in pairs], greedy_ if greedy and i == 3 else ())
            name = FOCAL if i == 0 and params.focal else NAMES[min(i, 2)]
            text = Message("Total cost") if i == 3 else Message(name, {"weight": weight_text(weights[i])})
            words.say(self._titles[i], "setText", text)
            words.say(self.tables[i], "setAccessibleName", text)

    def light(self, prediction: int | None, thing: int | None) -> None:
        """Light up a row, a column or a cell that is pointed at elsewhere."""
        nothing = prediction is None and thing is None
        cell = None if nothing else (-1 if prediction is None else prediction, -1 if thing is None else thing)
        if cell is not None and not (cell[0] < self._shape[0] and cell[1] < self._shape[1]):
            cell = None
        for table in self.tables:
            table.set_lit(None if cell is None else self._way(cell))

    def choose(self, prediction: int, thing: int = -1) -> None:
        """Mark the selected prediction's row or object's column; −1, −1 for none."""
        rows, cols = self._shape
        inside = prediction < rows and thing < cols and (prediction >= 0 or thing >= 0)
        for table in self.tables:
            table.set_at(self._way((prediction, thing)) if inside else None)

    def _pointed(self, index: int) -> Callable[[Cell | None], None]:
        def tell(cell: Cell | None) -> None:
            for i, (table, bar) in enumerate(zip(self.tables, self.bars, strict=True)):
                if i != index:
                    table.set_lit(cell)
                bar.set_mark(table.share_at(cell))
            self.pointed_at.emit(None if cell is None else self._way(cell))

        return tell


def weight_text(value: float) -> str:
    """A weight as a factor: ``1``, ``2.5``."""
    return words.number(value, 0 if float(np.round(value, 6)).is_integer() else 1)
