"""The page "Intervene": mask patches, and see what each single head is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QMouseEvent, QPainter

from app import theme, words
from app.cards import Card
from app.controls import HeadChips
from app.sections import section
from app.shell import Shell
from app.steady import hold_lines
from app.tabs.vit.page import ModelForm, PhotoPage
from app.tabs.vit.picker import ClassPicker, asked_about
from app.tabs.vit.prediction import PredictionCard
from app.theme import S2, S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.base import outline, pen
from app.views.colorbar import ColorBar
from app.views.paintmap import PaintMap
from app.views.photomap import Cell
from app.views.scoregrid import ScoreGrid
from app.widgets import box, button, col, label, row
from engines.core.errors import Message
from engines.core.params import Choice, Params
from engines.core.protocol import Event
from engines.studies.spec import Kind, Preset
from engines.vit.ablation_study.study import KINDS, MODEL, Ablated
from engines.vit.asking import CHANGE
from engines.vit.intervene.spec import Ablation, AblationParams
from engines.vit.spec import LOGIT, ViTParams


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


class IntervenePage(PhotoPage):
    """Paint on the left with the prediction under it, the map of all heads on the right."""

    title = "Intervene"
    engine = "engines.vit.intervene.engine:Engine"
    asks = AblationParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.paint = PaintMap()
        self.prediction = PredictionCard(shell.download)
        self.heads = HeadGrid()
        self.bar = ColorBar("", "diff", least=160)
        self.bar.drive(self.heads)
        self.said, self.progress = label("", SMALL, wrap=True), label("", SMALL, kind="quiet", wrap=True)
        hold_lines(self.said, 2)
        self.clear = button("Unmask all", "reset", "boxed", "Unmask all", px=SMALL,
                            clicked=lambda: self.step(masked_patches=()))  # fmt: skip
        self.many = button("On a folder", "folder", "boxed", "The same on a folder of pictures, as a study", px=SMALL,
                           clicked=lambda: self.shell.studies.of_page(self))  # fmt: skip
        self._photo = Card("Mask patches", self.paint, "no token attends to them, in any layer",
                           tools=[self.clear])  # fmt: skip
        self._scan = Card(
            "Each head switched off", self.heads, "layers ↓  heads →", tools=[self.many],
            foot=col(self.bar, self.said, self.progress, gap=S2),
        )  # fmt: skip
        words.say(
            self.paint, "setToolTip", "Press and drag. Masked patches are no longer keys: their weight is exactly 0."
        )
        words.say(
            self.heads, "setToolTip",
            "The untouched model with only this head's output set to 0. Double-click or Enter switches the head "
            "off. (Michel 2019)",
        )  # fmt: skip
        left = col((self._photo, 60), (self.prediction, 40), gap=S3)
        self.picker = ClassPicker()
        self.chips = HeadChips("Heads")
        self.form = ModelForm(("layer", "head", "effect"))
        centre = box(row((left, 55), (self._scan, 45), gap=S3))
        self.lay(centre, self.picker, self.form, box(section(CHANGE, self.chips)))
        for one in self.waiting():
            one.set_empty("Waiting for the model")
        self.chips.hide()
        self.answer: Ablation | None = None
        self.paint.painted.connect(self._masked)
        self.paint.settled.connect(self.settle)
        self.picker.chosen.connect(lambda at: self.step(target=at))
        self.prediction.columns.chosen.connect(lambda layer: self.step(layer=layer))
        self.heads.clicked.connect(lambda cell: self.step(layer=cell[0] + 1, head=cell[1] + 1))
        self.heads.hovered.connect(self._pointed)
        self.heads.switched.connect(self._switched)
        self.chips.changed.connect(self._chipped)

    def waiting(self) -> Sequence[Card]:
        return self._photo, self.prediction, self._scan

    # -- on many pictures
    def studied(self) -> tuple[Kind, Params, int]:
        """One head or layer switched off for each run, on a folder of pictures."""
        (kind,) = KINDS
        info = self.shown.info
        return kind, Ablated(self.params.model or (info.source if info is not None else MODEL)), 0

    def presets(self) -> tuple[Preset, ...]:
        info = self.shown.info
        if info is None:
            return ()
        layers, heads = (tuple(range(1, n + 1)) for n in (info.layers, info.heads))
        return (
            Preset("Each layer switched off", (("layer", layers),)),
            Preset("Each head switched off", (("layer", layers), ("head", heads)), seeds=1),
        )

    def options(self) -> dict[str, Choice]:
        """Nothing beside what has a range."""
        return {}

    # -- hand
    def _masked(self, cells: tuple[Cell, ...]) -> None:
        self.change(masked_patches=tuple(self.shown.token_at(*cell) for cell in cells))

    def _switched(self, cell: Cell) -> None:
        pair = cell[0] + 1, cell[1] + 1
        self.step(heads_off=tuple(sorted(set(self.params.heads_off) ^ {pair})))

    def _chipped(self, off: tuple[int, ...]) -> None:
        layer = self.shown.layer(self.params)
        others = [pair for pair in self.params.heads_off if pair[0] != layer]
        self.step(heads_off=tuple(sorted([*others, *((layer, head + 1) for head in off)])))

    # -- showing
    def show_params(self, params: ViTParams) -> None:
        shown = self.shown
        places = [shown.patch_of(token) for token in params.masked_patches]
        self.paint.set_painted([place for place in places if place is not None])
        self.clear.setEnabled(bool(params.masked_patches))
        self.heads.set_out(frozenset((layer - 1, head - 1) for layer, head in params.heads_off))
        if shown.info is not None:
            layer = shown.layer(params)
            self.heads.set_at((layer - 1, shown.head(params) - 1))
            off = [head - 1 for at, head in params.heads_off if at == layer and head <= shown.info.heads]
            self.chips.show_heads(shown.info.heads, off)
            self.chips.show()
        self._draw_scan()

    def draw(self, event: Event) -> None:
        shown = self.shown
        if not isinstance(event, Ablation) or shown.info is None or shown.grid is None:
            return
        before, self.answer = self.answer, event
        left, top, right, bottom = shown.grid.rectangle
        self.paint.set_photo(shown.grid.photo)
        self.paint.set_grid(shown.grid.rows, shown.grid.cols, (left, top, right - left, bottom - top), False)
        self.picker.show_class(shown.info, event)
        self.form.set_shown("effect", event.target >= 0)
        if before is None or event.prediction is not before.prediction:
            self.prediction.show_prediction(event.prediction, shown)
        for one in (self._photo, self._scan):
            one.set_empty(None)
        self.show_params(self.params)

    def _values(self, event: Ablation) -> np.ndarray:
        """Points of percent, or logits."""
        return np.asarray(event.logit if self._by_logit(event) else 100 * event.probability)

    def _by_logit(self, event: Ablation) -> bool:
        return self.params.effect == LOGIT and event.target >= 0

    def _draw_scan(self) -> None:
        event = self.answer
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
        whole = "All {count} heads switched off one at a time in the untouched model."
        text = Message(whole if event.complete else "{n} of {count} heads measured", tried)
        words.say(self.progress, "setText", text)
        self._pointed(None)

    def _pointed(self, cell: Cell | None) -> None:
        """Say what the head under the pointer does, else which head does most."""
        event = self.answer
        if event is None:
            return
        values = self._values(event)
        self.bar.set_mark(self.heads.share_at(cell))
        if cell is not None and not event.done[cell]:
            words.say(self.said, "setText", "Not measured yet.")
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
        text = "Most important: {low}. Most harmful: {high}." if values[high] > 0 else "Most important: {low}."
        words.say(self.said, "setText", Message(text, parts))

    def _head(self, cell: Cell, values: np.ndarray) -> Message:
        value = words.number(float(values[cell]), 2, signed=True)
        return Message("L{layer} H{head} {value}", {"layer": cell[0] + 1, "head": cell[1] + 1, "value": value})
