"""The page "Training": a DETR learns while it is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal

from app import words
from app.params_form import ParamsForm
from app.remedy import Act
from app.shell import Shell
from app.tabs.detr.names import class_name
from app.tabs.detr.training.cards import TrainingCards
from app.tabs.detr.training.vits import VitChooser
from app.topic.detector_data import DRAW, sizes
from app.topic.detector_page import DetectorTrainingPage
from app.topic.feed import Feed
from app.topic.state import State
from app.words import Text
from engines.core.errors import Message
from engines.detr import saved
from engines.detr.training.spec import (
    BUNDLED,
    MOST_TRAINING_STEPS,
    NEW_RUN,
    ON_VIT,
    DetrTraining,
    Measured,
    Now,
    RunBegan,
    TrainStep,
)

BARE = "{name}: photos without boxes. A DETR learns from boxes around the objects and the names of their classes."


class DetrTrainingPage(DetectorTrainingPage):
    """The cards, the controls, and the run behind them.

    Signals
    -------
    bare : str
        Boxes are to be drawn on the photos of a folder, which has none yet.
    """

    params_type = DetrTraining
    trainer = "engines.detr.training.trainer:Trainer"
    kept_as, most, draws = "detr", MOST_TRAINING_STEPS, True
    controls = ("scenes", "first_pixel", "learning_rate", "no_object", "begin", "model", "queries", "fit_queries",
                "batch", "auxiliary_losses", "backbone", "auxiliary_queries")  # fmt: skip
    kinds = RunBegan, TrainStep, Measured, Now
    save_model = staticmethod(saved.save_model)
    cards: TrainingCards

    bare = Signal(str)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.training.cure = self._cure
        self.lay(self.cards.centre, self.make_form(), self.trained, resets=False)

    def make_cards(self) -> TrainingCards:
        return TrainingCards(self)

    def make_form(self) -> ParamsForm:
        form = super().make_form()
        self.vit = VitChooser(self.shell)
        self.vit.chosen.connect(lambda source: self.step(vit=source))
        form.add(NEW_RUN, self.vit, 2)
        return form

    def said_of_size(self, began: Any) -> Message:
        if began.vit:
            figures = {"n": words.number(began.learned), "vit": class_name(began.vit)}
            return Message("{n} parameters are trained, on the frozen features of {vit}", figures)
        return sizes(began)

    # -- settings
    def show_params(self, params: DetrTraining) -> None:
        on_vit = params.model == ON_VIT
        for name in ("begin", "backbone"):
            self.form.set_shown(name, not on_vit)
        self.vit.setVisible(on_vit)
        if on_vit:
            self.vit.show_source(params.vit)
        self.form.control("model").setEnabled(params.begin != BUNDLED)
        super().show_params(params)

    # -- data
    def offer_drawing(self, folder: Path) -> None:
        """Say that these photos have no boxes yet, and where they are drawn."""
        self.complain(Message(BARE, {"name": folder.name}), DRAW, lambda: self.bare.emit(str(folder)), word="Note")

    # -- the run
    def waits_for(self) -> Text:
        return "Loading the model" if self.params.model == ON_VIT else "Drawing scenes"

    def _cure(self) -> tuple[Text, Act]:
        """What helps a run that could not go on: one on a ViT needs photos, and to try again without them is no use."""
        asked = self.training.params
        if isinstance(asked, DetrTraining) and asked.model == ON_VIT and not asked.folder:
            return "Open a folder", self.shell.open_folder
        return "Restart", self.training.restart

    def give_way(self) -> None:
        params = self.params
        if params.model == ON_VIT and params.vit:
            self.step(vit="")
        elif params.folder:
            self.step(folder="", model=DetrTraining().model if params.model == ON_VIT else params.model)
