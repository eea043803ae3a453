"""What the page "Position bias" is told; it is asked with the settings of all pages on a photo. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.protocol import Frame
from engines.swin.events import Floats, Prediction

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: what is added to scores is shown, no weights
MOST = 20.0  #: largest amount that the hand adds to a cell


@dataclass(frozen=True, eq=False)
class Tables(Frame):
    """The position bias of the chosen block.

    Attributes
    ----------
    block, head : int
        The chosen ones, counted from 1, as the model has them.
    tables, untouched : ndarray (H, 2w − 1, 2w − 1)
        What is added to the scores, by how many rows and columns the query lies below and right of the key, from
        −(w − 1) to w − 1: as it is set now, and as the model was read.
    prediction : Prediction
    """

    block: int
    head: int
    tables: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    prediction: Prediction
