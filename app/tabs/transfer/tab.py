"""The tab "Transfer": learning from few labels on a frozen backbone, beside fine-tuning and from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import words
from app.choosers import PictureChooser, is_usable
from app.kept import KeptRuns
from app.params_form import ParamsForm
from app.pending import Pending
from app.tab import Dock, Page, TopicTab
from app.tabs.transfer.choosers import BackboneChooser, SetChooser, set_name
from app.tabs.transfer.judge import JudgePage
from app.tabs.transfer.learn import LearnPage
from app.tabs.transfer.run import RunState
from app.training import Training
from app.widgets import quiet
from app.words import say
from engines.checkpoints import backbones, layout
from engines.core.errors import LabError, Message
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event, Progress, Started
from engines.core.training import Kept, Weights
from engines.transfer.probe import SUFFIX, load_probe
from engines.transfer.spec import (
    LAST_STEP,
    LIVE,
    NEW_RUN,
    PCA,
    TESTS,
    FeatureMap,
    Probe,
    Results,
    RunBegan,
    RunParams,
    SetRead,
    Tested,
    TransferParams,
    TransferStep,
    Verdict,
    run_of,
)

TRAINER = "engines.transfer.training:Trainer"
LEARN, JUDGE = range(2)
#: settings that only a run depends on: the engine that draws has nothing to do when they change
OF_RUN = ("fine_tune", "from_scratch", "batch", "probe_rate", "tuned_rate", "scratch_rate")
BACKWARD = 2.0  #: a step back costs about two forward
RECENT = 5
BROKEN = "{n} pictures can't be read. The first: {reason}"


class TransferTab(TopicTab):
    """Pages "Learn" and "New photo"."""

    params_type = TransferParams
    kept: ClassVar[tuple[str, ...]] = ("model",)
    takes_pictures: ClassVar[bool] = True
    takes_models: ClassVar[bool] = True
    file_kinds: ClassVar[tuple[str, ...]] = (SUFFIX,)
    file_title: ClassVar[str] = "Probe"
    params: TransferParams

    # -- building
    def build(self) -> Sequence[Page]:
        if not is_usable(self.params.model):
            self.params = replace(self.params, model="")
        self.state = RunState()
        self.recent_sets: list[tuple[str, ...]] = []
        self._probe: Probe | None = None  # one from a file goes before that of the run
        self._answered: TransferParams | None = None
        self.learn = LearnPage(self, self.state)
        self.judge = JudgePage(self)
        self.training = Training(self, TRAINER, self.learn.transport, self._run_settings, LAST_STEP, "transfer")
        self.training.arrived.connect(self._told)
        self.training.renewed.connect(self._renewed)
        self.training.looked.connect(self._look)
        self.learn.transport.seeded.connect(lambda seed: self.change(sample=seed))
        return [
            Page("Learn", self.learn.centre, self._dock()),
            Page("New photo", self.judge.centre, self.judge.dock),
        ]

    def _dock(self) -> Dock:
        self.form = ParamsForm(
            self.params,
            ("projection", "perplexity", "probe_rate", "tuned_rate", "scratch_rate", "labels", "most", "side",
             "fine_tune", "from_scratch", "batch"),
        )  # fmt: skip
        self.duration, self.frozen = quiet("", wrap=True), quiet("", wrap=True)
        self.pending = Pending()
        self.pending.anew.clicked.connect(lambda _checked=False: self.training.restart())
        self.training.waiting.connect(self.pending.show_count)
        for part in (self.duration, self.pending):
            self.form.add(NEW_RUN, part)
        self.form.add(LIVE, self.frozen)
        self.kept_runs = KeptRuns(self, self.training, lambda found: self.change(False, **found))
        self.form.lead(self.kept_runs)
        say(self.frozen, "setText", "The probe's backbone is frozen.")
        return Dock(self.form, resets=False)

    def choosers(self) -> Sequence[QWidget]:
        self.backbone_chooser, self.set_chooser = BackboneChooser(self), SetChooser(self)
        self.picture_chooser = PictureChooser(self)
        return self.backbone_chooser, self.set_chooser, self.picture_chooser

    # -- settings
    def _run_settings(self) -> RunParams:
        return run_of(self.params)

    def _use(self, params: Params) -> None:
        assert isinstance(params, TransferParams)
        plain = {name: getattr(self.params, name) for name in OF_RUN}
        if replace(params, **plain) == self.params and not self.failed:
            self.params = params
            self.show_params()
            self.shell.settings.keep(self.topic.name, params, self.kept)
        else:
            super()._use(params)
        if self.training.params is not None:
            self.training.settings_changed()

    def show_params(self) -> None:
        super().show_params()
        self.form.set_shown("perplexity", self.params.projection != PCA)
        self.learn.transport.set_seed(self.params.sample)
        self.judge.show_probe(self.probe)
        self._show_duration()

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source}

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"photo": picture, "probe": self.probe}

    def take_picture(self, picture: Picture) -> None:
        super().take_picture(picture)
        self.picture_chooser.show_picture(picture.name, picture.source)
        self.show_page(JUDGE)

    # -- sets and probes
    def takes_path(self, path: Path) -> bool:
        if path.suffix.lower() == SUFFIX:
            return not layout.is_model_folder(path.parent)
        return path.is_dir() and not layout.is_model_folder(path)

    def take_paths(self, paths: Sequence[Path]) -> None:
        folders = tuple(str(path) for path in paths if path.is_dir())
        if folders:
            self.take_set(folders)
        for path in paths:
            if path.suffix.lower() == SUFFIX and not path.is_dir():
                self.take_probe(path)

    def take_set(self, folders: tuple[str, ...]) -> None:
        """Learn on class folders; on the digits for ()."""
        self.error.dismiss()
        if folders and folders not in self.recent_sets:
            self.recent_sets = [folders, *self.recent_sets][:RECENT]
        if folders == self.params.folders and self.failed:
            self.ask(again=True)  # another try
        self.change(undoable=False, folders=folders)
        self.history.clear()
        self.show_page(LEARN)

    def take_probe(self, path: Path) -> None:
        """Judge photos by a probe from a file from now on."""
        try:
            self._probe = load_probe(path)
        except LabError as error:
            self.complain(error.message, word="Refused")
            return
        self.error.dismiss()
        self.judge.show_probe(self._probe)
        self.show_page(JUDGE)
        self.tell(Message("Opened: {name}", {"name": path.name}))
        if self.params.photo is not None:
            self.change(undoable=False, probe=self._probe)

    @property
    def probe(self) -> Probe | None:
        """The probe in hand: one that was opened, else that of the run."""
        return self._probe or self.state.probe

    def claims_model(self, source: str) -> bool:
        """Whether a model chosen while this tab is on screen becomes its backbone."""
        return backbones.usable(source)

    # -- the hand
    def start(self) -> None:
        """Train."""
        if not self.training.runs:
            self.training.play()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.page != LEARN or not self.learn.transport.take_key(event):
            super().keyPressEvent(event)

    def escape(self) -> None:
        self.learn.unpin()

    def cancel(self) -> None:
        super().cancel()
        if self.training.runs:
            self.training.pause()

    def set_device(self, device: str) -> None:
        super().set_device(device)
        self.training.set_device(device)

    # -- what the engine tells
    def on(self, event: Event) -> None:
        match event:
            case Started() if isinstance(event.params, TransferParams):
                self._answered = event.params
            case SetRead():
                self._read(event)
            case Results():
                self.learn.take_results(event.rows)
            case FeatureMap() if self.learn.set is not None:
                self.learn.take_map(event)
            case Verdict():
                self.judge.take(event)
            case Ended() if event.error is not None and self.learn.set is None:
                for waiting in (self.learn.set_card, self.learn.curve_card, self.learn.map_card):
                    waiting.set_empty("Nothing to show yet.")

    def _read(self, found: SetRead) -> None:
        new = self.learn.set is None or found.notes != self.learn.set.notes or found.title != self.learn.set.title
        params = self._answered or self.params
        self.learn.take_set(found, params)
        self.backbone_chooser.show_model(params.model or "mini-vit", found.backbone)
        self.set_chooser.show_name(words.plain(set_name(params.folders)) if params.folders else "Digits")
        self.form.set_limits("labels", 1, max(2, found.most_labels), min(5, found.most_labels))
        fixed = len(found.sides) == 1
        self.form.set_shown("side", not fixed)
        if not fixed:
            self.form.set_limits("side", found.sides[0], found.sides[-1], found.side)
        if new and found.notes:
            self._warn(found)
        self._show_duration()

    def _warn(self, found: SetRead) -> None:
        """Say what was passed over, the first by name."""
        if found.refused:
            more = {"n": found.refused, "reason": found.notes[0]}
            text = "A picture can't be read. {reason}" if found.refused == 1 else BROKEN
            self.complain(Message(text, more), word="Note")
        else:
            self.complain(found.notes[0], word="Note")

    def _show_duration(self) -> None:
        """What a run will take on this machine."""
        found = self.learn.set
        models = self.params.fine_tune + self.params.from_scratch
        if found is None or not found.rate:
            return
        learned = LAST_STEP * self.params.batch * (1 + BACKWARD)
        seconds = models * (learned + len(TESTS) * int(found.tests.sum())) / found.rate
        said = {"n": LAST_STEP, "time": words.number(max(1, round(seconds)))}
        text = "{n} steps take about {time} s here."
        if seconds > 120:
            said["time"] = words.number(round(seconds / 60))
            text = "{n} steps take about {time} min here. Smaller pictures, or the probe alone, take less."
        say(self.duration, "setText", Message(text, said))

    @property
    def run_fits(self) -> bool:
        """Whether the run's test pictures are those on the map."""
        return self.state.fits(self._answered or self.params)

    # -- what the run tells
    def _told(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.state.begin(event)
                self.learn.draw()
            case Tested():
                self.state.add(event)
                self.learn.draw()
                self._judge_anew()
                self._show_frozen(event)
            case Results() if self.run_fits:
                self.learn.take_results(event.rows)
            case Progress():
                self.tell(event.text)
            case TransferStep() | Kept():
                pass

    def _show_frozen(self, tested: Tested) -> None:
        began = self.state.began
        assert began is not None
        if tested.intact:
            short = {"hash": began.model_hash[:12]}
            say(self.frozen, "setText", Message("The probe's backbone is bit for bit as it was: {hash}", short))

    def _renewed(self) -> None:
        self.state.clear()
        self._probe = None
        self.learn.draw()
        self.judge.show_probe(None)

    def _look(self, weights: Weights | None) -> None:
        self.state.look(weights)
        self.learn.draw()
        self._judge_anew()

    def _judge_anew(self) -> None:
        """Another probe is in hand: say what it thinks of the photo."""
        self.judge.show_probe(self.probe)
        if self.params.photo is not None and self.params.probe is not self.probe:
            self.change(undoable=False, probe=self.probe)
