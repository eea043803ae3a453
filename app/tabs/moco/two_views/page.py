"""The page "Two views": an anchor, its views T₁ and T₂, the logits of the contrast, and InfoNCE in numbers."""

from __future__ import annotations

import math

import numpy as np

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.moco.classes import named
from app.tabs.moco.figures import Figures
from app.tabs.moco.pages import MocoPage
from app.tabs.moco.tex import INFO_NCE
from app.theme import FORMULA as LETTERS
from app.theme import S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.contrast import ContrastBars
from app.views.formula import FormulaView, Line
from app.views.tiles import Tile, Tiles
from app.widgets import MenuButton, WideButton, box, button, col, quiet, row
from app.words import Text, say
from engines.checkpoints.catalog import credited
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.moco.settings import PRESETS, STRENGTHS, VIEW_1, VIEW_2, preset, preset_of
from engines.moco.spec import BUNDLED, NAME, RANDOM, MocoParams
from engines.moco.two_views.spec import NotThere, ViewsFrame

OWN = "Custom"  # strengths that are none of the named ones
NAMED = (*PRESETS, OWN)
ONE, TWO = (tuple(f"{name}_{view}" for name in STRENGTHS) for view in (1, 2))
ROWS = (
    "similarity q · k⁺",
    "its logit l⁺",
    "log Σ exp l, of all",
    "InfoNCE = log Σ exp l − l⁺",
    "probability of k⁺",
    "negatives closer than k⁺",
    "InfoNCE at chance, ln(K + 1)",
)
LOSS = 3


class ViewsPage(MocoPage):
    """Views of the page."""

    title = "Two views"
    engine = "engines.moco.two_views.engine:Engine"
    takes_pictures = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._frame: ViewsFrame | None = None
        self.gallery = Tiles((300, 64), lines=0, gap=4, across=12)
        self.trio = Tiles((300, 120))
        self.bars = ContrastBars()
        self.hardest = Tiles((260, 120), gap=8, across=4)
        self.bar = ColorBar(Message("softmax weight"))
        self.bar.drive(self.bars)
        self.figures = Figures(ROWS, strong=(LOSS,))
        self.formula = FormulaView("InfoNCE", LETTERS, 56)
        self.formula.set_lines([Line(INFO_NCE)])
        self.again = button("Resample", "reset", "boxed", "Other random views of the same picture.")
        for view, name, file in (
            (self.gallery, "Pictures to choose from", "gallery"),
            (self.trio, "Anchor and its two views", "views"),
            (self.bars, "Logits", "logits"),
            (self.hardest, "Hardest negatives", "hardest-negatives"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        shown = col((self.trio, 1), self.gallery, gap=S2)
        self.views_card = card("Anchor and its two views", shown, tools=[self.again])
        self.loss_card = card("InfoNCE", box(col(self.formula, self.figures, 1, gap=S3)))
        self.said = quiet("", wrap=True)
        self.loss_card.layout().addWidget(self.said)  # type: ignore[union-attr]  # a card has a layout
        self.bars_card = card("Logits", self.bars, foot=self.bar)
        self.hard_card = card("Hardest negatives", self.hardest)
        upper = row((self.views_card, 5), (self.loss_card, 3), gap=S3)
        lower = row((self.bars_card, 5), (self.hard_card, 3), gap=S3)
        self.gallery.chosen.connect(lambda i: self.step(anchor=i, picture=None))
        self.again.clicked.connect(lambda _checked=False: self.step(draw=self.params.draw + 1))
        for waiting in self.cards:
            waiting.set_empty("Nothing to show yet.")
        self.lay(box(col((upper, 11), (lower, 10), gap=S3)), self._form())

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params, ("encoder", "temperature", *ONE, *TWO))
        self.strengths = MenuButton(NAMED, 0, "Views: {value}")
        say(self.strengths, "setAccessibleName", "Preset")
        say(self.strengths, "setToolTip", "Sets all ten sliders below. v2 adds blur. (Chen 2020, MoCo v2)")
        self.strengths.chosen.connect(lambda i: self._choose_strengths(NAMED[i]))
        form.add(VIEW_1, self.strengths, at=0)
        self.alike = WideButton("T₂ like T₁")
        self.alike.clicked.connect(lambda _checked=False: self._make_alike())
        form.add(VIEW_2, self.alike, at=0)
        return form

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.views_card, self.loss_card, self.bars_card, self.hard_card

    @property
    def views(self) -> tuple[PixelView, ...]:
        """All views that can be exported."""
        return self.gallery, self.trio, self.bars, self.hardest, self.bar

    # -- the hand
    def _choose_strengths(self, name: str) -> None:
        if name != OWN:
            self.step(**preset(name))

    def _make_alike(self) -> None:
        self.step(**{two: getattr(self.params, one) for one, two in zip(ONE, TWO, strict=True)})

    # -- the contract
    def show_params(self, params: MocoParams) -> None:
        self.strengths.set_at(NAMED.index(preset_of(params) or OWN))

    def on(self, event: Event) -> None:
        match event:
            case ViewsFrame():
                self._frame = event
                self.draw(event)
            case NotThere():
                for waiting in self.cards:
                    waiting.set_empty(event.reason)

    def exported(self) -> dict[str, object]:
        of_file = self._frame is not None and self._frame.source == BUNDLED
        return super().exported() | (credited(NAME) if of_file else {})

    # -- drawing
    def draw(self, frame: ViewsFrame) -> None:
        """Show an answer."""
        for ready in self.cards:
            ready.set_empty(None)
        self.gallery.set_tiles([Tile(rgb) for rgb in frame.gallery])
        own = self.params.picture is not None
        self.gallery.set_at(-1 if own else self.params.anchor % max(1, len(frame.gallery)))
        self.trio.set_tiles(
            [
                Tile(crisp(frame.anchor), Message("Anchor"), named(frame.label) if frame.label else ""),
                Tile(frame.view_q, Message("T₁, the query's view"), "", "accent"),
                Tile(frame.view_k, Message("T₂, the key's view"), words.number(frame.similarity, 3, True), "accent"),
            ]
        )
        self.views_card.set_note(Message("similarity {s}", {"s": words.number(frame.similarity, 3, True)}))
        order = np.argsort(-frame.cosines, kind="stable")
        temperature = frame.temperature
        logits = np.concatenate([[frame.similarity], frame.cosines[order]]) / temperature
        weights = np.concatenate([frame.weights[:1], frame.weights[1:][order]])
        self.bars.set_contrast(logits, weights, frame.ages[order], temperature)
        self.bar.set_range(0.0, float(frame.weights.max()))
        count = len(frame.cosines)
        self.bars_card.set_note(Message("1 positive, {k} negatives", {"k": words.number(count)}))
        self.hardest.set_tiles(
            [
                Tile(rgb, words.plain(words.number(frame.cosines[i], 3, True)), words.percent(frame.weights[1 + i]))
                for rgb, i in zip(frame.pictures, frame.hardest.tolist(), strict=True)
            ]
        )
        self.hard_card.set_note("most similar to the query")
        nearer = int((frame.cosines > frame.similarity).sum())
        self.figures.set_values(
            [
                words.number(frame.similarity, 3, True),
                words.number(frame.logit, 3, True),
                words.number(frame.rest, 3, True),
                words.number(frame.loss, 3),
                words.percent(float(frame.weights[0]), 2),
                f"{words.number(nearer)} / {words.number(count)}",
                words.number(math.log(count + 1), 3),
            ]
        )
        say(self.said, "setText", _source(frame))


def crisp(rgb: np.ndarray) -> np.ndarray:
    """The middle square of a picture."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def _source(frame: ViewsFrame) -> Text:
    """Whose similarities these are."""
    if frame.source == BUNDLED:
        return "Encoder: bundled, trained on CIFAR-10 without labels."
    if frame.source == RANDOM or frame.step < 0:
        return "Encoder: random weights. Train on the page Queue, then come back."
    return Message("Encoder: the run at step {n}, and its queue.", {"n": words.number(frame.step)})
