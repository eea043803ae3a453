"""The prediction: the likeliest classes beside those of the untouched model."""

from __future__ import annotations

from app import choosers, words
from app.cards import Card
from app.views.bars import Bar, Bars, probability
from app.widgets import quiet
from engines.core.errors import Message
from engines.swin.events import ModelInfo, Prediction

TOPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.01)


class PredictionCard(Card):
    """The likeliest classes; for a model without a head, how far the picture's features have moved."""

    def __init__(self) -> None:
        self.bars = Bars(widest_note="+88.8")
        self.said = quiet("", wrap=True)
        words.say(self.bars, "setAccessibleName", "Prediction")
        super().__init__("Prediction", self.bars, foot=self.said)

    def show_prediction(self, prediction: Prediction, info: ModelInfo | None) -> None:
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
            model = choosers.known(info.title)
            model = model if isinstance(model, Message) else Message(model)
            self.set_note("{model}, {count} classes", model=model, count=words.number(len(info.labels)))
        self.set_empty(None)

    @staticmethod
    def _note(prediction: Prediction) -> str:
        if not prediction.labels:
            return "This model names no classes. Shown: similarity to the untouched features."
        if prediction.changed:
            return "Dashed outline: the untouched model. Right: change in points."
        return "The model is untouched: turn up its temperature, or switch a head off."


def class_name(name: str) -> Message:
    """The first of a class's names, in Chinese where there is an entry for it."""
    found = choosers.known(name.split(",")[0].strip())
    return found if isinstance(found, Message) else Message(found)
