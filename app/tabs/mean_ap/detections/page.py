"""The page "Detections": a picture with its boxes, the curve, the list, the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from PySide6.QtWidgets import QSizePolicy

from app import words
from app.cards import card
from app.choosers import shortened
from app.params_form import ParamsForm
from app.plots.precisioncurve import Line, PrecisionCurve
from app.plots.surface import Surface
from app.sections import section
from app.shell import Shell
from app.steady import hold_lines
from app.tabs.mean_ap.detections.boxes import Held, box_of
from app.tabs.mean_ap.messages import (
    LONG,
    LONG_MISSED,
    LONG_VOC,
    MARKS,
    MISSED,
    REASONS,
    brief,
    class_name,
    how_many,
    missing,
    share,
    verdict,
)
from app.theme import S1, S3, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.base import PixelView
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box
from app.views.colorbar import ColorBar
from app.views.countmatrix import CountMatrix
from app.views.detectionlist import DetectionList, Entry
from app.views.filmstrip import FilmStrip
from app.widgets import MenuButton, WideButton, box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.mean_ap.spec import (
    ASIDE,
    COCO,
    RIGHT,
    ConfusionSeen,
    CurveSeen,
    DataShown,
    MeanApParams,
    Moved,
    NumbersSeen,
    PictureSeen,
    StripSeen,
)

COLUMN = 400  #: px at least, so that the cards of both rows have common edges
LONGEST, BUTTON, BRIEF = 30, 20, 14  #: letters of a picture's name; of a class on the button, beside the matrix
HINT = (
    "Drag a box or the IoU: rings mark the steps that changed, the dashed curve is the previous one. Drop COCO "
    "files (.json) to evaluate your own."
)


class DetectionsPage(Page):
    """Views of the page."""

    title = "Detections"
    params_type = MeanApParams
    engine = "engines.mean_ap.engine:Engine"
    file_kinds = (".json", ".jsonl")
    file_title = "COCO ground truth and results"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self._drawn: dict[type[Event], Event] = {}
        self._data: DataShown | None = None
        self.seen: PictureSeen | None = None
        self._curve: CurveSeen | None = None
        self.offered: tuple[int, ...] = ()
        self.order: list[Held] = []
        self._under_hand: Box | None = None
        self._later: PictureSeen | None = None  # another picture that came while a box was in the hand
        self._held: Held | None = None  # an object that was clicked; a detection is held by the curve
        self.photo = BoxEditor(turn=False, snap=4)
        self.curve, self.list, self.matrix = PrecisionCurve(), DetectionList(), CountMatrix()
        self.strip = FilmStrip(66)
        self.classes = MenuButton([words.plain("–")], prefix="Class: {value}", tip="The class whose curve is shown")
        self.back = button("", "left", "boxed", "Previous detection", clicked=lambda: self.list.walk(-1, 0))
        self.forward = button("", "right", "boxed", "Next detection", clicked=lambda: self.list.walk(1, 0))
        self.reason = label("", SMALL, wrap=True)
        self.whole = quiet("")
        self.photo_card = card("Picture", self.photo)
        self.curve_card = card("Precision and recall", self.curve, tools=[self.classes], foot=self.whole)
        self.list_card = card("One by one", self.list, tools=[row(self.back, self.forward, gap=S1)], foot=self.reason)
        self.bar = ColorBar(ramp="tide", least=90, turned=True)
        self.bar.drive(self.matrix)
        self.bar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.matrix_card = card(
            "Confusion", self.matrix, "rows: true, columns: detected", tools=[self.bar], foot=self.strip
        )
        hold_lines(self.reason, 2)
        top, bottom = (self.photo_card, self.curve_card), (self.list_card, self.matrix_card)
        for one in (*top, *bottom):
            one.setMinimumWidth(COLUMN)
        self._connect()
        self.moved_note = quiet("", wrap=True)
        self.back_button = WideButton("Reset the boxes", "reset")
        self.back_button.clicked.connect(lambda _checked=False: self.state.reset())
        self.lay(
            box(col(*((row((a, 9), (b, 10), gap=S3), n) for (a, b), n in ((top, 15), (bottom, 11))), gap=S3)),
            ParamsForm(self.params, ("style", "iou", "size", "threshold", "hide_empty")),
            box(section("Boxes", self.moved_note, self.back_button)),
            quiet(HINT, wrap=True),
            resets=False,
        )

    def _connect(self) -> None:
        self.curve.chosen.connect(self._walk)
        self.list.chosen.connect(self._walk)
        self.curve.hovered.connect(self.list.set_hover)
        self.classes.chosen.connect(lambda label: self._look_at(label=label))
        self.strip.chosen.connect(lambda i: self._look_at(picture=self.offered[i]))
        self.matrix.clicked.connect(self._choose_cell)
        self.photo.clicked.connect(self._clicked)
        self.photo.changed.connect(self._dragged)
        self.photo.finished.connect(lambda _i: self._let_go())
        words.say(self.strip, "setAccessibleName", "Pictures of the cell")

    # -- hand
    def _look_at(self, **fields: Any) -> None:
        """Look at a detection, a missed object, a class or a picture, instead of what was chosen before."""
        self.change(**({"chosen": None, "missed": None, "picture": -1} | fields))

    def _choose_cell(self, cell: tuple[int, int]) -> None:
        """Offer the pictures of a cell of the confusion matrix and show the first; the same again offers all."""
        if cell == self.params.cell:
            self._look_at(cell=None)
            return
        named = [label for label in reversed(cell) if self._data is not None and label < len(self._data.classes)]
        self._look_at(cell=cell, **({"label": named[0]} if named else {}))

    def escape(self) -> None:
        self._look_at(cell=None)

    def _walk(self, at: int) -> None:
        seen = self._curve
        if seen is None:
            return
        self._held, lost = None, at - len(seen.image)
        if lost < 0:
            self._look_at(chosen=(int(seen.image[at]), int(seen.index[at])))
        elif lost < len(seen.missed_image):
            self._look_at(label=seen.label, missed=(int(seen.missed_image[lost]), int(seen.missed_index[lost])))

    def _clicked(self, at: int | None) -> None:
        if self.seen is None or at is None or at >= len(self.order):
            self._held = None
            return
        seen, (is_truth, place) = self.seen, self.order[at]
        self._held = (is_truth, place) if is_truth else None
        if not is_truth:
            self._look_at(label=int(seen.labels[place]), chosen=(seen.index, place))
            return
        label, taker = int(seen.truth_labels[place]), np.flatnonzero((seen.partner == place) & (seen.verdicts == RIGHT))
        if seen.aside[place]:
            self._look_at(label=label, picture=seen.index)
        elif seen.found[place] and len(taker):
            self._look_at(label=label, chosen=(seen.index, int(taker[0])))  # the step that goes where this object goes
        else:
            self._look_at(label=label, missed=(seen.index, place))

    def _dragged(self, at: int, made: Box) -> None:
        if self.seen is None or at >= len(self.order):
            return
        self._under_hand = made
        width, height = self.seen.width, self.seen.height
        low = (made.cx - made.w / 2) * width, (made.cy - made.h / 2) * height
        place = (self.seen.index, *self.order[at])
        others = tuple(one for one in self.params.moved if (one.image, one.truth, one.index) != place)
        corners = (*low, low[0] + made.w * width, low[1] + made.h * height)
        self.change(moved=(*others, Moved(*place, corners)))

    def _let_go(self) -> None:
        self.settle()
        later, self._later = self._later, None
        if later is not None:
            self.show_picture(later)
        self.show_boxes()

    # -- content
    def show_params(self, params: MeanApParams) -> None:
        count = len(params.moved)
        text = "{n} {n:box was|boxes were} moved." if count else "No box was moved."
        words.say(self.moved_note, "setText", text, n=count)
        self.back_button.setEnabled(count > 0)
        self.matrix.hide_empty(params.hide_empty)

    def exported(self) -> dict[str, object]:
        return asdict(self.params)

    def on(self, event: Event) -> None:
        if event is self._drawn.get(type(event)):
            return  # what a drag does not touch comes again as it was
        self._drawn[type(event)] = event
        match event:
            case DataShown():
                self._drawn = {DataShown: event}
                self.show_data(event)
            case PictureSeen():
                self.show_picture(event)
            case CurveSeen():
                self.show_curve(event)
            case ConfusionSeen():
                self.show_confusion(event)
            case StripSeen():
                self.show_strip(event)
            case NumbersSeen():
                self.show_numbers(event)

    def retranslated(self) -> None:
        """Some texts are made from numbers when an answer comes: make them anew."""
        self._drawn.clear()
        super().retranslated()

    def show_data(self, data: DataShown) -> None:
        """Names of classes and pictures."""
        if data is not self._data:
            self._data, self.seen, self._curve, self._held, self._later = data, None, None, None, None
            self.order = []
        names = [class_name(name, BUTTON) for name in data.classes] or [words.plain("–")]
        self.classes.set_options(names, min(max(0, self.params.label), len(names) - 1))
        short = [class_name(name, BRIEF) for name in data.classes]
        self.matrix.set_names([*short, Message("background")], [*short, Message("missed")])
        self.list.set_empty(Message("No detection of this class."))
        self.curve.set_empty(Message("No detection of this class."))

    def show_picture(self, seen: PictureSeen) -> None:
        """Another picture, or other verdicts on its boxes."""
        if self.photo.dragging() and self.seen is not None and self.seen.index != seen.index:
            self._later = seen
            return
        before, self.seen, self._later = self.seen, seen, None
        if before is None or before.rgb is not seen.rgb:
            self.photo.set_photo(seen.rgb)
        if before is None or before.index != seen.index:
            self._held = None
        reason = "The picture file is missing: boxes only." if seen.blank else ""
        self.photo.set_note(seen.note or (Message(reason) if reason else ""))
        passing = self._passing(seen)
        counts = {
            "tp": int((passing & (seen.verdicts == RIGHT)).sum()),
            "fp": int((passing & (seen.verdicts != RIGHT) & (seen.verdicts != ASIDE)).sum()),
            "fn": int((~seen.found & ~seen.aside).sum()),
        }
        name = self._data.pictures[seen.index] if self._data is not None else ""
        self.photo_card.set_title(Message("Picture {name}", {"name": words.plain(shortened(name, LONGEST))}))
        words.say(self.photo_card.title, "setToolTip", words.plain(name))
        self.photo_card.set_note("TP {tp}, FP {fp}, FN {fn}", **counts)
        self.strip.set_at(self.offered.index(seen.index) if seen.index in self.offered else -1)
        self.show_boxes()

    def _passing(self, seen: PictureSeen) -> np.ndarray:
        return np.asarray(seen.scores >= self.params.threshold)

    def _at(self) -> Held | None:
        """The box that is marked: a clicked object, or the detection that is looked at."""
        seen, curve = self.seen, self._curve
        if self._held is not None or seen is None or curve is None or max(curve.at, curve.missed_at) < 0:
            return self._held
        if curve.missed_at >= 0:
            here = curve.missed_image[curve.missed_at] == seen.index
            return (True, int(curve.missed_index[curve.missed_at])) if here else None
        return (False, int(curve.index[curve.at])) if curve.image[curve.at] == seen.index else None

    def show_boxes(self) -> None:
        """Boxes of the picture, the marked one among them."""
        seen, data = self.seen, self._data
        if seen is None or data is None:
            return
        at, dragging = self._at(), self.photo.dragging()
        shown = [(True, i) for i in range(len(seen.truths))]
        passing = self._passing(seen)
        shown += [(False, i) for i in range(len(seen.boxes)) if passing[i] or (False, i) == at]
        if dragging and self.order and self.photo.at() >= 0:
            shown = self.order  # a box keeps its place under the hand
        label = self._curve.label if self._curve is not None else -1
        boxes = [box_of(seen, data, one, one[0] or bool(passing[one[1]]), label, one == at) for one in shown]
        if dragging and 0 <= self.photo.at() < len(boxes):
            now, i = self._under_hand, self.photo.at()
            boxes[i] = boxes[i] if now is None else replace(boxes[i], cx=now.cx, cy=now.cy, w=now.w, h=now.h)
        self.order = shown
        self.photo.set_boxes(boxes)
        if not dragging:
            self.photo.set_at(shown.index(at) if at is not None and at in shown else -1)

    def show_curve(self, seen: CurveSeen) -> None:
        """The curve, the list, and what is said of the detection that is looked at."""
        self._curve = seen
        assert self._data is not None
        data = self._data
        self.classes.set_at(min(seen.label, max(0, len(data.classes) - 1)))
        moved = bool(len(seen.before_recall))
        self.curve.set_line(
            Line(seen.recall, seen.precision, seen.envelope, seen.grid, seen.sampled, seen.passing, seen.changed,
                 seen.before_recall, seen.before_envelope)
        )  # fmt: skip
        if moved and seen.before_iou >= 0:
            other = {"iou": words.number(seen.before_iou, 2), "before": share(seen.before_value)}
            self.curve_card.set_note("AP {value}, {before} at {iou}", value=share(seen.value), **other)
        elif moved and seen.before_value >= 0:
            change = words.number(seen.value - seen.before_value, 3, signed=True)
            self.curve_card.set_note("AP {value} ({change})", value=share(seen.value), change=change)
        else:
            self.curve_card.set_note("AP {value}", value=share(seen.value))
        count = len(seen.scores)
        self.list.set_entries(count + len(seen.missed_image), self._entries(seen, data), seen.passing)
        self.list_card.set_note(how_many(count, seen.objects))
        at = seen.at if seen.missed_at < 0 else count + seen.missed_at
        self.list.set_at(at)
        said = ""
        if seen.at >= 0:
            said = f"{seen.at + 1}: {MARKS[int(seen.verdicts[seen.at])][0]} {words.number(seen.scores[seen.at], 2)}"
            words.say(
                self.reason,
                "setText",
                verdict(seen, seen.at, data.classes, LONG if self.params.style == COCO else LONG_VOC),
            )
        elif seen.missed_at >= 0:
            words.say(self.reason, "setText", missing(seen, seen.missed_at, LONG_MISSED))
        else:
            here = "No detection of this class in this picture."
            words.say(self.reason, "setText", here if count else "No detection of this class.")
        self.curve.set_at(seen.at, said)
        self.back.setEnabled(at > 0)
        self.forward.setEnabled(at < count + len(seen.missed_image) - 1)
        self.show_boxes()

    @staticmethod
    def _entries(seen: CurveSeen, data: DataShown) -> Callable[[int], Entry]:
        def make(i: int) -> Entry:
            if i >= len(seen.scores):
                lost = i - len(seen.scores)
                where = words.plain(data.pictures[int(seen.missed_image[lost])])
                return Entry("FN", "truth", None, missing(seen, lost, MISSED), where)
            mark, token = MARKS[int(seen.verdicts[i])]
            reason = verdict(seen, i, data.classes, REASONS)
            place = words.plain(data.pictures[int(seen.image[i])])
            return Entry(mark, token, float(seen.scores[i]), reason, place, bool(seen.changed[i]))

        return make

    def show_confusion(self, seen: ConfusionSeen) -> None:
        """Who was taken for whom."""
        cell = self.params.cell
        self.matrix.set_empty("Too many classes for a matrix.")
        self.matrix.set_counts(seen.counts, max(0, len(seen.counts) - 1))
        top, clipped = self.matrix.top()
        self.bar.set_range(0, top, clipped)
        self.matrix.set_at(cell if cell is not None and max(cell) < len(seen.counts) else None)

    def show_strip(self, seen: StripSeen) -> None:
        """Small pictures to choose from."""
        assert self._data is not None
        self.offered = seen.pictures
        names = [words.plain(brief(self._data.pictures[i])) for i in seen.pictures]
        self.strip.set_photos(seen.thumbnails, names)
        now = self.seen.index if self.seen is not None else -1
        self.strip.set_at(seen.pictures.index(now) if now in seen.pictures else -1)

    def show_numbers(self, seen: NumbersSeen) -> None:
        """The mean over classes, below the curve of one."""
        ap, ap50, ap75 = (share(float(v)) for v in seen.twelve[:3])
        change = float(seen.twelve[0] - seen.before[0])
        text = "All classes and sizes: AP {ap} ({change}), AP50 {ap50}, AP75 {ap75}"
        if change == 0:
            text = "All classes and sizes: AP {ap}, AP50 {ap50}, AP75 {ap75}"
        words.say(self.whole, "setText", text, ap=ap, ap50=ap50, ap75=ap75,
                  change=words.number(change, 4, signed=True))  # fmt: skip

    def views(self) -> list[PixelView | Surface]:
        """All that can be exported."""
        return [self.photo, self.curve, self.list, self.matrix, self.bar, self.strip]
