"""What the scripts share that train the bundled weights: states that outlive a kill, and weights with their card."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import save
from torch import Tensor

from engines.checkpoints.catalog import WEIGHTS, sha256
from engines.core import files

CACHE = Path.home() / ".cache" / "attention-lab"  #: states and decoded pictures, outside the project


def save_state(state: Mapping[str, Any], file: Path) -> None:
    """Write the state of a training; one that is killed meanwhile finds the state before."""
    files.write(file, lambda sink: torch.save(dict(state), sink))


def saved_state(file: Path) -> dict[str, Any] | None:
    """The state that `save_state` wrote last; None where there is none."""
    if not file.is_file():
        return None
    found: dict[str, Any] = torch.load(file, weights_only=True)
    return found


def write_bundled(name: str, tensors: Mapping[str, Tensor], card: Mapping[str, Any], folder: Path = WEIGHTS) -> Path:
    """Write ``<name>.safetensors`` and, beside it, ``<name>.json``: the card, with the hash of the weights.

    Parameters
    ----------
    name : str
    tensors : mapping of str to Tensor
    card : mapping
        What the weights are, how they were trained and measured.
    folder : Path

    Returns
    -------
    Path
        The weights.
    """
    path = folder / f"{name}.safetensors"
    files.write(path, save({key: value.contiguous() for key, value in tensors.items()}))
    text = json.dumps({**card, "sha256": sha256(path)}, indent=2, ensure_ascii=False)
    files.write(path.with_suffix(".json"), text + "\n")
    return path


class TimedTraining(ABC):
    """A training that ends by the clock, however fast the machine is; looked at and saved on its way.

    Attributes
    ----------
    used : float
        Seconds of ``clock`` so far, those before an interruption included.
    steps, seen : int
        Batches, and pictures in them.
    save_every, look_every : float
        Seconds.
    """

    save_every, look_every, say_every = 120.0, 240.0, 50
    clock: Callable[[], float] = staticmethod(time.monotonic)  #: what time is; CPU seconds where others take the core

    def __init__(self) -> None:
        self.used, self.steps, self.seen = 0.0, 0, 0

    @abstractmethod
    def step(self, share: float) -> tuple[float, float]:
        """One batch, when this share of the time is used; returns its loss and the share that was right."""

    @abstractmethod
    def save(self) -> None:
        """Write the state."""

    @abstractmethod
    def look(self) -> str:
        """A measure to read on the way."""

    @abstractmethod
    def lr(self, share: float) -> float:
        """Learning rate, or its factor, when this share of the time is used."""

    def run(self, minutes: float, most: float = math.inf) -> None:
        """Train until so much time is used up in all, or for at most so many minutes now: the rest another time."""
        total = 60 * minutes
        end = min(total, self.used + 60 * most)
        last = saved = looked = self.clock()
        loss = right = 0.0
        while self.used < end:
            batch_loss, batch_right = self.step(self.used / total)
            loss, right = loss + batch_loss / self.say_every, right + batch_right / self.say_every
            now = self.clock()
            self.used, last = self.used + now - last, now
            if self.steps % self.say_every == 0:
                print(f"{self.used / 60:6.2f} min step {self.steps} pictures {self.seen} loss {loss:.4f} "
                      f"right {right:.4f} lr {self.lr(self.used / total):.4f}", flush=True)  # fmt: skip
                loss = right = 0.0
            if now - looked > self.look_every:
                looked = now
                print(f"      {self.look()}", flush=True)
            if now - saved > self.save_every or self.used >= end:
                saved = now
                self.save()


class KeptTraining(TimedTraining):
    """A timed training of a net on shuffled batches, saved and gone on with as a whole: the steps after are the same.

    Class attributes
    ----------------
    optimizers : tuple of str
        Attributes that hold one.

    Attributes
    ----------
    options : argparse.Namespace
        ``run`` is the name of the folder that it is kept in.
    net : Module
    average : dict of str to Tensor
        Of the net's weights over the last steps.
    batches
        Drawn without end: their ``generator``, and in ``order`` what is left of an epoch.
    """

    optimizers: ClassVar[tuple[str, ...]] = ("muon", "adam")
    options: Namespace
    net: Any
    average: dict[str, Tensor]
    batches: Any

    @property
    def file(self) -> Path:
        """Where the state is kept, outside the project."""
        return CACHE / str(self.options.run) / "checkpoint.pt"

    def save(self) -> None:
        """Write the state; a run that is killed meanwhile finds the one before."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.average,
            **{name: getattr(self, name).state_dict() for name in self.optimizers},
            "rng": self.batches.generator.get_state(),
            "order": self.batches.order,
            "used": self.used,
            "step": self.steps,
            "seen": self.seen,
        }
        save_state(state, self.file)

    def resume(self) -> None:
        """Go on from the state that was saved, if there is one."""
        state = saved_state(self.file)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.average = state["ema"]
        for name in self.optimizers:
            getattr(self, name).load_state_dict(state[name])
        self.batches.generator.set_state(state["rng"])
        self.batches.order = state.get("order", self.batches.order)  # runs of before had none
        self.used, self.steps, self.seen = state["used"], state["step"], state["seen"]
