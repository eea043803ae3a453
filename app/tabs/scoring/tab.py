"""The tab "Scoring functions": pages over one engine and one set of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from app.params_form import ParamsForm
from app.sections import section
from app.tab import Dock, Page, TopicTab
from app.tabs.scoring.arrows import ArrowsPage, ArrowTools
from app.tabs.scoring.compare import ComparePage
from app.tabs.scoring.dimension import DimensionPage
from app.tabs.scoring.walk import WalkPage
from app.views.base import PixelView
from app.widgets import box
from engines.core.params import Params
from engines.core.protocol import Event
from engines.scoring.spec import (
    ADDITIVE,
    COMPARE,
    DIMENSION,
    FUNCTIONS,
    MOST_KEYS,
    WALK,
    Compared,
    Pulled,
    ScoringParams,
    Spread,
    Sweep,
)

SHOWS = ((Compared,), (Spread, Sweep), (Compared,), (Pulled,))  #: events that a page draws
SHARED = ("num_queries", "num_keys", "temperature", "hidden", "data", "seed")


class ScoringTab(TopicTab):
    """Pages "Compare", "Dimension", "Step through" and "Arrows"."""

    params_type = ScoringParams
    intervenes = ("temperature", "valid_lens", "masked")

    _drawn: tuple[object, ...] = ()  # what the page on screen shows

    # -- building
    def build(self) -> Sequence[Page]:
        defaults = ScoringParams()
        self.params = replace(self.params, page=COMPARE)
        self._seen: dict[type[Event], Event] = {}
        self.compare = ComparePage(lambda: self._step(same_length=True), self.clear_mask)
        self.dimension, self.walk, self.arrows = DimensionPage(), WalkPage(), ArrowsPage()
        self.compare_form = ParamsForm(defaults, ("dim", "same_length", "query_dim", *SHARED))
        self.dimension_form = ParamsForm(defaults, ("dim", "num_keys", "temperature", "seed"))
        self.walk_form = ParamsForm(defaults, ("function", "dim", *SHARED))
        self.arrows_form = ParamsForm(defaults, ("function", "own_values", "field", "temperature", "hidden", "seed"))
        self.tools = ArrowTools(self._step)
        self.compare.chosen.connect(self.choose)
        self.walk.chosen.connect(self.choose)
        self.walk.use_additive.connect(lambda: self._step(function=ADDITIVE))
        for mask in (self.compare.mask, self.walk.mask):
            mask.painted.connect(lambda cells: self.change(masked=cells))
            mask.measured.connect(self.measure)
            mask.settled.connect(self.history.seal)
        self.dimension.picked.connect(lambda d: self.change(dim=d))
        self.dimension.settled.connect(self.history.seal)
        self.arrows.edited.connect(lambda fields: self.change(**fields))
        self.arrows.settled.connect(self.history.seal)
        self.arrows.key.connect(lambda at: self.change(undoable=False, arrow_at=at))
        self.arrows.function.connect(lambda f: self._step(function=FUNCTIONS[f]))
        return [
            Page("Compare", self.compare.centre, Dock(self.compare_form)),
            Page("Dimension", self.dimension.centre, Dock(self.dimension_form)),
            Page("Step through", self.walk.centre, Dock(self.walk_form)),
            Page("Arrows", self.arrows.centre, Dock(box(section("Keys", self.tools)), self.arrows_form)),
        ]

    # -- acts
    def choose(self, cell: tuple[int, int]) -> None:
        """Show the formula of a pair. Looking is no step to undo."""
        self.change(undoable=False, cell=cell)

    def measure(self, lens: tuple[int, ...]) -> None:
        """Set the valid length of each query on screen; the full length stays full when keys are added."""
        params: ScoringParams = self.params
        full = tuple(MOST_KEYS if n == params.num_keys else n for n in lens)
        self.change(valid_lens=(*full, *params.valid_lens[len(full) :]))

    def clear_mask(self) -> None:
        """All queries may attend to all keys."""
        self._step(valid_lens=(), masked=())

    def _step(self, **fields: Any) -> None:
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def changes(self) -> int:
        """Temperature, and each query or cell whose mask is not as it was at first."""
        params: ScoringParams = self.params
        plain = ScoringParams()
        lens = max(len(params.valid_lens), len(plain.valid_lens))
        pairs = zip(padded(params.valid_lens, lens), padded(plain.valid_lens, lens), strict=True)
        painted = set(params.masked) ^ set(plain.masked)
        return (params.temperature != plain.temperature) + sum(a != b for a, b in pairs) + len(painted)

    def undo(self) -> None:
        """One step back; which pair or key is looked at is no part of a step."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        if isinstance(params, ScoringParams):
            now: ScoringParams = self.params
            self._use(replace(params, cell=now.cell, arrow_at=now.arrow_at, page=now.page))

    # -- showing
    def show_params(self) -> None:
        super().show_params()
        self.compare_form.set_shown("query_dim", not self.params.same_length)
        self.tools.show_params(self.params)
        self._draw()

    def show_page(self, index: int) -> None:
        super().show_page(index)
        if index == WALK:
            self.walk.strip.setFocus()  # its keys work at once
        self.change(undoable=False, page=index)
        self._draw()

    def on(self, event: Event) -> None:
        self._seen[type(event)] = event
        self._draw()

    def retranslated(self) -> None:
        """Some texts are drawn when an answer comes: make them anew."""
        self._drawn = ()
        self._draw()

    def _draw(self) -> None:
        """Draw the page on screen, as far as it shows something else than it should."""
        if not hasattr(self, "_stack"):
            return
        params: ScoringParams = self.params
        seen = [self._seen.get(kind) for kind in SHOWS[self.page]]
        wanted = (self.page, params, *(id(event) for event in seen))
        if wanted == self._drawn:
            return
        self._drawn = wanted
        self._remember()
        if self.page == COMPARE:
            self.compare.show_params(params)
        elif self.page == DIMENSION:
            self.dimension.show_dim(params.dim)
        elif self.page == WALK:
            self.walk.show_params(params)
        else:
            self.arrows.show_params(params)
        for event in seen:
            self._draw_event(event)

    def _draw_event(self, event: Event | None) -> None:
        match event:
            case Compared() if self.page == COMPARE:
                self.compare.show_answer(event, within(self.params.cell, event))
            case Compared():
                self.walk.show_answer(event, within(self.params.cell, event), self.params.function)
            case Pulled():
                self.arrows.show_answer(event)
            case Spread():
                self.dimension.show_spread(event)
            case Sweep():
                self.dimension.show_sweep(event)

    def _remember(self) -> None:
        """The settings that go into every exported file."""
        settings: dict[str, object] = asdict(self.params)
        for page in self.pages if hasattr(self, "pages") else ():
            for view in page.centre.findChildren(PixelView):
                view.settings = settings


def within(cell: tuple[int, int], seen: Compared) -> tuple[int, int]:
    """A pair that exists in an answer, which may be older than the settings."""
    queries, keys = seen.allowed.shape
    return min(cell[0], queries - 1), min(cell[1], keys - 1)


def padded(lens: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Valid lengths with an entry for each query."""
    return (*lens, *(MOST_KEYS for _ in range(count - len(lens))))
