"""The page "Class target": the same detector asked for the IoU of its boxes and for 1, and what follows from it."""

from __future__ import annotations

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curves
from app.plots.scatterplot import ScatterPlot
from app.plots.surface import link
from app.rows import Rows
from app.shell import Shell
from app.tabs.rt_detr.arms import ArmsPage
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.verdicts import Verdict, Verdicts
from app.widgets import box, col, quiet
from engines.core.errors import Message
from engines.data.detector_training import NEW_RUN
from engines.rt_detr.agreement import agreement
from engines.rt_detr.class_target.spec import ARMS, LOOK_EVERY, STEPS, TargetParams
from engines.rt_detr.compared import AP, AP50, AP50_ENCODER, BOTH, CORRELATION, Floats

SAYS = (
    "Bundled: the toy RT-DETR's recipe from the bundled backbone, 600 steps of 16 scenes, averaged weights, 200 "
    "validation scenes. Your own: the small model. Points: the first seed. ±: deviation over the seeds; of a "
    "difference, its 95 % interval seed by seed."
)
MOST_POINTS = 800


class ClassTargetPage(ArmsPage):
    """Two scatters, two curves, and who is ahead."""

    title = "Class target"
    params_type = TargetParams
    trainer = "engines.rt_detr.class_target.trainer:Trainer"
    most, every, kept_as = STEPS, LOOK_EVERY, "rt-detr-class-target"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.scatters = tuple(ScatterPlot(low=(150, 110)) for _ in ARMS)
        self.saids = tuple(quiet("", wrap=True) for _ in ARMS)
        self.verdicts = Verdicts("What the target changes")
        self.scatter_cards = []
        for at, name in enumerate(ARMS):
            self.scatters[at].export_name = ("score-against-iou-target-iou", "score-against-iou-target-1")[at]
            self.scatters[at].set_range((0.0, 1.0), (0.0, 1.05))
            words.say(
                self.scatters[at], "setAccessibleName", Message("Score against IoU, {arm}", {"arm": Message(name)})
            )
            self.scatter_cards.append(card(name, self.scatters[at], foot=self.saids[at]))
        link(self.scatters)
        ap, follows = self.plots
        self.ap_card = card("AP50, %", ap, foot=ap.key)
        self.follow_card = card("Correlation", follows, foot=follows.key)
        self.verdict_card = card("What the target changes", self.verdicts)
        form = ParamsForm(self.params, ("scenes", "seeds", "groups", "learning_rate", "seed"))
        form.add(NEW_RUN, self.pending)
        form.add(NEW_RUN, quiet(SAYS, wrap=True))
        form.lead(self.kept_runs)
        first, second = (
            box(col((scatter, 1), (curve, 1), gap=S3))
            for scatter, curve in zip(self.scatter_cards, (self.ap_card, self.follow_card), strict=True)
        )
        rows = Rows([[(first, 3), (second, 3), (self.verdict_card, 4)]], (1,))
        self.lay(box(col((rows, 1), self.transport, gap=S3)), form, resets=False)
        self.redraw()

    def make_plots(self) -> tuple[Curves, ...]:
        made = (
            Curves(y_range=(0.0, 100.0), y_ticks=(0.0, 50.0, 100.0), widest="100.0"),
            Curves(y_range=(0.0, 1.0), y_ticks=(0.0, 0.5, 1.0), widest="0.00"),
        )
        for one, name, file in zip(
            made, ("AP50, %", "Correlation of score and IoU"), ("ap50", "correlation"), strict=True
        ):
            one.export_name = file
            words.say(one, "setAccessibleName", name)
        return made

    # -- drawing
    def points(self) -> tuple[Floats, ...]:
        """Scores and IoUs of the first seed of each arm."""
        if self.told_looks and self.looks.seen is not None:
            return self.looks.seen.points
        return () if self.before is None else self.before.points

    def redraw(self) -> None:
        if not hasattr(self, "verdict_card"):
            return  # still being built
        steps, figures, _ = self.series()
        cards = (*self.scatter_cards, self.ap_card, self.follow_card, self.verdict_card)
        for one in cards:
            one.set_empty(None if len(steps) else self.nothing("Start the training: nothing is bundled here."))
        if not len(steps):
            return
        self.note((self.ap_card, self.verdict_card))
        for scatter, said, points in zip(self.scatters, self.saids, self.points(), strict=True):
            every = max(1, -(-points.shape[1] // MOST_POINTS))
            scatter.set_points(points[0, ::every], points[1, ::every])
            told = agreement(points[0], points[1])
            values = {"value": words.number(told.correlation, 2), "n": words.number(points.shape[1])}
            text = "{n} chosen locations: right the score, up the IoU. Correlation {value}"
            if not self.told_looks:  # of what was run beforehand not all is kept; the curve is over all
                text = "A sample of {n} chosen locations: right the score, up the IoU. Its correlation {value}"
            words.say(said, "setText", Message(text, values))
        end = float(STEPS if self.told_looks else steps[-1])
        self.plots[0].set_curves(self.curves(AP50), end)
        self.plots[1].set_curves(self.curves(CORRELATION, 1.0, 2), end)
        self.verdicts.set_verdicts(self._verdicts(figures[-1]))

    def _verdicts(self, last: Floats) -> list[Verdict]:
        """Figures (F, A, S) at the end."""

        def percent(value: float, signed: bool = False) -> str:
            return words.number(100 * value, 1, signed=signed)

        def plain(value: float, signed: bool = False) -> str:
            return words.number(value, 3, signed=signed)

        made = []
        for name, figure, written in (
            ("AP, %", AP, percent),
            ("AP50, %", AP50, percent),
            ("AP50 of the encoder's choice, %", AP50_ENCODER, percent),
            ("Correlation of score and IoU", CORRELATION, plain),
            ("Score and IoU above 0.5, % of the chosen", BOTH, percent),
        ):
            findings = [*self.findings(last[figure], written), self.apart(last[figure, 0], last[figure, 1], written)]
            made.append(Verdict(Message(name), tuple(findings)))
        return made
