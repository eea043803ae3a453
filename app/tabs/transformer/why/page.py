"""The page "Why": claims about attention, each with a switch, a number and a formula in the numbers of one's input."""

from __future__ import annotations

from dataclasses import fields

from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app import theme, words
from app.cards import card
from app.choosers import shortened
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.tabs.transformer.labwords import spoken
from app.tabs.transformer.why.panels import Panels
from app.tabs.transformer.why.wording import ABOUT, answer_of, finding, lines, told, where
from app.theme import BODY, S1, S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.formula import FormulaView
from app.views.verdicts import Verdict, Verdicts
from app.widgets import MenuButton, box, button, col, label, quiet, row
from app.words import known, say
from engines.blocks.naming import KIND, NEXT, OF_TEXT
from engines.blocks.naming import SENTENCE as COSINE
from engines.checkpoints import backbones
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.transformer.spec import TransformerParams
from engines.transformer.why import spec
from engines.transformer.why.spec import (
    CLAIMS,
    COLLAPSE,
    KERNEL,
    KEYS,
    MATRICES,
    ROTATION,
    SENTENCE,
    SOFTMAX,
    SPHERE,
    STREAM,
    TEXT,
    VARIANCE,
    VISION,
    Reasons,
    WhyParams,
)

LIST_WIDTH = 236  #: px
SHOWS: dict[str, tuple[str, ...]] = {
    KEYS: ("added_to", "noise"),
    MATRICES: ("matrix",),
    STREAM: (),
    COLLAPSE: ("layers_deep",),
    SPHERE: ("times",),
    KERNEL: ("equal",),
    ROTATION: ("shift", "sine"),
    SOFTMAX: ("sharpness",),
    VARIANCE: ("net_depth", "net_pre", "net_scaled"),
}
MODELS = {SENTENCE: "why_language", VISION: "why_model"}
OF_HEAD = (KEYS, MATRICES, KERNEL, SOFTMAX)  #: claims of one head
OF_PLACE = (*OF_HEAD, SPHERE)  #: claims of one attention


class WhyPage(Page):
    """A list of claims; of the one that is looked at its formula above, two views of its numbers below."""

    title = "Why"
    params_type = TransformerParams
    engine = "engines.transformer.why.engine:Engine"
    asks = WhyParams
    takes_pictures = True
    params: TransformerParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.seen: Reasons | None = None
        self._drawn: tuple[object, ...] = ()
        self._models: list[str] = []
        self._listed: tuple[str, str, str] | None = None
        self.list = Verdicts("Claims")
        self.formula = FormulaView("Formula")
        self.panels = Panels()
        self.which = MenuButton((Message("Layer {n}", {"n": 1}),), 0, tip="The attention that is opened.")
        self.head = MenuButton((Message("Head {n}", {"n": 1}),), 0, tip="Each head has its own Q, K and V.")
        self.model = MenuButton((words.plain(" "),), 0, tip="The model that looks at the photo, or reads.")
        self.photo = button("Open pictures", kind="boxed", clicked=lambda: self.shell.open_files())
        self.photo_box = box(col(self.photo))
        self.typed = {"why_first": QLineEdit(), "why_second": QLineEdit()}
        self.problem = label("", BODY, kind="danger", wrap=True)
        self.text_box = box(col(*self.typed.values(), self.problem, gap=S1))
        self.seen_by = box(col(self.model, self.photo_box, self.text_box))
        for menu in (self.which, self.head, self.model, self.photo):
            menu.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.form = ParamsForm(self.params, ["subject"])
        self.own = ParamsForm(self.params, [name for names in SHOWS.values() for name in names])
        self.opened = box(section("Attention", self.which, self.head))
        self.about, self.told = quiet("", wrap=True), quiet("", wrap=True)
        self.lay(
            self._make_cards(),
            box(col(self.form, self.seen_by, self.opened, self.own, gap=S3)),
            box(section("What is shown", self.about, self.told)),
            resets=False,
        )
        self._connect()
        self._show_list()

    def _make_cards(self) -> QWidget:
        self.list_card = card("Claims", self.list)
        self.list_card.setFixedWidth(LIST_WIDTH)
        self.top = card("Formula", self.formula)
        for one in (self.top, self.panels.left_card, self.panels.right_card):
            one.set_empty("Reading the bundled weights")
        below = row((self.panels.left_card, 1), (self.panels.right_card, 1), gap=S3)
        return box(row(self.list_card, (box(col((self.top, 2), (box(below), 5), gap=S3)), 1), gap=S3))

    def _connect(self) -> None:
        named = ("Type a sentence", "Sentence"), ("Compare with", "Sentence to compare with")
        for (field, line), (hint, name) in zip(self.typed.items(), named, strict=True):
            say(line, "setPlaceholderText", hint)
            say(line, "setAccessibleName", name)
            line.textEdited.connect(lambda text, field=field: self.change(**{field: text}))
            line.editingFinished.connect(self.settle)
        self.list.chosen.connect(lambda at: self.change(claim=CLAIMS[at]))
        self.which.chosen.connect(self._to_place)
        self.head.chosen.connect(lambda at: self.change(walk_head=at))
        self.model.chosen.connect(self._to_model)
        self.panels.row_chosen.connect(lambda at: self.change(why_row=at))
        self.panels.answer_chosen.connect(lambda at: self.change(why_answer=at))
        self.panels.settled.connect(self.settle)
        self.panels.sharpened.connect(lambda value: self.change(sharpness=value))

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        self.list.set_at(CLAIMS.index(params.claim))
        say(self.about, "setText", ABOUT[params.claim])
        for name, parts in SHOWS.items():
            for part in parts:
                self.own.set_shown(part, name == params.claim)
        self.own.setVisible(bool(SHOWS[params.claim]))
        self.seen_by.setVisible(params.subject != TEXT)
        self.photo_box.setVisible(params.subject == VISION)
        self._show_typed(params)
        self._list_models()
        self.opened.setVisible(params.claim in OF_PLACE)
        self.head.setVisible(params.claim in OF_HEAD)
        self._draw()

    def _show_typed(self, params: TransformerParams) -> None:
        self.text_box.setVisible(params.subject == SENTENCE)
        continues = self.seen is not None and self.seen.subject == SENTENCE and self.seen.answered == NEXT
        self.typed["why_second"].setVisible(not continues)
        for field, line in self.typed.items():
            if line.text() != getattr(params, field):  # the cursor stays where nothing has changed
                line.setText(getattr(params, field))
                line.setCursorPosition(0)  # its beginning can be read
        empty = not params.why_first.strip()
        theme.set_kind(self.typed["why_first"], "bad" if empty else "")
        self.problem.setVisible(empty)
        if empty:
            say(self.problem, "setText", "There is no token in this text. Type a word.")

    def answerable(self) -> bool:
        return self.params.subject != SENTENCE or bool(self.params.why_first.strip())

    def activated(self) -> None:
        self._listed = None  # others may have been downloaded or taken away
        self._list_models()

    def exported(self) -> dict[str, object]:
        params, seen = self.params, self.seen
        made: dict[str, object] = {f.name: getattr(params, f.name) for f in fields(WhyParams) if f.name != "weights"}
        made.pop("why_picture")
        if seen is not None:
            made |= {"title": seen.title, "at": str(seen.at), "head": seen.head + 1}
            if seen.subject != TEXT:
                made |= {"model": seen.model, "sha256": seen.fingerprint}
            if seen.subject == VISION:
                made["picture"] = seen.photo
        return made

    def captioned(self) -> list[str]:
        own = SHOWS[self.params.claim]
        return [name for name in rules(self.params) if name in own]

    def picture_chosen(self, picture: Picture) -> dict[str, object]:
        return {"why_picture": picture, "subject": VISION}

    def on(self, event: Event) -> None:
        match event:
            case Reasons():
                self.seen = event
                self._show_typed(self.params)
                for one in (self.top, self.panels.left_card, self.panels.right_card):
                    one.set_empty(None)
                self._draw()
            case Ended() if event.error is not None:
                self._refused()

    # -- acts
    def _refused(self) -> None:
        """A model that can't be read is not asked again: the one before is, or the first there is."""
        field = MODELS.get(self.params.subject)
        if field is None:
            return
        seen = self.seen if self.seen is not None and self.seen.subject == self.params.subject else None
        if getattr(self.params, field) != ("" if seen is None else seen.model):  # else it was the input
            self.state.put(**{field: "" if seen is None else seen.model})

    def _to_place(self, at: int) -> None:
        if self.seen is not None:
            self.change(walk_at=self.seen.places[at])

    def _to_model(self, at: int) -> None:
        field = MODELS[self.params.subject]
        if at < len(self._models) and self._models[at] != getattr(self.params, field):
            self.step(**{field: self._models[at]})

    def _list_models(self) -> None:
        """The models that are at hand; others come by the lists of other tabs, or as a folder that is dropped."""
        field = MODELS.get(self.params.subject)
        if field is None:
            return
        chosen = getattr(self.params, field)
        if (field, chosen, words.language()) == self._listed:
            return
        self._listed = field, chosen, words.language()
        ready = [m for m in backbones.available(OF_TEXT if field == "why_language" else KIND) if m.ready]
        self._models = [model.name for model in ready]
        at = self._models.index(chosen) if chosen in self._models else 0
        titles = [words.plain(shortened(words.tr(known(model.title)))) for model in ready]
        self.model.set_options(titles or [words.plain(" ")], at)

    # -- showing
    def _draw(self) -> None:
        seen, params = self.seen, self.params
        self._show_list()
        if seen is None or params.claim not in seen.claims:
            return
        claim = seen.claims[params.claim]
        token = min(params.token, len(seen.said) - 1) if STREAM in seen.claims else 0
        answer = answer_of(seen, token, params.why_answer) if params.claim == STREAM else 0
        drawn = (params.claim, id(claim), seen.subject, seen.at, seen.head, token, answer, words.language())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self.which.set_options([where(place) for place in seen.places], seen.places.index(seen.at))
        self.head.set_options([Message("Head {n}", {"n": n + 1}) for n in range(seen.heads)], seen.head)
        self.top.set_title(params.claim)
        self.top.set_note(self._note(seen, token))
        self.formula.set_lines(lines(params.claim, seen, params, token, answer))
        self.panels.show_claim(params.claim, seen, params, token, answer)
        say(self.told, "setText", told(seen))

    def _note(self, seen: Reasons, token: int) -> Message:
        name = spoken(seen.queries)[seen.row] if seen.row < len(seen.queries) else ""
        match self.params.claim:
            case spec.KEYS | spec.KERNEL | spec.SOFTMAX:
                said = {"place": where(seen.at), "n": seen.head + 1, "row": seen.row + 1, "token": str(name)}
                return Message("{place}, head {n}, row {row} ({token})", said)
            case spec.MATRICES:
                return Message("{place}, head {n}", {"place": where(seen.at), "n": seen.head + 1})
            case spec.SPHERE:
                said = {"place": where(seen.at), "row": seen.row + 1, "token": str(name)}
                return Message("{place}, row {row} ({token})", said)
            case spec.STREAM if seen.answered == COSINE:
                return Message("cosine of the sentence's vector") if seen.said[0] == "" else Message("cosine at [CLS]")
            case spec.STREAM if seen.answered == NEXT:
                return Message("what comes behind {token}", {"token": seen.said[0]})
            case spec.STREAM:
                return Message("at place {n} ({token})", {"n": token + 1, "token": str(spoken(seen.said)[token])})
            case spec.COLLAPSE:
                return Message("the trained layers, over and over")
            case spec.VARIANCE:
                return Message("random weights, width {e}, {h} heads", {"e": 64, "h": 4})
        return words.plain("")

    def _show_list(self) -> None:
        claims = {} if self.seen is None else self.seen.claims
        params, exact = self.params, self.seen is None or self.seen.exact
        self.list.set_verdicts([Verdict(Message(n), (finding(n, claims.get(n), params, exact),)) for n in CLAIMS])
