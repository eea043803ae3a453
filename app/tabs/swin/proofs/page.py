"""The page "Proofs": accuracy over the field for four switches, the predicted number beside the measured one."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
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
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.swin.proofs.spec import (
    NEW_RUN,
    STEPS,
    SWITCHES,
    FieldAccuracy,
    ProofBegan,
    ProofParams,
    ProofStep,
)

TRAINER = "engines.swin.proofs.training:Trainer"
NEAR = 0.02  #: how far the measured accuracy may be from the predicted one at the end
LOW = 0.45  #: what a net without position bias stays below; a bound, no prediction: none follows from what it sees
COLORS = ("cat0", "cat1", "cat2", "cat5")


class ProofsPage(TrainingPage):
    """Three cards and what the run has told so far."""

    title = "Proofs"
    params_type = ProofParams
    keeps = False

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: ProofBegan | None = None
        self.steps: list[ProofStep] = []
        self.maps = Mosaic(columns=2)
        self.maps.export_name = "accuracy"
        words.say(self.maps, "setAccessibleName", "Accuracy of each token")
        self.bar = ColorBar(Message("Accuracy"))
        self.bar.drive(self.maps)
        self.verdicts = Verdicts("Predicted and measured")
        self.loss = Curves(widest="0.000")
        self.loss.export_name = "loss"
        task = quiet("Each token is to say what stands two places to its right. Who sees the answer can know it, the "
                     "others guess one of four.", wrap=True)  # fmt: skip
        self.maps_card = card("Accuracy of each token", self.maps, foot=col(task, self.bar))
        self.verdict_card = card("Predicted and measured", self.verdicts)
        self.loss_card = card("Loss", self.loss, foot=self.loss.key)
        transport = Transport(seed_tip="Of the weights at the start and of the fields that are drawn.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[FieldAccuracy] = Looks(transport, (self.loss,), self._draw)
        self.train(Training(self, TRAINER, transport, lambda: self._run_params(), STEPS), transport)
        form = ParamsForm(self.params, ("seed",))
        form.add(NEW_RUN, self.pending)
        form.add(NEW_RUN, quiet("Four nets of two blocks, trained side by side: 400 steps.", wrap=True))
        right = col((self.verdict_card, 5), (self.loss_card, 3), gap=S3)
        self.lay(box(col((row((self.maps_card, 1), (right, 1), gap=S3), 1), transport, gap=S3)), form, resets=False)

    @property
    def accuracy(self) -> FieldAccuracy | None:
        """What is shown: the newest, or that of the step looked back at."""
        return self.looks.seen

    def _run_params(self) -> ProofParams:
        return ProofParams(seed=self.params.seed)

    def show_params(self, params: ProofParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case ProofBegan():
                self.began, self.steps = event, []
                self.looks.begin()
                self._draw()
            case ProofStep():
                self.steps.append(event)
            case FieldAccuracy():
                self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        began, seen = self.began, self.accuracy
        if began is None:
            return
        if seen is not None:
            self.maps.set_maps(seen.accuracy)
            means = [words.percent(float(one.mean()), 1) for one in seen.accuracy]
            self.maps.set_captions([Message(name) for name in SWITCHES], [Message(text) for text in means])
            self.bar.set_range(0, 1)
        self.maps_card.set_note("step {n}", n=words.number(0 if seen is None else seen.step))
        self.verdicts.set_verdicts([self._verdict(index) for index in range(len(SWITCHES))])
        self._draw_loss()

    def _verdict(self, index: int) -> Verdict:
        assert self.began is not None
        predicted = self.began.predicted[index]
        over = self.accuracy is not None and self.accuracy.step >= STEPS
        now = None if self.accuracy is None else float(self.accuracy.accuracy[index].mean())
        seen = int(self.began.visible[index].sum())
        total = self.began.visible[index].size
        measured = "" if now is None or not self.steps else words.number(now, 3)
        if predicted < 0:
            first = Finding(Message("Only a bound: knows who is there, not where"), f"< {words.number(LOW, 2)}")
            holds = None if now is None or not over else now < LOW
        else:
            values = {"k": words.number(seen), "total": words.number(total)}
            first = Finding(Message("Predicted: {k} of {total} see it", values), words.number(predicted, 3))
            holds = None if now is None or not over else abs(now - predicted) <= NEAR
        return Verdict(Message(SWITCHES[index]), (first, Finding(Message("Measured"), measured, holds)))

    def _draw_loss(self) -> None:
        x = np.array([step.step for step in self.steps], float)
        y = np.array([step.losses for step in self.steps], float).reshape(-1, len(SWITCHES))
        self.loss.set_curves(
            [Curve(Message(name), x, y[:, i], COLORS[i], dashed=i % 2 == 1) for i, name in enumerate(SWITCHES)], STEPS
        )
