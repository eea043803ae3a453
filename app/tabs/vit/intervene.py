"""The page "Intervene": paint patches away, and see what each single head is worth."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app import theme, words
from app.cards import Card
from app.controls import HeadChips
from app.sections import section
from app.steady import hold_lines
from app.tabs.vit.cards import PredictionCard
from app.tabs.vit.page import ClassPicker, InsideForm, InsidePage, asked_about
from app.tabs.vit.shown import Shown
from app.theme import S2, S3, SMALL
from app.views.base import outline, pen
from app.views.colorbar import ColorBar
from app.views.paintmap import PaintMap
from app.views.photomap import Cell
from app.views.scoregrid import ScoreGrid
from app.widgets import box, button, col, label, row
from engines.core.errors import Message
from engines.vit.spec import CHANGE, INTERVENE, LOGIT, Ablation, Insight, ViTParams


class HeadGrid(ScoreGrid):
    """Layers down, heads across: what switching each head off does. Heads that are off now are crossed out.

    Signals
    -------
    switched : (layer, head)
        Double-clicked, or Enter: from 0.
    """

    switched = Signal(object)

    def __init__(self) -> None:
        super().__init__("diff", (112, 72))
        self.export_name = "ablation"
        self._out: frozenset[Cell] = frozenset()

    def set_out(self, heads: frozenset[Cell]) -> None:
        """Heads (layer, head) that are off now, from 0."""
        if heads != self._out:
            self._out = heads
            self.update()

    def written(self, value: float) -> str:
        return words.number(value, 2, signed=True)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if cell is not None:
            self.switched.emit(cell)

    def enter(self) -> bool:
        if self._at is None:
            return False
        self.switched.emit(self._at)
        return True

    def draw_cells(self, painter: QPainter) -> None:
        super().draw_cells(painter)
        rows, cols = self._values.shape
        for cell in self._out:
            if cell[0] < rows and cell[1] < cols:
                place = self.cell_rect(cell).adjusted(2, 2, -3, -3)
                outline(painter, place, theme.color("text"), 1, theme.color("surface"))
                painter.setPen(pen(theme.color("text"), 1.5))
                painter.drawLine(QPointF(place.left(), place.bottom()), QPointF(place.right(), place.top()))


class IntervenePage(InsidePage):
    """Paint on the left with the prediction under it, the map of all heads on the right."""

    title, name, takes = "Intervene", INTERVENE, Ablation

    def __init__(self) -> None:
        super().__init__()
        self.paint = PaintMap()
        self.prediction = PredictionCard()
        self.heads = HeadGrid()
        self.bar = ColorBar("", "diff", least=160)
        self.said, self.progress = label("", SMALL, wrap=True), label("", SMALL, kind="quiet", wrap=True)
        hold_lines(self.said, 2)
        self.clear = button("Give all back", "reset", "boxed", "Take the paint away", px=SMALL,
                            clicked=lambda: self.asked.emit({"painted": ()}))  # fmt: skip
        self._photo = Card("Paint patches away", self.paint, "no token looks at them, in any layer",
                           tools=[self.clear])  # fmt: skip
        self._scan = Card(
            "Each head switched off", self.heads, "layers ↓  heads →",
            foot=col(self.bar, self.said, self.progress, gap=S2),
        )  # fmt: skip
        words.say(self.paint, "setToolTip", "Press and drag. Painted patches are no keys any more: weight exactly 0.")
        words.say(
            self.heads, "setToolTip",
            "The untouched model with this one head's output at 0. Double-click or Enter switches it off for good. "
            "(Michel 2019)",
        )  # fmt: skip
        left = col((self._photo, 60), (self.prediction, 40), gap=S3)
        self.centre: QWidget = box(row((left, 55), (self._scan, 45), gap=S3))
        self.picker = ClassPicker()
        self.chips = HeadChips("Heads")
        self.form = InsideForm(("layer", "head", "effect"))
        self.dock = self.picker, self.form, box(section(CHANGE, self.chips))
        for one in (self._photo, self.prediction, self._scan):
            one.set_empty("Waiting for the model")
        self.chips.hide()
        self._event: Ablation | None = None
        self._shown: Shown | None = None
        self._params = ViTParams()
        self.paint.painted.connect(self._painted)
        self.paint.settled.connect(self.settled)
        self.picker.chosen.connect(lambda at: self.asked.emit({"target": at}))
        self.prediction.columns.chosen.connect(lambda layer: self.asked.emit({"layer": layer}))
        self.heads.clicked.connect(lambda cell: self.asked.emit({"layer": cell[0] + 1, "head": cell[1] + 1}))
        self.heads.hovered.connect(self._pointed)
        self.heads.switched.connect(self._switched)
        self.chips.changed.connect(self._chipped)

    # -- hand
    def _painted(self, cells: tuple[Cell, ...]) -> None:
        assert self._shown is not None
        self.painting.emit({"painted": tuple(self._shown.token_at(*cell) for cell in cells)})

    def _switched(self, cell: Cell) -> None:
        pair = cell[0] + 1, cell[1] + 1
        self.asked.emit({"heads_off": tuple(sorted(set(self._params.heads_off) ^ {pair}))})

    def _chipped(self, off: tuple[int, ...]) -> None:
        assert self._shown is not None
        layer = self._shown.layer(self._params)
        others = [pair for pair in self._params.heads_off if pair[0] != layer]
        self.asked.emit({"heads_off": tuple(sorted([*others, *((layer, head + 1) for head in off)]))})

    # -- showing
    def show_params(self, shown: Shown, params: ViTParams) -> None:
        self._shown, self._params = shown, params
        places = [shown.patch_of(token) for token in params.painted]
        self.paint.set_painted([place for place in places if place is not None])
        self.clear.setEnabled(bool(params.painted))
        self.heads.set_out(frozenset((layer - 1, head - 1) for layer, head in params.heads_off))
        if shown.info is not None:
            layer = shown.layer(params)
            self.heads.set_at((layer - 1, shown.head(params) - 1))
            off = [head - 1 for at, head in params.heads_off if at == layer and head <= shown.info.heads]
            self.chips.show_heads(shown.info.heads, off)
            self.chips.show()
        self._draw_scan()

    def show_answer(self, shown: Shown, params: ViTParams, event: Insight) -> None:
        assert isinstance(event, Ablation)
        assert shown.info is not None
        assert shown.grid is not None
        before, self._event = self._event, event
        left, top, right, bottom = shown.grid.rectangle
        self.paint.set_photo(shown.grid.photo)
        self.paint.set_grid(shown.grid.rows, shown.grid.cols, (left, top, right - left, bottom - top), False)
        self.picker.show_class(shown.info, event)
        self.form.set_shown("effect", event.target >= 0)
        if before is None or event.prediction is not before.prediction:
            self.prediction.say(event.prediction, shown)
        for one in (self._photo, self._scan):
            one.set_empty(None)
        self.show_params(shown, params)

    def _values(self, event: Ablation) -> np.ndarray:
        """Points of percent, or logits."""
        return np.asarray(event.logit if self._by_logit(event) else 100 * event.probability)

    def _by_logit(self, event: Ablation) -> bool:
        return self._params.effect == LOGIT and event.target >= 0

    def _draw_scan(self) -> None:
        event = self._event
        if event is None:
            return
        values = self._values(event)
        layers, heads = values.shape
        end = float(np.abs(values).max(initial=0.0)) or 1.0
        self.heads.set_table(values, end)
        self.heads.set_off(None if event.complete else ~event.done, "")
        self.heads.set_names([words.plain(str(i + 1)) for i in range(layers)],
                             [words.plain(str(i + 1)) for i in range(heads)])  # fmt: skip
        name = asked_about(event)
        what = "Logit of {name}" if self._by_logit(event) else "Points of {name}"
        self.bar.set_range(-end, end, name=Message(what if event.target >= 0 else "Cosine × 100", {"name": name}))
        tried = {"n": int(event.done.sum()), "count": event.done.size}
        words.say(self.progress, "setText",
                  Message("All {count} heads tried, each alone, in the untouched model.", tried) if event.complete
                  else Message("{n} of {count} heads tried", tried))  # fmt: skip
        self._pointed(None)

    def _pointed(self, cell: Cell | None) -> None:
        """Say what the head under the pointer does, else which head does most."""
        event = self._event
        if event is None:
            return
        values = self._values(event)
        self.bar.set_mark(self.heads.share_at(cell))
        if cell is not None and not event.done[cell]:
            words.say(self.said, "setText", "Not tried yet")
            return
        if cell is not None:
            words.say(self.said, "setText", self._head(cell, values))
            return
        if not event.done.any():
            words.say(self.said, "setText", words.plain(""))
            return
        low = np.unravel_index(int(np.where(event.done, values, np.inf).argmin()), values.shape)
        high = np.unravel_index(int(np.where(event.done, values, -np.inf).argmax()), values.shape)
        parts = {"low": self._head((int(low[0]), int(low[1])), values),
                 "high": self._head((int(high[0]), int(high[1])), values)}  # fmt: skip
        text = "Most needed: {low}. Most in the way: {high}." if values[high] > 0 else "Most needed: {low}."
        words.say(self.said, "setText", Message(text, parts))

    def _head(self, cell: Cell, values: np.ndarray) -> Message:
        value = words.number(float(values[cell]), 2, signed=True)
        return Message("L{layer} H{head} {value}", {"layer": cell[0] + 1, "head": cell[1] + 1, "value": value})

    def failed(self) -> None:
        if self._event is None:
            for one in (self._photo, self.prediction, self._scan):
                one.set_empty("Nothing to show yet.")
