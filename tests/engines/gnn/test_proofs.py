"""What the pages claim, over seeds and depths; longer than the suite may take."""

from __future__ import annotations

import statistics

import pytest

from engines.gnn.depth.spec import EPOCHS, PLAIN, RESIDUAL
from engines.gnn.depth.training import Data, DepthRun
from engines.gnn.spec import GraphParams
from engines.gnn.static_or_dynamic.spec import STEPS as LOOKUPS
from engines.gnn.static_or_dynamic.training import LookupRun
from engines.gnn.subject import Subjects
from engines.gnn.train.spec import STEPS
from engines.gnn.train.training import Run

pytestmark = pytest.mark.proof


def karate(edges):
    found, subjects = [], Subjects()
    for seed in range(10):
        params = GraphParams(seed=seed, edges=edges)
        run = Run(subjects.graph(params), params)
        for _ in range(STEPS):
            run.step(params.rate)
        found.append(run.accuracy())
    return statistics.fmean(found)


def test_two_labels_are_enough_with_edges_and_not_without(one_thread):
    with_edges, without = karate(True), karate(False)
    print(f"with edges {with_edges:.3f}, without {without:.3f}")
    assert with_edges >= 0.93
    assert 0.35 <= without <= 0.65


def test_depth_and_its_cure(one_thread):
    data = Data(0)
    found = {}
    for depth, cure in ((2, PLAIN), (4, PLAIN), (16, PLAIN), (16, RESIDUAL)):
        run = DepthRun(data, depth, cure)
        for number in range(EPOCHS):
            run.step(number)
        found[depth, cure] = run.figures()[0]
    print(found)
    assert max(found[2, PLAIN], found[4, PLAIN]) >= 0.90
    assert found[16, PLAIN] <= 0.40
    assert found[16, RESIDUAL] >= 0.75


def test_gatv2_looks_words_up_and_gat_with_one_head_does_not(one_thread):
    found = {}
    for kind, heads in (("GATv2", 1), ("GAT", 1), ("GAT", 8)):
        run = LookupRun(kind, heads, 8, 0)
        for number in range(LOOKUPS):
            run.step(number)
        found[kind, heads] = run.seen()[:2]
    print(found)
    assert found["GATv2", 1][0] >= 0.99
    assert found["GAT", 1][0] <= 0.2
    assert found["GAT", 1][1] == 1
    assert found["GAT", 8][0] >= 0.9
