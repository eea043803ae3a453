"""The engine: what comes first, what is kept, what is begun anew, and what a hover costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engines.core.errors import LabError
from engines.core.protocol import Job, Progress
from engines.mixing import engine as module
from engines.mixing.engine import Engine
from engines.mixing.spec import NOWHERE, AskedParams, Mixed, MixingParams, Nets, Photo


@pytest.fixture(scope="module")
def engine():
    return Engine()


def asked(engine, **fields):
    job = Job(AskedParams(**{"probes": 2} | fields), lambda: engine, lambda event: None)
    return list(engine.run(job))


def answers(engine, **fields):
    return [event for event in asked(engine, **fields) if isinstance(event, Mixed)]


def test_subjects_then_one_probe_then_the_row_then_more_probes(engine):
    told = [event for event in asked(engine, probes=3) if not isinstance(event, Progress)]
    assert [type(event) for event in told] == [Nets, Photo, Mixed, Mixed, Mixed, Mixed]
    frames = told[2:]
    assert [frame.left.matrix.probes for frame in frames] == [1, 1, 2, 3]
    assert [frame.left.line.exact for frame in frames] == [False, True, True, True]
    assert frames[0].left.matrix.error == -1  # nobody knows yet
    assert 0 < frames[-1].left.matrix.error < frames[2].left.matrix.error * 1.2
    assert told[0].left.blocks == told[0].right.blocks == 6
    assert frames[-1].right.measures.zeros == 256 * 240  # windows of 16 among 256


def test_a_hover_asks_for_one_row_and_no_probe(engine, monkeypatch):
    before = answers(engine, probes=3)[-1]
    monkeypatch.setattr(module.Probing, "advance", None)  # no probe is made
    first, last = answers(engine, probes=3, hovered=(0.1, 0.9))
    token = first.left.line.token
    assert token == 1 + 7
    assert not first.left.line.exact
    np.testing.assert_array_equal(first.left.line.values, before.left.matrix.values[token])
    assert last.left.line.exact
    assert last.left.matrix is before.left.matrix
    again = answers(engine, probes=3, hovered=(0.1, 0.9))
    assert again[0].left.line is last.left.line  # found once
    assert answers(engine, probes=3, hovered=NOWHERE)[-1].left.line.token == 0  # the class token
    assert answers(engine, probes=3)[-1].left.line.token == before.left.line.token


def test_an_exact_row_is_near_its_probes(engine):
    side = answers(engine, probes=24)[-1].left
    probed = side.matrix.values[side.line.token]
    assert np.median(np.abs(probed - side.line.values) / side.line.values) < 0.1


def test_a_question_that_is_cut_short_goes_on_where_it_stood(engine):
    fields = {"first": 2, "last": 2, "probes": 4}
    whole = answers(Engine(), **fields)[-1]
    steps = engine.run(Job(AskedParams(**fields), lambda: engine, lambda event: None))
    for event in steps:
        if isinstance(event, Mixed) and event.left.matrix.probes == 2:
            break
    steps.close()
    told = answers(engine, **fields)
    assert told[0].left.matrix.probes == 3
    np.testing.assert_array_equal(told[-1].left.matrix.values, whole.left.matrix.values)
    assert answers(engine, **fields | {"probes": 2})[-1].left.matrix.probes == 2  # fewer: all anew
    assert [frame.left.matrix.probes for frame in answers(engine, **fields | {"probes": 3})][-1] == 3


def test_a_row_that_was_over_when_its_question_was_cut_short_is_told(engine):
    fields = {"first": 3, "last": 3}
    whole = answers(Engine(), **fields)[-1].left.line
    fresh = Engine()
    steps = fresh.run(Job(AskedParams(**fields), lambda: fresh, lambda event: None))
    for event in steps:
        if isinstance(event, Progress) and str(event.text).startswith("Row of token") and event.done == event.total:
            break
    else:
        pytest.fail("no row came to its end")
    steps.close()
    told = answers(fresh, **fields)[-1].left.line
    assert told.exact
    np.testing.assert_array_equal(told.values, whole.values)


def test_without_the_stream_only_the_diagonal_changes(engine):
    plain, bare = (answers(engine, skip=skip)[-1].left for skip in (True, False))
    own = plain.matrix.own
    assert plain.matrix.skips
    np.testing.assert_allclose(bare.matrix.values[~own], plain.matrix.values[~own], rtol=1e-3)  # the same probes
    assert (np.abs(bare.matrix.values - plain.matrix.values)[own] > 0.3).all()
    token = plain.line.token
    assert bare.line.exact
    assert bare.line.values[token] < plain.line.values[token] - 1  # ‖J − 1‖ and ‖J‖, of 128 numbers


def test_blocks_end_with_what_a_net_has(engine):
    last = answers(engine, first=6, last=24, other="moco-cifar10", skip=False)[-1]
    for side in (last.left, last.right):
        assert (side.matrix.first, side.matrix.last) == (6, 6)
    assert not last.right.matrix.skips  # a ReLU after the sum: nothing to take away
    assert last.right.matrix.values.shape == (16, 16)
    assert last.right.measures.attention == ""
    assert answers(engine, first=1, last=6)[-1].right.matrix.values.shape == (16, 256)


def test_a_dear_row_is_found_by_probes_of_its_own(monkeypatch):
    monkeypatch.setattr(module, "DEAR", 1)
    line = answers(Engine(), first=3, last=3)[-1].left.line
    assert not line.exact
    assert 0 < line.error < 0.3


def test_the_same_net_on_both_sides_is_one(engine):
    last = answers(engine, other="mini-vit", probes=3)[-1]
    assert last.left.matrix is last.right.matrix


def test_what_goes_wrong_in_a_net_bears_its_name(monkeypatch):
    real = module.nets.load

    def spoiled(source, device):
        mixer = real(source, device)
        if source == "mini-swin":
            mixer._net.block(0).fc2.weight.fill_(np.inf)
        return mixer

    monkeypatch.setattr(module.nets, "load", spoiled)
    with pytest.raises(LabError, match=r"mini-swin: The gradients are not finite\."):
        asked(Engine())
    monkeypatch.setattr("engines.vit.mixing.MOST", 40)
    with pytest.raises(LabError, match=r"mini-vit: This model makes 65 tokens"):
        asked(Engine())


def test_what_mixes_nothing_is_refused_by_name(engine):
    with pytest.raises(LabError, match="nobody here can tell how it mixes"):
        asked(engine, other="toy-detr")


def test_the_slider_that_moves_takes_the_other_one_along():
    start = MixingParams(first=2, last=3)
    later = dataclasses.replace(start, first=5).following(start)
    assert (later.first, later.last) == (5, 5)
    earlier = dataclasses.replace(start, last=1).following(start)
    assert (earlier.first, earlier.last) == (1, 1)
    swapped = answers(Engine(), first=5, last=2)[-1].left.matrix
    assert (swapped.first, swapped.last) == (5, 5)
    assert MixingParams(first=4, last=2).following(MixingParams(first=4, last=2)).last >= 2  # from a file
