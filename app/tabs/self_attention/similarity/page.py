"""The page "Similarity": how alike two sentences are, beside the untouched number, why, and ten sentences at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit

from app import theme, words
from app.cards import Card
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.tabs.self_attention.chips import Token, TokenChips
from app.tabs.self_attention.language import LanguageForm, LanguagePage
from app.theme import S1, S2, S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.matrix import Matrix
from app.widgets import box, col, label, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.self_attention.language.spec import LanguageParams
from engines.self_attention.similarity.spec import AllPairs, Compared, Reasons, SimilarityParams, problem_of

FIELDS = ("layer", "head", "temperature", "scope", "shuffled", "order", "negated", "explained")
LONGEST = 16  # letters of a sentence beside the matrix
LINES = 76  # px of the list


class Sentences(QPlainTextEdit):
    """The list of sentences, one a line."""

    def __init__(self) -> None:
        super().__init__()
        theme.set_font(self, SMALL)
        self.setFixedHeight(LINES)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        words.say(self, "setAccessibleName", "Sentences of the matrix")
        words.say(self, "setPlaceholderText", "Up to ten sentences, one a line")


class SimilarityPage(LanguagePage):
    """A number, what it hangs on, and a matrix."""

    title = "Similarity"
    engine = "engines.self_attention.similarity.engine:Engine"
    asks = SimilarityParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Compared | None = None
        self.reasons: Reasons | None = None
        self.bar = Bars(pitch=40, least_name=20, widest="−0.000", widest_note="+0.000", least=44)
        self.bar.export_name = "similarity"
        words.say(self.bar, "setAccessibleName", "Similarity of A and B")
        self.bar.setFixedHeight(44)
        self.chips, self.chips_bar = TokenChips(), ColorBar(Message("Relevance, of the largest"))
        self.chips_bar.drive(self.chips)
        self.hint = quiet("Click a word to hide it.", wrap=True)
        self.caveat = label("", SMALL, kind="warn", wrap=True)
        self.caveat.hide()
        inside = col(self.bar, (self.chips, 1), gap=S2)
        foot = col(self.chips_bar, self.hint, self.caveat, gap=S1)
        self.number_card = Card("Similarity of A and B", inside, foot=foot)
        self.matrix, self.matrix_bar = Matrix(ramp="diff"), ColorBar(Message("Similarity"), "diff")
        self.matrix.export_name = "similarity-matrix"
        self.matrix_bar.drive(self.matrix)
        self.pair = quiet("", wrap=True)
        self.list = Sentences()
        self.list.textChanged.connect(self._listed)
        foot = col(self.matrix_bar, self.pair, self.list, gap=S1)
        self.matrix_card = Card("Ten sentences", self.matrix, foot=foot)
        self.curves = Curves(zero=True, widest="−0.00")
        self.curves.export_name = "deletion"
        self.verdict = quiet("", wrap=True)
        self.deletion_card = Card("Words of A deleted", self.curves, foot=col(self.curves.key, self.verdict, gap=S1))
        self.form = self.wire(LanguageForm(self.params, FIELDS))
        self.await_all()
        self.chips.clicked.connect(self._hide)
        self.chips.hovered.connect(self._pointed)
        self.matrix.hovered.connect(self._paired)
        self.matrix.clicked.connect(self._take)
        self.curves.pointed.connect(self.curves.set_cursor)
        left = col((self.number_card, 5), (self.deletion_card, 4), gap=S3)
        self.lay(box(col(self.framed(), (row((left, 5), (self.matrix_card, 6), gap=S3), 1), gap=S3)), self.form)

    def waiting(self) -> tuple[Card, ...]:
        return self.number_card, self.matrix_card, self.deletion_card

    def problem_of(self, params: LanguageParams) -> Message | None:
        found: Message | None = problem_of(params)
        return found

    # -- the hand
    def _hide(self, token: Token) -> None:
        """Hide the word of a token, or show it again."""
        shown = self.answer
        if shown is None:
            return
        pair = (token[0], shown.texts[token[0]].words[token[1]])
        hidden = set(self.params.hidden) ^ {pair}
        self.step(hidden=tuple(sorted(hidden)))

    def _pointed(self, token: Token | None) -> None:
        shown = self.answer
        if shown is None or (token is not None and shown.typed[token[0]] != self._typed(token[0])):
            return
        if token is None:
            self.texts.light(None, None)
        else:  # each was read by itself
            at = token[0]
            text = shown.texts[at]
            moved = tuple(at if one >= 0 else -1 for one in text.sentence)
            self.texts.light(type(text)(text.names, moved, text.spans, text.words), token[1])

    def _typed(self, at: int) -> str:
        return (self.params.first, self.params.second)[at]

    def _listed(self) -> None:
        if self.list.hasFocus():
            self.change(sentences=self.list.toPlainText())

    def _paired(self, cell: tuple[int, int] | None) -> None:
        """Say both sentences of a cell."""
        names = self._sentences
        if cell is None or max(cell) >= len(names):
            words.say(self.pair, "setText", "Click a cell to compare its two sentences above.")
        else:
            values = {"first": names[cell[0]], "second": names[cell[1]]}
            words.say(self.pair, "setText", Message("{first} | {second}", values))
        self.matrix_bar.set_mark(self.matrix.share_at(cell))

    def _take(self, cell: tuple[int, int]) -> None:
        if min(cell) >= 0 and max(cell) < len(self._sentences):
            self.step(first=self._sentences[cell[0]], second=self._sentences[cell[1]])

    _sentences: tuple[str, ...] = ()

    # -- the contract
    def show_params(self, params: LanguageParams) -> None:
        super().show_params(params)
        if self.list.toPlainText() != params.sentences:
            self.list.blockSignals(True)
            self.list.setPlainText(params.sentences)
            self.list.blockSignals(False)
        self.form.set_shown("order", params.shuffled)
        if not params.explained:
            self.deletion_card.set_empty("Explain is off.")
            self.curves.set_curves([])
            words.say(self.verdict, "setText", "")
            self.chips.set_values((), 1.0)

    def caption(self) -> Iterator[Text]:
        yield from super().caption()
        if self.params.hidden:
            yield Message("{n} {n:word|words} hidden", {"n": len(self.params.hidden)})

    def draw(self, event: Event) -> None:
        match event:
            case Compared():
                self._show_number(event)
            case AllPairs():
                self._show_pairs(event)
            case Reasons():
                self._show_reasons(event)

    def _show_number(self, shown: Compared) -> None:
        self.answer = shown
        self.number_card.set_empty(None)
        self.texts.show_count(*shown.texts)
        lowest = min(0.0, shown.similarity, shown.untouched)
        note = words.number(shown.similarity - shown.untouched, 3, signed=True) if shown.changed else ""
        ghost = shown.untouched if shown.changed else None
        value = words.number(shown.similarity, 3)
        self.bar.set_bars([Bar(Message("cos"), ((shown.similarity, "accent"),), value, note, ghost)], 1.0, lowest)
        note_ = Message("untouched {value}", {"value": words.number(shown.untouched, 3)})
        self.number_card.set_note(note_ if shown.changed else "")
        self.chips.set_texts([text.names for text in shown.texts], [[w >= 0 for w in t.words] for t in shown.texts])
        off = [(number, at) for number, hidden in enumerate(shown.hidden) for at in hidden]
        self.chips.set_marks(off=off)
        altered = shown.typed[1] != self.params.second
        if altered:
            words.say(self.hint, "setText", Message("B reads: {text}", {"text": shown.typed[1]}))
        else:
            words.say(self.hint, "setText", "Click a word to hide it.")
        trained = self.info is None or self.info.for_sentences
        self.caveat.setVisible(not trained)
        if not trained:
            words.say(
                self.caveat, "setText", "This model was not trained to compare sentences: all of them look alike."
            )

    def _show_pairs(self, shown: AllPairs) -> None:
        self._sentences = shown.sentences
        self.matrix_card.set_empty(None)
        self.matrix.set_values(shown.similarities, top=1.0, low=-1.0)
        self.matrix_bar.set_range(-1.0, 1.0)
        names = [f"{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}  {i + 1}"
                 for i, text in enumerate(shown.sentences)]  # fmt: skip
        self.matrix.set_names(names, [str(i + 1) for i in range(len(names))])
        apart = float(np.abs(shown.similarities - shown.untouched).max()) if len(names) else 0.0
        if shown.left_out:
            self.matrix_card.set_note("{n} more lines are left out", n=shown.left_out)
        elif apart:
            self.matrix_card.set_note("changed by up to {n}", n=words.number(apart, 3))
        else:
            self.matrix_card.set_note("")
        self._paired(None)

    def _show_reasons(self, shown: Reasons) -> None:
        self.reasons = shown
        if not self.params.explained:
            return
        self.deletion_card.set_empty(None)
        top = max(float(each.max()) for each in shown.relevance)
        self.chips.set_values([each / max(top, 1e-30) for each in shown.relevance], 1.0)
        self.chips_bar.set_range(0.0, 1.0)
        x = np.arange(len(shown.kept), dtype=float)
        self.curves.set_curves(
            [
                Curve(Message("most relevant first"), x, shown.kept.astype(float), "cat0"),
                Curve(
                    Message("random orders"), x, shown.random_mean.astype(float), "cat1", dashed=True,
                    low=shown.random_low.astype(float), high=shown.random_high.astype(float),
                ),
            ]
        )  # fmt: skip
        values = {
            "score": words.number(shown.score, 3),
            "random": words.number(shown.random_score, 3),
            "spread": words.number(shown.random_spread, 3),
        }
        text = "Mean similarity while words go: {score}, in random orders {random} ± {spread}. Lower is better."
        words.say(self.verdict, "setText", Message(text, values))
