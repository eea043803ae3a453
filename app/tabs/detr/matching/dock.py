"""The dock of the page "Matching": cost weights and presets, loss, what is shown, and the selected box."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.controls import Check
from app.params_form import ParamsForm
from app.sections import section
from app.sliders import ParamRow, Scale
from app.tabs.detr.matching.canvas import GUESS
from app.tabs.detr.model import real_offer
from app.tabs.detr.names import class_name
from app.theme import BODY, S1, S2, SMALL
from app.views.bars import Bar
from app.views.dragbars import DragBars
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, row, rule
from engines.core.errors import Message
from engines.detr.matching.scenes import MatchingScene, probabilities_of
from engines.detr.matching.spec import COSTS, DETR, RT_DETR, MatchingParams
from engines.detr.objects import object_name

PRESETS = (DETR, RT_DETR)
SHARES = Scale(0, 1, 0.01, 0, percent=True)
NO_CLASS = "N/A"  # what COCO calls the numbers that it does not use
MOST_BARS = 7  # classes that stand in the dock; a real model has 91


class MatchingDock(QWidget):
    """The controls. The forms among them are wired as those of all pages; the rest is put into settings by the page.

    Signals
    -------
    preset : tuple
        ``focal, class, L1, GIoU``.
    settled
        The hand let go.
    shown
        A check box of what is drawn was switched.
    probable : (int, float)
        Class and new probability of the selected prediction.
    classed : int
        New class of the selected object.
    sized : (int, float)
        0 for width, 1 for height, and the new share.
    delete
        The selected box is to go.
    wanted
        The real model instead of the toy.
    """

    preset = Signal(tuple)
    settled = Signal()
    shown = Signal()
    probable = Signal(int, float)
    classed = Signal(int)
    sized = Signal(int, float)
    delete = Signal()
    wanted = Signal()

    def __init__(self, params: MatchingParams) -> None:
        super().__init__()
        self.presets = Segments(
            ("DETR", "RT-DETR", "Custom"), tips=("1, 5, 2", "2, 5, 2, focal class cost", "Custom weights")
        )
        self.form = ParamsForm(params)
        self.form.add(COSTS, self.presets, 0)
        self.presets.chosen.connect(self._chosen)
        self.lines, self.greedy = Check("Match lines", True), Check("Greedy assignment", True)
        self.rest = Check("Unmatched predictions", True)
        for check in (self.lines, self.greedy, self.rest):
            check.clicked.connect(lambda _on: self.shown.emit())
        self._title = label("Selected box", SMALL, True, "quiet")
        self._hint = quiet("Click a box to edit it.", wrap=True)
        self.bars = DragBars(pitch=22, least_name=44)
        words.say(self.bars, "setAccessibleName", "Class")
        self.bars.dragged.connect(lambda i, value: self.probable.emit(self._rows[i], value))
        self.bars.let_go.connect(self.settled)
        self.kind = MenuButton(["square"], tip="Class")
        self.kind.chosen.connect(lambda at: self.classed.emit(self._named[at]))
        self._kind_line = box(row(label("Class", BODY), 1, self.kind))
        self.sizes = [ParamRow(name, SHARES, 0.2) for name in ("Width", "Height")]
        for axis, one in enumerate(self.sizes):
            one.changed.connect(lambda value, axis=axis: self.sized.emit(axis, float(value)))
            one.settled.connect(lambda _v: self.settled.emit())
        self._delete = button("Delete", "trash", "boxed", "Delete (Del)", clicked=self.delete.emit)
        self._delete.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._rows: list[int] = []
        self._named: list[int] = []  # the classes that have a name
        self._labels: tuple[str, ...] = ()
        self._of: tuple[str, int] | None = None
        self._params: MatchingParams | None = None
        self._real = button(" ", "download", "boxed", px=SMALL, clicked=self.wanted.emit)
        self._real.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        why = quiet(
            "The toy model detects drawn shapes only. A real DETR makes 100 predictions for a photo.", wrap=True
        )
        self._offer = box(col(section("Model", why, self._real), rule(), gap=12))
        self._offer.hide()
        chosen = col(self._title, self._hint, self.bars, self._kind_line, *self.sizes, self._delete, gap=S2)
        self.setLayout(
            col(
                self._offer,
                self.form,
                rule(),
                chosen,
                rule(),
                section("Show", col(self.lines, self.greedy, self.rest, gap=S1)),
                gap=12,
            )
        )

    def _chosen(self, index: int) -> None:
        if index < len(PRESETS):
            self.preset.emit(PRESETS[index])
        elif self._params is not None and self._params.weights in PRESETS:  # nothing is the hand's own yet
            self.presets.set_at(PRESETS.index(self._params.weights))
            slider = self.form.control("class_cost")
            assert isinstance(slider, ParamRow)
            slider.slider.setFocus(Qt.FocusReason.OtherFocusReason)  # here it begins

    def show_params(self, params: MatchingParams, at: tuple[str, int] | None) -> None:
        """Show settings and the selected box; those that are shown already cost nothing."""
        if params is self._params and at == self._of:
            return
        self._params = params
        self.form.control("eos_coef").setEnabled(not params.focal)  # RT-DETR's loss knows no such class
        self.presets.set_at(PRESETS.index(params.weights) if params.weights in PRESETS else len(PRESETS))
        self._show_box(params.scene, at)

    def show_offer(self, on: bool) -> None:
        """Offer the real model while the toy answers for a photo."""
        if on == self._offer.isHidden():
            self._offer.setVisible(on)
            self._real.set_text(real_offer())

    def _show_box(self, scene: MatchingScene, at: tuple[str, int] | None) -> None:
        guess = scene.guesses[at[1]] if at is not None and at[0] == GUESS else None
        thing = scene.things[at[1]] if at is not None and at[0] != GUESS else None
        self._hint.setVisible(at is None)
        self.bars.setVisible(guess is not None)
        self._kind_line.setVisible(thing is not None)
        for part in (*self.sizes, self._delete):
            part.setVisible(at is not None)
        if scene.labels != self._labels:
            self._labels = scene.labels
            self._named = [i for i, name in enumerate(scene.labels) if name != NO_CLASS]
            self.kind.set_options([class_name(scene.labels[i]) for i in self._named])
        fresh, self._of = at != self._of, at
        if guess is not None and at is not None:
            words.say(self._title, "setText", "Prediction {n}: class probabilities", n=at[1] + 1)
            self._show_probabilities(scene, guess.logits, fresh)
        elif thing is not None and at is not None:
            words.say(self._title, "setText", "Object {letter}", letter=object_name(at[1]))
            at_class = self._named.index(thing.label) if thing.label in self._named else 0
            if self.kind.at() != at_class:
                self.kind.set_at(at_class)
        else:
            words.say(self._title, "setText", "Selected box")
            return
        shape = (guess or thing).box[2:]  # type: ignore[union-attr]  # one of the two is there
        for one, value in zip(self.sizes, shape, strict=True):
            if fresh:
                one.set_scale(SHARES, value)
            one.set_number(min(1.0, value))

    def _show_probabilities(self, scene: MatchingScene, logits: tuple[float, ...], fresh: bool) -> None:
        p = np.nan_to_num(probabilities_of(logits))
        none = len(scene.labels)
        if fresh or not self._rows or self._rows[-1] != none:  # undo may bring other classes
            rows = list(range(none))
            if none >= MOST_BARS:  # the likeliest classes and those of the objects
                best = np.argsort(-p[:none], kind="stable").tolist()
                wanted = dict.fromkeys([*best[:4], *(thing.label for thing in scene.things), *best])
                rows = sorted(list(wanted)[: MOST_BARS - 1], key=lambda i: -float(p[i]))
            self._rows = [*rows, none]
        names = [class_name(scene.labels[i]) if i < none else Message("no object") for i in self._rows]
        defined = np.isfinite(probabilities_of(logits))
        self.bars.set_bars(
            [
                Bar(name, ((float(p[i]), "cat0"),), words.number(float(p[i]), 2) if defined[i] else "NaN")
                for i, name in zip(self._rows, names, strict=True)
            ],
            top=1.0,
        )
        self.bars.setFixedHeight(22 * len(self._rows))
