"""The page "Palette": the weights of one query over the colors, and one slider."""

from __future__ import annotations

from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col
from engines.core.protocol import Event
from engines.toy.spec import Attended, ToyParams


class PalettePage(Page):
    """One card and one slider."""

    title = "Palette"
    params_type = ToyParams
    engine = "engines.toy.engine:Engine"
    takes_models = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Attended | None = None
        self.grid = ScoreGrid("ember", (96, 96))
        self.lay(box(col((card("Weights", self.grid), 1))), ParamsForm(self.params))

    def on(self, event: Event) -> None:
        if isinstance(event, Attended):
            self.answer = event
            self.grid.set_table(event.weights, 1.0)
            self.grid.set_names(["q"], event.names)

    def exported(self) -> dict[str, object]:
        if self.answer is None:
            return super().exported()
        return super().exported() | {name: getattr(self.answer, name) for name in ("model", "title", "sha256")}
