"""The DETR tab: boxes as a set, what each object query looks at, and a scene to play with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import choosers
from app.params_form import ParamsForm
from app.sections import section
from app.tab import Dock, Page, TopicTab
from app.tabs.detr import remembered
from app.tabs.detr.crowd import CrowdPage
from app.tabs.detr.detect import DetectPage, best_of
from app.tabs.detr.docks import SEEN, Interventions, ModelNote, fitted, heads_off
from app.tabs.detr.looking import Looking
from app.tabs.detr.matching import MatchingPage
from app.tabs.detr.pages import SidePage, export_settings, real_offer, use_real
from app.tabs.detr.relevance import RelevancePage
from app.tabs.detr.scene import ScenePage
from app.tabs.detr.train import TrainPage
from app.views.base import PixelView
from app.widgets import box
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.detr.spec import (
    BEST_REAL_CLASS,
    CROSS,
    DROP_NO_OBJECT,
    ENCODER_SELF,
    Detections,
    DetrParams,
    EncoderAttention,
    ModelInfo,
    PictureShown,
)

DETECT, SCENE = range(2)
SIDE_PAGES: tuple[type[SidePage], ...] = (MatchingPage, TrainPage, CrowdPage, RelevancePage)  # after these two


class DetrTab(TopicTab):
    """Pages "Detect" and "Scene editor" over one engine, the side pages beside them, and one set of settings."""

    params_type = DetrParams
    intervenes = ("temperature", "heads_off", "queries_off")
    kept = ("source",)
    takes_pictures = takes_models = True

    info: ModelInfo | None = None
    pictured: PictureShown | None = None
    found: Detections | None = None
    rows: EncoderAttention | None = None
    _of: Picture | None = None  # the photo that `pictured` shows
    _drawn: tuple[object, ...] = ()  # what the page on screen shows

    # -- building
    def build(self) -> Sequence[Page]:
        if not choosers.is_usable(self.params.source):
            self.params = replace(self.params, source=DetrParams().source)
        self.params = remembered.restored(self.shell.settings, self.topic.name, self.params)
        self.detect, self.scene = DetectPage(self.lower_threshold), ScenePage(self)
        defaults = DetrParams()
        self.form = ParamsForm(defaults, SEEN)
        self.scene_form = ParamsForm(defaults, ("threshold", "rule"))
        self.changing = Interventions(self.form, self._heads, self._all_on)
        self.note_on_model = ModelNote(self.get_real, real_offer(), self.stream)
        view = box(section("View", self.scene.seen))
        docks = (
            Dock(self.note_on_model, self.form),
            Dock(self.scene.shape_box(), self.scene_form, view),
        )
        self._connect_detect()
        self.looking = Looking(self)
        self.scene.edited.connect(lambda drawing: self.change(drawing=drawing))
        self.scene.photo_gone.connect(lambda drawing: self.change(drawing=drawing, picture=None))
        self.scene.sealed.connect(self.history.seal)
        self.side = [kind(self) for kind in SIDE_PAGES]
        for one in self.side:
            one.rested.connect(self.resume)
        return [
            Page("Detect", self.detect.centre, docks[DETECT]),
            Page("Scene editor", self.scene.centre, docks[SCENE]),
            *(one.page() for one in self.side),
        ]

    def side_page(self) -> SidePage | None:
        """The side page on screen."""
        return self.side[self.page - 2] if self.page > SCENE else None

    def choosers(self) -> Sequence[QWidget]:
        self._model, self._picture = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self._model, self._picture

    def _connect_detect(self) -> None:
        page = self.detect
        page.photo.clicked.connect(lambda at: self.look_at(page.query_of(at)))
        page.photo.hovered.connect(lambda at: page.light(page.query_of(at)))
        page.table.chosen.connect(self.look_at)
        page.table.hovered.connect(page.light)
        page.table.switched.connect(self.switch_query)
        page.matrix.chosen.connect(self.look_at)
        page.matrix.hovered.connect(page.light)
        page.maps.chosen.connect(self._map_chosen)
        page.film.chosen.connect(lambda layer: self._step(layer=layer + 1))

    # -- acts
    def look_at(self, query: int | None) -> None:
        """Look at a query; None goes back to the best one. Looking is no step to undo."""
        self.change(undoable=False, query=-1 if query is None else query)

    def switch_query(self, query: int, on: bool) -> None:
        """Switch a query on or off."""
        off = {*self.params.queries_off} - {query} if on else {*self.params.queries_off, query}
        self._step(queries_off=tuple(sorted(off)))

    def lower_threshold(self) -> None:
        """Let the best query pass: a lower threshold, and the other decode rule if "no object" beats it."""
        found = self.found
        if found is None:
            return
        best = best_of(found)
        score = float(found.scores[best])
        fields: dict[str, Any] = {"threshold": max(0.0, min(self.params.threshold, math.floor(100 * score) / 100))}
        if self.params.rule == DROP_NO_OBJECT and found.no_object[best] >= score:
            fields["rule"] = BEST_REAL_CLASS
        self._step(**fields)

    def get_real(self) -> None:
        """Use the real DETR."""
        use_real(self)

    def _step(self, **fields: Any) -> None:
        """An undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _heads(self, off: tuple[int, ...]) -> None:
        self._step(heads_off=heads_off(self.params, self._changed_layer(), off))

    def _all_on(self) -> None:
        self._step(queries_off=())

    def _map_chosen(self, index: int) -> None:
        heads = self.detect.heads
        self._step(layer=index // heads + 1, head=index % heads + 1)

    def escape(self) -> None:
        if (side := self.side_page()) is not None:
            side.escape()
        elif self.page == SCENE:
            self.scene.canvas.select(-1)
        elif not self.looking.let_go():
            self.look_at(None)

    # -- settings
    def undo(self) -> None:
        """One step back; where the pointer looks from, and the model, are no part of a step."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        if isinstance(params, DetrParams):
            now: DetrParams = self.params
            params = replace(params, pixel=now.pixel, query=now.query, source=now.source, weights=now.weights)
            self._use(params if self.info is None else fitted(params, self.info))

    def _use(self, params: Params) -> None:
        """The labs have an engine of their own: what only they need does not wake the model."""
        now: DetrParams = self.params
        assert isinstance(params, DetrParams)
        remembered.keep(self.shell.settings, self.topic.name, params, now)
        labs: dict[str, Any] = {name: getattr(now, name) for name in remembered.PAGES}
        if replace(params, **labs) == now:
            self.params = params
            for one in self.side:
                one.show_params(params)
            return
        super()._use(params)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (side := self.side_page()) is None or not side.take_key(event):
            super().keyPressEvent(event)

    def takes_path(self, path: Path) -> bool:
        return any(one.takes_path(path) for one in self.side)

    def take_paths(self, paths: Sequence[Path]) -> None:
        index = next(i for i, one in enumerate(self.side) if one.takes_path(paths[-1]))
        self.show_page(index + 2)
        self.side[index].take_paths(paths)

    def resume(self) -> None:
        """Go on with what a side page's request has displaced; called when that is served."""
        if self._cut and not self.stream.is_busy:
            self._cut = False
            self.ask(again=True)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        self._forget()
        for one in self.side:
            one.picture_chosen()
        return {
            "picture": picture,
            "query": -1,
            "pixel": None,
            "queries_off": (),
            "paint": replace(self.params.paint, painted=()),
        }

    def model_chosen(self, source: str) -> dict[str, Any]:
        self._forget()
        return {"source": source, "query": -1, "pixel": None, "paint": replace(self.params.paint, painted=())}

    def _forget(self) -> None:
        """Another picture or model: a pinned place and what is seen from it belong to the old one."""
        self.rows = None
        self.looking.forget()

    def show_params(self) -> None:
        super().show_params()
        params: DetrParams = self.params
        photo = params.picture
        self._picture.show_picture(photo.name if photo else "Drawn scene", photo.source if photo else "")
        if self._model.source != params.source:
            self._model.show_model(params.source)
        if self.pictured is None:  # torch is still being imported: the picture need not wait for it
            self.scene.show_drawing(params.drawing, params.picture)
            self.detect.show_picture(self.scene.rgb)
        elif self.page == SCENE:
            self.scene.show_drawing(params.drawing, params.picture)
        info = self.info
        queries = info.num_queries if info else 16
        self.changing.show_params(params, self._changed_layer(), self._heads_of(params.attention), queries)
        self._show_elsewhere()
        for one in self.side:
            one.show_params(params)
        self.draw_again()

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

    def _show_elsewhere(self) -> None:
        """A real model with a photo looks at no scene."""
        away = self.info is not None and not self.info.toy and self.params.picture is not None
        self.scene.show_elsewhere((lambda: self._step(picture=None)) if away else None)

    # -- events
    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                if event is not self.info:
                    self._model_known(event)
            case PictureShown():
                if event is not self.pictured:
                    self._picture_known(event)
            case Detections():
                self.found = event
                self.draw_again()
            case EncoderAttention():
                self.rows = event
                self.draw_again()
            case Ended() if event.error is not None and not event.memory:
                self._went_wrong()

    def _went_wrong(self) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        if self.info is not None and self.params.source != self.info.source:
            self.params = replace(self.params, source=self.info.source)
            self.shell.settings.keep(self.topic.name, self.params, self.kept)
            self.show_params()

    def _model_known(self, info: ModelInfo) -> None:
        old, self.info = self.info, info
        other = old is not None and replace(old, note=info.note, step=info.step) != info  # not a step of the same run
        if other:
            self.found = self.rows = None
            self.detect.forget()
        self.note_on_model.show_model(info)
        self.note_on_model.set_offer(real_offer())
        self._model.show_model(info.source, info.title)
        plain = DetrParams()
        layers, heads = max(info.encoder_layers, info.decoder_layers), max(info.encoder_heads, info.num_heads)
        self.form.set_limits("layer", 1, layers, min(layers, plain.layer))
        self.form.set_limits("head", 1, heads, plain.head)
        self.params = fitted(self.params, info)
        self.show_params()

    def _picture_known(self, shown: PictureShown) -> None:
        same = (
            self.pictured is not None and self.pictured.rgb.shape == shown.rgb.shape and self._of is self.params.picture
        )
        self.pictured, self._of = shown, self.params.picture
        if not same:  # boxes of a scene that is being dragged may stay until the new ones come
            self.found = None
            self.detect.forget()
        if self.page == DETECT:
            self.detect.show_picture(shown.rgb)

    def show_page(self, index: int) -> None:
        before = self.side_page()
        super().show_page(index)
        now = self.side_page()
        if before is not None and before is not now:
            before.left()
        if now is not None:
            now.turned_to()
        if self.page == SCENE:
            self.scene.show_drawing(self.params.drawing, self.params.picture)
        self.draw_again()

    def retranslated(self) -> None:
        """Some texts are made from numbers when an answer comes: make them anew."""
        self._drawn = ()
        for one in self.side:
            one.reworded()
        self.draw_again()

    def draw_again(self) -> None:
        """Draw the page on screen, as far as it shows something else than it should."""
        info, shown, found = self.info, self.pictured, self.found
        if info is None or shown is None or found is None or not hasattr(self, "_stack"):
            return
        params: DetrParams = self.params
        rows = self.rows if params.pixel is not None else None
        looks = (params.layer, params.head, params.opacity, params.heads_off, self.detect.look.at())
        wanted = (self.page, info, shown, found, rows, looks if self.page == DETECT else None)
        if len(wanted) == len(self._drawn) and all(a is b or (type(a) in (int, tuple) and a == b)
                                                   for a, b in zip(wanted, self._drawn, strict=True)):  # fmt: skip
            return
        fresh = len(self._drawn) < 4 or self._drawn[0] != self.page or self._drawn[3] is not found
        self._drawn = wanted
        self._remember(params)
        if (side := self.side_page()) is not None:
            side.show_model(info, shown, found)
            return
        if self.page == SCENE:
            self.scene.show_detections(info, shown, found)
            return
        if fresh:
            self.detect.set_waiting(False)
            self.detect.show_picture(shown.rgb)
            self.detect.show_detections(info, shown, found)
            self.detect.show_summary(info, found)
        off = {
            "cross": [self._map_of(one.layer, one.head, info.num_heads) for one in params.heads_off
                      if one.attention == CROSS],
            "encoder": [self._map_of(one.layer, one.head, info.encoder_heads) for one in params.heads_off
                        if one.attention == ENCODER_SELF],
        }  # fmt: skip
        self.detect.show_attention(params, found, rows, off, (params.layer - 1, params.head - 1))

    @staticmethod
    def _map_of(layer: int, head: int, heads: int) -> int:
        return layer * heads + head

    def _remember(self, params: DetrParams) -> None:
        settings = export_settings(params, self.info, self.found)
        page = self.detect
        painted: list[PixelView] = [page.photo, page.film, page.maps, page.matrix, *page.bars.values()]
        painted += [self.scene.canvas, self.scene.list, self.scene.film, self.scene.backgrounds]
        painted += [view for one in self.side for view in one.views()]
        page.table.settings = settings
        for view in painted:
            view.settings = settings
