"""Rows of graphs: a GAT beside torch_geometric's, an edited edge until it is answered, the graph painted anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

if TYPE_CHECKING:
    from engines.gnn.graph import Graph

THREADS = 1
NODES, EDGES, FEATURES, HEADS, WIDTH = 10_000, 100_000, 64, 8, 8
SHOWN = (1_000, 5_000)  # nodes and edges of the graph on screen
WITHIN = 3e-6


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("gnn", "GAT 8 × 8, 10,000 nodes, 100,000 edges, forward and backward", attention, most_ratio=1.0),
        Row("gnn-edit", "an edge of 1,000 nodes, 5,000 edges edited, until answered, p99", editing, most=16),
        Row("gnn-paint", "that graph painted anew", painting, least=60),
    ]


def attention(repeats: int = 5) -> Measured:
    """Forward and backward, with gradients to nodes and parameters, in one run with torch_geometric."""
    import torch
    from torch_geometric.nn import GATConv as Theirs

    from engines.gnn import GATConv

    torch.set_num_threads(THREADS)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(NODES, FEATURES, generator=generator, requires_grad=True)
    edges = torch.randint(0, NODES, (2, EDGES), generator=generator)
    after = torch.randn(NODES, HEADS * WIDTH, generator=generator)
    ours = GATConv(FEATURES, WIDTH, HEADS, generator=generator)
    theirs = Theirs(FEATURES, WIDTH, heads=HEADS)
    theirs.load_state_dict(ours.state_dict())

    def mine() -> None:
        torch.autograd.grad(ours(x, edges)[0], (x, *ours.parameters()), after)

    def his() -> None:
        torch.autograd.grad(theirs(x, edges), (x, *theirs.parameters()), after)

    with torch.no_grad():
        apart = float((ours(x, edges)[0] - theirs(x, edges)).abs().max())
    spent = interleaved(mine, his, repeats=repeats, warm_up=1)
    return versus(*spent, sound=apart <= WITHIN, note=f"apart by at most {apart:.1e}")


def shown() -> Graph:
    """The graph of the other two rows."""
    import numpy as np

    from engines.gnn.graph import made

    random = np.random.default_rng(0)
    pairs = random.permutation(SHOWN[0] * (SHOWN[0] - 1) // 2)[: SHOWN[1]]
    first, second = np.triu_indices(SHOWN[0], 1)
    return made("random", SHOWN[0], np.stack([first[pairs], second[pairs]], 1))


def editing(changes: int = 120, warm_up: int = 5) -> Measured:
    """p99 from the changed settings to the messages, the engine alone; the slowest of three kinds of layer."""
    import torch

    from engines.core.protocol import Job
    from engines.gnn.spec import OWN, WatchParams
    from engines.gnn.watch.engine import Engine
    from engines.gnn.watch.spec import Messages

    torch.set_num_threads(THREADS)
    graph, found = shown(), {}
    for kind in ("GCN", "GAT", "GATv2"):
        engine, spent = Engine(), []
        for index in range(changes + warm_up):
            params = WatchParams(own=graph, sample=OWN, kind=kind, edits=((0, 1 + index, 1.0), (5, 9, 0.0)))
            start = time.perf_counter()
            for event in engine.run(Job(params, lambda engine=engine: engine, lambda _event: None)):
                if isinstance(event, Messages):
                    spent.append(1000 * (time.perf_counter() - start))
                    break
        found[kind] = quantile(spent[warm_up:], 0.99)
    slowest = max(found, key=lambda kind: found[kind])
    return Measured(found[slowest], "ms", note=f"slowest: {slowest}", details=found)


def painting(frames: int = 60) -> Measured:
    """Pictures a second of a view in which one node after another is moved, each painted before the next."""
    import numpy as np
    from PySide6.QtWidgets import QApplication

    from app.launch import start
    from app.plots.graphview import GraphView, class_brushes
    from engines.gnn.graph import arcs
    from main import arguments

    qapp, _ = start(arguments(["--theme", "light", "--lang", "en"]))
    graph = shown()
    view = GraphView(editable=True)
    view.resize(600, 600)
    edges, weights = arcs(graph)
    places = np.random.default_rng(0).uniform(-1, 1, (graph.nodes, 2))
    view.set_places(places)
    view.set_edges(edges[:, : SHOWN[1]], weights[: SHOWN[1]], False)
    view.set_nodes(graph.names, class_brushes(graph.labels))
    view.show()
    qapp.processEvents()
    began = time.perf_counter()
    for _ in range(frames):
        view.viewport().update()
        QApplication.processEvents()
    still = frames / (time.perf_counter() - began)
    began = time.perf_counter()
    for frame in range(frames):
        places[frame] += 0.01
        view.set_places(places)
        QApplication.processEvents()
    moved = frames / (time.perf_counter() - began)
    view.close()
    view.deleteLater()
    return Measured(still, "/s", note=f"{moved:.0f} a second while a node is dragged", details={"dragged": moved})
