"""The tab of large kernels: net and picture of the page "Field" are chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QMenu, QWidget

from app import choosers, words
from app.choosers import ModelChooser
from app.header import entry
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.checkpoints import backbones, catalog
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.large_kernel.field.spec import FieldParams, NetInfo, PhotoSeen

OWN = "Random kernels"


class NetChooser(ModelChooser):
    """Random kernels, or any model that tells of each place after each layer, of whatever topic."""

    def show_net(self, info: NetInfo) -> None:
        """Show which net answers."""
        self.source = info.source
        self.show_name(words.known(info.title) if info.source else OWN)

    def fill(self, menu: QMenu) -> None:
        entry(menu, OWN, lambda: self._take(""), checked=not self.source)
        menu.addSeparator()
        listed = backbones.available(backbones.LAYERS)
        for model in listed:
            self._line(menu, model)
        names = {model.name for model in listed}
        recent = [catalog.describe(s) for s in self._tab.shell.settings.recent_models if s not in names]
        here = [model for model in recent if model.topic in ("", *backbones.topics(backbones.LAYERS))]
        if here:
            menu.addSeparator()
        for model in here:
            self._line(menu, model)
        menu.addSeparator()
        entry(menu, "Open a model folder", self._tab.shell.open_folder)


class LargeKernelTab(Tab):
    """Chooses net and picture, and says in the header what is shown."""

    _picture: Picture | None = None

    def choosers(self) -> Sequence[QWidget]:
        self.net_chooser, self.picture_chooser = NetChooser(self), choosers.picture_chooser(self)
        return self.net_chooser, self.picture_chooser

    def claims_model(self, source: str) -> bool:
        """Whether a model chosen while this tab is on screen is looked into here."""
        return backbones.usable(source, backbones.LAYERS)

    def take_picture(self, picture: Picture) -> None:
        """Show it on all pages that show one."""
        super().take_picture(picture)
        self._picture = picture
        for page in self.pages.made:
            if page is not self.now and type(page).takes_pictures:
                page.state.put(picture=picture)

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if kind.takes_pictures and self._picture is not None:
            state.put(picture=self._picture)
        if isinstance(state.params, FieldParams) and not choosers.is_usable(state.params.model):
            state.put(model="")  # the folder has gone
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        return super().make_page(kind, state, feed)

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case NetInfo():
                self.net_chooser.show_net(event)
            case PhotoSeen():
                picture = state.params.picture
                self.picture_chooser.show_picture(event.name, "" if picture is None else picture.source)
