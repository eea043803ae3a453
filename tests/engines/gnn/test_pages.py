"""What the engines of the pages answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.core.protocol import Job
from engines.gnn import samples
from engines.gnn.coloring import refine
from engines.gnn.depth.engine import smoothing
from engines.gnn.depth.spec import COMMUNITIES, KARATE, PATH, RING, DepthParams, DepthPoint
from engines.gnn.depth.training import Trainer as DepthTrainer
from engines.gnn.equalities.engine import Engine as Equalities
from engines.gnn.equalities.spec import BOUNDS, EqualitiesParams
from engines.gnn.graph import arcs, hops, made
from engines.gnn.grids import grid_edges
from engines.gnn.layout import spread
from engines.gnn.limits.engine import compare
from engines.gnn.limits.spec import COUNTS, CYCLES, NEAR, PAIRS, PRISM, RINGS, SHARES
from engines.gnn.masks import of_mask
from engines.gnn.spec import GraphParams, WatchParams
from engines.gnn.static_or_dynamic.training import LookupRun
from engines.gnn.subject import Subjects
from engines.gnn.train.spec import TrainLook, TrainStep, labels_of
from engines.gnn.train.training import Run, Trainer
from engines.gnn.watch.engine import Engine as Watch
from engines.gnn.watch.spec import GraphInfo, Layout, Messages


def told(engine, params):
    return list(engine.run(Job(params, lambda: engine, lambda _event: None)))


# ------------------------------------------------------------------ graphs
def test_arcs_edits_and_directions():
    graph = made("g", 4, [(0, 1), (1, 2), (3, 3)], weights=np.array([1, 2, 3], np.float32))
    both, weights = arcs(graph)
    assert both.T.tolist() == [[0, 1], [1, 2], [3, 3], [1, 0], [2, 1]]
    assert weights.tolist() == [1, 2, 3, 1, 2]
    one, weights = arcs(graph, directed=True, weighted=False, edits=((1, 0, 1.0), (1, 2, 0.0), (9, 1, 1.0)))
    assert one.T.tolist() == [[0, 1], [3, 3], [1, 0]]
    assert weights.tolist() == [1, 1, 1]
    both, _ = arcs(graph, edits=((1, 0, 0.0), (0, 3, 2.0)))  # undirected: 1, 0 is 0, 1
    assert both.T.tolist() == [[1, 2], [3, 3], [0, 3], [2, 1], [3, 0]]


def test_hops_go_against_the_messages():
    edges = np.array([[0, 1, 3], [1, 2, 2]])
    assert hops(edges, 5, 2).tolist() == [2, 1, 0, 1, -1]


def test_samples_are_what_they_are_called():
    known = {
        "Karate club": (34, 78), "Les Misérables": (77, 254), "Ring": (9, 9), "Path": (9, 8), "Grid": (9, 12),
        "Complete graph": (9, 36),
    }  # fmt: skip
    for name, (nodes, edges) in known.items():
        graph = samples.sample(name, 9, 0.3, 0.1, 0)
        assert (graph.nodes, graph.edges.shape[1]) == (nodes, edges), name
        assert len(np.unique(graph.edges, axis=1).T) == edges
    two = samples.sample("Two communities", 200, 0.3, 0.1, 0)
    inside = two.labels[two.edges[0]] == two.labels[two.edges[1]]
    assert 0.27 < inside.sum() / (2 * 100 * 99 / 2) < 0.33
    assert 0.08 < (~inside).sum() / 100**2 < 0.12
    assert grid_edges(3, 3).shape[1] == 2 * 20
    assert grid_edges(1, 1).shape == (2, 0)


def test_a_mask_is_a_graph():
    allowed = np.tril(np.ones((3, 3), bool))
    graph = of_mask(allowed, "causal")
    assert graph.directed
    back = np.zeros((3, 3), bool)
    back[graph.edges[1], graph.edges[0]] = True
    np.testing.assert_array_equal(back, allowed)
    other = of_mask(np.array([[True, False, True]]), "cross")
    assert other.names == ("k1", "k2", "k3", "q1")
    assert other.edges.T.tolist() == [[0, 3], [2, 3]]


def test_layouts_fit_and_are_the_same_again():
    graph = samples.sample("Karate club", 9, 0, 0, 0)
    first, again = (list(spread(graph, 1))[-1] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first).max() == pytest.approx(1, abs=1e-5)
    joined = np.linalg.norm(first[graph.edges[0]] - first[graph.edges[1]], axis=1).mean()
    every = np.linalg.norm(first[:, None] - first, axis=-1).mean()
    assert joined < 0.7 * every


# ------------------------------------------------------------------ watch
@pytest.mark.parametrize("kind", ["GCN", "GAT", "Max"])
def test_messages_are_those_of_the_edited_graph(kind):
    engine = Watch()
    params = WatchParams(sample="Karate club", kind=kind, heads=2)
    info, messages, *layouts = told(engine, params)
    assert isinstance(info, GraphInfo)
    assert all(isinstance(each, Layout) for each in layouts)
    assert isinstance(messages, Messages)
    assert messages.coefficients.shape == (messages.edges.shape[1], 2 if kind == "GAT" else 1)
    into = np.zeros((34, messages.coefficients.shape[1]))
    np.add.at(into, messages.edges[1], messages.coefficients)
    if kind != "GCN":
        np.testing.assert_allclose(into, 1, atol=1e-6)
    again = told(engine, WatchParams(sample="Karate club", kind=kind, heads=2, edits=((0, 1, 0.0), (0, 33, 1.0))))
    assert again[0] is info
    pairs = {tuple(pair) for pair in again[1].edges.T.tolist()}
    assert not pairs & {(0, 1), (1, 0)}
    assert {(0, 33), (33, 0)} <= pairs


# ------------------------------------------------------------------ runs
def test_two_labels_color_the_karate_club():
    subjects = Subjects()
    right = {}
    for edges in (True, False):
        params = GraphParams(edges=edges)
        run = Run(subjects.graph(params), params)
        for _ in range(50):
            run.step(params.rate)
        right[edges] = run.accuracy()
    assert right[True] > 0.9
    assert right[False] < 0.75


def test_each_class_of_a_graph_has_a_label():
    graph = made("", 8, [], np.array([0, 1, 2, 3, 4, 5, 6, 6]), classes=tuple("ABCDEFG"))
    assert labels_of(graph, None) == tuple((n, n) for n in range(7))


def test_a_run_tells_and_goes_on():
    trainer = Trainer()
    params = GraphParams(run=1, until=7, kind="GAT", heads=2, layers=1, labeled=((3, 0), (30, 1), (5, 2)))
    began, first, *rest = told(trainer, params)
    assert began.classes == ("Mr. Hi", "Officer", "C")
    assert [e.step for e in rest if isinstance(e, TrainStep)] == list(range(1, 8))
    look = next(e for e in rest if isinstance(e, TrainLook))
    assert first.embedding.shape == (34, 2)
    into = np.zeros((34, 2))
    np.add.at(into, look.edges[1], look.weights.astype(float))
    np.testing.assert_allclose(into, 1, atol=5e-3)  # told as float16
    assert [(type(e), e.step) for e in told(trainer, GraphParams(run=1, until=8))] == [(TrainStep, 8), (TrainLook, 8)]


def test_depth_trains_one_net_after_another(monkeypatch):
    monkeypatch.setattr("engines.gnn.depth.training.EPOCHS", 2)
    found = [e for e in told(DepthTrainer(), DepthParams(run=1, until=4, cure="PairNorm")) if isinstance(e, DepthPoint)]
    assert [point.depth for point in found] == [1, 2]
    assert all(0 <= point.accuracy <= 1 and 0 <= point.cosine <= 1 + 1e-5 for point in found)


def walk_of(graph):
    """D^−1 (A + I): a walk that goes to a neighbor or stays, all alike."""
    found = samples.sample(graph, 34, 0.3, 0.03, 0)
    joined = np.eye(found.nodes)
    edges, _ = arcs(found, weighted=False)
    joined[edges[1], edges[0]] = 1
    return joined / joined.sum(1, keepdims=True)


@pytest.mark.parametrize("graph", [KARATE, COMMUNITIES, RING, PATH])
def test_smoothing_stays_below_its_bound(graph):
    found = smoothing(samples.sample(graph, 34, 0.3, 0.03, 0), 0)
    assert (found.distance <= found.bound * (1 + 1e-5) + 1e-6).all()
    assert found.distance[-1] < found.distance[0]
    averaging, x = walk_of(graph), np.random.default_rng(0).standard_normal((34, 16))  # by its own definition
    degrees = 1 / averaging.diagonal()[:, None]
    plain = skipped = x / degrees**0.5
    for k in range(5):
        for y, told_of in ((plain, found.apart), (skipped, found.apart_skips)):
            rest = y - y.mean(0)
            assert told_of[k] == pytest.approx(((rest**2).sum() / (y**2).sum()) ** 0.5, rel=1e-5)
        plain, skipped = averaging @ plain, skipped + averaging @ skipped
    if graph == KARATE:
        assert found.apart[-1] < 1e-2 < found.apart_skips[-1]
        assert found.second == pytest.approx(0.896, abs=2e-3)
        assert found.cosine[-1] > 0.999


def test_a_gat_ranks_keys_alike_and_gatv2_need_not():
    gat, gatv2 = (LookupRun(kind, 1, 3, 0) for kind in ("GAT", "GATv2"))
    for number in range(30):
        gat.step(number)
        gatv2.step(number)
    assert gat.seen()[1] == 1
    right, alike, weights = gatv2.seen()
    assert right > 0.5
    assert alike < 0.5
    assert weights.shape == (1, 3, 3)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 3), atol=1e-6, rtol=0)


# ------------------------------------------------------------------ limits and equalities
def test_colors_are_those_of_the_neighbors():
    path = np.array([[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]])
    assert [each.tolist() for each in refine(path, 4)] == [[0, 0, 0, 0], [0, 1, 1, 0]]
    assert [each.tolist() for each in refine(path, 4, np.array([5, 1, 1, 1]), 1)] == [[0, 1, 1, 1], [0, 1, 2, 3]]


@pytest.mark.parametrize("depth", [1, 3])
def test_equal_colors_give_equal_outputs_and_sums_tell_more(depth):
    for name in PAIRS:
        found = compare(name, depth, 0)
        assert all(apart <= NEAR for apart in found.nodes.values()), name
        if name in (CYCLES, RINGS, PRISM):
            assert found.same(-1)
            assert all(apart <= NEAR for apart in found.outputs.values()), (name, found.outputs)
        else:
            assert not found.same(-1)
            assert found.outputs["Sum"] > 0.01
            assert found.outputs["GIN"] > 0.01
    for name in (COUNTS, SHARES):
        found = compare(name, depth, 0)
        assert found.outputs["Max"] <= NEAR, name
    assert compare(COUNTS, depth, 0).outputs["Mean"] <= NEAR


@pytest.mark.parametrize("nodes", [25, 40])
def test_all_equalities_hold(nodes):
    (found,) = told(Equalities(), EqualitiesParams(nodes=nodes, layers=2, seed=1))
    assert all(apart <= bound for apart, bound in zip(found.apart, BOUNDS, strict=True)), found.apart
    assert found.cells[1] == (int(nodes**0.5) - 4) ** 2
    assert 0 < found.right[3].mean() < 1
    assert torch.is_grad_enabled()
