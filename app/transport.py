"""The bar below a training page: start and pause, one step, start anew, the step, a scrubber, the seed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy

from app import words
from app.collecting import importing
from app.sliders import Field, Scale, Slider
from app.steady import Figure
from app.stream import Stream
from app.theme import HEAD, S1, S2, S3
from app.widgets import button, quiet, row, show_or_hide
from app.words import Text
from engines.core.errors import Message
from engines.core.keeping import Keeping
from engines.core.lane import Lane
from engines.core.protocol import Engine
from engines.core.training import Closes, Resumable

SEEDS = Scale(0, 999, 1, 0)
BRANCH = "Go on from here with the present settings"
WORDS = "One step", "Go on from here"  #: of the two that stand in one place
WORDED, ICON = 38, 36  #: px of a button besides its words, and of one without
BESIDE, ALONE = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly


def training_stream(lane: Lane, place: str, parent: QObject) -> Stream:
    """A stream whose requests are guests of the lane; ``place`` is the engine, ``module:Class``.

    The runs of an engine that can go on from the disk are kept there.
    """

    def make() -> Engine[Any]:
        module, name = place.split(":")
        with importing():
            found = importlib.import_module(module)
        made: Engine[Any] = getattr(found, name)()
        if isinstance(made, Resumable):
            made = Keeping(made)
        if isinstance(made, Closes):
            lane.at_close(made.close)
        return made

    return Stream(lane, make, training=True, parent=parent)


def apart(steps: Sequence[int], newest: int) -> tuple[int, ...]:
    """The steps that can be told apart as marks of the scrubber."""
    marks: list[int] = []
    for step in steps:
        if not marks or step - marks[-1] > NEXT_MARK * newest:
            marks.append(step)
    return tuple(marks)


NEXT_MARK = 0.01  #: of the scrubber's length: marks closer than this are one
SCRUBBER = 36  #: px, the least that a hand finds; more would not fit beside a dock in a window of 1024
LONG = 180  #: px of it that words beside the icons leave it


class Transport(QFrame):
    """Knows no engine: the tab tells it where the run stands and hears what the hand wants.

    Signals
    -------
    toggled : bool
        Start (True) or pause.
    stepped, restarted
        One step; a new run from the beginning.
    looked : int or None
        A step to look back at; None is back to the newest.
    seeded : int
        Another seed for the next run.
    studied
        Many runs are wanted that differ in a setting.
    branched : int
        Go on from the step that is looked back at.
    """

    toggled = Signal(bool)
    stepped = Signal()
    restarted = Signal()
    looked = Signal(object)
    seeded = Signal(int)
    studied = Signal()
    branched = Signal(int)

    def __init__(self, seed: bool = True, seed_tip: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._newest, self._selected, self._runs = 0, -1, False
        self._state: int | None = None  # the step of the kept state that is looked at
        self.play = button("Start", "play", "primary", "Start or pause (Space)", clicked=self._toggle)
        self.step = button(icon="step", kind="boxed", tip="One step (.)", clicked=self.stepped.emit)
        self.branch = button(icon="branch", kind="boxed", tip=BRANCH, clicked=self._branch)
        self.again = button(icon="reset", kind="boxed", tip="Restart", clicked=self.restarted.emit)
        self.count = Figure(HEAD)
        self.scrubber = Slider(Scale(0, 1, 1, 0), 0)
        self.scrubber.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.scrubber.setMinimumWidth(SCRUBBER)
        words.say(self.scrubber, "setAccessibleName", "Step shown")
        words.say(self.scrubber, "setToolTip", "Shows an earlier step. The run continues.")
        self.scrubber.changed.connect(lambda at: self._look(round(at)))
        self.live = button("Back to live, 0", kind="boxed", clicked=lambda: self._look(self._newest))
        self.seed = Field(SEEDS, 0)
        words.say(self.seed, "setAccessibleName", "Seed")
        if seed_tip:
            words.say(self.seed, "setToolTip", seed_tip)
        self.seed.typed.connect(lambda value: self.seeded.emit(round(value)))
        self.study = button("Study", kind="boxed", tip="Runs that differ in a setting", clicked=self.studied.emit)
        self.study.hide()
        name = quiet("Seed")
        for part in (name, self.seed):
            show_or_hide(part, seed)
        self.setLayout(
            row(self.play, self.step, self.branch, self.again, -S2, self.count, (self.scrubber, 1), self.live, -S2,
                name, self.seed, self.study, gap=S1 + 1, pad=(S3, S2, S3, S2))
        )  # fmt: skip
        policy = self.live.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves when it comes and goes
        self.live.setSizePolicy(policy)
        self.restyled()
        self.set_step(0)

    def offer_study(self) -> None:
        """There is somebody who makes studies of these runs."""
        show_or_hide(self.study, True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._word()

    def minimumSizeHint(self) -> QSize:
        """Without words: they go before anything else lacks room."""
        return super().minimumSizeHint() - QSize(max(0, self.step.minimumWidth() - ICON), 0)

    def _word(self) -> None:
        """What two of the icons do, in words, where there is room; as one takes the other's place, both are as wide."""
        metrics = self.step.fontMetrics()
        widest = max(metrics.horizontalAdvance(" " + words.tr(text)) for text in WORDS) + WORDED
        room = self.width() - self.minimumSizeHint().width() + ICON + SCRUBBER
        worded = room >= widest + LONG
        for part, text in zip((self.step, self.branch), WORDS, strict=True):
            part.setToolButtonStyle(BESIDE if worded else ALONE)
            words.say(part, "setText", text if worded else "")
            part.setFixedWidth(widest if worded else ICON)

    # -- where the run stands
    @property
    def runs(self) -> bool:
        """Whether the run is going on."""
        return self._runs

    @property
    def selected(self) -> int | None:
        """The step looked back at; None is live."""
        return None if self._selected < 0 else self._selected

    def set_running(self, runs: bool) -> None:
        """Show pause while the run goes on, else start."""
        self._runs = runs
        self.play.set_icon("pause" if runs else "play")
        self.play.set_text("Pause" if runs else "Start")
        self.step.setEnabled(not runs)
        self._show()

    def set_step(self, newest: int, marks: Sequence[int] = ()) -> None:
        """The newest step; ``marks`` are kept states."""
        if newest < self._newest:
            self._selected = -1  # a new run
        self._newest = newest
        self.scrubber.set_scale(Scale(0, max(1, newest), 1, 0))
        self.scrubber.set_marks(tuple(marks))
        self.scrubber.setEnabled(newest > 0)
        self._show()

    def set_state(self, step: int) -> None:
        """The kept state that is looked at: its step is told, for the one asked for may lie between two states."""
        self._state = step
        self._show()

    def set_branch(self, why_not: Text = "") -> None:
        """Whether the step that is looked back at can be gone on from, or why not."""
        self.branch.setEnabled(not why_not)
        words.say(self.branch, "setToolTip", why_not or BRANCH)

    def set_seed(self, seed: int) -> None:
        """The seed of the next run."""
        if self.seed.text() != SEEDS.written(seed):
            self.seed.set_number(seed)

    def _show(self) -> None:
        at = self._newest if self._selected < 0 else self._selected
        told = at if self._selected < 0 or self._state is None else self._state
        words.say(self.count, "setText", Message("Step {n}", {"n": words.number(told)}))
        if not self.scrubber.isSliderDown():
            self.scrubber.set_number(at)
        self.live.setVisible(self._selected >= 0)
        back = self._selected >= 0 and not self._runs
        for part, here in ((self.step, not back), (self.branch, back)):  # one in the place of the other
            if part.isHidden() == here:
                part.setVisible(here)
        if self._selected >= 0:
            self.live.set_text(Message("Back to live, {n}", {"n": words.number(self._newest)}))

    def restyled(self) -> None:
        """Fonts changed: the step keeps its column, and the button its width."""
        metrics = self.play.fontMetrics()
        longest = max(metrics.horizontalAdvance(" " + words.tr(text)) for text in ("Start", "Pause"))
        self.play.setMinimumWidth(longest + 62)  # icon and round ends
        self.count.hold(words.tr("Step {n}", n="00,000"))
        self._word()

    def retranslated(self) -> None:
        """Language changed."""
        self.restyled()
        self._show()

    # -- hand
    def look(self, step: int) -> None:
        """Look back at a step, as the hand does."""
        self._look(step)

    def go_live(self) -> None:
        """Look at the newest step again, if the hand looks back."""
        if self._selected >= 0:
            self._look(self._newest)

    def _branch(self) -> None:
        if self._selected >= 0:
            self.branched.emit(self._selected if self._state is None else self._state)

    def _toggle(self) -> None:
        self.toggled.emit(not self._runs)

    def _look(self, step: int) -> None:
        self._selected = -1 if step >= self._newest else max(0, step)
        self._state = None
        self._show()
        self.looked.emit(self.selected)

    def take_key(self, event: QKeyEvent) -> bool:
        """Space, period, Home and End; True where the key meant the run."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if not plain:
            return False
        match event.key():
            case Qt.Key.Key_Space:
                self._toggle()
            case Qt.Key.Key_Period if not self._runs:
                self.stepped.emit()
            case Qt.Key.Key_Home:
                self._look(0)
            case Qt.Key.Key_End:
                self._look(self._newest)
            case _:
                return False
        return True
