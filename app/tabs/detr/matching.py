"""The page "Matching lab": boxes to drag, the three costs and their sum, the optimal and the greedy assignment, the
set loss of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QRect

from app import words
from app.cards import card
from app.tab import Dock, Page, TopicTab
from app.tabs.detr.arranged import Arranged
from app.tabs.detr.costs import CostTables
from app.tabs.detr.editing import iou
from app.tabs.detr.labcanvas import CROWDED, GUESS, THING, LabCanvas
from app.tabs.detr.labscene import as_box, as_box_of, corners
from app.tabs.detr.matchdock import MatchingDock
from app.tabs.detr.pages import SidePage, lab_stream, use_real
from app.tabs.detr.setloss import Assignment, SetLoss
from app.theme import S3, SMALL
from app.views.base import PixelView
from app.widgets import MenuButton, button, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.detr.lab import (
    FROM_MODEL,
    SCENES,
    Box4,
    Guess,
    Matched,
    MatchingParams,
    MatchingScene,
    Thing,
    logits_of,
    scene_of,
    with_probability,
)
from engines.detr.spec import KINDS, Detections, DetrParams, ModelInfo, PictureShown

COST_TITLES = (
    "Cost of each prediction (row) for each object (column)",
    "Cost of each prediction (column) for each object (row)",
)
LEGEND = "Green: objects. Orange: matched. Dashed: no object."
DRAW_OBJECT = "Draw an object: drag or click. Esc: never mind."
DRAW_GUESS = "Draw a prediction: drag or click. Esc: never mind."
DRAW_FIRST = "Draw an object with + Object, or show the unmatched predictions."
ROOM = 200  # boxes of one kind


class MatchingPage(SidePage):
    """The cards, the dock, and what the hand does to the scene."""

    def __init__(self, tab: TopicTab) -> None:
        super().__init__(tab)
        self.stream = lab_stream(tab.shell.lane, self)
        self.stream.arrived.connect(self._arrived)
        self.watch(self.stream)
        self.canvas, self.tables, self.dock = LabCanvas(), CostTables(), MatchingDock()
        self.loss, self.assignment = SetLoss(self), Assignment(self)
        self.found: Matched | None = None
        self._at: tuple[str, int] | None = None
        self._rgb: np.ndarray | None = None  # the model's picture
        self._model: tuple[ModelInfo, PictureShown, Detections] | None = None
        self._taken: tuple[PictureShown, Detections] | None = None  # what the scene on the canvas was taken from
        self._follow = False  # a picture was dropped on this page: take over what the model will say of it
        self._on_canvas: tuple[Any, ...] = ()  # what the canvas shows, and on what
        self._rgb_drawn: np.ndarray | None = None
        self._named = ""  # the scene that the check boxes belong to
        self._shown = self._asked = False

    def page(self) -> Page:
        self.scenes = MenuButton((*SCENES, FROM_MODEL), tip="Scenes to begin with", px=SMALL)
        self.scenes.chosen.connect(self._choose_scene)
        self._add = [
            button("Object", "add", "boxed", DRAW_OBJECT, SMALL, clicked=lambda: self._draw_mode(THING)),
            button("Prediction", "add", "boxed", DRAW_GUESS, SMALL, clicked=lambda: self._draw_mode(GUESS)),
        ]
        self._foot, self._count = quiet(LEGEND), quiet("")
        self._scene_card = card(
            "Scene", self.canvas, tools=[self.scenes, *self._add], foot=row(self._foot, 1, self._count)
        )
        self._cost_card = card(
            COST_TITLES[False],
            self.tables,
            "outline: optimal; corner: greedy, where it differs",
        )
        cards = (self._scene_card, self.loss.card, self.assignment.card, self._cost_card)
        self._connect()
        return Page("Matching", Arranged(cards, matching_places), Dock(self.dock, resets=False))

    def _connect(self) -> None:
        canvas, tables, dock = self.canvas, self.tables, self.dock
        canvas.began.connect(lambda _i: self.tab.history.seal())
        canvas.finished.connect(lambda _i: self.tab.history.seal())
        canvas.moved.connect(self._moved)
        canvas.drawn.connect(self._drawn)
        canvas.deleted.connect(lambda kind, i: self.remove((kind, i)))
        canvas.chosen.connect(self.select)
        canvas.pointed_at.connect(self._light_tables)
        tables.pointed_at.connect(self._light_canvas)
        tables.chosen.connect(lambda i: self.select((GUESS, i)))
        self.loss.pointed_at.connect(self._light_pair)
        dock.weighed.connect(lambda name, value: self._change(**{name: value}))
        dock.settled.connect(self.tab.history.seal)
        dock.preset.connect(self._preset)
        dock.shown.connect(self.reworded)
        dock.said.connect(self._said)
        dock.classed.connect(self._classed)
        dock.sized.connect(self._sized)
        dock.delete.connect(lambda: self.remove(self._at))
        dock.wanted.connect(lambda: use_real(self.tab))

    # -- settings
    @property
    def params(self) -> MatchingParams:
        """The lab's settings."""
        params: DetrParams = self.tab.params
        return params.matching

    @property
    def scene(self) -> MatchingScene:
        """What is matched."""
        return self.params.scene

    def _change(self, undoable: bool = True, **fields: Any) -> None:
        self.tab.change(undoable, matching=replace(self.params, **fields))

    def _step(self, **fields: Any) -> None:
        """An undo step of its own."""
        self.tab.history.seal()
        self._change(**fields)
        self.tab.history.seal()

    def _set(self, **fields: Any) -> None:
        self._change(scene=replace(self.scene, **fields))

    def show_params(self, params: DetrParams) -> None:
        scene = params.matching.scene
        if scene.name != self._named:  # of many predictions the unmatched ones are left out, undone or not
            self._named = scene.name
            self.dock.rest.setChecked(len(scene.guesses) <= CROWDED)
        if self._at is not None and self._at[1] >= len(scene.guesses if self._at[0] == GUESS else scene.things):
            self.select(None)
        self._asked = False
        if self._shown:
            self._ask()

    def _ask(self) -> None:
        self._asked = True
        self.stream.request(self.params)
        self._draw()

    # -- turning to it
    def turned_to(self) -> None:
        self._shown = True
        if not self._asked:
            self._ask()

    def displaced(self) -> None:
        if self._shown and (self.found is None or self.found.params != self.params):
            self.stream.request(self.params, again=True)

    def left(self) -> None:
        self._shown = False
        self._draw_mode("")

    def reworded(self) -> None:
        self._on_canvas = ()
        if self.found is not None:
            self._show(self.found)

    def views(self) -> Sequence[PixelView]:
        return (self.canvas, self.loss.bars, *self.tables.tables, *self.tables.bars)

    def escape(self) -> bool:
        if self._at is None:
            return False
        self.select(None)
        return True

    # -- the model's predictions
    def show_model(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        self._model = (info, shown, found)
        known = self._taken is not None and self._taken[1] is found
        if not known and (self._follow or self.scene.name == FROM_MODEL):
            self._take_over(undoable=False)

    def picture_chosen(self) -> None:
        """A picture was dropped: if this page is on screen, go on with what the model says of it."""
        self._follow = self._shown
        self._model = None

    def _take_over(self, undoable: bool) -> None:
        """The model's answer becomes the scene; objects drawn on the same picture stay."""
        if self._model is None:
            self.tab.tell(Message("The model has not answered yet."))
            return
        info, shown, found = self._model
        same = self._taken is not None and self._taken[0] is shown and self.scene.name == FROM_MODEL
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
        first = self._taken is None or not same
        if first:
            self.select(None)
        self._follow, self._taken, self._rgb = False, (shown, found), shown.rgb
        if first:
            self.dock.rest.setChecked(len(guesses) <= CROWDED)
        scene = MatchingScene(things, guesses, info.labels, FROM_MODEL)
        if undoable:
            self._step(scene=scene)
        else:
            self._change(False, scene=scene)
        if self._shown:  # the same boxes may lie on another picture
            self._draw()

    # -- the hand
    def _choose_scene(self, index: int) -> None:
        self.select(None)
        if index < len(SCENES):
            self._follow = False  # what the model is about to say is not waited for any more
            self._step(scene=scene_of(SCENES[index]))
        else:
            self._take_over(undoable=True)
        self._show_scene_name()

    def _show_scene_name(self) -> None:
        names = (*SCENES, FROM_MODEL)
        if self.scene.name in names and self.scenes.at() != names.index(self.scene.name):
            self.scenes.set_at(names.index(self.scene.name))

    def select(self, what: tuple[str, int] | None) -> None:
        """Choose a box."""
        self._at, self._on_canvas = what, ()  # an unmatched prediction is shown while it is selected
        self.canvas.select(what)
        self.tables.choose(*(cell_of(what) or (-1, -1)))
        self.dock.show_params(self.params, what)

    def remove(self, what: tuple[str, int] | None) -> None:
        """Delete a box."""
        if what is None:
            return
        (kind, index), scene = what, self.scene
        self.select(None)
        if kind == GUESS:
            self._step(scene=replace(scene, guesses=scene.guesses[:index] + scene.guesses[index + 1 :]))
        else:
            self._step(scene=replace(scene, things=scene.things[:index] + scene.things[index + 1 :]))

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
            self._step(scene=replace(scene, guesses=(*scene.guesses, even)))
            self.select((GUESS, len(scene.guesses)))
            return
        new = Thing(place, self._likeliest(place))
        self._step(scene=replace(scene, things=(*scene.things, new)))
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
        if self._at is None:
            return
        kind, index = self._at
        place = list((self.scene.guesses if kind == GUESS else self.scene.things)[index].box)
        place[2 + axis] = value
        self._moved(kind, index, as_box_of(place))

    def _said(self, label_: int, value: float) -> None:
        if self._at is not None and self._at[0] == GUESS:
            index, guesses = self._at[1], self.scene.guesses
            new = with_probability(guesses[index], label_, value)
            self._set(guesses=(*guesses[:index], new, *guesses[index + 1 :]))

    def _classed(self, label_: int) -> None:
        if self._at is not None and self._at[0] == THING:
            index, things = self._at[1], self.scene.things
            new = replace(things[index], label=label_)
            self._step(scene=replace(self.scene, things=(*things[:index], new, *things[index + 1 :])))

    def _preset(self, preset: tuple[bool, float, float, float]) -> None:
        focal, by_class, by_box, by_giou = preset
        self._step(focal=focal, class_cost=by_class, bbox_cost=by_box, giou_cost=by_giou)

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
    def _arrived(self, event: Event) -> None:
        if isinstance(event, Matched):
            self.found = event
            self._show(event)
            self.tab.answered.emit()

    def _draw(self) -> None:
        """The canvas and the dock at once, with the newest assignment that is known."""
        params, scene, found = self.params, self.scene, self.found
        pairs: list[tuple[int, int]] = []
        greedy: list[tuple[int, int]] = []
        if found is not None:
            size = len(scene.guesses), len(scene.things)
            pairs = [(int(r), int(c)) for r, c in found.pairs if r < size[0] and c < size[1]]
            greedy = [(int(r), int(c)) for r, c in found.greedy if r < size[0] and c < size[1]]
        dock, rgb = self.dock, self._rgb if scene.name == FROM_MODEL else None
        lines, rest = dock.lines.isChecked(), dock.rest.isChecked()
        how = (scene, pairs, greedy if lines and dock.greedy.isChecked() else [], lines, rest)
        if self._rgb_drawn is not rgb or self._on_canvas != how:
            self._rgb_drawn, self._on_canvas = rgb, how
            self.canvas.set_scene(scene, rgb, *how[1:])
            if not self.canvas.dragging():  # boxes of another scene have other places
                self.canvas.select(self._at)
        blank = bool(scene.guesses) and not scene.things and not rest
        self.canvas.set_note(Message(DRAW_FIRST) if blank else "")
        dock.show_params(params, self._at)
        toy = self._model is not None and self._model[0].toy and scene.name == FROM_MODEL
        dock.show_offer(toy and self.tab.params.picture is not None)
        self._show_scene_name()
        counts = {"objects": len(scene.things), "predictions": len(scene.guesses)}
        words.say(self._count, "setText", "{objects} objects, {predictions} predictions", **counts)

    def _show(self, found: Matched) -> None:
        self._draw()
        self._cost_card.set_empty(None if found.total.size else found.error or found.notes[0])
        self.tables.show_costs(found, self.dock.greedy.isChecked())
        self._cost_card.set_title(COST_TITLES[self.tables.turned])
        self.tables.choose(*(cell_of(self._at) or (-1, -1)))
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
