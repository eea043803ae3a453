"""The page "Race": four kinds of nets on a task of memory, then on longer sequences than they were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.errorplot import ErrorLine, ErrorPlot
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
from engines.mamba.race.spec import (
    COPYING,
    KINDS,
    LAST,
    LENGTHS,
    LOOK,
    NEW_RUN,
    STEPS,
    SYMBOLS,
    TRAINED,
    AtLengths,
    Beforehand,
    Floats,
    RaceBegan,
    RaceLook,
    RaceParams,
    RaceStep,
    Standing,
)

TRAINER = "engines.mamba.race.training:Trainer"
COLORS = ("cat0", "cat1", "cat2", "cat5")
SAID = {
    COPYING: "Four symbols stand among noise, at other places each time; at the end they are to be said in order.",
    "": "A trigger stands somewhere and once more at the end; what followed it is to be said.",
}


class RacePage(TrainingPage):
    """Three cards and what the run has told so far; before it begins they show the run that comes along."""

    title = "Race"
    params_type = RaceParams
    keeps = False
    params: RaceParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: RaceBegan | None = None
        self.steps: list[RaceStep] = []
        self.before: dict[str, Beforehand] = {}
        self.lengths: AtLengths | None = None
        self.by_step = Curves(y_range=(0.0, 100.0), y_ticks=(0.0, 50.0, 100.0), widest="100.0")
        self.by_step.export_name = "accuracy-by-step"
        self.by_step.pointed.connect(self.by_step.set_cursor)
        self.by_length = ErrorPlot("Accuracy at other lengths", Message("Length"))
        self.by_length.export_name = "accuracy-by-length"
        words.say(self.by_step, "setAccessibleName", "Accuracy by step")
        self.verdicts = Verdicts("At this length")
        self.task = quiet("", wrap=True)
        key = Key(tuple(zip(COLORS, KINDS, strict=True)))
        self.step_card = card("Accuracy by step", self.by_step, foot=self.by_step.key)
        self.length_card = card("Accuracy at other lengths", self.by_length, foot=key)
        self.verdict_card = card("At this length", self.verdicts, foot=self.task)
        self.by_length.picked.connect(self._pick)
        transport = Transport(seed_tip="The first of the seeds.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[RaceLook] = Looks(transport, (), self._draw)
        self.train(Training(self, TRAINER, transport, lambda: self._run_params(), LAST), transport)
        form = ParamsForm(self.params, ("length", "task", "seed", "seeds"))
        form.add(LOOK, quiet("The lengths that were tried are 16, 32 and so on up to 2,048.", wrap=True))
        form.add(NEW_RUN, self.pending)
        form.add(NEW_RUN, quiet("Nets of 17,376 to 17,506 parameters, two layers.", wrap=True))
        left = col((self.step_card, 1), (self.length_card, 1), gap=S3)
        self.lay(box(col((row((left, 3), (self.verdict_card, 2), gap=S3), 1), transport, gap=S3)), form, resets=False)

    @property
    def seen(self) -> RaceLook | None:
        """What is shown of the run in hand: how it stands, or stood at the step looked back at; None at its start."""
        return self.looks.seen

    def _run_params(self) -> RaceParams:
        return RaceParams(task=self.params.task, seed=self.params.seed, seeds=self.params.seeds)

    def _pick(self, index: int | None) -> None:
        if index is not None:
            self.change(length=LENGTHS[index])

    def show_params(self, params: RaceParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)
        self._draw()

    def retranslated(self) -> None:
        super().retranslated()
        self._draw()

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RaceBegan():
                self.began, self.steps, self.lengths = event, [], None
                self.looks.begin()
            case Beforehand():
                self.before[event.task] = event
                self._draw()
            case RaceStep():
                self.steps.append(event)
            case AtLengths():
                self.lengths = event
                self._draw()
            case RaceLook():
                if event.step > 0:  # before the first step nothing has taken any time
                    self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        """The run in hand as soon as it has made steps; else the one that comes along."""
        own = self.seen is not None
        task = self.began.task if own and self.began is not None else self.params.task
        words.say(self.task, "setText", SAID.get(task, SAID[""]))
        before = self.before.get(task)
        standing = self.seen.standing if self.seen is not None else None if before is None else before.standing
        if standing is None:
            return
        steps, count = standing.steps, standing.accuracy.shape[2]
        values: dict[str, object] = {"n": words.number(int(steps[-1])), "seeds": count, "task": Message(task)}
        note = "{task}, step {n}, {seeds} {seeds:seed|seeds}"
        if not own:
            note = "{task}, run beforehand, {seeds} {seeds:seed|seeds}"
        self.step_card.set_note(Message(note, values))
        self.by_step.set_curves([self._curve(i, standing) for i in range(len(KINDS))], STEPS[task])
        at_lengths = self.lengths.accuracy if own and self.lengths is not None else None
        if not own and before is not None:
            at_lengths = before.at_lengths
        self._draw_lengths(at_lengths)
        self.verdicts.set_verdicts(self._verdicts(standing, at_lengths))

    def _draw_lengths(self, accuracy: Floats | None) -> None:
        if accuracy is None:
            self.length_card.set_empty("Once the last step is made, the nets are tried on other lengths.")
            return
        self.length_card.set_empty(None)
        self.length_card.set_note("trained at {n}", n=TRAINED)
        x = np.array(LENGTHS[: len(accuracy)], float)
        lines = []
        for index, name in enumerate(KINDS):
            mean, spread = 100 * accuracy[:, index].mean(1), 100 * accuracy[:, index].std(1)
            lines.append(ErrorLine(Message(name), COLORS[index], x, mean, spread, dashed=index % 2 == 1))
        self.by_length.set_lines(lines, [float(each) for each in LENGTHS])
        self.by_length.set_at(self._nearest())

    def _nearest(self) -> int:
        """The length that was tried next to the one that is asked for, by ratios."""
        return int(np.abs(np.log(np.array(LENGTHS, float) / self.params.length)).argmin())

    @staticmethod
    def _curve(kind: int, found: Standing) -> Curve:
        mean, spread = 100 * found.accuracy[:, kind].mean(1), 100 * found.accuracy[:, kind].std(1)
        low, high = np.maximum(mean - spread, 0), np.minimum(mean + spread, 100)
        x = found.steps.astype(float)
        return Curve(Message(KINDS[kind]), x, mean, COLORS[kind], low=low, high=high, dashed=kind % 2 == 1, digits=1)

    def _verdicts(self, standing: Standing, at_lengths: Floats | None) -> Sequence[Verdict]:
        at = self._nearest()
        made = []
        if at_lengths is not None and at < len(at_lengths):
            values = {"n": words.number(LENGTHS[at]), "times": words.number(LENGTHS[at] / TRAINED, 0 if at else 1)}
            made.append(
                Verdict(Message("Length {n}, {times} × trained", values), _findings(at_lengths[at]))
            )  # fmt: skip
        made.append(Verdict(Message("Length {n}, as trained", {"n": TRAINED}), _findings(standing.accuracy[-1])))
        chance = Finding(Message("Guessing"), words.percent(1 / SYMBOLS, 1))
        made.append(Verdict(Message("For comparison"), (chance,)))
        if min(standing.seconds) > 0:
            spent = tuple(
                Finding(Message(kind), f"{words.number(1000 * each, 1)} ms")
                for kind, each in zip(KINDS, standing.seconds, strict=True)
            )
            made.append(Verdict(Message("What a step costs"), spent))
        return made


def _findings(accuracy: Floats) -> tuple[Finding, ...]:
    """Each kind (K, S): the mean over the seeds, and how far they are apart."""
    made = []
    for kind, each in zip(KINDS, accuracy, strict=True):
        spread = f" ± {words.number(100 * float(each.std()), 1)}" if len(each) > 1 else ""
        made.append(Finding(Message(kind), f"{words.number(100 * float(each.mean()), 1)}{spread} %"))
    return tuple(made)
