"""The page of the topic "Mixing": two nets side by side, influence by distance, measures of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtWidgets import QGridLayout

from app import captions, words
from app.cards import Card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.tabs.mixing.cards import NetCards, about
from app.tabs.mixing.views import MeasureTable
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.photomap import CLASS_TOKEN, named
from app.widgets import box
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.mixing.spec import (
    DEEPEST,
    INFLUENCE,
    NOWHERE,
    ROLLOUT,
    AskedParams,
    Measures,
    Mixed,
    MixingParams,
    Net,
    Nets,
    Photo,
    Place,
    Side,
)

COLORS = ("cat0", "cat1")
COLUMNS, ROWS = (10, 10, 11), (5, 6)  # widths and heights of the cards


class MixingPage(Page):
    """Six cards and what they show."""

    title = "Matrix"
    params_type = MixingParams
    engine = "engines.mixing.engine:Engine"
    asks = AskedParams
    takes_pictures = takes_models = True
    params: MixingParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.asked: Nets | None = None  # those that were asked; they may yet be refused
        self.nets: Nets | None = None  # those on screen
        self.photo: Photo | None = None
        self.answer: Mixed | None = None
        self._hover: Place | None = None
        self._drawn: tuple[Mixed, object] | None = None  # what all but the rows was drawn of, and how
        self.left, self.right = NetCards(Message("Left net")), NetCards(Message("Right net"))
        self.curves = Curves((0, 100), (0, 20), widest="000")
        self.curves.export_name = "influence-by-distance"
        words.say(self.curves, "setToolTip", "Across: distance between tokens in % of the photo's side.")
        self.curves.pointed.connect(self._cursor)
        self.table = MeasureTable()
        words.say(
            self.table, "setToolTip",
            "Distance, band and entropy weigh other tokens by their influence. Distance is in % of the photo's side.",
        )  # fmt: skip
        self.curves_card = Card("Influence by distance", self.curves, foot=self.curves.key)
        self.table_card = Card("Measures", self.table)
        for one in self.cards():
            one.set_empty("Waiting for the models")
        for side in (self.left, self.right):
            side.setParent(self)
            side.pointed.connect(self._pointed)
            side.pinned.connect(lambda place: self.step(pinned=place))
        self.form = ParamsForm(self.params)
        grid = QGridLayout()
        grid.setSpacing(S3)
        grid.setContentsMargins(0, 0, 0, 0)
        for index, one in enumerate(self.cards()):
            grid.addWidget(one, index % 2, index // 2)
        for index, share in enumerate(COLUMNS):
            grid.setColumnStretch(index, share)
        for index, share in enumerate(ROWS):
            grid.setRowStretch(index, share)
        self.lay(box(grid), self.form, resets=False)

    def cards(self) -> tuple[Card, ...]:
        """The cards that wait for an answer."""
        nets = (self.left.photo_card, self.left.matrix_card, self.right.photo_card, self.right.matrix_card)
        return (*nets, self.curves_card, self.table_card)

    # -- the hand
    def _pointed(self, place: Place | None) -> None:
        """The row of the token under the pointer, in both nets: from the probes at once, then exactly."""
        self._hover = place
        if place == self.params.hovered:
            self._draw_rows()
        self.change(hovered=place)

    def _cursor(self, x: float | None) -> None:
        """The pointer on the curves; else the line stands where the band ends."""
        self.curves.set_cursor(100 * self.params.band if x is None else x)

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case Nets():
                self.asked = event
                self._show_limits(event)
            case Photo():
                self.photo = event
                for side in (self.left, self.right):
                    side.show_photo(event.photo)
            case Mixed():
                self.answer, self.nets = event, self.asked
                self._draw()
            case Ended() if event.error is not None:
                self._went_wrong(event)

    def show_params(self, params: MixingParams) -> None:
        self._draw()

    def retranslated(self) -> None:
        self._drawn = None
        super().retranslated()

    def _show_limits(self, nets: Nets) -> None:
        """The sliders end with the deeper net."""
        most = min(DEEPEST, max(net.blocks for net in nets))
        for name in ("first", "last"):
            self.form.set_limits(name, 1, most)

    def _went_wrong(self, ended: Ended) -> None:
        """A net that was refused is not asked again: the page goes on with those on screen."""
        nets = self.nets
        if nets is not None and not ended.misplaced:
            self.state.put(model=nets.left.source, other=nets.right.source)
        elif nets is None:
            for one in self.cards():
                one.set_empty("Nothing to show yet.")

    def picture_chosen(self, picture: Picture) -> dict[str, object]:
        return {"picture": picture, "pinned": None}

    def deactivated(self) -> None:
        self._hover = None
        self.change(hovered=None)

    def escape(self) -> None:
        self.step(pinned=None)

    def exported(self) -> dict[str, object]:
        params = self.params
        made: dict[str, object] = {name: getattr(params, name) for name in (*rules(params), "pinned")}
        if self.nets is not None:
            for prefix, net in (("", self.nets.left), ("other_", self.nets.right)):
                made |= {f"{prefix}model": net.source, f"{prefix}title": net.title, f"{prefix}sha256": net.sha256}
        if self.photo is not None:
            made["picture"] = self.photo.name
        return made

    def caption(self) -> Iterator[Text]:
        pinned = self.params.pinned
        if pinned is not None and self.answer is not None:
            grid = self.answer.left.matrix.before
            inner = grid.token_at(None if pinned == NOWHERE else pinned) - grid.prefix
            yield from captions.pinned(named(divmod(inner, grid.cols) if inner >= 0 else CLASS_TOKEN))

    # -- drawing
    def _parts(self) -> Iterator[tuple[NetCards, Net, Side]]:
        if self.answer is not None and self.nets is not None:
            sides = (self.answer.left, self.answer.right)
            yield from zip((self.left, self.right), self.nets, sides, strict=True)

    def _draw(self) -> None:
        params = self.params
        if self.answer is None or self.nets is None:
            return
        how = params.apart, params.curve, params.band
        if self._drawn is None or self._drawn[0] is not self.answer or self._drawn[1] != how:
            self._drawn = self.answer, how
            for cards, net, side in self._parts():
                cards.show_side(side, net, params)
            self._draw_curves()
            self._draw_table()
            for card in (self.curves_card, self.table_card):
                card.set_empty(None)
        self._draw_rows()

    def _draw_rows(self) -> None:
        for cards in (self.left, self.right):
            cards.show_row(self._hover or self.params.pinned, self.params.pinned, self.params)

    def _draw_curves(self) -> None:
        made, near = list[Curve](), self.params.curve == INFLUENCE
        for (_, net, side), token in zip(self._parts(), COLORS, strict=True):
            told = side.measures
            x, y = lines_of(told, near)
            made.append(Curve(words.known(net.title), x, y, token, dashed=token == COLORS[1], digits=0))
        self.curves_card.set_title("Influence by distance" if near else "Influence within a distance")
        self.curves.set_curves(made, 100)
        self._cursor(None)

    def _draw_table(self) -> None:
        parts = list(self._parts())
        told = [side.measures for _, _, side in parts]
        names = [words.known(net.title) for _, net, _ in parts]
        rollouts = any(one.attention == ROLLOUT for one in told)
        band = self.params.band
        lines: list[tuple[Message, Sequence[str]]] = [
            (Message("Itself over others"), [times(one.own_weighs) for one in told]),
            (Message("Exact zeros"), [words.number(one.zeros) for one in told]),
            (Message("Share of zeros"), [zeros_share(side) for _, _, side in parts]),
            (Message("Mean distance"), [words.percent(one.distance, 1) for one in told]),
            (Message("Within {band}", {"band": words.percent(band, 0)}), [within(one, band) for one in told]),
            (Message("Entropy, bits"), [words.number(one.entropy, 2) for one in told]),
            (Message("Correlation: rollout" if rollouts else "Correlation: attention"), [related(one) for one in told]),
            (Message("Error of an entry"), [about(side.matrix.error) for _, _, side in parts]),
        ]
        self.table.set_lines((names[0], names[1]), [(name, left, right) for name, (left, right) in lines])


def lines_of(told: Measures, near: bool) -> tuple[np.ndarray, np.ndarray]:
    """A curve in %, point by point, so that a cursor anywhere finds it: between rings straight, and shares as steps."""
    if not len(told.distances):
        return np.zeros(0), np.zeros(0)
    at = 100 * told.distances.astype(float)
    x = np.union1d(np.arange(np.ceil(at[0]), at[-1]), at)
    if near:
        return x, 100 * np.interp(x, at, told.influence)
    return x, np.array([100 * told.within_at(one / 100) for one in x])


def times(value: float) -> str:
    """How many times as much."""
    return f"× {words.number(value, 1 if value < 100 else 0)}" if value else "–"


def zeros_share(side: Side) -> str:
    """Share of a matrix that is exactly 0."""
    return words.percent(side.measures.zeros / np.size(side.matrix.values), 1)


def within(told: Measures, band: float) -> str:
    """Share of the influence within the band."""
    return words.percent(told.within_at(band), 1)


def related(told: Measures) -> str:
    """A correlation, where there is one."""
    return words.number(told.correlation, 2) if told.correlation >= -1 else "–"
