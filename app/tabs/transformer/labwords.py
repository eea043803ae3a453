"""How the pages say numbers and places."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel

from app import words
from app.views.tokenmap import token
from app.widgets import quiet
from app.words import Text
from engines.core.errors import Message
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place

PLACES = {
    ENCODER: "Encoder {n}, attention",
    ENCODER_FFN: "Encoder {n}, FFN",
    DECODER: "Decoder {n}, self",
    CROSS: "Decoder {n}, cross",
    DECODER_FFN: "Decoder {n}, FFN",
}


def state_name(step: int) -> Message:
    """Whose weights they are: the bundled ones, or those of a step of the run."""
    return Message("bundled weights") if step < 0 else Message("step {n} of the run", {"n": words.number(step)})


def place_name(place: Place) -> Message:
    """A sublayer, layers counted from 1."""
    return Message(PLACES[place[0]], {"n": place[1] + 1})


def tiny(value: float) -> str:
    """A difference that may be nothing but rounding: ``0``, ``2.2e−16``, ``0.385``, ``12.3``."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    return words.number(value, int(np.clip(2 - np.floor(np.log10(abs(value))), 0, 3)))


def below(value: float, limit: float) -> str:
    """``0 < 1e−6``, or how far it is from that."""
    return f"{tiny(value)} {'<' if value < limit else '≥'} {power(limit)}"


def above(value: float, limit: float) -> str:
    """``0.385 > 1e−3``."""
    return f"{tiny(value)} {'>' if value > limit else '≤'} {power(limit)}"


def power(limit: float) -> str:
    """A power of ten."""
    return f"1e{round(np.log10(limit))}".replace("-", "−")


def spoken(tokens: tuple[str, ...]) -> list[Text]:
    """Tokens as all maps name them: a space can be seen, start and end are one sign wide."""
    return [token(t) for t in tokens]


def ends() -> QLabel:
    """What the signs of start and end mean."""
    return quiet("○ start, ● end")


def numbered(count: int, first: int = 1) -> tuple[str, ...]:
    """1, 2, 3."""
    return tuple(str(n) for n in range(first, first + count))
