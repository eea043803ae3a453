"""Answers the page "Depth": what repeated averaging does to nodes (Li et al. 2018; Oono & Suzuki 2020).

Nodes over √degree are averaged with weights whose rows sum to 1, D^−½ S D^½ = D^−1 (A + I), as attention averages
tokens: how much they differ is measured alike for both (`engines.blocks.alike`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from engines.blocks.alike import difference
from engines.core.protocol import Event, Job
from engines.gnn import samples
from engines.gnn.depth.spec import DEEPEST, Smoothing, SmoothParams
from engines.gnn.graph import Graph, arcs

SIZE, INSIDE, BETWEEN = 34, 0.3, 0.03  # of communities, ring and path
WIDTH = 16


class Engine:
    """Yields a `Smoothing`."""

    def run(self, job: Job[SmoothParams]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        params = job.params
        yield smoothing(samples.sample(params.graph, SIZE, INSIDE, BETWEEN, params.seed), params.seed)


def matrix(graph: Graph) -> npt.NDArray[np.float64]:
    """S = D^−½ (A + I) D^−½ of a graph without weights, (N, N); on its diagonal stands 1 / degree."""
    edges, _ = arcs(graph, weighted=False)
    joined = np.eye(graph.nodes)
    np.add.at(joined, (edges[1], edges[0]), edges[0] != edges[1])
    root = joined.sum(1) ** -0.5
    return root[:, None] * joined * root


def smoothing(graph: Graph, seed: int) -> Smoothing:
    """S^k X of random nodes X; see `Smoothing`. A graph of several parts has as many lines that S leaves alone."""
    s = matrix(graph)
    values, vectors = np.linalg.eigh(s)
    kept = values > 1 - 1e-9  # one for each part of the graph
    lines = vectors[:, kept]
    second = float(np.abs(values[~kept]).max(initial=0.0))
    x = np.random.default_rng(seed).standard_normal((graph.nodes, WIDTH))
    roots = s.diagonal()[:, None] ** 0.5  # 1 / √degree
    cosine, distance, apart = [], [], []
    start, skipped, skips = np.linalg.norm(x), x, []
    for _ in range(DEEPEST + 1):
        unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        cosines = np.abs(unit @ unit.T)
        cosine.append((cosines.sum() - np.trace(cosines)) / max(1, cosines.size - len(cosines)))
        distance.append(np.linalg.norm(x - lines @ (lines.T @ x)) / start)
        apart.append(differing(x * roots))
        skips.append(differing(skipped * roots))
        x, skipped = s @ x, (skipped + s @ skipped) / 2  # halved, which changes no share, so that nothing overflows
    bound = distance[0] * second ** np.arange(DEEPEST + 1)
    a, b, c, d, e = (np.array(each, np.float32) for each in (cosine, distance, bound, apart, skips))
    return Smoothing(graph.title, a, b, c, d, e, second)


def differing(x: npt.NDArray[np.float64]) -> float:
    """How much nodes (N, C) differ, from 0 to 1; see `engines.blocks.alike`."""
    return float(difference(torch.from_numpy(x)))
