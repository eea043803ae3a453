"""What the pages on one photo share: the photo, the model, and a grid of patches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from app import captions
from app.cards import Card
from app.classlist import class_name
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.vit.shown import Shown
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.photomap import CLASS_TOKEN, named
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event, Started
from engines.vit.asking import OfPhoto
from engines.vit.events import ModelInfo
from engines.vit.spec import Layout, ViTParams

CUTS = "The processor of this model cuts the middle out of a photo. Here the model sees the whole photo."


class ModelForm(ParamsForm):
    """Some of the sliders, within what the model has."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(ViTParams(), names)

    def show_model(self, info: ModelInfo) -> None:
        """Limits as the model has them."""
        for name, most in (("layer", info.layers), ("head", info.heads), ("start_layer", info.layers)):
            if name in self._controls:
                self.set_limits(name, 1, most)


class PhotoPage(Page):
    """Base of the pages on one photo. A subclass puts its own in the place of ``shown`` where it holds more.

    Attributes
    ----------
    shown : Shown
        The model and grid that its frame on screen belongs to.
    """

    params_type = ViTParams
    takes_pictures = takes_models = True
    params: ViTParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown = Shown()
        self._asked_with: OfPhoto | None = None  # what the frames that come are made of
        self._limits: ModelInfo | None = None  # the model that the sliders are limited to

    # -- what a subclass says
    def waiting(self) -> Sequence[Card]:
        """The cards that wait for the model."""
        return ()

    def draw(self, event: Event) -> None:
        """Draw what came; model and grid are in ``shown`` by now."""

    def model_came(self, info: ModelInfo) -> None:
        """Bring controls within what the model has."""
        for form in self.forms:
            if isinstance(form, ModelForm):
                form.show_model(info)

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case Started() if isinstance(event.params, OfPhoto):
                self._asked_with = event.params
            case Ended() if event.error is not None:
                self._went_wrong(event)
        if self.shown.take(event):
            if self.shown.info is not None and self.shown.info is not self._limits:
                self._limits = self.shown.info
                self.model_came(self._limits)
                if self._limits.cuts:
                    self.complain(CUTS, word="Note", kind="warning")
            self.draw(event)
            self._keep_within()

    def _keep_within(self) -> None:
        """Model and grid are on screen: what the settings say keeps within them, and a pin finds its place again."""
        asked, now, grid = self._asked_with, self.params, self.shown.grid
        if asked is None or grid is None:
            return
        if (asked.picture, asked.model, asked.resolution) == (now.picture, now.model, now.resolution):
            self.change(answered_by=self.shown.info, layout=Layout.of(now.resolution, grid))

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen, or the usual one."""
        info = self.params.answered_by
        good = "" if info is None else info.source
        if self.params.model not in ("", good) and not ended.misplaced:
            self.state.put(model=good)
        elif self.shown.grid is None:
            for one in self.waiting():
                one.set_empty("Nothing to show yet.")

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture, "pinned": None, "masked_patches": (), "target": -1, "pinned_place": None}

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source, "pinned": None, "target": -1, "pinned_place": None}

    def deactivated(self) -> None:
        self.tell(None)  # what was said of this page

    def escape(self) -> None:
        self.step(pinned=None)

    def exported(self) -> dict[str, object]:
        params, shown = self.params, self.shown
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        made |= {name: getattr(params, name) for name in ("heads_off", "pinned", "masked_patches", "target")}
        made["page"] = self.name()
        if shown.info is not None:
            made |= {"model": shown.info.source, "title": shown.info.title, "sha256": shown.info.sha256}
        if shown.grid is not None:
            made["picture"] = shown.grid.name
        return made

    def caption(self) -> Iterator[Text]:
        params, info, own = self.params, self.shown.info, {f.name for f in fields(self.asks or ViTParams)}
        pairs = [Message("L{layer} H{head}", {"layer": layer, "head": head}) for layer, head in params.heads_off]
        yield from captions.heads_off(pairs)
        yield from captions.masked(len(params.masked_patches))
        if "pinned" in own and params.pinned is not None and self.shown.grid is not None:
            yield from captions.pinned(named(self.shown.patch_of(params.pinned) or CLASS_TOKEN))
        if "target" in own and info is not None and 0 <= params.target < len(info.labels):
            yield from captions.asked_about(class_name(info.labels[params.target]))
