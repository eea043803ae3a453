"""The page "Static or dynamic": weights of queries on keys for three nets, and how often rankings agree."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.legend import Key
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
from engines.gnn.static_or_dynamic.spec import (
    NETS,
    STEPS,
    TASK,
    LookupBegan,
    LookupParams,
    LookupSeen,
    LookupStep,
)

TRAINER = "engines.gnn.static_or_dynamic.training:Trainer"
COLORS = ("cat0", "cat1", "cat2")
KNOWS, STATIC = 0.99, 0.999
ALIKE = "All queries put the same key first"
SPECIAL = 0.02  #: how far from chance a net that can't look anything up may be


def name_of(net: tuple[str, int]) -> Message:
    """A net by its layer and heads."""
    return Message("{kind}, {n} {n:head|heads}", {"kind": words.plain(net[0]), "n": net[1]})


class LookupPage(TrainingPage):
    """Three cards and what the run has told so far."""

    title = "Static or dynamic"
    params_type = LookupParams
    keeps = False
    params: LookupParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: LookupBegan | None = None
        self.steps: list[LookupStep] = []
        self.maps = Mosaic(columns=3)
        self.maps.export_name = "weights"
        self.maps.setMinimumSize(240, 150)
        self.bar = ColorBar(Message("Weight"))
        self.bar.drive(self.maps)
        self.verdicts = Verdicts("Who looks words up")
        self.loss = Curves(widest="0.000")
        self.loss.export_name = "loss"
        self.task = quiet("", wrap=True)
        self.maps_card = card("Weights, query by key", self.maps, foot=col(self.task, self.bar))
        self.verdict_card = card("Who looks words up", self.verdicts)
        self.loss_card = card("Loss", self.loss, foot=Key([(c, name_of(n)) for c, n in zip(COLORS, NETS, strict=True)]))
        transport = Transport(seed_tip="Of the weights at the start and of the dictionaries.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[LookupSeen] = Looks(transport, (self.loss,), self._draw)
        self.train(Training(self, TRAINER, transport, self._run_params, STEPS), transport)
        form = ParamsForm(self.params, ("head", "keys"))
        form.add(TASK, self.pending)
        form.add(TASK, quiet("Three nets of one layer, trained side by side: 300 steps.", wrap=True))
        lower = row((self.verdict_card, 5), (self.loss_card, 4), gap=S3)
        cards = col((self.maps_card, 6), (lower, 5), gap=S3)
        self.lay(box(col((cards, 1), transport, gap=S3)), form, resets=False)

    def _run_params(self) -> LookupParams:
        return LookupParams(keys=self.params.keys, seed=self.params.seed)

    def show_params(self, params: LookupParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)
        self._draw()

    def told(self, event: Event) -> None:
        match event:
            case LookupBegan():
                self.began, self.steps = event, []
                self.looks.begin()
                self._draw()
            case LookupStep():
                self.steps.append(event)
            case LookupSeen():
                self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        began, seen = self.began, self.looks.seen
        if began is None or seen is None:
            return
        text = ("Each of {n} queries is to say the value that its key has in this dictionary. To do so it must look at "
                "that key: the diagonal.")  # fmt: skip
        words.say(self.task, "setText", Message(text, {"n": began.keys}))
        maps = [each[min(self.params.head, len(each)) - 1] for each in seen.looked]
        self.maps.set_maps(np.stack(maps), 1.0)
        notes = [Message(words.percent(right, 1)) for right in seen.accuracy]
        self.maps.set_captions([name_of(net) for net in began.nets], notes)
        self.bar.set_range(0, 1)
        self.maps_card.set_note("step {n}", n=words.number(seen.step))
        self.verdicts.set_verdicts([self._verdict(n, began, seen) for n in range(len(began.nets))])
        x = np.array([step.step for step in self.steps], float)
        y = np.array([step.losses for step in self.steps], float).reshape(-1, len(began.nets))
        self.loss.set_curves(
            [Curve(name_of(net), x, y[:, n], COLORS[n], dashed=n == 1) for n, net in enumerate(began.nets)], STEPS
        )

    @staticmethod
    def _verdict(index: int, began: LookupBegan, seen: LookupSeen) -> Verdict:
        (kind, heads), over = began.nets[index], seen.step >= STEPS
        right, alike, chance = seen.accuracy[index], seen.alike[index], 1 / began.keys
        if (kind, heads) == ("GAT", 1):
            holds: bool | None = abs(right - chance) <= SPECIAL + chance / 2
            told = Message("Predicted: chance, {share}", {"share": words.percent(chance, 1)})
            ranks = Finding(Message(ALIKE), words.percent(alike, 1), alike >= STATIC)
        elif heads == 1:
            holds = right >= KNOWS
            told = Message("Predicted: {share}", {"share": words.percent(1.0, 0)})
            ranks = Finding(Message(ALIKE), words.percent(alike, 1))
        else:  # how far it gets in so many steps is not known beforehand
            holds = None
            told = Message("Accuracy")
            ranks = Finding(Message(ALIKE), words.percent(alike, 1))
        found = [Finding(told, words.percent(right, 1), holds if over else None), ranks]
        if (kind, heads) == ("GAT", 8):
            found.append(Finding(Message("Another way: each head keeps to a key of its own"), " "))
        return Verdict(name_of((kind, heads)), tuple(found))
