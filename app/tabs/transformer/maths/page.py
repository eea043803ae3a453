"""The page "Maths": one layer step by step, every number, every shape, the formula beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme, words
from app.cards import card
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.stepping import BackAndForward
from app.tabs.transformer.labwords import ends, place_name, state_name
from app.tabs.transformer.maths.backlines import check_line, formula_of
from app.tabs.transformer.maths.backlines import lines as back_lines
from app.tabs.transformer.maths.backsteps import backward
from app.tabs.transformer.maths.formulas import formula
from app.tabs.transformer.maths.steps import FFN, LOGITS, NORM, STAGES, Step, flow, landmarks, parts, step, to_queries
from app.tabs.transformer.maths.tables import Operand, Span, span
from app.tabs.transformer.maths.tex import FIRST, FORWARD
from app.tabs.transformer.maths.wording import NOTES, about, about_loss, column, inner, named, sizes
from app.theme import FORMULA, S2, S3, TITLE
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.formula import FormulaView, Line
from app.views.stepflow import StepFlow
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, row, swap
from app.words import Text, say
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.transformer.maths.spec import Checked, Walked, WalkParams
from engines.transformer.spec import TransformerParams
from engines.transformer.switches import DECODER, ENCODER

NUMBERS, WHOLE = range(2)
FORTH, BACK = range(2)
OF_HEADS = ("queries", "keys", "values", "scores", "weights", "heads")  #: entries of the tape by head


class MathsPage(Page):
    """The steps above, the tables of one step in the middle, the formula of one cell below."""

    title = "Maths"
    params_type = TransformerParams
    engine = "engines.transformer.maths.engine:Engine"
    asks = WalkParams
    params: TransformerParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.seen: Walked | None = None
        self.shown: Step | None = None
        self.checked: Checked | None = None
        self.steps: tuple[tuple[int, str], ...] = ()
        self.at = 0  # of the steps
        self.cell = (0, 0)
        self._token, self._walked = 0, (ENCODER, 0)  # target token and attention looked at when last drawn
        self._first = {"i": 0, "j": 0, "k": 0}
        self._make_views()
        centre = self._make_cards()
        self._connect()
        self.lay(
            centre,
            box(section("Look at", self.which, self.head)),
            self.loss,
            box(section("What is shown", self.told, self.about, ends(), self.keys)),
            box(section("Sizes", *self.sizes)),
            resets=False,
        )

    def _make_views(self) -> None:
        self.strip = StepFlow("Stages")
        self.stepping = BackAndForward(lambda by: self.go(self.at + by))
        self.count = quiet("")
        self.part = Segments(("Sum",))
        self.part_box = box(row(self.part, gap=0))
        self.mode = Segments(("Numbers", "Overview"), tips=("As many cells as stay readable.", "All cells as colors."))
        self.less = button(icon="left", kind="boxed", tip="Earlier terms of the sum", clicked=lambda: self._turn(-1))
        self.more = button(icon="right", kind="boxed", tip="Later terms of the sum", clicked=lambda: self._turn(1))
        self.terms = quiet("")
        self.left, self.right, self.result = Operand(), Operand(), Operand()
        self.signs = [label("", TITLE, True, "quiet"), label(words.plain("="), TITLE, True, "quiet")]
        self.way = Segments(
            ("Forward pass", "Backward pass"), tips=("What each cell is.", "What the loss gains by each cell.")
        )
        self.formula = FormulaView("Formula", 20, 36)
        self.lines = [label("", FORMULA) for _ in range(2)]
        self.tried = label("", FORMULA)
        self.check = button(
            "Check", kind="boxed", tip="Moves this number a little, both ways, and sees what the loss does.",
            clicked=self._check,
        )  # fmt: skip
        for line in (*self.lines, self.tried):
            theme.set_font(line, FORMULA, mono=True)
            line.setMinimumWidth(1)
        self.which = MenuButton(
            (place_name((DECODER, 0)),), 0, tip="The attention whose queries, keys and values are shown."
        )
        self.head = MenuButton((Message("Head {n}", {"n": 1}),), 0, tip="Each head has its own Q, K and V.")
        self.loss = ParamsForm(self.params, ["label"])
        self.about, self.told = quiet("", wrap=True), quiet("", wrap=True)
        self.keys = quiet("Comma and period, or ← and →, step through.", wrap=True)
        self.sizes = [quiet("") for _ in range(5)]
        for menu in (self.which, self.head):
            menu.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _make_cards(self) -> QWidget:
        self.top = card("Inside the layer", self.strip, tools=[self.way, self.count, self.stepping])
        tables = row((self.left, 5), self.signs[0], (self.right, 5), self.signs[1], (self.result, 5), gap=S3)
        self.middle = card(
            "Scores", tables, tools=[self.less, self.terms, self.more, self.part_box, self.mode]
        )  # fmt: skip
        said = row((self.formula, 1), self.check)
        self.bottom = card("This cell", col((said, 1), *self.lines, self.tried, gap=S2))
        for one in (self.top, self.middle, self.bottom):
            one.set_empty("Reading the bundled weights")
        return box(col((self.top, 5), (self.middle, 11), (self.bottom, 4), gap=S3))

    def _connect(self) -> None:
        self.strip.chosen.connect(self._to_stage)
        self.mode.chosen.connect(lambda _at: self._draw_tables())
        self.way.chosen.connect(self._go_back)
        self.part.chosen.connect(self._to_part)
        self.which.chosen.connect(self._look_at)
        self.head.chosen.connect(lambda at: self.change(walk_head=at))
        self.result.grid.hovered.connect(self._pointed)
        self.result.grid.clicked.connect(lambda cell: self._pin(self.result.inside(cell)))
        self._rest = QTimer(self, singleShot=True, interval=0)  # one drawing for the resizing of all three tables
        self._rest.timeout.connect(self._draw_tables)
        self.result.resized.connect(self._rest.start)

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        self.way.set_at(BACK if params.walk_back else 0)
        self._draw()

    def activated(self) -> None:
        self.strip.setFocus()  # its keys work at once

    def exported(self) -> dict[str, object]:
        of = {} if self.seen is None else {"task": self.seen.task, "at": str(self.seen.at)}
        return of | {"text": self.params.read, "head": self._head + 1}

    def on(self, event: Event) -> None:
        if isinstance(event, Checked):
            self.checked = event
            self._show_cell(self.cell)
        if not isinstance(event, Walked):
            return
        first, self.seen = self.seen is None, event
        for one in (self.top, self.middle, self.bottom):
            one.set_empty(None)
        self._draw()
        if (pointed := self.result.pointed) is not None:  # new numbers: the hand rests where it was
            self._show_cell(pointed)
        if first and self.on_screen:
            self.strip.setFocus()

    # -- acts
    def key(self, event: QKeyEvent) -> bool:
        """Comma and period, Page up and Page down, Home and End, wherever on the page the focus is."""
        if event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        match event.key():
            case Qt.Key.Key_Comma | Qt.Key.Key_PageUp:
                self.go(self.at - 1)
            case Qt.Key.Key_Period | Qt.Key.Key_PageDown:
                self.go(self.at + 1)
            case Qt.Key.Key_Home:
                self.go(0)
            case Qt.Key.Key_End:
                self.go(len(self.steps) - 1)
            case _:
                return False
        return True

    def go(self, at: int) -> None:
        """Show a step, within those there are."""
        at = min(len(self.steps) - 1, max(0, at))
        if at != self.at and self.steps:
            before, self.at = self.steps[self.at][0], at
            self._first["k"] = 0
            if self.seen is not None:
                self._to_landmark(landmarks(self.seen, self._head, before, self.steps[at][0], self.is_back))
            self._draw_step()

    def _to_landmark(self, values: np.ndarray | None) -> None:
        """To the largest of a row, not the first."""
        if values is not None:
            line = self._token if self._of_target(self.steps[self.at][0]) else self.cell[0]
            line = min(line, len(values) - 1)
            self.cell = line, int(values[line].argmax())

    def _go_back(self, way: int) -> None:
        """Walk back or forward; among all answers it is the label's gradient that there is to see."""
        if self.steps and self.steps[self.at][0] == LOGITS and self.seen is not None and way == BACK:
            self._to_landmark(self.seen.gradients["y"])
        self.change(walk_back=way == BACK)

    def _of_target(self, stage: int) -> bool:
        """Whether the rows of a stage are tokens of the target."""
        return self.seen is not None and (stage == LOGITS or self.seen.at[0] != ENCODER)

    def _to_stage(self, stage: int) -> None:
        self.go(next((n for n, (s, _) in enumerate(self.steps) if s == stage), self.at))

    def _to_part(self, at: int) -> None:
        first = next(n for n, (s, _) in enumerate(self.steps) if s == self.steps[self.at][0])
        self.go(first + at)

    def _look_at(self, at: int) -> None:
        if self.seen is not None:
            self.change(walk_at=self.seen.places[at])

    def _turn(self, way: int) -> None:
        first, last = self._spans().get("k", (0, 1))
        self._first["k"] = max(0, first + way * (last - first))
        self._draw_tables()

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        self._show_cell(self.cell if cell is None else self.result.inside(cell))

    def _pin(self, cell: tuple[int, int]) -> None:
        self.cell = cell
        if self._of_target(self.steps[self.at][0]) and cell[0] != self._token:
            self.change(token=cell[0])  # lights up on all pages
        else:
            self._draw_tables()

    # -- showing
    @property
    def is_back(self) -> bool:
        """Whether the way back is shown."""
        return self.params.walk_back

    def _check(self) -> None:
        """Try the gradient of this cell by a finite difference."""
        now = self.shown
        if now is not None and now.tape:
            self.change(back_check=(now.tape, self._place_of(now, self.cell)))

    def _place_of(self, now: Step, cell: tuple[int, int]) -> tuple[int, ...]:
        """A cell's place in the tape's entry: of what each head has, its head comes first."""
        part = now.tape.rsplit(".", 1)[-1]
        return (self._head, *cell) if part in OF_HEADS else cell

    @property
    def _head(self) -> int:
        return min(self.params.walk_head, self.seen.heads - 1) if self.seen is not None else 0

    def _draw(self) -> None:
        seen = self.seen
        if seen is None:
            return
        looked_at = self.steps[self.at : self.at + 1]
        self.steps = parts(seen)
        if looked_at and looked_at[0] in self.steps:  # with pre-norm the same step has another number
            self.at = self.steps.index(looked_at[0])
        self.at = min(self.at, len(self.steps) - 1)
        if seen.at != self._walked:
            self.at = to_queries(self.steps, self.at)
        looked = self.params.token, seen.at
        if looked != (self._token, self._walked) and self._of_target(self.steps[self.at][0]):
            self.cell = looked[0], self.cell[1]
        self._token, self._walked = looked
        small, shapes = flow(seen, self._head)
        self.strip.set_flow(small, shapes)
        self.which.set_options([place_name(place) for place in seen.places], seen.places.index(seen.at))
        self.head.set_options([Message("Head {n}", {"n": n + 1}) for n in range(seen.heads)], self._head)
        self.top.set_note(place_name(seen.at))
        say(self.about, "setText", about(seen))
        told = {"task": Message(seen.task), "state": state_name(seen.step)}
        say(self.told, "setText", Message("{task}: {state}.", told))
        for line, size in zip(self.sizes, sizes(seen), strict=True):
            say(line, "setText", size)
        self._draw_step()

    def _draw_step(self) -> None:
        seen = self.seen
        if seen is None:
            return
        stage, part = self.steps[self.at]
        self.shown = (backward if self.is_back else step)(seen, self._head, stage, part)
        self.strip.set_at(stage)
        self.stepping.set_ends(self.at == 0, self.at == len(self.steps) - 1)
        say(self.count, "setText", Message("{n} of {m}", {"n": self.at + 1, "m": len(self.steps)}))
        self.middle.set_title(STAGES[stage])
        said = NOTES["Sum0" if not self.at else part]
        self.middle.set_note(about_loss(seen) if self.is_back else said)
        self._show_parts(stage, part)
        say(self.signs[0], "setText", words.plain(self.shown.sign))
        self._draw_tables()

    def _show_parts(self, stage: int, part: str) -> None:
        """The steps of the stage, to choose from."""
        options = [p for s, p in self.steps if s == stage]
        self.part_box.setVisible(len(options) > 1)
        made = Segments(options, options.index(part))
        swap(self.part_box, self.part, made)
        self.part = made
        made.chosen.connect(self._to_part)

    def _spans(self) -> dict[str, Span]:
        """Which rows, columns and terms are on screen; none where all are."""
        now = self.shown
        if now is None or self.mode.at() == WHOLE:
            return {}
        counts: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for operand, table in ((self.left, now.left), (self.right, now.right), (self.result, now.result)):
            for axis, size, room in zip(table.axes, table.values.shape, operand.room(table), strict=True):
                if axis != "-":
                    counts[axis] = min(counts.get(axis, size), room)
                    sizes[axis] = size
        at = {"i": self.cell[0], "j": self.cell[1], "k": self._first["k"]}
        made: dict[str, Span] = {}
        for axis, count in counts.items():
            if axis == "k":
                first = min(self._first["k"], sizes["k"] - min(count, sizes["k"]))
                made["k"] = first, first + min(count, sizes["k"])
            else:
                made[axis] = span(at[axis], self._first[axis], count, sizes[axis])
            self._first[axis] = made[axis][0]
        return made

    def _draw_tables(self) -> None:
        now = self.shown
        if now is None:
            return
        rows, cols = now.result.values.shape
        self.cell = min(self.cell[0], rows - 1), min(self.cell[1], cols - 1)
        spans = self._spans()
        for operand, table in ((self.left, now.left), (self.right, now.right), (self.result, now.result)):
            operand.show_table(table, spans)
        self.result.grid.set_at(self.result.shown(self.cell))
        total = inner(now)
        first, last = spans.get("k", (0, total))
        for part in (self.less, self.more, self.terms):
            part.setVisible(last - first < total)
        self.less.setEnabled(first > 0)
        self.more.setEnabled(last < total)
        figures = {"a": first + 1, "b": last, "n": total}
        say(self.terms, "setText", Message("terms {a} to {b} of {n}", figures))
        self._show_cell(self.cell)

    def _show_cell(self, cell: tuple[int, int]) -> None:
        now, seen = self.shown, self.seen
        if now is None or seen is None:
            return
        for operand in (self.left, self.right):
            operand.set_cross(*cell)
        self.check.setVisible(self.is_back)
        self.loss.setVisible(self.is_back)
        self.tried.setVisible(self.is_back)
        if self.is_back:
            self._show_gradient(now, seen, cell)
            return
        extra = (1.0, 0.0)
        if now.kind == NORM:
            prefix = "ffn_" if now.stage == FFN else ""
            extra = float(seen.arrays[f"{prefix}gamma"][0, cell[1]]), float(seen.arrays[f"{prefix}beta"][0, cell[1]])
        _, *texts = formula(now, cell, extra)
        first = FIRST if now.part == "Sum" and now.stage == 0 else now.part
        self._say(FORWARD[first], texts, now, cell)

    def _show_gradient(self, now: Step, seen: Walked, cell: tuple[int, int]) -> None:
        """The formula of a gradient, in its numbers; what was tried of it."""
        prefix = "ffn_" if now.stage == FFN else ""
        gain, deviation = seen.arrays[f"{prefix}gamma"][0], seen.arrays[f"{prefix}deviation"]
        self._say(formula_of(now, seen.batch_norm), back_lines(now, cell, gain, deviation, seen.batch_norm), now, cell)
        tried = self.checked
        mine = now.tape, self._place_of(now, cell), seen.label, seen.place
        same = tried is not None and (tried.tape, tried.cell, tried.label, tried.place) == mine
        if tried is None or not same:
            say(self.tried, "setText", words.plain(" "))
        else:
            say(self.tried, "setText", check_line(tried.tried, tried.gradient, tried.step))

    def _say(self, tex: str, texts: Sequence[Text], now: Step, cell: tuple[int, int]) -> None:
        self.formula.set_lines([Line(tex)])
        for line, text in zip(self.lines, texts, strict=True):
            say(line, "setText", text if isinstance(text, Message) else words.plain(text))
        where = {"row": named(now.result, cell[0]), "col": column(now.result, cell[1])}
        self.bottom.set_note(Message("row {row}, column {col}", where))
