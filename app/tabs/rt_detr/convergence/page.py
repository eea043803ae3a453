"""The page "Convergence": RT-DETR with and without denoising queries, DETR beside it, and who owns each object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curves
from app.rows import Rows
from app.shell import Shell
from app.tabs.rt_detr.arms import ArmsPage
from app.tabs.rt_detr.names import class_name
from app.tabs.rt_detr.places import PlaceFilm
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.matchfilm import MatchFilm
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, button, col, quiet
from engines.core.errors import Message
from engines.data.detector_training import NEW_RUN, object_name
from engines.rt_detr.compared import AP50, SWITCHED, Floats, steps_to
from engines.rt_detr.convergence.spec import GOAL, LOOK_EVERY, STEPS, ConvergenceParams

SAYS = (
    'All learn on the same scenes in the same order, with small models; "without" is the same RT-DETR without '
    "denoising queries. Switched: share of the objects whose query lies at another location than at the last look; for "
    "DETR, whose learned query is another one. Seconds of the processor."
)
FILMS = (0, 2)  # the arms that have one: with denoising, and DETR


class ConvergencePage(ArmsPage):
    """Curves, two films, and who is ahead."""

    title = "Convergence"
    params_type = ConvergenceParams
    trainer = "engines.rt_detr.convergence.trainer:Trainer"
    most, every, kept_as = STEPS, LOOK_EVERY, "rt-detr-convergence"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.films: tuple[MatchFilm, MatchFilm] = (PlaceFilm(), MatchFilm())
        self.verdicts = Verdicts("Who gets there first")
        back = button(icon="left", kind="boxed", tip="Previous scene", clicked=lambda: self._watch(-1))
        on = button(icon="right", kind="boxed", tip="Next scene", clicked=lambda: self._watch(1))
        for film, file, name in zip(
            self.films, ("matching-rt-detr", "matching-detr"),
            ("Matching, RT-DETR", "Matching, DETR"), strict=True,
        ):  # fmt: skip
            film.export_name = file
            words.say(film, "setAccessibleName", name)
            film.chosen.connect(lambda owner, film=film: film.set_at(-1 if film.at() == owner else owner))
        ap, switched = self.plots
        self.ap_card = card("AP50, %", ap, foot=ap.key)
        self.switch_card = card("Switched, %", switched, foot=switched.key)
        self.film_cards = (
            card("RT-DETR", self.films[0], "query's location", tools=[back, on]),
            card("DETR", self.films[1], "query of each object"),
        )
        listed = QScrollArea()  # not all claims are in sight in a low window
        listed.setWidget(self.verdicts)
        listed.setWidgetResizable(True)
        listed.setFrameShape(QFrame.Shape.NoFrame)
        listed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        listed.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verdict_card = card("Who gets there first", listed)
        form = ParamsForm(self.params, ("begin", "scenes", "groups", "beside", "learning_rate", "seed"))
        form.add(NEW_RUN, self.pending)
        form.add(NEW_RUN, quiet(SAYS, wrap=True))
        form.lead(self.kept_runs)
        curves = box(col((self.ap_card, 1), (self.switch_card, 1), gap=S3))
        films = box(col(*((one, 1) for one in self.film_cards), gap=S3))
        rows = Rows([[(curves, 1), (films, 1), (self.verdict_card, 1)]], (1,))
        self.lay(box(col((rows, 1), self.transport, gap=S3)), form, resets=False)
        self.redraw()

    def make_plots(self) -> tuple[Curves, ...]:
        made = tuple(Curves(y_range=(0.0, 100.0), y_ticks=(0.0, 50.0, 100.0), widest="100.0") for _ in range(2))
        for one, name, file in zip(made, ("AP50, %", "Switched, %"), ("ap50", "switched"), strict=True):
            one.export_name = file
            words.say(one, "setAccessibleName", name)
        return made

    def of_run(self) -> ConvergenceParams:
        params: ConvergenceParams = self.params
        return replace(params, scene=0)  # which scene is watched is nothing to the run

    def _watch(self, by: int) -> None:
        if self.began is not None:
            self.change(scene=(self.params.scene + by) % len(self.began.examples))
            self.settle()

    # -- drawing
    def redraw(self) -> None:
        if not hasattr(self, "verdict_card"):
            return  # still being built
        steps, figures, seconds = self.series()
        for one in (self.ap_card, self.switch_card, self.verdict_card):
            one.set_empty(None if len(steps) else self.nothing("Start the training: nothing is bundled here."))
        self._draw_films()
        if not len(steps):
            return
        self.note((self.ap_card,))
        end = float(steps[-1] if not self.told_looks else max(200.0, 1.25 * float(steps[-1])))
        self.plots[0].set_curves(self.curves(AP50), end)
        self.plots[1].set_curves(self.curves(SWITCHED), end)
        self.verdicts.set_verdicts(self._verdicts(steps, figures, seconds))

    def _draw_films(self) -> None:
        began, looks = self.began, self.told_looks
        for one in self.film_cards:
            one.set_empty(self.nothing("Start the training: who owns each object is shown as it goes."))
        if began is None or not looks:
            return
        watched = min(self.params.scene, len(began.examples) - 1)
        example = began.examples[watched]
        names = [
            Message("{letter} {name}", {"letter": object_name(at), "name": class_name(began.classes[int(label)])})
            for at, label in enumerate(example.labels)
        ]
        for film, one, arm in zip(self.films, self.film_cards, FILMS, strict=True):
            if arm >= len(began.names):
                one.set_empty("DETR does not learn beside.")
                continue
            one.set_empty(None)
            film.set_film(names, [look.step for look in looks], np.stack([look.owners[arm][watched] for look in looks]))
            back = self.looks.back
            film.set_cursor(None if back is None else float(back))

    def _verdicts(self, steps: np.ndarray, figures: Floats, seconds: Floats) -> list[Verdict]:
        def percent(value: float) -> str:
            return words.number(100 * value, 1)

        def whole(value: float) -> str:
            return words.number(round(value))

        arms, seeds = figures.shape[2:]
        first, stays = (
            np.array([[steps_to(steps, figures[:, AP50, a, s], GOAL, on) for s in range(seeds)] for a in range(arms)])
            for on in (False, True)
        )
        never = words.tr("not in this run")
        pace = seconds[-1] / steps[-1]  # (A,)
        late = np.where(steps > steps[-1] / 2)[0]
        moved = figures[late, SWITCHED].astype(float)
        calm = np.where(moved >= 0, moved, np.nan).mean(0)  # (A, S); at the first look there is none before
        milliseconds = [
            Finding(Message(name), f"{words.number(1000 * float(each), 0)} ms")
            for name, each in zip(self.names, pace, strict=True)
        ]
        return [
            Verdict(Message("Steps to AP50 50 %"), tuple(self.findings(first, whole, never))),
            Verdict(Message("Steps to stay above 50 %"), tuple(self.findings(stays, whole, never))),
            Verdict(Message("The same in seconds"), tuple(self.findings(stays * pace[:, None], whole, never))),
            Verdict(Message("AP50 at the end, %"), tuple(self.findings(figures[-1, AP50], percent))),
            Verdict(Message("Switched, second half, %"), tuple(self.findings(calm, percent))),
            Verdict(Message("What a step costs"), tuple(milliseconds)),
        ]
