"""How the backbone of a real model is computed, how long that takes, and how far it is from float32."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.params_form import ParamsForm
from app.theme import S2, SMALL
from app.widgets import col, label, quiet
from engines.core.errors import Message
from engines.detr.backends.spec import Computed
from engines.detr.spec import DetrParams, ModelInfo

TINY = 1e-4  #: a difference below this is written with its power of ten


def written(value: float) -> str:
    """``0.0068``; small ones ``3e−05``; ``0`` where not a bit differs."""
    if value == 0:
        return "0"
    if 0 < value < TINY:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e−{abs(int(exponent)):02d}"
    return words.number(value, 4)


class BackendBox(QWidget):
    """The choice, and below it what came of it; hidden for models too small for a choice."""

    def __init__(self) -> None:
        super().__init__()
        form = ParamsForm(DetrParams(), ("compute",))
        self.time, self.apart = label("", SMALL, wrap=True), quiet("", wrap=True)
        self.setLayout(col(form, self.time, self.apart, gap=S2))
        self.hide()

    def show_model(self, info: ModelInfo) -> None:
        """Only a real model has a choice: what is trained here is small."""
        self.setVisible(not info.toy and info.step < 0)

    def show_computed(self, computed: Computed) -> None:
        """Time, difference from float32, and what was tried."""
        backend, ms = Message(computed.used), words.number(computed.milliseconds)
        line = Message("{backend}: {ms} ms", {"backend": backend, "ms": ms})
        if computed.compared:
            line = Message("{backend}: {ms} ms, float32 {plain} ms.",
                           {"backend": backend, "ms": ms, "plain": words.number(computed.reference)})  # fmt: skip
        if computed.why is not None:
            line = Message("{first} {second}", {"first": computed.why, "second": line})
        words.say(self.time, "setText", line)
        self.apart.setVisible(computed.compared)
        if computed.compared:
            words.say(self.apart, "setText",
                      "Largest difference from float32: logits {logits}, probabilities {probabilities}, boxes {boxes}.",
                      logits=written(computed.logits), probabilities=written(computed.probabilities),
                      boxes=written(computed.boxes))  # fmt: skip
        tried = words.plain(", ".join(f"{words.tr(name)} {words.number(ms)}" for name, ms in computed.tried))
        self.time.setToolTip("")
        if computed.tried:
            words.say(self.time, "setToolTip", "Time for a small picture, in ms: {list}", list=tried)
