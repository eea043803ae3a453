"""What pages share that train detectors side by side: curves with bands over the seeds, and who is ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from app import words
from app.cards import Card
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.looks import Looks
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.verdicts import Finding
from app.words import Text
from engines.blocks.differences import difference
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.rt_detr.compared import ArmsBegan, ArmsLook, ArmsStep, Beforehand, Floats

COLORS = ("cat0", "cat1", "cat2")
EMPTY = np.zeros(0)


class ArmsPage(TrainingPage):
    """What was told of the run in hand; before it begins, the runs that come along.

    Class attributes
    ----------------
    trainer : str
        ``module:Class``.
    most : int
        The last step.
    every : int
        Steps from one look to the next.
    kept_as : str
        What its runs are kept as.
    """

    trainer: ClassVar[str]
    most: ClassVar[int]
    every: ClassVar[int]
    kept_as: ClassVar[str]

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: ArmsBegan | None = None
        self.before: Beforehand | None = None
        self.told_looks: list[ArmsLook] = []
        self.stepped = False  # the run in hand has made a step
        transport = Transport(seed_tip="Seeds weights and scenes: same seed, same run. (CPU only)")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.plots: tuple[Curves, ...] = self.make_plots()
        link(self.plots)
        self.looks: Looks[ArmsLook] = Looks(transport, self.plots, self.redraw)
        self.train(Training(self, self.trainer, transport, self.of_run, self.most, self.kept_as), transport)

    # -- what a subclass says
    def make_plots(self) -> tuple[Curves, ...]:
        """The plots over steps."""
        return ()

    def of_run(self) -> Any:
        """The settings that a run begun now would have."""
        return self.params

    def redraw(self) -> None:
        """Everything anew."""

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case ArmsBegan():
                self.began, self.before = event, None  # what comes along with this run is told next
                self.stepped = False
                self.told_looks.clear()
                self.looks.begin()
                self.redraw()
            case Beforehand():
                self.before = event
                self.redraw()
            case ArmsStep() if not self.stepped:
                self.stepped = True
                if not self.told_looks:
                    self.redraw()
            case ArmsLook():
                self.told_looks.append(event)
                self.looks.add(event)
                self.redraw()

    def show_params(self, params: Any) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)
        self.redraw()

    def retranslated(self) -> None:
        super().retranslated()
        self.redraw()

    # -- what is drawn
    @property
    def names(self) -> tuple[str, ...]:
        """Of the arms that are drawn."""
        if self.told_looks and self.began is not None:
            return self.began.names
        return () if self.before is None else self.before.names

    def series(self) -> tuple[np.ndarray, Floats, Floats]:
        """Steps (K,), figures (K, F, A, S) and seconds (K, A), up to what is looked at; of the run, or of before."""
        seen = self.looks.seen
        if self.told_looks and seen is not None:
            upto = [look for look in self.told_looks if look.step <= seen.step]
            return (
                np.array([look.step for look in upto]),
                np.stack([look.figures for look in upto]),
                np.array([look.seconds for look in upto], np.float32),
            )
        if self.before is None:
            return EMPTY, np.zeros((0, 0, 0, 0), np.float32), np.zeros((0, 0), np.float32)
        return self.before.steps, self.before.figures, self.before.seconds

    def nothing(self, else_: Text) -> Text:
        """Why a card is empty; ``else_`` where the training has only to be started."""
        if self.began is None:
            return "Reading what was run beforehand"
        return Message("The first figures come at step {n}.", {"n": self.every}) if self.stepped else else_

    def note(self, cards: Sequence[Card]) -> None:
        """Say on cards which run they show."""
        steps, figures, _ = self.series()
        if not len(steps):
            return
        count = figures.shape[3]
        for one in cards:
            if self.told_looks:
                one.set_note("step {n}, {seeds} {seeds:seed|seeds}", n=words.number(int(steps[-1])), seeds=count)
            else:
                one.set_note("run beforehand, {seeds} {seeds:seed|seeds}", seeds=count)

    def curves(self, figure: int, scale: float = 100.0, digits: int = 1) -> list[Curve]:
        """One figure of each arm over the steps, with its spread over the seeds."""
        steps, figures, _ = self.series()
        made = []
        for arm, name in enumerate(self.names):
            values = scale * figures[:, figure, arm]  # (K, S)
            there = (values >= 0).all(1)
            mean = values[there].mean(1)
            spread = values[there].std(1, ddof=1) if values.shape[1] > 1 else np.zeros(len(mean))
            made.append(
                Curve(Message(name), steps[there].astype(float), mean, COLORS[arm], low=np.maximum(mean - spread, 0),
                      high=np.minimum(mean + spread, scale), dashed=arm == 1, digits=digits)
            )  # fmt: skip
        return made

    def findings(self, values: np.ndarray, written: Callable[[float], str], missing: str = "–") -> list[Finding]:
        """A figure of each arm (A, S): mean ± deviation over the seeds; what not every seed has is ``missing``."""
        made = []
        for name, each in zip(self.names, values, strict=True):
            if not np.isfinite(each).all():
                text = missing
            else:
                text = written(float(each.mean()))
                if len(each) > 1:
                    text += f" ± {written(float(each.std(ddof=1)))}"
            made.append(Finding(Message(name), text))
        return made

    @staticmethod
    def apart(one: np.ndarray, other: np.ndarray, written: Callable[[float, bool], str]) -> Finding:
        """The first against the second, seed by seed (S,): the mean difference and its 95 % interval."""
        if len(one) < 2:
            return Finding(Message("difference"), written(float(one[0] - other[0]), True))
        found = difference(one, other)
        name = "difference" if found.sign else "difference within chance"
        return Finding(Message(name), f"{written(found.mean, True)} ± {written(found.half, False)}")
