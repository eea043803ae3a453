"""The ViT tab: a photo whose patches look at each other, in every layer and head of a Vision Transformer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from app import choosers, words
from app.plots.surface import Surface
from app.tab import Dock, Page, TopicTab
from app.tabs.vit.cards import DIRECTIONS, ORDERS, ClassCard, HeadsCard, PhotoCard, PredictionCard, cell_of
from app.tabs.vit.dock import VitForm
from app.tabs.vit.intervene import IntervenePage
from app.tabs.vit.lens import LensPage
from app.tabs.vit.page import InsideForm
from app.tabs.vit.photo import ALONE, BESIDE
from app.tabs.vit.relevance import RelevancePage
from app.tabs.vit.scale import ScalePage
from app.tabs.vit.shown import CLASS_TOKEN, Shown, ends_of
from app.tabs.vit.steps import StepsPage
from app.theme import S3
from app.views.base import PixelView
from app.views.photomap import CLASS_TOKEN as TOKEN_CELL
from app.views.photomap import Cell
from app.widgets import box
from engines.core.errors import Message
from engines.core.params import Params, rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.vit import spec
from engines.vit.spec import WATCH, Answer, ClassTokenMaps, Insight, ModelInfo, PhotoGrid, ViTParams

AT_ONCE = ("layer", "head", "pinned", "direction", "scale", "order", "overlay")  # shown before the engine answers
COLUMNS = (81, 51, 0)  # widths of the photo's column and the one beside it
COLUMNS_WIDE = (40, 33, 33)  # of the three cards under a very wide picture
WIDE = 2.5  # width over height from which a picture is very wide


class VitTab(TopicTab):
    """Page "Watch": photo, heads of a layer, prediction, class token in all layers; all four marked alike.

    The pages that look inside stand in files of their own; each is told the frames that it takes.
    """

    params_type = ViTParams
    intervenes: ClassVar[tuple[str, ...]] = ("temperature", "scope", "heads_off", "painted")
    kept: ClassVar[tuple[str, ...]] = ("model", "study_folder", "study_seed")
    takes_pictures = takes_models = True
    params: ViTParams

    # -- building
    def build(self) -> Sequence[Page]:
        if not choosers.is_usable(self.params.model):
            self.params = replace(self.params, model="")  # the folder has gone
        self.shown_ = Shown()
        self._hover: int | None = None  # token under the pointer on the photo
        self._peeks = False  # the engine was last asked for a token that is not pinned
        self._again: tuple[float, float] | None = None  # place of the pin on the photo while the grid changes
        self._asked_at: float | None = None
        self._wide: bool | None = None
        self._before = self.params  # what was last drawn
        self._drawn: tuple[ClassTokenMaps, str] | None = None  # what the class token's card shows, and its scale
        self.photo, self.heads, self.prediction, self.classes = PhotoCard(), HeadsCard(), PredictionCard(), ClassCard()
        self._cards = self.photo, self.heads, self.prediction, self.classes
        for waiting in self._cards:
            waiting.set_empty("Reading model and photo" if waiting is self.photo else "Waiting for the model")
        self.form = VitForm(self.params)
        self._connect()
        self._grid = QGridLayout()
        self._grid.setSpacing(S3)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setRowStretch(1, 1)
        self._arrange(wide=False)
        centre = box(self._grid)
        self.inside = (RelevancePage(), IntervenePage(), StepsPage(), LensPage())
        for page in self.inside:
            page.asked.connect(lambda fields: self._step(**fields))
            page.painting.connect(lambda fields: self.change(**fields))
            page.settled.connect(self.history.seal)
        pages = [Page("Watch", centre, Dock(self.form)), *(page.page() for page in self.inside)]
        self._views: list[PixelView | Surface] = [
            *(view for page in pages for view in page.centre.findChildren(PixelView)),
            *(plot for page in pages for plot in page.centre.findChildren(Surface)),
        ]
        self.scale = ScalePage(self)
        return [*pages, Page("Scale study", self.scale.centre, self.scale.dock)]

    def _arrange(self, wide: bool) -> None:
        """Two by two; under a very wide picture, which takes a row of its own, three side by side."""
        if wide == self._wide:
            return
        self._wide = wide
        self.prediction.note.setVisible(not wide)
        self.photo.view.least = ALONE if wide else BESIDE
        places = ((0, 0, 1, 3), (1, 0), (1, 1), (1, 2)) if wide else ((0, 0), (0, 1), (1, 0), (1, 1))
        for one, place in zip(self._cards, places, strict=True):
            self._grid.addWidget(one, *place)
        for i, share in enumerate(COLUMNS_WIDE if wide else COLUMNS):
            self._grid.setColumnStretch(i, share)

    def _connect(self) -> None:
        self.photo.view.hovered.connect(self._pointed)
        self.photo.view.clicked.connect(self._pinned)
        self.photo.direction.chosen.connect(lambda i: self._step(direction=DIRECTIONS[i]))
        self.heads.order.chosen.connect(lambda i: self._step(order=ORDERS[i]))
        self.heads.view.chosen.connect(lambda i: self._step(head=i + 1))
        self.heads.view.climbed.connect(lambda by: self._step(layer=self._within(self.shown_.layer(self.params) + by)))
        self.heads.view.hovered.connect(self._mark)
        self.classes.view.chosen.connect(self._cell_chosen)
        self.classes.view.hovered.connect(self._class_pointed)
        self.classes.view.turned.connect(self._turned)
        self.prediction.columns.chosen.connect(lambda layer: self._step(layer=layer))
        self.form.heads.changed.connect(self._heads_switched)

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    # -- the hand
    def _step(self, **fields: Any) -> None:
        """A change that is an undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _within(self, layer: int) -> int:
        return max(1, min(layer, self.shown_.info.layers if self.shown_.info is not None else layer))

    def _cell_chosen(self, index: int) -> None:
        layer, head = self.classes.view.place(index)
        self._step(layer=layer, head=head)

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        layer = self.shown_.layer(self.params)
        others = [pair for pair in self.params.heads_off if pair[0] != layer]
        self._step(heads_off=tuple(sorted([*others, *((layer, head + 1) for head in off)])))

    def _token(self, cell: Cell | None) -> int | None:
        if cell is None:
            return None
        return CLASS_TOKEN if cell == TOKEN_CELL else self.shown_.token_at(*cell)

    def _pinned(self, cell: Cell | None) -> None:
        self._step(pinned=self._token(cell))

    def _pointed(self, cell: Cell | None) -> None:
        """Show the row of the patch under the pointer; with Shift held the pinned row stays, to read its values."""
        reading = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._hover = None if reading else self._token(cell)
        self._draw_token()
        self._mark_cell(cell)
        if self._hover is not None and self.shown_.head_rows(self._hover, self.params) is None:
            self._peeks = True
            self.stream.request(replace(self.params, pinned=self._hover))
        elif self._hover is None and self._peeks:
            self._peeks = False
            self.stream.request(self.params)

    def _mark(self, place: tuple[int, int, int] | None) -> None:
        """A patch is pointed at in a map of a mosaic: mark it everywhere."""
        cell = place[1:] if place is not None else None
        self.photo.view.set_hover(cell)
        self._mark_cell(cell)

    def _mark_cell(self, cell: Cell | None) -> None:
        self.photo.mark(cell)
        spot = cell or cell_of(self.shown_, self.params.pinned)
        self.heads.view.set_mark(None if spot == TOKEN_CELL else spot)
        self.classes.view.set_mark(None if cell == TOKEN_CELL else cell)  # small maps: a pin would pass for a weight

    def _class_pointed(self, place: tuple[int, int, int] | None) -> None:
        self._mark(place)
        self.classes.describe(self.shown_, None if place is None else place[0])

    def escape(self) -> None:
        self._step(pinned=None)

    # -- settings
    def change(self, undoable: bool = True, **fields: Any) -> None:
        if fields.get("resolution", self.params.resolution) != self.params.resolution and "pinned" not in fields:
            self._again = self._place_of_pin() or self._again
            fields["pinned"] = None  # tokens of the new grid are others; the pin comes back where it was
            fields["painted"] = ()
        super().change(undoable, **fields)

    def set_device(self, device: str) -> None:
        super().set_device(device)
        self.scale.training.set_device(device)

    def _place_of_pin(self) -> tuple[float, float] | None:
        cell = self.shown_.patch_of(self.params.pinned or CLASS_TOKEN)
        rows, cols = self.shown_.shape
        return None if cell is None else ((cell[0] + 0.5) / rows, (cell[1] + 0.5) / cols)

    def _use(self, params: Params) -> None:
        assert isinstance(params, ViTParams)
        old, new = self.params, self.shown_.fitting(params)
        if spec.same_computation(old, new) and not self.failed:
            self.params = new
            self.show_params()
            self.shell.settings.keep(self.topic.name, new, self.kept)
            return
        self._asked_at = time.perf_counter()
        self._peeks = False
        super()._use(new)

    def changes(self) -> int:
        params = self.params
        return (params.temperature != ViTParams.temperature) + len(params.heads_off) + bool(params.painted)

    def undo(self) -> None:
        """One step back; which page is open is no part of a step."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        if isinstance(params, ViTParams):
            self._use(replace(params, page=self.params.page))

    def show_page(self, index: int) -> None:
        super().show_page(index)
        names = (WATCH, *(page.name for page in self.inside))
        if index < len(names):  # a page with an engine of its own leaves this one where it is
            self.change(undoable=False, page=names[index])

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        self._again = None
        return {"picture": picture, "pinned": None, "painted": (), "target": -1}

    def model_chosen(self, source: str) -> dict[str, Any]:
        self._again = None
        return {"model": source, "pinned": None, "target": -1}

    def show_params(self) -> None:
        self._show_controls()
        for page in self.inside:
            page.show_params(self.shown_, self.params)
        self.scale.settings_changed()
        self._draw()

    def _show_controls(self) -> None:
        super().show_params()
        params, shown = self.params, self.shown_
        layer = shown.layer(params)
        if shown.info is not None:
            off = [head - 1 for at, head in params.heads_off if at == layer and head <= shown.info.heads]
            self.form.heads.show_heads(shown.info.heads, off)
        self.form.heads.setVisible(shown.info is not None)
        self.photo.direction.set_at(DIRECTIONS.index(params.direction))
        self.heads.order.set_at(ORDERS.index(params.order))
        self.photo.show_style(params)
        self.prediction.columns.set_at(layer)

    # -- drawing
    def on(self, event: Event) -> None:
        if isinstance(event, Ended) and event.error is not None:
            self._went_wrong(event)
        before, model = self.shown_.answer, self.shown_.info
        if not self.shown_.take(event):
            return
        if self.shown_.info is not None and self.shown_.info is not model:
            self._model_came(self.shown_.info)
        assert self.shown_.grid is not None
        self._photo_came(self.shown_.grid)
        if isinstance(event, Answer):
            self._answered(event, before)
        elif isinstance(event, Insight):
            self._told(event)

    def _told(self, event: Insight) -> None:
        """A page that looks inside was told something."""
        if self._asked_at is not None:
            self._asked_at = None
            self.tell(None)  # what was said of the page before
        for page in self.inside:
            if isinstance(event, page.takes):
                page.show_answer(self.shown_, self.params, event)
        self._export_settings()

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        info = self.shown_.info
        if self.shown_.grid is None:
            for waiting in self._cards:
                waiting.set_empty("Nothing to show yet.")
            for page in self.inside:
                page.failed()
        elif info is not None and self.params.model not in ("", info.source) and not ended.memory:
            self.params = replace(self.params, model=info.source)
            self.shell.settings.keep(self.topic.name, self.params, self.kept)

    def _answered(self, answer: Answer, before: Answer | None) -> None:
        """Draw what is new; objects of the answer before are on screen already."""
        if self._asked_at is not None:
            spent = 1000 * (time.perf_counter() - self._asked_at)
            self._asked_at = None
            self.tell(Message("Layer {n} in {ms} ms", {"n": answer.heads.layer, "ms": words.number(spent)}))
        self._draw_token()
        self._draw_classes()
        if before is None or answer.prediction is not before.prediction:
            self.prediction.show_prediction(self.shown_)
        self._export_settings()

    def _model_came(self, info: ModelInfo) -> None:
        self.form.show_model(info)
        for form in self.findChildren(InsideForm):
            form.show_model(info)
        self.model_button.show_model(info.source, info.title)
        self.params = self.shown_.fitting(self.params)
        self._show_controls()

    def _photo_came(self, grid: PhotoGrid) -> None:
        source = self.params.picture.source if self.params.picture is not None else ""
        self.picture_button.show_picture(grid.name, source)
        self.photo.show_grid(self.shown_)
        self._arrange(grid.photo.shape[1] > WIDE * grid.photo.shape[0])
        if self._again is not None and self.params.pinned is None and self.shown_.answer is not None:
            (down, across), self._again = self._again, None
            self.change(undoable=False, pinned=self.shown_.token_at(int(down * grid.rows), int(across * grid.cols)))

    def _draw(self) -> None:
        """After a change of the settings: what of it shows before the engine answers."""
        before, self._before = self._before, self.params
        if any(getattr(before, name) != getattr(self.params, name) for name in AT_ONCE):
            self._draw_token()
            self._draw_classes()
        self._export_settings()

    def _draw_token(self) -> None:
        """Photo and heads: the token under the pointer, else the pinned one, else the class token."""
        shown, params = self.shown_, self.params
        if shown.answer is None:
            return
        token = self._hover if self._hover is not None else params.pinned or CLASS_TOKEN
        rows, ends = shown.head_rows(token, params), None
        if rows is not None:
            maps = shown.on_patches(rows)
            ends = ends_of(maps, params.scale)
            self.heads.show_heads(shown, params, maps, ends)
        self.photo.show_map(shown, params, token, ends)
        pin = cell_of(shown, params.pinned)
        self.photo.view.set_pin(pin)
        if self._hover is None:
            self._mark_cell(None)

    def _draw_classes(self) -> None:
        answer = self.shown_.answer
        if answer is None:
            return
        drawn = answer.classes, self.params.scale
        if self._drawn is None or drawn[0] is not self._drawn[0] or drawn[1] != self._drawn[1]:
            self._drawn = drawn
            self.classes.show_maps(self.shown_, self.params.scale)
        self.classes.show_at(self.shown_, self.params)

    def _turned(self) -> None:
        self._drawn = None
        self._draw_classes()

    def _export_settings(self) -> None:
        """What made the pictures, for every file that is exported."""
        shown, params = self.shown_, self.params
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        made |= {name: getattr(params, name) for name in ("heads_off", "pinned", "painted", "target", "page")}
        if shown.info is not None:
            made["model"] = shown.info.source
        if shown.grid is not None:
            made["picture"] = shown.grid.name
        for view in self._views:
            view.settings = made

    # -- tools
    def takes_path(self, path: Path) -> bool:
        return self.page == len(self.inside) + 1 and self.scale.takes(path)

    def take_paths(self, paths: Sequence[Path]) -> None:
        self.scale.take_folder(paths[-1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.page != len(self.inside) + 1 or not self.scale.transport.take_key(event):
            super().keyPressEvent(event)

    def fit(self) -> None:
        for view in (*self._views, *self.scale.views):
            view.fit()
