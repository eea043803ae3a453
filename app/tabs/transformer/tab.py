"""The tab "Transformer": pages over one task, a run that learns it, and weights that know it already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import words
from app.kept import KeptRuns
from app.params_form import ParamsForm
from app.pending import Pending
from app.tab import Dock, Page, TopicTab
from app.tabs.transformer.decode import DecodePage
from app.tabs.transformer.experiments import ExperimentsPage
from app.tabs.transformer.labwords import state_name
from app.tabs.transformer.maths import MathsPage
from app.tabs.transformer.training import TrainingPage
from app.training import Training
from app.widgets import MenuButton, quiet
from app.words import say
from engines.core.errors import LabError, Message
from engines.core.params import Params
from engines.core.protocol import Ended, Event
from engines.core.training import Kept, Stopped, Weights
from engines.data.sequences import TASKS, task
from engines.transformer.lab_spec import LAB_FIELDS
from engines.transformer.recipe import (
    MOST_STEPS,
    NEW_RUN,
    HeldOut,
    Now,
    Recipe,
    RunBegan,
    Shape,
    StepDone,
    settings_of,
)
from engines.transformer.spec import BEAM, BUNDLED, RUN, Answer, Bundled, Fixed, TransformerParams

TRAINER = "engines.transformer.training:Trainer"
TRAINING, DECODE, EXPERIMENTS, MATHS = range(4)
FRESH = 700  #: ms between two decodings with the newest state of a run
RECIPE = tuple(name for name in Recipe.__dataclass_fields__ if name != "task")
LOOKS = ("layer", "head", "token", *RECIPE, *LAB_FIELDS)  # fields that the tab's own engine does nothing with


class TransformerTab(TopicTab):
    """Pages "Training" and "Decode", and those that take the model apart."""

    params_type = TransformerParams
    params: TransformerParams

    # -- building
    def build(self) -> Sequence[Page]:
        self.params = replace(self.params, source=BUNDLED)  # a run does not outlive its window
        self.training, self.decode = TrainingPage(), DecodePage()
        for waiting in (*self.training.cards, *self.decode.cards):
            waiting.set_empty("Reading the bundled weights")
        plain = TransformerParams()
        self.run_form = ParamsForm(plain, ("layer", "head", *(name for name in RECIPE if name != "seed")))
        self.pending, self.large = Pending(), quiet("", wrap=True)
        for part in (self.large, self.pending):
            self.run_form.add(NEW_RUN, part)
        self.form = ParamsForm(plain, ("layer", "head", "source", "method", "beams", "penalty"))
        self.driver = Training(self, TRAINER, self.training.transport, lambda: settings_of(self.params), MOST_STEPS,
                               "transformer")  # fmt: skip
        self.kept_runs = KeptRuns(
            self, self.driver, lambda found: self.change(False, **{name: found[name] for name in RECIPE})
        )
        self.run_form.lead(self.kept_runs)
        self._fresh = QTimer(self)  # between two decodings with the newest state
        self._fresh.setSingleShot(True)
        self._fresh.setInterval(FRESH)
        self._fresh.timeout.connect(self._ask_newest)
        self._looks: Weights | None = None  # the kept state that is looked back at
        self._readable: dict[str, str] = {}  # the last input of each task that could be read
        self._connect()
        self.decode.show_problem(problem_of(self.params))
        self.lab, self.maths = ExperimentsPage(self, self._subject), MathsPage(self, self._subject)
        self.extras = (self.lab, self.maths)  # engines of their own: told when settings or weights change
        return [
            Page("Training", self.training.centre, Dock(self.run_form, resets=False)),
            Page("Decode", self.decode.centre, Dock(self.form, resets=False)),
            Page("Experiments", self.lab.centre, self.lab.dock),
            Page("Maths", self.maths.centre, self.maths.dock),
        ]

    def choosers(self) -> Sequence[QWidget]:
        self.task_button = MenuButton(TASKS, TASKS.index(self.params.task), tip="What is learned and decoded.")
        self.task_button.chosen.connect(lambda i: self._step(task=TASKS[i], text=""))
        return (self.task_button,)

    def _connect(self) -> None:
        for page in (self.training, self.decode):
            page.maps.placed.connect(lambda layer, head: self._step(layer=layer, head=head))
        self.training.maps.chosen.connect(self._mark)
        self.training.said.chosen.connect(self._mark)
        self.decode.chosen.connect(self._mark)
        self.decode.typed.connect(lambda text: self.change(text=text))
        self.decode.entered.connect(self._leave_line)
        self.decode.example.connect(lambda text: self._step(text=text))
        self.pending.anew.clicked.connect(lambda _checked=False: self.driver.restart())
        self.training.transport.seeded.connect(lambda seed: self._step(seed=seed))
        self.driver.arrived.connect(self._told)
        self.driver.renewed.connect(self._renewed)
        self.driver.looked.connect(self._look_back)
        self.driver.waiting.connect(self.pending.show_count)

    # -- the hand
    def change(self, undoable: bool = True, **fields: Any) -> None:
        """Set some fields; layer and head are the same on all pages."""
        super().change(undoable, **linked(self.params, fields))

    def _step(self, **fields: Any) -> None:
        """A change that is an undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _mark(self, token: int) -> None:
        self.change(undoable=False, token=token)

    def _leave_line(self) -> None:
        self.history.seal()
        self.decode.show_line(self.params, task(self.params.task).sample)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.page == TRAINING and self.training.transport.take_key(event):
            return
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if self.page == DECODE and plain and event.key() == Qt.Key.Key_Space:
            self.decode.toggle()
            return
        if self.page == EXPERIMENTS and self.lab.take_key(event):
            return
        if self.page == MATHS and plain and self.maths.take_key(event):
            return
        super().keyPressEvent(event)

    def escape(self) -> None:
        for page in (self.training, self.decode):
            page.maps.clear_pin()

    def undo(self) -> None:
        """One step back."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        """Steps differ in what is set; what is only looked at stays, and so do a run's weights once it has begun."""
        if not isinstance(params, TransformerParams):
            return
        now = self.params
        back = replace(params, token=now.token, walk_at=now.walk_at, walk_head=now.walk_head)
        moved = {name: getattr(back, name) for name in ("layer", "head") if getattr(back, name) != getattr(now, name)}
        back = replace(back, **linked(back, moved))
        as_now = replace(back, source=now.source)
        self._use(back if as_now == now else as_now)  # it was the step that chose the weights

    # -- settings
    def _use(self, params: Params) -> None:
        assert isinstance(params, TransformerParams)
        old, self.params = self.params, params
        problem = problem_of(params)
        self.show_params()
        self.shell.settings.keep(self.topic.name, params, self.kept)
        alike = ("text", *LOOKS) if problem is not None else LOOKS  # what can't be read asks for nothing new
        same = replace(params, **{name: getattr(old, name) for name in alike}) == old
        if (not same or self.failed) and (self.isVisible() or self._started):
            self.ask()
        self.decode.show_problem(problem)
        if self.driver.params is not None:
            self.driver.settings_changed()
        for extra in self.extras:
            extra.settings_changed()

    def ask(self, again: bool = False) -> None:
        """Ask the engine, with the weights that are looked at; the settings themselves never hold any.

        An input that can't be read gives way to the task's last one that could, so that the maps still follow the
        scrubber.
        """
        wanted = replace(self.params, text=self._text(), weights=self.weights(), look=self._looks)
        self.stream.request(wanted, again=again)

    def _text(self) -> str:
        """The typed input, or the task's last one that could be read; empty for its sample."""
        params = self.params
        if problem_of(params) is None:
            self._readable[params.task] = params.text
        return self._readable.get(params.task, "")

    def weights(self) -> Weights | None:
        """The state that decodes: one of the run if that is asked for and knows the task, else the bundled one."""
        newest = self.driver.timeline.newest
        state = (self._looks or newest) if self.params.source == RUN else None  # the one looked at never thins out
        fits = state is not None and isinstance(state.made_of, Shape) and state.made_of.task == self.params.task
        return state if fits else None

    def _subject(self) -> tuple[str, str, Weights | None]:
        """Task, input and weights that the other pages look at, as on the page Decode; None: the bundled ones."""
        return self.params.task, self._text(), self.weights()

    def show_params(self) -> None:
        super().show_params()
        params = self.params
        at = TASKS.index(params.task)
        if hasattr(self, "task_button") and self.task_button.at() != at:
            self.task_button.set_at(at)
        for form, page in ((self.run_form, self.training), (self.form, self.decode)):
            layers, heads = page.maps.layers or params.layer, page.maps.count or params.head
            form.set_limits("layer", 1, layers, min(layers, TransformerParams.layer))
            form.set_limits("head", 1, heads, 1)
            form.show_params(replace(params, layer=min(params.layer, layers), head=min(params.head, heads)))
            page.set_place(params.layer, params.head, params.token)
        for name in ("beams", "penalty"):
            self.form.set_shown(name, params.method == BEAM)
        self.decode.show_line(params, task(params.task).sample)
        self.training.transport.set_seed(params.seed)
        made = {k: v for k, v in asdict(replace(params, weights=None, look=None)).items() if k not in LAB_FIELDS}
        for view in self.decode.views:
            view.settings = dict(made)
        if not self.training.runs:
            self.training.settle(params)

    def shown(self) -> None:
        super().shown()
        if self.page == DECODE and self.driver.params is not None:
            self._ask_newest()  # the run may have gone on meanwhile
        self.training.catch_up()
        for extra in self.extras:
            extra.shown()

    def show_page(self, index: int) -> None:
        super().show_page(index)
        if index == DECODE and self._started:
            self._ask_newest()
        if index == TRAINING:
            self.training.catch_up()
        for extra in self.extras:
            extra.shown()

    def set_device(self, device: str) -> None:
        self.driver.set_device(device)
        for extra in self.extras:
            extra.set_device(device)
        super().set_device(device)

    def cancel(self) -> None:
        super().cancel()
        for extra in self.extras:
            extra.cancel()

    # -- the run
    def _renewed(self) -> None:
        self._looks = None
        self.pending.show_count(0)
        self.lab.forget_run()

    def _told(self, event: Event) -> None:
        match event:
            case RunBegan():
                tokens = task(event.settings.task).target.tokens
                self.training.begin(event, tokens)
                shape = words.number(event.parameters)
                say(self.large, "setText", Message("{n} parameters", {"n": shape}))
                self.change(undoable=False, source=RUN)  # so that decoding follows the scrubber
            case StepDone():
                self.training.take_step(event)
            case HeldOut():
                self.training.take_held_out(event)
            case Now():
                before = self.training.maps.layers, self.training.maps.count
                self.training.take_now(event, self.page == TRAINING and self.isVisible())
                if before != (self.training.maps.layers, self.training.maps.count):
                    self.show_params()
            case Stopped() if event.step < self.driver.step:  # it ran away: show the state that is kept
                self.training.transport.set_step(self.driver.step)  # it is told of steps now and then only
                self.training.transport.look(event.step)
            case Kept() if self.params.source == RUN and self._looks is None and not self._fresh.isActive():
                self._fresh.start()

    def _show_place(self, before: tuple[int, int]) -> None:
        """Mark what is looked at on another example; ``before``: how many layers and heads there were."""
        if before != (self.training.maps.layers, self.training.maps.count):
            self.show_params()
        else:
            self.training.set_place(self.params.layer, self.params.head, self.params.token)

    def _look_back(self, weights: Weights | None) -> None:
        """A kept state to look at; None is the newest."""
        self._looks = weights
        self.training.look(None if weights is None else weights.step)
        if weights is not None or self.params.source == RUN:
            self.ask()

    def _ask_newest(self) -> None:
        """Decode with the newest state of the run, if that is what the page shows; other pages finish theirs first."""
        if self.params.source == RUN and self.page == DECODE and self.isVisible():
            self.ask()
        for extra in self.extras:
            if extra.stream.is_busy:  # asked anew at each state, it would never get to its last proof
                self._fresh.start()
            else:
                extra.settings_changed()

    # -- answers
    def on(self, event: Event) -> None:
        match event:
            case Bundled():
                self.training.take_bundled(event)
                if not self.training.runs:
                    say(self.large, "setText", Message("{n} parameters", {"n": words.number(event.parameters)}))
            case Fixed():
                before = self.training.maps.layers, self.training.maps.count
                self.training.take_fixed(event)
                self._show_place(before)
            case Answer():
                self.decode.take(event)
                self.decode.links_card.set_note(state_name(event.step))
                self.show_params()
            case Ended() if event.error is not None and self.decode.answer is None:
                for waiting in (*self.training.cards, *self.decode.cards):
                    waiting.set_empty("Nothing to show yet.")


def linked(now: TransformerParams, fields: dict[str, Any]) -> dict[str, Any]:
    """Changes with what follows from them: the layer and head looked at are those that are walked through."""
    made = dict(fields)
    if "walk_at" in made:
        made["layer"] = made["walk_at"][1] + 1
    elif "layer" in made:
        made["walk_at"] = (now.walk_at[0], made["layer"] - 1)
    if "walk_head" in made:
        made["head"] = made["walk_head"] + 1
    elif "head" in made:
        made["walk_head"] = made["head"] - 1
    return made


def problem_of(params: TransformerParams) -> Message | None:
    """What keeps the input from being read."""
    if not params.text:
        return None
    try:
        task(params.task).read(params.text)
    except LabError as problem:
        return problem.message
    return None
