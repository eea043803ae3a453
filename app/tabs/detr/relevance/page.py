"""The page "Relevance" of DETR: what a query's class rests on, and what is left when places are painted away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from app import words
from app.cards import Card
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.tabs.detr.boxes import centered, scale_top
from app.tabs.detr.model import with_model, with_picture
from app.tabs.detr.names import caption, class_name, exported, scored
from app.theme import S3, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bars, probability
from app.views.boxes import Box, class_token, detection
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.paintmap import PaintMap
from app.widgets import box, button, col, label, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.detr.relevance.spec import QueryRelevance, RelevanceParams
from engines.detr.spec import Detections, ModelInfo, PictureShown

MOST = 8  # objects whose scores are listed
OPACITY = 0.8


class RelevancePage(Page):
    """The picture to paint on, the picture with boxes and relevance, and the scores before and after."""

    title = "Relevance"
    params_type = RelevanceParams
    engine = "engines.detr.engine:Engine"
    takes_pictures = takes_models = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.pictured: PictureShown | None = None
        self.found: Detections | None = None  # with nothing masked
        self.explained: QueryRelevance | None = None
        self.entries: list[int] = []  # the query of each box on the photo
        self.paint, self.photo, self.bars = PaintMap(), BoxView(), Bars(pitch=30, widest_note="+88.8")
        self.clear = button("Unmask all", "reset", "boxed", "Clear the mask", px=SMALL,
                            clicked=lambda: self.step(masked_patches=()))  # fmt: skip
        self.bar = ColorBar(Message("Share of the total"), least=140)
        self.bar.drive(self.photo)
        self.verdict = label("", SMALL, wrap=True)
        self._paint_card = Card("Mask positions", self.paint, "no longer keys", tools=[self.clear],
                                foot=quiet("Press and drag over the picture.", wrap=True))  # fmt: skip
        self._photo_card = Card("Relevance of a detection", self.photo, foot=row((self.verdict, 1), (self.bar, 0)))
        self._bars_card = Card("Scores", self.bars, "dashed: nothing masked")
        self._cards = self._paint_card, self._photo_card, self._bars_card
        words.say(self._photo_card.title, "setToolTip",
                  "Attention weighted by its gradient, through all layers. (Chefer, Gur & Wolf 2021)")  # fmt: skip
        words.say(
            self.paint, "setToolTip", "Press and drag. Masked patches are no longer keys: their weight is exactly 0."
        )
        words.say(self.photo, "setToolTip", "Click a box: the map shows which positions its class score depends on.")
        for one in self._cards:
            one.set_empty("There is no result yet.")
        self.paint.painted.connect(lambda cells: self.change(masked_patches=cells))
        self.paint.settled.connect(self.settle)
        self.photo.clicked.connect(self._clicked)
        self.photo.hovered.connect(lambda at: self.photo.set_hover(at))
        self.bars.clicked.connect(self._listed)
        pictures = row((self._paint_card, 1), (self._photo_card, 1), gap=S3)
        note = quiet("Chefer's rules propagate the gradient of the class logit through cross-attention and both "
                     "self-attentions back to the positions of the picture.", wrap=True)  # fmt: skip
        self.lay(
            box(col((pictures, 64), (self._bars_card, 36), gap=S3)),
            ParamsForm(self.params, ("decoder_too",)),
            box(section("Relevance", note)),
            resets=False,
        )

    # -- the hand
    def _clicked(self, at: int | None) -> None:
        self.change(explained=self.entries[at] if at is not None and at < len(self.entries) else -1)

    def _listed(self, at: int) -> None:
        if self.found is not None and at < len(listed := self._objects(self.found)):
            self.change(explained=listed[at])

    # -- the contract
    def escape(self) -> None:
        self.change(explained=-1)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return with_picture(picture)

    def model_chosen(self, source: str) -> dict[str, Any]:
        return with_model(source)

    def exported(self) -> dict[str, object]:
        return exported(self.params, self.info, self.found)

    def caption(self) -> Iterable[Text]:
        return caption(self.params)

    def show_params(self, params: RelevanceParams) -> None:
        self.clear.setEnabled(bool(params.masked_patches))
        self.paint.set_painted(params.masked_patches)

    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                self.info = event
            case PictureShown():
                self.pictured, self.explained = event, None
            case Detections():
                self.found = event
            case QueryRelevance():
                self._draw(event)

    # -- drawing
    def _asked(self, found: Detections) -> int:
        explained: int = self.params.explained
        return explained if 0 <= explained < len(found.scores) else found.query

    def _objects(self, found: Detections) -> list[int]:
        """The queries that are listed: what the model detects with nothing painted, best first, and the one asked."""
        passing = np.flatnonzero(found.passes)
        listed = passing[np.argsort(-found.scores[passing], kind="stable")].tolist()[:MOST]
        return listed if self._asked(found) in listed else [*listed[: MOST - 1], self._asked(found)]

    def _draw(self, event: QueryRelevance) -> None:
        info, shown, found = self.info, self.pictured, self.found
        if info is None or shown is None or found is None:
            return
        if len(event.scores) != len(found.scores) or max(event.labels) >= len(info.labels):
            return  # of the model before, or of the next
        self.explained = event
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
        text = "Query {n}: {name} {now}, with nothing masked {before}" if event.masked else "Query {n}: {name} {now}"
        words.say(self.verdict, "setText", Message(text, values))
        self._paint_card.set_note("{n} of {count} positions masked", n=event.masked,
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
        self.entries = queries
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
            rows.append(probability(named, now, float(found.scores[query]) if event.masked else None, token))
        self.bars.set_bars(rows, 1.0)
        count, total = int(event.passes.sum()), int(found.passes.sum())
        self._bars_card.set_note(
            "{count} {count:object|objects} detected, {total} with nothing masked", count=count, total=total
        )
