"""Graphs to start with. Zachary 1977 (karate club) and Knuth 1993 (Les Misérables) come with networkx."""

from __future__ import annotations

import networkx
import numpy as np
import numpy.typing as npt
from PIL import Image

from engines.core.pictures import Picture
from engines.gnn.graph import Floats, Graph, circle, made
from engines.gnn.grids import grid_edges
from engines.gnn.spec import COMMUNITIES, COMPLETE, GRID, KARATE, MISERABLES, PATH, RING

MOST_COMPLETE = 64  # nodes: each of them is joined to each
ALONG = 14  # patches along the longer side of a photo
NEAR = 40.0  # of 255: colors so far apart make a third of the weight


def sample(name: str, nodes: int, inside: float, between: float, seed: int) -> Graph:
    """A graph by its name.

    Parameters
    ----------
    name : str
        One of `engines.gnn.spec.SAMPLES` but for the photo's and one's own.
    nodes : int
        Where the graph may have any number of them.
    inside, between : float
        Of two communities: probability of an edge within one, and between them.
    seed : int
    """
    if name == KARATE:
        return _karate()
    if name == MISERABLES:
        return _miserables()
    if name == COMMUNITIES:
        return blocks(name, (nodes - nodes // 2, nodes // 2), inside, between, seed)
    if name == GRID:
        rows = max(1, round(nodes**0.5))
        return grid(rows, max(1, nodes // rows))
    ring = np.stack([np.arange(nodes), (np.arange(nodes) + 1) % nodes], 1)
    if name == COMPLETE:
        count = min(nodes, MOST_COMPLETE)
        return made(name, count, np.stack(np.triu_indices(count, 1), 1), places=circle(count))
    if name == RING:
        return made(name, nodes, ring if nodes > 2 else ring[: nodes - 1], places=circle(nodes))
    line = np.stack([np.linspace(-1, 1, nodes), np.zeros(nodes)], 1).astype(np.float32)
    return made(PATH, nodes, ring[: nodes - 1], places=line)


def _karate() -> Graph:
    found = networkx.karate_club_graph()
    clubs = ("Mr. Hi", "Officer")
    labels = np.array([clubs.index(found.nodes[n]["club"]) for n in found])
    pairs = list(found.edges)
    weights = np.array([found.edges[e].get("weight", 1) for e in pairs], np.float32)
    return made(KARATE, len(found), pairs, labels, classes=clubs, weights=weights)


def _miserables() -> Graph:
    found = networkx.les_miserables_graph()
    names = tuple(found)
    number = {name: n for n, name in enumerate(names)}
    groups = networkx.community.greedy_modularity_communities(found, weight="weight")
    labels = np.full(len(names), -1)
    for group, members in enumerate(groups):
        for name in members:
            labels[number[name]] = group
    pairs = [(number[a], number[b]) for a, b in found.edges]
    weights = np.array([found.edges[e]["weight"] for e in found.edges], np.float32)
    classes = tuple(str(n + 1) for n in range(len(groups)))
    return made(MISERABLES, len(names), pairs, labels, names=names, classes=classes, weights=weights)


def blocks(title: str, sizes: tuple[int, ...], inside: float, between: float, seed: int) -> Graph:
    """A stochastic block model: each pair is joined by chance, within a block with another one than between blocks."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    pairs = np.stack(np.triu_indices(len(labels), 1), 1)
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    drawn = random.random(len(pairs)) < np.where(same, inside, between)
    classes = tuple("ABCDEFGH"[: len(sizes)])
    return made(title, len(labels), pairs[drawn], labels, classes=classes)


def grid(rows: int, cols: int, around: int = 4) -> Graph:
    """A grid of cells, joined at their sides, or at their corners as well."""
    edges = grid_edges(rows, cols, around)
    down, across = np.divmod(np.arange(rows * cols), cols)
    places = np.stack([across, -down], 1).astype(np.float32)
    return made(GRID, rows * cols, edges[:, : edges.shape[1] // 2].T, places=places)


def words(labels: npt.NDArray[np.int64], count: int, own: int, often: float, seed: int) -> Floats:
    """Noisy words of nodes of classes (N,): each is there by chance, the ``own`` ones of a class more often, (N, W)."""
    random = np.random.default_rng(seed)
    chance = np.full((int(labels.max()) + 1, count), 0.1)
    for one in range(len(chance)):
        chance[one, one * own : (one + 1) * own] = often
    return (random.random((len(labels), count)) < chance[labels]).astype(np.float32)


def of_photo(picture: Picture) -> Graph:
    """The patches of a photo, each joined to those around it; the more alike their colors, the more the edge weighs."""
    high, wide = picture.rgb.shape[:2]
    scale = ALONG / max(high, wide)
    rows, cols = max(1, round(high * scale)), max(1, round(wide * scale))
    small = Image.fromarray(picture.rgb).resize((cols, rows), Image.Resampling.BOX)
    colors = np.asarray(small).reshape(-1, 3)
    edges = grid_edges(rows, cols)
    edges = edges[:, : edges.shape[1] // 2]
    apart = np.linalg.norm(colors[edges[0]].astype(float) - colors[edges[1]], axis=0 if not edges.size else 1)
    weights = np.exp(-((apart / NEAR) ** 2)).clip(0.01).astype(np.float32)
    down, across = np.divmod(np.arange(rows * cols), cols)
    places = np.stack([across, -down], 1).astype(np.float32)
    names = tuple(f"{r + 1}, {c + 1}" for r, c in zip(down.tolist(), across.tolist(), strict=True))
    features = (colors.astype(np.float32) / 127.5 - 1).astype(np.float32)
    return made(picture.name, rows * cols, edges.T, names=names, weights=weights, places=places, colors=colors,
                features=features)  # fmt: skip
