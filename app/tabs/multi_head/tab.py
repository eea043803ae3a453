"""The tab "Multi-head": one layer opened up, and two models that show why it has more than one head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from PySide6.QtGui import QKeyEvent

from app import words
from app.controls import HeadChips
from app.kept import KeptRuns
from app.params_form import ParamsForm
from app.pending import Pending
from app.tab import Dock, Page, TopicTab
from app.tabs.multi_head.dock import set_powers
from app.tabs.multi_head.heads import HeadsPage
from app.tabs.multi_head.running import Running
from app.tabs.multi_head.training import TrainingPage
from app.widgets import quiet
from app.words import say
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.protocol import Ended, Event
from engines.multi_head.spec import (
    BOTH,
    LOOK,
    NEW_RUN,
    HeadsFrame,
    MultiHeadParams,
    causal,
    fitting,
    of_run,
    same_heads,
)

HEADS, TRAINING = range(2)
WHY = {
    True: "A head gives one weighted mean. One head that looks both ways brings both letters, but not which is which; "
    "two heads bring one letter each.",
    False: "One letter at a time: a single head is enough for it.",
}


class MultiHeadTab(TopicTab):
    """Pages "Heads" and "Training"."""

    params_type = MultiHeadParams
    intervenes: ClassVar[tuple[str, ...]] = ("temperature", "heads_off", "blocked")
    params: MultiHeadParams

    # -- building
    def build(self) -> Sequence[Page]:
        self.params = fitting(self.params)
        self.heads, self.training = HeadsPage(), TrainingPage()
        for waiting in self.heads.cards:
            waiting.set_empty("Drawing tokens")
        self.form = ParamsForm(
            MultiHeadParams(), ("heads", "temperature", "width", "weight_seed", "kind", "tokens", "batch", "seed")
        )
        set_powers(self.form, "heads", "width")
        self.chips = HeadChips("On or off")
        self.random = quiet("The weights are random, not trained.", wrap=True)
        self.form.add(LOOK, self.chips, at=1)
        self.form.add("Layer", self.random)
        self.run_form = ParamsForm(MultiHeadParams(), ("learning_rate", "pace", "task", "train_width"))
        set_powers(self.run_form, "train_width")
        self.why, self.large, self.pending = quiet("", wrap=True), quiet("", wrap=True), Pending()
        for part in (self.why, self.large, self.pending):
            self.run_form.add(NEW_RUN, part)
        self.running = Running(self, self.training)
        self.kept_runs = KeptRuns(self, self.running, lambda found: self.change(False, **of_run(found)))
        self.run_form.lead(self.kept_runs)
        self._connect()
        return [
            Page("Heads", self.heads.centre, Dock(self.form)),
            Page("Training", self.training.centre, Dock(self.run_form, resets=False)),
        ]

    def _connect(self) -> None:
        page = self.heads
        page.mosaic.chosen.connect(lambda head: self._step(head=head))
        page.flow.chosen.connect(lambda head: self._step(head=head))
        page.agreement.clicked.connect(lambda cell: self._step(head=cell[0]))
        page.mask.painted.connect(lambda cells: self.change(blocked=self._with_outer(cells)))
        page.mask.finished.connect(lambda: self.history.seal())
        page.causal.clicked.connect(lambda _checked=False: self._step(blocked=causal(self.params.tokens)))
        page.clear.clicked.connect(lambda _checked=False: self._step(blocked=()))
        self.chips.changed.connect(lambda off: self._step(heads_off=off))
        self.pending.anew.clicked.connect(lambda _checked=False: self.running.restart())
        self.training.transport.seeded.connect(lambda seed: self._step(train_seed=seed))

    # -- the hand
    def _step(self, **fields: Any) -> None:
        """A change that is an undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _with_outer(self, cells: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """Painted pairs, and those that a shorter sequence hides."""
        outer = (cell for cell in self.params.blocked if max(cell) >= self.params.tokens)
        return tuple(sorted({*cells, *outer}))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.page != TRAINING or not self.training.transport.take_key(event):
            super().keyPressEvent(event)

    # -- settings
    def _use(self, params: Params) -> None:
        assert isinstance(params, MultiHeadParams)
        old, new = self.params, fitting(params)
        if same_heads(old, new) and not self.failed:
            self.params = new
            self.show_params()
            self.shell.settings.keep(self.topic.name, new, self.kept)
        else:
            super()._use(new)
        self.running.params_changed()

    def changes(self) -> int:
        plain, now = MultiHeadParams(), self.params
        return len(now.heads_off) + bool(now.blocked) + (now.temperature != plain.temperature)

    def show_params(self) -> None:
        super().show_params()
        params = self.params
        self.chips.show_heads(params.heads, params.heads_off)
        self.heads.show_head(params)
        self.training.transport.set_seed(params.train_seed)
        say(self.why, "setText", WHY[params.task == BOTH])

    def show_size(self, count: int) -> None:
        """Say how large both models are."""
        say(self.large, "setText", Message("{n} parameters each", {"n": words.number(count)}))

    def show_page(self, index: int) -> None:
        super().show_page(index)
        self.running.params_changed()

    def shown(self) -> None:
        super().shown()
        self.running.params_changed()

    # -- drawing
    def on(self, event: Event) -> None:
        match event:
            case HeadsFrame():
                self.heads.take(event, self.params)
                for ready in self.heads.cards:
                    ready.set_empty(None)
            case Ended() if event.error is not None and self.heads.frame is None:
                for waiting in self.heads.cards:
                    waiting.set_empty("Nothing to show yet.")

    def fit(self) -> None:
        for view in (*self.heads.views, *self.training.views):
            view.fit()
