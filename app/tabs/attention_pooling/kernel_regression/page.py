"""The page "Kernel regression": numbers on top, draggable points, the map of weights, the leave-one-out error."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import Card, card
from app.guess import GuessFirst, curve_score
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.lines import Line
from app.plots.marks import Mark
from app.plots.scatterplot import ADD, DELETE, MOVE, ScatterPlot
from app.plots.typed import GraphicsView
from app.shell import Shell
from app.steady import Steady
from app.tabs.attention_pooling.kernel_regression.cues import CueStrip, Formula
from app.tabs.attention_pooling.points import PointsPage, known_curve, two
from app.tabs.attention_pooling.weightmap import WeightMap
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.guesssheet import CurveSheet
from app.widgets import Segments, WideButton, box, col, quiet, row
from app.words import Text, say
from engines.attention_pooling.kernel_regression.spec import LeaveOneOut, PooledFrame
from engines.attention_pooling.spec import DRAWN, KERNELS, MOST, Points, PoolingParams, points_of
from engines.core.errors import Message
from engines.core.params import Range, rules
from engines.core.protocol import Ended, Event

MODES = (MOVE, ADD, DELETE)
LOOKS = (("cat0", "solid"), ("cat1", "dash"), ("cat2", "dashdot"), ("cat3", "dot"), ("cat5", "dash"))  # of the kernels


class RegressionPage(PointsPage):
    """Views of the page."""

    title = "Kernel regression"
    engine = "engines.attention_pooling.kernel_regression.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.cues, self.formula = CueStrip(), Formula()
        self.plot = ScatterPlot(strip=True, low=(260, 190))
        self.plot.editable = True
        self.plot.export_name = "kernel-regression"
        self.map, self.bar = WeightMap(), ColorBar(Message("Weight"))
        self.bar.drive(self.map)
        self.error = ScatterPlot(log_x=True, low=(180, 68))
        self.error.export_name = "leave-one-out"
        self.modes = Segments(
            ("Move", "Add", "Delete"),
            tips=(
                "Drag points or the query line. Shift keeps x.",
                "Click to add a point; Ctrl+click adds one at any time.",
                "Click a point to delete it, or press Delete.",
            ),
        )
        self.modes.chosen.connect(lambda i: setattr(self.plot, "mode", MODES[i]))
        self.legend = Key((("cat0", "fit"),), a_line=3)
        self.said, self.spread, self.errs = (Steady(kind="quiet") for _ in range(3))  # below: titles leave them no room
        self._legend: tuple[str, ...] = ()
        known = CurveSheet(self.plot, lambda: np.array(points_of(self.params)).T)
        self.guess = GuessFirst(self, known, "Draw the curve that you expect.", self._judge, (self.formula,))
        self.guess.told.connect(self.tell)
        self.cues_card = card("Query, keys, values", self.cues)
        self.plot_card = card(
            "Points and fit", self.plot, tools=(self.guess.button, self.modes), foot=col(self.legend, self.said, gap=2)
        )
        self.map_card = card("Weights, query × key", self.map, foot=col(self.bar, self.spread, gap=2))
        self.error_card = card("Leave-one-out error", self.error, foot=self.errs)
        self.formula_card = card("Formula with current values", self.formula)
        beside = col((self.map_card, 3), (self.error_card, 2), gap=S3)
        middle = row((self.plot_card, 3), (beside, 2), gap=S3)
        self.shown: PooledFrame | None = None
        for waiting in self.cards:
            waiting.set_empty("Sampling points")
        self._connect()
        form = ParamsForm(self.params, ("kernel", "bandwidth", "all_kernels", *DRAWN))
        self.origin = quiet("", wrap=True)
        paste = WideButton("Paste points (CSV)", "copy", tip="Two columns, x and y, from the clipboard (Ctrl+V).")
        paste.clicked.connect(lambda _checked=False: self.paste_points())
        for part in (self.origin, paste):
            form.add("Data", part)
        self.lay(box(col(self.cues_card, (middle, 1), self.formula_card, gap=S3)), form)

    def _connect(self) -> None:
        plot = self.plot
        plot.hovered.connect(self._light)
        plot.query_moved.connect(lambda x: self.change(query=x))
        plot.query_settled.connect(self.settle)
        plot.point_moved.connect(self._move)
        plot.point_settled.connect(self.settle)
        plot.point_added.connect(self.add_point)
        plot.point_removed.connect(self.remove_point)
        self.map.hovered.connect(self._cell_pointed)
        self.map.clicked.connect(self._row_chosen)
        self.error.query_moved.connect(self._bandwidth_pulled)
        self.error.query_settled.connect(self.settle)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.cues_card, self.plot_card, self.map_card, self.error_card, self.formula_card

    @property
    def views(self) -> tuple[GraphicsView, ...]:
        """What can be exported."""
        return self.cues, self.plot, self.map, self.bar, self.error, self.formula

    # -- the hand
    def _move(self, index: int, x: float, y: float) -> None:
        points = list(points_of(self.params))
        if index < len(points):  # an answer to what stood there before may have put back a point that is gone
            points[index] = (x, y)
            self.change(points=tuple(points))

    def add_point(self, x: float, y: float) -> None:
        """Put a point where the hand clicked."""
        points = points_of(self.params)
        if len(points) >= MOST:
            self.tell(Message("The limit of {n} points is reached.", {"n": MOST}))
            return
        self.step(points=(*points, (x, y)))

    def remove_point(self, index: int) -> None:
        """Take a point away; one has to stay."""
        points = points_of(self.params)
        if len(points) == 1:
            self.tell(Message("The last point can't be deleted."))
            return
        self.step(points=points[:index] + points[index + 1 :])

    def _bandwidth_pulled(self, bandwidth: float) -> None:
        rule = rules(self.params)["bandwidth"]
        assert isinstance(rule, Range)
        self.change(bandwidth=min(rule.high, max(rule.low, round(bandwidth, rule.digits))))

    def _row_chosen(self, cell: tuple[int, int]) -> None:
        if self.shown is not None:
            self.step(query=float(self.shown.queries[cell[0]]))

    def escape(self) -> None:
        self.plot.escape()
        self.plot.update()

    # -- drawing
    def on(self, event: Event) -> None:
        match event:
            case PooledFrame():
                for ready in (*self.cards[:-2], self.formula_card):
                    ready.set_empty(None)
                self._show_pooled(event, self.params)
            case LeaveOneOut():
                self.error_card.set_empty(None)
                self._show_error(event)
            case Ended() if event.error is not None and self.shown is None:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def show_params(self, params: PoolingParams) -> None:
        self.guess.settings_changed()
        points = points_of(params)
        self._show_points(points, params)
        count = {"n": len(points)}
        if params.points is None:
            say(self.origin, "setText", Message("{n} points sampled around 2 sin x + x^0.8", count))
        elif params.known:
            say(
                self.origin,
                "setText",
                Message("{n} {n:point|points}, edited by hand. Moving a slider samples new ones.", count),
            )
        else:
            say(
                self.origin,
                "setText",
                Message("{n} {n:point|points} of your own. Moving a slider samples new ones.", count),
            )

    def _judge(self) -> tuple[float, Message]:
        """How near the drawn curve is to the fit."""
        sheet, shown = self.guess.sheet, self.shown
        assert isinstance(sheet, CurveSheet)
        assert shown is not None
        x, y = sheet.curve()
        fit = np.where(shown.filled, shown.fit, np.nan)
        truth = np.interp(x, shown.grid, fit, left=np.nan, right=np.nan)
        away = np.abs(y - truth)
        mean = float(away[np.isfinite(away)].mean()) if np.isfinite(away).any() else 0.0
        return curve_score(y, truth), Message("Mean distance from the fit: {d}.", {"d": two(mean)})

    def exported(self) -> dict[str, object]:
        count, own = len(points_of(self.params)), self.params.points is not None
        return super().exported() | {"points": count, "own_points": own}

    def _show_points(self, points: Points, params: PoolingParams) -> None:
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

    def _show_pooled(self, shown: PooledFrame, params: PoolingParams) -> None:
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
            say(self.said, "setText", "No key within the bandwidth: no estimate.")
            say(self.spread, "setText", "entropy 0 bits")
            return
        values = {"n": words.number(shown.entropy, 2), "most": words.number(float(np.log2(len(shown.points))), 2)}
        say(self.spread, "setText", Message("entropy {n} of {most} bits", values))
        answer = {"x": two(shown.query), "y": two(shown.output)}
        say(self.said, "setText", Message("query {x}, output {y}", answer))

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
            self.legend.set_items(items)

    def _show_error(self, error: LeaveOneOut) -> None:
        """The error curve, the present bandwidth and the best one."""
        whole = error.lonely == 0
        marks = [Mark(error.best, error.least, "text2", ring=True)] if error.least else []
        line = Line(Message("error"), error.bandwidths, error.errors, "cat0", whole)
        self.error.set_lines([line], marks)
        top = float(error.errors[whole].max()) if whole.any() else 1.0
        self.error.set_range((float(error.bandwidths[0]), float(error.bandwidths[-1])), (0.0, max(top * 1.08, 1e-6)))
        self.error.set_query(error.bandwidth, None if error.alone else error.error)
        if error.alone:
            say(self.errs, "setText", Message("{n} {n:point has|points have} no neighbor", {"n": error.alone}))
        elif error.least:
            values = {"e": two(error.error), "least": two(error.least), "h": words.number(error.best, 2)}
            say(self.errs, "setText", Message("{e}, minimum {least} at {h}", values))
        else:
            say(self.errs, "setText", words.plain(two(error.error)))

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
