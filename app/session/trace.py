"""The curves of a run as a session holds them: what was drawn, not what trained. No Qt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.session.values import MisfitError, Parts, Tree
from engines.core import limits

PIECES = 200  #: pieces of a longer curve, of which the least and the largest value are kept
_TOKEN = re.compile(r"[a-z0-9_]{1,20}")


def thin(x: np.ndarray, y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value of each of ``bins`` pieces, in their order, and both ends: no peak is lost."""
    count = len(y)
    if count <= 2 * bins:
        return x, y
    size = count // bins
    whole = size * bins
    pieces = y[:whole].reshape(bins, size)
    start = np.arange(bins) * size
    both = np.sort(np.stack([start + pieces.argmin(1), start + pieces.argmax(1)], 1), axis=1).ravel()
    rest = [whole + at for at in (y[whole:].argmin(), y[whole:].argmax())] if whole < count else []
    keep = np.unique(np.concatenate([[0], both, rest, [count - 1]]).astype(int))
    return x[keep], y[keep]


@dataclass(frozen=True, eq=False)
class Trace:
    """A curve over the steps of a run.

    Attributes
    ----------
    name : str
        In the language in which it was drawn.
    token : str
        Color.
    x, y : ndarray (n,)
        Finite; x does not fall.
    """

    name: str
    token: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


Plots = tuple[tuple[Trace, ...], ...]  #: the curves of each plot of a page, in the order of the plots


def tree_of(plots: Plots, parts: Parts) -> Tree:
    """Curves as JSON, thinned; their points go into ``parts``."""

    def told(one: Trace) -> Tree:
        x, y = thin(one.x, one.y, PIECES)
        parts.arrays.append(np.stack([np.asarray(x, float), np.asarray(y, float)]))
        return {"name": one.name, "token": one.token, "points": {"#": len(parts.arrays) - 1}}

    return [[told(one) for one in plot[: limits.SESSION_CURVES]] for plot in plots[: limits.SESSION_CURVES]]


def traces_in(tree: Tree, parts: Parts, where: str) -> Plots:
    """The curves of a tree.

    Raises
    ------
    MisfitError
        If they are none.
    """
    if not _is_short_list(tree) or not all(_is_short_list(plot) for plot in tree):
        raise MisfitError("{where}: no curves", where=where)
    return tuple(tuple(_trace(one, parts, where) for one in plot) for plot in tree)


def _is_short_list(tree: Tree) -> bool:
    return isinstance(tree, list) and len(tree) <= limits.SESSION_CURVES


def _trace(tree: Tree, parts: Parts, where: str) -> Trace:
    match tree:
        case {"name": str(name), "token": str(token), "points": {"#": int(number)}}:
            if _TOKEN.fullmatch(token) and 0 <= number < len(parts.arrays) and _are_points(parts.arrays[number]):
                x, y = parts.arrays[number]
                return Trace(name[: limits.SESSION_NAME], token, x, y)
    raise MisfitError("{where}: no curves", where=where)


def _are_points(points: np.ndarray) -> bool:
    return bool(
        points.dtype == np.float64
        and points.ndim == 2
        and len(points) == 2
        and points.shape[1] <= 4 * PIECES
        and np.isfinite(points).all()
        and (np.abs(points) < limits.SESSION_FAR).all()
        and (np.diff(points[0]) >= 0).all()
    )


def as_traces(curves: Sequence[tuple[str, str, np.ndarray, np.ndarray]]) -> tuple[Trace, ...]:
    """Curves of a name, a color and points that have any."""
    return tuple(Trace(name, token, x, y) for name, token, x, y in curves if len(x))
