"""The tab "Attention pooling": kernel regression by hand, and one width learned by gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence

from app.kept import KeptRuns
from app.params_form import ParamsForm
from app.pending import Pending
from app.tab import Dock, Page, TopicTab
from app.tabs.attention_pooling.learned import LearnedPage
from app.tabs.attention_pooling.regression import RegressionPage
from app.tabs.attention_pooling.running import Running
from app.widgets import WideButton, quiet
from app.words import say
from engines.attention_pooling.spec import (
    MOST,
    LeaveOneOut,
    NowW,
    PooledFrame,
    PoolingParams,
    of_run,
    parse,
    points_of,
    same_pooling,
)
from engines.core.errors import LabError, Message
from engines.core.params import Params, Range, rules
from engines.core.protocol import Ended, Event

REGRESSION, LEARNED = range(2)
DRAWN = ("samples", "noise", "seed")  # what drawn points are made of
NEW_RUN = (
    (
        "Off: each point is predicted from the others. Too small a w blurs the curve, too large a w copies the nearest "
        "point's noise, so the loss has an inner optimum."
    ),
    (
        "On: a point is its own nearest key. The larger w, the more it looks at nobody else, so the training loss "
        "falls towards 0 and w never comes to rest: overfitting."
    ),
)


class PoolingTab(TopicTab):
    """Pages "Kernel regression" and "Learned w" over the same points."""

    params_type = PoolingParams
    intervenes: ClassVar[tuple[str, ...]] = ("kernel", "bandwidth", "points")
    params: PoolingParams

    # -- building
    def build(self) -> Sequence[Page]:
        self.regression, self.learned = RegressionPage(), LearnedPage()
        for waiting in (*self.regression.cards, *self.learned.cards):
            waiting.set_empty("Drawing points")
        self.form = ParamsForm(PoolingParams(), ("kernel", "bandwidth", "all_kernels", *DRAWN))
        self.origin = quiet("", wrap=True)
        paste = WideButton("Paste points (CSV)", "copy", tip="Two columns, x and y, from the clipboard (Ctrl+V).")
        paste.clicked.connect(lambda _checked=False: self.paste_points())
        for part in (self.origin, paste):
            self.form.add("Data", part)
        self.run_form = ParamsForm(PoolingParams(), ("learning_rate", "optimizer", "pace", "sees_itself"))
        self.why = quiet("", wrap=True)
        self.pending = Pending()
        recipe = WideButton("5 steps at rate 0.5", "play", tip="The usual recipe: plain SGD from a random start.")
        self.run_form.add("Changes at once", recipe)
        self.run_form.add("Starts a new run", self.why)
        self.run_form.add("Starts a new run", self.pending)
        self.running = Running(self, self.learned)
        self.kept_runs = KeptRuns(self, self.running, lambda found: self.change(False, **of_run(found)))
        self.run_form.lead(self.kept_runs)
        recipe.clicked.connect(lambda _checked=False: self.usual_recipe())
        self.pending.anew.clicked.connect(lambda _checked=False: self.running.restart())
        self._connect()
        return [
            Page("Kernel regression", self.regression.centre, Dock(self.form)),
            Page("Learned w", self.learned.centre, Dock(self.run_form, resets=False)),
        ]

    def _connect(self) -> None:
        plot = self.regression.plot
        plot.query_moved.connect(lambda x: self.change(query=x))
        plot.query_settled.connect(lambda: self.history.seal())
        plot.point_moved.connect(self._move)
        plot.point_settled.connect(lambda: self.history.seal())
        plot.point_added.connect(self.add_point)
        plot.point_removed.connect(self.remove_point)
        self.regression.map.clicked.connect(self._row_chosen)
        self.regression.error.query_moved.connect(self._bandwidth_pulled)
        self.regression.error.query_settled.connect(lambda: self.history.seal())
        self.learned.transport.seeded.connect(lambda seed: self._step(start_seed=seed))

    # -- the hand
    def _step(self, **fields: Any) -> None:
        """A change that is an undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _move(self, index: int, x: float, y: float) -> None:
        points = list(points_of(self.params))
        if index < len(points):  # an answer to what stood there before may have put back a point that is gone
            points[index] = (x, y)
            self.change(points=tuple(points))

    def add_point(self, x: float, y: float) -> None:
        """Put a point where the hand clicked."""
        points = points_of(self.params)
        if len(points) >= MOST:
            self.tell(Message("There are {n} points already.", {"n": MOST}))
            return
        self._step(points=(*points, (x, y)))

    def remove_point(self, index: int) -> None:
        """Take a point away; one has to stay."""
        points = points_of(self.params)
        if len(points) == 1:
            self.tell(Message("The last point stays."))
            return
        self._step(points=points[:index] + points[index + 1 :])

    def _bandwidth_pulled(self, bandwidth: float) -> None:
        rule = rules(self.params)["bandwidth"]
        assert isinstance(rule, Range)
        self.change(bandwidth=min(rule.high, max(rule.low, round(bandwidth, rule.digits))))

    def _row_chosen(self, cell: tuple[int, int]) -> None:
        if self.regression.shown is not None:
            self._step(query=float(self.regression.shown.queries[cell[0]]))

    # -- own points
    def paste_points(self) -> None:
        """Take two columns of numbers from the clipboard."""
        self.take_text(QGuiApplication.clipboard().text())

    def take_text(self, text: str) -> bool:
        """Use pasted or dropped points; what can't be read is named under the header."""
        self.error.dismiss()
        try:
            points, note = parse(text)
        except LabError as problem:
            self.complain(problem.message, word="Refused")
            return False
        self._step(points=points, known=False)
        if note is not None:
            self.error.tell(note, word="Note", kind="warning")
        self.tell(Message("{n} points taken", {"n": len(points)}))
        return True

    def event(self, event: QEvent) -> bool:
        """Ctrl+V is the tab's own while it has the focus: the window would look for a picture."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_paste(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_paste(event):
            self.paste_points()
        elif self.page != LEARNED or not self.learned.transport.take_key(event):
            super().keyPressEvent(event)

    # -- settings
    def change(self, undoable: bool = True, **fields: Any) -> None:
        if any(name in fields for name in DRAWN):
            fields = {"points": None, "known": True, **fields}
        new = replace(self.params, **fields)
        if not same_points(new, self.params) and "query" not in fields:
            x = np.array(points_of(new))[:, 0]
            if not x.min() <= new.query <= x.max():  # the query goes where the points are
                fields["query"] = float((x.min() + x.max()) / 2) if len(x) > 1 else float(x[0])
        super().change(undoable, **fields)

    def _use(self, params: Params) -> None:
        assert isinstance(params, PoolingParams)
        if same_pooling(self.params, params) and not self.failed:
            self.params = params
            self.show_params()
            self.shell.settings.keep(self.topic.name, params, self.kept)
        else:
            super()._use(params)
        self.running.params_changed()

    def changes(self) -> int:
        plain = PoolingParams()
        return sum(getattr(self.params, name) != getattr(plain, name) for name in self.intervenes)

    def untouched(self) -> Params:
        params: PoolingParams = replace(self.params, known=True, points=None)
        x = np.array(points_of(params))[:, 0]
        plain = PoolingParams()
        inside = bool(x.min() <= params.query <= x.max())
        return replace(
            params, kernel=plain.kernel, bandwidth=plain.bandwidth, query=params.query if inside else plain.query
        )

    def show_params(self) -> None:
        super().show_params()
        params = self.params
        points = points_of(params)
        self.regression.show_points(points, params)
        count = {"n": len(points)}
        if params.points is None:
            say(self.origin, "setText", Message("{n} points drawn around 2 sin x + x^0.8", count))
        elif params.known:
            say(self.origin, "setText", Message("{n} points, changed by hand. The sliders draw new ones.", count))
        else:
            say(self.origin, "setText", Message("{n} own points. The sliders draw new ones.", count))
        say(self.why, "setText", NEW_RUN[params.sees_itself])
        self.learned.transport.set_seed(params.start_seed)
        made: dict[str, object] = {name: getattr(params, name) for name in rules(params) if name != "until"}
        made |= {"points": len(points), "own_points": params.points is not None, "query": params.query}
        for view in self.regression.views:
            view.settings = made

    # -- tools
    def fit(self) -> None:
        for view in (*self.regression.views, *self.learned.views):
            view.fit()

    def escape(self) -> None:
        self.regression.plot.escape()
        self.regression.plot.update()
        if self.learned.transport.looks is not None:
            self.learned.transport.live.click()

    # -- pages
    def shown(self) -> None:
        super().shown()
        self.running.params_changed()

    def show_page(self, index: int) -> None:
        super().show_page(index)
        self.running.params_changed()

    def usual_recipe(self) -> None:
        """Run five steps at rate 0.5, as courses do."""
        self._step(learning_rate=0.5, optimizer=PoolingParams.optimizer)
        self.running.restart()
        self.running.play_to(5)

    # -- events
    def on(self, event: Event) -> None:
        match event:
            case PooledFrame():
                for ready in self.regression.cards[:-1]:
                    ready.set_empty(None)
                self.regression.formula_card.set_empty(None)
                self.regression.show_pooled(event, self.params)
            case LeaveOneOut():
                self.regression.show_error(event)
            case NowW():
                self.learned.look(event if self.learned.transport.looks is not None else None)
            case Ended() if event.error is not None and self.regression.shown is None:
                for waiting in self.regression.cards:
                    waiting.set_empty("Nothing to show yet.")


def same_points(a: PoolingParams, b: PoolingParams) -> bool:
    """Whether two settings stand for the same points."""
    return all(getattr(a, name) == getattr(b, name) for name in ("points", *DRAWN))


def _is_paste(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Paste)
