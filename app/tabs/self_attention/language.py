"""What the pages on a trained model share: the typed texts, the model, and what becomes of one that is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app import captions, theme, words
from app.cards import Card
from app.controls import HeadChips
from app.params_form import ParamsForm
from app.shell import Shell
from app.theme import BODY, HEAD, S1, S2, S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.widgets import MenuButton, box, col, label, row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event
from engines.self_attention.language.asking import CHANGE
from engines.self_attention.language.events import LanguageInfo, Written
from engines.self_attention.language.spec import LanguageParams

EXAMPLES = (
    ("The cat sat on the mat because it was tired.", "A sleepy kitten was lying on the rug."),
    ("The animal did not cross the street because it was too tired.",
     "The animal did not cross the street because it was too wide."),
    ("A man is playing a guitar.", "Nobody is playing a guitar."),
    ("The doctor asked the nurse a question and she answered it.", "She went to the bank of the river."),
    ("今天天气很好，我们去公园散步。", "外面阳光明媚，适合出门走走。"),
    ("Paris is the capital of France.", "Berlin is the capital of Germany."),
)  # fmt: skip
SIDES = ("A", "B")
LONGEST = 11  # letters of a token's name beside a map


def short(name: str) -> str:
    """A token as rows and columns have room for."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def in_utf16(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Start and length of some characters as Qt counts them: an emoji is two."""
    start, end = (len(text[:at].encode("utf-16-le")) // 2 for at in span)
    return start, end - start


class TextLines(QWidget):
    """One line or two to type in, examples, and what there is to say about their tokens.

    Signals
    -------
    typed : (str, str)
        A field of the settings, and its text.
    settled
        The hand has left a line.
    chosen : (str, str)
        An example.
    """

    typed = Signal(str, str)
    settled = Signal()
    chosen = Signal(str, str)

    def __init__(self, both: bool = True) -> None:
        super().__init__()
        self.lines = [QLineEdit() for _ in range(1 + both)]
        rows = []
        for name, field, line in zip(SIDES, ("first", "second"), self.lines, strict=False):
            theme.set_font(line, HEAD)
            words.say(line, "setPlaceholderText", "Type a sentence")
            words.say(line, "setAccessibleName", Message("Sentence {name}", {"name": name}))
            line.textEdited.connect(lambda text, field=field: self.typed.emit(field, text))
            line.editingFinished.connect(self.settled)
            rows.append(row(label(words.plain(name), BODY, True), (line, 1), gap=S2))
        shown = [Message("{first}", {"first": one}) for one, _ in EXAMPLES]
        examples = MenuButton(shown, prefix="Examples", tip="Sentences to try.")
        examples.chosen.connect(lambda index: self.chosen.emit(*EXAMPLES[index]))
        self.count = label("", BODY, kind="quiet")
        beside = col(examples, self.count, gap=S1) if both else row(self.count, examples, gap=S3)
        self.setLayout(row((col(*rows, gap=S1), 1), beside, gap=S3, pad=(S3, S2, S3, S2)))
        self.setObjectName("texts")

    def show_texts(self, params: LanguageParams) -> None:
        """The texts as the settings have them; the cursor stays where nothing has changed."""
        for line, text in zip(self.lines, (params.first, params.second), strict=False):
            if line.text() != text:
                line.setText(text)

    def show_problem(self, problem: Message | None) -> None:
        """Why the texts can't be read; None if they can."""
        for line in self.lines:
            theme.set_kind(line, "" if problem is None else "bad")
            theme.set_font(line, HEAD)
        if problem is not None:
            self._say(problem, "danger")

    def show_count(self, *texts: Written) -> None:
        """How many tokens there are, and how many more the model can't take; texts that are read apart are several."""
        cut = max(texts, key=lambda text: text.cut)
        if cut.cut:
            values = {"n": len(cut) + cut.cut, "most": len(cut)}
            self._say(Message("{n} tokens: the model takes {most}", values), "warn")
        else:
            self._say(Message("{n} {n:token|tokens}", {"n": sum(map(len, texts))}), "quiet")

    def _say(self, text: Message, kind: str) -> None:
        theme.set_kind(self.count, kind)
        theme.set_font(self.count, BODY)
        words.say(self.count, "setText", text)

    def light(self, text: Written | None, at: int | None) -> None:
        """Select the typed characters of a token, unless the hand is typing; None takes it back."""
        for number, line in enumerate(self.lines):
            if line.hasFocus():
                continue
            if text is not None and at is not None and text.sentence[at] == number and text.spans[at][1]:
                line.setSelection(*in_utf16(line.text(), text.spans[at]))
            else:
                line.deselect()


class LanguageForm(ParamsForm):
    """Some of the sliders, within what the model has, and its heads to switch off."""

    def __init__(self, params: LanguageParams, names: Iterable[str], chips: bool = True) -> None:
        super().__init__(params, names)
        self.chips = HeadChips("Heads") if chips else None
        if self.chips is not None:
            self.add(CHANGE, self.chips)

    def show_model(self, info: LanguageInfo) -> None:
        """Limits as the model has them."""
        for name, most in (("layer", info.layers), ("head", info.heads)):
            if name in self._controls:
                self.set_shown(name, most > 1)
                if most > 1:
                    self.set_limits(name, 1, most)


class LanguagePage(Page):
    """Base of the pages on a trained model.

    Attributes
    ----------
    info : LanguageInfo or None
        The model that answers.
    """

    params_type = LanguageParams
    takes_models = True
    params: LanguageParams
    both = True  #: two texts are asked for

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: LanguageInfo | None = None
        self._problem: Message | None = None
        self.texts = TextLines(self.both)
        self.texts.typed.connect(lambda field, text: self.change(**{field: text}))
        self.texts.settled.connect(self.settle)
        self.texts.chosen.connect(self._use_example)

    # -- what a subclass says
    def waiting(self) -> Sequence[Card]:
        """The cards that wait for the model."""
        return ()

    def draw(self, event: Event) -> None:
        """Draw what came."""

    def problem_of(self, params: LanguageParams) -> Message | None:
        """What keeps the engine from being asked."""
        if params.first.strip() or (self.both and params.second.strip()):
            return None
        return Message("There is no token in this text. Type a word.")

    # -- for subclasses
    def framed(self) -> QWidget:
        """The texts on a card of their own."""
        return box(col(self.texts), "card")

    def wire(self, form: LanguageForm) -> LanguageForm:
        """A form whose head chips switch heads of the chosen layer."""
        if form.chips is not None:
            form.chips.changed.connect(self._heads_switched)
        return form

    def await_all(self) -> None:
        """Nothing has come yet."""
        for one in self.waiting():
            one.set_empty("Reading the model")

    def layer_of(self) -> int:
        """The chosen layer as the model has it, counted from 1."""
        return self.params.layer if self.info is None else min(self.params.layer, self.info.layers)

    # -- the hand
    def _use_example(self, first: str, second: str) -> None:
        self.step(first=first, second=second) if self.both else self.step(first=first)

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        layer = self.layer_of()
        others = [pair for pair in self.params.heads_off if pair[0] != layer]
        self.step(heads_off=tuple(sorted([*others, *((layer, head + 1) for head in off)])))

    # -- the contract
    def answerable(self) -> bool:
        return self._problem is None

    def on(self, event: Event) -> None:
        match event:
            case LanguageInfo():
                self.info = event
                self.change(answered_by=event)
                self._show_limits()
            case Ended() if event.error is not None:
                self._went_wrong(event)
            case _:
                self.draw(event)

    def show_params(self, params: LanguageParams) -> None:
        self.texts.show_texts(params)
        self._problem = self.problem_of(params)
        self.texts.show_problem(self._problem)
        self._show_limits()

    def _show_limits(self) -> None:
        info = self.info
        for form in self.forms:
            if isinstance(form, LanguageForm):
                if info is not None:
                    form.show_model(info)
                if form.chips is not None:
                    form.chips.setVisible(info is not None)
                    if info is not None:
                        layer = self.layer_of()
                        off = [h - 1 for at, h in self.params.heads_off if at == layer and h <= info.heads]
                        form.chips.show_heads(info.heads, off)

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        info = self.params.answered_by
        if info is not None and self.params.model not in ("", info.source) and not ended.misplaced:
            self.state.put(model=info.source)
        elif self.info is None:
            for one in self.waiting():
                one.set_empty("Nothing to show yet.")

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source}

    def deactivated(self) -> None:
        self.tell(None)
        self.texts.light(None, None)

    def exported(self) -> dict[str, object]:
        params = self.params
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        made |= {name: getattr(params, name) for name in ("first", "second", "heads_off", "hidden", "gap", "query",
                                                          "key", "sentences")}  # fmt: skip
        made["page"] = self.name()
        if self.info is not None:
            made |= {"model": self.info.source, "title": self.info.title, "sha256": self.info.sha256}
        return made

    def caption(self) -> Iterator[Text]:
        pairs = [Message("L{layer} H{head}", {"layer": at, "head": head}) for at, head in self.params.heads_off]
        yield from captions.heads_off(pairs)
