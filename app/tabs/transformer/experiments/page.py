"""The page "Experiments": each part of the Transformer taken away, with a number that proves what it is for."""

from __future__ import annotations

from dataclasses import fields, replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.remedy import remedy
from app.sections import section
from app.shell import Shell
from app.tabs.transformer.experiments.ablation import AblationPanel
from app.tabs.transformer.experiments.crosspanel import CrossPanel
from app.tabs.transformer.experiments.findings import findings
from app.tabs.transformer.experiments.normpanel import ComparisonPanel, NormPanel, norm_centre
from app.tabs.transformer.experiments.normstudy import Before
from app.tabs.transformer.experiments.panels import CausalPanel, ConvolutionPanel, PositionsPanel, ResidualPanel
from app.tabs.transformer.labwords import state_name
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.transport import training_stream
from app.views.verdicts import Verdict, Verdicts
from app.widgets import WideButton, box, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.core.params import part_of, rules
from engines.core.protocol import Ended, Event
from engines.transformer.experiments.spec import (
    ABLATION,
    CAUSAL,
    CONVOLUTIONS,
    CROSSING,
    EXPERIMENTS,
    NORMS,
    POSITIONS,
    RANDOM,
    RESIDUALS,
    Ablated,
    AblationParams,
    Causality,
    Convolved,
    Crossed,
    Examined,
    Gradients,
    LabParams,
    Normalized,
    Placed,
)
from engines.transformer.spec import TransformerParams

ABLATING = "engines.transformer.experiments.ablation:Ablation"
LIST_WIDTH = 236  #: px
SHOWS = {
    CAUSAL: ("lab_causal",),
    CROSSING: ("lab_changed",),
    RESIDUALS: ("lab_from", "lab_depth", "lab_norm_first"),
    NORMS: ("lab_batch", "lab_padding", "lab_count_padding", "lab_mode"),
    POSITIONS: ("lab_positions",),
    CONVOLUTIONS: (),
    ABLATION: ("lab_examples",),
}
ABOUT = {
    CAUSAL: (
        "One target token is changed at a time. With the mask, logits before it can't change; without it they "
        "do, and a model trained so would only copy its target."
    ),
    CROSSING: (
        "The decoder asks the source: Q = Y W_q is made of its own tokens Y, K = X W_k and V = X W_v of the encoder's "
        "output X. What a changed source token moves is X, K and V; what a changed target token moves is Q."
    ),
    RESIDUALS: (
        "A residual connection adds a sublayer's input to its output. Without it the gradient has to pass "
        "through the branch alone. With none at all, tokens soon become alike and lower layers get no "
        "gradient. (Dong 2021)"
    ),
    NORMS: (
        "The same network and the same weights, normalized over each token's features or over the batch. "
        "LayerNorm does not depend on the rest of the batch; BatchNorm does. Batch size and padding reach the training "
        "below, too."
    ),
    POSITIONS: (
        "Attention is permutation-equivariant. Without positions a shuffled input gives the same outputs, shuffled."
    ),
    CONVOLUTIONS: "The FFN treats each position by itself. So does a convolution of kernel size 1: with the same "
    "weights both are one and the same.",
    ABLATION: (
        "Each head is switched off by itself, then whole attentions, FFNs and layers. The accuracy lost "
        "shows what each contributes."
    ),
}


class ExperimentsPage(Page):
    """A list of experiments, a panel for each, and the ablation beside them, a guest of the lane."""

    title = "Experiments"
    params_type = TransformerParams
    engine = "engines.transformer.experiments.engine:Engine"
    asks = LabParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.frames: dict[type[Event], Event] = {}
        self._drawn: tuple[object, ...] = ()
        self._measured: AblationParams | None = None
        self._run = 0  # of the state that was measured
        self.ablating = training_stream(shell.lane, ABLATING, self)
        self.ablating.device = shell.settings.device
        self.list = Verdicts("Experiments")
        self.causal, self.crossing, self.residual = CausalPanel(), CrossPanel(), ResidualPanel()
        self.norm, self.comparison = NormPanel(), ComparisonPanel(self)
        self.positions, self.convolution, self.ablation = PositionsPanel(), ConvolutionPanel(), AblationPanel()
        self.panels: dict[str, QWidget] = {
            CAUSAL: self.causal.centre,
            CROSSING: self.crossing.centre,
            RESIDUALS: self.residual.centre,
            NORMS: norm_centre(self.norm, self.comparison),
            POSITIONS: self.positions.centre,
            CONVOLUTIONS: self.convolution.centre,
            ABLATION: self.ablation.centre,
        }
        self._stack = QStackedLayout()
        self.list_card = card("Experiments", self.list)
        self.list_card.setFixedWidth(LIST_WIDTH)
        self.form = ParamsForm(self.params, [name for names in SHOWS.values() for name in names])
        self.about, self.model, self.before = quiet("", wrap=True), quiet("", wrap=True), Before()
        self.mates = WideButton(
            "Resample the batch", "reset", tip="The watched sample stays, the others are resampled."
        )
        self.form.add(rules(LabParams)["lab_batch"].group, self.mates)
        said = box(section("What is shown", self.about, self.before, self.model))
        self.lay(box(row(self.list_card, (self._stack, 1), gap=S3)), said, self.form, resets=False)
        for name in EXPERIMENTS:  # now that the stack lies in a widget: before, its first would open as a window
            self._stack.addWidget(self.panels[name])
        self._connect()
        self._show_list()

    def _connect(self) -> None:
        self.ablating.arrived.connect(self.measured)
        self.ablating.busy.connect(lambda busy: self.ablation.set_running(busy))
        self.list.chosen.connect(lambda at: self.change(experiment=EXPERIMENTS[at]))
        self.residual.switched.connect(lambda off: self.step(lab_residuals_off=off))
        self.causal.chosen.connect(lambda at: self.change(token=at))
        self.crossing.layered.connect(lambda at: self.change(lab_layer=at + 1))
        self.positions.headed.connect(lambda at: self.change(walk_head=at))
        self.convolution.chosen.connect(lambda place: self.step(lab_ffn=place))
        self.mates.clicked.connect(lambda _checked=False: self.step(lab_mates=self.params.lab_mates + 1))
        self.ablation.wanted.connect(self.measure)
        self.ablation.unwanted.connect(self.ablating.stop)

    # -- the contract
    def show_params(self, params: TransformerParams) -> None:
        self._show_settings(params)
        if params.experiment == NORMS and self.on_screen:
            self.comparison.show_settings(params)
        self._check_ablation(params)

    def activated(self) -> None:
        self.show_params(self.params)

    def key(self, event: QKeyEvent) -> bool:
        """Space and period are the comparison's where it is on screen."""
        own = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Period)
        return own and self.params.experiment == NORMS and self.comparison.bar.take_key(event)

    def device_changed(self, device: str) -> None:
        self.ablating.device = device
        self.comparison.training.set_device(device)

    def exported(self) -> dict[str, object]:
        kept = {f.name for kind in (LabParams, AblationParams) for f in fields(kind)} - {"weights"}
        return {name: value for name, value in super().exported().items() if name in kept}

    def on(self, event: Event) -> None:
        if isinstance(event, Examined | Causality | Crossed | Gradients | Normalized | Placed | Convolved):
            self._take(event)

    # -- the ablation
    def measure(self) -> None:
        """Switch each part off in turn."""
        self._measured, self._run = part_of(self.params, AblationParams), self.params.run
        self.ablating.request(self._measured, again=True)

    def measured(self, event: Event) -> None:
        """What the ablation tells."""
        match event:
            case Ended() if event.error is not None:
                self.complain(event.error, *remedy(event, self.shell, "Try again", self.measure))
                self.shell.log(event)
            case Ended():
                self.ablation.set_running(self.ablating.is_busy)
            case Ablated() if self._measured is not None:  # else of a model that is no longer the one
                self._take(event)

    def _check_ablation(self, params: TransformerParams) -> None:
        """Measure what is looked at and forget what is no longer true: a run's map stays while that run goes on."""
        wanted = part_of(params, AblationParams)
        if self._measured is not None and lasting(self._measured, self._run) != lasting(wanted, params.run):
            self._forget_ablation()
        if params.experiment == ABLATION and self.on_screen and self._measured is None and wanted.weights is None:
            self.measure()  # a run's weights change all the time: the hand says when

    def _forget_ablation(self) -> None:
        self.ablating.stop()
        self._measured = None
        self.frames.pop(Ablated, None)
        self._drawn = ()
        self.ablation.clear()
        self._show_list()

    # -- showing
    def _show_settings(self, settings: TransformerParams) -> None:
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
        self.before.setVisible(settings.experiment == NORMS)
        self._draw()

    def _take(self, event: Event) -> None:
        self.frames[type(event)] = event
        self._show_list()
        self._draw()

    def _draw(self) -> None:
        """Draw the experiment on screen, as far as it shows something else than it should."""
        settings = self.params
        kinds: dict[str, type[Event]] = {
            CAUSAL: Causality, CROSSING: Crossed, RESIDUALS: Gradients, NORMS: Normalized, POSITIONS: Placed,
            CONVOLUTIONS: Convolved, ABLATION: Ablated,
        }  # fmt: skip
        frame, subject = self.frames.get(kinds[settings.experiment]), self.frames.get(Examined)
        drawn = (settings, id(frame), id(subject), words.language())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if isinstance(subject, Examined):
            self._say_subject(subject)
        match frame:
            case Causality():
                self.causal.take(frame, settings, settings.token)
            case Crossed():
                self.crossing.take(frame, settings)
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

    def _say_subject(self, subject: Examined) -> None:
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
            text = "{task}: no weights yet, so the model is random. Width {width}, heads {heads}, layers {layers}."
        else:
            text = "{task}: {state}. Width {width}, heads {heads}, layers {layers}; {share} of tokens correct."
        say(self.model, "setText", Message(text, sizes))

    def _show_list(self) -> None:
        self.list.set_verdicts([Verdict(Message(name), findings(name, self.frames)) for name in EXPERIMENTS])


def lasting(params: AblationParams, run: int) -> tuple[AblationParams, int]:
    """What a map stands for, whichever state of a run it was measured on; bundled weights are of none."""
    return replace(params, weights=None), -1 if params.weights is None else run
