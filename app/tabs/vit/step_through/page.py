"""The page "Step through": one query of one head, from the dot products to the weighted sum, on the photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme, words
from app.cards import Card
from app.shell import Shell
from app.stepping import BackAndForward
from app.tabs.vit.page import ModelForm, PhotoPage
from app.tabs.vit.photo import Photo, cell_of
from app.tabs.vit.shown import nice_end
from app.tabs.vit.step_through.arithmetic import SCALE, SCORES, SOFTMAX, STAGES, SUM, formula, strands
from app.theme import FORMULA, S1, S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.photomap import CLASS_TOKEN as TOKEN_CELL
from app.views.photomap import Cell, named
from app.views.scoregrid import ScoreGrid
from app.views.stagestrip import Small, StageStrip
from app.widgets import box, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.vit.events import Floats
from engines.vit.spec import ViTParams
from engines.vit.step_through.spec import HeadSteps, StepParams

NAME_W, BAR_W = 118, 110  # px, the columns beside a strand


class Strand(QWidget):
    """One row of the neuron view: a vector, dimension by dimension, with its scale.

    Signals
    -------
    hovered : int or None
    clicked : int
    """

    hovered = Signal(object)
    clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.head = quiet("")
        self.head.setFixedWidth(NAME_W)
        self.grid = ScoreGrid("diff", (40, 30))
        self.grid.setMinimumSize(200, 20)
        words.say(self.grid, "setAccessibleName", "Scores")
        self.grid.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.bar = ColorBar("", "diff", BAR_W)
        self.bar.setFixedWidth(BAR_W + 20)
        self.bar.drive(self.grid)
        self.grid.hovered.connect(lambda cell: self.hovered.emit(None if cell is None else cell[1]))
        self.grid.clicked.connect(lambda cell: self.clicked.emit(cell[1]))
        self.setLayout(row(self.head, (self.grid, 1), self.bar, gap=S2))

    def show_vector(self, name: Message | str, values: Floats) -> None:
        """Draw a vector (d,)."""
        end = float(np.abs(values).max(initial=0.0)) or 1.0
        words.say(self.head, "setText", name)
        self.grid.set_table(values[None], end)
        words.say(self.grid, "setAccessibleName", name)
        self.bar.set_range(-end, end)

    def set_lit(self, dim: int | None) -> None:
        """Light up a dimension."""
        self.grid.set_lit(None if dim is None else (0, dim))
        self.bar.set_mark(self.grid.share_at(None if dim is None else (0, dim)))


class StepThroughPage(PhotoPage):
    """Four stages above, query and keys on the photo, the sum dimension by dimension below."""

    title = "Step through"
    engine = "engines.vit.step_through.engine:Engine"
    asks = StepParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.strip = StageStrip("Stages")
        self.strip.setMinimumHeight(96)
        self.stepping = BackAndForward(lambda by: self.go(self.stage + by))
        self.query, self.keys = Photo(), Photo()
        for photo in (self.query, self.keys):
            photo.setMinimumSize(200, 120)
        self.query.set_opacity(0)
        self.bars = {"diff": ColorBar("", "diff", 120), "ember": ColorBar("", "ember", 120)}
        for bar in self.bars.values():
            bar.drive(self.keys)  # the small maps above keep the scale of their own stage
        self.said = quiet("")
        self.strands = [Strand() for _ in range(3)]
        self.lines = [label("", FORMULA, wrap=True) for _ in range(2)]
        for line in self.lines:
            theme.set_font(line, FORMULA - 1, mono=True)
        self._top = Card("Four steps", self.strip, tools=[self.stepping])
        self._query = Card("Query", self.query, foot=quiet("Click a patch to make it the query.", wrap=True))
        self._keys = Card("Keys", self.keys, foot=row(self.said, 1, *((bar, 0) for bar in self.bars.values())))
        self._neurons = Card("Dimension by dimension", col(*((one, 1) for one in self.strands), gap=S1),
                             foot=col(*self.lines, gap=S1))  # fmt: skip
        self._cards = self._top, self._query, self._keys, self._neurons
        middle = row((self._query, 42), (self._keys, 58), gap=S3)
        self.form = ModelForm(("layer", "head", "temperature", "opacity"))
        self.lay(box(col((self._top, 22), (middle, 47), (self._neurons, 31), gap=S3)), self.form)
        for one in self._cards:
            one.set_empty("Waiting for the model")
        self.stage = SCORES
        self._key: int | None = None  # the key that was clicked
        self._hover: int | None = None  # and the one under the pointer
        self._dim = 0
        self.answer: HeadSteps | None = None
        self.strip.chosen.connect(self.go)
        self.query.clicked.connect(lambda cell: self.step(pinned=self._token(cell)))
        self.keys.hovered.connect(self._pointed)
        self.keys.clicked.connect(self._chosen)
        for strand in self.strands:
            strand.hovered.connect(self._dimension)
            strand.clicked.connect(self._dimension_chosen)
        for keys, by in ((",", -1), (".", 1)):
            made = QShortcut(QKeySequence(keys), self.centre)
            made.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            made.activated.connect(lambda by=by: self.go(self.stage + by))

    def waiting(self) -> Sequence[Card]:
        return self._cards

    # -- hand
    def go(self, stage: int) -> None:
        """Show a stage, within the four."""
        stage = min(len(STAGES) - 1, max(0, stage))
        if stage != self.stage:
            self.stage = stage
            for bar in self.bars.values():
                bar.put_back()  # products and scaled products share one, of which each has its own range
            self._draw()

    def _token(self, cell: Cell | None) -> int | None:
        if cell is None:
            return None
        return 0 if cell == TOKEN_CELL else self.shown.token_at(*cell)

    def _pointed(self, cell: Cell | None) -> None:
        self._hover = self._token(cell)
        self._draw_key()

    def _chosen(self, cell: Cell | None) -> None:
        self._key = self._token(cell)
        self._draw_key()

    def _dimension(self, dim: int | None) -> None:
        for strand in self.strands:
            strand.set_lit(dim)
        self._write(self._dim if dim is None else dim)

    def _dimension_chosen(self, dim: int) -> None:
        self._dim = dim
        self._write(dim)

    # -- showing
    def show_params(self, params: ViTParams) -> None:
        self.keys.set_opacity(params.opacity)
        self.query.set_pin(cell_of(self.shown, params.pinned or 0))

    def draw(self, event: Event) -> None:
        grid = self.shown.grid
        if not isinstance(event, HeadSteps) or grid is None:
            return
        self.answer = event
        left, top, right, bottom = grid.rectangle
        for photo in (self.query, self.keys):
            photo.set_photo(grid.photo)
            photo.set_grid(grid.rows, grid.cols, (left, top, right - left, bottom - top))
        for one in self._cards:
            one.set_empty(None)
        if self._key is not None and self._key >= len(event.weights):
            self._key = None  # left from a finer grid
        self._hover = None
        self._dim = min(self._dim, len(event.output) - 1)
        self._top.set_note("Layer {layer}, head {head}", layer=event.layer, head=event.head)
        self._draw()
        self.show_params(self.params)

    def _maps(self, event: HeadSteps) -> list[tuple[Floats, str, float, float | None]]:
        """Each stage: values of all tokens, ramp, end of the scale."""
        made: list[tuple[Floats, str, float, float | None]] = []
        for values in (event.raw, event.scaled):
            end = nice_end(float(np.abs(values).max(initial=0.0)))
            made.append((values, "diff", end, -end))
        patches = event.weights[self.shown.grid.prefix :] if self.shown.grid is not None else event.weights
        top = float(patches.max(initial=0.0)) or 1.0
        return [*made, (event.weights, "ember", top, 0.0), (event.weights, "ember", top, 0.0)]

    def _draw(self) -> None:
        event, shown = self.answer, self.shown
        if event is None or shown.grid is None or len(event.weights) != shown.grid.tokens:
            return
        maps = self._maps(event)
        off = shown.on_patches(event.masked.astype(np.float32)) > 0
        stages = []
        for n, (values, ramp, top, low) in enumerate(maps[:SUM]):
            title = Message("{n} {name}", {"n": n + 1, "name": Message(STAGES[n])})
            stages.append(Small(title, shown.on_patches(values), ramp, low or 0.0, top, off if off.any() else None))
        end = float(np.abs(event.output).max(initial=0.0)) or 1.0
        title = Message("{n} {name}", {"n": SUM + 1, "name": Message(STAGES[SUM])})
        stages.append(Small(title, folded(event.output), "diff", -end, end))
        self.strip.set_stages(stages)
        self.strip.set_at(self.stage)
        self.stepping.set_ends(self.stage == 0, self.stage == len(STAGES) - 1)
        values, ramp, top, low = maps[self.stage]
        titles = ("Scores: q · k of every key", "Scaled scores", "Weights", "Weights: how much of each value")
        self._keys.set_title(titles[self.stage])
        self.keys.set_map(shown.on_patches(values), top, low or 0.0, float(values[0]), ramp)
        for name, bar in self.bars.items():
            bar.setVisible(name == ramp)
            bar.set_range(low or 0.0, top, float(values.max()) > top * (1 + 1e-6))
        self._query.set_note(named(cell_of(shown, event.token) or TOKEN_CELL))
        self._draw_key()

    def _here(self) -> int:
        """The chosen key: under the pointer, clicked, or the strongest patch."""
        event = self.answer
        assert event is not None
        for token in (self._hover, self._key):
            if token is not None and token < len(event.weights):
                return token
        prefix = self.shown.grid.prefix if self.shown.grid is not None else 1
        return prefix + int(event.weights[prefix:].argmax())

    def _draw_key(self) -> None:
        event = self.answer
        if event is None:
            return
        key = self._here()
        cell = cell_of(self.shown, key)
        self.keys.set_pin(cell)
        bar = self.bars["diff" if self.stage < SOFTMAX else "ember"]
        bar.set_mark(self.keys.share_at(cell))
        place: Message = named(cell or TOKEN_CELL)
        words.say(self.said, "setText", Message("Key: {place}", {"place": place}))
        for strand, (name, values) in zip(self.strands, strands(event, self.stage, key), strict=True):
            strand.show_vector(name, values)
        self._neurons.set_note(
            "{n} numbers; their products add up to the score" if self.stage <= SCALE
            else "the products add up to the score, which the softmax turns into a weight" if self.stage == SOFTMAX
            else "{n} numbers of the output; click one to see its sum",
            n=len(event.query),
        )  # fmt: skip
        self._write(self._dim)

    def _write(self, dim: int) -> None:
        event = self.answer
        if event is None:
            return
        lines = formula(event, self.stage, self._here(), min(dim, len(event.output) - 1))
        for line, text in zip(self.lines, lines, strict=True):
            words.say(line, "setText", text)


def folded(vector: Floats) -> Floats:
    """A vector as a table of a good shape."""
    count = len(vector)
    rows = next((n for n in (8, 4, 2) if count % n == 0 and count >= n * n), 1)
    return vector.reshape(rows, -1)
