"""Engines that a station on a node runs in the tests, and what they tell."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np
import torch

from engines.core.errors import LabError
from engines.core.params import Params, Range, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Record, Subject

EVENTS = 3000


@dataclass(frozen=True)
class FarParams(Params):
    way: str = "sum"
    n: int = setting(3, Range(0, 10_000, 1, "n", live=True))
    picture: Picture | None = None


@dataclass(frozen=True, eq=False)
class Sum(Frame):
    n: int
    values: np.ndarray
    pid: int = 0
    picture: Picture | None = None


@dataclass(frozen=True)
class Noted(Record):
    n: int


@dataclass(frozen=True, eq=False)
class About(Subject):
    name: str


class Engine:
    """What it does, its params say."""

    def __init__(self):
        self.about = About("it")

    def run(self, job):
        yield self.about
        yield from getattr(self, job.params.way)(job)

    def sum(self, job):
        with torch.inference_mode():
            drawn = torch.randn(200, 200, generator=torch.Generator().manual_seed(job.params.n))
            found = torch.softmax(drawn @ drawn.T, -1).numpy()
        yield Sum(job.params.n, found, os.getpid(), job.params.picture)
        yield Noted(job.params.n)

    def stream(self, job):
        """Far more frames than are read, and a record beside each."""
        for n in range(EVENTS):
            yield Sum(n, np.full(10, n))
            yield Noted(n)

    def sixty(self, job):
        """As many frames a second, until it is stopped."""
        while True:
            yield Sum(job.params.n, np.zeros((300, 300), np.float32))
            time.sleep(1 / 60)

    def live(self, job):
        """Until it has read a setting that ends it."""
        while job.params.n:
            yield Sum(job.params.n, np.zeros(1), os.getpid())
            time.sleep(0.002)

    def refuses(self, job):
        raise LabError("Nobody is not here.")

    def raises(self, job):
        raise ZeroDivisionError("by nothing")
        yield

    def full(self, job):
        raise torch.OutOfMemoryError("full")
        yield


class Other(Engine):
    """The same, elsewhere."""
