"""How the backbone of a real model is computed, how long that takes, and how far it is from float32."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.params_form import ParamsForm
from app.stream import Stream
from app.theme import S2, SMALL
from app.widgets import col, label, quiet
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.detr.spec import DetrParams, ModelInfo
from engines.detr.speed_spec import Computed

TINY = 1e-4  #: a difference below this is written with its power of ten


def written(value: float) -> str:
    """``0.0068``; small ones ``3e−05``; ``0`` where not a bit differs."""
    if value == 0:
        return "0"
    if 0 < value < TINY:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e−{abs(int(exponent)):02d}"
    return words.number(value, 4)


class SpeedBox(QWidget):
    """The choice, and below it what came of it; hidden for models too small for a choice."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        form = ParamsForm(DetrParams(), ("compute",))
        self.time, self.apart = label("", SMALL, wrap=True), quiet("", wrap=True)
        self.setLayout(col(form, self.time, self.apart, gap=S2))
        self.hide()
        stream.arrived.connect(self.hear)

    def hear(self, event: Event) -> None:
        """What the engine tells of this."""
        match event:
            case ModelInfo():
                self.setVisible(not event.toy and event.step < 0)  # what is trained here is small
            case Computed():
                self.show_computed(event)

    def show_computed(self, said: Computed) -> None:
        """Time, difference from float32, and what was tried."""
        way, ms = Message(said.used), words.number(said.milliseconds)
        line = Message("{way}: {ms} ms", {"way": way, "ms": ms})
        if said.compared:
            line = Message("{way}: {ms} ms, float32 {plain} ms.",
                           {"way": way, "ms": ms, "plain": words.number(said.reference)})  # fmt: skip
        if said.why is not None:
            line = Message("{first} {second}", {"first": said.why, "second": line})
        words.say(self.time, "setText", line)
        self.apart.setVisible(said.compared)
        if said.compared:
            words.say(self.apart, "setText",
                      "Largest difference from float32: logits {logits}, probabilities {probabilities}, boxes {boxes}.",
                      logits=written(said.logits), probabilities=written(said.probabilities),
                      boxes=written(said.boxes))  # fmt: skip
        tried = words.plain(", ".join(f"{words.tr(name)} {words.number(ms)}" for name, ms in said.tried))
        self.time.setToolTip("")
        if said.tried:
            words.say(self.time, "setToolTip", "Milliseconds for a small picture: {list}", list=tried)
