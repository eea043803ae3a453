"""The panels of the page Experiments that show one proof each: mask, residual connections, positions, FFN."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app import theme, words
from app.cards import card
from app.tabs.transformer.experiments.findings import ratios
from app.tabs.transformer.experiments.labviews import HalfBar
from app.tabs.transformer.labwords import above, below, ends, place_name, spoken, tiny
from app.theme import BODY, S2, S3, SMALL
from app.views.bars import Bar, Bars, probability
from app.views.colorbar import ColorBar
from app.views.pairbars import PairBars, PairRow
from app.views.scoregrid import ScoreGrid
from app.views.tokenmap import TokenMap
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, row, swap
from app.words import say
from engines.core.errors import Message
from engines.transformer.experiments.spec import (
    EVERYWHERE,
    MOVES,
    RESTS,
    SAME,
    Causality,
    Convolved,
    Gradients,
    Placed,
)
from engines.transformer.spec import TransformerParams
from engines.transformer.switches import DECODER_FFN, ENCODER_FFN, Place

Cell = tuple[int, int]
SIDE_BY_SIDE = 4  #: options; more of them go into a menu
LARGEST, TALL = (72, 58), (96, 110)  #: px, a cell


class CausalPanel(QObject):
    """What a changed target token changes, with the mask and without.

    Signals
    -------
    chosen : int
        A target token was clicked.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.grid = ScoreGrid("diff", TALL)
        self.grid.export_name = "changed-logits"
        self.bar = HalfBar(Message("Change of a logit"), "diff")
        self.bar.drive(self.grid)
        self.bars = Bars(TALL[1], least_name=40, widest="00.000")
        say(self.bars, "setAccessibleName", "This token")
        self.said = [label("", BODY, wrap=True) for _ in range(3)]
        foot = row((self.bar, 1), ends(), gap=S3)
        self.map_card = card("Effect of a changed token on the logits", self.grid, foot=foot)
        self.row_card = card("This token", col(*self.said, (self.bars, 1), gap=S2))
        self.centre = box(row((self.map_card, 8), (self.row_card, 5), gap=S3))
        self._frame: Causality | None = None
        self._causal = True
        self._row = 0
        self._pointed: int | None = None  # the row under the pointer
        self.grid.clicked.connect(lambda cell: self.chosen.emit(cell[0]))
        self.grid.hovered.connect(self._point)

    def take(self, frame: Causality, params: TransformerParams, token: int) -> None:
        """Show what was measured, with the target token that is looked at."""
        if self._frame is None or frame.target != self._frame.target or frame is self._frame:
            self._pointed = None  # other rows, or the hand's own doing
        self._frame, self._causal = frame, params.lab_causal
        self._row = min(token, len(frame.target) - 1)
        moved = frame.moved[int(self._causal)]
        top = float(frame.moved.max()) or 1.0
        self.grid.set_table(moved, top, "diff")
        names = spoken(frame.target)
        self.grid.set_names([f"{a} → {b}" for a, b in zip(names, spoken(frame.changed), strict=True)], names)
        if self._causal:
            hidden = np.tril(np.ones_like(moved, bool), -1)
            self.grid.set_off(hidden & (moved < RESTS), "0")
        self.bar.set_range(0, top)
        note = "Row: the token that is changed. Column: the position whose logits are compared."
        self.map_card.set_note(Message("mask on" if self._causal else "mask off"))
        say(self.grid, "setToolTip", note)
        self.grid.set_at((self._row, -1))
        self._show_row(self._row if self._pointed is None else self._pointed)

    def _point(self, cell: Cell | None) -> None:
        self._pointed = None if cell is None else cell[0]
        self._show_row(self._row if self._pointed is None else self._pointed)

    def _show_row(self, at: int) -> None:
        frame = self._frame
        if frame is None:
            return
        moved = frame.moved[int(self._causal)][at]
        names = spoken(frame.target)
        changed = spoken(frame.changed)[at]
        self.row_card.set_note("position {n}", n=at + 1)
        first = Message("Position {n}: {old} becomes {new}.", {"n": at + 1, "old": names[at], "new": changed})
        before = float(moved[:at].max()) if at else 0.0
        if not at:
            second = Message("There is nothing before it.")
        elif before < RESTS:
            second = Message("Logits before it: unchanged ({value}).", {"value": tiny(before)})
        else:
            second = Message("Logits before it change by up to {value}: they see the future.", {"value": tiny(before)})
        after = Message("From it on they change by up to {value}.", {"value": tiny(float(moved[at:].max()))})
        for line, text in zip(self.said, (first, second, after), strict=True):
            say(line, "setText", text)
        top = float(frame.moved.max()) or 1.0
        self.bars.set_bars(
            [
                Bar(f"{i + 1}  {name}", ((float(v), "danger" if i < at else "cat0"),), tiny(float(v)))
                for i, (name, v) in enumerate(zip(names, moved, strict=True))
            ],
            top,
        )


class ResidualPanel(QObject):
    """Gradient norms with all residual connections and without some.

    Signals
    -------
    switched : tuple of (kind, layer)
        All that are off now.
    """

    switched = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.bars = PairBars((Message("all on"), Message("as set"), Message("ratio")), Message("off"))
        self.bars.export_name = "gradient-norms"
        say(self.bars, "setAccessibleName", "Gradient norm per sublayer")
        self.none = button("All on", kind="boxed", clicked=lambda: self.switched.emit(()))
        self.every = button("All off", kind="boxed", clicked=lambda: self.switched.emit(EVERYWHERE))
        self.said, self.hint = quiet("", wrap=True), quiet("Click a row to switch its residual connection.")
        self.card = card(
            "Gradient norm per sublayer",
            self.bars,
            tools=[self.none, self.every],
            foot=col(self.said, self.hint, gap=2),
        )
        self.centre = box(row((self.card, 1), gap=S3))
        self._places: tuple[Place, ...] = ()
        self._off: tuple[Place, ...] = ()
        self.bars.clicked.connect(self._toggle)

    def _toggle(self, at: int) -> None:
        off = set(self._off) ^ {self._places[at]}
        self.switched.emit(tuple(place for place in EVERYWHERE if place in off))

    def take(self, frame: Gradients, params: TransformerParams) -> None:
        """Show what was measured."""
        self._places, self._off = frame.places, params.lab_residuals_off
        self.bars.set_rows(
            [
                PairRow(place_name(place), float(a), float(b), place in frame.off)
                for place, a, b in zip(frame.places, frame.kept, frame.cut, strict=True)
            ]
        )
        self.card.set_note("trained weights" if frame.trained else "random weights")
        low, high = ratios(frame)
        loss = {"a": words.number(frame.loss[0], 3), "b": words.number(frame.loss[1], 3)}
        say(
            self.said,
            "setText",
            Message(
                "Ratios from {low} to {high}. Loss {a} → {b}.",
                loss | {"low": f"× {tiny(low)}", "high": f"× {tiny(high)}"},
            ),
        )
        self.none.setEnabled(bool(frame.off))
        self.every.setEnabled(len(frame.off) < len(frame.places))


class PositionsPanel(QObject):
    """Maps, accuracy and answer with positions and without.

    Signals
    -------
    headed : int
        A head was chosen, from 0.
    """

    headed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.maps = [TokenMap(rows_only=False) for _ in range(2)]  # without, with
        self.names = [label("", SMALL), label("", SMALL)]
        self.heads = Segments(("1",))
        self.holder = box(row(self.heads, gap=0))
        self.bar = ColorBar(Message("Weight"))
        self.bar.drive(*self.maps)
        self._frame: Placed | None = None
        self._count = 0
        for view, name, file in zip(self.maps, ("Without", "With"), ("without", "with"), strict=True):
            view.export_name = f"encoder-map-{file}-positions"
            say(view, "setAccessibleName", name)
            view.hovered.connect(lambda cell, view=view: self._light(view, cell))
        self.bars = Bars(36, widest="100.0 %")
        say(self.bars, "setAccessibleName", "Token accuracy")
        self.bars.setFixedHeight(72)
        self.said = [label("", BODY, wrap=True) for _ in range(5)]
        pair = row(*((col(self.names[n], (self.maps[n], 1), gap=S2), 1) for n in (1, 0)), gap=S3)
        foot = row((self.bar, 1), ends(), gap=S3)
        self.map_card = card("Encoder, layer 1", pair, tools=[self.holder], foot=foot)
        self.bars_card = card("Token accuracy", col(self.bars, *self.said[:3], 1, gap=S2), "held-out examples")
        self.text_card = card("Why", col(*self.said[3:], 1, gap=S2))
        below_ = row((self.bars_card, 1), (self.text_card, 1), gap=S3)
        self.centre = box(col((self.map_card, 1), below_, gap=S3))

    def take(self, frame: Placed, params: TransformerParams) -> None:
        """Show what was measured."""
        on = params.lab_positions
        self._frame = frame
        self._show_heads(frame.maps.shape[1])
        self.heads.set_at(min(params.walk_head, frame.maps.shape[1] - 1))
        self._show_maps()
        for n, name in enumerate(("without positions", "with positions")):
            chosen = n == int(on)
            say(self.names[n], "setText", name)
            theme.set_font(self.names[n], SMALL, chosen)
            theme.set_kind(self.names[n], "accent" if chosen else "quiet")
        names = Message("With"), Message("Without")
        self.bars.set_bars(
            [
                probability(names[0], frame.accuracy[1], token="accent" if on else "cat0"),
                probability(names[1], frame.accuracy[0], token="cat0" if on else "accent"),
            ],
            1.0,
        )
        source, without, having = (
            " ".join(map(str, spoken(tokens))) or "–" for tokens in (frame.tokens[:-1], *frame.answers)
        )
        lines = (
            Message("Input: {text}", {"text": source}),
            Message("Output with positions: {text}", {"text": having}),
            Message("Output without: {text}", {"text": without}),
            Message(
                "Shuffle the input: without positions the encoder's output is the same, shuffled ({a}). With them "
                "it is different ({b}).",
                {"a": below(frame.shuffled[0], RESTS), "b": above(frame.shuffled[1], MOVES)},
            ),
            Message("Two equal tokens have the same row and the same column of weights without positions."),
        )
        for n, (line, text) in enumerate(zip(self.said, lines, strict=True)):
            say(line, "setText", text)
            theme.set_font(line, BODY, n == (1 if on else 2))

    def _show_heads(self, count: int) -> None:
        if count == self._count:
            return
        self._count = count
        named = "H{n}" if count <= 4 else "{n}"  # more of them need the room
        made = Segments([Message(named, {"n": n + 1}) for n in range(count)], min(self.heads.at(), count - 1))
        swap(self.holder, self.heads, made)
        self.heads = made
        made.chosen.connect(self.headed)

    def _show_maps(self) -> None:
        if self._frame is None:
            return
        top = float(self._frame.maps.max()) or 1.0
        names = spoken(self._frame.tokens)
        for view, values in zip(self.maps, self._frame.maps[:, self.heads.at()], strict=True):
            view.set_values(values, top, 0.0)
            view.set_names(names, names)
        self.bar.set_range(0, top, name=Message("Shared scale"))

    def _light(self, view: TokenMap, cell: Cell | None) -> None:
        """The same cell in both maps, the value of the one that is pointed at on the scale."""
        for one in self.maps:
            one.set_lit(cell)
        self.bar.set_mark(view.share_at(cell))


class ConvolutionPanel(QObject):
    """An FFN as two linear maps and as two convolutions.

    Signals
    -------
    chosen : (kind, layer)
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Place, ...] = ()
        self.which: Segments | MenuButton = Segments(("FFN",))
        self.holder = box(row(self.which, gap=0))
        self.hidden = [ScoreGrid("diff", LARGEST) for _ in range(2)]
        self.output = [ScoreGrid("diff", LARGEST) for _ in range(2)]
        names = ("Linear: h = relu(x W₁ + b₁)", "1×1 convolution: h = relu(W₁ ∗ xᵀ + b₁)")
        outs = ("Linear: h W₂ + b₂", "1×1 convolution: W₂ ∗ hᵀ + b₂")
        for grids, said in ((self.hidden, names), (self.output, outs)):
            for grid, text in zip(grids, said, strict=True):
                say(grid, "setAccessibleName", text)
                grid.hovered.connect(lambda cell, pair=grids: self._lit(pair, cell))
        self.hidden_bar = HalfBar(Message("Activation"), "diff")
        self.output_bar = ColorBar(Message("Output"), "diff")
        self.hidden_bar.drive(*self.hidden)
        self.output_bar.drive(*self.output)
        self.told, self.active = quiet(""), quiet("")
        self.hidden_card = card(
            "Activations after the ReLU",
            col(quiet(names[0]), (self.hidden[0], 1), quiet(names[1]), (self.hidden[1], 1), gap=2),
            tools=[self.holder],
            foot=row((self.hidden_bar, 1), self.active, ends(), gap=S3),
        )
        self.output_card = card(
            "Outputs",
            col(quiet(outs[0]), (self.output[0], 1), quiet(outs[1]), (self.output[1], 1), gap=2),
            foot=row((self.output_bar, 1), self.told, gap=S3),
        )
        self.centre = box(col((self.hidden_card, 1), (self.output_card, 1), gap=S3))

    def set_layers(self, encoder: int, decoder: int) -> None:
        """The FFNs there are."""
        places = (*((ENCODER_FFN, i) for i in range(encoder)), *((DECODER_FFN, i) for i in range(decoder)))
        if places == self._places:
            return
        self._places = places
        options = [Message("Enc {n}" if k == ENCODER_FFN else "Dec {n}", {"n": i + 1}) for k, i in places]
        made = Segments(options) if len(options) <= SIDE_BY_SIDE else MenuButton(options)
        swap(self.holder, self.which, made)
        self.which = made
        made.chosen.connect(lambda at: self.chosen.emit(self._places[at]))

    def take(self, frame: Convolved, _params: TransformerParams) -> None:
        """Show what was measured."""
        if frame.place in self._places and self.which.at() != self._places.index(frame.place):
            self.which.set_at(self._places.index(frame.place))
        names = spoken(frame.tokens)
        for grids, values, bar in (
            (self.hidden, frame.hidden, self.hidden_bar),
            (self.output, frame.output, self.output_bar),
        ):
            end = float(np.abs(values).max()) or 1.0
            for grid, one in zip(grids, values, strict=True):
                grid.set_table(one, end, "diff")
                grid.set_names(names, ())
            bar.set_range(0 if bar is self.hidden_bar else -end, end)
        self.hidden_card.set_note(place_name(frame.place))
        say(self.told, "setText", Message("Largest difference {value}", {"value": below(frame.apart, SAME)}))
        say(self.active, "setText", Message("{share} nonzero", {"share": words.percent(frame.active, 0)}))

    @staticmethod
    def _lit(pair: list[ScoreGrid], cell: Cell | None) -> None:
        for grid in pair:
            grid.set_lit(cell)
