"""The prediction: the likeliest classes beside those of the untouched model, or how far the class token has moved."""

from __future__ import annotations

from collections.abc import Callable

from app import words
from app.cards import Card
from app.classlist import FEW, ClassList, KnownLine, class_name
from app.tabs.vit.columns import LayerColumns
from app.tabs.vit.shown import Shown
from app.theme import S1
from app.views.bars import Bar, Bars, probability
from app.widgets import col, quiet
from engines.core.errors import Message
from engines.vit.events import ModelInfo, Prediction


class PredictionCard(Card):
    """The likeliest classes beside those of the untouched model, or how far the class token has moved.

    Parameters
    ----------
    fetch : callable
        Downloads a model of the hub and uses it; gets its name.
    """

    def __init__(self, fetch: Callable[[str], object]) -> None:
        self.bars = Bars(widest_note="+88.8")
        self.columns = LayerColumns()
        self.columns.hide()
        self.said, self.known, self.list = quiet("", wrap=True), KnownLine(), ClassList("vit", fetch)
        for view in (self.bars, self.columns):
            words.say(view, "setAccessibleName", "Prediction")
        foot = col(self.said, self.known, gap=S1)
        super().__init__("Prediction", col(self.bars, self.columns, gap=0), tools=[self.list], foot=foot)

    def show_prediction(self, prediction: Prediction, shown: Shown) -> None:
        """What the model says, as bars or columns."""
        named = bool(prediction.labels)
        self.bars.setVisible(named)
        self.columns.setVisible(not named)
        if named:
            self.bars.set_bars(self._rows(prediction), self._top(prediction))
        else:
            self.columns.set_values(prediction.similarity, prediction.changed)
        words.say(self.said, "setText", self._note(prediction))
        if shown.info is not None:
            self._show_model(shown.info)
        self.set_empty(None)

    def _show_model(self, info: ModelInfo) -> None:
        """Whose prediction it is, and what that model can say at all."""
        found, labels = words.known(info.title), info.labels
        model = found if isinstance(found, Message) else Message(found)
        self.list.show_model(info.source, labels)
        self.known.show_model(info.source, labels)
        text = "{model}, {count} classes" if len(labels) > FEW else "{model}" if labels else "{model}, by layer"
        self.set_note(text, model=model, count=words.number(len(labels)))

    @staticmethod
    def _rows(prediction: Prediction) -> list[Bar]:
        found = zip(prediction.labels, prediction.probabilities, prediction.untouched, strict=True)
        return [
            probability(class_name(name), float(now), float(before) if prediction.changed else None)
            for name, now, before in found
        ]

    @staticmethod
    def _top(prediction: Prediction) -> float:
        largest = max(float(prediction.probabilities.max()), float(prediction.untouched.max()))
        return next((top for top in (0.1, 0.2, 0.4, 0.6, 0.8) if largest <= top), 1.0)

    @staticmethod
    def _note(prediction: Prediction) -> str:
        if not prediction.labels:
            return "This model has no classification head. Shown: similarity to the untouched class token."
        if prediction.changed:
            return "Dashed outline: the untouched model. Right: change in points."
        return "The model is untouched: turn up its temperature, or switch a head off."
