"""The page "Decode": an input of one's own, decoded step by step, with everything each step looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app import theme, words
from app.cards import UNBOUND, Card, card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.transformer.labwords import state_name
from app.tabs.transformer.maps import Maps, show_place
from app.theme import BODY, HEAD, S2, S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.base import PixelView
from app.views.tokenlinks import TokenLinks
from app.views.tokenmap import token
from app.widgets import MenuButton, box, button, col, label, quiet, row
from app.words import Text, say
from engines.checkpoints.catalog import credited
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.data.sequences import (
    CHINESE_DIGITS,
    COPY,
    DATES,
    DIGITS_CHINESE,
    DIGITS_ENGLISH,
    ENGLISH_DIGITS,
    REVERSE,
    SORT,
    task,
)
from engines.data.vocabulary import EOS, SPECIAL
from engines.transformer.decode.spec import BEAM, Answer, DecodingParams, Hypothesis
from engines.transformer.recipe import PREFIX
from engines.transformer.spec import TransformerParams, problem_of

MADE_WITH = tuple(f.name for f in fields(DecodingParams) if f.name != "weights")
PLAY = 450  #: ms between two steps
LEAST_CHANCE = 1e-5  #: candidates below it are told together
LONGEST_NAME = 20  #: characters of a beam that is named in full
PROBLEM = 380  #: px, a line of what is wrong with the input; longer ones wrap
ANSWER = 440  #: px, the answer and what is said of it in one line; longer ones wrap
EXAMPLES = {
    REVERSE: ("attention", "stressed", "abcdefghijkl", "level"),
    COPY: ("transformer", "aaaa", "zebra"),
    SORT: ("alphabetic", "zyxwvu", "banana"),
    DATES: (
        "3 May 1998", "March 21st, 2031", "1 jan 1000", "31st of december 1999", "2024年2月29日", "一九九八年五月三日",
    ),
    ENGLISH_DIGITS: ("one thousand two hundred thirty-four", "ninety nine thousand and nine", "six hundred thousand"),
    DIGITS_ENGLISH: ("1234", "100001", "99999", "17"),
    CHINESE_DIGITS: ("一千二百三十四", "九十九万零九", "十二", "两万两千"),
    DIGITS_CHINESE: ("1234", "100001", "99999", "20020"),
}  # fmt: skip


class DecodePage(Page):
    """Views of the page."""

    title = "Decode"
    params_type = TransformerParams
    engine = "engines.transformer.decode.engine:Engine"
    asks = DecodingParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Answer | None = None
        self._task = ""
        self._problem: Message | None = None
        self._at, self._until = 0, -1
        self._make_views()
        centre = self._make_cards()
        self._connect()
        self.form = ParamsForm(self.params, ("layer", "head", "source", "method", "beams", "penalty"))
        self.lay(centre, self.form, resets=False)

    def _make_views(self) -> None:
        self.line = QLineEdit()
        theme.set_font(self.line, HEAD)
        say(self.line, "setPlaceholderText", "Type an input")
        say(self.line, "setAccessibleName", "Input")
        self.count = label("", BODY, kind="quiet")
        self.examples = MenuButton([words.plain(" ")], prefix="Examples", tip="Inputs to try.")
        self.links = TokenLinks()
        self.at = quiet("")
        self.back = button(icon="left", kind="boxed", tip="One step back", clicked=lambda: self.go(-1))
        self.play = button(icon="play", kind="boxed", tip="Decode step by step (Space)", clicked=self.toggle)
        self.forward = button(icon="right", kind="boxed", tip="One step forward", clicked=lambda: self.go(1))
        self.result = label("", BODY, True)
        self.verdict = label("", BODY, kind="quiet")
        self.chances = quiet("", wrap=True)
        self.beams = Bars(pitch=24, least_name=60, widest="−00.00", widest_note="−00.00")
        self.beams.export_name = "beams"
        say(self.beams, "setAccessibleName", "Beams")
        self.maps = Maps()

    def _make_cards(self) -> QWidget:
        top = box(row((self.line, 1), self.count, self.examples, gap=S3, pad=(S3, S2, S3, S2)), "card")
        self.said = row(self.result, self.verdict, 1, quiet("○ start, ● end"), gap=S2)
        foot = col(self.chances, self.said, gap=S2)
        tools = [self.at, self.back, self.play, self.forward]
        self.links_card = card("Output, token by token", self.links, tools=tools, foot=foot)
        ranking = quiet("Bar: probability. Ranked by score.")
        self.beams_card = card("Kept beams", self.beams, "log p, score", foot=ranking)
        upper = row((self.links_card, 11), (self.beams_card, 5), gap=S3)
        lower = row(*((one, 1) for one in self.maps.cards.values()), gap=S3)
        for waiting in self.cards:
            waiting.set_empty("Reading the bundled weights")
        return box(col(top, (upper, 10), (lower, 14), gap=S3))

    def _connect(self) -> None:
        self.timer = QTimer(self, interval=PLAY)
        self.timer.timeout.connect(self._tick)
        self.line.textEdited.connect(lambda text: self.change(text=text))
        self.line.editingFinished.connect(self._leave_line)
        self.examples.chosen.connect(lambda i: self.step(text=EXAMPLES[self._task][i]))
        self.maps.placed.connect(lambda layer, head: self.step(layer=layer, head=head))
        self.links.chosen.connect(self._clicked)
        self.links.hovered.connect(self.maps.light)
        self.maps.chosen.connect(self._clicked)
        self.maps.lit.connect(self.links.set_lit)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards with results."""
        return self.links_card, self.beams_card, *self.maps.cards.values()

    @property
    def views(self) -> tuple[PixelView, ...]:
        """What can be exported."""
        return self.links, self.beams, *self.maps.views

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        for name in ("beams", "penalty"):
            self.form.set_shown(name, params.method == BEAM)
        self.beams_card.setVisible(params.method == BEAM)
        self._show_line(params)
        self.show_problem(problem_of(params.task, params.text))
        self._place()

    def on(self, event: Event) -> None:
        match event:
            case Answer():
                self.draw_answer(event)
            case Ended() if event.error is not None and self.answer is None:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def key(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() == Qt.Key.Key_Space:
            self.toggle()
        return plain and event.key() == Qt.Key.Key_Space

    def escape(self) -> None:
        self.maps.clear_pin()

    def exported(self) -> dict[str, object]:
        kept = (*MADE_WITH, "layer", "head", "token", "source")
        made: dict[str, object] = {name: getattr(self.params, name) for name in kept}
        if self.answer is not None and self.answer.step < 0:  # not a state of a run
            made |= credited(PREFIX + task(self.answer.task).slug)
        return made

    # -- the line
    def _show_line(self, params: TransformerParams) -> None:
        """Bring the line and the examples to the settings."""
        text = params.text or ("" if self.line.hasFocus() else task(params.task).sample)
        if self.line.text() != text:
            self.line.setText(text)
        if params.task != self._task:
            self._task = params.task
            self.examples.set_options([words.plain(one) for one in EXAMPLES[params.task]])

    def _leave_line(self) -> None:
        """The end of an undo step."""
        self.settle()
        self._show_line(self.params)

    def show_problem(self, problem: Message | None) -> None:
        """Say what is wrong with the line; the old answer stays."""
        self._problem = problem
        theme.set_kind(self.line, "" if problem is None else "bad")
        theme.set_font(self.line, HEAD)
        if problem is not None:
            self._say(problem, "danger")
        elif self.answer is not None:
            self._say_count(self.answer)

    def _say(self, text: Message, kind: str) -> None:
        theme.set_kind(self.count, kind)
        theme.set_font(self.count, BODY)
        wide = theme.text_width(words.drawn(text), BODY) > PROBLEM
        self.count.setWordWrap(wide)  # else it would leave no room for the line it is about
        self.count.setMinimumWidth(PROBLEM if wide else 0)
        say(self.count, "setText", text)

    def _say_count(self, shown: Answer) -> None:
        count = len(shown.source) - 1
        plain = Message("{n} {n:token|tokens}", {"n": count})
        self._say(shown.note or plain, "warn" if shown.note else "quiet")

    # -- what the engine tells
    def draw_answer(self, shown: Answer) -> None:
        """Draw everything."""
        other = self.answer is None or (shown.task, shown.source) != (self.answer.task, self.answer.source)
        self.answer = shown
        for one in self.cards:
            one.set_empty(None)
        if other:
            self._until = -1
            self.timer.stop()
            self.play.set_icon("play")
        if self._problem is None:
            self._say_count(shown)
        candidates = [[(c.token, c.probability) for c in at] for at in shown.candidates]
        self.links.set_tokens(shown.source, shown.target, shown.said, candidates)
        self.maps.show_weights(shown.weights, shown.source, shown.target)
        self._show_verdict(shown)
        self.links_card.set_note(state_name(shown.step))
        self._place()

    def _show_verdict(self, shown: Answer) -> None:
        ended = shown.said[-1] == SPECIAL[EOS]
        if not ended:
            text, kind = Message("No end token: truncated."), "warn"
        elif shown.right is None:
            text, kind = Message("This input has no reference output."), "quiet"
        elif shown.right == shown.text:
            text, kind = Message("right"), "ok"
        else:
            text, kind = Message("wrong: expected {right}", {"right": words.plain(shown.right)}), "danger"
        theme.set_kind(self.verdict, kind)
        theme.set_font(self.verdict, BODY)
        answer = shown.text or "–"
        wide = round(theme.text_width(answer, BODY, True)), round(theme.text_width(words.drawn(text), BODY))
        long = sum(wide) > ANSWER
        for at, (part, said) in enumerate(((self.result, words.plain(answer)), (self.verdict, text))):
            part.setWordWrap(long)
            part.setMaximumWidth(wide[at] + S2 if long else UNBOUND)  # as wide as it needs, and no wider
            self.said.setStretch(at, wide[at] if long else 0)
            say(part, "setText", said)

    # -- steps
    def _place(self) -> None:
        """Mark the layer, head and step that are looked at."""
        self._at = self.params.token
        show_place(self.form, self.maps, self.params)
        if self.answer is not None:
            self._show_step()

    def _show_step(self) -> None:
        shown = self.answer
        if shown is None:
            return
        count = len(shown.said)
        step = min(self._at, count - 1)
        if 0 <= self._until < step:
            self._until = step
        every = shown.weights["cross"]
        layer, head = min(self.maps.layer, len(every)) - 1, min(self.maps.chosen_head, every.shape[1]) - 1
        self.links.set_weights(every[layer, head], shown.weights["decoder"][layer, head])
        self.links.set_until(self._until)
        self.links.set_at(step)
        say(self.at, "setText", Message("Step {n} of {all}", {"n": step + 1, "all": count}))
        told = [c for c in shown.candidates[step] if c.probability >= LEAST_CHANCE]
        likely = ", ".join(f"{token(c.token)} ({chance_of(c.probability)})" for c in told)
        all_told = len(told) == len(shown.candidates[step])
        text = "Step {n} predicts {likely}" if all_told else "Step {n} predicts {likely}, others (< 0.001 %)"
        say(self.chances, "setText", Message(text, {"n": step + 1, "likely": likely}))
        self.back.setEnabled(step > 0)
        self.forward.setEnabled(step < count - 1)
        self._show_beams(shown, step)

    def _show_beams(self, shown: Answer, step: int) -> None:
        whole = self._until < 0 or step >= len(shown.steps)
        kept = shown.best if whole else shown.steps[step]
        bars = []
        for name, one in zip(names_of(kept), kept, strict=True):
            chance = min(1.0, math.exp(one.log_probability))
            logarithm, score = words.number(one.log_probability, 2), words.number(one.score, 2)
            bars.append(Bar(name, ((chance, "accent"),), logarithm, note=score))
        self.beams.set_bars(bars, 1.0)

    def _clicked(self, step: int) -> None:
        self._until = -1
        self._choose(step)

    def _choose(self, step: int) -> None:
        self.change(token=step)

    def go(self, by: int) -> None:
        """Another step; later ones are not there yet."""
        if self.answer is None:
            return
        last = len(self.answer.said) - 1
        step = min(last, max(0, min(self._at, last) + by))  # what is looked at may lie behind a shorter answer
        self._until = step if step < last else -1
        self._choose(step)
        self._show_step()

    def toggle(self) -> None:
        """Play the steps from the first one, or stop."""
        if self.timer.isActive():
            self._stop()
            return
        if self.answer is None:
            return
        self.play.set_icon("pause")
        self._until = 0
        self._choose(0)
        self._show_step()
        self.timer.start()

    def _tick(self) -> None:
        if self.answer is None or self._at >= len(self.answer.said) - 1:
            self._stop()
            return
        self.go(1)

    def _stop(self) -> None:
        self.timer.stop()
        self.play.set_icon("play")


def names_of(kept: Sequence[Hypothesis]) -> list[Text]:
    """What beams are called: themselves, or where they are too long, where each first differs from the best one."""
    spoken = [[t for t in one.tokens if t not in SPECIAL] for one in kept]
    apart = " " if any(len(t) > 1 for said in spoken for t in said) else ""
    texts = [apart.join(said) for said in spoken]
    if max(map(len, texts), default=0) <= LONGEST_NAME:
        return [words.plain(text or "–") for text in texts]
    named: list[Text] = [Message("the best")]
    for one in kept[1:]:
        pairs = zip(one.tokens, kept[0].tokens, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one.tokens), len(kept[0].tokens)) - 1)
        named.append(Message("{n}: {token}", {"n": at + 1, "token": str(token(one.tokens[at]))}))
    return named


def chance_of(share: float) -> str:
    """A probability with as many digits as tell it from none and from all: ``99.98 %``, ``0.004 %``."""
    points = 100 * share
    digits = next(n for n, most in ((3, 0.1), (2, 1), (1, 99.5), (2, 99.995), (0, math.inf)) if points < most)
    return words.percent(share, digits)
