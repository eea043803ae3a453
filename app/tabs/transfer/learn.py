"""The page "Learn": the classes, three curves with their intervals, the map of features, and what is confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app import words
from app.cards import Card, card
from app.plots.curves import Curve, Curves
from app.tabs.transfer.run import TESTED_STEPS, RunState
from app.theme import S3
from app.transport import Transport
from app.views.base import PixelView
from app.views.classrows import ClassRows
from app.views.colorbar import ColorBar
from app.views.countmatrix import CountMatrix
from app.views.errorplot import ErrorLine, ErrorPlot
from app.views.intervals import Interval, Intervals
from app.views.pointcloud import PointCloud, class_token
from app.widgets import Segments, box, col, quiet, row
from app.words import Text, say
from engines.core.errors import Message
from engines.transfer.spec import (
    METHODS,
    PCA,
    SEED_TIP,
    FeatureMap,
    Ints,
    Result,
    SetRead,
    TransferParams,
    confusion,
    pooled,
    wilson,
)

if TYPE_CHECKING:
    from app.tabs.transfer.tab import TransferTab

TOKENS = ("cat0", "cat3", "cat4")
SHORT = ("Probe", "Fine-tuned", "Scratch")
STEPS, LABELS = range(2)


def other_pictures(found: SetRead, before: SetRead) -> bool:
    """Whether a set holds others than the one before, so that a map of those says nothing of these."""
    same = found.title == before.title and found.names == before.names
    return not (same and np.array_equal(found.found, before.found))


class LearnPage:
    """Views of the page and what they show.

    Parameters
    ----------
    tab : TransferTab
        Hears of what the hand chooses.
    state : RunState
        What the run has told.
    """

    def __init__(self, tab: TransferTab, state: RunState) -> None:
        self._tab, self._state = tab, state
        self.rows, self.cloud, self.confusion = ClassRows(), PointCloud(), CountMatrix()
        self.curves = Curves((0, 100), (0, 25, 50, 75, 100))
        self.by_labels = ErrorPlot("Accuracy by labels", Message("labels per class"))
        self.intervals = Intervals(len(METHODS))
        self.transport = Transport(seed_tip=SEED_TIP)
        for view, name, file in (
            (self.rows, "Classes", "classes"),
            (self.curves, "Accuracy, %", "accuracy"),
            (self.by_labels, "Accuracy by labels", "accuracy-by-labels"),
            (self.intervals, "Accuracy with its interval", "intervals"),
            (self.cloud, "Features in two dimensions", "feature-map"),
            (self.confusion, "Confusion", "confusion"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        self.over = Segments(
            ("By steps", "By labels"), tips=("One run, step by step", "The ends of all runs on these pictures")
        )
        self.method = Segments(SHORT)
        self.bar = ColorBar(Message("Test pictures"), "tide", least=120, turned=True)
        self.bar.hide()  # until there is something to count
        self.told, self.said = quiet("", wrap=True), quiet("")
        self.set_card = card("Classes", self.rows, foot=self.told)
        plots = col((self.curves, 1), (self.by_labels, 1), gap=0)
        self.by_labels.hide()
        self.curve_card = card("Accuracy on test pictures, %", plots, tools=[self.over], foot=self.intervals)
        self.map_card = card("Features in two dimensions", self.cloud, foot=self.said)
        self.confusion_card = card("Confusion", self.confusion, tools=[self.method], foot=self.bar)
        upper = row((self.set_card, 10), (self.curve_card, 17), gap=S3)
        lower = row((self.map_card, 15), (self.confusion_card, 12), gap=S3)
        self.centre = box(col((upper, 1), (lower, 1), self.transport, gap=S3))
        self.set: SetRead | None = None
        self.map: FeatureMap | None = None
        self._results: tuple[Result, ...] = ()
        self._connect()
        for waiting in self.cards:
            waiting.set_empty("Reading the pictures")
        self.confusion_card.set_empty("Train, and see here what is taken for what.", "Start", tab.start)
        self._draw_intervals()

    def _connect(self) -> None:
        self.over.chosen.connect(lambda _at: self._show_plot())
        self.method.chosen.connect(lambda _at: self.draw_said())
        self.curves.pointed.connect(self._cursor)
        self.cloud.hovered.connect(self._point)
        self.cloud.clicked.connect(self._point)
        self.rows.hovered.connect(lambda at: self._light_class(self.rows.at() if at is None else at))
        self.rows.chosen.connect(self._light_class)
        self.confusion.hovered.connect(self._light_cell)
        self.confusion.clicked.connect(self._pin_cell)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.set_card, self.curve_card, self.map_card, self.confusion_card

    @property
    def views(self) -> tuple[Curves | PixelView, ...]:
        """All views that can be exported."""
        return self.rows, self.curves, self.by_labels, self.intervals, self.cloud, self.confusion

    # -- what the engine tells
    def take_set(self, found: SetRead, params: TransferParams) -> None:
        """The pictures in use. A map of others is none of theirs: it goes until the new one comes."""
        if self.set is not None and self.map is not None and other_pictures(found, self.set):
            self.map = None
            self.map_card.set_empty("Nothing to show yet.")
        self.set = found
        names = [words.plain(name) for name in found.names]
        labeled = np.minimum(found.labels, found.used - found.tests).tolist()
        counts = [f"{n} / {words.number(whole)}" for n, whole in zip(labeled, found.found.tolist(), strict=True)]
        self.rows.set_rows(names, counts, found.faces, [class_token(i) for i in range(len(names))])
        self.set_card.set_note("labeled / all")
        tests = int(found.tests.sum())
        said = {"used": words.number(int(found.used.sum())), "n": words.number(tests), "side": found.side}
        say(self.told, "setText", Message("{used} used, {n} of them for testing, at {side} px", said))
        for ready in (self.set_card, self.curve_card):
            ready.set_empty(None)
        made: dict[str, object] = {
            "set": found.title or "digits", "backbone": found.backbone, "labels": found.labels, "seed": params.sample,
        }  # fmt: skip
        for view in self.views:
            view.settings = made
        self._show_plot()

    def take_map(self, found: FeatureMap) -> None:
        """Where the features lie."""
        self.map = found
        assert self.set is not None
        names = [words.plain(name) for name in self.set.names]
        self.cloud.set_points(found.points, found.truth, names, found.labeled)
        self.cloud.set_faces(found.thumbs)
        self.cloud.set_extra(tuple(found.photo.tolist()) if len(found.photo) else None)
        self.map_card.set_empty(None)
        if found.projection == PCA:
            share = {"share": words.percent(found.explained, 0)}
            self.map_card.set_note("PCA keeps {share} of the variance", **share)
        elif found.step < found.steps:
            self.map_card.set_note("t-SNE, iteration {n} of {all}", n=found.step, all=found.steps)
        else:
            self.map_card.set_note("t-SNE: only near and far count")
        say(self.said, "setText", "Full: labeled. Outline: test. Crossed: classified wrongly.")
        self.mark()

    def take_results(self, rows: tuple[Result, ...]) -> None:
        """Ends of all runs."""
        self._results = rows
        self._draw_by_labels()

    # -- drawing the run
    def draw(self) -> None:
        """Everything the run has told."""
        self._draw_curves()
        self.draw_said()

    def draw_said(self) -> None:
        """What the state looked at says of each test picture."""
        self._draw_intervals()
        self._draw_confusion()
        self.mark()

    def _show_plot(self) -> None:
        by_labels = self.over.at() == LABELS
        self.curves.setVisible(not by_labels)
        self.by_labels.setVisible(by_labels)
        self._draw_curves()
        self._draw_by_labels()

    def _draw_curves(self) -> None:
        state = self._state
        if not state.steps:
            self.curves.set_curves([], float(TESTED_STEPS[-1]))
            return
        x = np.array(state.steps, float)
        lines = []
        for turn, method in enumerate(state.methods):
            right = state.right[:, turn]
            ends = np.array([wilson(int(count), state.tested) for count in right])
            share = 100.0 * right / state.tested
            name, last = Message(METHODS[method]), method == len(METHODS) - 1
            low, high = 100 * ends.T
            lines.append(Curve(name, x, share, TOKENS[method], low=low, high=high, dashed=last, digits=1))
        self.curves.set_curves(lines, max(float(x[-1]), 8.0))
        self._cursor(None)

    def _cursor(self, x: float | None) -> None:
        """The dashed line, and the values at it; looking back keeps it at that step."""
        if x is None and self._state.looks is not None:
            x = float(self._state.looks)
        self.curves.set_cursor(x)
        self._draw_intervals(x)

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

    def _draw_intervals(self, x: float | None = None) -> None:
        """Each method's share and interval, at the cursor or in the state looked at."""
        state, shown = self._state, []
        at = None if x is None else state.right_at(x)
        for method, name in enumerate(METHODS):
            right = state.right_of(method) if at is None else at.get(method)
            if right is None:
                shown.append(Interval(Message(name), TOKENS[method]))
            else:
                low, high = wilson(right, state.tested)
                shown.append(Interval(Message(name), TOKENS[method], right / state.tested, low, high))
        self.intervals.set_rows(shown)
        if state.tested:
            self.curve_card.set_note("{n} pictures, 95 % interval", n=words.number(state.tested))
        else:
            self.curve_card.set_note("95 % interval (Wilson 1927)")

    def _draw_confusion(self) -> None:
        state = self._state
        said = state.said_of(self.method.at())
        self.bar.setVisible(said is not None)
        if said is None or state.truth is None:
            text = "Train, and see here what is taken for what."
            if state.methods and state.steps:
                text = "This method takes no part in the run."
                self.confusion_card.set_empty(text)
            else:
                self.confusion_card.set_empty(text, "Start", self._tab.start)
            self.confusion_card.set_note("")
            return
        names = [words.plain(name) for name in state.names]
        counts = confusion(state.truth, said, len(names))
        self.confusion.set_counts(counts, len(names))
        self.confusion.set_names(names, names)
        top, clipped = self.confusion.top()
        self.bar.set_range(0, top, clipped)
        self.confusion_card.set_empty(None)
        self.confusion_card.set_note("rows: truth")

    # -- what belongs together
    def mark(self) -> None:
        """Cross what the chosen method gets wrong on the map, and say it beside the pictures."""
        found, read = self.map, self.set
        if found is None or read is None:
            return
        said = self._said_on_map(found)
        wrong = (said >= 0) & (said != found.truth)
        captions: list[Text] = []
        for label, other, is_labeled in zip(found.truth.tolist(), said.tolist(), found.labeled.tolist(), strict=True):
            truth = words.plain(read.names[label])
            if is_labeled:
                captions.append(Message("{name}, labeled", {"name": truth}))
            elif other >= 0:
                captions.append(
                    Message("{name}, said: {other}", {"name": truth, "other": words.plain(read.names[other])})
                )
            else:
                captions.append(truth)
        self.cloud.set_said(wrong, captions)

    def _said_on_map(self, found: FeatureMap) -> Ints:
        """Class that the chosen method says of each point; −1 where it says nothing."""
        said = np.full(len(found.picture), -1, np.int64)
        state, predicted = self._state, self._state.said_of(self.method.at())
        if predicted is None or state.indices is None or not self._tab.run_fits:
            return said
        place = np.searchsorted(state.indices, found.picture)
        inside = place < len(state.indices)
        hit = np.zeros(len(said), bool)
        hit[inside] = state.indices[place[inside]] == found.picture[inside]
        said[hit] = predicted[place[hit]]
        return said

    def _point(self, index: int | None) -> None:
        """A point of the map is pointed at: light its cell and its class."""
        found = self.map
        at = self.cloud.at() if index is None else index
        if found is None or at is None:
            self.confusion.set_lit(None)
            return
        said = int(self._said_on_map(found)[at])
        self.confusion.set_lit((int(found.truth[at]), said) if said >= 0 else None)

    def _light_class(self, label: int | None) -> None:
        if self.map is not None:
            self.cloud.set_lit(None if label is None else self.map.truth == label)

    def _light_cell(self, cell: tuple[int, int] | None) -> None:
        if self.map is None:
            return
        cell = self._pinned if cell is None else cell
        if cell is None:
            self._light_class(self.rows.at())
            return
        said = self._said_on_map(self.map)
        true = np.ones(len(said), bool) if cell[0] < 0 else self.map.truth == cell[0]
        other = said >= 0 if cell[1] < 0 else said == cell[1]
        self.cloud.set_lit(true & other)

    _pinned: tuple[int, int] | None = None

    def _pin_cell(self, cell: tuple[int, int]) -> None:
        self._pinned = None if cell == self._pinned else cell
        self.confusion.set_at(self._pinned)
        self._light_cell(self._pinned)

    def unpin(self) -> None:
        """Esc: nothing is pinned any more."""
        self._pinned = None
        self.confusion.set_at(None)
        self.rows.set_at(None)
        self.cloud.set_at(None)
        self._light_class(None)
