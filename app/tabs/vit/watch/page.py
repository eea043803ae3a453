"""The page "Watch": photo, heads of a layer, prediction, class token in all layers; all four marked alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app import words
from app.cards import Card
from app.guess import GuessFirst, pick_score
from app.rows import Rows
from app.shell import Shell
from app.tabs.vit.page import PhotoPage
from app.tabs.vit.photo import ALONE, BESIDE, cell_of
from app.tabs.vit.prediction import PredictionCard
from app.tabs.vit.shown import CLASS_TOKEN, ends_of
from app.tabs.vit.watch.answer import ShownAnswer
from app.tabs.vit.watch.cards import DIRECTIONS, ORDERS, ClassCard, HeadsCard, PhotoCard
from app.tabs.vit.watch.dock import WatchForm
from app.topic.feed import Feed
from app.topic.state import State
from app.views.guesssheet import ASKED, CellSheet
from app.views.photomap import CLASS_TOKEN as TOKEN_CELL
from app.views.photomap import Cell
from engines.blocks.backends import Computed
from engines.core.errors import Message
from engines.core.params import for_engine, part_of
from engines.core.protocol import Event
from engines.vit.events import ModelInfo, PhotoGrid, Prediction
from engines.vit.spec import ViTParams
from engines.vit.watch.spec import Answer, ClassTokenMaps, WatchParams

TASK = "Which patch does this token attend to most? Click it."
AT_ONCE = ("layer", "head", "pinned", "direction", "scale", "order", "overlay")  # shown before the engine answers
COLUMNS = (81, 51)  # widths of the photo's column and the one beside it
COLUMNS_WIDE = (40, 33, 33)  # of the three cards under a very wide picture
WIDE = 2.5  # width over height from which a picture is very wide


class WatchPage(PhotoPage):
    """Four cards and what they show."""

    title = "Watch"
    engine = "engines.vit.watch.engine:Engine"
    asks = WatchParams
    drawn_with = ("direction", "scale", "order")

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: ShownAnswer = ShownAnswer()
        self._hover: int | None = None  # token under the pointer on the photo
        self._wanted: WatchParams | None = None  # what the engine was asked with last
        self._asked_at: float | None = None
        self._wide: bool | None = None
        self._before = self.params  # what was last drawn
        self._drawn: tuple[ClassTokenMaps, str] | None = None  # what the class token's card shows, and its scale
        self._said: Prediction | None = None  # what the prediction's card shows
        self.photo, self.heads, self.classes = PhotoCard(), HeadsCard(), ClassCard()
        sheet = CellSheet(self.photo.view, self._patches, veil=lambda _painter: None)
        covers = self.heads.view, self.classes.view, self.photo.said
        self.guess = GuessFirst(self, sheet, TASK, self._judge, covers)
        self.guess.told.connect(self.tell)
        self.guess.phased.connect(lambda _phase: self._show_style(self.params))
        self.photo.guess_place.addWidget(self.guess.button)
        self.prediction = PredictionCard(shell.download)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.photo else "Waiting for the model")
        self.form = WatchForm(self.params)
        self._connect()
        self._rows = Rows((), (), aligned=True)
        self._arrange(wide=False)
        self.lay(self._rows, self.form)

    def waiting(self) -> Sequence[Card]:
        return self.photo, self.heads, self.prediction, self.classes

    def _arrange(self, wide: bool) -> None:
        """Two by two; under a very wide picture, which takes a row of its own, three side by side."""
        if wide == self._wide:
            return
        self._wide = wide
        self.prediction.note.setVisible(not wide)
        self.photo.view.least = ALONE if wide else BESIDE
        photo, *others = self.waiting()
        upper, lower, shares = ([photo], others, COLUMNS_WIDE) if wide else ([photo, others[0]], others[1:], COLUMNS)
        rows = [list(zip(cards, shares, strict=False)) for cards in (upper, lower)]
        self._rows.arrange(rows, (0, 1))

    def _connect(self) -> None:
        self.photo.view.hovered.connect(self._pointed)
        self.photo.view.clicked.connect(lambda cell: self.step(pinned=self._token(cell)))
        self.photo.direction.chosen.connect(lambda i: self.step(direction=DIRECTIONS[i]))
        self.heads.order.chosen.connect(lambda i: self.step(order=ORDERS[i]))
        self.heads.view.chosen.connect(lambda i: self.step(head=i + 1))
        self.heads.view.climbed.connect(lambda by: self.step(layer=self._layer_from(by)))
        self.heads.view.hovered.connect(self._mark)
        self.classes.view.chosen.connect(self._cell_chosen)
        self.classes.view.hovered.connect(self._class_pointed)
        self.classes.view.turned.connect(self._turned)
        self.prediction.columns.chosen.connect(lambda layer: self.step(layer=layer))
        self.form.heads.changed.connect(self._heads_switched)

    # -- the hand
    def _layer_from(self, by: int) -> int:
        """So many layers up, within the model."""
        layer, info = self.shown.layer(self.params) + by, self.shown.info
        return max(1, min(layer, info.layers if info is not None else layer))

    def _cell_chosen(self, index: int) -> None:
        layer, head = self.classes.view.place(index)
        self.step(layer=layer, head=head)

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        layer = self.shown.layer(self.params)
        others = [pair for pair in self.params.heads_off if pair[0] != layer]
        self.step(heads_off=tuple(sorted([*others, *((layer, head + 1) for head in off)])))

    def _token(self, cell: Cell | None) -> int | None:
        if cell is None:
            return None
        return CLASS_TOKEN if cell == TOKEN_CELL else self.shown.token_at(*cell)

    def _pointed(self, cell: Cell | None) -> None:
        """Show the row of the patch under the pointer; with Shift held the pinned row stays, to read its values."""
        reading = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._hover = None if reading else self._token(cell)
        self._draw_token()
        self._mark_cell(cell)
        asks = self._hover is not None and self.shown.head_rows(self._hover, self.params) is None
        if asks or self._hover is None:
            self.change(hovered=self._hover)

    def _mark(self, place: tuple[int, int, int] | None) -> None:
        """A patch is pointed at in a map of a mosaic: mark it everywhere."""
        cell = place[1:] if place is not None else None
        self.photo.view.set_hover(cell)
        self._mark_cell(cell)

    def _mark_cell(self, cell: Cell | None) -> None:
        self.photo.mark(cell)
        spot = cell or cell_of(self.shown, self.params.pinned)
        self.heads.view.set_mark(None if spot == TOKEN_CELL else spot)
        self.classes.view.set_mark(None if cell == TOKEN_CELL else cell)  # small maps: a pin would pass for a weight

    def _class_pointed(self, place: tuple[int, int, int] | None) -> None:
        self._mark(place)
        self.classes.describe(self.shown, None if place is None else place[0])

    # -- the contract
    def activated(self) -> None:
        self._wanted = self._question()

    def deactivated(self) -> None:
        super().deactivated()
        self._hover = None
        self.change(hovered=None)

    def ask(self, again: bool = False) -> None:
        wanted = self._question()
        if (again or wanted != self._wanted) and self.params.hovered is None:
            self._asked_at = time.perf_counter()
        self._wanted = wanted
        super().ask(again)

    def _question(self) -> WatchParams:
        """What the settings ask the engine."""
        return part_of(for_engine(self.params), WatchParams)

    def show_params(self, params: ViTParams) -> None:
        self._show_controls(params)
        before, self._before = self._before, params
        if before != params and before.hovered == params.hovered:
            self.guess.settings_changed()
        if any(getattr(before, name) != getattr(params, name) for name in AT_ONCE):
            self._draw_token()
            self._draw_classes()

    def _show_controls(self, params: ViTParams) -> None:
        shown = self.shown
        layer = shown.layer(params)
        if shown.info is not None:
            off = [head - 1 for at, head in params.heads_off if at == layer and head <= shown.info.heads]
            self.form.heads.show_heads(shown.info.heads, off)
        self.form.heads.setVisible(shown.info is not None)
        self.photo.direction.set_at(DIRECTIONS.index(params.direction))
        self.heads.order.set_at(ORDERS.index(params.order))
        self._show_style(params)
        self.prediction.columns.set_at(layer)

    # -- guessing
    def _patches(self) -> list[Cell]:
        grid = self.shown.grid
        return [] if grid is None else [(r, c) for r in range(grid.rows) for c in range(grid.cols)]

    def _show_style(self, params: ViTParams) -> None:
        """While the hand guesses, the photo is bare."""
        self.photo.show_style(replace(params, opacity=0.0, outline=0.0) if self.guess.phase == ASKED else params)

    def _judge(self) -> tuple[float, Message]:
        """How much weight the patch that was picked has in the map on the photo."""
        sheet = self.guess.sheet
        assert isinstance(sheet, CellSheet)
        values = self.photo.view.values()
        at = np.ravel_multi_index(sheet.picks[0], values.shape)
        score, rank = pick_score(values, int(at))
        best = np.unravel_index(int(values.argmax()), values.shape)
        told = {"rank": rank, "n": values.size, "row": int(best[0]) + 1, "col": int(best[1]) + 1}
        return score, Message("Your patch is number {rank} of {n}; the most has row {row}, column {col}.", told)

    def model_came(self, info: ModelInfo) -> None:
        self.form.show_model(info)
        self._show_controls(self.params)

    def on(self, event: Event) -> None:
        if isinstance(event, Computed):
            self.form.said.show_computed(event)
        else:
            super().on(event)

    def draw(self, event: Event) -> None:
        assert self.shown.grid is not None
        self._show_photo(self.shown.grid)
        if isinstance(event, Answer):
            self._show_answer(event)

    # -- drawing
    def _show_photo(self, grid: PhotoGrid) -> None:
        self.photo.show_grid(self.shown)
        self._arrange(grid.photo.shape[1] > WIDE * grid.photo.shape[0])

    def _show_answer(self, answer: Answer) -> None:
        """Draw what is new; objects of the answer before are on screen already."""
        if self._asked_at is not None:
            spent = 1000 * (time.perf_counter() - self._asked_at)
            self._asked_at = None
            self.tell(Message("Layer {n} in {ms} ms", {"n": answer.heads.layer, "ms": words.number(spent)}))
        self._draw_token()
        self._draw_classes()
        if answer.prediction is not self._said:
            self._said = answer.prediction
            self.prediction.show_prediction(answer.prediction, self.shown)

    def _draw_token(self) -> None:
        """Photo and heads: the token under the pointer, else the pinned one, else the class token."""
        shown, params = self.shown, self.params
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
        answer = self.shown.answer
        if answer is None:
            return
        drawn = answer.classes, self.params.scale
        if self._drawn is None or drawn[0] is not self._drawn[0] or drawn[1] != self._drawn[1]:
            self._drawn = drawn
            self.classes.show_maps(self.shown, self.params.scale)
        self.classes.show_at(self.shown, self.params)

    def _turned(self) -> None:
        self._drawn = None
        self._draw_classes()
