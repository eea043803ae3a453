"""The page "Without NMS": the same raw boxes through greedy NMS, soft-NMS and set prediction, side by side."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QRect

from app import words
from app.arranged import Arranged
from app.cards import Card, card
from app.controls import Check
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.sliders import ParamRow, Scale
from app.steady import hold_lines
from app.tabs.detr.model import Answer, Model, ModelPage
from app.tabs.detr.names import caption, interventions, of_model
from app.tabs.detr.nms.views import OutcomeView, RawView
from app.tabs.detr.shapes import as_box
from app.theme import S1, S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.widgets import Segments, box, button, col, label
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Event
from engines.detr.nms.spec import LINEAR, NmsParams, Outcome, RawBoxes, Suppressed, shifted
from engines.detr.objects import Box4
from engines.detr.spec import KINDS

OVERLAPS = Scale(0, 0.95, 0.01, 2)
GREEDY, SOFTLY, MATCHED = range(3)
NARROWEST = 330  #: px of a card
TITLES = ("Greedy NMS", "Soft-NMS", "Set prediction (DETR)")
RAW_LEGEND = "Drag the objects. Dashed: raw boxes. Dots: anchor positions, which DETR does without."
MODEL_LEGEND = "Dashed: the boxes of all queries. They need no anchors."
SET_LEGEND = 'Matching assigns one box to each object; the others learn "no object". Nothing to suppress.'
MODEL_SET = "What the model itself predicts as objects. Nothing was suppressed."


class NmsPage(ModelPage):
    """Four canvases of one scene, and what the hand does to it."""

    title = "Without NMS"
    params_type = NmsParams
    engine = "engines.detr.nms.engine:Engine"
    former = "detr.crowd"

    def __init__(self, state: State, feed: Feed | None, shell: Shell, model: Model) -> None:
        super().__init__(state, feed, shell, model)
        self.raw = RawView()
        self.outcomes = [OutcomeView() for _ in TITLES]
        self.found: Suppressed | None = None
        self._rgb: np.ndarray | None = None
        self._source: Answer | None = None  # what the boxes were taken from
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
        self.source = Segments(
            ("Two objects", "The model"), tips=("Boxes from anchors near two objects", "The boxes of all queries")
        )
        self.source.chosen.connect(self.choose_source)
        self.overlap = ParamRow(
            "IoU of the objects", OVERLAPS, 0.7, tip="Overlap of the two true objects, as of people in a crowd."
        )
        self.overlap.changed.connect(self._overlap)
        self.overlap.settled.connect(lambda _v: self.settle())
        self.form = ParamsForm(self.params)
        self.anchors, self.dropped = Check("Anchors", True), Check("Dropped boxes", True)
        for check in (self.anchors, self.dropped):
            check.clicked.connect(lambda _on: self._draw())
        self._reset = button("Two objects at IoU 0.7", "reset", "boxed", px=SMALL, clicked=self._start_again)
        self.raw.began.connect(lambda _i: self.settle())
        self.raw.finished.connect(lambda _i: self.settle())
        self.raw.moved.connect(self._moved)
        self.lay(
            Arranged((self._raw_card, *self._cards), nms_places),
            box(section("Scene", self.source, self.overlap, self._reset)),
            self.form,
            box(section("Show", col(self.anchors, self.dropped, gap=S1))),
            resets=False,
        )

    @classmethod
    def name(cls) -> str:
        return "nms"

    # -- settings
    def show_params(self, params: NmsParams) -> None:
        self.form.control("sigma").setEnabled(params.decay != LINEAR)
        self.source.set_at(0 if params.raw is None else 1)
        for part in (self.overlap, self._reset):
            part.setEnabled(params.raw is None)
        self._draw()

    def exported(self) -> dict[str, object]:
        """What is set, and whose boxes they are; the boxes are numbers of the views."""
        params: NmsParams = self.params
        settings: dict[str, object] = {name: getattr(params, name) for name in rules(params)}
        if params.raw is None:
            return {**settings, "objects": params.things}
        source = self._source
        return settings if source is None else {**settings, **of_model(source.info), **interventions(source.of)}

    def caption(self) -> Iterable[Text]:
        """Where the boxes are the model's: what was done to it."""
        return caption(self._source.of) if self._source is not None and self.params.raw is not None else ()

    def escape(self) -> None:
        self.raw.set_at(-1)

    # -- the hand
    def _moved(self, index: int, place: Box4) -> None:
        things = self.params.things
        if index < len(things):
            self.change(things=(*things[:index], place, *things[index + 1 :]))

    def _overlap(self, value: float) -> None:
        first = self.params.things[0]
        self.change(things=(first, shifted(first, value)))

    def _start_again(self) -> None:
        self.step(things=NmsParams().things)

    # -- the model's boxes
    def wants_model(self) -> bool:
        return self.params.raw is not None

    def choose_source(self, index: int) -> None:
        if index == 1:
            self.source.set_at(0 if self.params.raw is None else 1)  # until the model has answered
            self.want_model()
        else:
            self._wanted = False
            self.step(raw=None, things=NmsParams().things, kinds=())

    def model_answered(self, answer: Answer, by_hand: bool) -> None:
        """The boxes of all queries take the place of those made from anchors."""
        info, shown, found = answer.info, answer.shown, answer.found
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float64)
        kept = np.flatnonzero((found.scores > found.no_object) & found.on)
        raw = RawBoxes(
            tuple(as_box(one) for one in found.boxes / size),
            tuple(found.scores.tolist()),
            tuple(found.labels.tolist()),
            tuple(kept.tolist()),
        )
        self._source, self._rgb = answer, shown.rgb
        names = [KINDS[k] for k in shown.true_labels.tolist()]
        kinds = tuple(info.labels.index(name) if name in info.labels else -1 for name in names)
        things = tuple(as_box(one) for one in shown.true_boxes / size)
        if by_hand:
            self.step(raw=raw, things=things, kinds=kinds)
        else:
            self.state.put(raw=raw, things=things, kinds=kinds)

    # -- drawing
    def on(self, event: Event) -> None:
        if isinstance(event, Suppressed):
            self.found = event
            self._draw()

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
            return Message("{n} {n:box|boxes} kept", {"n": kept})
        values = {"right": result.hits, "true": true, "more": kept - result.hits}
        return Message("{right} of {true} found" if kept == result.hits else "{right} of {true} found, {more} extra",
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
                return Message("Lowers the scores of overlapping boxes instead of dropping them.")
            return Message("Lowers the scores of overlapping boxes instead: {before} becomes {after} here.", values)
        if len(found.scores) and float(found.scores.max()) < params.score:
            values = {"limit": words.number(params.score, 2), "best": words.number(float(found.scores.max()), 2)}
            return Message("No box reaches a score of {limit}: the best has {best}.", values)
        if two and found.iou > params.nms_iou and found.greedy.hits < 2:
            return Message("The objects overlap by {iou}, more than {limit}: one is suppressed as a duplicate.",
                           {"iou": overlap, "limit": limit})  # fmt: skip
        if len(found.greedy.kept) > found.greedy.hits and found.params.things:
            return Message("At {limit} duplicates survive: no threshold suits every crowd.", {"limit": limit})
        return Message(
            "Keeps the best box, drops those that overlap it by more than {limit}, and repeats.", {"limit": limit}
        )


def nms_places(width: int, height: int) -> list[QRect]:
    """Four equal cards."""
    wide, high = (width - S3) // 2, (height - S3) // 2
    return [QRect(x * (wide + S3), y * (high + S3), wide, high) for y in range(2) for x in range(2)]
