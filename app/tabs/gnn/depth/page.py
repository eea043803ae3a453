"""The page "Depth": how alike nodes become, with the bound, and accuracy over depth with and without a cure."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.depthplot import Depth, DepthPlot
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.gnn.depth.spec import (
    BLOCKS,
    CURES,
    DEPTHS,
    STEPS,
    DepthBegan,
    DepthParams,
    DepthPoint,
    DepthStep,
    Smoothing,
    SmoothParams,
)

TRAINER = "engines.gnn.depth.training:Trainer"
COLORS = ("cat5", "cat0", "cat1", "cat2")
CHANCE = 0.25


class DepthPage(TrainingPage):
    """Three cards; points of earlier runs on the same block model stay."""

    title = "Depth"
    params_type = DepthParams
    engine = "engines.gnn.depth.engine:Engine"
    asks = SmoothParams
    keeps = False
    params: DepthParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: DepthBegan | None = None
        self.smoothing: Smoothing | None = None
        self.points: dict[tuple[int, str], dict[int, DepthPoint]] = {}
        self.smooth = DepthPlot("Averaged k times, without weights", "smoothing", a_line=3)
        self.smooth.picked.connect(lambda x: self.smooth.set_cursor(round(x)))
        self.depths = Curves(y_range=(0, 100), y_ticks=(0, 25, 50, 75, 100), widest="100.0")
        self.depths.export_name = "accuracy"
        self.depths.plot.getAxis("bottom").set_names([str(depth) for depth in DEPTHS], 0)
        self.depths.pointed.connect(self.depths.set_cursor)
        self.verdicts = Verdicts("What depth does")
        self.said = quiet("", wrap=True)
        self.axis = quiet("Layers, each twice as many as before. Dashed: chance.")
        self.smooth_card = card("Averaged k times, without weights", self.smooth, foot=col(self.smooth.key, self.said))
        self.depth_card = card("Accuracy by depth", self.depths, "in %, on nodes without a label",
                               foot=col(self.depths.key, self.axis))  # fmt: skip
        self.verdict_card = card("Trained so far", self.verdicts)
        transport = Transport(seed_tip="Of graphs, words and weights at the start.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.train(Training(self, TRAINER, transport, self._run_params, STEPS), transport)
        form = ParamsForm(self.params, ("graph", "cure"))
        form.add(BLOCKS, self.pending)
        form.add(BLOCKS, quiet("400 nodes in 4 blocks, 20 labels, words that say little. GCNs of 1 to 64 layers are "
                               "trained one after another.", wrap=True))  # fmt: skip
        self._nothing()
        lower = row((self.depth_card, 5), (self.verdict_card, 4), gap=S3)
        cards = col((self.smooth_card, 5), (lower, 5), gap=S3)
        self.lay(box(col((cards, 1), transport, gap=S3)), form, resets=False)

    def _run_params(self) -> DepthParams:
        return DepthParams(cure=self.params.cure, seed=self.params.seed)

    def _nothing(self) -> None:
        for one in (self.depth_card, self.verdict_card):
            one.set_empty("Nothing is trained yet.", "Start" if one is self.depth_card else "",
                          lambda: self.training.play())  # fmt: skip

    def show_params(self, params: DepthParams) -> None:
        self.transport.set_seed(params.seed)
        super().show_params(params)
        self._draw()

    def on(self, event: Event) -> None:
        if isinstance(event, Smoothing):
            self.smoothing = event
            self._draw_smoothing(event)

    def told(self, event: Event) -> None:
        match event:
            case DepthBegan():
                self.began = event
                self._draw()
            case DepthPoint():
                self.points.setdefault((event.seed, event.cure), {})[event.depth] = event
                self._draw()
            case DepthStep():
                self.depth_card.set_note(Message("{n} {n:layer|layers} in training, loss {loss}",
                                                 {"n": event.depth, "loss": words.number(event.loss, 2)}))  # fmt: skip

    # -- drawing
    def _draw_smoothing(self, shown: Smoothing) -> None:
        self.smooth.set_lines(
            [
                Depth(Message("How much nodes differ"), shown.apart, "cat1"),
                Depth(Message("with skips"), shown.apart_skips, "cat0", dashed=True),
                Depth(Message("Distance from the limit"), shown.distance, "cat2"),
                Depth(Message("Bound, λ₂ to the k"), shown.bound, "control", dashed=True),
                Depth(Message("Likeness of nodes"), shown.cosine, "cat5"),
            ],
            words.plain("k"),
        )
        below = bool((shown.distance <= shown.bound + 1e-6).all())
        text = (
            "λ₂ is {value}: each step brings nodes at least that much nearer to the line of √degree. Nodes over √degree"
            " are averaged as tokens by attention; how much they differ is what Rank collapse shows of the Transformer."
        )
        if not below:
            text = "λ₂ is {value}. The bound does not hold here."
        words.say(self.said, "setText", Message(text, {"value": words.number(shown.second, 3)}))

    def _draw(self) -> None:
        found = {cure: self.points.get((self.params.seed, cure), {}) for cure in CURES}
        if not any(found.values()):
            self._nothing()
            return
        for one in (self.depth_card, self.verdict_card):
            one.set_empty(None)
        lines, verdicts = [], []
        for n, cure in enumerate(CURES):
            points = [found[cure][depth] for depth in DEPTHS if depth in found[cure]]
            x = np.array([DEPTHS.index(p.depth) for p in points], float)
            y = np.array([100 * p.accuracy for p in points], float)
            if points:
                lines.append(Curve(Message(cure), x, y, COLORS[n], digits=1))
                verdicts.append(Verdict(Message(cure), self._findings(points)))
        ends = np.array([0.0, len(DEPTHS) - 1])
        lines.append(Curve(Message("Chance"), ends, np.full(2, 100 * CHANCE), "control", dashed=True, digits=1))
        self.depths.set_curves(lines, float(ends[1]))
        self.verdicts.set_verdicts(verdicts)

    @staticmethod
    def _findings(points: list[DepthPoint]) -> tuple[Finding, ...]:
        best = max(points, key=lambda p: p.accuracy)
        deepest = points[-1]
        made = [Finding(Message("Best: {n} {n:layer|layers}", {"n": best.depth}), words.percent(best.accuracy, 1))]
        if deepest is not best:
            name = Message("{n} {n:layer|layers}", {"n": deepest.depth})
            made.append(Finding(name, words.percent(deepest.accuracy, 1), deepest.accuracy > CHANCE + 0.1))
        made.append(Finding(Message("Likeness of nodes there"), words.number(deepest.cosine, 2)))
        return tuple(made)
