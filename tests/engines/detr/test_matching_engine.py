"""The engine of "Matching": scipy's optimum of the matrix it shows, bars that sum up to the set loss, odd scenes."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from transformers.loss.loss_rt_detr import RTDetrLoss

from engines.core.protocol import Job
from engines.detr import HungarianMatcher, SetCriterion
from engines.detr.matching.engine import Engine, sigmoid_logits
from engines.detr.matching.scenes import (
    CROWD,
    FOUR,
    INFINITE,
    NO_AREA,
    NOTHING,
    SCENES,
    TOO_MANY,
    UNDEFINED,
    Guess,
    MatchingScene,
    crowd_scene,
    logits_of,
    probabilities_of,
    scene_of,
    with_probability,
)
from engines.detr.matching.spec import DETR, RT_DETR, MatchingParams
from engines.detr.objects import object_name
from tests.closeness import about


@pytest.fixture
def engine():
    return Engine()


def ask(engine, params):
    (frame,) = engine.run(Job(params, lambda: engine, lambda event: None))
    for name, value in vars(frame).items():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all(), name
    return frame


def with_weights(preset, scene):
    focal, by_class, by_box, by_giou = preset
    return MatchingParams(scene, class_cost=by_class, bbox_cost=by_box, giou_cost=by_giou, focal=focal)


def tensors(scene):
    logits = torch.tensor([guess.logits for guess in scene.guesses], dtype=torch.float32)
    boxes = torch.tensor([guess.box for guess in scene.guesses])
    labels = torch.tensor([thing.label for thing in scene.things], dtype=torch.int64)
    return logits, boxes, labels, torch.tensor([thing.box for thing in scene.things]).reshape(-1, 4)


@pytest.mark.parametrize("preset", [DETR, RT_DETR, (False, 0.0, 1.0, 0.0), (True, 0.3, 0.0, 7.0)])
@pytest.mark.parametrize("name", [FOUR, CROWD, TOO_MANY, NO_AREA])
def test_the_matrix_is_the_matcher_s_and_the_assignment_is_its_optimum(engine, preset, name):
    scene = scene_of(name)
    found = ask(engine, with_weights(preset, scene))
    logits, boxes, labels, true = tensors(scene)
    focal, *weights = preset
    matcher = HungarianMatcher(*weights, focal=focal)
    expected = matcher.cost_matrix(sigmoid_logits(logits) if focal else logits, boxes, labels, true)
    assert np.array_equal(found.total, expected.total.numpy())
    rows, cols = linear_sum_assignment(found.total)
    assert sorted(zip(rows.tolist(), cols.tolist(), strict=True)) == sorted(map(tuple, found.pairs.tolist()))
    assert found.cost == pytest.approx(found.total[rows, cols].sum(dtype=np.float64))
    assert found.greedy_cost >= found.cost - 1e-5
    for pairs in (found.pairs, found.greedy):
        assert len(pairs) == min(found.total.shape)
        assert len(set(pairs[:, 0].tolist())) == len(set(pairs[:, 1].tolist())) == len(pairs)


def test_greedy_takes_the_cheapest_first_and_pays_for_it(engine):
    found = ask(engine, MatchingParams())
    assert found.pairs.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert found.greedy.tolist() == [[1, 0], [0, 1], [2, 2], [3, 3]]
    taken = found.greedy[found.order].tolist()
    costs = [found.total[row, col] for row, col in taken]
    assert costs == sorted(costs)
    assert found.greedy_cost - found.cost > 1
    assert ask(engine, MatchingParams(scene_of(CROWD))).greedy_cost > ask(engine, MatchingParams(scene_of(CROWD))).cost


@pytest.mark.parametrize("eos", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("name", [FOUR, CROWD, TOO_MANY, NOTHING])
def test_the_bars_sum_up_to_the_set_loss(engine, name, eos):
    scene = scene_of(name)
    found = ask(engine, MatchingParams(scene, eos_coef=eos))
    logits, boxes, labels, true = tensors(scene)
    criterion = SetCriterion(len(scene.labels), HungarianMatcher(1, 5, 2), eos)
    said = criterion({"logits": logits[None], "boxes": boxes[None]}, [{"labels": labels, "boxes": true}])
    by_class = 0.0 if eos == 0 and name == NOTHING else float(said["loss_ce"])  # a mean of nothing is none
    assert found.loss[:, 0].sum() + found.none.sum() == about(by_class)
    assert found.loss[:, 1].sum() == about(5 * float(said["loss_bbox"]))
    assert found.loss[:, 2].sum() == about(2 * float(said["loss_giou"]))
    assert (found.none[found.pairs[:, 0]] == 0).all()


@pytest.mark.parametrize("name", [FOUR, CROWD, TOO_MANY, NO_AREA, NOTHING])
def test_with_the_focal_cost_the_bars_sum_up_to_the_loss_of_rt_detr(engine, name):
    scene = scene_of(name)
    found = ask(engine, with_weights(RT_DETR, scene))
    logits, boxes, labels, true = tensors(scene)
    config = SimpleNamespace(
        num_labels=len(scene.labels), matcher_class_cost=2.0, matcher_bbox_cost=5.0, matcher_giou_cost=2.0,
        use_focal_loss=True, matcher_alpha=0.25, matcher_gamma=2.0, weight_loss_vfl=1.0, weight_loss_bbox=5.0,
        weight_loss_giou=2.0, eos_coefficient=1e-4, focal_loss_alpha=0.75, focal_loss_gamma=2.0,
    )  # fmt: skip
    outputs = {"logits": sigmoid_logits(logits)[None], "pred_boxes": boxes[None]}
    said = RTDetrLoss(config)(outputs, [{"class_labels": labels, "boxes": true}])
    assert found.loss[:, 0].sum() + found.none.sum() == about(float(said["loss_vfl"]))
    assert found.loss[:, 1].sum() == about(float(said["loss_bbox"]))
    assert found.loss[:, 2].sum() == about(float(said["loss_giou"]))
    assert (found.none[found.pairs[:, 0]] == 0).all()
    assert ask(engine, replace(found.params, eos_coef=0.7)).total_loss == found.total_loss  # it has no such class


def test_what_is_odd_is_said_and_never_raised(engine):
    assert ask(engine, MatchingParams(scene_of(NOTHING))).notes[0].text.startswith("No object")
    crowd = ask(engine, MatchingParams(scene_of(TOO_MANY)))
    assert crowd.notes[0].values == {"objects": 4, "predictions": 2, "left": 2}
    flat = scene_of(NO_AREA)
    assert str(ask(engine, MatchingParams(flat)).notes[0]).startswith("Object A has no area")
    both = replace(flat, guesses=(replace(flat.guesses[0], box=(0.5, 0.5, 0.1, 0.0)),))
    notes = [str(note) for note in ask(engine, MatchingParams(both)).notes]  # odd in two ways: both are said
    assert notes[0].startswith("4 objects, 1 prediction:")
    assert notes[1].startswith("2 boxes have no area (Object A ...)")
    nobody = replace(scene_of(FOUR), guesses=())
    assert ask(engine, MatchingParams(nobody)).notes[0].text.startswith("No prediction")
    assert ask(engine, MatchingParams(MatchingScene((), ()))).total.shape == (0, 0)
    assert ask(engine, MatchingParams(scene_of(UNDEFINED))).error.values == {"n": 3}
    assert ask(engine, MatchingParams(scene_of(INFINITE))).error.values == {"n": 2}
    for bad in (math.inf, -math.inf):
        guesses = (replace(nobody_else(), logits=(bad,) * 7), nobody_else())
        assert ask(engine, MatchingParams(replace(scene_of(FOUR), guesses=guesses))).error.values == {"n": 1}
    nothing = MatchingParams(class_cost=0.0, bbox_cost=0.0, giou_cost=0.0)
    assert "zero" in ask(engine, nothing).error.text
    assert ask(engine, MatchingParams()).error is None  # and the next is well again


def nobody_else():
    return scene_of(FOUR).guesses[1]


@pytest.mark.parametrize("name", SCENES)
def test_frames_cross_threads_and_scenes_are_the_same_each_time(engine, name):
    scene = scene_of(name)
    assert pickle.loads(pickle.dumps(ask(engine, MatchingParams(scene)))).total.shape[0] in (0, len(scene.guesses))
    assert crowd_scene() == crowd_scene()
    for thing in scene.things:
        assert all(low >= 0 and high <= 1 for low, high in edges(thing.box))


def edges(box):
    return [(box[i] - box[2 + i] / 2, box[i] + box[2 + i] / 2) for i in range(2)]


def test_a_probability_that_is_set_leaves_the_others_their_proportions():
    guess = Guess((0.5, 0.5, 0.1, 0.1), logits_of([0.5, 0.3, 0.1, 0.1]))
    p = probabilities_of(with_probability(guess, 1, 0.65).logits)
    assert p == pytest.approx([0.25, 0.65, 0.05, 0.05])
    for value in (0.0, 1.0):  # no logit becomes infinite
        p = probabilities_of(with_probability(guess, 2, value).logits)
        assert p.sum() == pytest.approx(1)
        assert np.isfinite(with_probability(guess, 2, value).logits).all()
        assert p[2] == pytest.approx(value, abs=1e-3)
    broken = replace(guess, logits=(math.nan,) * 4)
    assert np.isfinite(with_probability(broken, 0, 0.4).logits).all()
    assert [object_name(i) for i in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
