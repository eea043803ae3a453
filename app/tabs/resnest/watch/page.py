"""The page "Watch": photo, a block's split attention, one channel of it, all blocks, prediction; all marked alike."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app import words
from app.cards import Card
from app.params_form import ParamsForm
from app.predictioncard import PredictionCard
from app.shell import Shell
from app.tabs.resnest.watch.cards import BlocksCard, ChannelCard, PhotoCard, SplitsCard
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.widgets import box, col, row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.resnest.asking import ALL, Hand
from engines.resnest.events import ModelInfo, Photo
from engines.resnest.spec import ALL_CHANNELS, ResNeStParams
from engines.resnest.watch.spec import Answer, Spread, WatchParams

UNTOUCHED = "The model is untouched: pull at the weights of a channel."
CUTS = "The processor of this model cuts the middle out of a photo. Here the model sees the whole photo."
FIELDS = ("block", "channel", "resolution", "hand", "equal", "swapped", "scope", "opacity")


class ModelForm(ParamsForm):
    """The sliders, within what the model has."""

    def __init__(self, params: ResNeStParams, names: Iterable[str]) -> None:
        super().__init__(params, names)

    def show_model(self, info: ModelInfo, block: int) -> None:
        """Limits as the model has them; ``block`` is the chosen one, since stages differ in their channels."""
        for name, most in (("block", info.blocks), ("channel", info.channels[block - 1])):
            self.set_shown(name, most > 1)
            if most > 1:
                self.set_limits(name, 1, most)
        self.set_shown("swapped", info.radix > 1)


class WatchPage(Page):
    """Five cards and what they show.

    Attributes
    ----------
    info : ModelInfo or None
        The model that answers.
    photo, answer : Photo, Answer or None
        What it answers about, and its newest answer.
    """

    title = "Watch"
    params_type = ResNeStParams
    engine = "engines.resnest.watch.engine:Engine"
    asks = WatchParams
    takes_pictures = takes_models = True
    params: ResNeStParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.photo: Photo | None = None
        self.answer: Answer | None = None
        self.spread: Spread | None = None
        self._hover: int | None = None  # the channel under the pointer, counted from 0
        self._limits: tuple[object, ...] = ()
        self._asked_at: float | None = None
        self.photo_card, self.splits, self.channel = PhotoCard(), SplitsCard(), ChannelCard()
        self.blocks, self.prediction = BlocksCard(), PredictionCard("resnest", shell.download, UNTOUCHED)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.splits else "Waiting for the model")
        self.form = ModelForm(self.params, FIELDS)
        self._connect()
        left = col((self.photo_card, 5), (self.prediction, 4), gap=S3)
        below = row((self.channel, 2), (self.blocks, 3), gap=S3)
        right = col((self.splits, 5), (below, 3), gap=S3)
        self.lay(box(row((left, 2), (right, 5), gap=S3)), self.form)

    def waiting(self) -> Sequence[Card]:
        """The cards that wait for the model."""
        return self.photo_card, self.splits, self.channel, self.blocks, self.prediction

    def _connect(self) -> None:
        flow = self.splits.view
        flow.hovered.connect(self._pointed)
        flow.chosen.connect(lambda channel: self.step(channel=channel + 1))
        flow.pulled.connect(self._pulled)
        flow.freed.connect(self._freed)
        flow.settled.connect(self.settle)
        self.splits.free.clicked.connect(self._let_go)
        self.blocks.view.pointed.connect(self._at_block)

    # -- the hand
    def _pointed(self, channel: int | None) -> None:
        """A channel lies under the pointer: show it large, and on the photo."""
        self._hover = channel
        self._draw_channel()

    def _at_block(self, x: float | None) -> None:
        """The curves are pointed at: read them there, else at the block on screen."""
        if self.answer is not None:
            self.blocks.view.set_cursor(float(self.answer.block) if x is None else x)

    def _without(self, channel: int) -> tuple[Hand, ...]:
        """What the hand holds, but for this channel (counted from 1, or `ALL`) of the block."""
        assert self.answer is not None
        block = self.answer.block
        return tuple(one for one in self.params.held if one[0] != block or (one[1] != channel and channel != ALL))

    def _pulled(self, channel: int, split: int, share: float) -> None:
        if self.answer is None:
            return
        chosen = ALL if self.params.hand == ALL_CHANNELS else channel + 1
        self.change(held=(*self._without(chosen), (self.answer.block, chosen, split + 1, share)))

    def _freed(self, channel: int) -> None:
        if self.answer is not None:
            self.step(held=self._without(ALL if self.params.hand == ALL_CHANNELS else channel + 1))

    def _let_go(self) -> None:
        """The block's weights are the model's own again."""
        if self.answer is not None:
            self.step(held=self._without(ALL))

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                if event.cuts and (self.info is None or self.info.source != event.source):
                    self.complain(CUTS, word="Note", kind="warning")
                self.info = event
                self.change(answered_by=event)
                self._show_limits(self.params)
            case Photo():
                self.photo = event
            case Answer():
                self._answered(event)
            case Spread():
                self.spread = event
                self._draw_blocks()
            case Ended() if event.error is not None:
                self._went_wrong(event)

    def _answered(self, answer: Answer) -> None:
        self.answer = answer
        if self._asked_at is not None:
            spent = 1000 * (time.perf_counter() - self._asked_at)
            self._asked_at = None
            self.tell(Message("Block {n} in {ms} ms", {"n": answer.block, "ms": words.number(spent)}))
        if self.photo is not None:
            self.photo_card.show_photo(self.photo)
        self.prediction.show_prediction(answer.prediction, self.info)
        self._draw()

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        info = self.params.answered_by
        if info is not None and self.params.model not in ("", info.source) and not ended.misplaced:
            self.state.put(model=info.source)
        elif self.answer is None:
            for one in self.waiting():
                one.set_empty("Nothing to show yet.")

    def ask(self, again: bool = False) -> None:
        self._asked_at = time.perf_counter()
        super().ask(again)

    def show_params(self, params: ResNeStParams) -> None:
        self._show_limits(params)
        self.photo_card.view.set_opacity(params.opacity)
        self._draw()

    def _show_limits(self, params: ResNeStParams) -> None:
        """Sliders within what the model has; a block of another stage has other channels."""
        info = self.info
        if info is None:
            return
        block = min(params.block, info.blocks)
        if (info, block) != self._limits:
            self._limits = info, block
            self.form.show_model(info, block)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture}

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source, "held": ()}

    def deactivated(self) -> None:
        self.tell(None)  # what was said of this page
        self._hover = None

    def exported(self) -> dict[str, object]:
        params = self.params
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        made |= {"held": params.held, "page": self.name()}
        if self.info is not None:
            made |= {"model": self.info.source, "title": self.info.title, "sha256": self.info.sha256}
        if self.photo is not None:
            made["picture"] = self.photo.name
        return made

    def caption(self) -> Iterator[Text]:
        if self.params.held:
            yield Message("{n} {n:weight|weights} by hand", {"n": len(self.params.held)})

    # -- drawing
    def _draw(self) -> None:
        if self.answer is None or self.info is None or len(self.answer.entropy) != self.info.blocks:
            return
        self.splits.show_block(self.answer, self.info, self.params)
        self._draw_channel()
        self._draw_blocks()

    def _draw_channel(self) -> None:
        """The channel under the pointer, else the chosen one."""
        if self.answer is None:
            return
        chosen = self.params.channel - 1 if self._hover is None else self._hover
        channel = min(chosen, self.answer.shares.shape[1] - 1)
        top = self.channel.show_channel(self.answer, channel)
        if self.photo is not None:
            self.photo_card.show_channel(self.answer, channel, top)

    def _draw_blocks(self) -> None:
        if self.answer is not None and self.info is not None and len(self.answer.entropy) == self.info.blocks:
            self.blocks.show_blocks(self.answer, self.spread, self.info)
