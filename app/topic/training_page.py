"""A page with a long run behind it: transport, what waits for a new run, runs that were left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, ClassVar

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import words
from app.kept import WORTH, KeptRuns, shelf_at
from app.pending import Pending
from app.session.content import Run, as_params
from app.topic.page import Page
from app.training import Training
from app.transport import Transport
from app.waiting import DRIVEN
from engines.core.errors import Message
from engines.core.keeping import settings_of
from engines.core.params import SETTING, Choice, Params, renamed, with_role
from engines.core.protocol import Event
from engines.core.training import TrainingParams, Weights
from engines.studies.spec import Kind, Preset
from engines.studies.trained import kind_of

ALONE = Message("A setting was changed during this run: the session has its curves alone.")


class TrainingPage(Page):
    """Base of the pages that train.

    A subclass hands its `Training` to `train`, then builds its dock, which holds `pending` and `kept_runs` where they
    have a place: each is made when it is asked for.

    Class attributes
    ----------------
    keeps : bool
        Its runs are kept, and `kept_runs` offers them; off where a run saves itself in a way of its own.

    Attributes
    ----------
    training : Training
        Several pages may show the same.
    transport : Transport
    """

    keeps: ClassVar[bool] = True
    _branches = False  # the run that begins is a branch of the one before
    _branched_at: Params | None = None  # what a step back led to then

    def train(
        self, training: Training, transport: Transport, put: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Connect the page with its run.

        Parameters
        ----------
        training : Training
        transport : Transport
            The bar that drives it.
        put : callable, optional
            Brings the settings of a run that was left into the page; by default `put_run`.
        """
        self.training, self.transport, self._put = training, transport, put or self.put_run
        training.arrived.connect(self.told)
        training.looked.connect(self.look)
        training.branching.connect(self._keep_past)
        training.renewed.connect(self._forget_past)
        training.waiting.connect(lambda _count: self.state.stepped.emit())
        transport.offer_study()
        transport.studied.connect(self._study)

    def lay(self, centre: QWidget, *dock: QWidget, resets: bool = True) -> None:
        """As of any page; the centre is a column of two, the cards and the bar below them."""
        super().lay(centre, *dock, resets=resets)
        self.room.lead()

    @cached_property
    def pending(self) -> Pending:
        """How many settings wait for a new run; belongs into the section of those settings."""
        made = Pending()
        self.training.waiting.connect(made.show_count)
        made.anew.clicked.connect(lambda _checked=False: self.training.restart())
        return made

    @cached_property
    def kept_runs(self) -> KeptRuns:
        """Runs that were left; belongs on top of the dock."""
        made = KeptRuns(self, self.training, self._put, shelf_at(self.training.place))
        made.offer(tell=True)
        return made

    def put_run(self, found: dict[str, Any]) -> None:
        """Bring the settings of a run that was left into the page; what is looked at and how it is drawn stays.

        A setting that is younger than the run has its default: until it came, there was nothing else.
        """
        found = {**vars(type(self.params)()), **renamed(self.params, found)}
        made_of = settings_of(self.params).keys() & with_role(self.params, "role", SETTING)
        self.state.put(**{name: found[name] for name in made_of})

    def at_stake(self) -> Message | None:
        """A run that can't be gone on with at the next start, unless what it has made is kept in another way."""
        run = self.training
        if not self.keeps or run.is_kept or run.step < WORTH:
            return None
        return Message("A training of {n} {n:step|steps} is not kept.", {"n": words.number(run.step)})

    @property
    def trains(self) -> bool:
        return self.training.runs

    def run_began(self) -> Params | None:
        """The settings that the run in hand began with; None before its first step."""
        run = self.training
        if run.params is None or not run.step or not run.way.is_known:
            return None
        return replace(run.params, **run.way.first)

    def run_now(self) -> Run | None:
        run = self.training
        if run.params is None or not run.step:
            return None
        curves = tuple(plot.traces() for plot in self.histories())
        again = not run.way.why_not(run.params, run.step)
        params = replace(run.params, **run.way.first) if again else run.params  # what was set at rest made no step
        return Run(run.step, self.transport.selected, params, curves, again)

    def bring_run(self, run: Run, offered: bool) -> None:
        """The settings of the page come from the session, too; the run goes back to its step, and rests there."""
        if offered and not self.keeps:
            return  # it offers its runs in a way of its own
        params = as_params(run.params, self.training.asked, self.name())
        if not isinstance(params, TrainingParams):
            return
        if self.training.bring_back(params, run.step, run.at, offered, run.again):
            if not self.training.runs:
                self.training.offered = ALONE
            named = Message("Dotted: the run of the session, up to step {n}", {"n": words.number(run.step)})
            for plot, traces in zip(self.histories(), run.curves, strict=False):
                plot.show_past(traces, named)

    def _study(self) -> None:
        if self.on_screen:  # pages may share a bar
            self.shell.studies.of_page(self)

    def histories(self) -> Sequence[Any]:
        """The plots of the run's steps; of a branch they show the old run, too."""
        return [one for one in self.centre.findChildren(QWidget) if getattr(one, "is_history", False)]

    def _keep_past(self, named: Message) -> None:
        self.state.history.seal()  # what is set from here on is a step of its own
        self._branches, self._branched_at = True, self.state.history.newest
        for plot in self.histories():
            plot.keep_past(named)

    def _forget_past(self) -> None:
        if not self._branches:
            for plot in self.histories():
                plot.keep_past("")
        self._branches = False
        if self.training.offered is ALONE:
            self.training.offered = None

    def undo(self) -> None:
        """One step back; where nothing was set since the run branched off, the run before comes back."""
        if self.state.history.newest is not self._branched_at or not self.training.leave_branch():
            super().undo()

    @property
    def can_undo(self) -> bool:
        return super().can_undo or self.training.way.left is not None

    # -- what a subclass says
    def presets(self) -> tuple[Preset, ...]:
        """Studies that are worth a look."""
        return ()

    def options(self) -> dict[str, Choice]:
        """Settings without a control that a study may vary, as a model among those that are here."""
        return {}

    def studied(self) -> tuple[Kind, Params, int]:
        """What "Study" makes runs of: the kind, the settings as they are, and the most steps (0: none to choose)."""
        asked = self.training.asked
        return kind_of(self.training.trainer, type(asked)), asked, self.training.most

    def told(self, event: Event) -> None:
        """Draw what the run tells."""

    def look(self, state: Weights | None) -> None:
        """Draw a kept state; None is the newest, live."""

    # -- the contract
    def show_params(self, params: Any) -> None:
        if self.on_screen:
            self.training.settings_changed()

    def activated(self) -> None:
        self.training.settings_changed()

    def key(self, event: QKeyEvent) -> bool:
        return self.transport.take_key(event)

    def escape(self) -> None:
        if self.transport.selected is not None:
            self.transport.live.click()

    def device_changed(self, device: str) -> None:
        self.training.set_device(device)

    def exported(self) -> dict[str, object]:
        """The settings of the run in hand, which may be older than those of the page."""
        run = self.training.params
        if run is None:
            return super().exported()
        return {f.name: getattr(run, f.name) for f in fields(run) if f.name not in DRIVEN}
