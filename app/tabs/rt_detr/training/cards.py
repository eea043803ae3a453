"""The cards of the page "Training" that an RT-DETR has for itself: losses by their part, and the chosen locations."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from app import words
from app.cards import Card, card
from app.plots.curves import Curve
from app.plots.scatterplot import ScatterPlot
from app.tabs.rt_detr.places import PlaceFilm
from app.topic.detector_cards import DetectorCards
from app.widgets import quiet
from app.words import say
from engines.core.errors import Message
from engines.data.detector_training import object_name

CLAIMS = 0.5  # score from which on a query says that there is an object
MOST_POINTS = 800
PARTS = (("cat0", "layers"), ("cat1", "encoder"), ("cat2", "noised"))


class TrainingCards(DetectorCards):
    """Views of the page, and what is shown in them."""

    terms = ("ce", "l1", "giou", "decoder", "encoder", "denoising")
    legend = "Green: objects. Orange: matched queries. Dashed: sure of an object, but not matched."
    film_note = "query's location"
    switches_tip = (
        "Fraction of the validation objects whose query lies at another location than at the last measurement."
    )
    third_title, third_file, third_widest, third_digits = "Loss by part", "loss-by-part", "0.0", 1
    precision_widest = "99.9"
    third_names = tuple((token, Message(name)) for token, name in PARTS)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        say(self.precision_key, "setToolTip", "Encoder: AP50 of the boxes that the chosen locations have themselves.")
        say(self.other, "setToolTip", "Of the queries and of the denoising queries per decoder layer, and of the boxes "
            "that the encoder's chosen locations have themselves.")  # fmt: skip

    def make_film(self) -> PlaceFilm:
        return PlaceFilm()

    def further(self) -> Card:
        self.points, self.points_said = ScatterPlot(low=(150, 110)), quiet("", wrap=True)
        self.points.export_name = "score-against-iou"
        say(self.points, "setAccessibleName", "Score against IoU")
        self.points.set_range((0.0, 1.0), (0.0, 1.05))
        self.points_card = card("Score against IoU", self.points, foot=self.points_said)
        return self.points_card

    def precisions(self, steps: np.ndarray) -> list[Curve]:
        chosen = Curve(Message("encoder"), steps, self.percents("ap50_encoder", steps), "cat2")
        return [*super().precisions(steps), chosen]

    def claims(self, found: Any) -> np.ndarray:
        claimed: np.ndarray = found.scores > CLAIMS
        return claimed

    def sentence(self, found: Any, query: int, name: Message) -> Message:
        values: dict[str, object] = {
            "query": query + 1,
            "place": int(found.places[query]) + 1,
            "name": name,
            "score": words.number(float(found.scores[query]), 2),
        }
        mine = np.flatnonzero(found.owners == query)
        if not len(mine):
            return Message("Query {query}, location {place}, is unmatched: {name} {score}", values)
        values["object"] = object_name(int(mine[0]))
        return Message("Query {query}, location {place}, is matched to {object}: {name} {score}", values)

    # -- the film shows locations
    def owners_of(self, found: Any) -> np.ndarray:
        places: np.ndarray = found.owned_places
        return places

    def choose_owner(self, owner: int) -> None:
        if self.on_scene is None:
            return
        here = np.flatnonzero(self.on_scene[0].places == owner)
        if len(here):  # else that location is no query any more
            self.choose(int(here[0]))

    def mark(self) -> None:
        found = None if self.on_scene is None else self.on_scene[0]
        shown = found is not None and 0 <= self.query < len(found.places)
        self.film.set_at(int(found.places[self.query]) if found is not None and shown else -1)

    def draw_scene(self) -> None:
        super().draw_scene()
        self.mark()  # the same query may lie somewhere else now

    # -- curves and points
    def draw_third(self, steps: np.ndarray, end: float) -> None:
        self.other.set_curves(self.of_steps(PARTS, 3), end)

    def draw_further(self) -> None:
        measured = self.history.at(self.looked)
        if measured is None:
            return
        every = max(1, -(-len(measured.scores) // MOST_POINTS))
        self.points.set_points(measured.scores[::every], measured.ious[::every])
        values = {"value": words.number(measured.correlation, 2), "both": words.percent(measured.both, 1)}
        say(self.points_said, "setText", Message("Chosen locations: right the score, up the IoU of the own box. "
                                                  "Correlation {value}; both above 0.5: {both}", values))  # fmt: skip
        self.points_card.set_note(Message("step {n}", {"n": words.number(measured.step)}))
