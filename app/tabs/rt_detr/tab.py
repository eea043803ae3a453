"""The RT-DETR tab: model and picture are chosen in the header, for all pages that look at them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app import choosers
from app.tabs.rt_detr.detect.page import DetectPage
from app.tabs.rt_detr.names import picture_name
from app.tabs.rt_detr.page import FORGOTTEN
from app.tabs.rt_detr.training.page import RtDetrTrainingPage
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.core.params import Params
from engines.core.protocol import Event
from engines.core.training import Weights
from engines.data.detector_training import TRAINED_HERE
from engines.rt_detr.asking import BUNDLED, OfPicture
from engines.rt_detr.events import ModelInfo, PictureShown


class RtDetrTab(Tab):
    """Chooses for the pages, and says in the header what they show."""

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, OfPicture) and not choosers.is_usable(state.params.source):
            state.put(source=BUNDLED)  # the folder has gone
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        page = super().make_page(kind, state, feed)
        if isinstance(page, RtDetrTrainingPage):
            page.used.connect(self._use_weights)
            page.shows.connect(self._follow)
        return page

    def _use_weights(self, weights: Weights) -> None:
        """Have a state of the run as the model, untouched, on the page Detect."""
        state = self._state_of(DetectPage)
        state.put(**vars(state.params.untouched()) | FORGOTTEN | {"source": TRAINED_HERE, "weights": weights})
        self.show_page(self.pages.kinds.index(DetectPage))

    def _follow(self, weights: Weights) -> None:
        """Another state of that run is looked at: where it is the model, the model is another one, too."""
        state = self._state_of(DetectPage)
        if state.params.source == TRAINED_HERE:
            state.change(weights=weights)

    def model_in(self, params: Params) -> str:
        found: str = getattr(params, "source", "")
        return found

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case ModelInfo():
                self.model_button.show_model(event.source, event.title)
            case PictureShown():
                picture = state.params.picture
                self.picture_button.show_name(picture_name(event, state.params.scene))
                self.picture_button.source = "" if picture is None else picture.source
