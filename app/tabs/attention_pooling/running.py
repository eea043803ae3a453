"""The training run behind the page "Learned w". It goes on with the points that it began with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.pacing import PacedTraining
from app.tabs.attention_pooling.learned import LearnedPage
from engines.attention_pooling.spec import (
    MOST_STEPS,
    Landscape,
    NowW,
    PoolingParams,
    RunBegan,
    TrainStep,
    run_params,
)
from engines.core.params import rules
from engines.core.protocol import Event

if TYPE_CHECKING:
    from app.tabs.attention_pooling.tab import PoolingTab

TRAINER = "engines.attention_pooling.training:Trainer"
PAGE = 1


class Running(PacedTraining):
    """The run behind a `LearnedPage`."""

    def __init__(self, tab: PoolingTab, page: LearnedPage) -> None:
        super().__init__(
            tab,
            TRAINER,
            page.transport,
            lambda: run_params(tab.params),
            MOST_STEPS,
            lambda: tab.params.pace,
            "attention-pooling",
        )
        self._owner, self._page = tab, page
        self.arrived.connect(self._told)
        self.waiting.connect(tab.pending.show_count)
        page.transport.looked.connect(self._look_back)

    def params_changed(self) -> None:
        """The settings are others, or the page came to the front."""
        if self._owner.isVisible() and self._owner.page == PAGE:
            self.settings_changed()

    def pending(self) -> int:
        """Other points are one change, whatever they lie around."""
        now, run = run_params(self._owner.params), self.params
        both = isinstance(run, PoolingParams) and now.points != run.points and now.known != run.known
        return super().pending() - both

    def _told(self, event: Event) -> None:
        page = self._page
        match event:
            case RunBegan():
                page.take_began(event)
                for ready in page.cards:
                    ready.set_empty(None)
                made: dict[str, object] = {name: getattr(event.params, name) for name in rules(event.params)}
                for view in page.views:
                    view.settings = made
            case TrainStep():
                page.take_step(event)
            case Landscape():
                page.take_landscape(event)
            case NowW():
                page.take_now(event)

    def _look_back(self, step: int | None) -> None:
        """Any step can be looked at: its w is all there is to know, and the engine draws what it did."""
        told, run = None if step is None else self._page.values_at(step), self.params
        if told is None or not isinstance(run, PoolingParams):
            self._page.look(None)
        else:
            self._owner.stream.request(replace(run, look=(told.step, told.w)))
