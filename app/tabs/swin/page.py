"""What the pages on one photo share: the photo, the model, and what becomes of a model that is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from app import captions
from app.cards import Card
from app.classlist import class_name
from app.params_form import ParamsForm
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.photomap import named
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.swin.events import ModelInfo, PhotoGrid
from engines.swin.spec import SwinParams

CUTS = "The processor of this model cuts the middle out of a photo. Here the model sees the whole photo."
UNTOUCHED = "The model is untouched: turn up its temperature, or switch a head off."


class ModelForm(ParamsForm):
    """Some of the sliders, within what the model has."""

    def __init__(self, params: SwinParams, names: Iterable[str]) -> None:
        super().__init__(params, names)

    def show_model(self, info: ModelInfo, block: int) -> None:
        """Limits as the model has them; ``block`` is the chosen one, since stages differ in their heads."""
        for name, least, most in (("block", 1, info.blocks), ("head", 1, info.heads_of(block))):
            if name in self._controls:
                self.set_shown(name, most > least)
                if most > least:
                    self.set_limits(name, least, most)


class PhotoPage(Page):
    """Base of the pages on one photo.

    Attributes
    ----------
    info : ModelInfo or None
        The model that answers.
    grid : PhotoGrid or None
        How its patches lie on the photo.
    """

    params_type = SwinParams
    takes_pictures = takes_models = True
    params: SwinParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.grid: PhotoGrid | None = None
        self._limits: tuple[object, ...] = ()

    # -- what a subclass says
    def waiting(self) -> Sequence[Card]:
        """The cards that wait for the model."""
        return ()

    def draw(self, event: Event) -> None:
        """Draw what came."""

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                if event.cuts and (self.info is None or self.info.source != event.source):
                    self.complain(CUTS, word="Note", kind="warning")
                self.info = event
                self.change(answered_by=event)
                self.show_params(self.params)  # another page may have been told before: then nothing has changed
            case PhotoGrid():
                self.grid = event
            case Ended() if event.error is not None:
                self._went_wrong(event)
            case _:
                self.draw(event)

    def show_params(self, params: SwinParams) -> None:
        self._show_limits(params)

    def _show_limits(self, params: SwinParams) -> None:
        """Sliders within what the model has; a block of another stage has other heads."""
        info = self.info
        if info is None:
            return
        block = min(params.block, info.blocks)
        limits = (info, info.heads_of(block))
        if limits == self._limits:
            return
        self._limits = limits
        for form in self.forms:
            if isinstance(form, ModelForm):
                form.show_model(info, block)

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        info = self.params.answered_by
        if info is not None and self.params.model not in ("", info.source) and not ended.misplaced:
            self.state.put(model=info.source)
        elif self.grid is None:
            for one in self.waiting():
                one.set_empty("Nothing to show yet.")

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture, "pinned": None, "removed": (), "target": -1}

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source, "pinned": None, "target": -1}

    def deactivated(self) -> None:
        self.tell(None)  # what was said of this page

    def escape(self) -> None:
        self.step(pinned=None)

    def exported(self) -> dict[str, object]:
        params = self.params
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        made |= {name: getattr(params, name) for name in ("heads_off", "pinned", "removed", "cells", "target")}
        made["page"] = self.name()
        if self.info is not None:
            made |= {"model": self.info.source, "title": self.info.title, "sha256": self.info.sha256}
        if self.grid is not None:
            made["picture"] = self.grid.name
        return made

    def caption(self) -> Iterator[Text]:
        params, info, own = self.params, self.info, {f.name for f in fields(self.asks or SwinParams)}
        pairs = [Message("B{block} H{head}", {"block": block, "head": head}) for block, head in params.heads_off]
        yield from captions.heads_off(pairs)
        yield from captions.masked(len(params.removed))
        if params.cells:
            yield Message("Position bias changed in {n} {n:place|places}", {"n": len(params.cells)})
        if "pinned" in own and params.pinned is not None:
            yield from captions.pinned(named(params.pinned))
        if "target" in own and info is not None and 0 <= params.target < len(info.labels):
            yield from captions.asked_about(class_name(info.labels[params.target]))
