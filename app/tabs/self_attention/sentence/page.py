"""The page "Sentence": typed tokens, their weights, X, Q, K and V, and what shuffling does to the output."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app import theme, words
from app.cards import Card, card
from app.guess import GuessFirst, pick_score
from app.params_form import ParamsForm
from app.shell import Shell
from app.theme import BODY, HEAD, S1, S2, S3, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.guesssheet import CellSheet
from app.views.matrix import Matrix
from app.views.photomap import weight_percent
from app.views.tokenmap import TokenMap, token
from app.widgets import MenuButton, box, col, label, quiet, row
from app.words import Text
from engines.core.errors import LabError, Message
from engines.core.protocol import Ended, Event
from engines.self_attention.sentence.spec import SAME, UNLIKE, AttentionFrame, tokens_of
from engines.self_attention.spec import CHARACTERS, IDENTITY, NUMBERS, ROTARY, WORDS, SelfAttentionParams

EXAMPLES = (
    (WORDS, "the cat saw the dog that saw the mouse"),
    (WORDS, "猫看见狗，狗看见老鼠"),
    (WORDS, "to be or not to be"),
    (CHARACTERS, "abracadabra"),
    (CHARACTERS, "上海自来水来自海上"),
    (NUMBERS, "1 0; 0 1; 1 1; −1 0.5; 1 0"),
    (NUMBERS, "3 1 4 1 5 9 2 6"),
)
SHOWN = ("split", "shuffle", "shuffle_seed", "positions", "kind", "weights", "dim", "temperature", "seed")
SCALE = 240  # px of the output's color bar
LONGEST = 11  # letters of a token's name
PROJECTED = ("Queries Q", "Keys K", "Values V")


def tiny(value: float) -> str:
    """A difference: ``0``, ``4.4e−16``, ``0.0021``, ``1.97``."""
    if value == 0:
        return "0"
    return words.number(value, 2 if value >= 0.1 else 4) if value >= UNLIKE else f"{value:.1e}".replace("-", "−")


def short(name: str) -> Text:
    """A token as rows and columns have room for."""
    return token(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…")


def verdict(difference: float) -> Text:
    """What a largest difference means."""
    if difference < SAME:
        return Message("the same rows, shuffled (< 0.00001)")
    if difference > UNLIKE:
        return Message("different rows (> 0.001)")
    return Message("nearly the same rows")


def line_of(split: str, text: str) -> dict[str, Any]:
    """The field that a line of this kind is."""
    return {"numbers" if split == NUMBERS else "text": text}


def problem_of(params: SelfAttentionParams) -> Message | None:
    """What keeps the tokens from being read."""
    try:
        tokens_of(params)
    except LabError as problem:
        return problem.message
    return None


class RowMap(Matrix):
    """Numbers of each token, one row a token; a click chooses the token."""

    def __init__(self, name: Text, export_name: str) -> None:
        super().__init__(ramp="diff")
        self.setMinimumSize(120, 76)
        self.export_name = export_name
        words.say(self, "setAccessibleName", name)

    def show_rows(self, values: np.ndarray, top: float, names: list[Text]) -> None:
        """Rows (N, d) on a scale of ± ``top``."""
        self.set_values(values, top=top, low=-top)
        self.set_names(names, ())

    def _choose(self, cell: tuple[int, int]) -> None:
        super()._choose((cell[0], -1))


class SentencePage(Page):
    """Views of the page. A line that can't be read is said beside it; the old picture stays."""

    title = "Sentence"
    params_type = SelfAttentionParams
    engine = "engines.self_attention.sentence.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.frame: AttentionFrame | None = None
        self._problem: Message | None = None
        self._token = 0
        top = self._make_line()
        self._make_maps()
        self._make_outputs()
        for waiting in self.cards:
            waiting.set_empty("Reading the sentence")
        for view in self.token_views:
            view.clicked.connect(lambda cell: self.change(token=cell[0]))
            view.hovered.connect(self._pointed)
        middle = row((self.weights_card, 4), (self.maps_card, 5), gap=S3)
        self.lay(box(col(top, (middle, 5), (self.output_card, 3), gap=S3)), ParamsForm(self.params, SHOWN))

    @classmethod
    def plain(cls) -> SelfAttentionParams:
        return SelfAttentionParams(text=EXAMPLES[words.language() == "zh"][1])

    def _make_line(self) -> QWidget:
        self.line = QLineEdit()
        theme.set_font(self.line, HEAD)
        words.say(self.line, "setPlaceholderText", "Type a sentence")
        words.say(self.line, "setAccessibleName", "Sentence")
        self.line.textEdited.connect(self.type_text)
        self.line.editingFinished.connect(self.settle)
        examples = MenuButton([words.plain(text) for _, text in EXAMPLES], prefix="Examples", tip="Sentences to try.")
        examples.chosen.connect(self.use_example)
        self.count = label("", BODY, kind="quiet")
        return box(row((self.line, 1), self.count, examples, gap=S3, pad=(S3, S2, S3, S2)), "card")

    def _make_maps(self) -> None:
        self.map, self.bar = TokenMap(), ColorBar(Message("Weight"))
        self.bar.drive(self.map)
        self.live, self.bits = label("", SMALL), quiet("")
        self.live.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # no card moves with a number
        sheet = CellSheet(self.map, lambda: [(self._token, key) for key in range(self._keys())])
        task = "Which key does this query attend to most? Click it in its row."
        self.guess = GuessFirst(self, sheet, task, self._judge, (self.live,))
        self.guess.told.connect(self.tell)
        self.weights_card = card(
            "Weights", self.map, tools=[self.bits, self.guess.button], foot=col(self.live, self.bar, gap=S1)
        )
        self.inputs = RowMap("Tokens X", "inputs")
        self.projected = [RowMap(name, name.split()[0].lower()) for name in PROJECTED]
        self.inputs_bar = ColorBar("", "diff")
        self.inputs_bar.drive(self.inputs, *self.projected)
        self.inputs_head = quiet("Tokens X")
        heads = (self.inputs_head, *(quiet(name) for name in PROJECTED))
        blocks = [col(head, (view, 1), gap=2) for head, view in zip(heads, (self.inputs, *self.projected), strict=True)]
        grid = col(
            (row((blocks[0], 1), (blocks[1], 1), gap=S3), 1), (row((blocks[2], 1), (blocks[3], 1), gap=S3), 1), gap=S2
        )
        self.maps_card = card("Queries, keys and values", grid, foot=self.inputs_bar)

    def _make_outputs(self) -> None:
        names = ("In order", "Shuffled, put back in order", "Difference")
        files = ("output-in-order", "output-restored", "output-difference")
        self.outputs = [RowMap(name, file) for name, file in zip(names, files, strict=True)]
        self.output_bar = ColorBar(Message("Shared scale"), "diff")
        self.output_bar.drive(*self.outputs)
        three = row(*((col(quiet(n), (v, 1), gap=2), 1) for n, v in zip(names, self.outputs, strict=True)), gap=S3)
        self.without, self.with_ = label("", BODY), label("", BODY)
        self.output_bar.setFixedWidth(SCALE)
        judged = col(self.without, self.with_, gap=2)
        self.output_card = card("Does the output know the order?", three, tools=[self.output_bar], foot=judged)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards with results."""
        return self.weights_card, self.maps_card, self.output_card

    @property
    def token_views(self) -> tuple[TokenMap | RowMap, ...]:
        """Views with a row for each token as shown."""
        return self.map, self.inputs, *self.projected

    @property
    def views(self) -> tuple[PixelView, ...]:
        """What can be exported."""
        return *self.token_views, *self.outputs, self.bar, self.inputs_bar, self.output_bar

    # -- guessing
    def _keys(self) -> int:
        return 0 if self.frame is None else len(self.frame.tokens)

    def _judge(self) -> tuple[float, Message]:
        """How much the query attends to the key that was picked."""
        sheet, shown = self.guess.sheet, self.frame
        assert isinstance(sheet, CellSheet)
        assert shown is not None
        row_, key = shown.weights[self._token], sheet.picks[0][1]
        score, rank = pick_score(row_, key)
        values = {
            "rank": rank, "n": len(row_), "mine": weight_percent(float(row_[key])),
            "top": weight_percent(float(row_.max())), "name": short(shown.tokens[int(row_.argmax())]),
        }  # fmt: skip
        return score, Message("Yours has {mine}, place {rank} of {n}; the most has {name}: {top}.", values)

    # -- the line
    def type_text(self, text: str) -> None:
        """Another sentence, or other numbers; one undo step until the hand leaves the line."""
        self.change(**line_of(self.params.split, text))

    def use_example(self, index: int) -> None:
        """Show one of the examples."""
        split, text = EXAMPLES[index]
        self.step(split=split, **line_of(split, text))

    def answerable(self) -> bool:
        return self._problem is None

    def show_params(self, params: SelfAttentionParams) -> None:
        self.guess.settings_changed()
        text = params.numbers if params.split == NUMBERS else params.text
        if self.line.text() != text:
            self.line.setText(text)
        self._show_problem(problem_of(params))
        self._set_token(params.token)

    def _show_problem(self, problem: Message | None) -> None:
        self._problem = problem
        theme.set_kind(self.line, "" if problem is None else "bad")
        theme.set_font(self.line, HEAD)
        if problem is not None:
            self._say_count(problem, "danger")
        elif self.frame is not None:
            self._show_count(self.frame)

    def _say_count(self, text: Message, kind: str) -> None:
        theme.set_kind(self.count, kind)
        theme.set_font(self.count, BODY)
        words.say(self.count, "setText", text)

    def _show_count(self, shown: AttentionFrame) -> None:
        count = len(shown.tokens)
        if shown.left_out:
            values = {"n": count + shown.left_out, "most": count}
            self._say_count(Message("{n} tokens: the first {most} are shown", values), "warn")
        else:
            self._say_count(Message("{n} {n:token|tokens}", {"n": count}), "quiet")

    # -- what the engine tells
    def on(self, event: Event) -> None:
        match event:
            case AttentionFrame():
                self._show_answer(event, self.params)
            case Ended() if event.error is not None and self.frame is None:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def _show_answer(self, shown: AttentionFrame, params: SelfAttentionParams) -> None:
        self.frame = shown
        for ready in self.cards:
            ready.set_empty(None)
        if self._problem is None:  # else this is an answer to what stood there before
            self._show_count(shown)
        names: list[Text] = [short(name) for name in shown.tokens]
        top = float(shown.weights.max())
        self.map.set_values(shown.weights, top=top, low=0.0)
        self.map.set_names(names, names)
        self.bar.set_range(0.0, top)
        self.weights_card.set_note("shuffled" if params.shuffle else "query: row, key: column")
        self._show_maps(shown, params, names)
        self._show_outputs(shown, params)
        self._set_token(params.token)

    def _show_maps(self, shown: AttentionFrame, params: SelfAttentionParams, names: list[Text]) -> None:
        added = params.positions and params.kind != ROTARY
        words.say(self.inputs_head, "setText", "X + P, with positions" if added else "Tokens X")
        tables = (shown.inputs, shown.queries, shown.keys, shown.values)
        top = max(float(np.abs(table).max()) for table in tables) or 1.0
        for view, table in zip((self.inputs, *self.projected), tables, strict=True):
            view.show_rows(table, top, names)
        self.inputs_bar.set_range(-top, top, name=Message("Shared scale"))
        if params.weights == IDENTITY:
            note = "Q = K = V = X"
        else:
            note = "random weights, nothing trained"
        if params.positions and params.kind == ROTARY:
            note = (
                "Q, K turned by position" if params.weights == IDENTITY else "random weights; Q, K turned by position"
            )
        self.maps_card.set_note(note)

    def _show_outputs(self, shown: AttentionFrame, params: SelfAttentionParams) -> None:
        tables = (shown.straight, shown.restored, shown.restored - shown.straight)
        top = max(float(np.abs(table).max()) for table in tables) or 1.0
        names: list[Text] = [short(name) for name in shown.names]
        for view, table in zip(self.outputs, tables, strict=True):
            view.show_rows(table, top, names)
        self.output_bar.set_range(-top, top)
        lines = ((self.without, "Positions off", shown.without), (self.with_, params.kind, shown.with_positions))
        for i, (line, name, difference) in enumerate(lines):
            values = {"name": Message(name), "n": tiny(difference), "verdict": verdict(difference)}
            on = bool(i) == params.positions
            theme.set_kind(line, "" if on else "quiet")
            theme.set_font(line, BODY, bold=on)
            words.say(line, "setText", Message("{name}: differs by {n} at most, {verdict}", values))
        self.output_card.set_note(
            "bold: as set now" if len(shown.tokens) > 1 else "one token: there is nothing to shuffle"
        )

    # -- the hand
    def _set_token(self, at: int) -> None:
        """Mark a token in every view."""
        if self.frame is None:
            return
        self._token = min(at, len(self.frame.tokens) - 1)
        for view in self.token_views:
            view.set_at((self._token, -1))
        for table in self.outputs:
            table.set_at((self.frame.order[self._token], -1))
        self._say_pair(None)

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        for view in self.token_views:
            view.set_lit(None if cell is None or view is self.sender() else (cell[0], -1))
        pair = cell if self.sender() is self.map else None
        self.bar.set_mark(self.map.share_at(pair))
        self._say_pair(pair if pair is not None else None if cell is None else (cell[0], -1))

    def _say_pair(self, cell: tuple[int, int] | None) -> None:
        """The formula of a query and a key in live numbers; of the strongest key where only the query is known."""
        shown = self.frame
        if shown is None:
            return
        query = self._token if cell is None else min(cell[0], len(shown.tokens) - 1)
        key = int(shown.weights[query].argmax()) if cell is None or cell[1] < 0 else cell[1]
        values = {
            "by": "√d" if self.params.temperature == 1 else "(√d × T)",
            "query": short(shown.tokens[query]),
            "key": short(shown.tokens[key]),
            "score": words.number(float(shown.scores[query, key]), 2),
            "weight": weight_percent(float(shown.weights[query, key])),
        }
        text = "{query} → {key}: q·k / {by} = {score} → {weight}"
        words.say(self.live, "setText", Message(text, values))
        bits = words.number(float(shown.entropy[query]), 2)
        words.say(self.bits, "setText", Message("entropy {bits} bits", {"bits": bits}))
