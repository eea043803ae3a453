"""The Mamba tab: the model that knows words and the photo are chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QMenu, QWidget

from app import choosers
from app.choosers import ModelChooser
from app.header import entry
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.checkpoints import catalog
from engines.core.protocol import Event
from engines.mamba.real.spec import ModelInfo, RealParams
from engines.mamba.vision.spec import Seen


class WordChooser(ModelChooser):
    """The models that know words: the bundled ones know eight letters."""

    def fill(self, menu: QMenu) -> None:
        shell, name = self._tab.shell, self._tab.topic.name
        listed = [model for model in catalog.available(name) if model.kind != "bundled"]
        for model in listed:
            self._line(menu, model)
        names = {model.name for model in catalog.available(name)}
        recent = [source for source in shell.settings.recent_models if source not in names]
        here = [model for model in map(catalog.describe, recent) if model.topic in ("", name)]
        if here:
            menu.addSeparator()
        for model in here:
            self._line(menu, model)
        menu.addSeparator()
        entry(menu, "Open a model folder", shell.open_folder)


class MambaTab(Tab):
    """Chooses for the pages, and says in the header what they show."""

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = WordChooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, RealParams) and not choosers.is_usable(state.params.model):
            state.put(model="")  # the folder has gone
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        return super().make_page(kind, state, feed)

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case ModelInfo():
                self.model_button.show_model(event.source, event.title)
            case Seen():
                picture = state.params.picture
                self.picture_button.show_picture(event.name, "" if picture is None else picture.source)
