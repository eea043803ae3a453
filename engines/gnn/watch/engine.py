"""Answers the page "Watch": the graph, its layout, and the messages of a layer with weights of its seed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.gnn import layout
from engines.gnn.edges import with_loops
from engines.gnn.graph import Floats, Graph, arcs, none
from engines.gnn.layers import GATConv, GATv2Conv, GCNConv
from engines.gnn.nets import Net
from engines.gnn.spec import GCN, WatchParams
from engines.gnn.subject import Subjects, features
from engines.gnn.watch.spec import GraphInfo, Layout, Messages

HIDDEN = 16


class Engine:
    """Yields `GraphInfo`, `Messages`, and `Layout` until it is good."""

    def __init__(self) -> None:
        self._subjects = Subjects()
        self._infos: Memo[GraphInfo] = Memo()
        self._features: Memo[Tensor] = Memo()
        self._nets: Memo[Net] = Memo()
        self._layouts: Memo[Layout] = Memo()

    def run(self, job: Job[WatchParams]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        params = job.params
        graph = self._subjects.graph(params)
        yield self._infos.get(graph, lambda: GraphInfo(graph))
        yield self._messages(graph, params)
        key = graph, params.seed

        def laid() -> Generator[Event, None, Layout]:
            last = None
            for places in layout.spread(graph, params.seed):
                if last is not None:
                    yield last
                last = Layout(places)
            assert last is not None
            return last

        yield (yield from self._layouts.get_in_steps(key, laid))

    @torch.no_grad()
    def _messages(self, graph: Graph, params: WatchParams) -> Messages:
        x = self._features.get((graph, params.seed), lambda: features(graph, params.seed))
        key = graph, params.kind, params.heads, params.layers, params.seed
        net = self._nets.get(key, lambda: Net(params.kind, x.shape[1], HIDDEN, HIDDEN, params.layers, params.heads,
                                              seed=params.seed).eval())  # fmt: skip
        numbers, given = arcs(graph, params.directed or graph.directed, params.weighted, params.edits)
        edges, weights = torch.from_numpy(numbers), torch.from_numpy(given)
        first, at = net.layers[0], x
        sent, scores = values(first, x), none(0, 0)
        told: tuple[Tensor, Tensor] | None = None  # edges of the first layer, and their weights
        shared = first.hood(edges, graph.nodes) if isinstance(first, GATConv) else None
        for number, one in enumerate(net.layers):
            if shared is not None and isinstance(one, GATConv):
                out, raw, used = one.along(at, shared[1])
                if told is None:
                    told, scores = (shared[0], shared[1].given(used)), shared[1].given(raw).numpy()
            else:
                out, along, used = one(at, edges, weights) if params.kind == GCN else one(at, edges)
                told = told or (along, used)
            at = net.act(out) if number + 1 < len(net.layers) else out
        assert told is not None
        looped, each = with_loops(edges, graph.nodes, weights if params.kind == GCN else torch.ones_like(weights))
        assert each is not None
        degree = torch.zeros(graph.nodes).index_add(0, looped[1], each)
        return Messages(params.kind, graph.nodes, numbers, given, told[0].numpy(), told[1].numpy(), scores,
                        sent.numpy(), degree.numpy(), principal(at))  # fmt: skip


def values(layer: torch.nn.Module, x: Tensor) -> Tensor:
    """The first number of what each node sends, x (N, F) -> (N,)."""
    if isinstance(layer, GATv2Conv):
        return layer.lin_l(x)[:, 0]
    if isinstance(layer, GATConv | GCNConv):
        return layer.lin(x)[:, 0]
    return x[:, 0]


def principal(x: Tensor) -> Floats:
    """First principal component of nodes (N, C), (N,); its largest number is positive."""
    if len(x) < 2:
        return none(len(x))
    middle = x - x.mean(0)
    _, vectors = torch.linalg.eigh(middle.T @ middle)
    found = middle @ vectors[:, -1]
    return (found * torch.sign(found[found.abs().argmax()] + 1e-12)).numpy()
