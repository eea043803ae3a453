"""The tab "MoCo": two views of a picture, the queue of keys, and what the features are good for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import words
from app.params_form import ParamsForm
from app.pending import Pending
from app.sections import section
from app.tab import Dock, Page, TopicTab
from app.tabs.moco.queuepage import QueuePage
from app.tabs.moco.running import Running
from app.tabs.moco.testpage import TestPage
from app.tabs.moco.viewspage import ViewsPage
from app.transport import Transport
from app.widgets import MenuButton, WideButton, box, button, col, quiet
from app.words import say
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.moco.spec import (
    AT_ONCE,
    BUNDLED,
    DATA,
    FITTING,
    FOLDER,
    NEW_RUN,
    PRESETS,
    RANDOM,
    SHAPES,
    STRENGTHS,
    THIS_RUN,
    VIEW_1,
    VIEW_2,
    MocoParams,
    NotThere,
    RunBegan,
    ViewsFrame,
    bundled,
    preset,
    preset_of,
)

VIEWS, QUEUE, TEST = range(3)
OWN = "Own"  # strengths that are none of the named ones
ONE = tuple(f"{name}_1" for name in STRENGTHS)
TWO = tuple(f"{name}_2" for name in STRENGTHS)
LIVE = ("temperature", "momentum", "learning_rate")
RUN = ("method", "queue_size", "batch", "mlp", "supervised")


class MocoTab(TopicTab):
    """Pages "Two views", "Queue" and "Test"."""

    params_type = MocoParams
    intervenes: ClassVar[tuple[str, ...]] = (*ONE, *TWO, "temperature")
    takes_pictures: ClassVar[bool] = True
    params: MocoParams

    # -- building
    def build(self) -> Sequence[Page]:
        if self.params.data == FOLDER and not self.params.paths:
            back: dict[str, Any] = {"data": SHAPES, **preset(FITTING[SHAPES])}
            self.params = replace(self.params, **back)
        self.params = replace(self.params, encoder=self._first_encoder())
        self.views, self.queue, self.test = ViewsPage(), QueuePage(), TestPage()
        self.transport = Transport(seed_tip="Of weights, order and views: same seed, same curve.")
        self.views_form = ParamsForm(MocoParams(), ("encoder", "temperature", *ONE, *TWO))
        self.run_form = ParamsForm(MocoParams(), (*LIVE, *RUN))
        self.test_form = ParamsForm(MocoParams(), ("few",))
        self.strengths = MenuButton((*PRESETS, OWN), 0, "Views: {value}")
        say(self.strengths, "setAccessibleName", "Named strengths")
        say(self.strengths, "setToolTip", "Sets all ten sliders below. v2 adds blur. (Chen 2020, MoCo v2)")
        self.views_form.add(VIEW_1, self.strengths, at=0)
        self.alike = WideButton("T₂ like T₁")
        self.views_form.add(VIEW_2, self.alike, at=0)
        self.pending = Pending()
        self.sizes, self.notes = quiet("", wrap=True), quiet("", wrap=True)
        for part in (self.pending, self.sizes, self.notes):
            self.run_form.add(NEW_RUN, part)
        self.saved_text, self.go_on = quiet("", wrap=True), WideButton("Go on with it", "play")
        self.earlier = WideButton("An earlier one", "undo")
        self._saved_at = 0  # which of the runs on disk is offered
        self.saved_part = box(section("Saved run", self.saved_text, self.go_on, self.earlier))
        self.no_shuffle = quiet(SHUFFLE, wrap=True)
        norm = box(section("Batch norm", self.no_shuffle))
        self.queue.slot.addWidget(self.transport)  # from the start: language and theme reach only what is in the tab
        self.running = Running(self)
        self._connect()
        self.run_form.add(AT_ONCE, self.saved_part, at=0)
        queue_dock = Dock(self.run_form, norm, resets=False)
        return [
            Page("Two views", self.views.centre, Dock(self.views_form)),
            Page("Queue", self.queue.centre, queue_dock),
            Page("Test", self.test.centre, Dock(self.test_form, box(self._reading()), resets=False)),
        ]

    def _first_encoder(self) -> str:
        """What there is to look at before a run was begun; a run that settings remember went with its window."""
        if self.params.encoder == RANDOM:
            return RANDOM
        return BUNDLED if bundled() else THIS_RUN

    def _reading(self) -> Any:
        return section("How to read it", col(*(quiet(text, wrap=True) for text in READING)))

    def _connect(self) -> None:
        self.views.chosen.connect(lambda i: self._step(anchor=i, picture=None))
        self.views.redrawn.connect(lambda: self._step(draw=self.params.draw + 1))
        self.strengths.chosen.connect(self._named)
        self.alike.clicked.connect(
            lambda _checked=False: self._step(**{b: getattr(self.params, a) for a, b in zip(ONE, TWO, strict=True)})
        )
        self.pending.anew.clicked.connect(lambda _checked=False: self.running.driver.restart())
        self.go_on.clicked.connect(lambda _checked=False: self._go_on())
        self.earlier.clicked.connect(lambda _checked=False: self._offer_saved(self._saved_at + 1))
        self.transport.seeded.connect(lambda seed: self._step(seed=seed))
        self.test.tune.clicked.connect(lambda _checked=False: self.running.tune())

    def choosers(self) -> Sequence[QWidget]:
        self.data = MenuButton(DATA, DATA.index(self.params.data), "Pictures: {value}")
        say(self.data, "setToolTip", "What is learned from. A folder of pictures can be dropped here.")
        self.data.chosen.connect(lambda i: self.use_data(DATA[i]))
        self.folder = button("Choose folder", "folder", "boxed", clicked=self.shell.open_folder)
        return (self.data, self.folder)

    # -- the hand
    def _step(self, **fields: Any) -> None:
        """A change that is an undo step of its own."""
        self.history.seal()
        self.change(**fields)
        self.history.seal()

    def _named(self, index: int) -> None:
        name = (*PRESETS, OWN)[index]
        if name != OWN:
            self._step(**preset(name))

    def use_data(self, data: str) -> None:
        """Learn from other pictures, with views that fit them."""
        if data == FOLDER and not self.params.paths:
            self.shell.open_folder()
            self.show_params()
            return
        self._step(data=data, anchor=0, picture=None, **preset(FITTING[data]))

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        self.show_page(VIEWS)
        return {"picture": picture}

    def takes_path(self, path: Path) -> bool:
        return path.is_dir() and not (path / "config.json").is_file()

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Learn from dropped folders; class folders give the labels to measure with."""
        self._step(data=FOLDER, paths=tuple(map(str, paths)), anchor=0, picture=None, **preset(FITTING[FOLDER]))

    def _go_on(self) -> None:
        runs = self.running.saved()
        if not runs:
            return
        saved = runs[self._saved_at % len(runs)]
        back: dict[str, Any] = {"picture": None, "anchor": 0, **saved.settings}
        self._quietly(replace(self.params, **back))
        self.running.go_on(saved)

    def _quietly(self, params: MocoParams) -> None:
        """Other settings without a run of their own."""
        self._resuming = True
        self._use(params)
        self._resuming = False

    _resuming = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.page == VIEWS or not self.transport.take_key(event):
            super().keyPressEvent(event)

    # -- settings
    def _use(self, params: Params) -> None:
        before = self.params
        super()._use(params)
        if (before.data, before.method, before.paths) != (self.params.data, self.params.method, self.params.paths):
            self._offer_saved()
        if self.page != VIEWS and not self._resuming and self._started:
            self.running.params_changed()
        elif self.running.driver.params is not None and not self._resuming:
            self.running.driver.waiting.emit(self.running.driver.pending())
            if self.running.driver.runs:
                self.running.params_changed()

    def show_params(self) -> None:
        super().show_params()
        params = self.params
        names = (*PRESETS, OWN)
        self.strengths.set_at(names.index(preset_of(params) or OWN))
        self.transport.set_seed(params.seed)
        if hasattr(self, "data"):
            self.data.set_at(DATA.index(params.data))
        share = words.number(params.queue_size / params.batch, 1)
        say(self.sizes, "setText", Message("K / B = {n}: a key stays that many steps.", {"n": share}))

    def show_page(self, index: int) -> None:
        super().show_page(index)
        if index == VIEWS:
            self.state_changed()
            return
        slot = self.queue.slot if index == QUEUE else self.test.slot
        slot.addWidget(self.transport)  # one bar, on whichever page is in front
        self.transport.show()
        self._look_at_run()

    def shown(self) -> None:
        super().shown()
        if self.page != VIEWS:
            self._look_at_run()

    def _look_at_run(self) -> None:
        if self._started:
            self.running.params_changed()
        self._offer_saved()
        self.draw()

    def _offer_saved(self, at: int = 0) -> None:
        runs = self.running.saved()
        self._saved_at = at
        self.saved_part.setVisible(bool(runs))
        self.earlier.setVisible(len(runs) > 1)
        if runs:
            saved = runs[at % len(runs)]
            values = {"n": words.number(saved.step), "what": Message(str(saved.settings["data"]))}
            say(self.saved_text, "setText", Message("{what}: stopped at step {n}.", values))

    # -- the run
    def run_renewed(self) -> None:
        """Another run: the old curves go."""
        self.state_changed()

    def run_began(self, began: RunBegan) -> None:
        """A run stands at its beginning."""
        self.queue.begin(began)
        self.test.begin(began)
        if began.step:
            self._offer_saved()
        made: dict[str, object] = {name: getattr(began.params, name) for name in (*LIVE, *RUN, "data", "seed")}
        for view in (*self.queue.views, *self.test.views):
            view.settings = made
        values = {"n": words.number(began.pictures), "p": words.number(began.parameters)}
        lines = [Message("{n} pictures, {p} weights in an encoder.", values), *began.notes]
        self.notes_of_run = lines
        say(self.notes, "setText", _joined(lines))
        self.draw()

    def run_learned(self) -> None:
        """A run made its first step: from now on it is what the hand wants to look at."""
        self._quietly(replace(self.params, encoder=THIS_RUN, weights=self.running.state))

    def leave_empty(self, reason: Message) -> None:
        """A run that can't be made: its pages say why."""
        if self.running.told.began is None:
            for card in (*self.queue.cards, *self.test.cards):
                card.set_empty(reason)

    def state_changed(self) -> None:
        """The run's state to look at is another: the page "Two views" shows it."""
        if self.page == VIEWS and self.params.encoder == THIS_RUN:
            self._quietly(replace(self.params, weights=self.running.state))

    def draw_ring(self) -> None:
        """Draw the queue alone, if it is in front."""
        if self.page == QUEUE:
            self.queue.draw_ring(self.running.told, self.running.looked)

    def draw(self) -> None:
        """Draw the page in front from what was told."""
        if self.page == QUEUE:
            self.queue.draw(self.running.told, self.running.looked)
        elif self.page == TEST:
            self.test.draw(self.running.told, self.running.looked)
        if self.running.driver.step and self.saved_part.isVisible():
            self.saved_part.hide()

    # -- drawing
    def on(self, event: Event) -> None:
        match event:
            case ViewsFrame():
                self.views.take(event, self.params.anchor, self.params.picture is not None)
            case NotThere():
                self.views.leave_empty(event.reason)

    def set_device(self, device: str) -> None:
        super().set_device(device)
        self.running.driver.set_device(device)

    def fit(self) -> None:
        for view in (*self.views.views, *self.queue.views, *self.test.views):
            view.fit()


READING = (
    (
        "kNN: the vote of the 20 nearest training pictures. Probe: a linear classifier on features that stay as they "
        "are. Labels are used for these two alone."
    ),
    (
        "Alignment: squared distance of two views of a picture. Uniformity: log of the mean of exp(−2 d²) over all "
        "pairs. (Wang & Isola 2020)"
    ),
    "Map: main axes of the test pictures' vectors. Squares are keys of the queue.",
)
SHUFFLE = (
    "Not shuffled, but avoided: the key encoder normalizes with running statistics that follow the query encoder's, so "
    "no batch can betray which key belongs to a query. (Cai 2021, EMAN)"
)


def _joined(lines: Sequence[Message]) -> Message:
    """Several sentences as one."""
    text = " ".join(f"{{line{i}}}" for i in range(len(lines)))
    return Message(text, {f"line{i}": line for i, line in enumerate(lines)})
