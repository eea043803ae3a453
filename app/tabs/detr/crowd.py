"""The page "Without NMS": the same raw boxes through greedy NMS, soft-NMS and set prediction, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QRect

from app import words
from app.cards import Card, card
from app.controls import Check
from app.sections import section
from app.sliders import ParamRow, Scale
from app.steady import hold_lines
from app.tab import Dock, Page, TopicTab
from app.tabs.detr.arranged import Arranged
from app.tabs.detr.crowdview import OutcomeView, RawView
from app.tabs.detr.labscene import as_box
from app.tabs.detr.nested import NestedForm
from app.tabs.detr.pages import SidePage, lab_stream
from app.theme import S1, S3, SMALL
from app.views.base import PixelView
from app.widgets import Segments, box, button, col, label
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.detr.crowd import LINEAR, RESULT, SOFT, CrowdParams, Outcome, RawBoxes, Suppressed, shifted
from engines.detr.lab_scenes import Box4
from engines.detr.spec import KINDS, Detections, DetrParams, ModelInfo, PictureShown

OVERLAPS = Scale(0, 0.95, 0.01, 2)
GREEDY, SOFTLY, MATCHED = range(3)
NARROWEST = 330  #: px of a card
TITLES = ("Greedy NMS", "Soft-NMS", "Set prediction (DETR)")
RAW_LEGEND = "Drag the objects. Dashed: raw boxes. Dots: places of anchors, which DETR does without."
MODEL_LEGEND = "Dashed: the boxes of all queries. No anchor was needed for them."
SET_LEGEND = 'Matching gives each object one box; the set loss teaches the others "no object". Nothing to suppress.'
MODEL_SET = "What the model itself calls an object. Nothing was suppressed."


class CrowdPage(SidePage):
    """Four canvases of one scene, and what the hand does to it."""

    def __init__(self, tab: TopicTab) -> None:
        super().__init__(tab)
        self.stream = lab_stream(tab.shell.lane, self)
        self.stream.arrived.connect(self._arrived)
        self.watch(self.stream)
        self.raw = RawView()
        self.outcomes = [OutcomeView() for _ in range(3)]
        self.found: Suppressed | None = None
        self._rgb: np.ndarray | None = None
        self._model: tuple[ModelInfo, PictureShown, Detections] | None = None
        self._taken: Detections | None = None
        self._shown = self._asked = False

    def page(self) -> Page:
        self._raw_foot = label(RAW_LEGEND, SMALL, kind="quiet", wrap=True)
        self._raw_card = card("Raw boxes", self.raw, foot=self._raw_foot)
        self._feet = [label(" ", SMALL, kind="quiet", wrap=True) for _ in TITLES]
        self._cards: list[Card] = [
            card(title, view, foot=foot) for title, view, foot in zip(TITLES, self.outcomes, self._feet, strict=True)
        ]
        for foot in (self._raw_foot, *self._feet):
            hold_lines(foot, 2, fixed=True)
        for one in (self._raw_card, *self._cards):
            one.setMinimumWidth(NARROWEST)  # its foot is two lines
        plain = CrowdParams()
        self.source = Segments(
            ("Two objects", "The model"), tips=("Boxes made from anchors near two objects", "The boxes of all queries")
        )
        self.source.chosen.connect(self._choose_source)
        self.overlap = ParamRow(
            "IoU of the objects", OVERLAPS, 0.7, tip="How much the two true objects overlap. People in a crowd do."
        )
        self.overlap.changed.connect(self._overlap)
        self.overlap.settled.connect(lambda _v: self.tab.history.seal())
        self.forms = [NestedForm(plain, ("nms_iou", "score")), NestedForm(plain, ("decay", "sigma"))]
        for form in self.forms:
            form.changed.connect(lambda name, value: self._change(**{name: value}))
            form.settled.connect(self.tab.history.seal)
        self.anchors, self.dropped = Check("Anchors", True), Check("Dropped boxes", True)
        for check in (self.anchors, self.dropped):
            check.clicked.connect(lambda _on: self._draw())
        self._reset = button("Two objects at IoU 0.7", "reset", "boxed", px=SMALL, clicked=self._start_again)
        dock = Dock(
            box(section("Scene", self.source, self.overlap, self._reset)),
            box(section(RESULT, self.forms[0])),
            box(section(SOFT, self.forms[1])),
            box(section("Show", col(self.anchors, self.dropped, gap=S1))),
            resets=False,
        )
        self.raw.began.connect(lambda _i: self.tab.history.seal())
        self.raw.finished.connect(lambda _i: self.tab.history.seal())
        self.raw.moved.connect(self._moved)
        centre = Arranged((self._raw_card, *self._cards), crowd_places)
        return Page("Without NMS", centre, dock)

    # -- settings
    @property
    def params(self) -> CrowdParams:
        """The page's settings."""
        params: DetrParams = self.tab.params
        return params.crowd

    def _change(self, undoable: bool = True, **fields: Any) -> None:
        self.tab.change(undoable, crowd=replace(self.params, **fields))

    def _step(self, **fields: Any) -> None:
        self.tab.history.seal()
        self._change(**fields)
        self.tab.history.seal()

    def show_params(self, params: DetrParams) -> None:
        self._asked = False
        if self._shown:
            self._ask()

    def _ask(self) -> None:
        self._asked = True
        params = self.params
        self.stream.request(params)
        for form in self.forms:
            form.show_params(params)
        self.forms[1].control("sigma").setEnabled(params.decay != LINEAR)
        self.source.set_at(0 if params.raw is None else 1)
        for part in (self.overlap, self._reset):
            part.setEnabled(params.raw is None)
        self._draw()

    def turned_to(self) -> None:
        self._shown = True
        if not self._asked:
            self._ask()

    def displaced(self) -> None:
        if self._shown and (self.found is None or self.found.params != self.params):
            self.stream.request(self.params, again=True)

    def left(self) -> None:
        self._shown = False

    def reworded(self) -> None:
        self._draw()

    def views(self) -> Sequence[PixelView]:
        return (self.raw, *self.outcomes)

    def escape(self) -> bool:
        at = self.raw.at()
        self.raw.set_at(-1)
        return at >= 0

    # -- the hand
    def _moved(self, index: int, place: Box4) -> None:
        things = self.params.things
        if index < len(things):
            self._change(things=(*things[:index], place, *things[index + 1 :]))

    def _overlap(self, value: float) -> None:
        first = self.params.things[0]
        self._change(things=(first, shifted(first, value)))

    def _start_again(self) -> None:
        self._step(things=CrowdParams().things)

    # -- the model's boxes
    def show_model(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        self._model = (info, shown, found)
        if self.params.raw is not None and self._taken is not found:
            self._take_over(undoable=False)

    def _choose_source(self, index: int) -> None:
        if index == 0:
            self._step(raw=None, things=CrowdParams().things, kinds=())
        elif self._model is None:
            self.source.set_at(0)
            self.tab.tell(Message("The model has not answered yet."))
        else:
            self._take_over(undoable=True)

    def _take_over(self, undoable: bool) -> None:
        assert self._model is not None
        info, shown, found = self._model
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float64)
        kept = np.flatnonzero((found.scores > found.no_object) & found.on)
        raw = RawBoxes(
            tuple(as_box(one) for one in found.boxes / size),
            tuple(found.scores.tolist()),
            tuple(found.labels.tolist()),
            tuple(kept.tolist()),
        )
        self._taken, self._rgb = found, shown.rgb
        names = [KINDS[k] for k in shown.true_labels.tolist()]
        kinds = tuple(info.labels.index(name) if name in info.labels else -1 for name in names)
        fields = {"raw": raw, "things": tuple(as_box(one) for one in shown.true_boxes / size), "kinds": kinds}
        if undoable:
            self._step(**fields)
        else:
            self._change(False, **fields)

    # -- drawing
    def _arrived(self, event: Event) -> None:
        if isinstance(event, Suppressed):
            self.found = event
            self._draw()
            self.tab.answered.emit()

    def _draw(self) -> None:
        found, params = self.found, self.params
        if found is None:
            return
        if (found.params.raw is None) != (params.raw is None):
            return  # what was asked before another source was chosen
        example = params.raw is None
        photo = None if example else self._rgb
        dropped = self.dropped.isChecked()
        self.raw.show_scene(params.things, photo, found, self.anchors.isChecked(), editable=example)
        self._raw_card.set_note(
            "{boxes} boxes from {anchors} anchors" if example else "{boxes} boxes, no anchors",
            boxes=len(found.boxes),
            anchors=len(found.anchors),
        )
        words.say(self._raw_foot, "setText", RAW_LEGEND if example else MODEL_LEGEND)
        for i, result in enumerate((found.greedy, found.soft, found.matched)):
            self.outcomes[i].show_outcome(found, result, photo, dropped)
            self._cards[i].set_note(self._count(found, result))
            words.say(self._feet[i], "setText", found.error or self._why(i, found))
        if example and len(params.things) > 1 and not self.overlap.slider.isSliderDown():
            self.overlap.set_number(round(min(0.95, found.iou), 2))

    @staticmethod
    def _count(found: Suppressed, result: Outcome) -> Message:
        true, kept = len(found.params.things), len(result.kept)
        if not true:
            return Message("{n} boxes kept", {"n": kept})
        values = {"right": result.hits, "true": true, "more": kept - result.hits}
        return Message("{right} of {true} found" if kept == result.hits else "{right} of {true} found, {more} too many",
                       values)  # fmt: skip

    def _why(self, index: int, found: Suppressed) -> Message:
        """What has happened, in a sentence."""
        params, two = found.params, found.params.raw is None and len(found.params.things) == 2
        limit, overlap = words.number(params.nms_iou, 2), words.number(found.iou, 2)
        if index == MATCHED:
            return Message(SET_LEGEND if params.raw is None else MODEL_SET)
        if index == SOFTLY:
            fell = [(float(found.scores[i]), float(s)) for i, s in zip(found.soft.kept, found.soft.scores, strict=True)]
            worst = max(fell, key=lambda pair: pair[0] - pair[1], default=(0.0, 0.0))
            values = {"before": words.number(worst[0], 2), "after": words.number(worst[1], 2)}
            if worst[0] - worst[1] < 0.01:
                return Message("Lowers the scores of neighbors instead of dropping them.")
            return Message("Lowers the scores of neighbors instead: {before} becomes {after} here.", values)
        if len(found.scores) and float(found.scores.max()) < params.score:
            values = {"limit": words.number(params.score, 2), "best": words.number(float(found.scores.max()), 2)}
            return Message("No box reaches a score of {limit}: the best has {best}.", values)
        if two and found.iou > params.nms_iou and found.greedy.hits < 2:
            return Message("The objects overlap by {iou}, more than {limit}: one of them goes as a duplicate.",
                           {"iou": overlap, "limit": limit})  # fmt: skip
        if len(found.greedy.kept) > found.greedy.hits and found.params.things:
            return Message("At {limit} duplicates pass: no threshold is right for every crowd.", {"limit": limit})
        return Message("Keeps the best box, drops what overlaps it by more than {limit}, and again.", {"limit": limit})


def crowd_places(width: int, height: int) -> list[QRect]:
    """Four equal cards."""
    wide, high = (width - S3) // 2, (height - S3) // 2
    return [QRect(x * (wide + S3), y * (high + S3), wide, high) for y in range(2) for x in range(2)]
