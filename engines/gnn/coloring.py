"""Color refinement: what no layer of message passing can tell apart (Weisfeiler & Leman 1968; Xu et al. 2019)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def refine(edges: Ints, nodes: int, start: Ints | None = None, rounds: int | None = None) -> list[Ints]:
    """Color nodes by the colors that enter them, round by round.

    Parameters
    ----------
    edges : ndarray of int (2, E)
        Source and target.
    nodes : int
        N; of several graphs at once all of them, so that their colors can be compared.
    start : ndarray of int (N,), optional
        Colors to begin with; all alike if not given.
    rounds : int, optional
        How many; until nothing changes if not given.

    Returns
    -------
    list of ndarray of int (N,)
        Colors at the start and after each round, numbered by their first node. Two nodes with the same color have
        the same color before and the same multiset of colors entering them.
    """
    colors = _numbered(np.zeros(nodes, np.int64) if start is None else np.asarray(start, np.int64))
    made = [colors]
    while rounds is None or len(made) <= rounds:
        order = np.lexsort((colors[edges[0]], edges[1]))
        target, entering = edges[1][order], colors[edges[0]][order]
        bounds = np.searchsorted(target, np.arange(nodes + 1))
        known: dict[tuple[int, bytes], int] = {}
        told = [(int(colors[i]), entering[bounds[i] : bounds[i + 1]].tobytes()) for i in range(nodes)]
        new = np.array([known.setdefault(each, len(known)) for each in told], np.int64)
        if rounds is None and np.array_equal(new, colors):
            break
        made.append(new)
        colors = new
    return made


def _numbered(colors: Ints) -> Ints:
    known: dict[int, int] = {}
    return np.array([known.setdefault(int(each), len(known)) for each in colors], np.int64)
