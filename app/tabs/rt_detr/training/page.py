"""The page "Training": an RT-DETR learns while it is watched."""

from __future__ import annotations

from app.shell import Shell
from app.tabs.rt_detr.training.cards import TrainingCards
from app.topic.detector_page import DetectorTrainingPage
from app.topic.feed import Feed
from app.topic.state import State
from engines.rt_detr import saved
from engines.rt_detr.training.spec import (
    BUNDLED,
    MOST_TRAINING_STEPS,
    Measured,
    Now,
    RtDetrTraining,
    RunBegan,
    TrainStep,
)


class RtDetrTrainingPage(DetectorTrainingPage):
    """The cards, the controls, and the run behind them."""

    params_type = RtDetrTraining
    trainer = "engines.rt_detr.training.trainer:Trainer"
    kept_as, most = "rt-detr", MOST_TRAINING_STEPS
    controls = ("scenes", "first_pixel", "learning_rate", "begin", "model", "queries", "fit_queries", "batch", "target",
                "groups", "box_noise", "label_noise", "averaged")  # fmt: skip
    kinds = RunBegan, TrainStep, Measured, Now
    save_model = staticmethod(saved.save_model)

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.lay(self.cards.centre, self.make_form(), self.trained, resets=False)

    def make_cards(self) -> TrainingCards:
        return TrainingCards(self)

    def show_params(self, params: RtDetrTraining) -> None:
        self.form.control("model").setEnabled(params.begin != BUNDLED)
        for name in ("box_noise", "label_noise"):
            self.form.control(name).setEnabled(params.groups > 0)
        super().show_params(params)
