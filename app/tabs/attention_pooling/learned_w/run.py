"""The run behind the page. It goes on with the points that it began with."""

from __future__ import annotations

from app.pacing import PacedTraining
from app.topic.page import Page
from app.transport import Transport
from engines.attention_pooling.spec import MOST_STEPS, PoolingParams, run_params

TRAINER = "engines.attention_pooling.learned_w.training:Trainer"


class PointsRun(PacedTraining):
    """A run over the points of a page."""

    def __init__(self, page: Page, transport: Transport) -> None:
        super().__init__(
            page,
            TRAINER,
            transport,
            lambda: run_params(page.params),
            MOST_STEPS,
            lambda: page.params.pace,
            "attention-pooling",
        )
        self._page = page

    def pending(self) -> int:
        """Other points are one change, whatever they lie around."""
        now, run = run_params(self._page.params), self.params
        both = isinstance(run, PoolingParams) and now.points != run.points and now.known != run.known
        return super().pending() - both
