"""Layers against torch_geometric on graphs of all kinds, and what they promise by themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks.mixing import mixing_matrix
from engines.gnn import AggregateConv, GATConv, GATv2Conv, GCNConv, GINConv
from engines.gnn.edges import Neighborhood, softmax, weighted_sum
from engines.gnn.graph import hops
from engines.gnn.nets import Net

NEAR = 3e-6
FEATURES, WIDTH, HEADS = 5, 4, 3


def edges(*pairs):
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T


def random_edges(nodes, count, seed=0):
    return torch.randint(0, nodes, (2, count), generator=torch.Generator().manual_seed(seed))


GRAPHS = {
    "random": (20, random_edges(20, 60)),  # directed, with double edges and loops
    "isolated": (5, edges((0, 1), (1, 0), (1, 2))),
    "double": (3, edges((0, 1), (0, 1), (1, 2), (0, 1))),
    "loops": (4, edges((1, 1), (0, 1), (1, 1), (2, 3), (3, 3))),
    "without edges": (3, edges()),
    "one node": (1, edges()),
    "one node with loops": (1, edges((0, 0), (0, 0))),
    "no node": (0, edges()),
}
geometric = pytest.importorskip("torch_geometric.nn")


@pytest.fixture(params=GRAPHS, scope="module")
def graph(request):
    nodes, found = GRAPHS[request.param]
    x = torch.randn(nodes, FEATURES, generator=torch.Generator().manual_seed(1))
    weights = torch.rand(found.shape[1], generator=torch.Generator().manual_seed(2)) + 0.1
    return x, found, weights


def compared(ours, theirs, x, found, *more, attends=True):
    """Outputs, edges and weights of both, and the gradients to the nodes and to all parameters."""
    theirs.load_state_dict(ours.state_dict())
    mine, his = (x.clone().requires_grad_() for _ in range(2))
    out, along, weights = ours(mine, found, *more)
    if attends:
        want, (expected, alpha) = theirs(his, found, *more, return_attention_weights=True)
        torch.testing.assert_close(along, expected)
        torch.testing.assert_close(weights, alpha, atol=NEAR, rtol=0)
    else:
        want = theirs(his, found, *more)
    torch.testing.assert_close(out, want, atol=NEAR, rtol=0)
    if len(x):
        for each in (out, want):
            each.square().sum().backward()
        torch.testing.assert_close(mine.grad, his.grad, atol=2e-5, rtol=1e-4)
        named = dict(theirs.named_parameters())
        for name, value in ours.named_parameters():
            torch.testing.assert_close(value.grad, named[name].grad, atol=1e-4, rtol=1e-4)
    return along, weights


@pytest.mark.parametrize("concat", [True, False])
@pytest.mark.parametrize("kind", [GATConv, GATv2Conv])
def test_attention_is_that_of_torch_geometric(graph, kind, concat):
    x, found, _ = graph
    ours = kind(FEATURES, WIDTH, HEADS, concat=concat, generator=torch.Generator().manual_seed(3))
    torch.nn.init.normal_(ours.bias)
    theirs = getattr(geometric, kind.__name__)(FEATURES, WIDTH, heads=HEADS, concat=concat)
    along, weights = compared(ours, theirs, x, found)
    into = torch.zeros(len(x), HEADS).index_add(0, along[1], weights.detach())
    torch.testing.assert_close(into, torch.ones_like(into), atol=1e-6, rtol=0)


@pytest.mark.parametrize("weighted", [False, True])
def test_gcn_is_that_of_torch_geometric(graph, weighted):
    from torch_geometric.nn.conv.gcn_conv import gcn_norm

    x, found, weights = graph
    more = (weights,) if weighted else ()
    ours = GCNConv(FEATURES, WIDTH, torch.Generator().manual_seed(3))
    along, entries = compared(ours, geometric.GCNConv(FEATURES, WIDTH), x, found, *more, attends=False)
    if len(x):
        expected, norm = gcn_norm(found, weights if weighted else None, len(x))
        torch.testing.assert_close(along, expected)
        torch.testing.assert_close(entries[:, 0], norm, atol=NEAR, rtol=0)


@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_aggregates_are_those_of_torch_geometric(graph, how):
    x, found, _ = graph
    between = found[:, found[0] != found[1]]  # theirs keeps loops, ours replaces them
    ours = AggregateConv(FEATURES, WIDTH, how, torch.Generator().manual_seed(3))
    out, along, weights = ours(x, found)
    want = ours.lin(geometric.SimpleConv(how, combine_root="self_loop")(x, between))
    torch.testing.assert_close(out, want, atol=NEAR, rtol=0)
    if how != "sum":
        into = torch.zeros(len(x), 1).index_add(0, along[1], weights)
        torch.testing.assert_close(into, torch.ones_like(into), atol=1e-6, rtol=0)


def test_gin_is_that_of_torch_geometric(graph):
    x, found, _ = graph
    ours = GINConv(FEATURES, WIDTH, torch.Generator().manual_seed(3))
    with torch.no_grad():
        ours.eps.fill_(0.3)
    theirs = geometric.GINConv(ours.nn, eps=0.3)
    torch.testing.assert_close(ours(x, found)[0], theirs(x, found), atol=NEAR, rtol=0)


def test_parameters_are_named_as_theirs():
    for ours, theirs in (
        (GCNConv(FEATURES, WIDTH), geometric.GCNConv(FEATURES, WIDTH)),
        (GATConv(FEATURES, WIDTH, HEADS), geometric.GATConv(FEATURES, WIDTH, heads=HEADS)),
        (GATv2Conv(FEATURES, WIDTH, HEADS), geometric.GATv2Conv(FEATURES, WIDTH, heads=HEADS)),
    ):
        mine, his = ({name: tuple(value.shape) for name, value in each.state_dict().items()} for each in (ours, theirs))
        assert mine == his


def test_large_scores_do_not_overflow():
    hood = Neighborhood(edges((0, 1), (1, 1), (2, 1), (0, 0), (2, 2)), 3)
    weights = hood.given(softmax(torch.tensor([[1e4], [1e4 - 1], [-1e4], [5.0], [-5.0]])[hood.order], hood))
    torch.testing.assert_close(weights[:, 0], torch.tensor([0.7310586, 0.2689414, 0, 1, 1]), atol=1e-6, rtol=0)


def test_scores_in_pieces_are_the_same(monkeypatch):
    x, found = torch.randn(20, FEATURES, generator=torch.Generator().manual_seed(0)), random_edges(20, 60)
    layer = GATv2Conv(FEATURES, WIDTH, HEADS, generator=torch.Generator().manual_seed(3))
    want = layer(x, found)
    monkeypatch.setattr("engines.gnn.layers.SCORED", 7)
    with torch.no_grad():
        for mine, expected in zip(layer(x, found), want, strict=True):
            torch.testing.assert_close(mine, expected, atol=1e-6, rtol=0)


def test_the_way_without_scipy_is_the_same(monkeypatch):
    x = torch.randn(20, HEADS, WIDTH, generator=torch.Generator().manual_seed(0))
    hood = Neighborhood(random_edges(20, 60), 20)
    weights = torch.rand(60, HEADS, generator=torch.Generator().manual_seed(1))
    want = torch.zeros_like(x).index_add(0, hood.target, weights[:, :, None] * x[hood.source])
    torch.testing.assert_close(weighted_sum(weights, x, hood), want, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["GCN", "Mean", "Max", "GAT", "GATv2", "GIN"])
def test_layers_see_exactly_as_many_hops(kind):
    nodes, layers = 12, 2
    ring = edges(*((n, (n + 1) % nodes) for n in range(nodes)))
    found = torch.cat([ring, ring.flip(0)], 1)
    net = Net(kind, 3, 6, 6, layers, seed=1).double().eval()
    x = torch.randn(1, nodes, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def function(tokens):
        count = len(tokens)
        joined = (found[:, None] + nodes * torch.arange(count)[:, None]).reshape(2, -1)
        return net(tokens.flatten(0, 1), joined).view(count, nodes, -1)

    hangs = (mixing_matrix(function, x)[0] != 0).numpy()
    far = np.stack([hops(found.numpy(), nodes, n) for n in range(nodes)])
    assert not hangs[far > layers].any()
    if kind != "Max":  # a largest number may come from others alone
        np.testing.assert_array_equal(hangs, far <= layers)
