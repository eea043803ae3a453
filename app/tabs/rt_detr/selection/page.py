"""The page "Selection": what every location says, which become queries, and if their score tells how good they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QGridLayout

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.plots.lines import Line
from app.plots.marks import Mark
from app.plots.scatterplot import ScatterPlot
from app.shell import Shell
from app.tabs.rt_detr.names import class_name, scored
from app.tabs.rt_detr.page import PicturePage
from app.tabs.rt_detr.selection.photo import ScoredPhoto
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.boxes import detection, truth
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.widgets import box, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.rt_detr.agreement import LEAST
from engines.rt_detr.events import ModelInfo
from engines.rt_detr.selection.spec import Layered, Selected, SelectionParams
from engines.rt_detr.spec import RtDetrParams

FIELDS = ("scene", "level", "threshold", "queries", "by_iou")


class SelectionPage(PicturePage):
    """Map of scores, score against IoU, boxes with so many queries, queries by level."""

    title = "Selection"
    params_type = RtDetrParams
    engine = "engines.rt_detr.selection.engine:Engine"
    asks = SelectionParams
    params: RtDetrParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Selected | None = None
        self.photo, self.found, self.plot = ScoredPhoto(), BoxView(), ScatterPlot(low=(150, 110))
        self.bars = Bars(pitch=40, widest="300", least=72)
        self.curve = ScatterPlot(low=(150, 110))
        self.bar = ColorBar(Message("Score"), least=84)
        self.bar.drive(self.photo)
        words.say(self.found, "setAccessibleName", "Boxes of the chosen")
        words.say(self.bars, "setAccessibleName", "Chosen by level")
        words.say(self.plot, "setAccessibleName", "Score against IoU")
        words.say(self.curve, "setAccessibleName", "AP50 against time")
        self.curve.export_name = "precision-against-time"
        self.plot.set_range((0.0, 1.0), (0.0, 1.05))  # room for the topmost number
        self._said, self._told, self._timed = quiet("", wrap=True), quiet("", wrap=True), quiet("", wrap=True)
        self._measured = quiet("", wrap=True)
        self.photo_card = card("Score of every location", self.photo, foot=row((self._said, 1), (self.bar, 0)))
        self.plot_card = card("Score against IoU", self.plot, foot=self._told)
        self.found_card = card("Boxes of the chosen", self.found, foot=self._timed)
        self.bars_card = card("Chosen by level", self.bars)
        self.curve_card = card("AP50 against time", self.curve, foot=self._measured)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.photo_card else "Waiting for the model")
        self.form = ParamsForm(self.params, FIELDS)
        self.bars.clicked.connect(lambda at: self.change(level=at + 1))
        grid = QGridLayout()
        grid.setSpacing(S3)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.photo_card, 0, 0, 1, 3)
        grid.addWidget(self.found_card, 0, 3, 1, 3)
        for index, one in enumerate((self.bars_card, self.plot_card, self.curve_card)):
            grid.addWidget(one, 1, 2 * index, 1, 2)
        for index, share in enumerate((3, 2)):
            grid.setRowStretch(index, share)
        for index in range(6):
            grid.setColumnStretch(index, 1)
        self.lay(box(grid), self.form)

    def waiting(self) -> Sequence[Card]:
        return self.photo_card, self.plot_card, self.found_card, self.bars_card, self.curve_card

    # -- the contract
    def model_known(self, info: ModelInfo) -> None:
        self.answer = None
        if not info.toy:
            self.curve_card.set_empty("Precision is measured on drawn scenes, which this model does not know.")
        self.form.set_limits("level", 1, info.levels)
        self.form.show_params(self.params)
        self.show_scene(self.form)

    def show_params(self, _params: RtDetrParams) -> None:
        self.show_scene(self.form)
        self._draw_map()
        self._draw_found()

    def draw(self, event: Event) -> None:
        if isinstance(event, Layered):
            self._draw_curve(event)
        if not isinstance(event, Selected) or self.info is None or self.shown is None:
            return
        self.answer = event
        for one in self.waiting():
            if one is not self.curve_card:
                one.set_empty(None)
        self.photo.set_photo(self.shown.rgb)
        self.found.set_photo(self.shown.rgb)
        self._draw_map()
        self._draw_found()
        self._draw_plot(event)

    # -- drawing
    def _draw_map(self) -> None:
        answer = self.answer
        if answer is None:
            return
        level = min(self.params.level, len(answer.shapes)) - 1
        sizes = [rows * columns for rows, columns in answer.shapes]
        first, (rows, columns) = sum(sizes[:level]), answer.shapes[level]
        here = slice(first, first + sizes[level])
        top = max(float(answer.scores.max()), 1e-6)
        self.photo.set_heat(answer.scores[here].reshape(rows, columns), top)
        self.bar.set_range(0, top, False)
        mine = answer.chosen[(answer.chosen >= first) & (answer.chosen < first + sizes[level])]
        self.photo.set_marks(answer.centers[mine], answer.centers[here][~answer.counts[here]], (rows, columns))
        self.photo_card.set_note("level {n}, {rows} × {columns}", n=level + 1, rows=rows, columns=columns)
        words.say(self._said, "setText", "{n} of {all} locations chosen; {none} {none:has|have} no anchor (hatched).",
                  n=len(answer.chosen), all=len(answer.scores), none=int((~answer.counts).sum()))  # fmt: skip
        ends = np.cumsum(sizes)
        of_level = np.bincount(np.searchsorted(ends, answer.chosen, side="right"), minlength=len(sizes))
        self.bars.set_bars(
            [
                Bar(Message("Level {n}", {"n": at + 1}), ((float(count), "accent"),), str(count))
                for at, count in enumerate(of_level.tolist())
            ],
            float(max(1, len(answer.chosen))),
        )

    def _draw_found(self) -> None:
        answer, info, shown = self.answer, self.info, self.shown
        if answer is None or info is None or shown is None:
            return
        boxes = [truth(one, class_name(info.labels[label])) for one, label in
                 zip(shown.true_boxes.tolist(), shown.true_labels.tolist(), strict=True)
                 if label < len(info.labels) and info.toy]  # fmt: skip
        passing = np.flatnonzero(answer.final_scores >= self.params.threshold)
        for query in passing[np.argsort(answer.final_scores[passing], kind="stable")].tolist():
            label = int(answer.final_labels[query])
            name = scored(class_name(info.labels[label]), float(answer.final_scores[query]))
            boxes.append(detection(answer.final_boxes[query].tolist(), name, label))
        self.found.set_boxes(boxes)
        self.found_card.set_note("green: objects" if info.toy else "")
        words.say(self._timed, "setText", "{n} {n:query|queries}: decoder in {ms} ms, {count} {count:box|boxes}.",
                  n=len(answer.chosen), ms=words.number(1000 * answer.seconds, 1), count=len(passing))  # fmt: skip

    def _draw_plot(self, answer: Selected) -> None:
        if not len(answer.ious):
            self.plot_card.set_empty("Of a photo nobody knows the true objects: there is no IoU to compare with.")
            return
        self.plot.set_points(answer.scores[answer.chosen], answer.ious)
        words.say(self._told, "setText", "Right: score of a chosen location; up: IoU of its box. Correlation {value}.",
                  value=words.number(answer.correlation, 2) if len(answer.ious) >= LEAST else "–")  # fmt: skip

    def _draw_curve(self, found: Layered) -> None:
        self.curve_card.set_empty(None)
        layers = len(found.ap50) - 2
        x, y = np.array(found.milliseconds), found.ap50.astype(float)
        every = Line(Message("by score"), x[:-1], y[:-1], token="accent")
        marks = [
            Mark(x[n], y[n], text=Message("encoder") if n == 0 else words.plain(str(n))) for n in range(layers + 1)
        ]
        marks.append(Mark(x[-1], y[-1], token="cat1", text=Message("true IoU")))
        self.curve.set_lines((every,), marks)
        words.say(self._measured, "setText",
                  "Up: AP50 on {n} of {all} drawn scenes after 0 to {layers} decoder layers; right: ms for a picture. "
                  "{queries} {queries:query|queries}.",
                  n=found.scenes, all=found.of, layers=layers, queries=found.queries)  # fmt: skip
