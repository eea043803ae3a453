"""A topic as small as can be, to try the house with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from app.cards import card
from app.params_form import ParamsForm
from app.topic.page import Page
from app.topics import Topic
from app.widgets import box, col, quiet, row
from engines.core.errors import LabError, Message
from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Progress


@dataclass(frozen=True)
class ToyParams(Params):
    picture: Picture | None = setting(None)
    off: tuple[int, ...] = setting((), changes_model=True)
    layer: int = setting(3, Range(1, 12, 1, "Layer", group="Selection", tip="Layer."))
    temperature: float = setting(
        1.0, Range(0.1, 10, 0.05, "Temperature", log=True, group="Change the model"), changes_model=True
    )
    share: float = setting(0.4, Range(0, 1, 0.05, "Opacity", percent=True, group="Overlay"))
    mode: str = setting("Light", Choice(("Light", "Dark"), "Theme of the system", group="Overlay"))
    many: str = setting("CPU", Choice(("CPU", "Light", "Dark", "Error"), "Language", group="Overlay"))
    grid: bool = setting(True, Switch("Reduce motion", group="Overlay"))
    do: str = setting("answer")


@dataclass(frozen=True, eq=False)
class Answer(Frame):
    value: float
    pixels: int
    weights: np.ndarray


class ToyEngine:
    def run(self, job):
        params = job.params
        match params.do:
            case "fail":
                raise LabError("{name}: not an image.", name="x.png")
            case "break":
                raise ZeroDivisionError("a bug")
            case "full":
                raise torch.OutOfMemoryError("CUDA out of memory.")
        yield Progress(1, 2, Message("Computing"))
        size = 0 if params.picture is None else params.picture.rgb.size
        while True:
            yield Answer(params.temperature, size, np.full((2, 2), 0.5, np.float32))
            if params.do != "forever":
                return


class ToyPage(Page):
    """All sliders of the topic, and what was answered."""

    title = "Models"
    params_type = ToyParams
    engine = "tests.app.toy:ToyEngine"
    takes_pictures = True

    def __init__(self, state, feed, shell):
        super().__init__(state, feed, shell)
        self.answers = []
        self.text = quiet("The model is untouched")
        self.form = ParamsForm(ToyParams())
        self.lay(box(row(card("Models", col(self.text, 1)), card("Foundations", col(1)))), self.form)

    def on(self, event):
        if isinstance(event, Answer):
            self.answers.append(event)


class EmptyPage(Page):
    """A second one, with nothing on it."""

    title = "Foundations"
    params_type = ToyParams
    engine = "tests.app.toy:ToyEngine"

    def __init__(self, state, feed, shell):
        super().__init__(state, feed, shell)
        self.lay(box(col(1)), resets=False)


TOPIC = Topic(
    "toy",
    "Models",
    "Foundations",
    1,
    "heads",
    pages=("tests.app.toy:ToyPage", "tests.app.toy:EmptyPage"),
    pictures=True,
)


class BlindPage(ToyPage):
    """One that takes no pictures, but files of its own."""

    takes_pictures = False
    file_kinds = (".points",)

    def take(self, paths):
        self.taken = paths


BLIND = Topic("blind", "Foundations", "Models", 2, "heads", pages=("tests.app.toy:BlindPage",))
