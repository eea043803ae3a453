"""The page "Position bias": the tables of a block's heads, one of them in the hand, and what the model says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import Card, card
from app.controls import HeadChips
from app.predictioncard import PredictionCard
from app.shell import Shell
from app.tabs.swin.page import UNTOUCHED, ModelForm, PhotoPage
from app.tabs.swin.position_bias.table import BiasTable
from app.tabs.swin.scale import nice_end
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.grid import Pair
from app.views.mosaic import Mosaic
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.swin.asking import CHANGE, Cell, OfPhoto
from engines.swin.position_bias.spec import MOST, Tables
from engines.swin.spec import SwinParams

FIELDS = ("block", "head", "resolution", "bias", "scope", "temperature")


class PositionBiasPage(PhotoPage):
    """Three cards and what they show."""

    title = "Position bias"
    engine = "engines.swin.position_bias.engine:Engine"
    asks = OfPhoto

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: Tables | None = None
        self._from = 0.0  # what was added to the cell when the hand took hold of it
        self.all, self.table, self.prediction = Mosaic(), BiasTable(), PredictionCard("swin", shell.download, UNTOUCHED)
        words.say(self.all, "setAccessibleName", "Tables of the block")
        self.bar, self.table_bar = ColorBar(Message("Bias"), "diff"), ColorBar(Message("Bias"), "diff")
        self.bar.drive(self.all)
        self.table_bar.drive(self.table)
        self.said = quiet("Row: how far the query lies below its key; column: right of it. Framed: the token itself.",
                          wrap=True)  # fmt: skip
        self.all_card = card("Tables of the block", self.all, foot=self.bar)
        self.table_card = card("Table of the head", self.table, foot=col(self.said, self.table_bar))
        for one in self.waiting():
            one.set_empty("Waiting for the model")
        self.form = ModelForm(self.params, FIELDS)
        self.chips = HeadChips("Heads")
        self.form.add(CHANGE, self.chips)
        self.all.chosen.connect(lambda i: self.step(head=i + 1))
        self.table.pulled.connect(self._pulled)
        self.table.freed.connect(lambda cell: self.step(cells=self._without(cell)))
        self.table.settled.connect(self.settle)
        self.chips.changed.connect(self._heads_switched)
        right = col((self.table_card, 3), (self.prediction, 2), gap=S3)
        self.lay(box(row((self.all_card, 1), (right, 1), gap=S3)), self.form)

    def waiting(self) -> Sequence[Card]:
        return self.all_card, self.table_card, self.prediction

    # -- the hand
    def _row_of(self, cell: Pair) -> int:
        assert self.shown is not None
        side: int = self.shown.tables.shape[-1]
        return cell[0] * side + cell[1]

    def _is(self, one: Cell, cell: Pair) -> bool:
        assert self.shown is not None
        return one[:3] == (self.shown.block, self.shown.head, self._row_of(cell))

    def _without(self, cell: Pair) -> tuple[Cell, ...]:
        """All that is added, but for this cell."""
        return tuple(one for one in self.params.cells if not self._is(one, cell))

    def _pulled(self, cell: Pair, amount: float) -> None:
        if self.shown is None:
            return
        if not self.table.holds:
            self._from = sum(one[3] for one in self.params.cells if self._is(one, cell))
        value = min(MOST, max(-MOST, round(self._from + amount, 2)))
        others = self._without(cell)
        added: tuple[Cell, ...] = ((self.shown.block, self.shown.head, self._row_of(cell), value),) if value else ()
        self.change(cells=(*others, *added))

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        block = self.params.block
        others = [pair for pair in self.params.heads_off if pair[0] != block]
        self.step(heads_off=tuple(sorted([*others, *((block, head + 1) for head in off)])))

    # -- the contract
    def show_params(self, params: SwinParams) -> None:
        super().show_params(params)
        self.chips.setVisible(self.info is not None)
        if self.info is not None:
            heads = self.info.heads_of(min(params.block, self.info.blocks))
            off = [head - 1 for block, head in params.heads_off if block == params.block and head <= heads]
            self.chips.show_heads(heads, off)

    def draw(self, event: Event) -> None:
        if not isinstance(event, Tables):
            return
        self.shown = event
        tables, head = event.tables, event.head - 1
        end = nice_end(float(max(np.abs(tables).max(), np.abs(event.untouched).max())))
        self.all.set_maps(tables, end, -end, "diff")
        self.all.set_captions([Message("H{n}", {"n": i + 1}) for i in range(len(tables))])
        off = [h - 1 for block, h in self.params.heads_off if block == event.block and h <= len(tables)]
        self.all.set_off(off)
        self.all.set_at(head)
        self.bar.set_range(-end, end)
        self.table.set_table(tables[head], end)
        self.table_bar.set_range(-end, end)
        self.all_card.set_title("Tables of block {n}", n=event.block)
        self.table_card.set_title("Table of head {n}", n=event.head)
        moved = sum(one[:2] == (event.block, event.head) for one in self.params.cells)
        self.table_card.set_note("{n} cells pulled" if moved else "", n=moved)
        for one in self.waiting():
            one.set_empty(None)
        self.prediction.show_prediction(event.prediction, self.info)
