"""The page "Race": three kinds of nets at equal parameters and at equal time, and whether they differ at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.looks import Looks
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.resnest.race.spec import (
    KINDS,
    NEW_RUN,
    STEPS,
    Beforehand,
    Difference,
    Floats,
    RaceBegan,
    RaceLook,
    RaceParams,
    RaceStep,
    Standing,
)

TRAINER = "engines.resnest.race.training:Trainer"
COLORS = ("cat0", "cat1", "cat2")
SAID = {1: "{kind} beats none by", 0: "{kind} and none: no difference", -1: "{kind} loses to none by"}


class RacePage(TrainingPage):
    """Three cards and what the run has told so far; before it begins they show the run that comes along."""

    title = "Race"
    params_type = RaceParams
    keeps = False

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: RaceBegan | None = None
        self.steps: list[RaceStep] = []
        self.before: Beforehand | None = None
        self.by_step, self.by_time = self._curves("accuracy-by-step"), self._curves("accuracy-by-time")
        words.say(self.by_step, "setAccessibleName", "Accuracy by step")
        words.say(self.by_time, "setAccessibleName", "Accuracy by time")
        self.verdicts = Verdicts("Who is ahead")
        self.step_card = card("Accuracy by step", self.by_step, foot=self.by_step.key)
        self.time_card = card("Accuracy by time, in seconds", self.by_time, foot=self.by_time.key)
        says = quiet("Digits of 8 × 8 pixels. Bands and ±: standard deviation over the seeds. A difference counts "
                     "where the 95 % interval of the differences seed by seed leaves 0 out.", wrap=True)  # fmt: skip
        self.verdict_card = card("Who is ahead", self.verdicts, foot=says)
        transport = Transport(seed_tip="The first of the seeds.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[RaceLook] = Looks(transport, (), self._draw)
        self.train(Training(self, TRAINER, transport, lambda: self._run_params(), STEPS), transport)
        form = ParamsForm(self.params, ("seed", "seeds"))
        form.add(NEW_RUN, self.pending)
        form.add(NEW_RUN, quiet("Nets of 18,450 to 18,475 parameters: a convolution and three blocks.", wrap=True))
        left = col((self.step_card, 1), (self.time_card, 1), gap=S3)
        self.lay(box(col((row((left, 1), (self.verdict_card, 1), gap=S3), 1), transport, gap=S3)), form, resets=False)

    def _curves(self, name: str) -> Curves:
        made = Curves(y_range=(0.0, 100.0), y_ticks=(0.0, 50.0, 100.0), widest="100.0")
        made.export_name = name
        made.pointed.connect(made.set_cursor)
        return made

    @property
    def seen(self) -> RaceLook | None:
        """What is shown of the run in hand: how it stands, or stood at the step looked back at; None at its start."""
        return self.looks.seen

    def _run_params(self) -> RaceParams:
        return RaceParams(seed=self.params.seed, seeds=self.params.seeds)

    def show_params(self, params: RaceParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)

    def retranslated(self) -> None:
        super().retranslated()
        self._draw()

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RaceBegan():
                self.began, self.steps = event, []
                self.looks.begin()
            case Beforehand():
                self.before = event
                self._draw()
            case RaceStep():
                self.steps.append(event)
            case RaceLook():
                if event.step > 0:  # before the first step nothing has taken any time
                    self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        """The run in hand as soon as it has made steps; else the one that comes along."""
        found = self._standing()
        if found is None:
            return
        own = self.seen is not None and found is self.seen.standing
        steps, accuracy, count = found.steps, found.accuracy, found.accuracy.shape[2]
        for one in self._cards():
            if own:
                one.set_note("step {n}, {seeds} seeds", n=words.number(int(steps[-1])), seeds=count)
            else:
                one.set_note("run beforehand, {seeds} seeds", seeds=count)
        self.by_step.set_curves([self._curve(i, steps.astype(float), accuracy) for i in range(len(KINDS))], STEPS)
        curves = []
        for index, each in enumerate(found.seconds):
            before = steps * each < found.time  # then what lies between two looks
            x = np.append(steps[before] * each, found.time)
            curves.append(self._curve(index, x, np.concatenate([accuracy[before], found.at_time[None]])))
        self.by_time.set_curves(curves, max(found.time, 1e-6))
        self.verdicts.set_verdicts(self._verdicts(found))

    def _standing(self) -> Standing | None:
        if self.seen is not None:
            return self.seen.standing
        return None if self.before is None else self.before.standing

    def _cards(self) -> Sequence[Card]:
        return self.step_card, self.time_card, self.verdict_card

    def _curve(self, kind: int, x: np.ndarray, accuracy: Floats) -> Curve:
        mean, spread = 100 * accuracy[:, kind].mean(1), 100 * accuracy[:, kind].std(1, ddof=1)
        low, high = np.maximum(mean - spread, 0), np.minimum(mean + spread, 100)
        return Curve(Message(KINDS[kind]), x, mean, COLORS[kind], low=low, high=high, dashed=kind == 1, digits=1)

    def _verdicts(self, found: Standing) -> Sequence[Verdict]:
        milliseconds = tuple(
            Finding(Message("{kind}: a step", {"kind": Message(kind)}), f"{words.number(1000 * each, 1)} ms")
            for kind, each in zip(KINDS, found.seconds, strict=True)
        )
        times = {"seconds": words.number(found.time, 1)}
        return (
            Verdict(Message("At equal parameters and steps"), self._findings(found.accuracy[-1], found.after_steps)),
            Verdict(Message("At equal time: {seconds} s each", times), self._findings(found.at_time, found.after_time)),
            Verdict(Message("What a step costs"), milliseconds),
        )

    @staticmethod
    def _findings(accuracy: Floats, apart: Sequence[Difference]) -> tuple[Finding, ...]:
        """Each kind (3, seeds), then each that attends against the one that doesn't."""
        made = []
        for kind, each in zip(KINDS, accuracy, strict=True):
            mean, spread = 100 * float(each.mean()), 100 * float(each.std(ddof=1))
            made.append(Finding(Message(kind), f"{words.number(mean, 1)} ± {words.number(spread, 1)} %"))
        for kind, one in zip(KINDS[1:], apart, strict=True):
            mean = one.mean if one.sign == 0 else abs(one.mean)  # the word says which way
            value = f"{words.number(100 * mean, 1, signed=one.sign == 0)} ± {words.number(100 * one.half, 1)}"
            made.append(Finding(Message(SAID[one.sign], {"kind": Message(kind)}), value))
        return tuple(made)
