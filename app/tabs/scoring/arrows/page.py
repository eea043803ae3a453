"""The page "Arrows": a query arrow among key arrows in the plane, dragged by hand."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.plots.plane import Arrow, Plane
from app.sections import section
from app.shell import Shell
from app.tabs.scoring.arrows.tools import ArrowTools
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.scoring.arrows.spec import Pulled
from engines.scoring.spec import FUNCTIONS, REACH, Place, ScoringParams

LETTERS = ("A", "D", "S")  #: outputs of the functions that are not chosen
KEY_WIDTH = (1.5, 7.0)  #: px, of an arrow without weight and of one with all of it


class ArrowsPage(Page):
    """The cards of the page."""

    title = "Arrows"
    params_type = ScoringParams
    engine = "engines.scoring.arrows.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.plane = Plane(REACH)
        self.note = quiet("", wrap=True)
        self.bars = [Bars(pitch=34, least_name=24, widest="100.0 %", widest_note="−00.00") for _ in FUNCTIONS]
        self.cards: list[Card] = []
        self.notes: list[QLabel] = []
        for name, bars in zip(FUNCTIONS, self.bars, strict=True):
            bars.export_name = f"weights-{name.lower().replace(' ', '-')}"
            words.say(bars, "setAccessibleName", name)
            self.cards.append(card(name, bars))
        for index, bars in enumerate(self.bars):
            bars.clicked.connect(lambda _row, index=index: self.step(function=FUNCTIONS[index]))
        self.bar = ColorBar("", "ember", 150)
        self.bar.drive(self.plane)
        self.bar.hide()
        plane = card("Drag the tips", self.plane, tools=[self.bar], foot=self.note)
        self.seen: Pulled | None = None
        self.plane.moved.connect(self._moved)
        self.plane.chosen.connect(self._chosen)
        self.plane.settled.connect(lambda _index: self.settle())
        self.tools = ArrowTools(self.step)
        self.lay(
            box(row((plane, 2), (box(col(*((c, 1) for c in self.cards), gap=S3)), 1), gap=S3)),
            box(section("Keys", self.tools)),
            ParamsForm(self.params, ("function", "own_values", "field", "temperature", "hidden", "seed")),
        )

    # -- hand
    def _count(self) -> int:
        return len(self.params.arrow_keys)

    def _moved(self, index: int, x: float, y: float) -> None:
        params, count = self.params, self._count()
        kind, at = self._who(index)
        if kind == "query":
            self.change(arrow_query=(x, y))
        elif kind == "key":
            self.change(arrow_keys=put(params.arrow_keys, at, (x, y)))
        elif kind == "value" and at < count:
            self.change(arrow_values=put(params.arrow_values, at, (x, y)))

    def _chosen(self, index: int) -> None:
        kind, at = self._who(index)
        if index >= 0 and kind == "key":
            self.change(arrow_at=at)

    def _who(self, index: int) -> tuple[str, int]:
        """What an arrow of the plane is: keys first, then values, the query, outputs."""
        count = self._count()
        values = count if self.params.own_values else 0
        if index < count:
            return "key", index
        if index < count + values:
            return "value", index - count
        return ("query", 0) if index == count + values else ("output", index - count - values - 1)

    # -- showing
    def show_params(self, params: ScoringParams) -> None:
        self.tools.show_params(params)
        self._draw()  # the arrows; their weights follow with the engine's answer

    def on(self, event: Event) -> None:
        if isinstance(event, Pulled):
            self._show(event)

    def _show(self, seen: Pulled) -> None:
        """Draw weights and outputs."""
        self.seen = seen
        chosen = FUNCTIONS.index(self.params.function)
        for f, (bars, one) in enumerate(zip(self.bars, self.cards, strict=True)):
            bars.set_bars(
                [
                    Bar(f"k{n + 1}", ((float(weight), "cat0" if f == chosen else "cat2"),),
                        words.percent(float(weight)), words.number(float(score), 2))
                    for n, (weight, score) in enumerate(zip(seen.weights[f], seen.scores[f], strict=True))
                ],
                top=1.0,
            )  # fmt: skip
            one.set_note("{bits} bits", bits=words.number(float(seen.entropy[f]), 2))
        self.bar.setVisible(seen.field.size > 0)
        self.bar.set_range(0.0, 1.0, name=Message("weight of {key}", {"key": f"k{seen.at + 1}"}))
        self.plane.set_field(seen.field if seen.field.size else None)
        self._draw()

    def _draw(self) -> None:
        params: ScoringParams = self.params
        seen = self.seen
        chosen, count = FUNCTIONS.index(params.function), self._count()
        fits = seen is not None and len(seen.keys) == count
        weights = seen.weights[chosen] if fits and seen is not None else np.zeros(count)
        low, high = KEY_WIDTH
        arrows = [
            Arrow(x, y, f"k{n + 1}", words.percent(float(w)) if fits else "", "cat0", low + (high - low) * float(w))
            for n, ((x, y), w) in enumerate(zip(params.arrow_keys, weights, strict=True))
        ]
        if params.own_values:
            arrows += [
                Arrow(x, y, f"v{n + 1}", "", "cat4", 1.5, dashed=True, square=True)
                for n, (x, y) in enumerate(params.arrow_values[:count])
            ]
        arrows.append(Arrow(*params.arrow_query, "q", "", "accent", 3.0))
        if seen is not None:
            others = [f for f in range(len(FUNCTIONS)) if f != chosen]
            for f in others:
                x, y = (float(v) for v in seen.output[f])
                arrows.append(Arrow(x, y, LETTERS[f], "", "text2", grip=False, ring=True))
            x, y = (float(v) for v in seen.output[chosen])
            arrows.append(Arrow(x, y, words.tr("output"), "", "cat3", 3.0, grip=False))
            words.say(
                self.note,
                "setText",
                "Output of {name}: {x}, {y}. Rings: the outputs of the others, {first}, {second}.",
                name=Message(FUNCTIONS[chosen]),
                x=words.number(x, 2),
                y=words.number(y, 2),
                **dict(zip(("first", "second"), (LETTERS[f] for f in others), strict=True)),
            )
        self.plane.set_arrows(arrows)


def put(places: tuple[Place, ...], at: int, place: Place) -> tuple[Place, ...]:
    """A point moved."""
    return (*places[:at], place, *places[at + 1 :])
