"""The panel on heads and layers: accuracy without each of them, as one map, measured on request."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QProgressBar

from app import words
from app.cards import card
from app.tabs.transformer.experiments.findings import worst
from app.tabs.transformer.labwords import place_name, state_name
from app.theme import BODY, S2, S3
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import box, button, col, label, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.transformer.experiments.spec import Ablated
from engines.transformer.switches import ENCODER

MOST_NAMED = 4  #: heads; the names of more of them are short, so that no column goes without


class AblationPanel(QObject):
    """The map and the button that measures it.

    Signals
    -------
    wanted
        Measure now.
    unwanted
        Stop measuring.
    """

    wanted = Signal()
    unwanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.grid = ScoreGrid("diff", (120, 84))
        self.grid.export_name = "ablation"
        say(self.grid, "setAccessibleName", "Accuracy without each part")
        self.bar = ColorBar(Message("Points of token accuracy"), "diff")
        self.bar.drive(self.grid)
        self.start = button("Measure", "play", "boxed", clicked=self.wanted.emit)
        self.stop = button("Cancel", "close", "boxed", clicked=self.unwanted.emit)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(120, 6)
        self.count = quiet("")
        self.whole = quiet("")
        self.said = [label("", BODY, wrap=True) for _ in range(2)]
        self.card = card(
            "Accuracy without each part",
            self.grid,
            tools=[self.count, self.progress, self.stop, self.start],
            foot=col(self.bar, self.whole, *self.said, gap=S2),
        )
        self.centre = box(row((self.card, 1), gap=S3))
        self.frame: Ablated | None = None
        self._values = np.zeros((0, 0))
        self._at: tuple[int, int] | None = None
        self._pointed: tuple[int, int] | None = None
        self.grid.hovered.connect(self._point)
        self.grid.clicked.connect(self._pin)
        self.set_running(False)
        self.clear()

    def clear(self) -> None:
        """Nothing is measured: another model, or other settings."""
        self.frame = None
        self._at = self._pointed = None
        self.bar.hide()  # the scale of what was there
        self.card.set_note(words.plain(""))
        self.card.set_empty("Each head, attention, FFN and layer is switched off in turn.", "Measure", self.wanted.emit)
        say(self.whole, "setText", words.plain(""))
        for line in self.said:
            say(line, "setText", words.plain(""))

    def set_running(self, runs: bool) -> None:
        """Show progress and Cancel, or the button that starts."""
        for part in (self.stop, self.progress, self.count):
            part.setVisible(runs)
        self.start.setVisible(not runs and self.frame is not None)

    def take(self, frame: Ablated) -> None:
        """Show what is measured so far."""
        self.frame = frame
        self.bar.show()
        self.card.set_empty(None)
        self.card.set_note(state_name(frame.step))
        parts = np.column_stack([frame.heads, frame.whole, frame.ffns, frame.layers])  # (rows, H + 3)
        measured = parts >= 0
        points = np.where(measured, 100 * (parts - frame.untouched), 0)
        end = max(1.0, float(np.abs(points).max(initial=0.0)))
        self._values = np.where(measured, points, np.nan)
        self.grid.set_table(points.astype(np.float32), end, "diff")
        self.grid.set_off(~measured, "↓" if frame.done == frame.total else "")  # with the layer's last attention
        count = frame.heads.shape[1]
        name, every = ("Head {n}", "All heads") if count <= MOST_NAMED else ("H{n}", "All")
        heads = [Message(name, {"n": n + 1}) for n in range(count)]
        columns = [*heads, Message(every), Message("FFN"), Message("Layer")]
        self.grid.set_names([place_name(place) for place in frame.rows], columns)
        self.bar.set_range(-end, end)
        self.progress.setRange(0, frame.total)
        self.progress.setValue(frame.done)
        say(self.count, "setText", Message("{n} of {m}", {"n": frame.done, "m": frame.total}))
        shares = {"a": words.percent(frame.untouched), "b": words.percent(frame.untouched_sequences)}
        say(self.whole, "setText", Message("Untouched: {a} of tokens, {b} of whole sequences.", shares))
        if frame.done == frame.total:
            self.grid.set_at(self._at or self.worst())
        self._say(self._pointed or self._at)

    def worst(self) -> tuple[int, int] | None:
        """Row and number of the head that costs most."""
        return None if self.frame is None else worst(self.frame)

    def _point(self, cell: tuple[int, int] | None) -> None:
        self._pointed = cell
        self._say(cell or self._at)

    def _pin(self, cell: tuple[int, int]) -> None:
        self._at = cell
        self._say(cell)

    def _say(self, cell: tuple[int, int] | None) -> None:
        frame = self.frame
        if frame is None:
            return
        cell = cell or self.worst()
        if cell is None or np.isnan(self._values[cell]):
            first = Message("Not measured yet.") if cell else words.plain("")
            say(self.said[0], "setText", first)
            say(self.said[1], "setText", words.plain(""))
            return
        at, column = cell
        heads, place = frame.heads.shape[1], frame.rows[at]
        stack = {"n": place[1] + 1}
        if column < heads:
            what = Message("head {n} of {place}", {"n": column + 1, "place": place_name(place)})
        elif column == heads:
            what = Message("all heads of {place}", {"place": place_name(place)})
        else:
            side = "encoder layer {n}" if place[0] == ENCODER else "decoder layer {n}"
            whole = Message(side, stack)
            what = whole if column == heads + 2 else Message("the FFN of {layer}", {"layer": whole})
        points = self._values[cell]
        now = words.percent(frame.untouched + points / 100)
        figures = {"what": what, "now": now, "points": words.number(points, 1, signed=True)}
        say(self.said[0], "setText", Message("Without {what}: {now} of tokens, {points} points.", figures))
        most = self.worst()
        if most is not None:
            told = {
                "head": most[1] + 1,
                "place": place_name(frame.rows[most[0]]),
                "points": words.number(self._values[most], 1, signed=True),
            }
            say(self.said[1], "setText", Message("Most important head: {head} of {place}, {points}.", told))
