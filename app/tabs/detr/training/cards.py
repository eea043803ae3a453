"""The cards of the page "Training": curves, the watched scene, the match film, where each query looks."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app import words
from app.cards import Card, card
from app.choosers import shortened
from app.legend import Key
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.tabs.detr.arranged import Arranged
from app.tabs.detr.names import class_name
from app.tabs.detr.training.history import TrainHistory
from app.tabs.detr.training.places import plain_box, train_places
from app.tabs.detr.training.sentences import query_sentence
from app.theme import S2, S3
from app.transport import Transport
from app.views.base import PixelView
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.matchfilm import MatchFilm
from app.views.mosaic import Mosaic
from app.widgets import Segments, box, button, col, quiet
from app.words import Text, say
from engines.core.errors import Message
from engines.detr.objects import object_name
from engines.detr.training.spec import Example, Found, Measured, Now, RunBegan

LEGEND = "Green: objects. Orange: matched queries. Dashed: no object. Click one to see where it looks."
LEAST = 60.0  # steps that the curves show at least
TERMS = (("cat0", "class"), ("cat1", "L1"), ("cat2", "GIoU"))
REDRAW = 300  # ms at least between two drawings of the losses
ATTENTION, CENTERS = range(2)
LONGEST = 14  # letters of a class's name
ALL_SHOWN = 8  # queries; of more, only those that claim an object are drawn
HEAT = 0.6  # opacity of where a query looks, on the photo
PERCENT = (0, 25, 50, 75, 100)
CARDINALITY_TIP = "Absolute error of the number of predicted objects, per picture. (Carion et al. 2020, 3.1)"
SWITCHES_TIP = (
    "Fraction of the validation objects matched to another query than at the last measurement. High: the matching "
    "is unstable, which is why DETR learns slowly. (Li et al. 2022, DN-DETR)"
)


class TrainingCards(QObject):
    """Views of the page, and what is shown in them.

    Signals
    -------
    stepped_scene : int
        The example before (-1) or after (1) is asked for.
    """

    stepped_scene = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.loss, self.precision = Curves(), Curves((0, 100), PERCENT)
        self.cardinality, self.switched = Curves(), Curves(empty_top=100)
        link(self.plots)
        self.scene, self.film, self.slots = BoxView(), MatchFilm(), Mosaic()
        self.transport = Transport(seed_tip="Seeds weights and scenes: same seed, same run. (CPU only)")
        for view, file in zip(self.plots, ("loss", "average-precision", "cardinality", "switches"), strict=True):
            view.export_name = file
        self.scene.export_name, self.slots.export_name = "validation-scene", "where-queries-look"
        self.loss_key = Key([(token, Message(name)) for token, name in TERMS], "0.00")
        self.precision_key = Key((("cat0", words.plain("AP")), ("cat1", words.plain("AP50"))), "100.0")
        self.cardinality_key = Key((("cat0", Message("objects")),), "00.00")
        self.switched_key = Key((("cat2", Message("matching instability, %")),), "100.0")
        say(self.cardinality, "setToolTip", CARDINALITY_TIP)
        say(self.switched_key, "setToolTip", SWITCHES_TIP)
        say(self.switched, "setAccessibleName", "matching instability, %")
        say(self.film, "setAccessibleName", "Matching over time")
        self.shown_maps = Segments(
            ("Attention", "Boxes"),
            tips=(
                "Cross-attention of the last layer, mean over its heads and all validation pictures.",
                "Fraction of the validation pictures in which the center of the query's box lies there.",
            ),
        )
        self.slots_bar = ColorBar(Message("Shared scale"))
        self.slots_bar.drive(self.slots)
        self.query_text = quiet("", wrap=True)
        back = button(icon="left", kind="boxed", tip="Previous scene", clicked=lambda: self.stepped_scene.emit(-1))
        on = button(icon="right", kind="boxed", tip="Next scene", clicked=lambda: self.stepped_scene.emit(1))
        self.loss_card = card("Loss", self.loss, "class + 5 × L1 + 2 × GIoU", foot=self.loss_key)
        self.precision_card = card("AP, %", self.precision, foot=self.precision_key)
        self.cardinality_card = card("Cardinality error", self.cardinality, foot=self.cardinality_key)
        self.scene_card = card("Scene", self.scene, tools=[back, on], foot=self.query_text)
        film = col((self.film, 3), (self.switched, 2), gap=S2)
        self.film_card = card("Matching over time", film, "query of each object", foot=self.switched_key)
        self.slots_card = card("Query slots", self.slots, tools=[self.shown_maps], foot=self.slots_bar)
        self.centre = box(col((Arranged(self.cards, train_places), 1), self.transport, gap=S3))
        self._due, self._rest = False, QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REDRAW)
        self._rest.timeout.connect(lambda: self.draw_losses() if self._due else None)
        self.history, self.before = TrainHistory(), TrainHistory()
        self.began: RunBegan | None = None
        self.watched, self.query = 0, -1
        self.looked: int | None = None
        self._cursor: float | None = None
        self.on_scene: tuple[Found, int] | None = None  # what the scene shows, and its step
        self._now: Now | None = None  # the newest answer on it, which knows where each query looks
        self._hover: int | None = None
        self._rows: list[int] = []  # the query of each prediction that is drawn; -1 for an object
        self.shown_maps.chosen.connect(lambda _i: self._draw_slots())
        for plot in self.plots:
            plot.pointed.connect(self._point)
        self.film.chosen.connect(self.choose)
        self.film.hovered.connect(lambda place: self._point(None if place is None else float(place[1])))
        self.slots.chosen.connect(self.choose)
        self.slots.hovered.connect(self._slot_hovered)
        self.scene.clicked.connect(self._box_clicked)
        self.scene.hovered.connect(self._box_hovered)

    @property
    def plots(self) -> tuple[Curves, Curves, Curves, Curves]:
        """The plots over steps."""
        return self.loss, self.precision, self.cardinality, self.switched

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        curves = self.loss_card, self.precision_card, self.cardinality_card
        return *curves, self.scene_card, self.film_card, self.slots_card

    @property
    def views(self) -> tuple[Curves | PixelView, ...]:
        """All views that can be exported."""
        return *self.plots, self.scene, self.film, self.slots

    def wait(self, text: Text) -> None:
        """Nothing to show yet."""
        for one in self.cards:
            one.set_empty(text)

    # -- what the run tells
    def begin(self, began: RunBegan) -> None:
        """Another run; the curves of the one before stay behind it, dashed."""
        if len(self.history.measured) > 2:
            self.before = self.history
        if self.began is None or began.drawn != self.began.drawn:
            self.watched = 0
        self.history, self.began, self.looked, self.on_scene = TrainHistory(), began, None, None
        self.watched = min(self.watched, len(began.examples) - 1)
        if self.query >= began.params.queries:  # this run has no such query
            self.query = -1
        for one in self.cards:
            one.set_empty(None)
        self._show_example()

    def take_measured(self, measured: Measured) -> None:
        """A measurement; drawn at once, since they are rare."""
        self.history.add_measured(measured)
        if self.looked is None:
            self.on_scene = measured.found[self.watched], measured.step
        self.draw_curves()
        self._draw_film()
        if self.looked is None:
            self._draw_scene()
            self._draw_slots()

    def take_now(self, now: Now) -> None:
        """The newest answer on the watched scene."""
        if self._rest.isActive():
            self._due = True
        else:
            self.draw_losses()
        if self.looked is None and now.scene == self.watched:
            self.on_scene, self._now = (now.found, now.step), now
            self._draw_scene()

    def look(self, step: int | None) -> None:
        """Look back at the measurement of a step; None follows the run."""
        self.looked = step
        self._show_measured()
        self._place_cursor()

    def watch(self, scene: int) -> None:
        """Watch another example."""
        if scene != self.watched and self.began is not None:
            self.watched = min(scene, len(self.began.examples) - 1)
            self._show_example()
            self._draw_film()
            self._show_measured()

    def _show_measured(self) -> None:
        measured = self.history.at(self.looked)
        if measured is not None:
            self.on_scene = measured.found[self.watched], measured.step
            self._draw_scene()
            self._draw_slots()

    # -- the scene
    @property
    def example(self) -> Example | None:
        """The picture that is watched."""
        return None if self.began is None else self.began.examples[self.watched]

    @property
    def examples(self) -> int:
        """How many pictures can be watched."""
        return 0 if self.began is None else len(self.began.examples)

    def _show_example(self) -> None:
        example = self.example
        if example is not None:
            self.scene.set_photo(example.rgb)
            self.scene.set_heat(None)
            self.scene.set_boxes([])

    def _class(self, label: int) -> Message:
        assert self.began is not None
        name = self.began.classes[label]
        return class_name(name) if self.began.drawn else words.plain(shortened(name, LONGEST))

    def _object_names(self, example: Example) -> list[Message]:
        return [
            Message("{letter} {name}", {"letter": object_name(i), "name": self._class(int(label))})
            for i, label in enumerate(example.labels)
        ]

    def _draw_scene(self) -> None:
        example, began = self.example, self.began
        if example is None or began is None or self.on_scene is None:
            return
        found, step = self.on_scene
        named = zip(example.boxes, self._object_names(example), strict=True)
        boxes = [plain_box(corners, name, "truth", above=True) for corners, name in named]
        self._rows = [-1] * len(boxes)
        places: dict[int, int] = {}
        owned = set(found.owners.tolist())
        for query in range(len(found.scores)):
            claims = found.scores[query] > found.no_object[query]
            if query not in owned and not claims and len(found.scores) > ALL_SHOWN and query != self.query:
                continue
            places[query] = len(boxes)
            mine = query in owned
            boxes.append(
                plain_box(found.boxes[query], str(query + 1), "pred" if mine else "text2", above=False, dashed=not mine)
            )
            self._rows.append(query)
        links = [(places[int(query)], index) for index, query in enumerate(found.owners) if query >= 0]
        self.scene.set_boxes(boxes, links)
        self.scene.set_at(places.get(self.query, -1))
        self._draw_heat(found)
        self.scene_card.set_note(Message("step {n}", {"n": words.number(step)}))
        self._say_box()

    def _draw_heat(self, found: Found) -> None:
        """Where the chosen query looks, on the photo; of states looked back at it is not kept."""
        now = self._now
        if now is None or now.found is not found or not 0 <= self.query < len(now.attention):
            self.scene.set_heat(None)
        else:
            self.scene.set_heat(now.attention[self.query], float(now.attention[self.query].max()), opacity=HEAT)

    def _say_box(self) -> None:
        if self.on_scene is None or self.example is None:
            return
        found, _ = self.on_scene
        query = self.query if self._hover is None else self._hover
        if not 0 <= query < len(found.scores):
            say(self.query_text, "setText", LEGEND)
            return
        say(self.query_text, "setText", query_sentence(found, query, self._class(int(found.labels[query]))))

    def _query_of(self, index: object) -> int:
        return self._rows[index] if isinstance(index, int) and index < len(self._rows) else -1

    def _box_clicked(self, index: object) -> None:
        query = self._query_of(index)
        self.choose(query if query >= 0 else self.query)

    def _box_hovered(self, index: object) -> None:
        query = self._query_of(index)
        self._hover = query if query >= 0 else None
        self._say_box()

    def _slot_hovered(self, place: object) -> None:
        self._hover = int(place[0]) if isinstance(place, tuple) else None
        self._say_box()

    def choose(self, query: int) -> None:
        """Mark a query in every view; the same again lets it go."""
        if self.began is None or query >= self.began.params.queries:
            return  # of the run before, whose film stands until this one is measured
        self.query = -1 if query == self.query else query
        self.film.set_at(self.query)
        self.slots.set_at(self.query)
        self._draw_scene()

    # -- film and slots
    def _draw_film(self) -> None:
        example = self.example
        if example is None or not self.history.measured:
            return
        self.film.set_film(self._object_names(example), self.history.steps, self.history.owners(self.watched))
        self.film.set_at(self.query)

    def _draw_slots(self) -> None:
        measured = self.history.at(self.looked)
        if measured is None:
            return
        maps = measured.centers if self.shown_maps.at() == CENTERS else measured.attention
        top = float(maps.max(initial=0.0)) or 1.0
        self.slots.set_maps(maps, top)
        self.slots.set_captions([str(i + 1) for i in range(len(maps))])
        self.slots.set_at(self.query)
        self.slots_bar.set_range(0, top)

    # -- curves
    def draw_losses(self) -> None:
        """The losses of all steps."""
        self._due = False
        self._rest.start()
        rows = self.history.rows
        end = max(LEAST, rows[-1, 0] if len(rows) else 0.0)
        self.loss.set_curves(
            [
                Curve(Message(name), rows[:, 0], rows[:, 4 + i], token, raw=rows[:, 1 + i])
                for i, (token, name) in enumerate(TERMS)
            ],
            end,
        )
        self._place_cursor()

    def draw_curves(self) -> None:
        """All plots."""
        self.draw_losses()
        steps = np.array(self.history.steps, float)
        end = max(LEAST, self.history.rows[-1, 0] if len(self.history.rows) else 0.0)
        curves = [
            Curve("AP", steps, 100 * self.history.column("ap"), "cat0"),
            Curve("AP50", steps, 100 * self.history.column("ap50"), "cat1"),
        ]
        curves += self._ghost("ap50", 100, end, "cat1")
        self.precision.set_curves(curves, end)
        self._note_precision(len(curves) > 2)
        objects = Curve(Message("objects"), steps, self.history.column("cardinality"), "cat0")
        self.cardinality.set_curves([objects, *self._ghost("cardinality", 1, end, "cat0")], end)
        moved = Curve(Message("matching instability, %"), steps[1:], 100 * self.history.column("switched")[1:], "cat2")
        self.switched.set_curves([moved, *self._ghost("switched", 100, end, "cat2")], end)
        self._place_cursor()

    def _note_precision(self, ghost: bool) -> None:
        assert self.began is not None
        figures = {"n": self.began.validation}
        self.precision_card.set_note(
            "dashed: the previous run" if ghost else Message("on {n} {n:picture|pictures}", figures)
        )

    def _ghost(self, name: str, scale: float, end: float, token: str) -> list[Curve]:
        """The same figure of the run before, as far as this one has come."""
        steps, values = np.array(self.before.steps, float), scale * self.before.column(name)
        fits = (steps <= end) & (values >= 0)
        return (
            [Curve(Message("the previous run"), steps[fits], values[fits], token, dashed=True)]
            if fits.sum() > 1
            else []
        )

    def _point(self, x: float | None) -> None:
        self._cursor = x
        self._place_cursor()

    def _place_cursor(self) -> None:
        x = self._cursor
        if x is None and self.looked is not None:
            x = float(self.looked)
        keys = (
            (self.loss_key, 2, 3),
            (self.precision_key, 1, 2),
            (self.cardinality_key, 2, 1),
            (self.switched_key, 1, 1),
        )
        for plot, (key, digits, count) in zip(self.plots, keys, strict=True):
            plot.set_cursor(x)
            values = plot.values_at(x)[:count]
            key.set_values(["" if v is None else words.number(v, digits) for v in values])
        self.film.set_cursor(x)

    def reworded(self) -> None:
        """The language was switched."""
        self._draw_scene()
        self._draw_film()
        self._place_cursor()
