"""What can be done with a model that was trained here: used on the page Detect, saved, not lost by mistake."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app import words
from app.kept import WORTH
from app.lastfolder import SAVED, keep, start_in
from app.questions import ask
from app.sections import section
from app.shell import Shell
from app.theme import S2
from app.training import Training
from app.widgets import WideButton, col
from engines.core import files
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.core.training import Weights

SaveModel: TypeAlias = Callable[[Weights, Path, dict[str, Any]], object]

USE_TIP = "Uses the weights of this step as the model on the page Detect."
SAVE_TIP = (
    "A folder with the weights of this step, the classes and how they were trained. It opens as any model does: drop "
    "it on the window."
)


class TrainedModel(QWidget):
    """The state that is looked at, and what is done with it.

    Parameters
    ----------
    training : Training
    shell : Shell
    save_model : callable
        Writes a state of a run as a folder: ``(weights, place, about)``.
    ending : str
        Of the name that is offered.
    kinds : tuple of four types
        What the run tells, as `app.topic.detector_page.DetectorTrainingPage` has them.

    Signals
    -------
    wanted
        It shall be used on the page Detect.
    """

    wanted = Signal()

    def __init__(
        self, training: Training, shell: Shell, save_model: SaveModel, ending: str, kinds: Sequence[type[Event]]
    ) -> None:
        super().__init__()
        self._training, self._shell = training, shell
        self._save_model, self._ending, self._kinds = save_model, ending, kinds
        self._measured: list[Any] = []
        self._saved = 0  # the latest step on disk
        self._waits: dict[Path, tuple[int, int, Callable[[], object]]] = {}  # run, step and what comes then, by folder
        self.use = WideButton("Use on Detect", "eye", tip=USE_TIP)
        self.save = WideButton("Save the model", "export", tip=SAVE_TIP)
        self.use.clicked.connect(lambda _checked=False: self.wanted.emit())
        self.save.clicked.connect(lambda _checked=False: self.ask_save())
        self.setLayout(section("Trained model", col(self.use, self.save, gap=S2)))
        training.arrived.connect(self._heard)
        training.ask_first = self.ask_first
        shell.saving.saved.connect(self._on_disk)

    def _heard(self, event: Event) -> None:
        began, _, measured, _ = self._kinds
        if isinstance(event, began):
            self._saved = 0
            self._measured.clear()
        elif isinstance(event, measured):
            self._measured.append(event)

    # -- what would be lost
    def unsaved(self) -> int:
        """Steps of a training that lie on no disk as a model; 0 where it would be no loss."""
        newest = self._training.timeline.newest  # of the steps after it there is no state to be saved
        step = 0 if newest is None else newest.step
        return step if step - self._saved >= WORTH else 0

    def ask_first(self, act: Callable[[], object]) -> None:
        """Do what ends this training, once its person knows."""
        steps = self.unsaved()
        if not steps:
            act()
            return
        text = Message("The model of this training ({n} {n:step|steps}) is not saved.", {"n": words.number(steps)})
        ways = (("Save the model", lambda: self.ask_save(act)), ("Discard it", act))
        ask(self, text, ways, "Cancel")

    # -- saving
    def ask_save(self, then: Callable[[], object] = lambda: None) -> None:
        """Ask for a folder and write the state that is looked at into it, then go on."""
        weights = self._training.weights
        if weights is None or weights.made_of is None:
            return
        data = Path(weights.made_of.folder).name if weights.made_of.folder else "shapes"
        start = files.free(start_in(self, SAVED, f"{data}-{self._ending}"))
        name, _ = QFileDialog.getSaveFileName(
            self, words.tr("Save the model as a folder"), str(start), "", "", QFileDialog.Option.DontConfirmOverwrite
        )
        if name:
            keep(self, SAVED, name)
            self.save_at(files.free(Path(name)), weights, then)

    def save_at(self, place: Path, weights: Weights, then: Callable[[], object] = lambda: None) -> None:
        """Write a state as a folder that is not there yet."""
        about = {"settings": self._settings(), "measured": self._measurement(weights.step)}
        self._waits[place] = self._training.number, weights.step, then
        self._shell.saving.act(place, lambda: self._save_model(weights, place, about))

    def _on_disk(self, place: object) -> None:
        waited = self._waits.pop(place, None) if isinstance(place, Path) else None
        if waited is None:
            return
        run, step, then = waited
        if run == self._training.number:
            self._saved = max(self._saved, step)
        if os.path.isdir(str(place)):
            self._shell.settings.add_model(str(place))
        then()

    def _settings(self) -> dict[str, Any]:
        params = self._training.params
        return {} if params is None else {
            name: value for name, value in vars(params).items()
            if name not in ("run", "until", "start", "keep", "resume", "branches", "scene")
        }  # fmt: skip

    def _measurement(self, step: int) -> dict[str, float]:
        """What was measured of a state, or of the last one before it."""
        before = [one for one in self._measured if one.step <= step]
        return {"step": before[-1].step, "ap": before[-1].ap, "ap50": before[-1].ap50} if before else {}
