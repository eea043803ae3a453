"""The three attentions of one layer and head side by side, with all layers and heads below each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSizePolicy

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.theme import S1
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.tokenmap import TokenMap
from app.widgets import col
from engines.core.errors import Message
from engines.transformer.spec import TransformerParams

Cell: TypeAlias = tuple[int, int]
KINDS = ("encoder", "decoder", "cross")
TITLES = {"encoder": "Encoder", "decoder": "Decoder, causal", "cross": "Cross-attention"}
NOTES = {"encoder": "source × source", "decoder": "target × target", "cross": "target × source"}
FILES = {"encoder": "encoder-self-attention", "decoder": "decoder-self-attention", "cross": "cross-attention"}
STRIPS = (44, 72, 84, 100)  #: px, the strip of all heads, by the number of layers


class Heads(Mosaic):
    """All heads, a row for each layer; a click chooses one."""

    def __init__(self, kind: str) -> None:
        super().__init__(captions=False, gap=4)
        self.setMinimumSize(90, STRIPS[0])
        self.setFixedHeight(STRIPS[1])
        self.export_name = f"{FILES[kind]}-heads"
        words.say(self, "setAccessibleName", "All layers and heads")

    def show_heads(self, weights: np.ndarray) -> None:
        """Weights (L, H, queries, keys)."""
        layers, heads = weights.shape[:2]
        self.setFixedHeight(STRIPS[min(layers, len(STRIPS)) - 1])
        self.set_columns(heads)
        self.set_maps(weights.reshape(layers * heads, *weights.shape[2:]), 1.0, 0.0)


class Maps(QObject):
    """Three cards.

    Signals
    -------
    chosen : int
        A target token, by its row.
    placed : (int, int)
        A layer and a head, both from 1.
    lit : int or None
        The target token that is pointed at.
    """

    chosen = Signal(int)
    placed = Signal(int, int)
    lit = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[str, np.ndarray] = {}
        self._tokens: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._token, self._layer, self._head = 0, 1, 1
        self._source_at = -1
        self._under: tuple[str, Cell] | None = None  # the cell that is pointed at, and in which map
        self._lit: int | None = None  # the target token that is pointed at, anywhere
        self.maps = {kind: TokenMap() for kind in KINDS}
        self.heads = {kind: Heads(kind) for kind in KINDS}
        self.bars = {kind: ColorBar(Message("Weight"), least=80) for kind in KINDS}
        self.cards: dict[str, Card] = {}
        for kind in KINDS:
            view = self.maps[kind]
            view.setMinimumSize(140, 120)
            view.export_name = FILES[kind]
            view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            foot = col(self.heads[kind], self.bars[kind], gap=S1)
            self.cards[kind] = card(TITLES[kind], view, NOTES[kind], foot=foot)
            self.heads[kind].chosen.connect(self._placed)
            view.hovered.connect(lambda cell, kind=kind: self._pointed(kind, cell))
            self.bars[kind].set_range(0, 1)
            self.bars[kind].drive(view, self.heads[kind])
        for kind in ("decoder", "cross"):
            self.maps[kind].clicked.connect(lambda cell: self.chosen.emit(cell[0]))
        self.maps["encoder"].clicked.connect(self._source_clicked)

    @property
    def views(self) -> tuple[PixelView, ...]:
        """What can be exported."""
        return *self.maps.values(), *self.heads.values(), *self.bars.values()

    @property
    def layer(self) -> int:
        """The layer that is shown, from 1."""
        return self._layer

    @property
    def chosen_head(self) -> int:
        """The head that is shown, from 1."""
        return self._head

    @property
    def layers(self) -> int:
        """Layers of what is shown."""
        return len(self.weights["encoder"]) if self.weights else 0

    @property
    def count(self) -> int:
        """Heads of what is shown."""
        return int(self.weights["encoder"].shape[1]) if self.weights else 0

    # -- content
    def show_weights(self, weights: dict[str, np.ndarray], source: Sequence[str], target: Sequence[str]) -> None:
        """Weights by kind (L, H, queries, keys), and the tokens of both sides."""
        named = (tuple(source), tuple(target))
        fresh = named != self._tokens
        self.weights, self._tokens = weights, named
        if fresh:
            self.maps["encoder"].set_tokens(source, source)
            self.maps["decoder"].set_tokens(target, target)
            self.maps["cross"].set_tokens(target, source)
            self._source_at = -1
            self._under = self._lit = None
        self._draw()
        self._mark()

    def look(self, layer: int, head: int, token: int) -> None:
        """Another layer, head (both from 1) or target token."""
        if (layer, head) != (self._layer, self._head):
            self._layer, self._head = layer, head
            self._draw()
        self._token = token
        self._mark()

    def _draw(self) -> None:
        for kind, every in self.weights.items():
            layer, head = min(self._layer, len(every)) - 1, min(self._head, every.shape[1]) - 1
            self.maps[kind].set_values(every[layer, head], 1.0, 0.0)
            self.heads[kind].show_heads(every)
            self.heads[kind].set_at(layer * every.shape[1] + head)
        if self._under is not None or self._lit is not None:  # new weights below a hand that rests
            self._show_pointed()

    def _placed(self, at: int) -> None:
        layer, head = divmod(at, self.count)
        self.placed.emit(layer + 1, head + 1)

    # -- the token that is looked at
    @property
    def token(self) -> int:
        """The row of the target that is marked."""
        return min(self._token, len(self._tokens[1]) - 1)

    def row(self, kind: str, token: int) -> np.ndarray:
        """Weights of a target token's row in the chosen layer and head."""
        every = self.weights[kind]
        row: np.ndarray = every[min(self._layer, len(every)) - 1, min(self._head, every.shape[1]) - 1, token]
        return row

    def _mark(self) -> None:
        if not self.weights:
            return
        at = self.token
        for kind in ("decoder", "cross"):
            self.maps[kind].set_at((at, -1))
        looked = int(self.row("cross", at).argmax()) if self._source_at < 0 else self._source_at
        self.maps["encoder"].set_at((looked, -1))
        for kind, row in (("encoder", looked), ("decoder", at), ("cross", at)):  # the same token in every head
            self.heads[kind].set_mark((row, int(self.row(kind, row).argmax())))

    def _source_clicked(self, cell: tuple[int, int]) -> None:
        """A source token by hand; the same again goes back to the one that the target token looks at."""
        self._source_at = -1 if cell[0] == self._source_at else cell[0]
        self._mark()

    def _pointed(self, kind: str, cell: Cell | None) -> None:
        self._under = None if cell is None else (kind, cell)
        token = cell[0] if cell is not None and kind != "encoder" else None
        self.light(token)
        self.lit.emit(token)

    def light(self, token: int | None) -> None:
        """Light up a target token's rows, in all maps."""
        self._lit = None if token is None or not self.weights or token >= len(self._tokens[1]) else token
        self._show_pointed()

    def _show_pointed(self) -> None:
        under, at = self._under, self._lit
        for kind, bar in self.bars.items():
            cell = under[1] if under is not None and under[0] == kind else None
            bar.set_mark(self.maps[kind].share_at(cell))
        for kind in ("decoder", "cross"):
            self.maps[kind].set_lit(None if at is None else (at, -1))
        self.maps["encoder"].set_lit(None if at is None else (int(self.row("cross", at).argmax()), -1))

    def clear_pin(self) -> bool:
        """Let a source token chosen by hand go; True if there was one."""
        had = self._source_at >= 0
        self._source_at = -1
        self._mark()
        return had


def show_place(form: ParamsForm, maps: Maps, params: TransformerParams) -> None:
    """Bring the controls of layer and head, and the maps, to what is looked at, within what the model has."""
    layers, heads = maps.layers or params.layer, maps.count or params.head
    form.set_limits("layer", 1, layers)
    form.set_limits("head", 1, heads)
    form.show_params(replace(params, layer=min(params.layer, layers), head=min(params.head, heads)))
    maps.look(params.layer, params.head, params.token)
