"""The page "Detect": all queries of a picture, what each attends to, and what can be changed in the model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal

from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.detr.boxes import best_of
from app.tabs.detr.detect.cards import DetectCards
from app.tabs.detr.detect.dock import SEEN, Interventions, ModelNote, heads_off
from app.tabs.detr.detect.folder import FolderDetection
from app.tabs.detr.detect.selection import Place
from app.tabs.detr.model import with_model, with_picture
from app.tabs.detr.names import caption, exported
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.words import Text
from engines.blocks.backends import Computed
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import (
    BEST_REAL_CLASS,
    CROSS,
    DROP_NO_OBJECT,
    ENCODER_SELF,
    SHOWN,
    Detections,
    DetrParams,
    EncoderAttention,
    ModelInfo,
    PictureShown,
)


class DetectPage(Page):
    """Cards and dock, and what the hand does on them.

    Signals
    -------
    real_wanted
        The real model shall be used.
    """

    title = "Detect"
    params_type = RelevanceParams
    engine = "engines.detr.engine:Engine"
    asks = DetrParams
    takes_pictures = takes_models = True

    real_wanted = Signal()

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.pictured: PictureShown | None = None
        self.found: Detections | None = None
        self.rows: EncoderAttention | None = None
        self._of: Picture | None = None  # the photo that `pictured` shows
        self._subject: tuple[object, ...] = ()  # picture and model that are looked at
        self._drawn: tuple[object, ...] = ()  # what is on screen
        self.cards = DetectCards(self.lower_threshold)
        self.folder = FolderDetection(self, lambda: self.params)
        self.note = ModelNote(self.real_wanted.emit, self.folder.button)
        self.form = ParamsForm(self.params, SEEN)
        self.changing = Interventions(self.form, self._switch_heads, lambda: self.step(queries_off=()))
        self._connect()
        self.lay(self.cards.centre, self.note, self.form)

    def _connect(self) -> None:
        cards = self.cards
        cards.photo.clicked.connect(lambda at: self.look_at(cards.query_of(at)))
        cards.photo.hovered.connect(lambda at: cards.light(cards.query_of(at)))
        cards.table.chosen.connect(self.look_at)
        cards.table.hovered.connect(cards.light)
        cards.table.switched.connect(self.switch_query)
        cards.matrix.clicked.connect(lambda cell: self.look_at(cell[0]))
        cards.matrix.hovered.connect(cards.light)
        cards.maps.chosen.connect(self._map_chosen)
        cards.film.chosen.connect(lambda layer: self.step(layer=layer + 1))
        cards.selection.moved.connect(self._look_from)

    # -- acts
    def look_at(self, query: int | None) -> None:
        """Look at a query; None goes back to the best one. Looking is no step to undo."""
        self.change(query=-1 if query is None else query)

    def switch_query(self, query: int, on: bool) -> None:
        """Switch a query on or off."""
        off = {*self.params.queries_off} - {query} if on else {*self.params.queries_off, query}
        self.step(queries_off=tuple(sorted(off)))

    def lower_threshold(self) -> None:
        """Let the best query pass: a lower threshold, and the other decode rule if "no object" beats it."""
        found = self.found
        if found is None:
            return
        best = best_of(found)
        score = float(found.scores[best])
        values: dict[str, Any] = {"threshold": max(0.0, min(self.params.threshold, math.floor(100 * score) / 100))}
        if self.params.rule == DROP_NO_OBJECT and found.no_object[best] >= score:
            values["rule"] = BEST_REAL_CLASS
        self.step(**values)

    def _switch_heads(self, off: tuple[int, ...]) -> None:
        self.step(heads_off=heads_off(self.params, self._changed_layer(), off))

    def _map_chosen(self, index: int) -> None:
        heads = self.cards.heads
        self.step(layer=index // heads + 1, head=index % heads + 1)

    def _look_from(self, place: Place | None) -> None:
        if self.pictured is None or self.found is None:
            return
        height, width = self.pictured.rgb.shape[:2]
        pixel = None if place is None else cell_center(place[0] * width, place[1] * height, self.found)
        self.change(pixel=pixel)
        self.draw()

    # -- the contract
    def escape(self) -> None:
        if not self.cards.selection.let_go():
            self.look_at(None)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return with_picture(picture)

    def model_chosen(self, source: str) -> dict[str, Any]:
        return with_model(source)

    def device_changed(self, device: str) -> None:
        self.folder.stream.device = device

    def exported(self) -> dict[str, object]:
        return exported(self.params, self.info, self.found)

    def caption(self) -> Iterable[Text]:
        return caption(self.params)

    def show_params(self, params: RelevanceParams) -> None:
        subject = (params.picture, params.source)
        if self._subject != subject:
            self._subject, self.rows = subject, None
            self.cards.selection.forget()
        if self.pictured is None:  # torch is still being imported: the picture need not wait for it
            self.cards.show_picture(params.scene(SHOWN)[0])
        queries = self.info.num_queries if self.info else 16
        self.changing.show_params(params, self._changed_layer(), self._heads_of(params.attention), queries)
        self.draw()

    def on(self, event: Event) -> None:
        match event:
            case ModelInfo() if event is not self.info:
                self._model_known(event)
            case PictureShown() if event is not self.pictured:
                self._picture_known(event)
            case Detections():
                self.found = event
                self.draw()
            case EncoderAttention():
                self.rows = event
                self.draw()
            case Computed():
                self.note.said.show_computed(event)

    def retranslated(self) -> None:
        self._drawn = ()
        super().retranslated()

    # -- what the model has
    def _heads_of(self, attention: str) -> int:
        if self.info is None:
            return 4
        return self.info.encoder_heads if attention == ENCODER_SELF else self.info.num_heads

    def _changed_layer(self) -> int:
        """The layer, from 0, whose heads the chips switch."""
        info, params = self.info, self.params
        if info is None:
            return int(params.layer) - 1
        layers = info.encoder_layers if params.attention == ENCODER_SELF else info.decoder_layers
        return int(min(params.layer, layers)) - 1

    def _model_known(self, info: ModelInfo) -> None:
        old, self.info = self.info, info
        if old is not None and replace(old, note=info.note, step=info.step) != info:  # not a step of the same run
            self.found = self.rows = None
            self.cards.forget()
        self.note.show_model(info)
        self.folder.show_model(info)
        layers, heads = max(info.encoder_layers, info.decoder_layers), max(info.encoder_heads, info.num_heads)
        self.form.set_limits("layer", 1, layers)
        self.form.set_limits("head", 1, heads)
        self.form.show_params(self.params)
        self.show_params(self.params)

    def _picture_known(self, shown: PictureShown) -> None:
        before, of = self.pictured, self.params.picture
        if before is None or before.rgb.shape != shown.rgb.shape or self._of is not of:
            self.found = None  # boxes of a scene that is being dragged may stay until the new ones come
            self.cards.forget()
        self.pictured, self._of = shown, of
        self.cards.show_picture(shown.rgb)

    # -- drawing
    def draw(self) -> None:
        """Draw what is shown, as far as it is something else than what is on screen."""
        info, shown, found = self.info, self.pictured, self.found
        if info is None or shown is None or found is None:
            return
        params: RelevanceParams = self.params
        rows = self.rows if params.pixel is not None else None
        seen = (params.layer, params.head, params.opacity, params.heads_off, self.cards.selection.at_places)
        wanted = (info, shown, found, rows, seen)
        if (
            len(self._drawn) == len(wanted)
            and seen == self._drawn[-1]
            and all(a is b for a, b in zip(wanted[:-1], self._drawn, strict=False))
        ):
            return
        fresh = not self._drawn or self._drawn[2] is not found
        self._drawn = wanted
        if fresh:
            height, width = shown.rgb.shape[:2]
            x0, y0, x1, y1 = found.boxes[found.query].tolist()
            self.cards.selection.aim((x0 + x1) / 2 / width, (y0 + y1) / 2 / height)
            self.cards.set_waiting(False)
            self.cards.show_picture(shown.rgb)
            self.cards.show_detections(info, shown, found)
            self.cards.show_summary(info, found)
        off = {
            "cross": [one.layer * info.num_heads + one.head for one in params.heads_off if one.attention == CROSS],
            "encoder": [
                one.layer * info.encoder_heads + one.head for one in params.heads_off if one.attention == ENCODER_SELF
            ],
        }
        self.cards.show_attention(params, found, rows, off, (params.layer - 1, params.head - 1))


def cell_center(x: float, y: float, found: Detections) -> tuple[float, float]:
    """The middle of the feature map's cell under a point: moving within a cell asks for nothing new."""
    left, top, right, bottom = found.extent
    rows, cols = found.cross.shape[-2:]
    wide, high = (right - left) / cols, (bottom - top) / rows
    col, row = math.floor((x - left) / wide), math.floor((y - top) / high)
    return left + (min(max(col, 0), cols - 1) + 0.5) * wide, top + (min(max(row, 0), rows - 1) + 0.5) * high
