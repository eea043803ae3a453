"""The page "Kernel regression": numbers on top, draggable points, the map of weights, the leave-one-out error."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import Card, card
from app.tabs.attention_pooling.cues import CueStrip, Formula, two
from app.tabs.attention_pooling.weightmap import WeightMap
from app.theme import S3
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.scatterplot import ADD, DELETE, MOVE, Line, Mark, ScatterPlot
from app.widgets import Key, Segments, box, col, row
from app.words import Text
from engines.attention_pooling.spec import KERNELS, LeaveOneOut, Points, PooledFrame, PoolingParams, truth
from engines.core.errors import Message

MODES = (MOVE, ADD, DELETE)
LOOKS = (("cat0", "solid"), ("cat1", "dash"), ("cat2", "dashdot"), ("cat3", "dot"), ("cat5", "dash"))  # of the kernels
CURVE = 201  # places of the true curve


def known_curve(low: float, high: float, params: PoolingParams) -> list[Line]:
    """The curve that the points were drawn around, as far as it reaches."""
    if not params.known or high < 0:
        return []
    x = np.linspace(max(0.0, low), high, CURVE)
    return [Line(Message("true curve"), x, truth(x), "truth", style="dash", width=1)]


class RegressionPage:
    """Views of the page; the tab connects them."""

    def __init__(self) -> None:
        self.cues, self.formula = CueStrip(), Formula()
        self.plot = ScatterPlot(strip=True, low=(260, 190))
        self.plot.editable = True
        self.plot.export_name = "kernel-regression"
        self.map, self.bar = WeightMap(), ColorBar(Message("Weight"))
        self.error = ScatterPlot(log_x=True, low=(180, 84))
        self.error.export_name = "leave-one-out"
        self.modes = Segments(
            ("Move", "Add", "Delete"),
            tips=(
                "Drag points or the query line. Shift keeps x.",
                "Click where a point should be; Ctrl+click adds at any time.",
                "Click a point to take it away; the Delete key does it, too.",
            ),
        )
        self.modes.chosen.connect(lambda i: setattr(self.plot, "mode", MODES[i]))
        self.key = Key((("cat0", "fit"),))
        self._legend: tuple[str, ...] = ()
        self.cues_card = card("Query, keys, values", self.cues)
        self.plot_card = card("Points and fit", self.plot, tools=(self.modes,), foot=self.key)
        self.map_card = card("Weights, query × key", self.map, foot=self.bar)
        self.error_card = card("Leave-one-out error", self.error)
        self.formula_card = card("Formula in live numbers", self.formula)
        beside = col((self.map_card, 3), (self.error_card, 2), gap=S3)
        middle = row((self.plot_card, 3), (beside, 2), gap=S3)
        self.centre = box(col(self.cues_card, (middle, 1), self.formula_card, gap=S3))
        self.shown: PooledFrame | None = None
        self._connect()

    def _connect(self) -> None:
        self.plot.hovered.connect(self._light)
        self.map.hovered.connect(self._cell_pointed)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.cues_card, self.plot_card, self.map_card, self.error_card, self.formula_card

    @property
    def views(self) -> tuple[PixelView, ...]:
        """What can be exported."""
        return self.cues, self.plot, self.map, self.bar, self.error, self.formula

    # -- drawing
    def show_points(self, points: Points, params: PoolingParams) -> None:
        """Points as they stand now, before the engine has answered."""
        x, y = np.array(points).T
        same = self.shown is not None and len(self.shown.points) == len(points)
        heat = self._heat() if same else None
        self.plot.set_points(x, y, heat)
        self._show_query(params)
        if self.error.query != params.bandwidth:
            self.error.set_query(params.bandwidth)

    def _show_query(self, params: PoolingParams) -> None:
        shown = self.shown
        answer = None
        if shown is not None and not shown.empty and shown.query == params.query:
            answer = shown.output
        band = None
        if params.kernel != KERNELS[-1]:
            band = params.query - params.bandwidth, params.query + params.bandwidth
        self.plot.set_query(params.query, answer, band)

    def _heat(self) -> np.ndarray:
        assert self.shown is not None
        top = max(float(self.shown.weights.max(initial=0)), float(self.shown.query_weights.max(initial=0)), 1e-12)
        return np.asarray(self.shown.query_weights / top)

    def show_pooled(self, shown: PooledFrame, params: PoolingParams) -> None:
        """Everything but the error curve."""
        self.shown = shown
        x, y = np.array(shown.points).T
        top = max(float(shown.weights.max(initial=0)), float(shown.query_weights.max(initial=0)), 1e-12)
        lines = known_curve(float(shown.grid[0]), float(shown.grid[-1]), params)
        chosen = KERNELS.index(shown.kernel)
        for i, fit in enumerate(shown.fits):
            if i != chosen:
                token, style = LOOKS[i]
                lines.append(Line(Message(KERNELS[i]), shown.grid, fit, token, shown.fits_filled[i], style, 1.2))
        token = LOOKS[chosen][0]
        lines.append(Line(Message("fit"), shown.grid, shown.fit, token, shown.filled, "solid", 2))
        self.plot.set_lines(lines)
        self.plot.set_points(x, y, shown.query_weights / top)
        self.plot.set_stems(shown.query_weights, top)
        self._show_query(params)
        self._show_legend(shown, params)
        self.map.set_weights(shown.weights, shown.queries, x[shown.order], top)
        self.map.set_at((int(np.abs(shown.queries - shown.query).argmin()), -1))
        self.bar.set_range(0, top)
        self.cues.set_shown(shown)
        self.formula.set_shown(shown)
        self._say(shown)

    def _say(self, shown: PooledFrame) -> None:
        if shown.empty:
            self.plot_card.set_note("No key in the window: a gap.")
            self.map_card.set_note("entropy 0 bit")
            return
        values = {"n": words.number(shown.entropy, 2), "most": words.number(float(np.log2(len(shown.points))), 2)}
        self.map_card.set_note(Message("entropy {n} of {most} bit", values))
        answer = {"x": two(shown.query), "y": two(shown.output)}
        self.plot_card.set_note(Message("query {x}, output {y}", answer))

    def _show_legend(self, shown: PooledFrame, params: PoolingParams) -> None:
        token = LOOKS[KERNELS.index(shown.kernel)][0]
        items: list[tuple[str, Text]] = [(token, shown.kernel)]
        if len(shown.fits):
            items += [(LOOKS[i][0], k) for i, k in enumerate(KERNELS) if k != shown.kernel]
        if params.known:
            items.append(("truth", "true curve"))
        names = tuple(f"{token}{name}" for token, name in items)
        if names != self._legend:
            self._legend = names
            self.key.set_items(items)

    def show_error(self, error: LeaveOneOut) -> None:
        """The error curve, the present bandwidth and the best one."""
        whole = error.lonely == 0
        marks = [Mark(error.best, error.least, "text2", ring=True)] if error.least else []
        line = Line(Message("error"), error.bandwidths, error.errors, "cat0", whole)
        self.error.set_lines([line], marks)
        top = float(error.errors[whole].max()) if whole.any() else 1.0
        self.error.set_range((float(error.bandwidths[0]), float(error.bandwidths[-1])), (0.0, max(top * 1.08, 1e-6)))
        self.error.set_query(error.bandwidth, None if error.alone else error.error)
        if error.alone == 1:
            self.error_card.set_note("1 point has no neighbor")
        elif error.alone:
            self.error_card.set_note(Message("{n} points have no neighbor", {"n": error.alone}))
        elif error.least:
            values = {"e": two(error.error), "least": two(error.least), "h": words.number(error.best, 2)}
            self.error_card.set_note(Message("{e}, least {least} at {h}", values))
        else:
            self.error_card.set_note(words.plain(two(error.error)))

    # -- what is pointed at
    def _light(self, index: int | None) -> None:
        """A point: its column in the map, its place in the table."""
        self.cues.set_lit(index)
        if self.shown is None:
            return
        at = None if index is None else np.flatnonzero(self.shown.order == index)
        self.map.set_lit((-1, int(at[0])) if at is not None and len(at) else None)

    def _cell_pointed(self, cell: tuple[int, int] | None) -> None:
        """A cell of the map: its key among the points, its query as a dashed line."""
        if self.shown is None:
            return
        index = None if cell is None else int(self.shown.order[cell[1]])
        self.plot.set_hover(index)
        self.cues.set_lit(index)
        self.plot.set_cursor(None if cell is None else float(self.shown.queries[cell[0]]))
