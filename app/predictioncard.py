"""The prediction: the likeliest classes beside those of the untouched model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app import words
from app.cards import Card
from app.classlist import FEW, ClassList, KnownLine, class_name
from app.theme import S1
from app.views.bars import Bar, Bars, probability
from app.widgets import col, quiet
from engines.core.errors import Message

TOPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.01)


class Predicted(Protocol):
    """What a topic's model says of a photo: its k likeliest classes, probabilities (k,) now and untouched, in 0..1."""

    @property
    def changed(self) -> bool: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def probabilities(self) -> npt.NDArray[np.float32]: ...
    @property
    def untouched(self) -> npt.NDArray[np.float32]: ...
    @property
    def similarity(self) -> float: ...


class Named(Protocol):
    """The model that says it."""

    @property
    def source(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...


class PredictionCard(Card):
    """The likeliest classes; for a model without a head, how far the picture's features have moved.

    Parameters
    ----------
    topic : str
        Whose models the list of classes offers.
    fetch : callable
        Downloads a model of the hub and uses it; gets its name.
    hint : str
        What can be done to a model that is untouched.
    """

    def __init__(self, topic: str, fetch: Callable[[str], object], hint: str) -> None:
        self._hint = hint
        self.bars = Bars(widest_note="+88.8")
        self.said, self.known, self.list = quiet("", wrap=True), KnownLine(), ClassList(topic, fetch)
        words.say(self.bars, "setAccessibleName", "Prediction")
        super().__init__("Prediction", self.bars, tools=[self.list], foot=col(self.said, self.known, gap=S1))

    def show_prediction(self, prediction: Predicted, info: Named | None) -> None:
        """What the model says."""
        rows = zip(prediction.labels, prediction.probabilities, prediction.untouched, strict=True)
        bars: list[Bar] = [
            probability(class_name(name), float(now), float(before) if prediction.changed else None)
            for name, now, before in rows
        ]
        if not bars:
            bars = [probability(Message("Alike"), max(0.0, prediction.similarity))]
        largest = max(bar.total for bar in bars)
        if prediction.changed and prediction.labels:
            largest = max(largest, float(prediction.untouched.max()))
        self.bars.set_bars(bars, next(top for top in TOPS if largest <= top))
        words.say(self.said, "setText", self._note(prediction))
        if info is not None:
            self._show_model(info)
        self.set_empty(None)

    def _show_model(self, info: Named) -> None:
        """Whose prediction it is, and what that model can say at all."""
        found, labels = words.known(info.title), info.labels
        model = found if isinstance(found, Message) else Message(found)
        self.list.show_model(info.source, labels)
        self.known.show_model(info.source, labels)
        text = "{model}, {count} classes" if len(labels) > FEW else "{model}"
        self.set_note(text, model=model, count=words.number(len(labels)))

    def _note(self, prediction: Predicted) -> str:
        if not prediction.labels:
            return "This model names no classes. Shown: similarity to the untouched features."
        if prediction.changed:
            return "Dashed outline: the untouched model. Right: change in points."
        return self._hint
