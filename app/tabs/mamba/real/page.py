"""The page "Real": a Mamba of the hub on a text of one's own."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit

from app import theme, words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.theme import HEAD, S2, S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bars, probability
from app.views.lanes import BARS, HEAT, Lane, Lanes
from app.widgets import WideButton, box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.mamba.real.spec import CHANGE, SAMPLE, Absent, ModelInfo, RealParams, TextFrame


class RealPage(Page):
    """Three cards and what they show."""

    title = "Real"
    params_type = RealParams
    engine = "engines.mamba.real.engine:Engine"
    takes_models = True
    params: RealParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: TextFrame | None = None
        self.info: ModelInfo | None = None
        self.lanes, self.own, self.bars = Lanes(), Lanes(), Bars(26, 60, widest="100.0 %", widest_note="+100.0")
        self.lanes.export_name, self.own.export_name, self.bars.export_name = "tokens", "channels", "next"
        for view, name in (
            (self.lanes, "Token by token"), (self.own, "Δ of the channels"), (self.bars, "What comes next")
        ):  # fmt: skip
            words.say(view, "setAccessibleName", name)
        self.line = QLineEdit()
        theme.set_font(self.line, HEAD)
        words.say(self.line, "setPlaceholderText", "Type a text")
        words.say(self.line, "setAccessibleName", "Text")
        self.line.textEdited.connect(lambda text: self.change(text=text))
        self.line.editingFinished.connect(self.settle)
        top = box(row((self.line, 1), gap=S3, pad=(S3, S2, S3, S2)), "card")
        self.lane_card = card("Token by token", self.lanes)
        self.own_card = card("Δ of the channels", self.own)
        says = quiet("A click on a word adds it to the text.", wrap=True)
        self.bar_card = card("What comes next", self.bars, foot=says)
        self.bars.clicked.connect(self._add)
        for lanes in (self.lanes, self.own):
            lanes.chosen.connect(lambda at: self.change(token=at))
        self.lanes.hovered.connect(self.own.set_lit)
        self.own.hovered.connect(self.lanes.set_lit)
        form = ParamsForm(self.params)
        self.remove_button = WideButton("Silence the token", "cross", tip="It writes nothing into the state of any "
                                        "layer. Once more: it writes again.")  # fmt: skip
        self.remove_button.clicked.connect(lambda _checked=False: self._remove())
        form.add(CHANGE, self.remove_button)
        form.add(SAMPLE, quiet("Bars are at this temperature; the dashed outline is the untouched model.", wrap=True))
        left = col((self.lane_card, 3), (self.own_card, 1), gap=S3)
        self.lay(box(col(top, (row((left, 3), (self.bar_card, 1), gap=S3), 1), gap=S3)), form)

    # -- the hand
    def _add(self, index: int) -> None:
        if self.shown is None or index >= len(self.shown.pieces):
            return
        if self.shown.cut:
            self.tell(Message("The text is longer than {n} tokens: shorten it first.", {"n": len(self.shown.tokens)}))
        elif piece := self.shown.pieces[index]:
            self.step(text=self.params.text + piece)
        else:
            self.tell(Message("This token is a part of a character: no text can end with it."))

    def _remove(self) -> None:
        """Silence the token looked at, or let it write again."""
        at = self.params.token if self.params.token >= 0 else -1
        if self.shown is not None:
            at = at if at >= 0 else len(self.shown.tokens) - 1
            self.step(removed=-1 if self.params.removed == at else at)

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case Absent():
                self.shown = self.info = None
                text = "No Mamba that knows words is on this machine. {name} has {size} MB."
                values = {"name": event.offered, "size": words.number(event.size)}
                self.lane_card.set_empty(Message(text, values), "Download", lambda: self.shell.download(event.offered))
                for one in (self.own_card, self.bar_card):
                    one.set_empty("Here stands what the model says of a text.")
            case ModelInfo():
                self.info = event
                for name, most in (("layer", event.layers), ("channel", event.channels)):
                    self.forms[0].set_limits(name, 1, most)
                if self.params.answered_by is not event:
                    self.change(answered_by=event)
            case TextFrame():
                self.shown = event
                self._draw(event)

    def show_params(self, params: RealParams) -> None:
        if self.line.text() != params.text:
            self.line.setText(params.text)
        for lanes in (self.lanes, self.own):
            lanes.set_at(params.token)

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source}

    def escape(self) -> None:
        self.change(token=-1)

    def exported(self) -> dict[str, object]:
        made = {name: value for name, value in super().exported().items() if name not in ("answered_by", "model")}
        if self.shown is None:
            return made
        return made | {name: getattr(self.shown, name) for name in ("model", "title", "sha256")}

    # -- drawing
    def _draw(self, shown: TextFrame) -> None:
        for one in (self.lane_card, self.own_card, self.bar_card):
            one.set_empty(None)
        lanes = [
            Lane("Δ", shown.delta, HEAT, weight=4, ramp="ember", key="delta", note=Message("by layer")),
            Lane("‖h‖", shown.norms, HEAT, weight=4, low=0.0, ramp="ember", key="norms",
                 note=Message("over its mean")),
            Lane(Message("Surprise"), shown.surprise, BARS, tokens=("cat0",), weight=2, low=0.0, digits=1,
                 key="surprise", note=Message("bits")),
        ]  # fmt: skip
        bold = () if shown.removed < 0 else (shown.removed,)
        self.lanes.set_lanes(lanes, shown.tokens, bold)
        if shown.removed >= 0:
            said = Message("{token} is silent", {"token": shown.tokens[shown.removed]})
            self.lane_card.set_note(said)
        elif shown.cut:
            self.lane_card.set_note("the first {n} tokens", n=len(shown.tokens))
        else:
            self.lane_card.set_note("{n} {n:token|tokens}", n=len(shown.tokens))
        self.own.set_lanes([Lane("Δ", shown.own, HEAT, ramp="ember", key="delta_of_layer",
                                 note=Message("layer {n}", {"n": shown.layer}))], shown.tokens)  # fmt: skip
        changed = self.params.changes() > 0
        self.bars.set_bars(
            [
                probability(words.plain(name), float(now), float(before) if changed else None)
                for name, now, before in zip(shown.next_tokens, shown.chances, shown.plain, strict=True)
            ],
            1.0,
        )
