"""What the page "Kernel regression" is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.attention_pooling.points import Floats, Points
from engines.core.protocol import Frame


@dataclass(frozen=True, eq=False)
class PooledFrame(Frame):
    """Kernel regression at one query, along a grid and as a map.

    Sizes: N points, G places of the grid, Q queries of the map.

    Attributes
    ----------
    points : tuple of (x, y)
        What was pooled.
    order : ndarray int64 (N,)
        Sorts the points by x.
    kernel : str
    bandwidth, query, output : float
        ``output`` is 0 if the window is empty.
    empty : bool
        No key is in the query's window.
    entropy : float
        Of the query's weights, in bit.
    query_weights : ndarray float64 (N,)
        In the order of ``points``; sums to 1, or to 0 in an empty window.
    grid, fit : ndarray float64 (G,)
    filled : ndarray bool (G,)
        Where the window is not empty; ``fit`` is 0 elsewhere, which is to be drawn as a gap.
    fits : ndarray float64 (5, G), fits_filled : ndarray bool (5, G)
        Of all kernels, in the order of ``KERNELS``; empty unless asked for.
    queries : ndarray float64 (Q,)
        Rows of the map.
    weights : ndarray float64 (Q, N)
        Columns sorted by x; rows sum to 1 (to 0 where the window is empty).
    """

    points: Points = field(repr=False)
    order: npt.NDArray[np.int64] = field(repr=False)
    kernel: str
    bandwidth: float
    query: float
    output: float
    empty: bool
    entropy: float
    query_weights: Floats = field(repr=False)
    grid: Floats = field(repr=False)
    fit: Floats = field(repr=False)
    filled: npt.NDArray[np.bool_] = field(repr=False)
    fits: Floats = field(repr=False)
    fits_filled: npt.NDArray[np.bool_] = field(repr=False)
    queries: Floats = field(repr=False)
    weights: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class LeaveOneOut(Frame):
    """Error of predicting each point from the others, over the bandwidth.

    Attributes
    ----------
    bandwidths, errors : ndarray float64 (B,)
        Mean squared error.
    lonely : ndarray int64 (B,)
        Points without a neighbor; where it is not 0 the error says little and is to be drawn as a gap.
    bandwidth, error : float, alone : int
        The same at the present bandwidth.
    best, least : float
        Bandwidth with the least error among those where no point is lonely, and that error; both 0 if there is none.
    """

    bandwidths: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    lonely: npt.NDArray[np.int64] = field(repr=False)
    bandwidth: float
    error: float
    alone: int
    best: float
    least: float
