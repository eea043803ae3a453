"""The DETR tab: model and picture are chosen in the header, for all pages that show what the model says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app import choosers
from app.drops import pictures_in
from app.shell import Shell
from app.tabs.detr.detect.page import DetectPage
from app.tabs.detr.draw_boxes.page import DrawBoxesPage
from app.tabs.detr.model import Model, ModelPage
from app.tabs.detr.training.page import DetrTrainingPage
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from app.topics import Topic
from engines.checkpoints import layout
from engines.core.errors import LabError
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.training import Weights
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import ModelInfo

DETECT, SCENE, MATCHING, TRAINING, NMS, RELEVANCE, DRAW = range(7)


def is_bare(path: Path) -> bool:
    """Whether it is a folder of photos, and of nothing else that is opened as a folder."""
    try:
        return path.is_dir() and not layout.is_model_folder(path) and bool(pictures_in(path))
    except (LabError, OSError, ValueError):  # it is refused, in words, where it is opened
        return False


class DetrTab(Tab):
    """Owns what the model says; pages with settings of their own take over from it, and a run can become the model."""

    def __init__(self, topic: Topic, shell: Shell) -> None:
        self._model: Model | None = None
        super().__init__(topic, shell)
        params = self.model.params
        if not choosers.is_usable(params.source):
            self.model.state.put(source=RelevanceParams().source)
        if not shell.settings.remembers("detr.detect"):  # one of them had a place of its own
            self.model.state.put(decoder_too=shell.settings.restored("detr.paint", params).decoder_too)
        self.model.state.changed.connect(lambda _before: self._show_chosen())
        self.model.known.connect(self._show_model)
        self._show_chosen()

    @property
    def model(self) -> Model:
        """What the model says, whichever page is built first."""
        if self._model is None:
            state = self._state_of(DetectPage)
            feed = self._feed_of(DetectPage, state)
            assert feed is not None
            self._model = Model(state, feed, self.shell, self)
        return self._model

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        model = self.model
        if issubclass(kind, ModelPage):
            return kind(state, feed, self.shell, model)
        page = super().make_page(kind, state, feed)
        if isinstance(page, DetectPage):
            page.real_wanted.connect(model.get_real)
        elif isinstance(page, DetrTrainingPage):
            page.used.connect(self._use_weights)
            page.shows.connect(model.follow)
            page.bare.connect(self._draw_on)
            page.data.drawing.connect(self._draw_boxes)
        elif isinstance(page, DrawBoxesPage):
            page.train_wanted.connect(self._train_on)
        return page

    def takes_path(self, path: Path) -> bool:
        """While Training is on screen also a folder of photos, to draw boxes on; elsewhere its photos are looked at."""
        return super().takes_path(path) or (isinstance(self.now, DetrTrainingPage) and is_bare(path))

    def take_paths(self, paths: Sequence[Path]) -> None:
        here = self.now
        bare = [path for path in paths if not super(DetrTab, self).takes_path(path)]
        super().take_paths([path for path in paths if path not in bare])
        if bare and isinstance(here, DetrTrainingPage):
            here.offer_drawing(bare[-1])

    def take_picture(self, picture: Picture) -> None:
        if isinstance(self.now, ModelPage):  # its settings are others than those that choose the picture
            self.error.dismiss()
            self.model.take_picture(picture)
        else:
            super().take_picture(picture)

    def take_model(self, source: str) -> None:
        if isinstance(self.now, ModelPage):
            self.error.dismiss()
            self.model.take_model(source)
        else:
            super().take_model(source)

    def model_in(self, params: Params) -> str:
        found: str = getattr(params, "source", "")
        return found

    def _use_weights(self, weights: Weights) -> None:
        self.model.use(weights)
        self.show_page(DETECT)

    def _draw_boxes(self) -> None:
        """From the page Training: draw on photos; the folder that was drawn on last is there at once."""
        self.show_page(DRAW)
        page = self.pages[DRAW]
        if not page.params.folder:
            page.ask_folder()

    def _draw_on(self, folder: str) -> None:
        self.show_page(DRAW)
        self.pages[DRAW].open_folder(folder)

    def _train_on(self, folder: str) -> None:
        self.show_page(TRAINING)
        self.pages[TRAINING].take([Path(folder)])

    def _show_chosen(self) -> None:
        params = self.model.params
        photo = params.picture
        self.picture_button.show_picture(photo.name if photo else "Drawn scene", photo.source if photo else "")
        if self.model_button.source != params.source:
            self.model_button.show_model(params.source)

    def _show_model(self, info: ModelInfo) -> None:
        self.model_button.show_model(info.source, info.title)
