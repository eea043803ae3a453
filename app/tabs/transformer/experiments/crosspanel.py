"""The panel on the cross-attention: what a changed token moves there, and what other encoder outputs make it say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal

from app import words
from app.cards import card
from app.tabs.transformer.experiments.labviews import HalfBar
from app.tabs.transformer.labwords import below, ends, spoken, tiny
from app.theme import BODY, S2, S3
from app.views.scoregrid import ScoreGrid
from app.widgets import Segments, box, col, label, quiet, row, swap
from app.words import Text, say
from engines.core.errors import Message
from engines.transformer.experiments.spec import IN_SOURCE, PARTS, RESTS, Crossed
from engines.transformer.spec import TransformerParams

Cell = tuple[int, int]
CELL = (96, 64)  #: px, at most
Q, K, V = (PARTS.index(name) for name in "QKV")
NAMES: tuple[Text, ...] = (*(words.plain(name) for name in PARTS[:-1]), Message("Logits"))
WHAT = "Row: Encoder output X, queries, keys, values, weights A, logits. Column: the token that is changed."
ANSWERS = (
    "That of its own source: {text}",
    "That of {source}: {text}",
    "Zeros in its place: {text}",
)
SAID = "what the decoder says with it"
ZEROS = "With zeros K and V are their biases alone, alike for all: each weight is 1 / {n} = {share} (± {value})."


class CrossPanel(QObject):
    """What moves in the cross-attention of a decoder layer as a token is changed.

    Signals
    -------
    layered : int
        A decoder layer was chosen, from 0.
    """

    layered = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.grid = ScoreGrid("diff", CELL)
        self.grid.export_name = "changed-cross-attention"
        say(self.grid, "setAccessibleName", "Largest change")
        say(self.grid, "setToolTip", WHAT)
        self.bar = HalfBar(Message("Largest change"), "diff")
        self.bar.drive(self.grid)
        self.layers = Segments(("1",))
        self.holder = box(row(self.layers, gap=0))
        self.said = [label("", BODY, wrap=True) for _ in range(4)]
        self.answers = [label("", BODY, wrap=True) for _ in ANSWERS]
        self.zeros = quiet("", wrap=True)
        foot = row((self.bar, 1), ends(), gap=S3)
        self.map_card = card("What a changed token moves", self.grid, tools=[self.holder], foot=foot)
        self.cell_card = card("This token", col(*self.said, 1, gap=S2))
        self.answer_card = card("Another encoder output", col(*self.answers, self.zeros, 1, gap=S2), SAID)
        beside = col((self.cell_card, 1), (self.answer_card, 1), gap=S3)
        self.centre = box(row((self.map_card, 8), (box(beside), 5), gap=S3))
        self._frame: Crossed | None = None
        self._of_source, self._layer, self._column, self._count = True, 0, 0, 1
        self.grid.clicked.connect(self._choose)
        self.grid.hovered.connect(lambda cell: self._say(self._column if cell is None else cell[1]))

    def take(self, frame: Crossed, params: TransformerParams) -> None:
        """Show what was measured."""
        self._frame, self._of_source = frame, params.lab_changed == IN_SOURCE
        count = len(frame.by_source)
        self._layer = max(1, min(params.lab_layer, count)) - 1
        self._show_layers(count)
        moved = self._moved()
        self._column = min(self._column, moved.shape[1] - 1)
        self.grid.set_table(moved, float(moved.max()) or 1.0, "diff")
        self.grid.set_names(NAMES, spoken(frame.source if self._of_source else frame.target))
        self.grid.set_off(moved < RESTS, "0")
        self.grid.set_at((-1, self._column))
        self.bar.set_range(0, float(moved.max()) or 1.0)
        self.map_card.set_note(Message("a source token" if self._of_source else "a target token"))
        self._say(self._column)
        self._say_answers(frame)

    def _moved(self) -> np.ndarray:
        assert self._frame is not None
        both = self._frame.by_source if self._of_source else self._frame.by_target
        found: np.ndarray = both[self._layer]
        return found

    def _choose(self, cell: Cell) -> None:
        self._column = cell[1]
        self.grid.set_at((-1, self._column))
        self._say(self._column)

    def _say(self, at: int) -> None:
        """What the change of one token moves, in words and numbers."""
        frame = self._frame
        if frame is None:
            return
        moved = self._moved()
        old, new = (frame.source, frame.new_source) if self._of_source else (frame.target, frame.new_target)
        at = min(at, len(old) - 1)
        self.cell_card.set_note("position {n}", n=at + 1)
        q, k, v = (float(moved[part, at]) for part in (Q, K, V))
        figures = {"k": self._figure(k), "v": self._figure(v), "q": self._figure(q)}
        lines = (
            Message(
                "Position {n}: {old} becomes {new}.", {"n": at + 1, "old": spoken(old)[at], "new": spoken(new)[at]}
            ),
            Message("K = X W_k + b_k moves by {k}, V = X W_v + b_v by {v}.", figures),
            Message("Q = Y W_q + b_q moves by {q}.", figures),
            self._why(q),
        )
        for line, text in zip(self.said, lines, strict=True):
            say(line, "setText", text)

    def _why(self, q: float) -> Message:
        if not self._of_source:
            return Message("X is made of the source alone: keys and values can't see the target.")
        if self._layer and q >= RESTS:
            text = "There is no X in Q, but Y of this layer has been through the cross-attention of layer {n}."
            return Message(text, {"n": self._layer})
        return Message("There is no X in Q: Y is made of the target alone. Queries can't see the source.")

    @staticmethod
    def _figure(value: float) -> str:
        return below(value, RESTS) if value < RESTS else tiny(value)

    def _say_answers(self, frame: Crossed) -> None:
        source = joined(frame.other[:-1])
        for line, text, said in zip(self.answers, ANSWERS, frame.answers, strict=True):
            say(line, "setText", Message(text, {"text": joined(said) or "–", "source": source}))
        count = len(frame.source)
        values = {"n": count, "share": words.number(1 / count, 3), "value": tiny(frame.uneven)}
        say(self.zeros, "setText", Message(ZEROS, values))

    def _show_layers(self, count: int) -> None:
        options = [Message("Layer {n}", {"n": n + 1}) for n in range(count)]
        if count != self._count:
            self._count = count
            made = Segments(options, self._layer)
            swap(self.holder, self.layers, made)
            self.layers = made
            made.chosen.connect(self.layered)
        self.layers.set_at(self._layer)


def joined(tokens: Sequence[str]) -> str:
    """Characters as a word, words as a sentence."""
    return ("" if all(len(one) == 1 for one in tokens) else " ").join(tokens)
