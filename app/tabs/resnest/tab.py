"""The ResNeSt tab: what its page on a photo shows is chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app import choosers
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.core.protocol import Event
from engines.resnest.events import ModelInfo, Photo
from engines.resnest.spec import ResNeStParams


class ResNeStTab(Tab):
    """Chooses for the pages, and says in the header what they show."""

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, ResNeStParams) and not choosers.is_usable(state.params.model):
            state.put(model="")  # the folder has gone
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        return super().make_page(kind, state, feed)

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case ModelInfo():
                self.model_button.show_model(event.source, event.title)
            case Photo():
                picture = state.params.picture
                self.picture_button.show_picture(event.name, "" if picture is None else picture.source)
