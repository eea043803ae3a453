"""The cards of the page "Training" that a DETR has for itself: cardinality error, and where each query looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from app.cards import Card, card
from app.plots.curves import Curve
from app.tabs.detr.training.sentences import query_sentence
from app.topic.detector_cards import DetectorCards
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.widgets import Segments
from app.words import say
from engines.core.errors import Message
from engines.detr.training.spec import Now

ATTENTION, CENTERS = range(2)
HEAT = 0.6  # opacity of where a query looks, on the photo
CARDINALITY_TIP = "Absolute error of the number of predicted objects, per picture, as DETR's code logs it."


class TrainingCards(DetectorCards):
    """Views of the page, and what is shown in them."""

    legend = "Green: objects. Orange: matched queries. Dashed: no object. Click one to see where it looks."
    switches_tip = (
        "Fraction of the validation objects matched to another query than at the last measurement. High: the matching "
        "is unstable, which is why DETR learns slowly. (Li et al. 2022, DN-DETR)"
    )
    third_title, third_file = "Cardinality error", "cardinality"
    third_names = (("cat0", Message("objects")),)

    def __init__(self, parent: QObject) -> None:
        self._now: Now | None = None  # the newest answer on the scene, which knows where each query looks
        super().__init__(parent)
        say(self.other, "setToolTip", CARDINALITY_TIP)
        self.cardinality, self.cardinality_key = self.other, self.other_key

    def further(self) -> Card:
        self.slots = Mosaic()
        self.slots.export_name = "where-queries-look"
        self.shown_maps = Segments(
            ("Attention", "Boxes"),
            tips=(
                "Cross-attention of the last layer, mean over its heads and all validation pictures.",
                "Fraction of the validation pictures in which the center of the query's box lies there.",
            ),
        )
        self.slots_bar = ColorBar(Message("Shared scale"))
        self.slots_bar.drive(self.slots)
        self.shown_maps.chosen.connect(lambda _i: self.draw_further())
        self.slots.chosen.connect(self.choose)
        self.slots.hovered.connect(lambda place: self.hover_query(int(place[0]) if isinstance(place, tuple) else None))
        self.slots_card = card("Query slots", self.slots, tools=[self.shown_maps], foot=self.slots_bar)
        return self.slots_card

    def take_now(self, now: Now) -> None:
        if self.looked is None and now.scene == self.watched:
            self._now = now
        super().take_now(now)

    def claims(self, found: Any) -> np.ndarray:
        claimed: np.ndarray = found.scores > found.no_object
        return claimed

    def sentence(self, found: Any, query: int, name: Message) -> Message:
        return query_sentence(found, query, name)

    def mark(self) -> None:
        super().mark()
        self.slots.set_at(self.query)

    def draw_heat(self, found: Any) -> None:
        """Where the chosen query looks, on the photo; of states looked back at it is not kept."""
        now = self._now
        if now is None or now.found is not found or not 0 <= self.query < len(now.attention):
            self.scene.set_heat(None)
        else:
            self.scene.set_heat(now.attention[self.query], float(now.attention[self.query].max()), opacity=HEAT)

    def draw_further(self) -> None:
        """Where each query looks, or where its boxes lie."""
        measured = self.history.at(self.looked)
        if measured is None:
            return
        maps = measured.centers if self.shown_maps.at() == CENTERS else measured.attention
        top = float(maps.max(initial=0.0)) or 1.0
        self.slots.set_maps(maps, top)
        self.slots.set_captions([str(i + 1) for i in range(len(maps))])
        self.slots.set_at(self.query)
        self.slots_bar.set_range(0, top)

    def draw_third(self, steps: np.ndarray, end: float) -> None:
        objects = Curve(Message("objects"), steps, self.history.column("cardinality"), "cat0")
        self.other.set_curves([objects, *self.ghost("cardinality", 1, end, "cat0")], end)
