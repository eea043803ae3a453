"""The page "Relevance" of DETR: what a query's class rests on, and what is left when places are painted away."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app import words
from app.cards import Card
from app.sections import section
from app.stream import Stream
from app.tab import Dock, Page, TopicTab
from app.tabs.detr.detect import centered, scale_top
from app.tabs.detr.names import class_name, scored
from app.tabs.detr.nested import NestedForm
from app.tabs.detr.pages import SidePage
from app.theme import S3, SMALL
from app.views.bars import Bars, probability
from app.views.base import PixelView
from app.views.boxes import Box, class_token, detection
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.paintmap import PaintMap
from app.widgets import box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.detr.paint import PAINT, InsideAsk, PaintParams, QueryRelevance
from engines.detr.spec import Detections, DetrParams, ModelInfo, PictureShown

MOST = 8  # objects whose scores are listed
OPACITY = 0.8


class RelevancePage(SidePage):
    """The picture to paint on, the picture with boxes and relevance, and the scores before and after."""

    def __init__(self, tab: TopicTab) -> None:
        super().__init__(tab)
        self.stream = _stream(tab, self)
        self.stream.arrived.connect(self._arrived)
        self.stream.busy.connect(lambda busy: None if busy else self.rested.emit())
        self.paint, self.photo, self.bars = PaintMap(), BoxView(), Bars(pitch=30, widest_note="+88.8")
        self.found: QueryRelevance | None = None
        self._model: tuple[ModelInfo, PictureShown, Detections] | None = None
        self._query = -1  # clicked here; −1: the tab's
        self._entries: list[int] = []  # the query of each box on the photo
        self._look: DetrParams | None = None  # the settings whose answer is on screen
        self._shown = False

    def page(self) -> Page:
        self.clear = button("Give all back", "reset", "boxed", "Take the paint away", px=SMALL,
                            clicked=lambda: self._step(painted=()))  # fmt: skip
        self.bar = ColorBar(Message("Share of the whole"), least=140)
        self.said = label("", SMALL, wrap=True)
        self._paint_card = Card("Paint places away", self.paint, "no keys any more", tools=[self.clear],
                                foot=quiet("Press and drag over the picture.", wrap=True))  # fmt: skip
        self._photo_card = Card("What a box rests on", self.photo, foot=row((self.said, 1), (self.bar, 0)))
        self._bars_card = Card("Scores", self.bars, "dashed: nothing painted")
        self._cards = self._paint_card, self._photo_card, self._bars_card
        words.say(self._photo_card.title, "setToolTip",
                  "Attention weighted by its gradient, through all layers. (Chefer, Gur & Wolf 2021)")  # fmt: skip
        words.say(self.paint, "setToolTip", "Press and drag. Painted patches are no keys any more: weight exactly 0.")
        words.say(self.photo, "setToolTip", "Click a box: the map shows which places its class rests on.")
        self.form = NestedForm(PaintParams(), ("decoder_too",))
        self.form.changed.connect(lambda name, value: self._step(**{name: value}))
        for one in self._cards:
            one.set_empty("The model has not answered yet.")
        self.paint.painted.connect(lambda cells: self._change(painted=cells))
        self.paint.settled.connect(self.tab.history.seal)
        self.photo.clicked.connect(self._clicked)
        self.photo.hovered.connect(lambda at: self.photo.set_hover(at))
        self.bars.clicked.connect(self._listed)
        pictures = row((self._paint_card, 1), (self._photo_card, 1), gap=S3)
        centre = box(col((pictures, 64), (self._bars_card, 36), gap=S3))
        note = quiet("Chefer's rules follow the gradient of the class's logit through cross-attention and both "
                     "self-attentions back to the places of the picture.", wrap=True)  # fmt: skip
        return Page(
            "Relevance", centre, Dock(box(section(PAINT, self.form)), box(section("Relevance", note)), resets=False)
        )

    # -- settings
    def _change(self, undoable: bool = True, **fields: Any) -> None:
        params: DetrParams = self.tab.params
        self.tab.change(undoable, paint=replace(params.paint, **fields))

    def _step(self, **fields: Any) -> None:
        self.tab.history.seal()
        self._change(**fields)
        self.tab.history.seal()

    def show_params(self, params: DetrParams) -> None:
        if not self._shown:
            return
        self.form.show_params(params.paint)
        self.clear.setEnabled(bool(params.paint.painted))
        self.paint.set_painted(params.paint.painted)
        if self._look is not None and replace(params, paint=self._look.paint) == self._look:
            self._look = params
            self._ask()  # anything else is answered by the model first

    def show_model(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        if self._model is None or self._model[1] is not shown:
            self.found = None
        if self._model is not None and self._model[0].source != info.source:
            self._query = -1  # it was another model's
        if self._model is None or self._model[2] is not found:
            self._model = (info, shown, found)
            if self._query >= len(found.scores):
                self._query = -1
        self._look = self.tab.params
        self._ask()

    def turned_to(self) -> None:
        self._shown = True
        self.show_params(self.tab.params)

    def left(self) -> None:
        self._shown = False

    def picture_chosen(self) -> None:
        self._query = -1

    def views(self) -> Sequence[PixelView]:
        return (self.paint, self.photo, self.bars)

    def reworded(self) -> None:
        if self.found is not None:
            self._draw(self.found)

    def escape(self) -> bool:
        had, self._query = self._query >= 0, -1
        if had:
            self._ask()
        return had

    # -- asking
    def _asked(self, found: Detections) -> int:
        return self._query if self._query >= 0 else found.query

    def _ask(self) -> None:
        """What is on screen in the tab, without the painted places."""
        if self._model is None or self._look is None or not self._shown:
            return
        found = self._model[2]
        query = self._asked(found)
        self.stream.request(InsideAsk(self._look, query, int(found.labels[query])))

    def _clicked(self, at: int | None) -> None:
        self._query = self._entries[at] if at is not None and at < len(self._entries) else -1
        self._ask()

    def _listed(self, at: int) -> None:
        if self._model is not None and at < len(listed := self._objects(self._model[2])):
            self._query = listed[at]
            self._ask()

    def _arrived(self, event: Event) -> None:
        if isinstance(event, QueryRelevance):
            self._draw(event)
            self.tab.answered.emit()
        elif isinstance(event, Ended) and event.error is not None:
            self.tab.complain(event.error)
            self.tab.shell.log(event)

    # -- drawing
    def _objects(self, found: Detections) -> list[int]:
        """The queries that are listed: what the model detects with nothing painted, best first, and the one asked."""
        passing = np.flatnonzero(found.passes)
        listed = passing[np.argsort(-found.scores[passing], kind="stable")].tolist()[:MOST]
        return listed if self._asked(found) in listed else [*listed[: MOST - 1], self._asked(found)]

    def _draw(self, event: QueryRelevance) -> None:
        if self._model is None:
            return
        info, shown, found = self._model
        if len(event.scores) != len(found.scores) or max(event.labels) >= len(info.labels):
            return  # of the model before, or of the next
        self.found = event
        for one in self._cards:
            one.set_empty(None)
        left, upper, right, lower = event.extent
        area = (left, upper, right - left, lower - upper)
        self.paint.set_photo(shown.rgb)
        self.paint.set_grid(*event.grid, area, False)
        self.photo.set_photo(shown.rgb)
        if event.relevance is not None:
            top, clipped = scale_top(event.relevance)
            self.photo.set_heat(event.relevance, top, area, OPACITY)
            self.bar.set_range(0, top, clipped)
        else:
            self.photo.set_cells(*event.grid, area)
        self._draw_boxes(info, shown, event)
        self._draw_bars(info, found, event)
        before, now = float(found.probabilities[event.query, event.label]), event.probability
        name = class_name(info.labels[event.label])
        values = {"n": event.query + 1, "name": name, "now": words.percent(now), "before": words.percent(before)}
        text = "Query {n}: {name} {now}, with nothing painted {before}" if event.painted else "Query {n}: {name} {now}"
        words.say(self.said, "setText", Message(text, values))
        self._paint_card.set_note("{n} of {count} places painted away", n=event.painted,
                                  count=event.grid[0] * event.grid[1])  # fmt: skip

    def _draw_boxes(self, info: ModelInfo, shown: PictureShown, event: QueryRelevance) -> None:
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float32)
        queries = np.flatnonzero(event.passes).tolist()
        if event.query not in queries:
            queries.append(event.query)
        boxes: list[Box] = []
        for query in queries:
            tag = scored(class_name(info.labels[event.labels[query]]), float(event.scores[query]))
            place = centered(event.boxes[query] / size)
            if event.passes[query]:
                boxes.append(detection(place, tag, int(event.labels[query])))
            else:
                boxes.append(Box(*place, tag=tag, token="text2", dashed=True))
        self._entries = queries
        self.photo.set_boxes(boxes)
        self.photo.set_at(queries.index(event.query))

    def _draw_bars(self, info: ModelInfo, found: Detections, event: QueryRelevance) -> None:
        rows = []
        for query in self._objects(found):
            name = class_name(info.labels[found.labels[query]])
            named = Message("{name}, query {n}", {"name": name, "n": query + 1})
            same = event.labels[query] == found.labels[query]
            now = float(event.scores[query]) if same else 0.0
            if query == event.query and event.label == found.labels[query]:
                now = event.probability
            token = class_token(int(found.labels[query]))
            rows.append(probability(named, now, float(found.scores[query]) if event.painted else None, token))
        self.bars.set_bars(rows, 1.0)
        count, total = int(event.passes.sum()), int(found.passes.sum())
        self._bars_card.set_note("{count} objects detected, {total} with nothing painted", count=count, total=total)


def _stream(tab: TopicTab, parent: Any) -> Stream:
    """A stream to an engine that shares the tab's own."""
    main = tab.stream.engine

    def make() -> Any:
        return importlib.import_module("engines.detr.inside_engine").InsideEngine(main())  # where torch may be imported

    return Stream(tab.shell.lane, make, parent=parent)
