"""The page "Heads": two sentences in a trained model, one head as links and as a map, and all heads beside it."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QStackedWidget

from app import words
from app.cards import Card
from app.shell import Shell
from app.tabs.self_attention.heads.links import End, HeadLinks
from app.tabs.self_attention.language import LanguageForm, LanguagePage, short
from app.theme import S1, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import weight_percent
from app.views.scoregrid import ScoreGrid
from app.views.tokenmap import TokenMap
from app.widgets import box, col, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.self_attention.heads.spec import HeadsAnswer, HeadsParams
from engines.self_attention.language.spec import ABSOLUTE, DISTANCE, ENTROPY, MAPS, PARKED, PER_HEAD, LanguageParams

FIELDS = ("layer", "head", "part", "special", "temperature", "scope", "overview", "scale")
LEAST = 190  # px, of the map
UNITS = {ENTROPY: "bits", DISTANCE: "tokens", PARKED: "share"}


class AllHeads(Mosaic):
    """The maps of all heads, a row for each layer: arrows walk through heads and layers."""

    def __init__(self) -> None:
        super().__init__(columns=1, captions=False, headers=True, gap=4)
        self.export_name = "all-heads"
        self._said: list[Text] = []
        words.say(self, "setAccessibleName", "All heads")

    def set_said(self, said: list[Text]) -> None:
        """What there is to say of each map."""
        self._said = said

    def report(self) -> str:
        where = self._hover or ((self._at, -1, -1) if self._at >= 0 else None)
        if where is None or where[0] >= len(self._said):
            return ""
        told = words.drawn(self._said[where[0]])
        return told if where[1] < 0 else f"{told}; {self.written(self._value(where))}"


class HeadsPage(LanguagePage):
    """Three cards under the texts."""

    title = "Heads"
    engine = "engines.self_attention.heads.engine:Engine"
    asks = HeadsParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: HeadsAnswer | None = None
        self.links, self.links_bar = HeadLinks(), ColorBar(Message("Weight"))
        self.links_bar.drive(self.links)
        self.said, self.beyond = quiet("", wrap=True), quiet("", wrap=True)
        self.links_card = Card("Head", self.links, foot=col(self.links_bar, self.said, self.beyond, gap=S1))
        self.map, self.map_bar = TokenMap(), ColorBar(Message("Weight"))
        self.map.setMinimumHeight(LEAST)
        self.map_bar.drive(self.map)
        self.map_card = Card("Weights", self.map, "query: row, key: column", foot=self.map_bar)
        self.heads, self.heads_bar = AllHeads(), ColorBar("", least=80)
        self.heads_bar.drive(self.heads)
        self.table, self.table_bar = ScoreGrid("ember"), ColorBar("", least=80)
        self.table_bar.drive(self.table)
        words.say(self.table, "setAccessibleName", "All heads")
        self.overview = QStackedWidget()
        self.overview.addWidget(box(col((self.heads, 1), self.heads_bar, gap=S1)))
        self.overview.addWidget(box(col((self.table, 1), self.table_bar, gap=S1)))
        self.heads_card = Card("All heads", self.overview, "layer: row, head: column")
        self.form = self.wire(LanguageForm(self.params, FIELDS))
        self.await_all()
        self._connect()
        right = col((self.map_card, 8), (self.heads_card, 5), gap=S3)
        self.lay(box(col(self.framed(), (row((self.links_card, 5), (right, 6), gap=S3), 1), gap=S3)), self.form)

    def waiting(self) -> tuple[Card, ...]:
        return self.links_card, self.map_card, self.heads_card

    def _connect(self) -> None:
        self.links.hovered.connect(self._pointed)
        self.links.clicked.connect(self._pinned)
        self.map.hovered.connect(lambda cell: self._pointed(None if cell is None else (0, cell[0])))
        self.map.clicked.connect(lambda cell: self._pinned((0, cell[0])))
        self.heads.chosen.connect(self._choose_head)
        self.table.clicked.connect(lambda cell: self.step(layer=cell[0] + 1, head=cell[1] + 1))

    # -- the hand
    def _choose_head(self, index: int) -> None:
        if self.answer is not None:
            layer, head = divmod(index, self.answer.off.shape[1])
            self.step(layer=layer + 1, head=head + 1)

    def _pinned(self, end: End | None) -> None:
        """The token that stays marked: a query of the page "In numbers", too."""
        if self.answer is None:
            return
        if end is None:
            self.links.set_at(None)
        else:
            shown = self.answer.rows if end[0] == 0 else self.answer.cols
            self.links.set_at(end)
            self.change(**{("query", "key")[end[0]]: int(shown[end[1]])})
        self._pointed(None)

    def escape(self) -> None:
        self.links.set_at(None)
        self._pointed(None)

    def _pointed(self, end: End | None) -> None:
        """Light a token up in all views, and what was typed for it."""
        shown = self.answer
        if shown is None:
            return
        at = end if end is not None else self.links._at
        self.links.set_lit(end if self.sender() is not self.links else None)
        self.map.set_lit(None if at is None else (at[1], -1) if at[0] == 0 else (-1, at[1]))
        token = None if at is None else int((shown.rows if at[0] == 0 else shown.cols)[at[1]])
        self.texts.light(shown.text, token if end is not None else None)

    # -- drawing
    def show_params(self, params: LanguageParams) -> None:
        super().show_params(params)
        if self.answer is not None:
            self._show()

    def draw(self, event: Event) -> None:
        if isinstance(event, HeadsAnswer):
            self.answer = event
            for one in self.waiting():
                one.set_empty(None)
            self.texts.show_count(event.text)
            self._show()

    def _show(self) -> None:
        shown, params = self.answer, self.params
        assert shown is not None
        count = shown.off.shape[1]
        at = (shown.layer - 1) * count + shown.head - 1
        tops = ends_of(shown.maps, params.scale)
        part = shown.weights[shown.rows][:, shown.cols]
        queries, keys = ([shown.text.names[i] for i in side.tolist()] for side in (shown.rows, shown.cols))
        top = float(tops[at])
        self.links.set_links(queries, keys, part, top)
        self.map.set_values(part, top=top, low=0.0)
        self.map.set_tokens([short(name) for name in queries], [short(name) for name in keys])
        scale = Message({PER_HEAD: "Scale of this head", ABSOLUTE: "Weight"}.get(params.scale, "Shared scale"))
        for bar in (self.links_bar, self.map_bar, self.heads_bar):
            bar.set_range(0.0, top, name=scale)
        self.links_card.set_title("Layer {layer}, head {head}", layer=shown.layer, head=shown.head)
        self.links_card.set_note("query: left, key: right")
        self._show_all(shown, tops, at)
        self._say(shown)

    def _show_all(self, shown: HeadsAnswer, tops: np.ndarray, at: int) -> None:
        layers, count = shown.off.shape
        self.heads.set_columns(count)
        self.heads.set_maps(shown.maps, tops)
        self.heads.set_off([int(i) for i in np.flatnonzero(shown.off)])
        self.heads.set_at(at)
        self.heads.set_said([told(shown, *divmod(i, count)) for i in range(layers * count)])
        kind = self.params.overview
        self.overview.setCurrentIndex(int(kind != MAPS))
        note = Message("layer: row, head: column")
        if kind == MAPS and shown.block > 1:
            note = Message("1 pixel = the maximum of up to {n} × {n} weights", {"n": shown.block})
        self.heads_card.set_note(note)
        if kind == MAPS:
            return
        values = {ENTROPY: shown.entropy, DISTANCE: shown.distance, PARKED: shown.parked}[kind]
        self.table.set_table(values, 1.0 if kind == PARKED else float(values.max()))
        self.table.set_names([str(i + 1) for i in range(layers)], [str(i + 1) for i in range(count)])
        self.table.set_off(shown.off if shown.off.any() else None, words.tr("off"))
        self.table.set_at((at // count, at % count))
        self.table_bar.set_range(0.0, float(self.table.numbers()["scale"][1]), name=Message(UNITS[kind]))

    def _say(self, shown: HeadsAnswer) -> None:
        """The measures of the head, and what its map does not show."""
        layer, head = shown.layer - 1, shown.head - 1
        words.say(self.said, "setText", told(shown, layer, head))
        parked = float(shown.parked[layer, head])
        if parked > 0:
            values = {"share": weight_percent(parked), "real": weight_percent(shown.carried)}
            text = (
                "A map shows where a head looks, not what it adds: {share} of the attention falls on special tokens, "
                "but {real} of what is added, by length. (Kobayashi 2020)"
            )
        else:
            values = {"share": weight_percent(float(shown.weights.max(-1).mean()))}
            text = (
                "A map shows where a head looks, not what it does: a mean of {share} on the strongest key says nothing "
                "of what is read there. (Jain & Wallace 2019)"
            )
        words.say(self.beyond, "setText", Message(text, values))


def ends_of(maps: np.ndarray, scale: str) -> np.ndarray:
    """The upper end of each map's scale (n,), of maps (n, r, c)."""
    if scale == ABSOLUTE:
        return np.ones(len(maps), np.float32)
    each: np.ndarray = maps.max((1, 2))
    found: np.ndarray = np.maximum(each if scale == PER_HEAD else np.full_like(each, each.max()), 1e-6)
    return found


def told(shown: HeadsAnswer, layer: int, head: int) -> Message:
    """The measures of a head, counted from 0, in words."""
    values = {
        "layer": layer + 1,
        "head": head + 1,
        "bits": words.number(float(shown.entropy[layer, head]), 1),
        "far": words.number(float(shown.distance[layer, head]), 1),
        "share": weight_percent(float(shown.parked[layer, head])),
    }
    text = "Layer {layer}, head {head}: entropy {bits} bits, mean distance {far} tokens, {share} on special tokens"
    return Message(text, values)
