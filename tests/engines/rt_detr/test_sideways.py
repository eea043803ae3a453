"""Detectors side by side: the same scenes for all, the tables that come along, and noised copies with their mask."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from engines.blocks.differences import QUANTILES, difference
from engines.core.errors import LabError
from engines.core.keeping import Keeping
from engines.core.protocol import Job, Progress
from engines.core.training import Finished
from engines.data import detector_pictures
from engines.data.learners import Lesson
from engines.data.scenes import KINDS
from engines.detr.training.learner import DetrLearner
from engines.rt_detr import bundled_runs
from engines.rt_detr.class_target.spec import TargetParams
from engines.rt_detr.class_target.trainer import Trainer as TargetTrainer
from engines.rt_detr.compared import AP50, CORRELATION, SWITCHED, ArmsBegan, ArmsLook, ArmsStep, Beforehand, steps_to
from engines.rt_detr.convergence.spec import ConvergenceParams
from engines.rt_detr.convergence.trainer import Trainer, learners
from engines.rt_detr.denoising_queries.engine import noised
from engines.rt_detr.denoising_queries.spec import QUERIES, NoiseParams
from engines.rt_detr.training.learner import RtDetrLearner
from tests.engines.resuming import check, drive


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch, one_thread):
    monkeypatch.setattr(detector_pictures, "VALIDATION", 6)
    monkeypatch.setattr(detector_pictures, "WATCHED", 2)


def events(trainer, params):
    return [e for e in trainer.run(Job(params, lambda: trainer, lambda event: None)) if not isinstance(e, Progress)]


def test_all_arms_see_the_same_scenes():
    mine = learners(ConvergenceParams())
    assert [one.title for one in mine] == ["RT-DETR", "RT-DETR", "DETR"]
    batches = [one.run.data.batch(3) for one in mine]
    for others in batches[1:]:
        for one, other in zip(batches[0], others, strict=True):
            np.testing.assert_array_equal(one.rgb, other.rgb)
    assert len({one.run.data.size for one in mine}) == 1
    for others in zip(*(one.run.data.validation for one in mine), strict=True):
        assert len(set(map(id, others))) == 1  # those that all are measured on are drawn once
    assert len(learners(ConvergenceParams(beside=False))) == 2


def test_a_run_looks_at_every_arm(monkeypatch):
    trainer = Trainer()
    monkeypatch.setattr(Trainer, "last", 2)
    monkeypatch.setattr(Trainer, "look_every", 1)
    got = events(trainer, ConvergenceParams(run=1, until=2))
    began = next(e for e in got if isinstance(e, ArmsBegan))
    assert (len(began.names), began.classes, began.validation) == (3, KINDS, 6)
    assert [e.step for e in got if isinstance(e, ArmsStep)] == [1, 2]
    assert isinstance(got[-1], Finished)
    first, second = (e for e in got if isinstance(e, ArmsLook))
    assert first.figures.shape == (6, 3, 1)
    assert (first.figures[SWITCHED] == -1).all()  # nothing to compare with yet
    assert (second.figures[SWITCHED] >= 0).all()
    assert (second.figures[CORRELATION, 2] == -1).all()  # a DETR chooses nothing
    assert all(0 < a < b for a, b in zip(first.seconds, second.seconds, strict=True))
    for arm in range(3):
        assert [len(o) for o in second.owners[arm]] == [len(example.labels) for example in began.examples]
    assert second.points[0].shape == (2, 6 * 12)


def test_targets_begin_alike_and_part():
    """From one seed: the first look at the encoder's scores differs by the target alone."""
    trainer = TargetTrainer()
    rows = trainer.arms(TargetParams(seeds=2, seed=5))
    start = [[one.run.kept().arrays["score_head.weight"] for one in row] for row in rows]
    for seed in range(2):
        np.testing.assert_array_equal(start[0][seed], start[1][seed])
    assert not np.array_equal(start[0][0], start[0][1])
    for row in rows:
        assert len(list(row[0].step())) > 0
    after = [row[0].run.kept().arrays["score_head.weight"] for row in rows]
    assert not np.array_equal(after[0], after[1])


def test_steps_to_a_goal_lie_between_two_looks():
    steps, values = np.array([10, 20, 30]), np.array([0.1, 0.3, 0.7], np.float32)
    assert steps_to(steps, values, 0.5) == pytest.approx(25)
    assert steps_to(steps, values, 0.05) == 10
    assert np.isnan(steps_to(steps, values, 0.8))
    dips = np.array([0.6, 0.4, 0.6], np.float32)
    assert steps_to(steps, dips, 0.5) == 10
    assert steps_to(steps, dips, 0.5, stays=True) == pytest.approx(25)
    assert np.isnan(steps_to(steps, dips[::-1] - 0.2, 0.5, stays=True))


def test_a_difference_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(3)
    one, other = rng.random(5), rng.random(5)
    found = difference(one, other)
    interval = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((interval.low, interval.high), rel=1e-3)
    assert pytest.approx([stats.t.ppf(0.975, n) for n in range(1, 10)], abs=5e-4) == QUANTILES


def test_tables_that_come_along_are_read_or_refused(tmp_path, monkeypatch):
    def run(value):
        return {"looks": [{"step": s, "seconds": s / 2, "ap50": value * s} for s in (1, 2)], "points": [[0.5, 0.25]]}

    table = {"runs": {"a": [run(0.1), run(0.3)], "b": [run(0.2)]}, "command": "x"}
    (tmp_path / "t.json").write_text(json.dumps(table))
    monkeypatch.setattr(bundled_runs, "assets", lambda name: tmp_path)
    found = bundled_runs.read("t.json", {"a": "A", "b": "B"}, {"command": "Command"})
    assert found is not None
    assert found.names == ("A", "B")
    assert found.figures.shape == (2, 6, 2, 1)  # the one seed that both have
    np.testing.assert_allclose(found.figures[:, AP50, :, 0], [[0.1, 0.2], [0.2, 0.4]])
    assert (found.figures[:, CORRELATION] == -1).all()
    np.testing.assert_allclose(found.points[0], [[0.5], [0.25]])
    assert bundled_runs.read("none.json", {"a": "A"}, {}) is None
    (tmp_path / "p.json").write_text(json.dumps({"parts": {"one": table["runs"]}}))
    assert bundled_runs.read("p.json", {"a": "A"}, {}, "one") is not None
    assert bundled_runs.read("p.json", {"a": "A"}, {}, "two") is None
    for broken in ("{", '{"runs": {"a": []}}', '{"runs": {"b": []}}', '{"runs": {"a": [{"looks": 3}]}}'):
        (tmp_path / "t.json").write_text(broken)
        with pytest.raises(LabError, match=r"t\.json"):
            bundled_runs.read("t.json", {"a": "A"}, {})


@pytest.mark.parametrize("changes", [{}, {"groups": 1}, {"scene": 7, "groups": 4}, {"box_noise": 0, "label_noise": 0}])
def test_copies_and_mask_are_what_they_say(changes):
    params = replace(NoiseParams(), **changes)
    found = noised(params)
    groups, things = params.groups, len(found.true_labels)
    assert found.boxes.shape == (groups, 2, things, 4)
    size = 2 * things
    for row in range(len(found.mask)):  # counted out, query by query
        for column in range(len(found.mask)):
            mine, theirs = (at // size if at < groups * size else None for at in (row, column))
            assert found.mask[row, column] == (theirs is None or mine == theirs)
    assert len(found.mask) == groups * size + QUERIES
    good, bad = found.ious[:, 0], found.ious[:, 1]
    if params.box_noise:
        assert good.mean() > bad.mean()
        half = found.true_boxes[:, 2:] / 2
        corners = [np.concatenate([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], -1)
                   for b in (found.boxes[:, 0], found.true_boxes)]  # fmt: skip
        moved = np.abs(corners[0] - corners[1].clip(0, 1))
        assert (moved <= np.tile(half, 2) + 2e-3).all()
    else:
        np.testing.assert_allclose(found.ious, 1, atol=2e-3)
        np.testing.assert_array_equal(found.labels, np.broadcast_to(found.true_labels, found.labels.shape))


def test_a_lesson_reaches_the_learners():
    one, other = (learners(ConvergenceParams(seed=seed))[0].run for seed in (0, 1))
    assert not np.array_equal(one.kept().arrays["score_head.weight"], other.kept().arrays["score_head.weight"])
    assert one.params.batch == Lesson("", True, 16, 1e-3, 0).batch


class Small(Trainer):
    """An RT-DETR and a DETR on two pictures a step."""

    look_every = 2

    def arms(self, params):
        lesson = Lesson(params.scenes, True, 2, params.learning_rate, params.seed)
        return [[RtDetrLearner(lesson, groups=1)], [DetrLearner(lesson)]]

    def begun(self, params, learners):
        return ArmsBegan(("a", "b"), 1, (), (), (), 0)


def test_a_run_goes_on_from_the_disk_also_in_the_middle_of_a_step_and_of_a_look(tmp_path):
    def timed(told):  # what the clock says
        return {**told, "spent": ()} if isinstance(told, dict) else told

    drive(killed := Small(), ConvergenceParams(run=1, until=1))
    job = Job(ConvergenceParams(run=1, until=2), lambda: killed, print)
    kinds = [event.text.text if isinstance(event, Progress) else type(event).__name__ for event in killed.run(job)]
    between, looking = kinds.index("ArmsStep") - 1, kinds.index("Validating") + 1
    assert killed._learners[0][0].made == killed._learners[1][0].made == 2
    plain = ConvergenceParams()
    check(Small, lambda until, run: replace(plain, until=until, run=run), 1, 3, tmp_path / "x",
          more=(between, looking), timed=timed)  # fmt: skip


def test_a_kept_run_tells_its_looks_again_and_what_was_run_beforehand_once(tmp_path, monkeypatch):
    monkeypatch.setattr(Small, "look_every", 1)
    monkeypatch.setattr("engines.core.keeping.REST", 0.0)
    params = ConvergenceParams(keep=str(tmp_path / "run.npz"), run=1, until=2)
    first = Keeping(Small())
    before = drive(first, params)
    first.close()
    again = Keeping(Small())
    told = drive(again, replace(params, resume=True, run=2, until=3))
    again.close()
    looks = [e for e in told if isinstance(e, ArmsLook)]
    assert [look.step for look in looks] == [1, 2, 3]
    for one, other in zip([e for e in before if isinstance(e, ArmsLook)], looks, strict=False):
        np.testing.assert_array_equal(one.figures, other.figures)
        assert one.seconds == other.seconds
    assert looks[2].seconds[0] > looks[1].seconds[0]  # it goes on counting
    assert [type(e) for e in told if isinstance(e, ArmsBegan | Beforehand)] == [ArmsBegan, Beforehand]
    other = Keeping(TargetTrainer())  # the file of another page's run
    with pytest.raises(LabError, match="can't be read"):
        drive(other, TargetParams(keep=params.keep, resume=True, run=1, until=1))
