"""The dock of the page "Detect": what the model knows, detections, attention, intervention."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.backendbox import BackendSaid
from app.controls import Chips
from app.params_form import ParamsForm
from app.sections import section
from app.tabs.detr.model import real_offer
from app.theme import BODY, S1, S2, SMALL
from app.widgets import box, button, col, label, quiet, row
from engines.core.errors import Message
from engines.detr.spec import INTERVENTION, DetrParams, HeadOff, ModelInfo

SEEN = ("threshold", "rule", "layer", "head", "opacity", "attention", "temperature", "scope")


class ModelNote(QWidget):
    """What the model knows, the offer of the real one while it is the toy, and how the real one is computed.

    Parameters
    ----------
    get : callable
        Fetches the real one.
    folder : QWidget
        Has it look at a whole folder.
    """

    def __init__(self, get: Callable[[], object], folder: QWidget) -> None:
        super().__init__()
        self._text = label("", SMALL, wrap=True)
        self.get = button(real_offer(), "download", "boxed", px=SMALL, clicked=get)
        self.get.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.said = BackendSaid()
        self.backend = box(col(ParamsForm(DetrParams(), ("compute",)), self.said, gap=S2))
        self.setLayout(section("Model", col(self._text, self.get, folder, self.backend, gap=S2)))
        self.backend.hide()
        self.get.hide()

    def show_model(self, info: ModelInfo) -> None:
        """Say what a model knows."""
        known = Message(
            "{title} detects {n} drawn shapes and nothing else.", {"title": Message(info.title), "n": len(info.labels)}
        )
        words.say(self._text, "setText", known if info.toy and info.step < 0 else info.note)
        self.get.setVisible(info.toy)
        self.get.set_text(real_offer())
        self.backend.setVisible(not info.toy and info.step < 0)  # what is trained here is small


class Interventions:
    """The controls of interventions that a `ParamsForm` cannot make: chips of heads, queries that are off."""

    def __init__(
        self, form: ParamsForm, heads: Callable[[tuple[int, ...]], object], all_on: Callable[[], object]
    ) -> None:
        self.chips = Chips(4, across=8)
        self.chips.changed.connect(heads)
        self._heads = label("", BODY)
        self._count = quiet("")
        self._queries = label("", BODY)
        self.all_on = button("All on", kind="boxed", px=SMALL, clicked=all_on)
        form.add(INTERVENTION, box(col(row(self._heads, 1, self._count), self.chips, gap=S1)))
        form.add(INTERVENTION, box(row(self._queries, 1, self.all_on)))

    def show_params(self, params: DetrParams, layer: int, heads: int, queries: int) -> None:
        """Bring the chips in line; ``layer`` from 0, ``heads`` of the attention that is changed."""
        off = [one.head for one in params.heads_off if (one.attention, one.layer) == (params.attention, layer)]
        self.chips.set_count(heads)
        self.chips.set_off(off)
        words.say(self._heads, "setText", "Heads of layer {n}", n=layer + 1)
        words.say(self._count, "setText", "{on} of {all} on", on=heads - len(off), all=heads)
        gone = len(params.queries_off)
        words.say(self._queries, "setText", "Queries: {on} of {all} on", on=queries - gone, all=queries)
        self.all_on.setEnabled(gone > 0)


def heads_off(params: DetrParams, layer: int, off: tuple[int, ...]) -> tuple[HeadOff, ...]:
    """The switched-off heads after those of one attention and layer were set."""
    others = [one for one in params.heads_off if (one.attention, one.layer) != (params.attention, layer)]
    return tuple(sorted([*others, *(HeadOff(params.attention, layer, head) for head in off)]))
