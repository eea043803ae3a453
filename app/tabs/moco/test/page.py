"""The page "Test": what the features are good for, the map of vectors, alignment and uniformity, fine-tuning."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import Card, card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.embedding import EmbeddingMap
from app.plots.surface import Surface, link
from app.remedy import remedy
from app.sections import section
from app.shell import Shell
from app.tabs.moco.classes import named
from app.tabs.moco.pages import LEAST, RunPage
from app.tabs.moco.run import MocoRun
from app.theme import S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.transport import training_stream
from app.views.base import PixelView
from app.widgets import box, button, col, quiet, row
from app.words import Text, say
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.moco.spec import RunBegan
from engines.moco.test.spec import Tuned, TuneParams

TUNER = "engines.moco.test.tuning:Tuner"
PERCENT = (0, 25, 50, 75, 100)
ACCURACY = (("cat0", "probe"), ("cat1", "kNN"), ("cat3", "supervised"), ("text2", "untrained"))
HUES = 6
READING = (
    (
        "kNN: the vote of the 20 nearest training pictures. Probe: a linear classifier on frozen features. Labels "
        "are used for these two only."
    ),
    (
        "Alignment: squared distance of two views of a picture. Uniformity: log of the mean of exp(−2 d²) over all "
        "pairs. (Wang & Isola 2020)"
    ),
    "Map: principal axes of the test pictures' embeddings. Squares are keys of the queue.",
)


class TestPage(RunPage):
    """Views of the page; drawn from what the run has told."""

    __test__ = False  # not a test, whatever its name
    title = "Test"

    def __init__(self, state: State, feed: Feed | None, shell: Shell, run: MocoRun) -> None:
        super().__init__(state, feed, shell, run)
        self.accuracy = Curves((0, 100), PERCENT)
        self.map = EmbeddingMap()
        self.spread = Curves(zero=False, widest="−00.00")
        link((self.accuracy, self.spread))
        self.tuning = Curves((0, 100), PERCENT)
        self.tune = button(
            "Fine-tune", "play", "boxed", "Fine-tunes the run's encoder and a random one on k labels per class."
        )
        self.tune_note = quiet("", wrap=True)
        for view, name, file in (
            (self.accuracy, "Accuracy, %", "accuracy"),
            (self.map, "Map of the embeddings", "map"),
            (self.spread, "Alignment and uniformity", "alignment-uniformity"),
            (self.tuning, "Fine-tuning on a few labels", "fine-tuning"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        self.accuracy_key = Key(ACCURACY, "00.0")
        self.spread_key = Key((("cat0", "alignment"), ("cat1", "uniformity")), "−0.00")
        self.tune_key = Key((("cat0", "pre-trained"), ("text2", "untrained")), "00.0")
        self.map_key = Key(())
        self.accuracy_card = card("Accuracy, %", self.accuracy, "on test pictures", foot=self.accuracy_key)
        self.map_card = card("Map of the embeddings", self.map, foot=self.map_key)
        self.spread_card = card("Alignment and uniformity", self.spread, "lower is better", foot=self.spread_key)
        self.tune_card = card("Fine-tuning on a few labels", col((self.tuning, 1), self.tune_note, gap=S2),
                              tools=[self.tune], foot=self.tune_key)  # fmt: skip
        upper = row((self.accuracy_card, 1), (self.map_card, 1), gap=S3)
        lower = row((self.spread_card, 1), (self.tune_card, 1), gap=S3)
        centre = box(col((col((upper, 12), (lower, 9), gap=S3), 1), self.slot, gap=S3))
        self._tuned: list[Tuned] = []
        self._tries = 0
        self._curves: list[str] = []  # curves of the accuracy plot, in their order
        self.accuracy.pointed.connect(self._point)
        self.spread.pointed.connect(self._point)
        self.tuning.pointed.connect(self._point_tuning)
        self.tuner = training_stream(shell.lane, TUNER, self)
        self.tuner.arrived.connect(self._tuner_told)
        self.tune.clicked.connect(lambda _checked=False: self._fine_tune())
        reading = section("How to read it", col(*(quiet(text, wrap=True) for text in READING)))
        self.lay(centre, ParamsForm(self.params, ("shots",)), box(reading), resets=False)
        self.catch_up()

    @property
    def cards(self) -> tuple[Card, ...]:
        return self.accuracy_card, self.map_card, self.spread_card, self.tune_card

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.accuracy, self.map, self.spread, self.tuning

    @property
    def plots(self) -> tuple[Curves, ...]:
        """Plots over steps."""
        return self.accuracy, self.spread

    # -- what the run tells
    def begin(self, began: RunBegan) -> None:
        for ready in self.cards:
            ready.set_empty(None)
        if not began.labeled:
            why = "These pictures have no labels: put them in one folder per class."
            self.accuracy_card.set_empty(why)
            self.tune_card.set_empty(why)
        names: list[tuple[str, Text]] = []
        if len(began.names) <= HUES:
            names = [(f"cat{i}", named(name)) for i, name in enumerate(began.names)]
        self.map_key.set_items([*names, ("control", "keys")])
        self.clear_tuning()

    # -- fine-tuning
    def _fine_tune(self) -> None:
        """Fine-tune the state that is looked at on k labels per class."""
        self._tries += 1
        params = self.params
        self.clear_tuning()
        self.tuner.request(TuneParams(self.run.weights, params.data, params.paths, params.shots, self._tries))

    def _tuner_told(self, event: Event) -> None:
        match event:
            case Tuned():
                self.take_tuned(event)
            case Ended() if event.error is not None:
                self.complain(event.error, *remedy(event, self.shell, "", self._fine_tune), word="Note")
                self.shell.log(event)

    def clear_tuning(self) -> None:
        """Forget the last fine-tuning."""
        self._tuned = []
        self.tuning.set_curves([], LEAST)
        self._point_tuning(None)
        say(self.tune_note, "setText", "Ten labels can be enough when the features are good.")

    def take_tuned(self, tuned: Tuned) -> None:
        """One test while fine-tuning."""
        if self._tuned and tuned.step <= self._tuned[-1].step:
            self._tuned = []
        self._tuned.append(tuned)
        x = np.array([t.step for t in self._tuned], float)
        curves = [
            Curve(Message(said), x, 100 * np.array([getattr(t, name) for t in self._tuned]), token, None, dashed=dashed)
            for name, said, token, dashed in (
                ("pretrained", "pre-trained", "cat0", False),
                ("scratch", "untrained", "text2", True),
            )
        ]
        self.tuning.set_curves(curves, float(tuned.last))
        self._point_tuning(None)
        gain = words.number(100 * (tuned.pretrained - tuned.scratch), 1, signed=True)
        values = {"k": words.number(tuned.shots), "n": tuned.step, "gain": gain}
        say(
            self.tune_note,
            "setText",
            Message("{k} {k:label|labels} per class, step {n}: {gain} points against random initialization.", values),
        )

    # -- drawing
    def draw(self) -> None:
        history, looked = self.run.history, self.run.looked
        began = history.began
        if began is None:
            return
        _, shown = history.at(looked)
        if shown is not None:
            self.map.set_map(shown.points, shown.labels, shown.keys, [named(n) for n in began.names])
            self.map_card.set_note(Message("{share} of the variance", {"share": words.percent(shown.share, 0)}))
        x = history.curve("step")
        end = max(LEAST, float(x[-1])) if len(x) else LEAST
        curves = []
        for name, token, said in (
            ("probe", "cat0", "probe"),
            ("knn", "cat1", "kNN"),
            ("twin_probe", "cat3", "supervised"),
        ):
            steps, values = history.accuracy(name)
            if len(steps):
                curves.append(Curve(Message(said), steps, values, token, digits=1))
        if history.measured and history.measured[0].step == 0:
            level = 100 * history.measured[0].probe
            curves.append(
                Curve(Message("untrained"), np.array([0, end]), np.full(2, level), "text2", dashed=True, digits=1)
            )
        self._curves = [str(c.name) for c in curves]
        self.accuracy.set_curves(curves, end)
        if len(x):
            self.spread.set_curves(
                [
                    Curve(Message("alignment"), x, history.curve("alignment"), "cat0"),
                    Curve(Message("uniformity"), x, history.curve("uniformity"), "cat1"),
                ],
                end,
            )
        else:
            self.spread.set_curves([], end)
        self._point(None if looked is None else float(looked))

    def _point(self, x: float | None) -> None:
        for plot, key, digits in ((self.accuracy, self.accuracy_key, 1), (self.spread, self.spread_key, 2)):
            plot.set_cursor(x)
            values = ["" if v is None else words.number(v, digits) for v in plot.values_at(x)]
            if plot is self.accuracy:
                named = dict(zip(self._curves, values, strict=True))
                values = [named.get(name, "") for _, name in ACCURACY]
            key.set_values(values)

    def _point_tuning(self, x: float | None) -> None:
        self.tuning.set_cursor(x)
        values = self.tuning.values_at(x) or [None, None]
        self.tune_key.set_values(["" if v is None else words.number(v, 1) for v in values])
