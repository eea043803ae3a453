"""The page "Reach": accuracy over the field for four nets, what their reach predicts beside what is measured."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.tabs.large_kernel.maps import DECADES, decades
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
from engines.large_kernel.reach.spec import (
    FIELD,
    MIDDLE,
    NETS,
    OWN,
    SIDE,
    STEPS,
    PlaceAccuracy,
    ReachBegan,
    ReachParams,
    ReachStep,
    reach,
)

TRAINER = "engines.large_kernel.reach.training:Trainer"
NEAR = 0.03  #: how far the measured accuracy may be from the predicted one at the end
COLORS = ("cat0", "cat1", "cat2", "cat5")
COUNT = len(NETS) + 1


def name_of(net: tuple[int, int]) -> Message:
    """A net by its kernels."""
    return Message("{n} {n:layer|layers} of {k} × {k}", {"n": net[1], "k": net[0]})


def short(net: tuple[int, int]) -> Message:
    """The same where there is little room."""
    return Message("{n} · {k} × {k}", {"n": net[1], "k": net[0]})


class PlaceMaps(Mosaic):
    """Shares, or powers of ten."""

    def written(self, value: float) -> str:
        """A value in its own unit; accuracies are never negative, powers of ten never positive."""
        return super().written(value) if value > 0 or self.numbers()["scale_low"] == 0 else words.number(value, 1)


class ReachPage(TrainingPage):
    """Three cards and what the run has told so far."""

    title = "Reach"
    params_type = ReachParams
    keeps = False
    params: ReachParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: ReachBegan | None = None
        self.steps: list[ReachStep] = []
        self.named: tuple[tuple[int, int], ...] = ()  # the nets that stand in the key
        self.maps = PlaceMaps(columns=2)
        self.maps.export_name = "accuracy"
        self.maps.setMinimumSize(240, 200)
        words.say(self.maps, "setAccessibleName", "Accuracy of each place")
        self.bar = ColorBar(Message("Accuracy"))
        self.bar.drive(self.maps)
        self.verdicts = Verdicts("Predicted and measured")
        self.loss = Curves(widest="0.000")
        self.loss.export_name = "loss"
        self.task = quiet("", wrap=True)
        self.maps_card = card("Accuracy of each place", self.maps, foot=col(self.task, self.bar))
        self.verdict_card = card("Predicted and measured", self.verdicts)
        self.names = Key()
        self.loss_card = card("Loss", self.loss, foot=self.names)
        transport = Transport(seed_tip="Of the weights at the start and of the fields that are drawn.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[PlaceAccuracy] = Looks(transport, (self.loss,), self._draw)
        self.train(Training(self, TRAINER, transport, lambda: self._run_params(), STEPS), transport)
        form = ParamsForm(self.params, ("offset", "torus", "seed", "kernel", "layers", "skip", "shown"))
        form.add(OWN, self.pending)
        form.add(OWN, quiet("Four nets, trained side by side: 250 steps.", wrap=True))
        right = col((self.verdict_card, 5), (self.loss_card, 3), gap=S3)
        self.lay(box(col((row((self.maps_card, 5), (right, 4), gap=S3), 1), transport, gap=S3)), form, resets=False)

    @property
    def accuracy(self) -> PlaceAccuracy | None:
        """What is shown: the newest, or that of the step looked back at."""
        return self.looks.seen

    def _run_params(self) -> ReachParams:
        p = self.params
        return ReachParams(offset=p.offset, torus=p.torus, kernel=p.kernel, layers=p.layers, skip=p.skip, seed=p.seed)

    def show_params(self, params: ReachParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)
        self._draw()

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case ReachBegan():
                self.began, self.steps = event, []
                self.looks.begin()
                self._draw()
            case ReachStep():
                self.steps.append(event)
            case PlaceAccuracy():
                self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        began, seen = self.began, self.accuracy
        if began is None:
            return
        text = ("Each place is to say what stands {n} {n:place|places} to its right. A field that reaches so far could "
                "know it, the others guess one of four.")  # fmt: skip
        words.say(self.task, "setText", Message(text, {"n": began.offset}))
        if seen is not None:
            self._draw_maps(seen, began)
        self.maps_card.set_note("step {n}", n=words.number(0 if seen is None else seen.step))
        self.verdicts.set_verdicts([self._verdict(index) for index in range(COUNT)])
        self._draw_loss()

    def _draw_maps(self, seen: PlaceAccuracy, began: ReachBegan) -> None:
        """Accuracy of all places, or the field of the one in the middle with the place of its answer framed."""
        means = [words.percent(float(one.mean()), 1) for one in seen.accuracy]
        self.maps.set_captions([short(net) for net in began.nets], [Message(text) for text in means])
        if self.params.shown == FIELD:
            self.maps.set_maps(np.stack([decades(one) for one in seen.fields]), 0.0, -float(DECADES))
            self.maps.set_mark((MIDDLE[0], (MIDDLE[1] + began.offset) % SIDE))
            self.bar.set_range(-DECADES, 0, False, Message("Powers of ten below the strongest"))
            self.maps_card.set_title("Field of the place in the middle")
        else:
            self.maps.set_maps(seen.accuracy)
            self.maps.set_mark(None)
            self.bar.set_range(0, 1, False, Message("Accuracy"))
            self.maps_card.set_title("Accuracy of each place")

    def _verdict(self, index: int) -> Verdict:
        assert self.began is not None
        net, predicted = self.began.nets[index], self.began.predicted[index]
        over = self.accuracy is not None and self.accuracy.step >= STEPS
        now = None if self.accuracy is None else float(self.accuracy.accuracy[index].mean())
        measured = "" if now is None or not self.steps else words.number(now, 3)
        holds = None if now is None or not over else abs(now - predicted) <= NEAR
        far = {"n": reach(*net), "radius": words.number(self.began.law[index], 1)}
        return Verdict(
            name_of(net),
            (
                Finding(Message("Predicted: reach {n}, random radius {radius}", far), words.number(predicted, 3)),
                Finding(Message("Measured"), measured, holds),
            ),
        )

    def _draw_loss(self) -> None:
        assert self.began is not None
        x = np.array([step.step for step in self.steps], float)
        y = np.array([step.losses for step in self.steps], float).reshape(-1, COUNT)
        names = [short(net) for net in self.began.nets]
        if self.named != self.began.nets:
            self.named = self.began.nets
            self.names.set_items(list(zip(COLORS, names, strict=True)))
        self.loss.set_curves(
            [Curve(name, x, y[:, i], COLORS[i], dashed=i % 2 == 1) for i, name in enumerate(names)], STEPS
        )
