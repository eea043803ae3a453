"""The page "Relevance": four answers to which patches matter, and a test that tells how right they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QGridLayout

from app import words
from app.cards import Card
from app.legend import Swatch
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.shell import Shell
from app.steady import hold_lines
from app.tabs.vit.page import ModelForm, PhotoPage
from app.tabs.vit.photo import Photo
from app.tabs.vit.picker import ClassPicker, asked_about
from app.tabs.vit.shown import Shown, ends_of
from app.theme import S2, S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.photomap import Cell
from app.widgets import box, col, label, quiet, row, show_or_hide
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.vit.events import Floats
from engines.vit.relevance.spec import CHEFER, GRADIENT, METHODS, RAW, ROLLED, Relevance, RelevanceParams, area
from engines.vit.spec import SHARED, ViTParams

TOKENS = {RAW: "cat0", ROLLED: "cat1", GRADIENT: "cat5", CHEFER: "cat3"}
TIPS = {
    RAW: "Mean over the heads of one layer: where the class token attends there. Class-agnostic.",
    ROLLED: (
        "Attention multiplied through all layers, with the residual stream. Class-agnostic. (Abnar & Zuidema 2020)"
    ),
    GRADIENT: "Mean over heads of max(0, gradient × attention) in one layer: attention that raises the class score.",
    CHEFER: "R grows by A R in each layer, A the mean over heads of max(0, gradient × attention). (Chefer 2021)",
}
PLOTS = (
    ("Deletion", "Percent of the patches covered, most relevant first"),
    ("Insertion", "Percent of the patches uncovered, most relevant first"),
)
HOW = "Covered patches are filled with the mean color. Gray: the mean and range of five random orders. (Petsiuk 2018)"
SCORES = ("Deletion {value} ↓  random {random}", "Insertion {value} ↑  random {random}")
POINTS = ("{share} % covered: {value}", "{share} % uncovered: {value}")
SHORT = {RAW: "Raw", ROLLED: "Rollout", GRADIENT: "Grad × att.", CHEFER: "Chefer"}


class MethodCard(Card):
    """The photo with one method's map, and its two scores."""

    def __init__(self, method: str) -> None:
        self.view = Photo()
        self.view.setMinimumSize(160, 100)
        self.said = label("", SMALL), label("", SMALL)
        for one in self.said:
            words.say(
                one, "setToolTip",
                "Area under the curves at the right. Deletion: lower is better. Insertion: higher is better.",
            )  # fmt: skip
        self.foot = box(row(Swatch(TOKENS[method]), (col(*self.said, gap=0), 1), gap=S2))
        super().__init__(method, self.view, foot=self.foot, pad=(S3, S2, S3, S2))
        words.say(self.view, "setToolTip", TIPS[method])
        words.say(self.title, "setToolTip", TIPS[method])

    def show_photo(self, shown: Shown) -> None:
        """Another photo, or another grid on it."""
        grid = shown.grid
        assert grid is not None
        left, top, right, bottom = grid.rectangle
        self.view.set_photo(grid.photo)
        self.view.set_grid(grid.rows, grid.cols, (left, top, right - left, bottom - top), class_token=False)

    def show_scores(self, deletion: float | None, insertion: float | None, random: float) -> None:
        """Its scores beside those of random orders, once they are there."""
        known = deletion is not None and insertion is not None
        for one, text, value in zip(self.said, SCORES, (deletion, insertion), strict=True):
            values = {"value": words.number(value or 0.0, 2), "random": words.number(random, 2)}
            words.say(one, "setText", Message(text, values) if known else "Testing")

    def show_at(self, share: float, deletion: float | None, insertion: float | None) -> None:
        """Its two curves at a share of the patches, in percent."""
        for one, text, value in zip(self.said, POINTS, (deletion, insertion), strict=True):
            if value is not None:
                values = {"value": words.number(value, 2), "share": words.number(share)}
                words.say(one, "setText", Message(text, values))


class RelevancePage(PhotoPage):
    """Four photos, linked, and the two curves of each."""

    title = "Relevance"
    engine = "engines.vit.relevance.engine:Engine"
    asks = RelevanceParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.cards = {method: MethodCard(method) for method in METHODS}
        self.bar = ColorBar(Message("Share of the total"), least=160)
        self.bar.drive(*(one.view for one in self.cards.values()))
        self.picker = ClassPicker()
        self.form = ModelForm(("layer", "fusion", "discard", "start_layer", "opacity", "outline", "points"))
        self.deletion, self.insertion = Curves(), Curves()
        self.deletion.export_name, self.insertion.export_name = "deletion", "insertion"
        self._plots = self.deletion, self.insertion
        link(self._plots)
        self._plot_cards = [Card(title, plot, foot=quiet(text, wrap=True))
                            for (title, text), plot in zip(PLOTS, self._plots, strict=True)]  # fmt: skip
        for plot, one in zip(self._plots, self._plot_cards, strict=True):
            words.say(one.title, "setToolTip", HOW)
            plot.setMinimumSize(200, 110)
            plot.pointed.connect(self._cursor)
        self.verdict = label("", SMALL, wrap=True)
        hold_lines(self.verdict, 4)
        self._photos = QGridLayout()
        self._photos.setSpacing(S3)
        self._photos.setContentsMargins(0, 0, 0, 0)
        self._methods: tuple[str, ...] = ()
        self._arrange(METHODS)
        self._said = Card("Attention is not explanation", col(self.verdict, 1, gap=0), tools=[(self.bar, 0)])
        left = col((self._photos, 1), (self._said, 0), gap=S3)
        right = col(*((one, 1) for one in self._plot_cards), gap=S3)
        self.lay(box(row((left, 59), (right, 41), gap=S3)), self.picker, self.form)
        for one in self.cards.values():
            one.set_empty("Waiting for the model")
            one.view.hovered.connect(self._mark)
            one.view.clicked.connect(self._pinned)
        self.picker.chosen.connect(lambda at: self.step(target=at))
        self.answer: Relevance | None = None

    def _arrange(self, methods: tuple[str, ...]) -> None:
        """Two by two; the two that need no head one above the other."""
        if methods == self._methods:
            return
        self._methods = methods
        pairs = len(methods) > 2
        for i, (method, one) in enumerate(self.cards.items()):
            show_or_hide(one, method in methods)
            if method in methods:
                place = (i // 2, i % 2, 1, 1) if pairs else (i, 0, 1, 2)
                self._photos.addWidget(one, *place)
        for i in range(2):
            self._photos.setColumnStretch(i, 1)
            self._photos.setRowStretch(i, 1)

    def waiting(self) -> Sequence[Card]:
        return tuple(self.cards.values())

    # -- hand
    def _mark(self, cell: Cell | None) -> None:
        for one in self.cards.values():
            one.view.set_hover(cell)

    def _pinned(self, cell: Cell | None) -> None:
        for one in self.cards.values():
            one.view.set_pin(cell)

    def _cursor(self, x: float | None) -> None:
        for plot in self._plots:
            plot.set_cursor(x)
        event = self.answer
        if event is None:
            return
        if x is None:
            self._show_scores(event)
            return
        deletion, insertion = (plot.values_at(x)[1:] for plot in self._plots)  # the first curve is the random one
        for method, gone, there in zip(event.methods, deletion, insertion, strict=True):
            self.cards[method].show_at(x, gone, there)

    def _show_scores(self, event: Relevance) -> None:
        for at, method in enumerate(event.methods):
            deletion, insertion = float(event.deletion_scores[at]), float(event.insertion_scores[at])
            done = event.complete
            self.cards[method].show_scores(deletion if done else None, insertion if done else None, event.random_score)

    # -- showing
    def show_params(self, params: ViTParams) -> None:
        for one in self.cards.values():
            one.view.set_opacity(params.opacity)
            one.view.set_mass(params.outline)

    def draw(self, event: Event) -> None:
        shown = self.shown
        if not isinstance(event, Relevance) or shown.info is None:
            return
        before, self.answer = self.answer, event
        self.picker.show_class(shown.info, event)
        maps = dict(zip(event.methods, event.maps, strict=True))
        top, clipped = ends_of(event.maps, SHARED).at(0)
        self.bar.set_range(0, top, clipped)
        self._arrange(event.methods)
        for method in event.methods:
            one = self.cards[method]
            one.show_photo(shown)
            one.view.set_map(maps[method], top)
            one.set_empty(None)
            if method in (RAW, GRADIENT):
                one.set_note("layer {n}", n=event.layer)
            elif method == CHEFER:
                one.set_note("{name}", name=asked_about(event))
        self._show_scores(event)
        self._show_curves(event)
        if before is None or event.complete:
            self._say(event)

    def _show_curves(self, event: Relevance) -> None:
        x = 100 * event.removed
        gone = [self._random(x, event.random), *self._curves(x, event, event.deletion)]
        there = [self._random((100 - x)[::-1], event.random[:, ::-1]), *self._curves(x, event, event.insertion)]
        for plot, curves, one in zip(self._plots, (gone, there), self._plot_cards, strict=True):
            plot.set_curves(curves, 100)
            name = asked_about(event)
            one.set_note("probability of {name}" if event.target >= 0 else "cosine with the untouched class token",
                         name=name)  # fmt: skip

    @staticmethod
    def _random(x: Floats, random: Floats) -> Curve:
        """Mean of the random orders, with their spread."""
        if not random.shape[1]:
            return Curve(Message("Random"), x, np.zeros(0), "control", dashed=True)
        return Curve(Message("Random"), x, random.mean(0), "control", low=random.min(0), high=random.max(0),
                     dashed=True)  # fmt: skip

    @staticmethod
    def _curves(x: Floats, event: Relevance, values: Floats) -> Sequence[Curve]:
        return [Curve(Message(SHORT[m]), x, y, TOKENS[m]) for m, y in zip(event.methods, values, strict=True)]

    def _say(self, event: Relevance) -> None:
        """The sentence with the numbers: how much worse covering in a map's order is than in a random one."""
        if not event.complete:
            words.say(self.verdict, "setText", "Each map is tested: patches are covered and uncovered in its order.")
            return
        scores = dict(zip(event.methods, event.deletion_scores.tolist(), strict=True))
        spread = area(event.random, event.removed)
        values: dict[str, object] = {
            "random": words.number(event.random_score, 2),
            "low": words.number(float(spread.min()), 2),
            "high": words.number(float(spread.max()), 2),
            "raw": words.number(scores[RAW], 2),
            "name": asked_about(event),
        }
        best = min(scores, key=lambda method: scores[method])
        values |= {"best": Message(best), "least": words.number(scores[best], 2)}
        most = Message("Most faithful here: {best}, {least}.", values)
        chance = scores[RAW] >= float(spread.min())
        what = Message(
            "Covered in the order of raw attention, {name} keeps {raw} on average; in random orders {random} "
            "({low} to {high})."
            if event.target >= 0
            else "Covered in the order of raw attention, a cosine of {raw} is left on average; in random orders "
            "{random} ({low} to {high}).",
            values,
        )
        if event.target < 0:
            most = Message("{most} Gradient × attention and Chefer's relevance need a class, so a model with a head.",
                           {"most": most})  # fmt: skip
        so = Message("That is no better than chance." if chance else "Better than chance.", values)
        words.say(self.verdict, "setText", Message("{what} {so} {most}", {"what": what, "so": so, "most": most}))
