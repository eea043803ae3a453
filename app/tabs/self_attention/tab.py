"""The tab "Self-attention & positions": pages over one engine and one set of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from app import words
from app.params_form import ParamsForm
from app.tab import Dock, Page, TopicTab
from app.tabs.self_attention.cost import CostPage
from app.tabs.self_attention.positions import PositionsPage
from app.tabs.self_attention.sentence import EXAMPLES, SentencePage
from app.views.base import PixelView
from app.widgets import WideButton, quiet
from engines.core.errors import LabError, Message
from engines.core.params import Params
from engines.core.protocol import Ended, Event
from engines.self_attention.spec import (
    COST,
    NUMBERS,
    AttentionFrame,
    CostFrame,
    MeasuredFrame,
    PositionsFrame,
    SelfAttentionParams,
    tokens_of,
)

LINE = ("split", "text", "numbers")  #: what the tokens are read from
LOOKS: dict[str, Any] = {"token": 0, "cost_length": SelfAttentionParams.cost_length, "column": 0}  # no work for engines


class SelfAttentionTab(TopicTab):
    """Pages "Sentence", "Positions" and "Cost"."""

    params_type = SelfAttentionParams
    intervenes: ClassVar[tuple[str, ...]] = ("shuffle", "positions", "kind", "weights", "temperature")
    params: SelfAttentionParams

    # -- building
    def build(self) -> Sequence[Page]:
        if words.language() == "zh" and self.params.text == SelfAttentionParams.text:
            self.params = replace(self.params, text=EXAMPLES[1][1])
        self.sentence, self.code, self.cost = SentencePage(), PositionsPage(), CostPage(self.measure)
        for waiting in (*self.sentence.cards, *self.code.cards):
            waiting.set_empty("Reading the sentence")
        self._measures = False
        defaults = SelfAttentionParams()
        self._read = {name: getattr(defaults, name) for name in LINE}  # the last line that could be read
        self.form = ParamsForm(
            defaults,
            ("split", "shuffle", "shuffle_seed", "positions", "kind", "weights", "dim", "temperature", "seed"),
        )
        self.code_form = ParamsForm(defaults, ("kind", "length", "column", "dim", "seed"))
        self.cost_form = ParamsForm(defaults, ("cost_length", "cost_dim", "kernel"))
        self.measure_button = WideButton("Measure", "play", tip="Times and counts each layer at lengths 4 to 2,048.")
        self.measure_button.clicked.connect(lambda _checked=False: self.measure())
        self.cost_form.add(COST, self.measure_button)
        self.cost_form.add(COST, quiet("One layer of each kind, on this machine. Another d or k ends it.", wrap=True))
        self.sentence.typed.connect(self.type_text)
        self.sentence.entered.connect(self.history.seal)
        self.sentence.example.connect(self.use_example)
        self.sentence.chosen.connect(lambda at: self.change(undoable=False, token=at))
        self.cost.picked.connect(lambda n: self.change(cost_length=n))
        self.cost.settled.connect(self.history.seal)
        return [
            Page("Sentence", self.sentence.centre, Dock(self.form)),
            Page("Positions", self.code.centre, Dock(self.code_form)),
            Page("Cost", self.cost.centre, Dock(self.cost_form, resets=False)),
        ]

    # -- acts
    def type_text(self, text: str) -> None:
        """Another sentence, or other numbers; one undo step until the hand leaves the line."""
        fields: dict[str, Any] = {"numbers" if self.params.split == NUMBERS else "text": text}
        self.change(**fields)

    def use_example(self, index: int) -> None:
        """Show one of the examples."""
        split, text = EXAMPLES[index]
        fields: dict[str, Any] = {"split": split, "numbers" if split == NUMBERS else "text": text}
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def measure(self) -> None:
        """Measure the cost, or stop measuring."""
        if self._measures:
            self.stream.stop()
            return
        self._measures = True
        self.cost.clear()
        self._show_measure()
        self.stream.request(replace(self._readable(), measure=True), again=True)

    def undo(self) -> None:
        """One step back; the token that is looked at is no part of a step."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        if isinstance(params, SelfAttentionParams):
            self._use(replace(params, token=self.params.token))

    def _show_measure(self) -> None:
        words.say(self.measure_button, "setText", "Stop" if self._measures else "Measure")
        words.say(self.measure_button, "setAccessibleName", "Stop" if self._measures else "Measure")

    # -- settings
    def _use(self, params: Params) -> None:
        assert isinstance(params, SelfAttentionParams)
        looks = replace(self.params, **LOOKS) == replace(params, **LOOKS) and not self.failed
        if looks:
            self.params = params
            self.show_params()
            self.shell.settings.keep(self.topic.name, params, self.kept)
        else:
            super()._use(params)
        self.sentence.show_problem(problem_of(params))

    def ask(self, again: bool = False) -> None:
        """Ask the engine; positions and cost follow the hand even while the line can't be read."""
        self.stream.request(self._readable(), again=again)

    def _readable(self) -> SelfAttentionParams:
        """The settings, with the last line that could be read where the present one can't."""
        if problem_of(self.params) is None:
            self._read = {name: getattr(self.params, name) for name in LINE}
        found = replace(self.params, **self._read)
        if problem_of(found) is None:
            return found
        return replace(found, split=SelfAttentionParams.split, text=SelfAttentionParams.text)  # numbers too many for d

    def show_params(self) -> None:
        super().show_params()
        params = self.params
        self.sentence.show_line(params.numbers if params.split == NUMBERS else params.text)
        self.sentence.set_token(params.token)
        self.code_form.set_limits("column", 0, max(0, params.dim - 4))
        self.code.set_column(params.column)
        self.cost.set_length(params.cost_length)
        made: dict[str, object] = {k: v for k, v in asdict(params).items() if k != "measure"}
        for page in self.pages if hasattr(self, "pages") else ():
            for view in page.centre.findChildren(PixelView):
                view.settings = made
        for plot in (self.code.curves, self.code.offset):
            plot.settings = made

    # -- events
    def on(self, event: Event) -> None:
        match event:
            case AttentionFrame() if problem_of(self.params) is None or not self.sentence.has_answer:
                self.sentence.show_answer(event, self.params)
            case PositionsFrame():
                self.code.show_answer(event)
            case CostFrame():
                self.cost.show_formulas(event)
            case MeasuredFrame():
                self.cost.show_measured(event)
            case Ended():
                self._measures = False
                self._show_measure()
                if event.error is not None and not self.sentence.has_answer:
                    for waiting in (*self.sentence.cards, *self.code.cards):
                        waiting.set_empty("Nothing to show yet.")

    def retranslated(self) -> None:
        """Some texts are drawn when an answer comes."""
        self.cost.retranslated()


def problem_of(params: SelfAttentionParams) -> Message | None:
    """What keeps the tokens from being read."""
    try:
        tokens_of(params)
    except LabError as problem:
        return problem.message
    return None
