"""The page "Why": claims about attention, each with a switch, a number and a formula in the numbers of one's input."""

from __future__ import annotations

from dataclasses import fields

from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.tabs.transformer.labwords import spoken, state_name
from app.tabs.transformer.why.panels import Panels
from app.tabs.transformer.why.wording import ABOUT, answer_of, finding, lines, where
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.formula import FormulaView
from app.views.verdicts import Verdict, Verdicts
from app.widgets import MenuButton, box, button, col, quiet, row
from app.words import known, say
from engines.blocks.naming import KIND
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
        self.list = Verdicts("Claims")
        self.formula = FormulaView("Formula")
        self.panels = Panels()
        self.which = MenuButton((Message("Layer {n}", {"n": 1}),), 0, tip="The attention that is opened.")
        self.head = MenuButton((Message("Head {n}", {"n": 1}),), 0, tip="Each head has its own Q, K and V.")
        self.model = MenuButton((words.plain(" "),), 0, tip="The model that looks at the photo.")
        self.photo = button("Open pictures", kind="boxed", clicked=lambda: self.shell.open_files())
        self.photo_box = box(col(self.model, self.photo))
        for menu in (self.which, self.head, self.model, self.photo):
            menu.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.form = ParamsForm(self.params, ["subject"])
        self.own = ParamsForm(self.params, [name for names in SHOWS.values() for name in names])
        self.opened = box(section("Attention", self.which, self.head))
        self.about, self.told = quiet("", wrap=True), quiet("", wrap=True)
        self.lay(
            self._make_cards(),
            box(col(self.form, self.photo_box, self.opened, self.own, gap=S3)),
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
        self.photo_box.setVisible(params.subject == VISION)
        self.opened.setVisible(params.claim in OF_PLACE)
        self.head.setVisible(params.claim in OF_HEAD)
        self._draw()

    def activated(self) -> None:
        self._list_models()

    def exported(self) -> dict[str, object]:
        params, seen = self.params, self.seen
        made: dict[str, object] = {f.name: getattr(params, f.name) for f in fields(WhyParams) if f.name != "weights"}
        made.pop("why_picture")
        if seen is not None:
            made |= {"title": seen.title, "at": str(seen.at), "head": seen.head + 1}
            if seen.subject == VISION:
                made |= {"model": seen.model, "sha256": seen.fingerprint, "picture": seen.photo}
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
                for one in (self.top, self.panels.left_card, self.panels.right_card):
                    one.set_empty(None)
                self._draw()
            case Ended() if event.error is not None and self.params.subject == VISION:
                self.state.put(why_model="")  # refused: the one before, or the first there is

    # -- acts
    def _to_place(self, at: int) -> None:
        if self.seen is not None:
            self.change(walk_at=self.seen.places[at])

    def _to_model(self, at: int) -> None:
        if at < len(self._models) and self._models[at] != self.params.why_model:
            self.step(why_model=self._models[at])

    def _list_models(self) -> None:
        """The models that are at hand; others come by the lists of other tabs, or as a folder that is dropped."""
        ready = [model for model in backbones.available(KIND) if model.ready]
        self._models = [model.name for model in ready]
        at = self._models.index(self.params.why_model) if self.params.why_model in self._models else 0
        self.model.set_options([known(model.title) for model in ready] or [words.plain(" ")], at)

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


def told(seen: Reasons) -> Message:
    """Whose numbers they are."""
    if seen.subject == TEXT:
        said = {"task": Message(seen.title), "state": state_name(seen.step)}
        if not seen.trained:
            return Message("No weights yet: the values are random.")
        return Message("{task}: {state}. In double precision.", said)
    names = {"title": called(seen.title), "photo": called(seen.photo)}
    if seen.exact:
        return Message("{title} on {photo}. In double precision.", names)
    return Message("{title} on {photo}. In single precision.", names)


def called(name: str) -> Message:
    """A name inside of a sentence, in the language in use where there is one."""
    text = known(name)
    return text if isinstance(text, Message) else Message(text)
