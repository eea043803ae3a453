"""The page "Ablation": what switching each head off does to the similarity of two sentences, or to a word."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import Card
from app.shell import Shell
from app.tabs.self_attention.language import LanguageForm, LanguagePage
from app.theme import BODY, S1, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.self_attention.ablation.spec import SIMILARITY, AblationAnswer, AblationParams
from engines.self_attention.language.spec import LanguageParams

FIELDS = ("layer", "head", "effect", "temperature", "scope")
LARGEST = 12  #: heads in the list


class EffectMap(ScoreGrid):
    """Effects of heads in hundredths: a row for each layer."""

    def written(self, value: float) -> str:
        return words.number(value, 2, signed=True)


class AblationPage(LanguagePage):
    """A map of all heads, and those that count most."""

    title = "Ablation"
    engine = "engines.self_attention.ablation.engine:Engine"
    asks = AblationParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: AblationAnswer | None = None
        self.map, self.map_bar = EffectMap("diff", (64, 64)), ColorBar(Message("Effect × 100"), "diff")
        self.map.export_name = "ablation-map"
        self.map_bar.drive(self.map)
        self.beyond = label("", BODY, wrap=True)
        self.map_card = Card("Each head switched off", self.map, "layer: row, head: column",
                             foot=col(self.map_bar, self.beyond, gap=S1))  # fmt: skip
        self.bars = Bars(pitch=32, widest="+0.0000", least=200)
        self.bars.export_name = "largest-effects"
        self.said = quiet("", wrap=True)
        self.bars_card = Card("Largest effects", self.bars, foot=self.said)
        self.form = self.wire(LanguageForm(self.params, FIELDS))
        self.await_all()
        self.map.clicked.connect(lambda cell: self.step(layer=cell[0] + 1, head=cell[1] + 1))
        self.map.hovered.connect(lambda cell: self.map_bar.set_mark(self.map.share_at(cell)))
        self.bars.clicked.connect(self._choose)
        self.lay(box(col(self.framed(), (row((self.map_card, 5), (self.bars_card, 4), gap=S3), 1), gap=S3)), self.form)
        self._order: list[tuple[int, int]] = []

    def waiting(self) -> tuple[Card, ...]:
        return self.map_card, self.bars_card

    def problem_of(self, params: LanguageParams) -> Message | None:
        if params.effect == SIMILARITY and not (params.first.strip() and params.second.strip()):
            return Message("Type two sentences to compare.")
        return super().problem_of(params)

    def _choose(self, at: int) -> None:
        if at < len(self._order):
            layer, head = self._order[at]
            self.step(layer=layer + 1, head=head + 1)

    def show_params(self, params: LanguageParams) -> None:
        super().show_params(params)
        if self.answer is not None:
            self._mark()

    def _mark(self) -> None:
        assert self.answer is not None
        layers, heads = self.answer.effects.shape
        self.map.set_at((min(self.params.layer, layers) - 1, min(self.params.head, heads) - 1))

    def draw(self, event: Event) -> None:
        if not isinstance(event, AblationAnswer):
            return
        self.answer = event
        for one in self.waiting():
            one.set_empty(None)
        self.texts.show_count(*event.texts)
        effects = event.effects
        layers, heads = effects.shape
        top = float(np.abs(effects).max()) or 1.0
        self.map.set_table(100 * effects, 100 * top)
        self.map.set_names([str(i + 1) for i in range(layers)], [str(i + 1) for i in range(heads)])
        unknown = ~event.known | event.off
        self.map.set_off(unknown if unknown.any() else None, words.tr("off") if event.off.any() else "")
        self.map_bar.set_range(-100 * top, 100 * top)
        self._mark()
        self._show_largest(event)
        self._say(event)

    def _show_largest(self, shown: AblationAnswer) -> None:
        order = np.argsort(-np.abs(shown.effects).ravel(), kind="stable")[:LARGEST]
        layers, heads = np.unravel_index(order, shown.effects.shape)
        self._order = list(zip(layers.tolist(), heads.tolist(), strict=True))
        top = float(np.abs(shown.effects).max()) or 1.0
        bars = []
        for layer, head in self._order:
            value = float(shown.effects[layer, head])
            name = Message("Layer {layer}, head {head}", {"layer": layer + 1, "head": head + 1})
            token = "cat0" if value < 0 else "cat3"
            bars.append(Bar(name, ((value, token),), words.number(value, 4, signed=True)))
        self.bars.set_bars(bars, top, -top)
        base = words.number(shown.base, 3)
        if shown.of_word:
            said = Message("Probability of {name}: {value}", {"name": shown.word, "value": words.percent(shown.base)})
        else:
            said = Message("Similarity with all of them: {value}", {"value": base})
        words.say(self.said, "setText", said)

    def _say(self, shown: AblationAnswer) -> None:
        """What maps of attention do not show."""
        if not shown.known.all():
            words.say(self.beyond, "setText", "Switching heads off")
            return
        values = {"n": words.number(shown.agreement, 2, signed=True)}
        text = (
            "What an attention map does not show: whether its head counts. How focused a head looks and how much it "
            "changes here correlate by {n} (rank correlation over all heads; 1 would be the same order)."
        )
        words.say(self.beyond, "setText", Message(text, values))
