"""The page "Words": what a model puts in a gap, or says next, word by word, with the map that grows."""

from __future__ import annotations

from app import words
from app.cards import Card
from app.shell import Shell
from app.tabs.self_attention.chips import Token, TokenChips
from app.tabs.self_attention.language import LanguageForm, LanguagePage, short
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bars, probability
from app.views.colorbar import ColorBar
from app.views.tokenmap import TokenMap
from app.widgets import box, button, col, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.self_attention.language.events import LanguageInfo
from engines.self_attention.language.spec import LanguageParams
from engines.self_attention.words.spec import WordsAnswer, WordsParams

FIELDS = ("layer", "head", "temperature", "scope", "sampling", "top_k", "top_p", "added", "draw")
ONLY_NEXT = ("added", "draw")  #: fields that say nothing of a masked word
SUGGESTED = "distilbert/distilbert-base-uncased"
MOST = 40


class WordsPage(LanguagePage):
    """The text, its candidates, and the map of a head."""

    title = "Words"
    engine = "engines.self_attention.words.engine:Engine"
    asks = WordsParams
    both = False

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: WordsAnswer | None = None
        self.chips = TokenChips(named=False)
        self.hint = quiet("", wrap=True)
        self.next = button("Next word", kind="boxed", clicked=self._go_on)
        self.again = button("Start again", kind="boxed", clicked=lambda: self.step(added=0))
        self.text_card = Card("Text", self.chips, tools=[self.again, self.next], foot=self.hint)
        self.bars = Bars(pitch=34, widest="100.0 %", widest_note="+100.0", least=200)
        self.bars.export_name = "candidates"
        self.said = quiet("", wrap=True)
        self.words_card = Card("Candidates", self.bars, foot=self.said)
        self.map, self.map_bar = TokenMap(), ColorBar(Message("Weight"))
        self.map_bar.drive(self.map)
        self.map_card = Card("Weights", self.map, "query: row, key: column", foot=self.map_bar)
        self.form = self.wire(LanguageForm(self.params, FIELDS))
        self.await_all()
        self.chips.clicked.connect(self._mask)
        self.chips.hovered.connect(self._pointed)
        self.bars.clicked.connect(self._put)
        right = col((self.map_card, 1), gap=S3)
        left = col((self.text_card, 3), (self.words_card, 5), gap=S3)
        self.lay(box(col(self.framed(), (row((left, 1), (right, 1), gap=S3), 1), gap=S3)), self.form)

    def waiting(self) -> tuple[Card, ...]:
        return self.text_card, self.words_card, self.map_card

    # -- the hand
    def _go_on(self) -> None:
        """Draw one word more."""
        if self.answer is not None and not self.answer.full:
            self.step(added=min(MOST, self.params.added + 1))

    def _mask(self, token: Token) -> None:
        """Mask a token instead of the one that is masked."""
        if self.answer is not None and self.answer.kind == "masked":
            self.step(gap=token[1])

    def _pointed(self, token: Token | None) -> None:
        shown = self.answer
        if shown is not None:
            self.map.set_lit(None if token is None else (token[1], -1))
            self.texts.light(shown.text, None if token is None else token[1])

    def _put(self, row: int) -> None:
        """Write a candidate into the gap, where it is a whole word."""
        shown = self.answer
        if shown is None or shown.kind != "masked" or row >= len(shown.candidates):
            return
        start, end = shown.text.spans[shown.place]
        name, text = shown.candidates[row], self.params.first
        if end and not name.startswith(("##", "[")):
            self.step(first=text[:start] + name + text[end:], gap=shown.place)

    # -- the contract
    def show_params(self, params: LanguageParams) -> None:
        super().show_params(params)
        self._show_fields()

    def _show_fields(self) -> None:
        goes_on = self.info is not None and self.info.causal
        for name in ONLY_NEXT:
            self.form.set_shown(name, goes_on)
        for one in (self.next, self.again):
            one.setVisible(goes_on)
        self.next.setEnabled(self.params.added < MOST and not (self.answer is not None and self.answer.full))
        self.again.setEnabled(self.params.added > 0)

    def on(self, event: Event) -> None:
        super().on(event)
        if isinstance(event, LanguageInfo):
            self._show_fields()

    def draw(self, event: Event) -> None:
        if not isinstance(event, WordsAnswer):
            return
        self.answer = event
        for one in self.waiting():
            one.set_empty(None)
        self.texts.show_count(event.text)
        self._show_text(event)
        self._show_words(event)
        self._show_map(event)
        self._show_fields()

    def _show_text(self, shown: WordsAnswer) -> None:
        count = len(shown.text)
        typed = [shown.kind == "masked" and sentence >= 0 for sentence in shown.text.sentence]
        self.chips.set_texts([shown.text.names], [typed])
        drawn = [(0, at) for at in range(count - shown.added, count)]
        self.chips.set_marks(drawn=drawn, at=(0, shown.place) if shown.kind else None)
        if shown.kind == "masked":
            words.say(self.hint, "setText", "Click a token to mask it; click a candidate to put it there.")
        elif shown.kind == "next" and shown.added:
            values = {"n": shown.added, "chance": words.percent(float(shown.drawn[-1]))}
            words.say(self.hint, "setText", Message("{n} drawn, the last one with {chance}", values))
        else:
            words.say(self.hint, "setText", "")

    def _show_words(self, shown: WordsAnswer) -> None:
        if not shown.kind:
            name = "" if self.info is None else self.info.title
            text = Message("{name} names no words: it was trained without. BERT fills gaps, GPT-2 goes on.",
                           {"name": words.known(name)})  # fmt: skip
            self.words_card.set_empty(text, "Download DistilBERT, 268 MB", lambda: self.shell.download(SUGGESTED))
            return
        changed = bool(self.params.changes()) or self.params.sampling != 1 or self.params.top_k or self.params.top_p < 1
        rows = zip(shown.candidates, shown.now.tolist(), shown.untouched.tolist(), strict=True)
        bars = [probability(name, now, before if changed else None) for name, now, before in rows]
        self.bars.set_bars(bars, 1.0 if float(shown.now.max(initial=0)) > 0.5 else None)
        self.words_card.set_title("Masked word" if shown.kind == "masked" else "Next word")
        self.words_card.set_note("dashed: untouched" if changed else "")
        said: Text = Message("{n} {n:word|words} can be drawn", {"n": shown.kept})
        if shown.was:
            values = {"name": shown.was, "now": words.percent(shown.was_now, 2)}
            said = Message("The typed word {name} has {now}", values)
        words.say(self.said, "setText", said)

    def _show_map(self, shown: WordsAnswer) -> None:
        names = [short(name) for name in shown.text.names]
        top = float(shown.weights.max())
        self.map.set_values(shown.weights, top=top, low=0.0)
        self.map.set_tokens(names, names)
        self.map.set_at((shown.place, -1))
        self.map_bar.set_range(0.0, top)
        self.map_card.set_title("Layer {layer}, head {head}", layer=shown.layer, head=shown.head)
