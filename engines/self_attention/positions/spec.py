"""What the page "Positions" is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame
from engines.self_attention.spec import Floats

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True, eq=False)
class PositionsFrame(Frame):
    """Position codes and what their dot products know of the distance. L positions of width d.

    Attributes
    ----------
    kind : str
        Of ``code`` and ``dots``.
    code : ndarray float64 (L, d)
        What is added to X; for rotary one seeded random vector, turned by each position.
    dots : ndarray float64 (L, L)
        Dot products between the rows of ``code``, divided by their mean square length.
    offsets : ndarray int64 (2 L − 1,)
        From −(L − 1) to L − 1.
    mean, low, high : ndarray float64 (3, 2 L − 1)
        For each kind: mean, least and largest dot product among all pairs with that offset.
    spread : ndarray float64 (3,)
        Largest distance between ``low`` and ``high``: 0 where the dot product depends on the offset alone.
    """

    kind: str
    code: Floats = field(repr=False)
    dots: Floats = field(repr=False)
    offsets: npt.NDArray[np.int64] = field(repr=False)
    mean: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    spread: Floats = field(repr=False)
