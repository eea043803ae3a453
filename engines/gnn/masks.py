"""A mask of attention as a graph: attention is message passing, and its mask says along which edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.gnn.graph import Graph, circle, made


def of_mask(allowed: npt.NDArray[np.bool_], title: str) -> Graph:
    """A mask (Q, K) as a graph: an edge from each key to each query that may attend to it; equal numbers are one node.

    Where there are as many queries as keys, query i and key i are one token. Else keys come first, then queries.
    """
    queries, keys = allowed.shape
    query, key = np.nonzero(allowed)
    if queries == keys:
        names = tuple(str(n + 1) for n in range(keys))
        return made(title, keys, np.stack([key, query], 1), names=names, directed=True, places=circle(keys))
    names = tuple([f"k{n + 1}" for n in range(keys)] + [f"q{n + 1}" for n in range(queries)])
    rows = [np.stack([np.linspace(-1, 1, count), np.full(count, y)], 1) for count, y in ((keys, -0.5), (queries, 0.5))]
    labels = np.repeat([0, 1], [keys, queries])
    return made(title, keys + queries, np.stack([key, keys + query], 1), labels, names=names, directed=True,
                classes=("Keys", "Queries"), places=np.concatenate(rows).astype(np.float32))  # fmt: skip
