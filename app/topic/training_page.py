"""A page with a long run behind it: transport, what waits for a new run, runs that were left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from PySide6.QtGui import QKeyEvent

from app.kept import KeptRuns
from app.pending import Pending
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.training import DRIVEN, Training
from app.transport import Transport
from engines.core.keeping import settings_of
from engines.core.params import SETTING, with_role
from engines.core.protocol import Event
from engines.core.training import Weights


class TrainingPage(Page):
    """Base of the pages that train. A subclass makes its `Training` and hands it to `train`, then builds its dock.

    Attributes
    ----------
    training : Training
    transport : Transport
    pending : Pending
        How many settings wait for a new run; belongs into the section of those settings.
    kept_runs : KeptRuns
        Belongs on top of the dock.
    """

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.pending = Pending()

    def train(
        self, training: Training, transport: Transport, put: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Connect the page with its run.

        Parameters
        ----------
        training : Training
        transport : Transport
            The bar that drives it.
        put : callable, optional
            Brings the settings of a run that was left into the page; by default `put_run`.
        """
        self.training, self.transport = training, transport
        self.kept_runs = KeptRuns(self, training, put or self.put_run)
        training.arrived.connect(self.told)
        training.looked.connect(self.look)
        training.waiting.connect(self.pending.show_count)
        self.pending.anew.clicked.connect(lambda _checked=False: training.restart())

    def put_run(self, found: dict[str, Any]) -> None:
        """Bring the settings of a run that was left into the page; what is looked at and how it is drawn stays."""
        made_of = settings_of(self.params).keys() & with_role(self.params, "role", SETTING)
        self.state.put(**{name: found[name] for name in made_of})

    # -- what a subclass says
    def told(self, event: Event) -> None:
        """Draw what the run tells."""

    def look(self, state: Weights | None) -> None:
        """Draw a kept state; None is the newest, live."""

    # -- the contract
    def show_params(self, params: Any) -> None:
        if self.on_screen:
            self.training.settings_changed()

    def activated(self) -> None:
        self.training.settings_changed()

    def key(self, event: QKeyEvent) -> bool:
        return self.transport.take_key(event)

    def escape(self) -> None:
        if self.transport.looks is not None:
            self.transport.live.click()

    def device_changed(self, device: str) -> None:
        self.training.set_device(device)

    def exported(self) -> dict[str, object]:
        """The settings of the run in hand, which may be older than those of the page."""
        run = self.training.params
        if run is None:
            return super().exported()
        return {f.name: getattr(run, f.name) for f in fields(run) if f.name not in DRIVEN}
