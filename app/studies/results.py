"""The right of a study's window: curves with bands, a heat map where two settings differ, and the table of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app import words
from app.cards import card
from app.legend import Key
from app.plots.errorplot import ErrorLine
from app.plots.levelplot import Level, LevelPlot, places
from app.studies.subject import spelled
from app.studies.table import RunTable
from app.theme import CAPTION, S1, S3
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import MenuButton, box, col, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import Range, rules
from engines.studies.spec import Outcome, Study
from engines.studies.trained import foretold

DRAW = 150  #: ms between two drawings: runs may end by the hundred
TOKENS = tuple(f"cat{at}" for at in range(6))
PREFERRED = (
    "accuracy",
    "ap50",
    "knn",
    "held_out",
    "same_answer",
    "cosine",
    "loss",
)  #: parts of measures that are looked at first


class Results(QWidget):
    """Knows neither who makes the runs nor where."""

    def __init__(self) -> None:
        super().__init__()
        self.study: Study | None = None
        self.outcomes: dict[str, Outcome] = {}
        self._measures: tuple[str, ...] = ()
        self._asked = ""  # the measure that the hand has chosen
        self._cells: dict[tuple[Any, Any], list[float]] = {}  # what was found, by the values of both settings
        self._soon = QTimer(self, singleShot=True, interval=DRAW)
        self._soon.timeout.connect(self.draw)
        self.measure = MenuButton(prefix="Measure: {value}")
        self.measure.chosen.connect(self._choose)
        self.measure.hide()  # until there is one
        self.plot = LevelPlot("Mean and deviation")
        self.key, self.lines_of = Key((), "", a_line=4), quiet("", CAPTION)
        self.axes = quiet("", CAPTION, wrap=True)
        self.map = ScoreGrid("ember", (120, 64))
        self.map.export_name = "study-map"
        self.bar = ColorBar(Message("Mean"), least=90)
        self.bar.drive(self.map)
        self.table = RunTable()
        self.plot_card = card("Mean and deviation", self.plot, "over the seeds", tools=[self.measure],
                              foot=col(self.lines_of, self.key, gap=0))  # fmt: skip
        self.map_card = card("Mean", self.map, foot=col(self.axes, self.bar, gap=S1))
        self.table_card = card("Runs", self.table)
        self.map_card.hide()
        self.upper = box(row((self.plot_card, 5), (self.map_card, 4), gap=S3))
        self.setLayout(col((self.upper, 5), (self.table_card, 4), gap=S3))

    # -- content
    def show_study(self, study: Study | None, outcomes: Mapping[str, Outcome]) -> None:
        """Another study and what is known of it."""
        self.study, self.outcomes = study, dict(outcomes)
        self._measures = ()
        self.table.runs.show_study(study, self.outcomes)
        self.table.fit_columns()
        if study is not None:
            self._offer()
        self.upper.setVisible(study is None or bool(study.over))  # else there is nothing to draw it over
        two = study is not None and len(study.over) > 1
        for part in (self.map_card, self.key, self.lines_of):
            part.setVisible(two)
        if study is not None:
            alone = len(study.over) <= 2
            self.plot_card.set_note("over the seeds" if alone else "over the seeds and all other settings")
        if study is not None and two:
            first, second = label_of(study, 0), label_of(study, 1)
            words.say(self.lines_of, "setText", second)
            words.say(self.axes, "setText", Message("Down: {down}. Across: {across}.",
                                                    {"down": second, "across": first}))  # fmt: skip
        self._gather()
        self.draw()

    def add(self, outcome: Outcome) -> None:
        """A run has ended."""
        self.outcomes[outcome.row.key] = outcome
        self.table.runs.told(outcome.row.key)
        if not outcome.found.keys() <= set(self._measures):
            self._offer()
            self._gather()
        else:
            self._put(outcome)
        if not self._soon.isActive():
            self._soon.start()

    def _offer(self) -> None:
        """The measures: those that are known before, and all that was found."""
        assert self.study is not None
        found = (name for one in self.outcomes.values() for name in one.found)
        every = tuple(dict.fromkeys([*foretold(self.study.kind), *found]))
        if not every or every == self._measures:
            return
        self._measures = every
        at = self._at()
        self.measure.show()
        self.measure.set_options([named(name) for name in every], at)
        self.table.runs.show_measure(every[at])

    def _at(self) -> int:
        if self._asked in self._measures:
            return self._measures.index(self._asked)
        for part in PREFERRED:
            for at, name in enumerate(self._measures):
                if part in name:
                    return at
        return 0

    def _choose(self, at: int) -> None:
        self._asked = self._measures[at]
        self.table.runs.show_measure(self._asked)
        self._gather()
        self.draw()

    @property
    def shown(self) -> str:
        """The measure on screen; empty before one is known."""
        at = self.measure.at()
        return self._measures[at] if 0 <= at < len(self._measures) else ""

    # -- drawing
    def draw(self) -> None:
        """Draw what is known."""
        study = self.study
        if study is None or not study.over:
            self.plot_card.set_empty("Each setting with its values, and how often: then Start.")
            return
        self.plot_card.set_empty(None)
        first, second = levels(study, 0), levels(study, 1) if len(study.over) > 1 else [(None, Message(""))]
        cells = self._cells
        x = np.array(places([Level(_number(value), name) for value, name in first]))
        order = np.argsort(x, kind="stable")
        lines = []
        for at, (value, name) in enumerate(second):
            met = [(x[i], cells[first[i][0], value]) for i in order if (first[i][0], value) in cells]
            if met:
                places_, groups = zip(*met, strict=True)
                means = np.array([np.mean(group) for group in groups])
                spread = np.array([np.std(group, ddof=1) if len(group) > 1 else 0.0 for group in groups])
                lines.append(ErrorLine(name, TOKENS[at % len(TOKENS)], np.array(places_), means, spread,
                                       dashed=at >= len(TOKENS)))  # fmt: skip
        every = [Level(_number(first[i][0]), first[i][1]) for i in order]
        self.plot.set_levels(every, label_of(study, 0), lines)
        if len(study.over) > 1:
            self.key.set_items([(TOKENS[at % len(TOKENS)], name) for at, (_, name) in enumerate(second)])
            self._draw_map(first, second, cells)

    def _draw_map(self, first: Any, second: Any, cells: Mapping[tuple[Any, Any], list[float]]) -> None:
        means = np.array([[np.mean(cells[a, b]) if (a, b) in cells else np.nan for a, _ in first] for b, _ in second])
        missing = np.isnan(means)
        low, top = (float(np.nanmin(means)), float(np.nanmax(means))) if not missing.all() else (0.0, 1.0)
        self.map.set_values(np.where(missing, low, means), top, low)
        self.map.set_off(missing, "")
        self.map.set_names([name for _, name in second], [name for _, name in first])
        self.bar.setVisible(top > low)  # one value has no scale
        if top > low:
            self.bar.set_range(low, top)

    def _gather(self) -> None:
        """Sort what was found of the measure on screen by cells."""
        self._cells = {}
        for one in self.outcomes.values():
            self._put(one)

    def _put(self, outcome: Outcome) -> None:
        if self.study is None or self.shown not in outcome.found or not self.study.over:
            return
        over, settings = self.study.over, outcome.row.settings
        cell = settings[over[0]], settings[over[1]] if len(over) > 1 else None
        self._cells.setdefault(cell, []).append(outcome.found[self.shown])

    def retranslated(self) -> None:
        """Language changed: names of lines and cells are drawn anew."""
        if self.study is not None:
            self._measures = ()
            self._offer()
        self.draw()


def levels(study: Study, which: int) -> list[tuple[Any, Message]]:
    """The values of a setting that differs, each with its name."""
    name = study.over[which]
    rule = rules(study.kind.params).get(name)
    values = dict.fromkeys(row_.settings[name] for row_ in study.rows)
    return [(value, _as_message(spelled(rule, value))) for value in values]


def label_of(study: Study, which: int) -> Message:
    """What a setting is called."""
    name = study.over[which]
    rule = rules(study.kind.params).get(name)
    if rule is None:
        return words.plain(name)
    unit = rule.unit if isinstance(rule, Range) else ""
    return (
        Message("{label}, {unit}", {"label": Message(rule.label), "unit": Message(unit)})
        if unit
        else Message(rule.label)
    )


def named(measure: str) -> Text:
    """A measure as a person reads it: its Chinese is known where it is a word of the app."""
    text = measure.replace("_", " ")
    text = text[:1].upper() + text[1:]
    return words.known(text)


def _as_message(text: Text) -> Message:
    return text if isinstance(text, Message) else Message(text)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
