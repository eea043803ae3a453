"""What the page "New photo" is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.protocol import Frame
from engines.transfer.events import Bytes, Floats, Ints


@dataclass(frozen=True, eq=False)
class Verdict(Frame):
    """What the probe says of the photo.

    Attributes
    ----------
    name : str
        The photo's.
    seen : ndarray uint8 (side, side, 3)
        As the backbone gets it.
    names : tuple of str
        Classes, likeliest first.
    probabilities : ndarray (C,)
        In that order.
    near : ndarray int64 (n,)
        Pictures in use whose features are most alike, by cosine.
    cosines : ndarray (n,)
    near_names : tuple of str
        Their classes.
    near_thumbs : ndarray uint8 (n, s, s, 3)
    """

    name: str
    seen: Bytes = field(repr=False)
    names: tuple[str, ...]
    probabilities: Floats
    near: Ints
    cosines: Floats
    near_names: tuple[str, ...]
    near_thumbs: Bytes = field(repr=False)
