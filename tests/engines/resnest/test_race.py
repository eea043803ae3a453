"""The race: nets of as many parameters, the same batches for all, and what is said of their accuracies."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.core.training import Finished
from engines.resnest.race import beforehand
from engines.resnest.race.measures import difference, equal_time, standing
from engines.resnest.race.nets import SIZES, RaceNet
from engines.resnest.race.spec import KINDS, STEPS, Beforehand, RaceBegan, RaceLook, RaceParams, RaceStep
from engines.resnest.race.training import TRAINED, Pictures, Runner, Trainer


def test_all_kinds_have_as_many_parameters():
    counts = [sum(p.numel() for p in RaceNet(kind, 0).parameters()) for kind in KINDS]
    assert max(counts) / min(counts) < 1.002
    assert [SIZES[kind][0] for kind in KINDS] == [0, 1, 2]
    for kind in KINDS:
        assert RaceNet(kind, 0)(torch.zeros(2, 3, 8, 8)).shape == (2, 10)


def test_what_is_held_out_is_never_trained_on():
    pictures = Pictures(3)
    assert len(pictures._pixels) == TRAINED
    assert len(pictures.held_out[0]) == 1797 - TRAINED
    held = {tuple(each.flatten().tolist()) for each in pictures.held_out[0][:, 0]}
    assert not held & {tuple(each.flatten().tolist()) for each in pictures._pixels[:, 0]}


def test_one_kind_against_another_by_hand():
    found = difference(np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.6, 0.8]))
    assert found.mean == pytest.approx(0.1)
    assert found.half == pytest.approx(0, abs=1e-9)
    assert found.sign == 1
    found = difference(np.array([0.1, 0.3]), np.array([0.2, 0.2]))  # −0.1 and +0.1: standard error 0.1
    assert (found.mean, found.half) == (pytest.approx(0), pytest.approx(1.2706, abs=1e-3))
    assert found.sign == 0
    assert difference(np.array([0.1, 0.12, 0.11]), np.array([0.5, 0.5, 0.5])).sign == -1


def test_the_quantiles_are_students():
    """Of the density of t, integrated."""
    for degrees, bound in enumerate((12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262), 1):
        x = np.linspace(-bound, bound, 200_001)
        density = (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
        angles = np.linspace(-np.pi / 2, np.pi / 2, 200_001)  # the whole integral, by x = √ν tan θ
        whole = np.sqrt(degrees) * np.trapezoid(np.cos(angles) ** (degrees - 1), angles)
        assert np.trapezoid(density, x) / whole == pytest.approx(0.95, abs=2e-4)
        assert difference(np.arange(degrees + 1.0), np.zeros(degrees + 1)).half == pytest.approx(
            bound * np.arange(degrees + 1.0).std(ddof=1) / np.sqrt(degrees + 1)
        )


def test_at_equal_time_the_slower_ones_have_made_fewer_steps():
    steps = np.array([0, 10, 20])
    accuracy = np.array([[[0.0, 0.1]] * 3, [[0.5, 0.5]] * 3, [[0.9, 0.8]] * 3], np.float32)
    time, found = equal_time(steps, accuracy, (1.0, 2.0, 4.0))
    assert time == 20
    np.testing.assert_allclose(found, [[0.9, 0.8], [0.5, 0.5], [0.25, 0.3]])
    made = standing(steps, accuracy, (1.0, 2.0, 4.0))
    assert [one.mean for one in made.after_steps] == [0, 0]
    assert made.after_time[1].mean == pytest.approx(-0.575)


def told(params, trainer=None):
    return list((trainer or Trainer()).run(Job(params, Trainer, lambda event: None)))


def test_a_run_tells_its_steps_and_ends(monkeypatch, one_thread):
    for name, small in (("STEPS", 3), ("BATCH", 4), ("LOOK_EVERY", 2)):
        monkeypatch.setattr(f"engines.resnest.race.training.{name}", small)
    trainer = Trainer()
    first = told(RaceParams(run=1, until=2, seeds=2), trainer)
    rest = told(RaceParams(run=1, until=9, seeds=2), trainer)
    assert [event.step for event in first if isinstance(event, RaceStep)] == [1, 2]
    assert [event.step for event in rest if isinstance(event, RaceStep)] == [3]
    assert isinstance(rest[-1], Finished)
    assert [event.step for event in first if isinstance(event, RaceLook)] == [0, 2]
    look = [event for event in first if isinstance(event, RaceLook)][-1].standing
    assert look.accuracy.shape == (2, 3, 2)
    assert min(look.seconds) > 0
    assert isinstance(first[0], RaceBegan)
    again = told(RaceParams(run=5, until=2, seeds=2))
    assert [e.losses for e in again if isinstance(e, RaceStep)] == [e.losses for e in first if isinstance(e, RaceStep)]


def test_each_kind_learns(one_thread):
    pictures = Pictures(0)
    for kind in KINDS:
        runner = Runner(kind, 0)
        losses = [runner.step(number, *pictures.draw()) for number in range(25)]
        assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3, kind


def test_the_race_that_comes_along_is_whole(tmp_path, monkeypatch):
    found = beforehand.read()
    assert isinstance(found, Beforehand)
    assert found.standing.steps[-1] == STEPS
    assert found.standing.accuracy.shape[1:] == (3, 8)
    assert found.standing.accuracy[-1].min() > 0.5
    monkeypatch.setattr(beforehand, "assets", lambda folder: tmp_path)
    assert beforehand.read() is None
    for text in ("{", json.dumps({"steps": [0], "accuracy": [[[0.1], [0.1], [0.1]]], "seconds": [1, 1, 1]})):
        (tmp_path / beforehand.FILE).write_text(text)
        with pytest.raises(LabError, match="can't be read"):
            beforehand.read()


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_the_race_that_comes_along_comes_out_again(one_thread):
    found = [e for e in told(RaceParams(run=1, until=STEPS, seeds=2)) if isinstance(e, RaceLook)][-1].standing
    kept = beforehand.read().standing.accuracy[:, :, :2]
    assert np.abs(found.accuracy[-1] - kept[-1]).max() < 0.03  # another processor rounds otherwise
