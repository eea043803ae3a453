"""The training run behind the page: what it tells goes to the page, drawn at most ten times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from app.pacing import PacedTraining
from app.tabs.multi_head.training import TrainingPage
from engines.core.protocol import Event
from engines.multi_head.spec import MOST_STEPS, Now, RunBegan, Snapshot, TrainStep, run_params

if TYPE_CHECKING:
    from app.tabs.multi_head.tab import MultiHeadTab

TRAINER = "engines.multi_head.training:Trainer"
DRAW = 100  #: ms between two drawings
PAGE = 1


class Running(PacedTraining):
    """The run behind a `TrainingPage`."""

    def __init__(self, tab: MultiHeadTab, page: TrainingPage) -> None:
        super().__init__(
            tab,
            TRAINER,
            page.transport,
            lambda: run_params(tab.params),
            MOST_STEPS,
            lambda: tab.params.pace,
            "multi-head",
        )
        self._owner, self._page = tab, page
        self._newest: Snapshot | None = None  # not drawn yet
        self._still = QTimer(self)  # between two drawings
        self._still.setSingleShot(True)
        self._still.setInterval(DRAW)
        self._still.timeout.connect(self._draw_newest)
        self.arrived.connect(self._told)
        self.looked.connect(page.look)
        self.waiting.connect(tab.pending.show_count)

    def params_changed(self) -> None:
        """The settings are others, or the page came to the front."""
        if self._owner.isVisible() and self._owner.page == PAGE:
            self.settings_changed()

    def _told(self, event: Event) -> None:
        page = self._page
        match event:
            case RunBegan():
                self._newest = None
                self._still.stop()  # the first state of a run is drawn at once
                page.take_began(event)
                self._owner.show_size(event.parameters[1])
                for ready in page.cards:
                    ready.set_empty(None)
            case TrainStep():
                page.take_step(event)
            case Now():
                self._newest = event.shown
                if not self._still.isActive():
                    self._draw_newest()

    def _draw_newest(self) -> None:
        newest, self._newest = self._newest, None
        if newest is not None:
            self._page.take_now(newest)
            self._still.start()
