"""The page "Numbers": the twelve of COCO, and each class."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.sheet import bring_or_open
from app.shell import Shell
from app.tabs.mean_ap.differences import TITLE, Differences
from app.tabs.mean_ap.messages import class_name, how_many, share
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.widgets import WideButton, box, col, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.mean_ap.spec import TWELVE, DataShown, MeanApParams, NumbersSeen

HALF = 0.5  #: the recall whose precisions are read while nobody points: at recall 1 all are 0

TIP = "Files and cases in which the numbers are others on purpose, with versions"


def scrolling(inside: QWidget) -> QScrollArea:
    """As many rows as there are classes."""
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


class NumbersPage(Page):
    """Two cards of bars."""

    title = "Numbers"
    params_type = MeanApParams
    engine = "engines.mean_ap.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._data: DataShown | None = None
        self.twelve = Bars(pitch=84, widest="0.000", widest_note="+0.0000")
        self.each = Bars(pitch=72, widest="0.000", widest_note="AP50 0.000")
        self.curves = Curves(y_range=(0, 1), widest="0.00")
        self.twelve_card = card("The twelve numbers", self.twelve)
        self.each_card = card("Each class", scrolling(self.each))
        self.curves_card = card(
            "Precision by recall at five IoUs", self.curves, "mean over classes", foot=self.curves.key
        )
        right = col((self.each_card, 10), (self.curves_card, 11), gap=S3)
        words.say(self.each, "setAccessibleName", "Each class")
        self.curves.pointed.connect(lambda at: self.curves.set_cursor(HALF if at is None else at))
        self.differences = WideButton(
            TITLE, tip="Files and cases in which the numbers are others on purpose, with versions"
        )
        self.differences.clicked.connect(lambda _checked=False: bring_or_open(self.window(), Differences))
        form = ParamsForm(self.params, ("style",))
        self.lay(box(row((self.twelve_card, 1), (right, 1), gap=S3)), form, self.differences, resets=False)

    def exported(self) -> dict[str, object]:
        return asdict(self.params)

    def on(self, event: Event) -> None:
        match event:
            case DataShown():
                self._data = event
            case NumbersSeen() if self._data is not None:
                self.show_numbers(event, self._data)

    def show_numbers(self, seen: NumbersSeen, data: DataShown) -> None:
        """Bars over the whole scale, with what they were before boxes were moved."""
        moved = bool((seen.twelve != seen.before).any())
        bars = []
        for (_, name, what), value, before in zip(TWELVE, seen.twelve.tolist(), seen.before.tolist(), strict=True):
            if seen.style != "coco" and name == "AP":
                what = "IoU 0.50"
            said = Message("{name}: {what}", {"name": Message(name), "what": Message(what)})
            change = words.number(value - before, 4, signed=True) if moved and value >= 0 else ""
            token = "accent" if name.startswith("AP") else "cat2"
            bars.append(Bar(said, ((max(0.0, value), token),), share(value), change,
                            max(0.0, before) if moved else None))  # fmt: skip
        self.twelve.set_bars(bars, top=1.0)
        rows = [
            Bar(class_name(name), ((max(0.0, whole), "accent"),), share(whole),
                words.tr("AP50 {value}", value=share(half)))
            for name, whole, half in zip(data.classes, seen.per_class.tolist(), seen.per_class50.tolist(), strict=True)
        ]  # fmt: skip
        self.each.set_bars(rows, top=1.0)
        self.each_card.set_note(how_many(int(seen.detections.sum()), int(seen.objects.sum())))
        at = zip(range(0, 10, 2), ("cat0", "cat1", "cat2", "accent", "cat5"), strict=True)
        self.curves.set_curves(
            [Curve(f"{0.5 + 0.05 * i:.2f}", seen.recalls, np.maximum(seen.precision[i], 0), token) for i, token in at],
            x_end=1.0,
        )
        self.curves.set_cursor(HALF)

    def views(self) -> list[Any]:
        """All that can be exported."""
        return [self.twelve, self.each, self.curves]
