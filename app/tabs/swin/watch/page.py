"""The page "Watch": photo, heads of a block, one head in all blocks, prediction; all marked alike."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy

from app import words
from app.cards import Card
from app.controls import HeadChips
from app.predictioncard import PredictionCard
from app.rows import Rows
from app.shell import Shell
from app.tabs.swin.page import UNTOUCHED, ModelForm, PhotoPage
from app.tabs.swin.watch.cards import DIRECTIONS, BlocksCard, HeadsCard, PhotoCard, line_of
from app.topic.feed import Feed
from app.topic.state import State
from app.views.photomap import Cell
from app.widgets import MenuButton
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Event
from engines.swin.asking import CHANGE, DRAW
from engines.swin.events import Cut, Floats
from engines.swin.spec import SwinParams
from engines.swin.watch.spec import ATTENTION, OVERLAYS, RELEVANCE, Answer, WatchParams

FIELDS = ("block", "head", "resolution", "temperature", "bias", "scope", "masked", "mask_padding", "opacity", "windows",
          "torus", "scale")  # fmt: skip
COLUMNS = (81, 56)  # widths of the photo's column and the one beside it


class WatchPage(PhotoPage):
    """Four cards and what they show."""

    title = "Watch"
    engine = "engines.swin.watch.engine:Engine"
    asks = WatchParams
    drawn_with = ("direction",)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Answer | None = None
        self._hover: tuple[int, int] | None = None  # the patch under the pointer on the photo
        self._asked_at: float | None = None
        self.photo, self.heads, self.blocks = PhotoCard(), HeadsCard(), BlocksCard()
        self.prediction = PredictionCard("swin", shell.download, UNTOUCHED)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.photo else "Waiting for the model")
        self.form = ModelForm(self.params, FIELDS)
        self.chips = HeadChips("Heads")
        self.form.add(CHANGE, self.chips)
        self.overlay = MenuButton(OVERLAYS, prefix="Overlay: {value}", tip=rules(SwinParams)["overlay"].tip)
        self.overlay.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.form.add(DRAW, self.overlay, at=0)
        self._connect()
        rows = (self.photo, self.heads), (self.prediction, self.blocks)
        self.lay(Rows([list(zip(row, COLUMNS, strict=True)) for row in rows], (0, 1), aligned=True), self.form)

    def waiting(self) -> Sequence[Card]:
        return self.photo, self.heads, self.blocks, self.prediction

    def _connect(self) -> None:
        self.photo.view.hovered.connect(self._pointed)
        self.photo.view.clicked.connect(lambda cell: self.step(pinned=self._patch(cell)))
        self.photo.direction.chosen.connect(lambda i: self.step(direction=DIRECTIONS[i]))
        self.photo.paint.painted.connect(lambda cells: self.change(removed=cells))
        self.photo.paint.settled.connect(self.settle)
        self.prediction.bars.clicked.connect(self._asked_for)
        words.say(self.prediction.bars, "setToolTip", "Click a class to see what speaks for it.")
        self.heads.view.chosen.connect(lambda i: self.step(head=i + 1))
        self.heads.view.climbed.connect(lambda by: self.step(block=max(1, self.params.block + by)))
        self.heads.view.hovered.connect(self._marked)
        self.blocks.view.chosen.connect(lambda i: self.step(block=i + 1))
        self.chips.changed.connect(self._heads_switched)
        self.overlay.chosen.connect(lambda i: self.step(overlay=OVERLAYS[i]))

    # -- the hand
    def _patch(self, cell: Cell | None) -> tuple[int, int] | None:
        """The patch of the photo in the middle of a cell."""
        if cell is None or self.answer is None:
            return None
        if self.params.overlay != ATTENTION:
            return cell
        half = self._cut().scale // 2
        return cell[0] * self._cut().scale + half, cell[1] * self._cut().scale + half

    def _pointed(self, cell: Cell | None) -> None:
        """Show the row of the token under the pointer."""
        self._hover = self._patch(cell) if self.params.overlay == ATTENTION else None
        self._draw_token()
        self.photo.mark(cell)
        self.heads.view.set_mark(cell if self.params.overlay == ATTENTION else None)

    def _marked(self, place: tuple[int, int, int] | None) -> None:
        """A token is pointed at in a map of a head: mark it on the photo."""
        cell = place[1:] if place is not None else None
        if self.params.overlay == ATTENTION:
            self.photo.view.set_hover(cell)
            self.photo.mark(cell)
        self.heads.view.set_mark(cell)

    def _asked_for(self, row: int) -> None:
        """What speaks for the class of a bar."""
        labels = () if self.answer is None else self.answer.prediction.labels
        if self.info is not None and row < len(labels) and labels[row] in self.info.labels:  # not of a model before
            self.step(target=self.info.labels.index(labels[row]), overlay=RELEVANCE)

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        block = self.params.block
        others = [pair for pair in self.params.heads_off if pair[0] != block]
        self.step(heads_off=tuple(sorted([*others, *((block, head + 1) for head in off)])))

    # -- the contract
    def deactivated(self) -> None:
        super().deactivated()
        self._hover = None

    def ask(self, again: bool = False) -> None:
        self._asked_at = time.perf_counter()
        super().ask(again)

    def show_params(self, params: SwinParams) -> None:
        super().show_params(params)
        self.photo.show_style(params)
        self.overlay.set_at(OVERLAYS.index(params.overlay))
        self.chips.setVisible(self.info is not None)
        if self.info is not None:
            heads = self.info.heads_of(min(params.block, self.info.blocks))
            off = [head - 1 for block, head in params.heads_off if block == params.block and head <= heads]
            self.chips.show_heads(heads, off)
        self._draw_token()

    def draw(self, event: Event) -> None:
        if not isinstance(event, Answer) or self.grid is None:
            return
        self.answer = event
        if self._asked_at is not None:
            spent = 1000 * (time.perf_counter() - self._asked_at)
            self._asked_at = None
            self.tell(Message("Block {n} in {ms} ms", {"n": event.weights.block, "ms": words.number(spent)}))
        self.photo.show_photo(self.grid)
        self.prediction.show_prediction(event.prediction, self.info)
        self._draw_token()

    # -- drawing
    def _cut(self) -> Cut:
        assert self.answer is not None
        return self.answer.blocks.cuts[self.answer.weights.block - 1]

    def _draw_token(self) -> None:
        """Photo, heads and blocks: the place under the pointer, else the pinned one, else the middle."""
        answer, params, info = self.answer, self.params, self.info
        if answer is None or info is None or self.grid is None or len(answer.blocks.cuts) != info.blocks:
            return
        cut, first = self._cut(), answer.blocks.cuts[0]
        place = self._hover or params.pinned or (first.rows // 2, first.cols // 2)
        token = cut.token_at(place)
        maps: Floats = line_of(cut, answer.weights.weights, token, params)
        tops = self.heads.show_heads(answer, info, maps, params)
        self.blocks.show_blocks(answer.blocks, info, place, params)
        self.photo.show_cut(cut)
        pinned = params.pinned is not None and self._hover is None
        if answer.overlay is None or params.overlay == ATTENTION:
            self.photo.show_attention(maps[answer.head - 1], float(tops[answer.head - 1]), cut, token, pinned)
            pin = None if params.pinned is None else divmod(cut.token_at(params.pinned), cut.cols)
            self.photo.view.set_pin(pin)
        else:
            self.photo.show_overlay(answer.overlay, params.pinned is not None)
            self.photo.view.set_pin(params.pinned)
