"""The page "Matching".

Boxes to drag, the three costs and their sum, the optimal and the greedy assignment, the set loss of each pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QRect

from app import words
from app.arranged import Folding
from app.cards import card
from app.guess import GuessFirst
from app.shell import Shell
from app.tabs.detr.boxes import iou
from app.tabs.detr.matching.canvas import CROWDED, GUESS, THING, MatchingCanvas
from app.tabs.detr.matching.costs import CostTables
from app.tabs.detr.matching.dock import MatchingDock
from app.tabs.detr.matching.guess import TASK, judged
from app.tabs.detr.matching.setloss import Assignment, SetLoss
from app.tabs.detr.model import Answer, Model, ModelPage
from app.tabs.detr.names import caption, interventions, of_model
from app.tabs.detr.shapes import as_box, as_box_of, corners
from app.theme import S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.guesssheet import ASKED, CellSheet
from app.widgets import MenuButton, button, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Event
from engines.detr.matching.scenes import (
    FROM_MODEL,
    SCENES,
    Guess,
    MatchingScene,
    logits_of,
    scene_of,
    with_probability,
)
from engines.detr.matching.spec import Matched, MatchingParams
from engines.detr.objects import Box4, Thing
from engines.detr.spec import KINDS

COST_TITLES = (
    "Cost of predictions (rows) for objects (columns)",
    "Cost of predictions (columns) for objects (rows)",
)
LEGEND = "Green: objects. Orange: matched. Dashed: no object."
DRAW_OBJECT = "Draw an object: drag or click. Esc cancels."
DRAW_GUESS = "Draw a prediction: drag or click. Esc cancels."
DRAW_FIRST = "Draw an object with + Object, or show the unmatched predictions."
ROOM = 200  # boxes of one kind


class MatchingPage(ModelPage):
    """The cards, the controls, and what the hand does to the scene."""

    title = "Matching"
    params_type = MatchingParams
    engine = "engines.detr.matching.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell, model: Model) -> None:
        super().__init__(state, feed, shell, model)
        self.canvas, self.tables, self.controls = MatchingCanvas(), CostTables(), MatchingDock(self.params)
        self.loss, self.assignment = SetLoss(self), Assignment(self)
        self.found: Matched | None = None
        self.selected: tuple[str, int] | None = None
        self._rgb: np.ndarray | None = None  # the model's picture
        self._source: Answer | None = None  # what the scene on the canvas was taken from
        self._follow = False  # a picture was dropped on this page: take over what the model will say of it
        self._on_canvas: tuple[Any, ...] = ()  # what the canvas shows, and on what
        self._rgb_drawn: np.ndarray | None = None
        self._named = ""  # the scene that the check boxes belong to
        self.scenes = MenuButton((*SCENES, FROM_MODEL), tip="Example scenes", px=SMALL)
        self.scenes.chosen.connect(self.choose_scene)
        self.add_buttons = [
            button("Object", "add", "boxed", DRAW_OBJECT, SMALL, clicked=lambda: self._draw_mode(THING)),
            button("Prediction", "add", "boxed", DRAW_GUESS, SMALL, clicked=lambda: self._draw_mode(GUESS)),
        ]
        self._foot, self._count = quiet(LEGEND), quiet("")
        self._scene_card = card(
            "Scene", self.canvas, tools=[self.scenes, *self.add_buttons], foot=row(self._foot, 1, self._count)
        )
        sheet = CellSheet(self.tables.tables[3], self.tables.cells, self._pairs, lambda _painter: None)
        covers = self.canvas, self.loss.card, self.assignment.card
        self.guess = GuessFirst(self, sheet, TASK, self._judge, covers)
        self.guess.told.connect(self.tell)
        self.guess.phased.connect(self._guessed)
        note = "outline: optimal; corner: greedy"
        self._cost_card = card(COST_TITLES[False], self.tables, note, tools=[self.guess.button])
        cards = (self._scene_card, self.loss.card, self.assignment.card, self._cost_card)
        self._connect()
        self.lay(Folding(cards, matching_places), self.controls, resets=False)

    def _connect(self) -> None:
        canvas, tables, controls = self.canvas, self.tables, self.controls
        canvas.began.connect(lambda _i: self.settle())
        canvas.finished.connect(lambda _i: self.settle())
        canvas.moved.connect(self._moved)
        canvas.drawn.connect(self._drawn)
        canvas.deleted.connect(lambda kind, i: self.remove((kind, i)))
        canvas.chosen.connect(self.select)
        canvas.pointed_at.connect(self._light_tables)
        tables.pointed_at.connect(self._light_canvas)
        tables.chosen.connect(lambda i: self.select((GUESS, i)))
        self.loss.pointed_at.connect(self._light_pair)
        controls.settled.connect(self.settle)
        controls.preset.connect(self.take_preset)
        controls.shown.connect(self._draw_all)
        controls.probable.connect(self._probable)
        controls.classed.connect(self._classed)
        controls.sized.connect(self._sized)
        controls.delete.connect(lambda: self.remove(self.selected))
        controls.wanted.connect(self.model.get_real)

    # -- guessing
    def _pairs(self) -> int:
        return 1 if self.found is None else max(1, len(self.found.pairs))

    def _guessed(self, phase: int) -> None:
        self.tables.hidden = phase == ASKED
        self._draw_all()

    def _judge(self) -> tuple[float, Message]:
        sheet, found = self.guess.sheet, self.found
        assert isinstance(sheet, CellSheet)
        assert found is not None
        return judged(found, [self.tables.way(cell) for cell in sheet.picks])

    # -- settings
    @property
    def scene(self) -> MatchingScene:
        """What is matched."""
        params: MatchingParams = self.params
        return params.scene

    def _set(self, **fields: Any) -> None:
        self.change(scene=replace(self.scene, **fields))

    def show_params(self, params: MatchingParams) -> None:
        self.guess.settings_changed()
        scene = params.scene
        if scene.name != self._named:  # of many predictions the unmatched ones are left out, undone or not
            self._named = scene.name
            self.controls.rest.setChecked(len(scene.guesses) <= CROWDED)
        if self.selected is not None and not self._is_there(self.selected):
            self.select(None)
        self._draw()

    def exported(self) -> dict[str, object]:
        """The weights and which scene it is; the boxes are numbers of the canvas."""
        settings: dict[str, object] = {name: getattr(self.params, name) for name in rules(self.params)}
        settings["scene"] = self.scene.name
        if self._source is not None and self.scene.name == FROM_MODEL:
            settings |= of_model(self._source.info) | interventions(self._source.of)
        return settings

    def caption(self) -> Iterable[Text]:
        """Where the boxes are the model's: what was done to it."""
        return caption(self._source.of) if self._source is not None and self.scene.name == FROM_MODEL else ()

    def deactivated(self) -> None:
        self._draw_mode("")

    def retranslated(self) -> None:
        self._on_canvas = ()
        super().retranslated()

    def escape(self) -> None:
        if self.canvas.draws:
            self._draw_mode("")
        else:
            self.select(None)

    # -- the model's predictions
    def wants_model(self) -> bool:
        return self._follow or self.scene.name == FROM_MODEL

    def picture_changed(self) -> None:
        self._follow = True

    def model_answered(self, answer: Answer, by_hand: bool) -> None:
        """The model's answer becomes the scene; objects drawn on the same picture stay."""
        info, shown, found = answer.info, answer.shown, answer.found
        same = self._source is not None and self._source.shown is shown and self.scene.name == FROM_MODEL
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float64)
        if same:
            things = self.scene.things
        else:
            names = [info.labels.index(KINDS[k]) if KINDS[k] in info.labels else -1 for k in shown.true_labels.tolist()]
            boxes = [as_box(one / size) for one in shown.true_boxes]
            things = tuple(Thing(one, name) for one, name in zip(boxes, names, strict=True) if name >= 0)
        guesses = tuple(
            Guess(as_box(one), logits_of(p)) for one, p in zip(found.boxes / size, found.probabilities, strict=False)
        )
        if not same:
            self.select(None)
            self.controls.rest.setChecked(len(guesses) <= CROWDED)
        self._follow, self._source, self._rgb = False, answer, shown.rgb
        scene = MatchingScene(things, guesses, info.labels, FROM_MODEL)
        if by_hand:
            self.step(scene=scene)
        else:
            self.state.put(scene=scene)
        self._draw()  # the same boxes may lie on another picture

    # -- the hand
    def choose_scene(self, index: int) -> None:
        self.select(None)
        if index == len(SCENES):
            self.want_model()
        else:
            self._follow = self._wanted = False  # what the model is about to say is not waited for any more
            self.step(scene=scene_of(SCENES[index]))
        self._show_scene_name()

    def _show_scene_name(self) -> None:
        names = (*SCENES, FROM_MODEL)
        if self.scene.name in names and self.scenes.at() != names.index(self.scene.name):
            self.scenes.set_at(names.index(self.scene.name))

    def select(self, what: tuple[str, int] | None) -> None:
        """Choose a box; none where it is not in the scene any more, which the tables show until the answer comes."""
        what = what if self._is_there(what) else None
        self.selected, self._on_canvas = what, ()  # an unmatched prediction is shown while it is selected
        self.canvas.select(what)
        self.tables.choose(*(cell_of(what) or (-1, -1)))
        self.controls.show_params(self.params, what)

    def _is_there(self, what: tuple[str, int] | None) -> bool:
        """Whether a box is in the scene."""
        return what is not None and what[1] < len(self.scene.guesses if what[0] == GUESS else self.scene.things)

    def remove(self, what: tuple[str, int] | None) -> None:
        """Delete a box."""
        if what is None:
            return
        (kind, index), scene = what, self.scene
        self.select(None)
        if kind == GUESS:
            self.step(scene=replace(scene, guesses=scene.guesses[:index] + scene.guesses[index + 1 :]))
        else:
            self.step(scene=replace(scene, things=scene.things[:index] + scene.things[index + 1 :]))

    def _draw_mode(self, kind: str) -> None:
        self.canvas.set_mode(kind)
        words.say(self._foot, "setText", {THING: DRAW_OBJECT, GUESS: DRAW_GUESS}.get(kind, LEGEND))
        if kind:
            self.canvas.setFocus()

    def _drawn(self, kind: str, place: Box4 | None) -> None:
        self._draw_mode("")
        scene = self.scene
        if place is None or len(scene.guesses if kind == GUESS else scene.things) >= ROOM:
            return
        if kind == GUESS:
            even = Guess(place, logits_of(np.full(len(scene.labels) + 1, 1 / (len(scene.labels) + 1))))
            self.step(scene=replace(scene, guesses=(*scene.guesses, even)))
            self.select((GUESS, len(scene.guesses)))
            return
        new = Thing(place, self._likeliest(place))
        self.step(scene=replace(scene, things=(*scene.things, new)))
        self.select((THING, len(scene.things)))

    def _likeliest(self, place: Box4) -> int:
        """Class of a new object: what the prediction that overlaps it most says, else the class used last."""
        scene = self.scene
        if scene.guesses:
            overlap = iou(corners([place]), corners([guess.box for guess in scene.guesses]))[0]
            best = int(overlap.argmax())
            if overlap[best] > 0.3 and np.isfinite(scene.guesses[best].logits).all():
                return int(np.argmax(scene.guesses[best].logits[:-1]))
        return scene.things[-1].label if scene.things else 0

    def _moved(self, kind: str, index: int, place: Box4) -> None:
        scene = self.scene
        if kind == GUESS and index < len(scene.guesses):
            guess = replace(scene.guesses[index], box=place)
            self._set(guesses=(*scene.guesses[:index], guess, *scene.guesses[index + 1 :]))
        elif kind == THING and index < len(scene.things):
            thing = replace(scene.things[index], box=place)
            self._set(things=(*scene.things[:index], thing, *scene.things[index + 1 :]))

    def _sized(self, axis: int, value: float) -> None:
        if self.selected is None:
            return
        kind, index = self.selected
        place = list((self.scene.guesses if kind == GUESS else self.scene.things)[index].box)
        place[2 + axis] = value
        self._moved(kind, index, as_box_of(place))

    def _probable(self, label_: int, value: float) -> None:
        if self.selected is not None and self.selected[0] == GUESS:
            index, guesses = self.selected[1], self.scene.guesses
            new = with_probability(guesses[index], label_, value)
            self._set(guesses=(*guesses[:index], new, *guesses[index + 1 :]))

    def _classed(self, label_: int) -> None:
        if self.selected is not None and self.selected[0] == THING:
            index, things = self.selected[1], self.scene.things
            new = replace(things[index], label=label_)
            self.step(scene=replace(self.scene, things=(*things[:index], new, *things[index + 1 :])))

    def take_preset(self, preset: tuple[bool, float, float, float]) -> None:
        focal, by_class, by_box, by_giou = preset
        self.step(focal=focal, class_cost=by_class, bbox_cost=by_box, giou_cost=by_giou)

    # -- pointing
    def _light_tables(self, what: tuple[str, int] | None) -> None:
        row_, col_ = cell_of(what) or (None, None)
        self.tables.light(None if row_ == -1 else row_, None if col_ == -1 else col_)

    def _light_canvas(self, cell: tuple[int, int] | None) -> None:
        self.canvas.light(None if cell is None else (GUESS, cell[0]))

    def _light_pair(self, pair: tuple[int, int] | None) -> None:
        self.canvas.light(None if pair is None else (GUESS, pair[0]))
        self.tables.light(*(pair or (None, None)))

    # -- drawing
    def on(self, event: Event) -> None:
        if isinstance(event, Matched):
            self.found = event
            self._draw()
            self._show(event)

    def _draw_all(self) -> None:
        """Everything, as the check boxes say."""
        self._on_canvas = ()
        self._draw()
        if self.found is not None:
            self._show(self.found)

    def _draw(self) -> None:
        """The canvas and the dock at once, with the newest assignment that is known."""
        params, scene, found = self.params, self.scene, self.found
        pairs: list[tuple[int, int]] = []
        greedy: list[tuple[int, int]] = []
        if found is not None:
            size = len(scene.guesses), len(scene.things)
            pairs = [(int(r), int(c)) for r, c in found.pairs if r < size[0] and c < size[1]]
            greedy = [(int(r), int(c)) for r, c in found.greedy if r < size[0] and c < size[1]]
        dock, rgb = self.controls, self._rgb if scene.name == FROM_MODEL else None
        lines, rest = dock.lines.isChecked(), dock.rest.isChecked()
        how = (scene, pairs, greedy if lines and dock.greedy.isChecked() else [], lines, rest)
        if self._rgb_drawn is not rgb or self._on_canvas != how:
            self._rgb_drawn, self._on_canvas = rgb, how
            self.canvas.set_scene(scene, rgb, *how[1:])
            if not self.canvas.dragging():  # boxes of another scene have other places
                self.canvas.select(self.selected)
        blank = bool(scene.guesses) and not scene.things and not rest
        self.canvas.set_note(Message(DRAW_FIRST) if blank else "")
        dock.show_params(params, self.selected)
        toy = self._source is not None and self._source.info.toy and scene.name == FROM_MODEL
        dock.show_offer(toy and self.model.params.picture is not None)
        self._show_scene_name()
        counts = {"objects": len(scene.things), "predictions": len(scene.guesses)}
        words.say(
            self._count,
            "setText",
            "{objects} {objects:object|objects}, {predictions} {predictions:prediction|predictions}",
            **counts,
        )

    def _show(self, found: Matched) -> None:
        self._cost_card.set_empty(None if found.total.size else found.error or found.notes[0])
        self.tables.show_costs(found, self.controls.greedy.isChecked())
        self._cost_card.set_title(COST_TITLES[self.tables.turned])
        self.tables.choose(*(cell_of(self.selected) or (-1, -1)))
        self.loss.show(found)
        self.assignment.show(found)


def cell_of(what: tuple[str, int] | None) -> tuple[int, int] | None:
    """Row or column of a box in the tables, −1 for all."""
    if what is None:
        return None
    return (what[1], -1) if what[0] == GUESS else (-1, what[1])


def matching_places(width: int, height: int) -> list[QRect]:
    """Places of scene, loss, assignment, costs."""
    upper = round((height - S3) * 0.565)
    wide = round((width - S3) * 8 / 13)
    right, low = wide + S3, 160
    return [
        QRect(0, 0, wide, upper),
        QRect(right, 0, width - right, upper - low - S3),
        QRect(right, upper - low, width - right, low),
        QRect(0, upper + S3, width, height - upper - S3),
    ]
