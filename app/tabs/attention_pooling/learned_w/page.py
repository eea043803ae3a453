"""The page "Learned w": loss over steps, w on its landscape, fit and weights before and after, the transport bar."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QSizePolicy

from app import theme, words
from app.cards import Card, card
from app.legend import Key
from app.pacing import PacedTraining
from app.params_form import ParamsForm
from app.plots.lines import Line
from app.plots.marks import Mark
from app.plots.scatterplot import ScatterPlot
from app.plots.typed import GraphicsView
from app.rows import Rows
from app.shell import Shell
from app.stream import Stream
from app.tabs.attention_pooling.learned_w.run import PointsRun
from app.tabs.attention_pooling.points import PointsPage, known_curve, two
from app.tabs.attention_pooling.weightmap import WeightMap
from app.terms import signed
from app.theme import S3, SMALL
from app.topic.feed import Feed, make_engine
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.transport import Transport
from app.views.colorbar import ColorBar
from app.widgets import WideButton, box, col, label, quiet
from app.words import say
from engines.attention_pooling.learned_w.spec import Landscape, LookBack, NowW, RunBegan, TrainStep
from engines.attention_pooling.spec import PoolingParams, of_run, points_of
from engines.core.errors import Message
from engines.core.protocol import Ended, Event

LOOK = "engines.attention_pooling.learned_w.engine:Engine"
NEW_RUN = (
    (
        "Off: each point is predicted from the others. A small w oversmooths, a large w copies the nearest point's "
        "noise, so the loss has a minimum in between."
    ),
    (
        "On: a point is its own nearest key. The larger w is, the more it attends only to itself, so the training "
        "loss falls towards 0 and w never converges: overfitting."
    ),
)
CALM = 1.2  # w beyond this many times the best one has overshot
LARGEST = (40, 40)  # px, a cell
ROOM = 1.08  # height of the plots over the largest loss in them
ITSELF = {False: "itself included", True: "leave-one-out"}  # what the dashed curve is, by what the run may see
LOSS = {
    False: (("cat0", "training"), ("text2", "optimum")),
    True: (("cat0", "training"), ("cat1", "leave-one-out"), ("text2", "optimum")),
}
FIT = {known: (("text2", "before"), ("cat0", "now"), *((("truth", "true curve"),) * known)) for known in (False, True)}
LAND = {itself: (("cat0", "training"), ("cat1", name)) for itself, name in ITSELF.items()}


class LearnedPage(TrainingPage, PointsPage):
    """Views of the page and what the run has told so far."""

    title = "Learned w"
    training: PacedTraining

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.loss = ScatterPlot(low=(200, 120))
        self.loss.is_history = True
        self.loss.export_name = "loss"
        self.land = ScatterPlot(low=(200, 120))
        self.land.export_name = "landscape"
        self.fit_plot = ScatterPlot(low=(200, 120))
        self.fit_plot.export_name = "fit"
        self.before, self.after = WeightMap(LARGEST), WeightMap(LARGEST)
        self.before.export_name, self.after.export_name = "weights-before", "weights-after"
        self.before_bar, self.after_bar = ColorBar(Message("Weight")), ColorBar(Message("Weight"))
        self.before_bar.drive(self.before)
        self.after_bar.drive(self.after)
        transport = Transport(seed_tip="w is initialized uniformly on [0, 1); another seed gives another w.")
        self.loss_key, self.land_key = Key(LOSS[False]), Key(LAND[False])
        self.loss_card = card("Loss", self.loss, foot=self.loss_key)
        self.land_card = card("Loss landscape L(w)", self.land, foot=self.land_key)
        self.fit_key = Key(FIT[True])
        self.fit_card = card("Fit", self.fit_plot, foot=self.fit_key)
        self.before_card = card("Weights before", self.before, foot=self.before_bar)
        self.after_card = card("Weights now", self.after, foot=self.after_bar)
        upper = (self.loss_card, 1), (self.land_card, 1)
        lower = (self.fit_card, 10), (self.before_card, 8), (self.after_card, 8)
        self.began: RunBegan | None = None
        self.path: list[TrainStep] = []
        self._land: Landscape | None = None
        self._now: NowW | None = None
        self.looked: NowW | None = None
        self.loss.pointed.connect(self._pointed)
        for waiting in self.cards:
            waiting.set_empty("Sampling points")
        transport.seeded.connect(lambda seed: self.step(start_seed=seed))
        transport.looked.connect(self._look_back)
        self._again = Stream(shell.lane, lambda: make_engine(LOOK), parent=self)
        self._again.arrived.connect(self._seen_again)
        self.train(PointsRun(self, transport), transport, lambda found: self.state.put(**of_run(found)))
        self.formula = label("", SMALL, kind="quiet")
        theme.set_font(self.formula, SMALL, mono=True)
        self.formula.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # no card moves with a number
        self.after.hovered.connect(self._say_weight)
        rows = Rows((upper, lower), (10, 11))
        self.lay(box(col((col((rows, 1), self.formula, gap=S3), 1), transport, gap=S3)), self._form(), resets=False)

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params, ("learning_rate", "optimizer", "pace", "sees_itself"))
        self.why = quiet("", wrap=True)
        recipe = WideButton("5 steps, learning rate 0.5", "play", tip="The usual recipe: plain SGD from a random w.")
        recipe.clicked.connect(lambda _checked=False: self.usual_recipe())
        form.add("Applies immediately", recipe)
        form.add("Requires a new run", self.why)
        form.add("Requires a new run", self.pending)
        form.lead(self.kept_runs)
        return form

    def usual_recipe(self) -> None:
        """Run five steps at rate 0.5, as courses do."""
        self.step(learning_rate=0.5, optimizer=PoolingParams.optimizer)
        self.training.restart()
        self.training.play_to(5)

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.loss_card, self.land_card, self.fit_card, self.before_card, self.after_card

    @property
    def views(self) -> tuple[GraphicsView, ...]:
        """What can be exported."""
        return self.loss, self.land, self.fit_plot, self.before, self.after, self.before_bar, self.after_bar

    @property
    def last(self) -> int:
        """The newest step."""
        return self.path[-1].step if self.path else 0

    def show_params(self, params: PoolingParams) -> None:
        say(self.why, "setText", NEW_RUN[params.sees_itself])
        self.transport.set_seed(params.start_seed)
        super().show_params(params)

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.take_began(event)
                for ready in self.cards:
                    ready.set_empty(None)
            case TrainStep():
                self.take_step(event)
            case Landscape():
                self.take_landscape(event)
            case NowW():
                self.take_now(event)

    def _look_back(self, step: int | None) -> None:
        """Any step can be looked at: its w is all there is to know, and the engine draws what it did."""
        told, run = None if step is None else self.values_at(step), self.training.params
        if told is None or not isinstance(run, PoolingParams):
            self._show_again(None)
        else:
            self._again.request(LookBack(run.points, told.step, told.w, run.sees_itself))

    def _seen_again(self, event: Event) -> None:
        if isinstance(event, NowW) and self.transport.selected is not None:
            self._show_again(event)
        elif isinstance(event, Ended) and event.error is not None:
            self.complain(event.error)
            self.shell.log(event)

    def take_began(self, began: RunBegan) -> None:
        """A run stands at its beginning."""
        self.began, self.path, self.looked, self._now = began, [], None, None
        self._show_map(began.first, self.before, self.before_bar)
        self.before_card.set_note(Message("w = {w}", {"w": two(began.first.w)}))
        self.loss_key.set_items(LOSS[began.params.sees_itself])
        self.land_key.set_items(LAND[began.params.sees_itself])
        self.fit_key.set_items(FIT[began.params.known])

    def take_step(self, step: TrainStep) -> None:
        """A step; it is drawn with the frame that follows, but the keys may walk to it at once."""
        self.path.append(step)
        self.transport.set_step(self.last)

    def take_landscape(self, land: Landscape) -> None:
        """The landscape, or one that reaches farther."""
        self._land = land

    def take_now(self, now: NowW) -> None:
        """The newest fit and map: draw all."""
        self._now = now
        self.transport.set_step(self.last)
        self.draw()

    def _show_again(self, now: NowW | None) -> None:
        """Show a step looked back at; None is the newest."""
        self.looked = now
        self.draw()

    # -- drawing
    def draw(self) -> None:
        """Bring all views in line with what is looked at."""
        now = self.looked or self._now
        if now is None or self.began is None or not self.path:
            return
        at = min(now.step, len(self.path) - 1)
        self._draw_loss(at)
        self._draw_land(self.path[at])
        self._draw_fit(now)
        self._show_map(now, self.after, self.after_bar)
        self._say_weight(None)
        self.after_card.set_note(Message("w = {w}, bandwidth {h}", {"w": two(now.w), "h": _width(now.w)}))

    def _draw_loss(self, at: int) -> None:
        assert self.began is not None
        x = np.array([s.step for s in self.path], float)
        loss, held_out = (np.array([getattr(s, name) for s in self.path]) for name in ("loss", "held_out"))
        end = max(5.0, float(x[-1]))
        least = np.full(2, self.began.least)
        lines = [Line(Message("optimum"), np.array([0.0, end]), least, "text2", style="dash", width=1)]
        itself = self.began.params.sees_itself
        if itself:
            lines.append(Line(Message("leave-one-out"), x, held_out, "cat1", style="dash"))
        lines.append(Line(Message("training"), x, loss, "cat0"))
        self.loss.set_lines(lines, [Mark(x[at], loss[at], "cat0", two(loss[at]))])
        top = max(float(held_out.max()), float(loss.max()))
        self.loss.set_range((0.0, end), (0.0, ROOM * top + 1e-9))
        step = self.path[at]
        if itself and step.loss < self.began.least:
            self.loss_card.set_note(Message("below the optimum {n}: overfitting", {"n": two(self.began.least)}))
        else:
            values = {"n": two(step.loss), "best": two(self.began.least)}
            self.loss_card.set_note(Message("{n}; optimum {best}", values))

    def _draw_land(self, step: TrainStep) -> None:
        land, began = self._land, self.began
        if land is None or began is None:
            return
        itself = began.params.sees_itself
        mine, other = (land.seeing, land.held_out) if itself else (land.held_out, land.seeing)
        visited = np.abs(np.array([s.w for s in self.path[: step.step + 1]]))
        path = np.array([s.loss for s in self.path[: step.step + 1]])
        lines = [
            Line(Message(ITSELF[itself]), land.w, other, "cat1", style="dash", width=1.2),
            Line(Message("training"), land.w, mine, "cat0", width=2),
        ]
        if len(visited) > 1:
            lines.append(Line(Message("path"), visited, path, "text2", style="dot", width=1))
        marks = [
            Mark(began.best, began.least, "text2", ring=True, foot=True),
            Mark(abs(step.w), step.loss, "accent", f"w {two(step.w)}", foot=True),
        ]
        self.land.set_lines(lines, marks)
        self.land.set_range((0.0, float(land.w[-1])), (0.0, ROOM * float(max(mine.max(), other.max(), 1e-9))))
        values = {"g": two(step.gradient), "best": two(began.best)}
        overshot = step.step > 0 and not itself and abs(step.w) > CALM * began.best
        text = "overshot the optimum {best}, gradient {g}" if overshot else "optimum {best}, gradient {g}"
        self.land_card.set_note(Message(text, values))

    def _say_weight(self, cell: tuple[int, int] | None) -> None:
        """The weight under the pointer in live numbers; the largest where there is none."""
        now = self.looked or self._now
        if now is None or self.began is None:
            return
        x = np.sort(np.array(points_of(self.began.params))[:, 0])
        best = np.unravel_index(int(now.weights.argmax()), now.weights.shape)
        i, j = (int(best[0]), int(best[1])) if cell is None or min(cell) < 0 else cell
        raised = np.exp(-0.5 * ((x[i] - x) * now.w) ** 2)
        if not self.began.params.sees_itself:
            raised[i] = 0.0
        inside = f"({two(x[i])} − {signed(x[j], two)}) × {signed(now.w, two)}"
        rest = f"{words.number(raised[j], 3)} / {words.number(raised.sum(), 3)} = {words.number(now.weights[i, j], 3)}"
        say(self.formula, "setText", words.plain(f"softmax(−½((x − xᵢ)w)²) = exp(−½({inside})²) / Σ exp = {rest}"))

    def _draw_fit(self, now: NowW) -> None:
        assert self.began is not None
        first = self.began.first
        x, y = np.array(points_of(self.began.params)).T
        lines = known_curve(float(now.grid[0]), float(now.grid[-1]), self.began.params)
        lines.append(Line(Message("before"), first.grid, first.fit, "text2", style="dash", width=1.5))
        lines.append(Line(Message("now"), now.grid, now.fit, "cat0", width=2))
        self.fit_plot.set_lines(lines)
        self.fit_plot.set_points(x, y)

    def _show_map(self, now: NowW, view: WeightMap, bar: ColorBar) -> None:
        assert self.began is not None
        keys = np.sort(np.array(points_of(self.began.params))[:, 0])
        top = max(float(now.weights.max(initial=0)), 1e-9)
        view.set_weights(now.weights, keys, keys, top)
        bar.set_range(0, top)

    def _pointed(self, x: float | None) -> None:
        """A step under the pointer: its values beside the title, its w on the landscape."""
        at = None if x is None else self.values_at(int(np.clip(round(x), 0, self.last)))
        self.loss.set_cursor(None if at is None else float(at.step))
        self.land.set_cursor(None if at is None else abs(at.w))
        if at is None:
            self.draw()
        else:
            values = {"n": words.number(at.step), "loss": two(at.loss), "w": two(at.w)}
            self.loss_card.set_note(Message("step {n}: {loss} at w = {w}", values))

    def values_at(self, step: int) -> TrainStep | None:
        """What the run told of a step."""
        return self.path[step] if 0 <= step < len(self.path) else None


def _width(w: float) -> str:
    return words.number(1 / abs(w), 2) if abs(w) > 1e-3 else "∞"
