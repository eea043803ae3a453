"""Accuracy of the methods on the test pictures: over steps, over labels, and as intervals at one step."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.plots.curves import Curve, Curves
from app.plots.errorplot import ErrorLine, ErrorPlot
from app.plots.intervals import Interval, Intervals
from app.plots.surface import Surface
from app.tabs.transfer.learn.run import TESTED_STEPS, RunState
from app.views.base import PixelView
from app.widgets import Segments, col
from app.words import say
from engines.core.errors import Message
from engines.transfer.learn.spec import METHODS, Result, pooled, wilson

TOKENS = ("cat0", "cat3", "cat4")
STEPS, LABELS = range(2)


class Accuracy:
    """The card and its views.

    Parameters
    ----------
    run : RunState
        What the run has told.
    """

    def __init__(self, run: RunState) -> None:
        self._run = run
        self._results: tuple[Result, ...] = ()
        self.curves = Curves((0, 100), (0, 25, 50, 75, 100))
        self.by_labels = ErrorPlot("Accuracy by labels", Message("labels per class"))
        self.intervals = Intervals(len(METHODS))
        for view, name, file in (
            (self.curves, "Accuracy, %", "accuracy"),
            (self.by_labels, "Accuracy by labels", "accuracy-by-labels"),
            (self.intervals, "Accuracy with its interval", "intervals"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        self.over = Segments(
            ("By steps", "By labels"),
            tips=("One run, step by step", ("Final accuracies of all runs on these pictures")),
        )
        plots = col((self.curves, 1), (self.by_labels, 1), gap=0)
        self.by_labels.hide()
        self.card = card("Accuracy on test pictures, %", plots, tools=[self.over], foot=self.intervals)
        self.over.chosen.connect(lambda _at: self.show_plot())
        self.curves.pointed.connect(self._cursor)
        self.draw_intervals()

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.curves, self.by_labels, self.intervals

    def take_results(self, rows: tuple[Result, ...]) -> None:
        """Ends of all runs."""
        self._results = rows
        self._draw_by_labels()

    def show_plot(self) -> None:
        """Over steps, or over labels."""
        by_labels = self.over.at() == LABELS
        self.curves.setVisible(not by_labels)
        self.by_labels.setVisible(by_labels)
        self.draw_curves()
        self._draw_by_labels()

    def draw_curves(self) -> None:
        """One curve a method, with its interval."""
        run = self._run
        if not run.steps:
            self.curves.set_curves([], float(TESTED_STEPS[-1]))
            return
        x = np.array(run.steps, float)
        lines = []
        for turn, method in enumerate(run.methods):
            right = run.right[:, turn]
            ends = np.array([wilson(int(count), run.tested) for count in right])
            share = 100.0 * right / run.tested
            name, last = Message(METHODS[method]), method == len(METHODS) - 1
            low, high = 100 * ends.T
            lines.append(Curve(name, x, share, TOKENS[method], low=low, high=high, dashed=last, digits=1))
        self.curves.set_curves(lines, max(float(x[-1]), 8.0))
        self._cursor(None)

    def _cursor(self, x: float | None) -> None:
        """The dashed line, and the values at it; looking back keeps it at that step."""
        if x is None and self._run.selected is not None:
            x = float(self._run.selected)
        self.curves.set_cursor(x)
        self.draw_intervals(x)

    def _draw_by_labels(self) -> None:
        lines, ticks = [], set()
        for method, rows in pooled(self._results).items():
            if not rows:
                continue
            x = np.array([row.labels for row in rows], float)
            share = np.array([100 * row.right / row.tested for row in rows])
            ends = 100 * np.array([wilson(row.right, row.tested) for row in rows])
            name, last = Message(METHODS[method]), method == len(METHODS) - 1
            low, high = ends.T
            lines.append(ErrorLine(name, TOKENS[method], x, share, (high - low) / 2, last, low, high))
            ticks |= set(x.tolist())
        self.by_labels.set_empty("No run has been trained on these pictures yet.")
        self.by_labels.set_lines(lines, sorted(ticks))

    def draw_intervals(self, x: float | None = None) -> None:
        """Each method's share and interval, at the cursor or in the state looked at."""
        run, shown = self._run, []
        at = None if x is None else run.right_at(x)
        for method, name in enumerate(METHODS):
            right = run.right_of(method) if at is None else at.get(method)
            if right is None:
                shown.append(Interval(Message(name), TOKENS[method]))
            else:
                low, high = wilson(right, run.tested)
                shown.append(Interval(Message(name), TOKENS[method], right / run.tested, low, high))
        self.intervals.set_rows(shown)
        if run.tested:
            self.card.set_note("{n} pictures, 95 % interval", n=words.number(run.tested))
        else:
            self.card.set_note("95 % interval (Wilson 1927)")
