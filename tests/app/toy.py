"""A topic as small as can be, to try the house with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.cards import card
from app.params_form import ParamsForm
from app.tab import Dock, Page, TopicTab
from app.topics import Topic
from app.widgets import box, col, quiet, row
from engines.core.errors import LabError, Message
from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Progress


@dataclass(frozen=True)
class ToyParams(Params):
    picture: Picture | None = None
    off: tuple[int, ...] = ()
    layer: int = setting(3, Range(1, 12, 1, "Layer", group="Where to look", tip="Layer."))
    temperature: float = setting(1.0, Range(0.1, 10, 0.05, "Temperature", log=True, group="Change the model"))
    share: float = setting(0.4, Range(0, 1, 0.05, "Opacity", percent=True, group="Overlay"))
    mode: str = setting("Light", Choice(("Light", "Dark"), "Theme of the system", group="Overlay"))
    many: str = setting("CPU", Choice(("CPU", "Light", "Dark", "Error"), "Language", group="Overlay"))
    grid: bool = setting(True, Switch("Reduce motion", group="Overlay"))
    do: str = "answer"


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
                raise MemoryError
        yield Progress(1, 2, Message("Computing"))
        size = 0 if params.picture is None else params.picture.rgb.size
        while True:
            yield Answer(params.temperature, size, np.full((2, 2), 0.5, np.float32))
            if params.do != "forever":
                return


class ToyTab(TopicTab):
    params_type = ToyParams
    intervenes = ("temperature", "off")
    takes_pictures = True

    def build(self):
        self.answers = []
        self.text = quiet("The model is untouched")
        centre = box(row(card("Models", col(self.text, 1)), card("Foundations", col(1))))
        self.form = ParamsForm(ToyParams())
        return [Page("Models", centre, Dock(self.form)), Page("Foundations", box(col(1)), Dock(resets=False))]

    def on(self, event):
        if isinstance(event, Answer):
            self.answers.append(event)


TOPIC = Topic(
    "toy", "Models", "Foundations", 1, "heads", "tests.app.toy:ToyTab", "tests.app.toy:ToyEngine", pictures=True
)


class BlindTab(ToyTab):
    """One that takes no pictures, but files of its own."""

    takes_pictures = False
    file_kinds = (".points",)

    def take_paths(self, paths):
        self.taken = paths


BLIND = Topic("blind", "Foundations", "Models", 2, "heads", "tests.app.toy:BlindTab", "tests.app.toy:ToyEngine")
