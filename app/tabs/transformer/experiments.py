"""The page "Experiments": each part of the Transformer taken away, with a number that proves what it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.sections import section
from app.tab import Dock, TopicTab
from app.tabs.transformer.ablation import AblationPanel
from app.tabs.transformer.findings import findings
from app.tabs.transformer.labwords import state_name
from app.tabs.transformer.normpanel import NormPanel, RacePanel, norm_centre
from app.tabs.transformer.panels import CausalPanel, ConvolutionPanel, PositionsPanel, ResidualPanel
from app.theme import S3
from app.transport import training_stream
from app.views.base import PixelView
from app.views.verdicts import Verdict, Verdicts
from app.widgets import WideButton, box, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event
from engines.core.training import Weights
from engines.transformer.lab_spec import (
    ABLATION,
    CAUSAL,
    CONVOLUTIONS,
    EXPERIMENTS,
    NORMS,
    POSITIONS,
    RANDOM,
    RESIDUALS,
    Ablated,
    Causality,
    Convolved,
    Gradients,
    LabParams,
    LabSettings,
    Normalized,
    Placed,
    Subject,
    asked,
)

ENGINE, ABLATING = "engines.transformer.experiments:Engine", "engines.transformer.experiments:Ablation"
LIST_WIDTH = 236  #: px
SHOWS = {
    CAUSAL: ("lab_causal",),
    RESIDUALS: ("lab_from", "lab_depth", "lab_norm_first"),
    NORMS: ("lab_batch", "lab_padding", "lab_count_padding", "lab_mode"),
    POSITIONS: ("lab_positions",),
    CONVOLUTIONS: (),
    ABLATION: ("lab_examples",),
}
ABOUT = {
    CAUSAL: "One target token is changed at a time. With the mask, logits before it can't move; without it they do, "
    "and a model trained so would only copy its target.",
    RESIDUALS: "A residual connection adds a sublayer's input to its output. Without it the gradient has to pass "
    "through the branch alone. With none at all, tokens soon become alike and what is below gets nothing. (Dong 2021)",
    NORMS: "The same network and the same weights, normalized over each token's numbers or over the batch. LayerNorm "
    "doesn't care who else is in the batch; BatchNorm does.",
    POSITIONS: "Attention alone doesn't know the order of its keys. Without positions a shuffled input gives the "
    "same outputs, shuffled.",
    CONVOLUTIONS: "The FFN treats each position by itself. So does a convolution of kernel size 1: with the same "
    "weights both are one and the same.",
    ABLATION: "Each head is switched off by itself, then whole attentions, FFNs and layers. What the accuracy loses "
    "is what they are for.",
}
Asked: TypeAlias = Callable[[], tuple[str, str, Weights | None]]


class ExperimentsPage(QObject):
    """The cards and the dock of the page, with streams of its own: guests of the lane, which displace nobody.

    Parameters
    ----------
    tab : TopicTab
        Whose settings are a `LabSettings` with the ``token`` of the target that is looked at.
    subject : callable
        Task, typed text and weights (None: the bundled ones) that the experiments are made on.
    """

    def __init__(self, tab: TopicTab, subject: Asked) -> None:
        super().__init__(tab)
        self._tab, self._subject = tab, subject
        self._frames: dict[type[Event], Event] = {}
        self._drawn: tuple[object, ...] = ()
        self._measured: LabParams | None = None
        self.stream = training_stream(tab.shell.lane, ENGINE, self)
        self.ablating = training_stream(tab.shell.lane, ABLATING, self)
        for stream in (self.stream, self.ablating):
            stream.device = tab.shell.settings.device
        self.list = Verdicts("Experiments")
        self.causal, self.residual = CausalPanel(), ResidualPanel()
        self.norm, self.race = NormPanel(), RacePanel(tab)
        self.positions, self.convolution, self.ablation = PositionsPanel(), ConvolutionPanel(), AblationPanel()
        self.panels: dict[str, QWidget] = {
            CAUSAL: self.causal.centre,
            RESIDUALS: self.residual.centre,
            NORMS: norm_centre(self.norm, self.race),
            POSITIONS: self.positions.centre,
            CONVOLUTIONS: self.convolution.centre,
            ABLATION: self.ablation.centre,
        }
        self._stack = QStackedLayout()
        for name in EXPERIMENTS:
            self._stack.addWidget(self.panels[name])
        self.list_card = card("Experiments", self.list)
        self.list_card.setFixedWidth(LIST_WIDTH)
        self.centre: QWidget = box(row(self.list_card, (self._stack, 1), gap=S3))
        self.form = ParamsForm(LabSettings(), [name for names in SHOWS.values() for name in names])
        self.about, self.model = quiet("", wrap=True), quiet("", wrap=True)
        self.mates = WideButton(
            "Other batch mates", "reset", tip="The watched sample stays, the others are drawn anew."
        )
        self.form.add(rules(LabSettings())["lab_batch"].group, self.mates)
        self.dock = Dock(box(section("What is shown", self.about, self.model)), self.form, resets=False)
        self._connect()
        self._show_list()

    def _connect(self) -> None:
        self.stream.arrived.connect(self._arrived)
        self.ablating.arrived.connect(self._arrived)
        self.ablating.busy.connect(lambda busy: self.ablation.set_running(busy))
        self.list.chosen.connect(lambda at: self._tab.change(undoable=False, experiment=EXPERIMENTS[at]))
        self.residual.switched.connect(lambda off: self._step(lab_residuals_off=off))
        self.causal.chosen.connect(lambda at: self._tab.change(undoable=False, token=at))
        self.positions.headed.connect(lambda at: self._tab.change(undoable=False, walk_head=at))
        self.convolution.chosen.connect(lambda place: self._step(lab_ffn=place))
        self.mates.clicked.connect(lambda _checked=False: self._step(lab_mates=self._settings.lab_mates + 1))
        self.ablation.wanted.connect(self.measure)
        self.ablation.unwanted.connect(self.ablating.stop)

    def _step(self, **values: Any) -> None:
        """A change that is an undo step of its own."""
        self._tab.history.seal()
        self._tab.change(**values)
        self._tab.history.seal()

    @property
    def _settings(self) -> LabSettings:
        settings: LabSettings = self._tab.params
        return settings

    def _asked(self) -> LabParams:
        return asked(self._settings, *self._subject())

    # -- what the tab tells
    def take_key(self, event: QKeyEvent) -> bool:
        """Space and period are the race's where it is on screen."""
        own = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Period)
        return own and self._settings.experiment == NORMS and self.race.bar.take_key(event)

    def shown(self) -> None:
        """The page came to the front."""
        self.settings_changed()

    def settings_changed(self) -> None:
        """The tab's settings are others: ask for what is on screen; a page that is not on screen does nothing."""
        if not self.centre.isVisible():
            return
        settings = self._settings
        self._show_settings(settings)
        wanted = self._asked()
        self.stream.request(wanted)
        if settings.experiment == NORMS:
            self.race.show_task(wanted.task)
        self._check_ablation(wanted)
        if settings.experiment == ABLATION and self._measured is None and wanted.weights is None:
            self.measure()  # a run's weights change all the time: the hand says when

    def set_device(self, device: str) -> None:
        """Compute elsewhere from now on."""
        for stream in (self.stream, self.ablating):
            stream.device = device
        self.race.training.set_device(device)

    def cancel(self) -> None:
        """End what is being measured; a race only pauses."""
        self.stream.stop()
        self.ablating.stop()
        if self.race.training.runs:
            self.race.training.pause()

    def measure(self) -> None:
        """Switch each part off in turn."""
        self._measured = only_ablation(self._asked())
        self.ablating.request(self._measured, again=True)

    def _check_ablation(self, wanted: LabParams) -> None:
        """A map of another model, or over other examples, is no longer true; a run's map stays while it goes on."""
        if self._measured is not None and lasting(self._measured) != lasting(only_ablation(wanted)):
            self._forget_ablation()

    def _forget_ablation(self) -> None:
        self.ablating.stop()
        self._measured = None
        self._frames.pop(Ablated, None)
        self._drawn = ()
        self.ablation.clear()
        self._show_list()

    def forget_run(self) -> None:
        """A new run begins: a map of the one before is not one of it."""
        if self._measured is not None and self._measured.weights is not None:
            self._forget_ablation()

    # -- showing
    def _show_settings(self, settings: LabSettings) -> None:
        at = EXPERIMENTS.index(settings.experiment)
        self.list.set_at(at)
        self._stack.setCurrentIndex(at)
        say(self.about, "setText", ABOUT[settings.experiment])
        for name, parts in SHOWS.items():
            for part in parts:
                shown = name == settings.experiment
                if part in ("lab_depth", "lab_norm_first"):
                    shown &= settings.lab_from == RANDOM
                self.form.set_shown(part, shown)
        self.form.setVisible(bool(SHOWS[settings.experiment]))
        self.mates.setVisible(settings.experiment == NORMS)
        self._draw()

    def _arrived(self, event: Event) -> None:
        match event:
            case Ended() if event.error is not None:
                self._tab.complain(event.error, "Try again", self.settings_changed)
                self._tab.shell.log(event)
            case Ended():
                self.ablation.set_running(self.ablating.is_busy)
            case Ablated() if self._measured is None:
                pass  # of a model that is no longer the one
            case Ablated() | Subject() | Causality() | Gradients() | Normalized() | Placed() | Convolved():
                self._frames[type(event)] = event
                self._show_list()
                self._draw()

    def _draw(self) -> None:
        """Draw the experiment on screen, as far as it shows something else than it should."""
        settings = self._settings
        kinds: dict[str, type[Event]] = {
            CAUSAL: Causality, RESIDUALS: Gradients, NORMS: Normalized, POSITIONS: Placed, CONVOLUTIONS: Convolved,
            ABLATION: Ablated,
        }  # fmt: skip
        frame, subject = self._frames.get(kinds[settings.experiment]), self._frames.get(Subject)
        drawn = (settings, id(frame), id(subject), words.language())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if isinstance(subject, Subject):
            self._say_subject(subject)
        match frame:
            case Causality():
                self.causal.take(frame, settings, self._tab.params.token)
            case Gradients():
                self.residual.take(frame, settings)
            case Normalized():
                self.norm.take(frame, settings)
            case Placed():
                self.positions.take(frame, settings)
            case Convolved():
                self.convolution.take(frame, settings)
            case Ablated():
                self.ablation.take(frame)
        self._remember()

    def _say_subject(self, subject: Subject) -> None:
        self.convolution.set_layers(subject.encoder_layers, subject.decoder_layers)
        sizes = {
            "task": Message(subject.task),
            "state": state_name(subject.step),
            "width": subject.width,
            "heads": subject.heads,
            "layers": subject.encoder_layers,
            "share": words.percent(subject.accuracy),
        }
        if not subject.trained:
            text = "{task}: no weights yet, so the model is fresh. Width {width}, heads {heads}, layers {layers}."
        else:
            text = "{task}: {state}. Width {width}, heads {heads}, layers {layers}; {share} of tokens right."
        say(self.model, "setText", Message(text, sizes))

    def _remember(self) -> None:
        """The settings that go into every exported file."""
        wanted = self._asked()
        made: dict[str, object] = {f.name: getattr(wanted, f.name) for f in fields(wanted) if f.name != "weights"}
        for view in self.centre.findChildren(PixelView):
            view.settings = made

    def _show_list(self) -> None:
        self.list.set_verdicts([Verdict(Message(name), findings(name, self._frames)) for name in EXPERIMENTS])

    def retranslated(self) -> None:
        """Some texts are made when an answer comes: make them anew."""
        self._drawn = ()
        if self.centre.isVisible():
            self._draw()


def lasting(params: LabParams) -> tuple[LabParams, bool]:
    """What an ablation map stands for, whichever state of a run it was measured on."""
    return replace(params, weights=None), params.weights is None


def only_ablation(params: LabParams) -> LabParams:
    """What an ablation map depends on; everything else as it is by default."""
    return replace(
        LabParams(), task=params.task, text="", weights=params.weights, lab_examples=params.lab_examples
    )  # fmt: skip
