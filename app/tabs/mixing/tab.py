"""The Mixing tab: two nets and a photo, which are chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app import choosers
from app.shell import Shell
from app.tabs.mixing.choosers import NetChooser
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from app.topics import Topic
from engines.blocks.mixers import KIND
from engines.checkpoints import backbones
from engines.core.params import Params
from engines.core.protocol import Event
from engines.mixing.spec import MixingParams, Nets, Photo

SIDES = ("model", "other")


class MixingTab(Tab):
    """Chooses both nets, and says in the header what is shown.

    Attributes
    ----------
    side : str
        The setting that a net which is dropped, opened or downloaded goes to: that of the button used last.
    """

    def __init__(self, topic: Topic, shell: Shell) -> None:
        self.side = SIDES[0]
        super().__init__(topic, shell)

    def choosers(self) -> Sequence[QWidget]:
        self.net_buttons = tuple(NetChooser(self, side) for side in SIDES)
        self.picture_button = choosers.picture_chooser(self)
        return (*self.net_buttons, self.picture_button)

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        gone = {side: "" for side in SIDES if not choosers.is_usable(getattr(state.params, side))}
        if gone:
            state.put(**gone)
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        return super().make_page(kind, state, feed)

    def claims_model(self, source: str) -> bool:
        return backbones.usable(source, KIND)

    def take_model(self, source: str) -> None:
        before: MixingParams = self.params
        self.error.dismiss()
        failed = self.failed
        self.now.state.put(**{self.side: source})
        if failed and self.params == before:
            self.now.ask(again=True)

    def model_in(self, params: Params) -> str:
        found: str = getattr(params, self.side, "")
        return found

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case Nets():
                for button, net in zip(self.net_buttons, event, strict=True):
                    button.show_model(net.source, net.title)
            case Photo():
                picture = state.params.picture
                self.picture_button.show_picture(event.name, "" if picture is None else picture.source)
