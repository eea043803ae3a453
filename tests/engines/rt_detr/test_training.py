"""The live trainer: same seed, same run; what it tells is what the model says; it goes on where it was left."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.core.protocol import Job, Progress
from engines.core.training import Kept
from engines.data import detector_pictures
from engines.data.detector_training import UP_TO_8
from engines.data.scene_sets import VALIDATION, scenes
from engines.data.scenes import KINDS
from engines.rt_detr.agreement import agreement
from engines.rt_detr.checkpoint import load_checkpoint
from engines.rt_detr.class_target.beforehand import look
from engines.rt_detr.evaluate import layer_precisions, scene_pixels
from engines.rt_detr.training.measures import answers, covered, switched
from engines.rt_detr.training.run import PIECE, Run
from engines.rt_detr.training.spec import (
    BUNDLED,
    IOU,
    MOST_GROUPS,
    RANDOM,
    SMALL,
    TOY,
    Measured,
    Now,
    RtDetrTraining,
    RunBegan,
    TrainStep,
)
from engines.rt_detr.training.trainer import Trainer

TINY = RtDetrTraining(queries=5, batch=4)


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch, one_thread):
    monkeypatch.setattr(detector_pictures, "VALIDATION", 8)
    monkeypatch.setattr(detector_pictures, "WATCHED", 3)


def steps(run: Run, count: int) -> list[TrainStep]:
    told = [run.advance() for _ in range(count)]
    assert None not in told
    return [one for one in told if one is not None]


def events(trainer: Trainer, params: RtDetrTraining) -> list:
    job = Job(params, lambda: trainer, lambda event: None)
    return [e for e in trainer.run(job) if not isinstance(e, Progress)]


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("changes", [{}, {"groups": 0, "target": IOU, "begin": RANDOM, "averaged": False}])
def test_the_same_seed_gives_the_same_run(changes):
    params = replace(TINY, **changes)
    first, second = Run(params), Run(params)
    told, again = steps(first, 2), []
    for _ in range(2):
        torch.rand(7)  # others draw from the common generator
        second.now(1)  # looking changes nothing
        again += steps(second, 1)
    assert told == again
    assert same(first.kept().arrays, second.kept().arrays)
    assert steps(Run(replace(params, seed=1)), 2) != told


def test_a_step_that_is_given_up_half_way_is_made_anew():
    params = replace(TINY, batch=12)  # two pieces, each with its own noise
    assert PIECE[SMALL] < 12
    run, plain = Run(params), Run(params)
    half = run.parts(params)
    next(itertools.islice(half, 2, None))  # in the second piece
    half.close()
    assert run.step == 0
    assert steps(run, 2) == steps(plain, 2)


def test_a_run_that_is_read_back_makes_the_very_steps():
    run = Run(replace(TINY, batch=12))
    steps(run, 1)
    half = run.parts(run.params)
    next(half)
    half.close()  # killed in the middle of a step
    state = pickle.loads(pickle.dumps(run.state()))
    other = Run(run.params)
    other.load(state)
    assert other.step == 1
    assert steps(other, 2) == steps(run, 2)
    assert same(other.kept().arrays, run.kept().arrays)


def test_a_run_tells_in_order():
    trainer = Trainer()
    got = events(trainer, replace(TINY, run=1, until=5))
    assert [type(e) for e in got][:4] == [RunBegan, Measured, Kept, Now]
    assert [e.step for e in got if isinstance(e, TrainStep)] == [1, 2, 3, 4, 5]
    assert (
        [e.step for e in got if isinstance(e, Measured)]
        == [e.weights.step for e in got if isinstance(e, Kept)]
        == [0, 5]
    )
    began = got[0]
    assert began.classes == KINDS
    assert sum(h * w for h, w in began.shapes) == 84
    assert began.learned < began.parameters
    for event in got:
        pickle.loads(pickle.dumps(event))
    assert isinstance(events(trainer, replace(TINY, run=2, until=0))[0], RunBegan)


def test_frozen_stages_stay_and_the_rest_moves():
    run = Run(TINY)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    steps(run, 2)
    moved = {name for name, value in run.model.state_dict().items() if not torch.equal(value, before[name])}
    apart = {
        name for name in before if name.startswith(("backbone.stages.0", "backbone.stages.1", "backbone.stages.2"))
    }
    assert not moved & apart
    assert any(name.startswith("backbone.stages.3") for name in moved)
    assert {"score_head.weight", "decoder.class_heads.1.weight"} <= moved
    assert set(run.kept().arrays) == set(before) - apart
    assert set(run.made.frozen) == apart


def test_the_averaged_weights_are_what_is_kept():
    run = Run(TINY)
    name = "score_head.bias"
    mean = run.model.state_dict()[name].clone()
    for step in (1, 2, 3):
        steps(run, 1)
        mean = mean.lerp(run.model.state_dict()[name], 1 - (step + 1) / (step + 10))
    np.testing.assert_allclose(run.kept().arrays[name], mean.numpy(), atol=1e-7)


def test_bundled_weights_begin_as_the_bundled_model():
    run = Run(replace(TINY, begin=BUNDLED, model=TOY, queries=24, scenes=UP_TO_8))
    pixels = scene_pixels(np.stack([sample.rgb for sample in run.data.validation[:4]]))
    ours, theirs = answers(run.average, pixels), load_checkpoint("toy-rt-detr")(pixels)
    assert torch.allclose(ours.boxes, theirs.boxes, atol=2e-4)
    assert torch.allclose(ours.logits, theirs.logits, atol=5e-3)


def test_target_and_groups_reach_the_loss():
    one, iou, none = (Run(replace(TINY, **changes)) for changes in ({}, {"target": IOU}, {"groups": 0}))
    told, other, alone = (steps(run, 1)[0] for run in (one, iou, none))
    assert (told.l1, told.giou) == pytest.approx((other.l1, other.giou))
    assert told.ce != pytest.approx(other.ce)
    assert told.denoising > 0
    assert alone.denoising == 0
    assert told.decoder == pytest.approx(alone.decoder, rel=1e-5)  # denoising queries are seen by none of the others


def test_there_are_no_more_denoising_queries_than_the_setting_says():
    run = Run(replace(TINY, groups=MOST_GROUPS))
    for objects, groups in ((8, MOST_GROUPS), (15, 6)):
        targets = [{"labels": torch.zeros(objects, dtype=torch.int64), "boxes": torch.full((objects, 4), 0.3)}]
        made = run.denoising.make(targets, 12)
        assert made.groups == groups
        assert made.labels.shape[1] == groups * 2 * objects <= 200


def test_what_is_measured_is_what_the_model_says():
    run = Run(TINY)
    steps(run, 3)
    run.due = run.step
    assert list(run.measuring()) == [None]  # 8 pictures at once
    assert run.measured is not None
    said = answers(run.average, run._pixels(run.data.validation))
    scores, ious = [], []
    for picture in range(8):
        truth = run.data.validation[picture].boxes
        for query in range(5):
            cx, cy, w, h = said.own_boxes[picture, query].tolist()
            mine = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
            wide = np.clip(np.minimum(mine[2:], truth[:, 2:]) - np.maximum(mine[:2], truth[:, :2]), 0, None).prod(-1)
            ious.append((wide / (w * h + (truth[:, 2:] - truth[:, :2]).prod(-1) - wide)).max())
            scores.append(said.own_logits[picture, query].sigmoid().max().item())
    np.testing.assert_allclose(run.measured.ious, ious, atol=1e-5)
    np.testing.assert_allclose(run.measured.scores, scores, atol=1e-6)
    assert run.measured.correlation == pytest.approx(stats.pearsonr(scores, ious).statistic, abs=1e-5)
    owners = run.measured.found[0].owned_places
    assert set(owners.tolist()) <= set(said.places[run.watched[0]].tolist()) | {-1}


def test_a_picture_without_objects_covers_nothing():
    run = Run(TINY)
    said = answers(run.average, run._pixels(run.data.validation[:1]))
    none = {"labels": torch.zeros(0, dtype=torch.int64), "boxes": xyxy_to_cxcywh(torch.zeros(0, 4))}
    assert not covered(said, [none])[1].any()


def test_agreement_is_that_of_scipy_and_of_counting():
    rng = np.random.default_rng(0)
    scores, ious = rng.random(200).astype(np.float32), rng.random(200).astype(np.float32)
    told = agreement(scores, ious)
    assert told.correlation == pytest.approx(
        stats.pearsonr(scores.astype(float), ious.astype(float)).statistic, abs=1e-12
    )
    high = [(s, i) for s, i in zip(scores, ious, strict=True) if s > 0.5]
    assert told.high == len(high) / 200
    assert told.both == sum(i > 0.5 for _, i in high) / 200
    assert told.kept == sum(i > 0.5 for _, i in high) / len(high)
    assert agreement(np.zeros(3, np.float32), ious[:3]) == agreement(np.zeros(3, np.float32), np.ones(3, np.float32))
    assert vars(agreement(np.zeros(0, np.float32), np.zeros(0, np.float32))) == dict.fromkeys(vars(told), 0.0)


def test_switches_are_counted_by_object():
    before = [np.array([3, 4]), np.array([], np.int64), np.array([-1])]
    assert switched([], before) == -1
    assert switched(before, before) == 0
    assert switched(before, [np.array([3, 5]), np.array([], np.int64), np.array([7])]) == pytest.approx(2 / 3)


def test_the_script_looks_as_the_evaluation_does():
    """Two ways to the same figures: by layers on scenes, and by what the live pages measure with."""
    held_out, net = scenes(VALIDATION, 30), load_checkpoint("toy-rt-detr")
    figures, owners, points = look(net, held_out, batch=16)
    each = layer_precisions(net, held_out)
    assert figures["ap50_encoder"] == pytest.approx(each[0].ap50, abs=1e-6)
    assert (figures["ap"], figures["ap50"]) == pytest.approx((each[-1].ap, each[-1].ap50), abs=1e-6)
    assert [len(each) for each in owners] == [len(scene.labels) for scene in held_out]
    assert points.shape == (30 * 24, 2)
