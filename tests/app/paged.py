"""A topic of three pages as small as can be: two over one state and engine, one that stands alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from app.cards import card
from app.params_form import ParamsForm
from app.topic.page import Page
from app.topics import Topic
from app.widgets import col, quiet
from engines.core.errors import LabError
from engines.core.params import PHOTO, PIN, Params, Range, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Record, Subject


@dataclass(frozen=True)
class PoolParams(Params):
    picture: Picture | None = setting(None, remembered=PHOTO)
    temperature: float = setting(1.0, Range(0.1, 10, 0.05, "Temperature", log=True), changes_model=True)
    opacity: float = drawn(0.4, Range(0, 1, 0.05, "Opacity", percent=True))
    query: int = looked(0, remembered=PIN)
    model: str = setting("", kept=True)
    token: int = looked(0, asked=False)
    rate: float = setting(0.1, asked=False)
    do: str = setting("answer")


@dataclass(frozen=True)
class ScoreParams(Params):
    layer: int = setting(3, Range(1, 12, 1, "Layer"))


@dataclass(frozen=True, eq=False)
class Answer(Frame):
    params: PoolParams


@dataclass(frozen=True, eq=False)
class Noted(Record):
    text: str


@dataclass(frozen=True, eq=False)
class About(Subject):
    name: str


class Engine:
    def run(self, job):
        if job.params.do == "fail":
            raise LabError("{name}: not an image.", name="x.png")
        if job.params.do == "too much" and job.device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        yield Noted("begun")
        while True:
            yield Answer(job.params)
            if job.params.do != "forever":
                return


class Heard(Page):
    """Writes down what it is told."""

    params_type = PoolParams
    engine = "tests.app.paged:Engine"
    taken = ()

    def __init__(self, state, feed, shell):
        super().__init__(state, feed, shell)
        self.told, self.shown, self.came = [], [], []
        self.text = quiet("The model is untouched")
        self.lay(card("Models", col(self.text, 1)), ParamsForm(self.params))

    def on(self, event):
        self.told.append(event)

    def take(self, paths):
        self.taken = paths

    def show_params(self, params):
        self.shown.append(params)

    def activated(self):
        self.came.append(True)

    def deactivated(self):
        self.came.append(False)

    @property
    def answers(self):
        return [event for event in self.told if isinstance(event, Answer)]


class First(Heard):
    title = "Models"
    takes_pictures = True


class Second(Heard):
    title = "Two words"
    file_kinds = (".points",)

    def paste(self, data):
        return data.text() == "1,2"

    def key(self, event):
        return event.text() == "k"


class Alone(Heard):
    title = "Alone"
    file_kinds = (".alone",)
    params_type = ScoreParams
    engine = ""


PAGES = tuple(f"tests.app.paged:{kind}" for kind in ("First", "Second", "Alone"))
TOPIC = Topic("paged", "Models", "Foundations", 1, "heads", pages=PAGES)
