"""What the pages on one picture share: the model, the picture, and what becomes of a model that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.cards import Card
from app.params_form import ParamsForm
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.rt_detr.asking import BUNDLED, OfPicture
from engines.rt_detr.events import ModelInfo, PictureShown

#: What means nothing any more where another picture or model is chosen
FORGOTTEN = {"query": -1, "moved": None, "placed": (), "queries_off": ()}


class PicturePage(Page):
    """Base of the pages on one picture.

    Attributes
    ----------
    info : ModelInfo or None
        The model that answers.
    shown : PictureShown or None
        The picture that it sees.
    """

    takes_pictures = takes_models = True
    params: OfPicture

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.shown: PictureShown | None = None

    # -- what a subclass says
    def waiting(self) -> Sequence[Card]:
        """The cards that wait for the model."""
        return ()

    def model_known(self, info: ModelInfo) -> None:
        """Another model answers."""

    def draw(self, event: Event) -> None:
        """Draw what came."""

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                if event is not self.info:
                    self.info = event
                    self.model_known(event)
            case PictureShown():
                self.shown = event
            case Ended() if event.error is not None:
                self._went_wrong(event)
            case _:
                self.draw(event)

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the sliders go on with the one on screen."""
        good = BUNDLED if self.info is None else self.info.source
        if self.params.source != good and not ended.misplaced:
            self.state.put(source=good)
        elif self.shown is None:
            for one in self.waiting():
                one.set_empty("Nothing to show yet.")

    def show_scene(self, form: ParamsForm) -> None:
        """The number of a scene is there where one is drawn."""
        if self.info is not None:
            form.set_shown("scene", self.info.toy or self.params.picture is None)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture, **FORGOTTEN}

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"source": source, **FORGOTTEN}

    def deactivated(self) -> None:
        self.tell(None)  # what was said of this page

    def exported(self) -> dict[str, object]:
        made = {name: value for name, value in super().exported().items() if name not in ("picture", "source")}
        if self.info is not None:
            made |= {"model": self.info.source, "title": self.info.title, "sha256": self.info.sha256}
        if self.shown is not None:
            made["picture"] = self.shown.name or f"drawn scene {self.params.scene}"
        return made
