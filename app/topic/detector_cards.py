"""The cards of every detector's page "Training": curves, the watched scene, the match film."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app import words
from app.arranged import Folding
from app.cards import Card, card
from app.choosers import shortened
from app.legend import Key
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.theme import S2, S3
from app.topic.detector_history import TrainHistory
from app.topic.detector_names import class_name
from app.topic.detector_places import scene_boxes, train_places
from app.transport import Transport
from app.views.boxview import BoxView
from app.views.matchfilm import MatchFilm
from app.widgets import box, button, col, quiet
from app.words import Text, say
from engines.core.errors import Message
from engines.data.detector_training import Example, object_name

LEAST = 60.0  # steps that the curves show at least
TERMS = (("cat0", "class"), ("cat1", "L1"), ("cat2", "GIoU"))
REDRAW = 300  # ms at least between two drawings of the losses
LONGEST = 14  # letters of a class's name
ALL_SHOWN = 8  # queries; of more, only those that claim an object are drawn
PERCENT = (0, 25, 50, 75, 100)


class DetectorCards(QObject):
    """Views of the page, and what is shown in them.

    A subclass makes its own cards in `further`, says in `third` which curve stands in the third plot, and what a
    query claims and says.

    Signals
    -------
    stepped_scene : int
        The example before (-1) or after (1) is asked for.
    """

    terms: ClassVar[tuple[str, ...]] = ("ce", "l1", "giou")
    legend: ClassVar[str]
    film_note: ClassVar[str] = "query of each object"
    switches_tip: ClassVar[str]
    seed_tip: ClassVar[str] = "Seeds weights and scenes: same seed, same run. (CPU only)"

    stepped_scene = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.loss, self.precision = Curves(), Curves((0, 100), PERCENT)
        self.other, self.switched = Curves(), Curves(empty_top=100)
        link(self.plots)
        self.scene, self.film = BoxView(), self.make_film()
        self.transport = Transport(seed_tip=self.seed_tip)
        for view, file in zip(self.plots, ("loss", "average-precision", self.third_file, "switches"), strict=True):
            view.export_name = file
        self.scene.export_name = "validation-scene"
        self.loss_key = Key([(token, Message(name)) for token, name in TERMS], "0.00")
        self.precision_key = Key(
            [(curve.token, curve.name) for curve in self.precisions(np.zeros(0))], self.precision_widest
        )
        self.other_key = Key(self.third_names, self.third_widest)
        self.switched_key = Key((("cat2", Message("matching instability, %")),), "100.0")
        say(self.switched_key, "setToolTip", self.switches_tip)
        say(self.switched, "setAccessibleName", "matching instability, %")
        say(self.film, "setAccessibleName", "Matching over time")
        self.query_text = quiet("", wrap=True)
        back = button(icon="left", kind="boxed", tip="Previous scene", clicked=lambda: self.stepped_scene.emit(-1))
        on = button(icon="right", kind="boxed", tip="Next scene", clicked=lambda: self.stepped_scene.emit(1))
        self.loss_card = card("Loss", self.loss, "class + 5 × L1 + 2 × GIoU", foot=self.loss_key)
        self.precision_card = card("AP, %", self.precision, foot=self.precision_key)
        self.other_card = card(self.third_title, self.other, foot=self.other_key)
        self.scene_card = card("Scene", self.scene, tools=[back, on], foot=self.query_text)
        film = col((self.film, 3), (self.switched, 2), gap=S2)
        self.film_card = card("Matching over time", film, self.film_note, foot=self.switched_key)
        self.last_card = self.further()
        self.centre = box(col((Folding(self.cards, train_places), 1), self.transport, gap=S3))
        self._due, self._rest = False, QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REDRAW)
        self._rest.timeout.connect(lambda: self.draw_losses() if self._due else None)
        self.history, self.before = TrainHistory(self.terms), TrainHistory(self.terms)
        self.began: Any = None
        self.watched, self.query = 0, -1
        self.looked: int | None = None
        self._cursor: float | None = None
        self.on_scene: tuple[Any, int] | None = None  # what the scene shows, and its step
        self._hover: int | None = None
        self._rows: list[int] = []  # the query of each prediction that is drawn; -1 for an object
        for plot in self.plots:
            plot.pointed.connect(self._point)
        self.film.chosen.connect(self.choose_owner)
        self.film.hovered.connect(lambda place: self._point(None if place is None else float(place[1])))
        self.scene.clicked.connect(self._box_clicked)
        self.scene.hovered.connect(self._box_hovered)

    # -- what a subclass says
    third_title: ClassVar[str]
    third_file: ClassVar[str]
    third_widest: ClassVar[str] = "00.00"
    third_digits: ClassVar[int] = 2
    precision_widest: ClassVar[str] = "100.0"
    third_names: ClassVar[Sequence[tuple[str, Message]]]

    def make_film(self) -> MatchFilm:
        """The film of who owns each object."""
        return MatchFilm()

    @abstractmethod
    def further(self) -> Card:
        """The sixth card."""

    def precisions(self, steps: np.ndarray) -> list[Curve]:
        """The curves over the steps of all measurements, as far as there is a history."""
        named = (("AP", "ap", "cat0"), ("AP50", "ap50", "cat1"))
        return [Curve(words.plain(name), steps, self.percents(column, steps), token) for name, column, token in named]

    def percents(self, column: str, steps: np.ndarray) -> np.ndarray:
        """A figure of all measurements, in percent; nothing where there are none."""
        values: np.ndarray = 100 * self.history.column(column) if len(steps) else steps
        return values

    @abstractmethod
    def draw_third(self, steps: np.ndarray, end: float) -> None:
        """The third plot, up to a step."""

    @abstractmethod
    def draw_further(self) -> None:
        """The sixth card, of the measurement that is looked at."""

    @abstractmethod
    def claims(self, found: Any) -> np.ndarray:
        """Which queries say that there is an object, bool (Q,)."""

    @abstractmethod
    def sentence(self, found: Any, query: int, name: Message) -> Message:
        """What is said of a query under the scene."""

    def owners_of(self, found: Any) -> np.ndarray:
        """What the film shows of an example: (N,)."""
        owners: np.ndarray = found.owners
        return owners

    def choose_owner(self, owner: int) -> None:
        """A block of the film was clicked."""
        self.choose(owner)

    def mark(self) -> None:
        """Mark the chosen query where it is shown beside the scene."""
        self.film.set_at(self.query)

    def draw_heat(self, found: Any) -> None:
        """What lies over the picture."""

    # -- views
    @property
    def plots(self) -> tuple[Curves, Curves, Curves, Curves]:
        """The plots over steps."""
        return self.loss, self.precision, self.other, self.switched

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        curves = self.loss_card, self.precision_card, self.other_card
        return *curves, self.scene_card, self.film_card, self.last_card

    def wait(self, text: Text) -> None:
        """Nothing to show yet."""
        for one in self.cards:
            one.set_empty(text)

    # -- what the run tells
    def begin(self, began: Any) -> None:
        """Another run; the curves of the one before stay behind it, dashed."""
        if len(self.history.measured) > 2:
            self.before = self.history
        if self.began is None or began.drawn != self.began.drawn:
            self.watched = 0
        self.history, self.began, self.looked, self.on_scene = TrainHistory(self.terms), began, None, None
        self.watched = min(self.watched, len(began.examples) - 1)
        if self.query >= began.params.queries:  # this run has no such query
            self.query = -1
        for one in self.cards:
            one.set_empty(None)
        self._show_example()

    def take_measured(self, measured: Any) -> None:
        """A measurement; drawn at once, since they are rare."""
        self.history.add_measured(measured)
        if self.looked is None:
            self.on_scene = measured.found[self.watched], measured.step
        self.draw_curves()
        self.draw_film()
        if self.looked is None:
            self.draw_scene()
            self.draw_further()

    def take_now(self, now: Any) -> None:
        """The newest answer on the watched scene."""
        if self._rest.isActive():
            self._due = True
        else:
            self.draw_losses()
        if self.looked is None and now.scene == self.watched:
            self.on_scene = now.found, now.step
            self.draw_scene()

    def look(self, step: int | None) -> None:
        """Look back at the measurement of a step; None follows the run."""
        self.looked = step
        self._show_measured()
        self.place_cursor()

    def watch(self, scene: int) -> None:
        """Watch another example."""
        if scene != self.watched and self.began is not None:
            self.watched = min(scene, len(self.began.examples) - 1)
            self._show_example()
            self.draw_film()
            self._show_measured()

    def _show_measured(self) -> None:
        measured = self.history.at(self.looked)
        if measured is not None:
            self.on_scene = measured.found[self.watched], measured.step
            self.draw_scene()
            self.draw_further()

    # -- the scene
    @property
    def example(self) -> Example | None:
        """The picture that is watched."""
        return None if self.began is None else self.began.examples[self.watched]

    def _show_example(self) -> None:
        example = self.example
        if example is not None:
            self.scene.set_photo(example.rgb)
            self.scene.set_heat(None)
            self.scene.set_boxes([])

    def named(self, label: int) -> Message:
        """A class of this run."""
        assert self.began is not None
        name = self.began.classes[label]
        return class_name(name) if self.began.drawn else words.plain(shortened(name, LONGEST))

    def _object_names(self, example: Example) -> list[Message]:
        return [
            Message("{letter} {name}", {"letter": object_name(i), "name": self.named(int(label))})
            for i, label in enumerate(example.labels)
        ]

    def draw_scene(self) -> None:
        """Objects and queries on the picture."""
        example = self.example
        if example is None or self.on_scene is None:
            return
        found, step = self.on_scene
        boxes, self._rows, links = scene_boxes(example, self._object_names(example), found, self._drawn(found))
        self.scene.set_boxes(boxes, links)
        self.scene.set_at(self._rows.index(self.query) if self.query in self._rows and self.query >= 0 else -1)
        self.draw_heat(found)
        self.scene_card.set_note(Message("step {n}", {"n": words.number(step)}))
        self._say_box()

    def _drawn(self, found: Any) -> Iterator[tuple[int, bool]]:
        """The queries to draw, and whether each has an object."""
        owned, claims = set(found.owners.tolist()), self.claims(found)
        for query in range(len(found.scores)):
            if query in owned or claims[query] or len(found.scores) <= ALL_SHOWN or query == self.query:
                yield query, query in owned

    def _say_box(self) -> None:
        if self.on_scene is None or self.example is None:
            return
        found, _ = self.on_scene
        query = self.query if self._hover is None else self._hover
        if not 0 <= query < len(found.scores):
            say(self.query_text, "setText", self.legend)
            return
        say(self.query_text, "setText", self.sentence(found, query, self.named(int(found.labels[query]))))

    def _query_of(self, index: object) -> int:
        return self._rows[index] if isinstance(index, int) and index < len(self._rows) else -1

    def _box_clicked(self, index: object) -> None:
        query = self._query_of(index)
        self.choose(query if query >= 0 else self.query)

    def _box_hovered(self, index: object) -> None:
        query = self._query_of(index)
        self.hover_query(query if query >= 0 else None)

    def hover_query(self, query: int | None) -> None:
        """A query is pointed at."""
        self._hover = query
        self._say_box()

    def choose(self, query: int) -> None:
        """Mark a query in every view; the same again lets it go."""
        if self.began is None or query >= self.began.params.queries:
            return  # of the run before, whose film stands until this one is measured
        self.query = -1 if query == self.query else query
        self.mark()
        self.draw_scene()

    # -- film
    def draw_film(self) -> None:
        """Who owns each object of the watched scene."""
        if (example := self.example) is None or not self.history.measured:
            return
        names, owners = self._object_names(example), self.history.owners(self.watched, self.owners_of)
        self.film.set_film(names, self.history.steps, owners)
        self.mark()

    # -- curves
    def draw_losses(self) -> None:
        """The losses of all steps."""
        self._due = False
        self._rest.start()
        rows = self.history.rows
        end = max(LEAST, rows[-1, 0] if len(rows) else 0.0)
        self.loss.set_curves(self.of_steps(TERMS, 0), end)
        self.place_cursor()

    def of_steps(self, names: Sequence[tuple[str, str]], first: int) -> list[Curve]:
        """Some of the terms of every step, from a place on, with their color and name."""
        rows, count = self.history.rows, len(self.terms)
        return [
            Curve(Message(name), rows[:, 0], rows[:, 1 + count + first + i], token, raw=rows[:, 1 + first + i])
            for i, (token, name) in enumerate(names)
        ]

    def draw_curves(self) -> None:
        """All plots."""
        self.draw_losses()
        steps = np.array(self.history.steps, float)
        end = max(LEAST, self.history.rows[-1, 0] if len(self.history.rows) else 0.0)
        curves = self.precisions(steps)
        ghost = self.ghost("ap50", 100, end, "cat1")
        self.precision.set_curves([*curves, *ghost], end)
        self._note_precision(bool(ghost))
        self.draw_third(steps, end)
        moved = Curve(Message("matching instability, %"), steps[1:], 100 * self.history.column("switched")[1:], "cat2")
        self.switched.set_curves([moved, *self.ghost("switched", 100, end, "cat2")], end)
        self.place_cursor()

    def _note_precision(self, ghost: bool) -> None:
        assert self.began is not None
        figures = {"n": self.began.validation}
        self.precision_card.set_note(
            "dashed: the previous run" if ghost else Message("on {n} {n:picture|pictures}", figures)
        )

    def ghost(self, name: str, scale: float, end: float, token: str) -> list[Curve]:
        """The same figure of the run before, as far as this one has come."""
        steps, values = self.before.upto(name, end)
        if len(steps) < 2:
            return []
        return [Curve(Message("the previous run"), steps, scale * values, token, dashed=True)]

    def _point(self, x: float | None) -> None:
        self._cursor = x
        self.place_cursor()

    def place_cursor(self) -> None:
        """The dashed line, and the values at it."""
        x = self._cursor
        if x is None and self.looked is not None:
            x = float(self.looked)
        keys: tuple[tuple[Key, int, int], ...] = (
            (self.loss_key, 2, 3),
            (self.precision_key, 1, len(self.precisions(np.zeros(0)))),
            (self.other_key, self.third_digits, len(self.third_names)),
            (self.switched_key, 1, 1),
        )
        for plot, (key, digits, count) in zip(self.plots, keys, strict=True):
            plot.set_cursor(x)
            values = plot.values_at(x)[:count]
            key.set_values(["" if v is None else words.number(v, digits) for v in values])
        self.film.set_cursor(x)

    def reworded(self) -> None:
        """The language was switched."""
        self.draw_scene()
        self.draw_film()
        self.place_cursor()
