"""What the pages of the tab have in common: dropped folders, and for two of them the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer

from app.cards import Card
from app.shell import Shell
from app.tabs.moco.run import MocoRun
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.widgets import col
from engines.core.params import Params
from engines.core.protocol import Ended, Event
from engines.core.training import Weights
from engines.moco.settings import FOLDER
from engines.moco.spec import MapFrame, Measured, MocoParams, QueueFrame, RunBegan, learning_from
from engines.studies.spec import Kind, Preset

REST = 400  # ms between two drawings of the curves; the ring is drawn at once
LEAST = 20.0  # steps that the curves show at least
LIVE = ("temperature", "momentum", "learning_rate")
NEW_RUN = ("method", "queue_size", "batch", "mlp", "supervised")
EXPORTED = (*LIVE, *NEW_RUN, "data", "seed")


class MocoPage(Page):
    """Base of all pages: their pictures are those of a folder that is dropped."""

    params_type = MocoParams

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_dir() and not (path / "config.json").is_file()

    def take(self, paths: Sequence[Path]) -> None:
        """Learn from these folders; class folders give the labels to measure with."""
        self.step(**learning_from(FOLDER) | {"paths": tuple(map(str, paths))})


QUEUES, MOMENTA, TEMPERATURES = (64, 256, 1024), (0.0, 0.9, 0.99), (0.07, 0.2, 0.5)
PRESETS = (
    Preset("Queue and momentum", (("queue_size", QUEUES), ("momentum", MOMENTA)), 3, 400),
    Preset("Queue and temperature", (("queue_size", QUEUES), ("temperature", TEMPERATURES)), 3, 400),
    Preset("Momentum and temperature", (("momentum", MOMENTA), ("temperature", TEMPERATURES)), 3, 400),
)


class RunPage(TrainingPage, MocoPage):
    """Base of the two pages that show the run. Curves are drawn at most once in `REST`.

    Parameters
    ----------
    run : MocoRun
    """

    keeps = False

    def __init__(self, state: State, feed: Feed | None, shell: Shell, run: MocoRun) -> None:
        super().__init__(state, feed, shell)
        self.run = run
        self.train(run.training, run.transport)
        self.slot = col(gap=0)  # where the bar goes while the page is in front
        self._soon = QTimer(self, singleShot=True, interval=REST)  # steps may come many times a second
        self._soon.timeout.connect(self.draw)

    def studied(self) -> tuple[Kind, Params, int]:
        """Runs of a study are not saved where the run of the page is."""
        kind, params, most = super().studied()
        return kind, replace(params, folder=""), most  # type: ignore[call-arg]  # `RunParams` has it

    def presets(self) -> tuple[Preset, ...]:
        return PRESETS

    # -- what a subclass says
    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return ()

    def begin(self, began: RunBegan) -> None:
        """A run stands at its beginning."""

    def draw(self) -> None:
        """Bring all views in line with what was told."""

    def draw_queue(self) -> None:
        """Bring what follows every step in line."""

    # -- the run
    def catch_up(self) -> None:
        """Show what was told before the page was built."""
        if not self.transport.parent():
            self.slot.addWidget(self.transport)  # language and theme reach only what is in the tab
        for waiting in self.cards:
            waiting.set_empty(self.run.refused or "Nothing to show yet.")
        if self.run.history.began is not None:
            self.begin(self.run.history.began)

    def told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.begin(event)
                self._draw()
            case QueueFrame():
                if self.on_screen:
                    self.draw_queue()
                self._draw_soon()
            case Measured() | MapFrame():
                self._draw_soon()
            case Ended():
                if event.error is not None and self.run.history.began is None:
                    for card in self.cards:
                        card.set_empty(event.error)
                self._draw()

    def look(self, state: Weights | None) -> None:
        self._draw()

    def _draw(self) -> None:
        if self.on_screen:
            self.draw()

    def _draw_soon(self) -> None:
        if self.on_screen and not self._soon.isActive():
            self._soon.start()

    # -- the contract
    def show_params(self, params: MocoParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)

    def activated(self) -> None:
        self.slot.addWidget(self.transport)
        self.transport.show()
        super().activated()
        self.draw()

    def exported(self) -> dict[str, object]:
        whole = super().exported()
        return {name: whole[name] for name in EXPORTED}
