"""What the page "Dimension" is told. Imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame
from engines.scoring.spec import Floats


@dataclass(frozen=True, eq=False)
class Spread(Frame):
    """Dot products of 256 unit normal queries and keys, raw (first) and times 1/√d (second).

    Attributes
    ----------
    edges : ndarray (2, M + 1), counts : ndarray int64 (2, M)
        Histograms over ± 4 times √d and 1; what lies beyond is counted in the last bin.
    std : ndarray (2,)
        Measured standard deviation.
    weights : ndarray (2, 8, K)
        Of the first queries over the first K keys.
    entropy : ndarray (2,)
        Mean over all queries, in bit.
    top : ndarray (2,)
        Mean largest weight.
    """

    dim: int
    edges: Floats = dataclasses.field(repr=False)
    counts: npt.NDArray[np.int64] = dataclasses.field(repr=False)
    std: Floats
    weights: Floats = dataclasses.field(repr=False)
    entropy: Floats
    top: Floats


@dataclass(frozen=True, eq=False)
class Sweep(Frame):
    """The same over all dimensions D.

    Attributes
    ----------
    dims : ndarray int64 (D,)
    std, entropy : ndarrays (2, D)
        Raw, and times 1/√d.
    low, high : ndarrays (2, D)
        Entropies that 10 % and 90 % of the queries stay under.
    most : float
        log2 K: entropy of equal weights.
    """

    dims: npt.NDArray[np.int64] = dataclasses.field(repr=False)
    std: Floats = dataclasses.field(repr=False)
    entropy: Floats = dataclasses.field(repr=False)
    low: Floats = dataclasses.field(repr=False)
    high: Floats = dataclasses.field(repr=False)
    most: float
