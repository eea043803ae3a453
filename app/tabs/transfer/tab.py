"""The tab "Transfer": its pages share a backbone, a set of pictures and a photo, which are chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app import words
from app.choosers import PictureChooser, is_usable
from app.shell import Shell
from app.tabs.transfer.choosers import DIGITS, BackboneChooser, SetChooser, set_name
from app.topic.tab import Tab
from app.topic.training_page import TrainingPage
from app.topics import Topic
from engines.checkpoints import backbones
from engines.core.protocol import Ended, Event, Started
from engines.transfer.learn.spec import FeatureMap
from engines.transfer.spec import SMALL, SetRead, TransferParams

LEARN, NEW_PHOTO = range(2)
RECENT = 5


class TransferTab(Tab):
    """Chooses for both pages."""

    def __init__(self, topic: Topic, shell: Shell) -> None:
        super().__init__(topic, shell)
        self.recent_sets: list[tuple[str, ...]] = []
        self._state, feed = self.now.state, self.now.feed
        assert feed is not None
        if not is_usable(self._state.params.model):
            self._state.put(model="")
        self._answered: TransferParams = self._state.params
        self._good = TransferParams()  # what the features on screen are of; the usual ones before there are any
        self._state.changed.connect(self._changed)
        feed.heard.connect(self._show_names)

    def choosers(self) -> Sequence[QWidget]:
        self.backbone_chooser, self.set_chooser = BackboneChooser(self), SetChooser(self)
        self.picture_chooser = PictureChooser(self)
        return self.backbone_chooser, self.set_chooser, self.picture_chooser

    def take_set(self, folders: tuple[str, ...]) -> None:
        """Learn on class folders; on the digits for ()."""
        self.show_page(LEARN)
        self.pages[LEARN].use_set(folders)

    def claims_model(self, source: str) -> bool:
        """Whether a model chosen while this tab is on screen becomes its backbone."""
        return backbones.usable(source)

    def cancel(self) -> None:
        super().cancel()
        for page in self.pages.made:
            if isinstance(page, TrainingPage) and page.training.runs:
                page.training.pause()

    def _changed(self, before: TransferParams) -> None:
        now: TransferParams = self._state.params
        if now.folders and now.folders != before.folders and now.folders not in self.recent_sets:
            self.recent_sets = [now.folders, *self.recent_sets][:RECENT]
        if now.photo is not None and now.photo is not before.photo:
            self.picture_chooser.show_picture(now.photo.name, now.photo.source)

    def _show_names(self, event: Event) -> None:
        match event:
            case Started() if isinstance(event.params, TransferParams):
                self._answered = event.params
            case FeatureMap():
                self._good = self._answered
            case Ended() if event.error is not None and not event.misplaced:
                now: TransferParams = self._state.params
                if now.folders == self._good.folders:  # the backbone was refused: go on with the one before
                    self._state.put(model=self._good.model)
            case SetRead():
                model, folders = self._answered.model, self._answered.folders
                self.backbone_chooser.show_model(model or SMALL, event.backbone)
                self.set_chooser.show_name(words.plain(set_name(folders)) if folders else DIGITS)
