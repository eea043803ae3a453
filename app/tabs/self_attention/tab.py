"""The tab: its pages on a trained model share one, which is chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app import choosers
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.core.protocol import Event
from engines.self_attention.language.events import LanguageInfo
from engines.self_attention.language.spec import LanguageParams


class SelfAttentionTab(Tab):
    """Chooses a language model for the pages that use one; the header offers none on the others."""

    def choosers(self) -> Sequence[QWidget]:
        self.model_button = choosers.model_chooser(self)
        return (self.model_button,)

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, LanguageParams):
            if not choosers.is_usable(state.params.model):
                state.put(model="")  # the folder has gone
            if feed is not None:
                feed.heard.connect(self._show_name)
        return super().make_page(kind, state, feed)

    def show_page(self, index: int) -> None:
        super().show_page(index)
        self.model_button.setVisible(type(self.now).takes_models)
        self.header.fit_parts()

    def _show_name(self, event: Event) -> None:
        if isinstance(event, LanguageInfo):
            self.model_button.show_model(event.source, event.title)
