"""Drives a long training run: start, pause, one step, start anew, looking back. Knows no topic.

The run goes as fast as the lane allows, as its guest: other tabs, looking back and typing come first and never end
it. It is paused by lowering ``until``. What starts a new run is counted when it is changed and waits until the hand
asks for it; what is live is handed to the run at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app import words
from app.branching import Left, Way
from app.remedy import Act, remedy
from app.shell import Host
from app.transport import Transport, apart, training_stream
from app.waiting import Waiting
from app.words import Text
from engines.core import pack
from engines.core.errors import Message
from engines.core.keeping import place_of, saved_runs, settings_of
from engines.core.protocol import Ended, Started
from engines.core.training import Finished, Kept, NotSaved, Stepped, Stopped, Timeline, TrainingParams, Weights

DRAW = 100  #: ms between two redrawings of the bar


class Training(QObject):
    """One training page's run.

    Parameters
    ----------
    host : Host
        Page or tab; says notes and errors, and owns the run.
    place : str
        The training engine, ``module:Class``; its params are `TrainingParams`, and it goes on with a run as long as
        ``run`` stays the same.
    transport : Transport
        The bar below the page.
    settings : callable
        The settings that a run begun now would have; ``run`` and ``until`` are filled in here.
    most : int
        The last step.
    keep : str
        What its runs are kept as, so that a kill costs little; empty for runs that keep themselves, or not at all.
    brought : tuple of str
        Live settings that others bring along, as a model its learning rate: changed so they wait for a new run, too.

    Attributes
    ----------
    place : Path or None
        The file that its runs are kept in.
    trainer, most : str, int
        The engine and the last step.
    params : TrainingParams or None
        Those of the run in hand.
    step : int
        The newest step told.
    timeline : Timeline
        The kept states.
    way : Way
        How the run in hand has come to its step.
    offered : Message or None
        What is said where no step was made: that there is a run to go on with.
    cure : callable
        Gives the action to offer beside an error, and what it does; by default a new run.
    ask_first : callable
        Gets what ends the run in hand for good, and does it when its person agrees; by default at once.

    Signals
    -------
    arrived : Event
        Everything the run tells, in order.
    renewed
        A new run begins: forget the old one.
    branching : Message
        The next run is beside the one in hand, whose curves are to stay; what they are to be called.
    looked : Weights or None
        The kept state to look at; None is the newest, live.
    waiting : int
        How many settings wait for a new run.
    """

    arrived = Signal(object)
    renewed = Signal()
    branching = Signal(object)
    looked = Signal(object)
    waiting = Signal(int)

    def __init__(
        self,
        host: Host,
        place: str,
        transport: Transport,
        settings: Callable[[], TrainingParams],
        most: int,
        keep: str = "",
        brought: tuple[str, ...] = (),
    ) -> None:
        super().__init__(host if isinstance(host, QObject) else None)
        self._host, self._bar, self._settings = host, transport, settings
        self.trainer, self.most = place, most
        self.stream = training_stream(host.shell.lane, place, self)
        self.stream.device = host.shell.settings.device
        self.stream.arrived.connect(self._arrived)
        self.place = place_of(keep) if keep and host.shell.settings.folder is not None else None
        self.params: TrainingParams | None = None
        self.step = 0
        self.timeline = Timeline()
        self.ask_first: Callable[[Callable[[], object]], object] = lambda act: act()
        self.cure: Callable[[], tuple[Text, Act]] = lambda: ("Restart", self.restart)
        self.offered: Message | None = None
        self._on_disk = True  # what is trained comes to the disk by itself
        self._ended = False  # the run came to its end by itself, of which its page has told
        self._waiting = Waiting(brought)
        self._until_back: tuple[int, int | None] | None = None  # where a session's run goes to, and what is looked at
        self.way = Way()
        self._number = self._heard = 0  # of the run in hand, and of that which the events at hand are of
        self._until, self._began_at, self._steps_then = 0, 0.0, 0
        self._rest = QTimer(self, singleShot=True, interval=DRAW)  # of the bar: steps may come by the hundred
        self._rest.timeout.connect(self._draw)
        transport.toggled.connect(lambda on: self.play() if on else self.pause())
        transport.stepped.connect(self.one_step)
        transport.restarted.connect(self.restart)
        transport.looked.connect(self._look)
        transport.branched.connect(self.branch)

    # -- acts
    @property
    def number(self) -> int:
        """Of the run in hand; each has another."""
        return self._number

    @property
    def is_kept(self) -> bool:
        """Whether the run will be there at the next start."""
        return self.place is not None and self._on_disk and self.step < self.most

    @property
    def runs(self) -> bool:
        """Whether the run is going on."""
        return self._bar.runs

    @property
    def weights(self) -> Weights | None:
        """The state looked at: the one looked back at, else the newest kept."""
        step = self._bar.selected
        return self.timeline.newest if step is None else self.timeline.at(step)

    def play(self) -> None:
        """Go on until pause."""
        if self.params is None:
            self._begin()
        if self.step >= self.most:
            self._host.tell(Message("The run has reached its last step."))
            return
        self._began_at, self._steps_then, self._ended = time.monotonic(), self.step, False
        self._bar.set_running(True)
        self._bar.go_live()  # what is trained is seen
        self._go()

    def _go(self) -> None:
        """Let the run go on: as fast as the lane allows."""
        self._send(self.most)

    def pause(self) -> None:
        """Stop after the step in hand."""
        self._until_back = self._until_back if self._is_back else None
        self._bar.set_running(False)
        self._send(0)
        if not self.stream.is_busy:
            self._rests()

    def one_step(self) -> None:
        """One step, then rest."""
        if self.params is None:
            self._begin()
        self._ended = False
        self._bar.go_live()
        self._send(min(self.most, max(self._until, self.step) + 1))

    def restart(self) -> None:
        """A new run with the present settings; it goes on at once if the one before did. The one before is lost."""
        self.ask_first(self.begin_anew)

    def begin_anew(self) -> None:
        """The same unasked."""
        runs = self.runs
        self._begin()
        if runs:
            self.play()

    def branch(self, step: int) -> None:
        """Go on from a step of the past with the present settings: a run of its own, beside the one in hand.

        A kept state is not all that an optimizer needs: the way up to it is trained again, which makes the same steps.
        """
        if self.params is None or self.why_no_branch(step):
            return
        live = self.way.first
        left = Left(self.params, live, self.step, step, self.why_no_branch(self.step))
        self.branching.emit(Message("Dotted: before the branch at step {n}", {"n": words.number(step)}))
        self._begin(params=replace(self.params, **live, branches=True))
        self.way.go_again(step, live, left)
        self.waiting.emit(self.pending())
        self._began_at, self._steps_then = time.monotonic(), step
        self._bar.set_running(True)
        self._send(step)

    def leave_branch(self) -> bool:
        """Have the run back that the one in hand has branched off, where it was; False where it is no branch.

        It is trained again, which makes the same steps, and rests at its newest; where that can't be, it is said why.
        """
        if (left := self.way.left) is None:
            return False
        if left.why_not:
            self._host.tell(Message("The branch can't be undone. {why}", {"why": Message(left.why_not)}))
            return True
        self.branching.emit(Message("Dotted: the branch from step {n}", {"n": words.number(left.at)}))
        self._begin(params=replace(left.params, **left.live, branches=True))
        self.way.go_again(left.step, left.live)
        self._back_to(left.step)
        return True

    def why_no_branch(self, step: int) -> str:
        """Why a step can't be gone on from; empty where it can."""
        return self.way.why_not(self.params, step)

    def go_on(self, step: int = 0) -> None:
        """Go on with the run that is kept, at its ``step``; the page has its settings."""
        self._begin(resume=True)
        self.play()
        self._steps_then = step  # what it tells again is no work of now

    @property
    def asked(self) -> TrainingParams:
        """The settings that a run begun now would have."""
        return self._settings()

    def bring_back(self, params: TrainingParams, step: int, at: int | None, offered: bool, again: bool = True) -> bool:
        """Have a run of these settings at a step, look back at another, and rest. Whether there was none before.

        What is kept of it is gone on with, or left where it is ``offered``; else it is trained ``again``, if it can be.
        """
        kept = saved_runs(self.place) if self.place is not None else []
        if self.step or self._until_back is not None or (kept and offered):
            return False
        same = bool(kept) and kept[0].settings == pack.unpacked(pack.packed(settings_of(params), pack.Arrays()), [], {})
        self._begin(resume=same, params=params)
        if same or again:
            self.way.go_again(step, self._waiting.live(params))
            self._back_to(step, at)
        return True

    def _back_to(self, step: int, at: int | None = None) -> None:
        """Go on up to a step where the run was before, look at ``at``, and rest."""
        self._until_back = step, at
        self._bar.set_running(True)
        self._send(step)

    def settings_changed(self) -> None:
        """Settings are others: live ones reach the run, the rest is counted; a run not begun takes them all."""
        if self.params is None or (self.pending() and not self.step and not self.runs and not self.stream.is_busy):
            self._begin()
            return
        self._waiting.see(self._settings(), self.params)
        if self.stream.is_busy:
            self._send(self._until)
        self.waiting.emit(self.pending())

    def took(self, **values: Any) -> None:
        """The run in hand has taken these settings in the place of those that it was asked with."""
        if self.params is not None:
            self.params = replace(self.params, **values)
            self.waiting.emit(self.pending())

    def set_device(self, device: str) -> None:
        """Compute elsewhere from the next job on."""
        self.stream.device = device

    def pending(self) -> int:
        """How many settings wait for a new run."""
        return 0 if self.params is None else self._waiting.count(self._settings(), self.params)

    def close(self) -> None:
        """End the run for good."""
        self.stream.stop()

    # -- the lane
    def _begin(self, resume: bool = False, params: TrainingParams | None = None) -> None:
        self._number += 1
        self.step, self._on_disk, self._ended = 0, True, False
        self.timeline.clear()
        self._bar.set_running(False)
        self._bar.set_step(0)
        self._until_back, now = None, self._settings()
        self._waiting.begin(now)
        self.way.clear()
        self.params = replace(params or now, run=self._number, until=0, **self._kept(resume))
        self.renewed.emit()
        self.waiting.emit(0)
        self._send(0)

    def _kept(self, resume: bool) -> dict[str, Any]:
        """Where the run is kept, if it is."""
        if self.place is None:
            return {}
        return {"keep": str(self.place), "resume": resume} | ({"start": None} if resume else {})

    def _send(self, until: int) -> None:
        if self.params is None:
            return
        live = self._waiting.live(self._settings())
        self._until, live = self.way.ask(self.step, until, live, not (self.runs and self._until))
        self.params = replace(self.params, until=self._until, **live)
        self.stream.request(self.params)

    def _arrived(self, event: Any) -> None:
        if isinstance(event, Started | Ended) and isinstance(event.params, TrainingParams):
            self._heard = event.params.run
        if self.params is None or self._heard != self.params.run:
            return  # of the run before: it was on its way when the new one was asked for
        match event:
            case Stepped():
                self.step = event.step
                self._soon()
            case Kept():
                self.timeline.add(event.weights)
                self._soon()
            case NotSaved() | Stopped() | Finished():
                self._on_disk = False
            case Ended():
                self._draw()
        self.arrived.emit(event)
        if self._rest.isActive() and not isinstance(event, Stepped | Kept | Ended):
            self._rest.stop()  # the page draws itself anew: the bar goes along
            self._draw()
        match event:
            case Finished():
                self._over()
            case NotSaved():
                self._host.complain(event.reason, word="Note")
            case Stopped():
                self._over()
                self._host.tell(None)  # what was said of its work is over
                self._host.complain(event.reason, "Restart", self.restart, word="Note")
            case Ended() if event.error is not None:
                self._over()
                self._host.tell(None)
                self._host.complain(event.error, *remedy(event, self._host.shell, *self.cure()))
                self._host.shell.log(event)
            case Ended() if self.runs and self._is_back:
                self.way.again = None
                self.pause()
            case Ended() if self.runs and self.way.again is not None and self.step >= self.way.again:
                self.way.again = None  # from here on it is another run
                self._go()
            case Ended() if not self.runs:
                self._rests()
                self._back()

    def _back(self) -> None:
        """The run of a session is where it was: look back at the step that was looked at."""
        if self._until_back is not None and self._is_back:
            (_, at), self._until_back = self._until_back, None
            if at is not None:
                self._bar.look(at)

    @property
    def _is_back(self) -> bool:
        return self._until_back is not None and self.step >= self._until_back[0]

    def _over(self) -> None:
        """The run has come to its end by itself."""
        self._ended, self.way.again = True, None
        self._bar.set_running(False)
        self._until = 0

    def _look(self, step: int | None) -> None:
        state = None if step is None else self.timeline.at(step)
        if state is not None:
            self._bar.set_state(state.step)
        if step is not None:
            self._bar.set_branch(self.why_no_branch(step if state is None else state.step))
        self.looked.emit(state)

    def _rests(self) -> None:
        """Say where the run stands now that the step in hand is done; what was said of the work before is over."""
        if self._ended:
            return
        self._host.tell(Message("Paused at step {n}", {"n": words.number(self.step)}) if self.step else self.offered)

    def _soon(self) -> None:
        if not self._rest.isActive():
            self._rest.start()

    def _draw(self) -> None:
        """Show the step, say the pace, and rest at the end."""
        self._bar.set_step(self.step, apart(self.timeline.steps, self.step))
        if self.runs and self.step >= self.most:
            self.pause()
        if not self.runs:
            return
        again = self._until_back[0] if self._until_back is not None else self.way.again
        if again is not None:
            values = {"n": words.number(again), "at": words.number(self.step)}
            self._host.tell(Message("Training up to step {n} again, as it was: {at}", values))
            return
        spent = time.monotonic() - self._began_at
        if spent > 1 and self.step > self._steps_then:
            rate = (self.step - self._steps_then) / spent
            away = self._host.shell.settings.cluster  # where pages are computed, and no training
            text = "Training on this computer: {n} steps/s" if away else "Training: {n} steps/s"
            self._host.tell(Message(text, {"n": words.number(rate, 0 if rate >= 10 else 1)}))
