"""How a real model is computed, how long that takes, and how far it is from float32."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.theme import S2, SMALL
from app.widgets import col, label, quiet
from engines.blocks.backends import Computed
from engines.core.errors import Message

TINY = 1e-4  #: a difference below this is written with its power of ten


def written(value: float) -> str:
    """``0.0068``; small ones ``3e−05``; ``0`` where not a bit differs."""
    if value == 0:
        return "0"
    if 0 < value < TINY:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e−{abs(int(exponent)):02d}"
    return words.number(value, 4)


class BackendSaid(QWidget):
    """What came of the choice.

    Parameters
    ----------
    side : int
        Pixels of the model's picture, where boxes are told in pixels; 0: as shares of the sides.
    """

    def __init__(self, side: int = 0) -> None:
        super().__init__()
        self._side = side
        self.time, self.apart = label("", SMALL, wrap=True), quiet("", wrap=True)
        self.setLayout(col(self.time, self.apart, gap=S2))
        self.apart.hide()

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
            words.say(self.apart, "setText", self._difference(computed))
        tried = words.plain(", ".join(f"{words.tr(name)} {words.number(ms)}" for name, ms in computed.tried))
        self.time.setToolTip("")
        if computed.tried:
            words.say(self.time, "setToolTip", "Time for a small picture, in ms: {list}", list=tried)

    def _difference(self, computed: Computed) -> Message:
        numbers = {"logits": written(computed.logits), "probabilities": written(computed.probabilities)}
        if computed.boxes < 0:
            return Message("Largest difference from float32: logits {logits}, probabilities {probabilities}.", numbers)
        if self._side:
            numbers["boxes"] = written(computed.boxes * self._side)
            return Message(
                "Largest difference from float32: logits {logits}, scores {scores}, boxes {boxes} px.",
                numbers | {"scores": numbers["probabilities"]},
            )
        numbers["boxes"] = written(computed.boxes)
        return Message(
            "Largest difference from float32: logits {logits}, probabilities {probabilities}, boxes {boxes}.", numbers
        )
