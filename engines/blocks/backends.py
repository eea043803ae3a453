"""Ways to compute what takes nearly all of a real model's time, and what is told of them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.errors import Message
from engines.core.protocol import Frame

SPEED = "Speed"  #: section of the docks

FASTEST = "Fastest"
FLOAT32, BFLOAT16 = "float32", "bfloat16"
ONNX, OPENVINO, OPENVINO_BF16 = "ONNX Runtime", "OpenVINO", "OpenVINO, bfloat16"
BACKENDS = (FLOAT32, BFLOAT16, ONNX, OPENVINO, OPENVINO_BF16)

#: what still counts as the same answer: probabilities of the classes, and boxes in shares of the picture
SAME_PROBABILITY, SAME_BOX = 0.02, 0.005
CLEARLY = 0.8  #: float32's share of a backend's time on the whole picture from which on the small one told wrong


@dataclass(frozen=True)
class Computed(Frame):
    """How the picture was computed.

    Attributes
    ----------
    asked, used : str
        `FASTEST` or one of ``BACKENDS``; one of ``BACKENDS``.
    why : Message or None
        Why another backend than the one asked for was used.
    tried : tuple of (str, float)
        Milliseconds that each backend took for a small picture, the quickest first; empty if none was tried.
    milliseconds, reference : float
        For the whole picture, on this backend and in float32; −1 if not known.
    logits, probabilities, boxes : float
        Largest difference from float32 on the picture ``name``, boxes in shares of its sides; −1 if not compared, boxes
        also where the model says none.
    name : str
    same_box : float
        What boxes may differ by.
    """

    asked: str
    used: str
    why: Message | None = None
    tried: tuple[tuple[str, float], ...] = ()
    milliseconds: float = -1.0
    reference: float = -1.0
    logits: float = -1.0
    probabilities: float = -1.0
    boxes: float = -1.0
    name: str = ""
    same_box: float = SAME_BOX

    @property
    def compared(self) -> bool:
        """Whether the differences are known."""
        return self.probabilities >= 0

    @property
    def faithful(self) -> bool:
        """Whether nobody would see a difference."""
        return self.probabilities <= SAME_PROBABILITY and self.boxes <= self.same_box

    @property
    def slower(self) -> bool:
        """Whether float32 was clearly quicker on the whole picture, whatever the small one said."""
        return 0 < self.reference < CLEARLY * self.milliseconds

    @property
    def good(self) -> bool:
        """Whether it may be the fastest."""
        return self.faithful and not self.slower
